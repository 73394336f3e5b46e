/* SPDX-License-Identifier: PostgreSQL */
/*
 * What an answer must be.
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"

static const char *text_of_answer(const struct answer *a)
{
    static char text[512];

    if (!a->error)
        return "no error";
    snprintf(text, sizeof(text), "%s, SQLSTATE '%s', flags %u: %s",
             elpq_code_name(a->code), a->sqlstate, a->flags,
             a->error->message);
    return text;
}

struct answer *harness_expect_ok(const char *file, int line, struct answer *a)
{
    await(a);
    ck_assert_msg(a->code == 0, "%s:%d: %s", file, line, text_of_answer(a));
    return a;
}

struct answer *harness_expect_error(const char *file, int line,
                                    struct answer *a, int code,
                                    const char *sqlstate, unsigned flags)
{
    await(a);
    ck_assert_msg(a->code == code, "%s:%d: %s expected, got %s", file, line,
                  elpq_code_name(code), text_of_answer(a));
    ck_assert_msg(strcmp(a->sqlstate, sqlstate) == 0,
                  "%s:%d: SQLSTATE '%s' expected, got %s", file, line,
                  sqlstate, text_of_answer(a));
    ck_assert_msg(a->flags == flags, "%s:%d: flags %u expected, got %s", file,
                  line, flags, text_of_answer(a));
    return a;
}

struct answer *harness_expect_message(const char *file, int line,
                                      struct answer *a, const char *part)
{
    await(a);
    ck_assert_msg(a->error && strstr(a->error->message, part),
                  "%s:%d: no '%s' in %s", file, line, part,
                  text_of_answer(a));
    return a;
}

const char *answer_text(struct answer *a)
{
    harness_expect_ok(__FILE__, __LINE__, a);
    ck_assert_uint_ge(elpq_rows(a->result), 1);
    return elpq_get_text(a->result, 0, 0);
}

int64_t answer_int(struct answer *a)
{
    int64_t value = 0;

    harness_expect_ok(__FILE__, __LINE__, a);
    ck_assert_int_eq(elpq_get_int64(a->result, 0, 0, &value), 0);
    return value;
}

struct answer *harness_expect_text(const char *file, int line,
                                   struct answer *a, const char *text)
{
    const char *got;

    harness_expect_ok(file, line, a);
    ck_assert_msg(elpq_rows(a->result) > 0, "%s:%d: no rows", file, line);
    got = elpq_get_text(a->result, 0, 0);
    ck_assert_msg((!got && !text) || (got && text && strcmp(got, text) == 0),
                  "%s:%d: '%s' expected, got '%s'", file, line,
                  text ? text : "NULL", got ? got : "NULL");
    return a;
}

struct answer *harness_expect_int(const char *file, int line,
                                  struct answer *a, int64_t number)
{
    int64_t got = 0;
    int rc;

    harness_expect_ok(file, line, a);
    rc = elpq_get_int64(a->result, 0, 0, &got);
    ck_assert_msg(rc == 0, "%s:%d: no number, but %s", file, line,
                  elpq_code_name(rc));
    ck_assert_msg(got == number, "%s:%d: %lld expected, got %lld", file, line,
                  (long long)number, (long long)got);
    return a;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * libFuzzer target: connection strings, against libpq's own parser.
 *
 * What may be shown of one says the same to libpq as the original, but for the
 * secrets, which are stars; and a pool is made of exactly those that libpq can
 * read.
 */
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "elpq/elpq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good)
{
    if (!good)
        abort();
}

static bool is_secret(const char *keyword)
{
    return strstr(keyword, "password") || strstr(keyword, "secret") ||
           strncmp(keyword, "scram_", 6) == 0;
}

static const char *value_of(const PQconninfoOption *o)
{
    return o->val ? o->val : "";
}

static void check_same(const PQconninfoOption *a, const PQconninfoOption *b)
{
    for (; a->keyword; a++, b++) {
        expect(strcmp(a->keyword, b->keyword) == 0);
        if (!is_secret(a->keyword))
            expect(strcmp(value_of(a), value_of(b)) == 0);
        else
            expect(strcmp(value_of(b), *value_of(a) ? "***" : "") == 0);
    }
}

/* What libpq takes apart in the middle of a password is refused. */
static bool check_redacted(const char *text, const PQconninfoOption *parsed)
{
    char small[8], *out;
    int length = elpq_conninfo_redact(text, small, sizeof(small));
    PQconninfoOption *again;

    expect(length == ELPQ_E_USAGE ? !*small : parsed && length >= 0);
    expect(strlen(small) < sizeof(small));
    if (length < 0)
        return false;
    out = malloc((size_t)length + 1);
    expect(out != NULL);
    expect(elpq_conninfo_redact(text, out, (size_t)length + 1) == length);
    expect(strlen(out) == (size_t)length);
    again = PQconninfoParse(out, NULL);
    expect(again != NULL);
    check_same(parsed, again);
    PQconninfoFree(again);
    free(out);
    return true;
}

/* It does not connect before it is asked for something. */
static void check_pool(struct event_base *base, const char *text, bool good)
{
    elpq_error *error = NULL;
    elpq_pool *pool = elpq_pool_new(base, text, NULL, &error);

    expect(!pool == !!error);
    expect(good || !pool);
    if (pool)
        elpq_pool_close(pool, 0, NULL, NULL);
    elpq_error_free(error);
    event_base_loop(base, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event_base *base;
    char *text = malloc(size + 1);
    PQconninfoOption *parsed;

    if (!base)
        base = event_base_new();
    expect(base && text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    parsed = PQconninfoParse(text, NULL);
    check_pool(base, text, check_redacted(text, parsed));
    PQconninfoFree(parsed);
    free(text);
    return 0;
}

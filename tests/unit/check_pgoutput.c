/* SPDX-License-Identifier: PostgreSQL */
/*
 * The decoder of pgoutput with messages that no server has sent: each kind cut
 * short at every byte, with every byte changed, with one too many, and out of
 * order.  Nothing may be read or written outside of a message, which lies in a
 * block of its own size, and what is handed out must be readable.  And LSNs as
 * text.
 */
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/pgoutput.h"

static struct elpq__pgoutput decoder;

static void setup(void)
{
    elpq__pgoutput_init(&decoder, 4, false);
}

static void teardown(void)
{
    elpq__pgoutput_free(&decoder);
}

/* ---------------------------------------------------------------- messages */

/* x: 8 bits, h: 16, w: 32, q: 64; s: a string with its NUL; anything else is
 * itself. */
static struct elpq__buf message(const char *format, ...)
{
    struct elpq__buf buf = { 0 };
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format == 'x')
            elpq__buf_add_byte(&buf, (char)va_arg(args, int));
        else if (*format == 'h')
            elpq__buf_add_int16(&buf, (uint16_t)va_arg(args, int));
        else if (*format == 'w')
            elpq__buf_add_int32(&buf, va_arg(args, uint32_t));
        else if (*format == 'q')
            elpq__buf_add_int64(&buf, va_arg(args, uint64_t));
        else if (*format == 's') {
            const char *s = va_arg(args, const char *);

            elpq__buf_add(&buf, s, strlen(s) + 1);
        } else {
            elpq__buf_add_byte(&buf, *format);
        }
    }
    va_end(args);
    ck_assert(!buf.failed);
    return buf;
}

static void read_row(const elpq_change *change, const elpq_cell *row)
{
    for (int i = 0; row && i < change->relation->ncolumns; i++) {
        elpq_string s;
        int64_t n;

        if (row[i].size >= 0)
            ck_assert_int_eq(row[i].data[row[i].size], '\0');
        elpq_cell_string(&row[i], &s);
        elpq_cell_int64(&row[i], &n);
    }
}

static size_t touch(const char *s)
{
    return s ? strlen(s) : 0;
}

/* Decodes a copy in a block of its own, as libpq would hand it over. */
static int decode(const char *data, size_t size, elpq_change *out)
{
    char *copy = malloc(size + 1);
    int code;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    copy[size] = '\0';
    code = elpq__pgoutput_decode(&decoder, copy, size, out);
    ck_assert(code == 0 || code == ELPQ_E_PROTOCOL || code == ELPQ_E_LIMIT);
    if (code == 0) {
        read_row(out, out->old_row);
        read_row(out, out->new_row);
        touch(out->name);
        touch(out->schema);
        for (int i = 0; i < out->nrelations; i++)
            touch(out->relations[i]->name);
        for (int i = 0; out->relation && i < out->relation->ncolumns; i++)
            touch(out->relation->columns[i].name);
    }
    free(copy);
    return code;
}

static void know_table(void)
{
    struct elpq__buf rel =
        message("Rwssxhxswwxsww", 77u, "public", "t", 'd', 2, 1, "id", 23u,
                0xffffffffu, 0, "name", 25u, 0xffffffffu);
    elpq_change change;

    ck_assert_int_eq(decode(rel.data, rel.size, &change), 0);
    ck_assert_int_eq(change.kind, ELPQ_CHANGE_RELATION);
    elpq__buf_free(&rel);
}

#define MESSAGES 20
static struct elpq__buf messages[MESSAGES];

static void make_messages(void)
{
    uint64_t at = 0x1600000010u;
    int i = 0;

    messages[i++] = message("Bqqw", at, at, 5u);
    messages[i++] = message("Cxqqq", 0, at, at + 8, at);
    messages[i++] = message("Oqs", at, "elsewhere");
    messages[i++] =
        message("Rwssxhxsww", 78u, "", "u", 'f', 1, 1, "id", 20u, 0xffffffffu);
    messages[i++] = message("Ywss", 9u, "public", "mood");
    messages[i++] = message("IwNhtwxbwhh", 77u, 2, 1u, '7', 4u, 1, 2);
    messages[i++] = message("UwNhtwxu", 77u, 2, 1u, '7');
    messages[i++] = message("UwKhtwxnNhtwxn", 77u, 2, 1u, '7', 2, 1u, '8');
    messages[i++] = message("DwOhtwxtwx", 77u, 2, 1u, '7', 1u, '8');
    messages[i++] = message("Twxw", 1u, 3, 77u);
    messages[i++] = message("Mxqswxx", 1, at, "prefix", 2u, 1, 2);
    messages[i++] = message("Mxqsw", 0, at, "prefix", 0u);
    messages[i++] = message("cwxqqq", 5u, 0, at, at, at);
    messages[i++] = message("Aww", 5u, 6u);
    messages[i++] = message("bqqqws", at, at, at, 5u, "gid");
    messages[i++] = message("Pxqqqws", 0, at, at, at, 5u, "gid");
    messages[i++] = message("Kxqqqws", 0, at, at, at, 5u, "gid");
    messages[i++] = message("rxqqqqws", 0, at, at, at, at, 5u, "gid");
    messages[i++] = message("pxqqqws", 0, at, at, at, 5u, "gid");
    messages[i++] = message("E");
    ck_assert_int_eq(i, MESSAGES);
}

static void free_messages(void)
{
    for (int i = 0; i < MESSAGES; i++)
        elpq__buf_free(&messages[i]);
}

START_TEST(each_is_decoded_and_none_that_is_cut_short)
{
    elpq_change change;

    make_messages();
    know_table();
    for (int i = 0; i < MESSAGES; i++) {
        struct elpq__buf *m = &messages[i];

        ck_assert_int_eq(decode(m->data, m->size, &change), 0);
        for (size_t n = 0; n < m->size; n++)
            ck_assert_int_eq(decode(m->data, n, &change), ELPQ_E_PROTOCOL);
        elpq__buf_add_byte(m, 'x');
        ck_assert_int_eq(decode(m->data, m->size, &change), ELPQ_E_PROTOCOL);
    }
    free_messages();
}
END_TEST

START_TEST(every_byte_changed)
{
    elpq_change change;

    make_messages();
    for (int i = 0; i < MESSAGES; i++) {
        struct elpq__buf *m = &messages[i];

        for (size_t at = 1; at < m->size; at++)
            for (int byte = 0; byte < 256; byte += byte < 8 ? 1 : 31) {
                char was = m->data[at];

                elpq__pgoutput_reset(&decoder);
                know_table();
                m->data[at] = (char)byte;
                decode(m->data, m->size, &change);
                m->data[at] = was;
            }
    }
    free_messages();
}
END_TEST

START_TEST(inside_of_a_stream_each_has_an_xid)
{
    struct elpq__buf start = message("Swx", 5u, 1);
    struct elpq__buf rel =
        message("Rwwssxhxsww", 6u, 78u, "p", "u", 'd', 1, 1, "id", 23u, 0u);
    struct elpq__buf row = message("IwwNhtwx", 6u, 78u, 1, 1u, '7');
    elpq_change change;

    ck_assert_int_eq(decode(start.data, start.size, &change), 0);
    ck_assert(change.streamed && change.xid == 5);
    ck_assert_int_eq(decode(rel.data, rel.size, &change), 0);
    ck_assert_int_eq(decode(row.data, row.size, &change), 0);
    ck_assert(change.streamed && change.xid == 6);
    ck_assert_int_eq(decode("E", 1, &change), 0);
    ck_assert_int_eq(decode(row.data, row.size, &change), ELPQ_E_PROTOCOL);
    elpq__buf_free(&start);
    elpq__buf_free(&rel);
    elpq__buf_free(&row);
}
END_TEST

START_TEST(changes_of_unknown_tables_and_too_many)
{
    struct elpq__buf row = message("IwNh", 99u, 0);
    elpq_change change;

    ck_assert_int_eq(decode(row.data, row.size, &change), ELPQ_E_PROTOCOL);
    elpq__buf_free(&row);
    for (uint32_t oid = 1; oid <= 5; oid++) {
        struct elpq__buf rel = message("Rwssxh", oid, "p", "t", 'd', 0);

        ck_assert_int_eq(decode(rel.data, rel.size, &change),
                         oid <= 4 ? 0 : ELPQ_E_LIMIT);
        elpq__buf_free(&rel);
    }
    ck_assert_uint_eq(decoder.nrelations, 4);
}
END_TEST

START_TEST(lsns)
{
    static const char *const bad[] = { "",     "/",    "1/",          "/1",
                                       "1/2x", " 1/2", "123456789/1", "1/2/3",
                                       "g/1",  "-1/2" };
    char text[ELPQ_LSN_SIZE];
    uint64_t lsn = 42;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(elpq_lsn_parse(bad[i], &lsn), ELPQ_E_VALUE);
    ck_assert_int_eq(elpq_lsn_parse(NULL, &lsn), ELPQ_E_VALUE);
    ck_assert_uint_eq(lsn, 42);
    ck_assert_int_eq(elpq_lsn_parse("16/b374D848", &lsn), 0);
    ck_assert_uint_eq(lsn, UINT64_C(0x16B374D848));
    ck_assert_str_eq(elpq_lsn_print(lsn, text), "16/B374D848");
    ck_assert_str_eq(elpq_lsn_print(UINT64_MAX, text), "FFFFFFFF/FFFFFFFF");
    ck_assert_str_eq(elpq_lsn_print(0, text), "0/0");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pgoutput");
    TCase *t = tcase_create("decoder");
    SRunner *runner;
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, each_is_decoded_and_none_that_is_cut_short);
    tcase_add_test(t, every_byte_changed);
    tcase_add_test(t, inside_of_a_stream_each_has_an_xid);
    tcase_add_test(t, changes_of_unknown_tables_and_too_many);
    tcase_add_test(t, lsns);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

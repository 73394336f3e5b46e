/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rows of COPY TO, taken apart: what the server may send, and what it may not.
 */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "elpq/error.h"
#include "lib/rows.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define HEAD "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define HEAD_SIZE 19

static struct elpq__rows *rows;
static struct elpq__rows_stream stream;

static void setup(void)
{
    rows = elpq__rows_new(2);
    memset(&stream, 0, sizeof(stream));
}

static void teardown(void)
{
    elpq__rows_free(rows);
}

/* Puts bytes as one message; what lies behind them must not be read. */
static size_t put(const char *bytes, size_t size)
{
    size_t done = 0, room;

    while (done < size) {
        char *p = elpq__rows_room(rows, done, &room);
        size_t n = size - done < room ? size - done : room;

        ck_assert_ptr_nonnull(p);
        memcpy(p, bytes + done, n);
        done += n;
        if (done == size)
            ASAN_POISON_MEMORY_REGION(p + n + 1, room - n);
    }
    return size;
}

static int added(int rc)
{
    if (rows->chunk)
        ASAN_UNPOISON_MEMORY_REGION(rows->chunk, ELPQ__ROWS_CHUNK);
    return rc;
}

static int binary(const char *bytes, size_t size)
{
    return added(elpq__rows_add_binary(rows, &stream, put(bytes, size)));
}

static int text_of(const char *bytes, size_t size)
{
    return added(elpq__rows_add_text(rows, put(bytes, size)));
}

static int text(const char *line)
{
    return text_of(line, strlen(line));
}

#define BINARY(bytes) binary(bytes, sizeof(bytes) - 1)

static void expect(size_t row, int column, const char *value)
{
    const struct elpq__field *f =
        &rows->fields[row * (size_t)rows->columns + (size_t)column];

    if (!value) {
        ck_assert_ptr_null(f->data);
        ck_assert_int_eq(f->size, 0);
        return;
    }
    ck_assert_ptr_nonnull(f->data);
    ck_assert_int_eq(f->size, (int)strlen(value));
    ck_assert_str_eq(f->data, value); /* and its NUL */
}

START_TEST(binary_rows)
{
    ck_assert_int_eq(BINARY(HEAD "\0\2\0\0\0\2ab\377\377\377\377"), 0);
    ck_assert_int_eq(BINARY("\0\2\0\0\0\0\0\0\0\1x"), 0);
    ck_assert_int_eq(BINARY("\377\377"), 0);
    ck_assert_uint_eq(rows->rows, 2);
    ck_assert(stream.begun && stream.ended);
    expect(0, 0, "ab");
    expect(0, 1, NULL);
    expect(1, 0, "");
    expect(1, 1, "x");
}
END_TEST

/* Several in one message, which the protocol allows. */
START_TEST(binary_rows_together)
{
    ck_assert_int_eq(BINARY(HEAD "\0\2\0\0\0\1a\0\0\0\1b"
                                 "\0\2\0\0\0\1c\0\0\0\1d\377\377"), 0);
    ck_assert_uint_eq(rows->rows, 2);
    expect(0, 1, "b");
    expect(1, 0, "c");
    expect(1, 1, "d");
}
END_TEST

START_TEST(binary_nonsense)
{
    static const struct {
        const char *bytes;
        size_t size;
    } wrong[] = {
#define WRONG(bytes) { bytes, sizeof(bytes) - 1 }
        WRONG("PGCOPY\n\377\r\n"),
        WRONG("PGCOPX\n\377\r\n\0\0\0\0\0\0\0\0\0"),
        WRONG("PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0"),
        WRONG("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\5abc"),
        WRONG(HEAD "\0"),
        WRONG(HEAD "\0\3\0\0\0\0\0\0\0\0\0\0\0\0"),
        WRONG(HEAD "\377\376"),
        WRONG(HEAD "\0\2\0\0\0"),
        WRONG(HEAD "\0\2\0\0\0\2a"),
        WRONG(HEAD "\0\2\0\0\0\1a\0\0\0\2b"),
        WRONG(HEAD "\0\2\177\377\377\377a"),
        WRONG(HEAD "\0\2\200\0\0\0a"),
        WRONG(HEAD "\0\2\377\377\377\376a"),
        WRONG(HEAD "\377\377\0\2\0\0\0\0\0\0\0\0"),
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        memset(&stream, 0, sizeof(stream));
        elpq__rows_clear(rows);
        ck_assert_msg(binary(wrong[i].bytes, wrong[i].size) ==
                          ELPQ_E_PROTOCOL, "number %d is taken", (int)i);
        ck_assert_uint_eq(rows->rows, 0);
    }
}
END_TEST

START_TEST(text_rows)
{
    ck_assert_int_eq(text("a\tb\n"), 0);
    ck_assert_int_eq(text("\\N\t\n"), 0);
    ck_assert_int_eq(text("\\t\\n\\\\N\tx\\q\\b\\f\\r\\v\n"), 0);
    ck_assert_int_eq(text("N\t\\Nx\n1\t\\N\n"), 0);
    ck_assert_uint_eq(rows->rows, 5);
    expect(0, 0, "a");
    expect(0, 1, "b");
    expect(1, 0, NULL);
    expect(1, 1, "");
    expect(2, 0, "\t\n\\N");
    expect(2, 1, "xq\b\f\r\v");
    expect(3, 0, "N");
    expect(3, 1, "Nx");
    expect(4, 0, "1");
    expect(4, 1, NULL);
}
END_TEST

START_TEST(text_nonsense)
{
    static const char *const wrong[] = { "a\tb", "a\n", "a\tb\tc\n", "\n",
                                         "a\tb\nc" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(text(wrong[i]), ELPQ_E_PROTOCOL);
    ck_assert_int_eq(text("a\tb\\\n"), 0); /* the last byte escapes nothing */
}
END_TEST

/* Beyond the chunk rows get blocks of their own; clearing starts anew. */
START_TEST(more_than_a_chunk)
{
    static const size_t sizes[] = { 50000, 15533, 50000, 3, 200000, 65536 };
    char *line = malloc(200001);

    memset(line, 'z', 200000);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 6; i++) {
            memcpy(line, "x\t", 2);
            line[sizes[i] - 1] = '\n';
            ck_assert_int_eq(text_of(line, sizes[i]), 0);
            line[sizes[i] - 1] = 'z';
        }
        ck_assert_uint_eq(rows->rows, 6);
        ck_assert_uint_eq(rows->nblocks, 4);
        for (size_t i = 0; i < 6; i++) {
            expect(i, 0, "x");
            ck_assert_int_eq(rows->fields[i * 2 + 1].size, (int)sizes[i] - 3);
        }
        elpq__rows_clear(rows);
        ck_assert_uint_eq(rows->rows + rows->bytes + rows->nblocks, 0);
    }
    free(line);
}
END_TEST

/* Valid rows with a few bytes changed, cut off anywhere: never past the end,
 * as AddressSanitizer sees. */
START_TEST(random_bytes)
{
    static const char good[] = HEAD "\0\2\0\0\0\2ab\377\377\377\377"
                                    "\0\2\0\0\0\0\0\0\0\1x\377\377";
    uint32_t random = 1;

    for (int i = 0; i < 20000; i++) {
        char bytes[sizeof(good)];
        size_t size;

        memcpy(bytes, good, sizeof(good));
        for (int n = 0; n < 3; n++) {
            random = random * 1664525 + 1013904223;
            bytes[(random >> 8) % sizeof(bytes)] = (char)(random >> 24);
        }
        size = (random >> 4) % sizeof(bytes);
        memset(&stream, 0, sizeof(stream));
        elpq__rows_clear(rows);
        binary(bytes, size);
        stream.begun = true;
        binary(bytes + HEAD_SIZE, sizeof(bytes) - HEAD_SIZE - 1);
        text_of(bytes, size);
        for (size_t f = 0; f < rows->rows * 2; f++)
            if (rows->fields[f].data)
                ck_assert_int_eq(rows->fields[f].data[rows->fields[f].size],
                                 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rows");
    TCase *t = tcase_create("rows");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, binary_rows);
    tcase_add_test(t, binary_rows_together);
    tcase_add_test(t, binary_nonsense);
    tcase_add_test(t, text_rows);
    tcase_add_test(t, text_nonsense);
    tcase_add_test(t, more_than_a_chunk);
    tcase_add_test(t, random_bytes);
    suite_add_tcase(s, t);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Results made by hand, for tests of what reads them without a server.
 */
#ifndef ELPQ_TESTS_CELLS_H
#define ELPQ_TESTS_CELLS_H

#include <check.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include <elpq/elpq.h>

#include "lib/codec.h"
#include "lib/result.h"

/* A result of `columns` columns named a, b, ... of the given type. */
static inline PGresult *make_result(int columns, const uint32_t *oids,
                                    const int *formats)
{
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc desc[26];
    char names[26][2];
    int i;

    ck_assert_ptr_nonnull(res);
    memset(desc, 0, sizeof(desc));
    for (i = 0; i < columns; i++) {
        names[i][0] = (char)('a' + i);
        names[i][1] = '\0';
        desc[i].name = names[i];
        desc[i].typid = oids[i];
        desc[i].format = formats[i];
        desc[i].typlen = -1;
        desc[i].atttypmod = -1;
    }
    if (columns)
        ck_assert_int_eq(PQsetResultAttrs(res, columns, desc), 1);
    return res;
}

static inline void set_cell(PGresult *res, int row, int column,
                            const void *data, int size)
{
    char *copy = malloc((size_t)(size < 0 ? 0 : size) + 1);

    ck_assert_ptr_nonnull(copy);
    if (size > 0)
        memcpy(copy, data, (size_t)size);
    ck_assert_int_eq(PQsetvalue(res, row, column, size < 0 ? NULL : copy, size),
                     1);
    free(copy);
}

/* A result of one cell; size -1 makes it NULL. */
static inline elpq_result *one_cell(uint32_t oid, int format, const void *data,
                                    int size)
{
    PGresult *res = make_result(1, &oid, &format);
    elpq_result *result;

    set_cell(res, 0, 0, data, size);
    result = elpq__result_new(res);
    ck_assert_ptr_nonnull(result);
    return result;
}

static inline elpq_result *text_cell(uint32_t oid, const char *text)
{
    return one_cell(oid, 0, text, (int)strlen(text));
}

/* Bytes from "00 ff 0102"; returns how many. */
static inline int unhex(const char *hex, char *out)
{
    char pair[3] = "";
    int n = 0;

    for (; *hex; hex += hex[0] == ' ' ? 1 : 2) {
        if (*hex == ' ')
            continue;
        memcpy(pair, hex, 2);
        out[n++] = (char)strtol(pair, NULL, 16);
    }
    return n;
}

static inline elpq_result *binary_cell(uint32_t oid, const char *hex)
{
    char data[600];

    return one_cell(oid, 1, data, unhex(hex, data));
}

/* Every getter on a cell; what they say is the caller's to know. */
static inline int use_getters(const elpq_cell *cell)
{
    int failures = 0;

#define USE_(name, type)                                                       \
    {                                                                          \
        type out_##name;                                                       \
        int rc = elpq_cell_##name(cell, &out_##name);                          \
                                                                               \
        ck_assert_int_le(rc, 0);                                               \
        failures += rc != 0;                                                   \
    }
    ELPQ_GETTERS(USE_)
#undef USE_
    return failures;
}

#endif

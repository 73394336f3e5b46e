/* SPDX-License-Identifier: PostgreSQL */
/*
 * libFuzzer target: the decoder of pgoutput, on a stream of messages that a
 * hostile server may send; and the text of an LSN.
 *
 *     byte 0      bit 0: STREAM_ABORT has more
 *     then        messages: two bytes of length, and so many bytes
 *
 * Each message lies in a block of its own size.  What is handed out must be
 * readable, and it must be of a table that was described.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pgoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good)
{
    if (!good)
        abort();
}

static void touch(const char *s)
{
    expect(!s || strlen(s) < 1u << 20);
}

static void use_row(const elpq_relation *relation, const elpq_cell *row)
{
    for (int i = 0; row && i < relation->ncolumns; i++) {
        elpq_string s;
        elpq_value v;
        int64_t n;

        expect(row[i].size < 0 || row[i].data[row[i].size] == '\0');
        elpq_cell_string(&row[i], &s);
        elpq_cell_int64(&row[i], &n);
        elpq_cell_value(&row[i], &v);
    }
}

static void use_relation(const elpq_relation *r)
{
    if (!r)
        return;
    touch(r->schema);
    touch(r->name);
    for (int i = 0; i < r->ncolumns; i++)
        touch(r->columns[i].name);
}

static void use_change(const elpq_change *c)
{
    touch(elpq_change_name(c->kind));
    touch(c->schema);
    touch(c->name);
    use_relation(c->relation);
    expect(c->relation || (!c->new_row && !c->old_row));
    use_row(c->relation, c->new_row);
    use_row(c->relation, c->old_row);
    for (int i = 0; i < c->nrelations; i++)
        use_relation(c->relations[i]);
    if (c->data)
        expect(c->data[c->size] == '\0');
}

/* A text that is read is written again, and is the same number. */
static void use_lsn(const uint8_t *data, size_t size)
{
    char text[40], again[ELPQ_LSN_SIZE];
    uint64_t lsn = 0, second = 1;

    size = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    if (elpq_lsn_parse(text, &lsn) == 0)
        expect(elpq_lsn_parse(elpq_lsn_print(lsn, again), &second) == 0 &&
               second == lsn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elpq__pgoutput decoder;

    if (size < 1)
        return 0;
    use_lsn(data, size);
    elpq__pgoutput_init(&decoder, 4, data[0] & 1);
    for (data++, size--; size >= 2;) {
        size_t n = (size_t)data[0] << 8 | data[1];
        elpq_change change;
        char *copy;
        int code;

        data += 2;
        size -= 2;
        n = n < size ? n : size;
        copy = malloc(n + 1);
        expect(copy != NULL);
        memcpy(copy, data, n);
        copy[n] = '\0'; /* as libpq does */
        memset(&change, 0, sizeof(change));
        code = elpq__pgoutput_decode(&decoder, copy, n, &change);
        expect(code <= 0);
        if (code == 0)
            use_change(&change);
        free(copy);
        data += n;
        size -= n;
    }
    elpq__pgoutput_free(&decoder);
    return 0;
}

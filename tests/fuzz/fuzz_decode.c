/* SPDX-License-Identifier: PostgreSQL */
/*
 * libFuzzer target: every decoder, on bytes that a hostile server may send.
 *
 *     byte 0, 1   which type; byte 2, bit 0: the format, bit 1: what follows
 *     the rest    the cell
 *
 * All getters are used, on the cell and on what is in it.  What decodes must
 * also print, and a value that can be encoded again in binary must print as
 * the same text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/params.h"
#include "lib/result.h"
#include "lib/type_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MOOD = 100000,
    MOODS,
    AGE,
    AGES,
    PAIR,
    PAIRS,
    SPAN,
    SPANS,
    HSTORE,
    RAW,
    RAWS
};

static const uint32_t fuzz_oids[] = {
#define BOTH(name, oid, array_oid) oid, array_oid,
    ELPQ_BUILTIN_TYPES(BOTH)
#undef BOTH
        ELPQ_OID_RECORD,
    ELPQ_OID_RECORD_ARRAY,
    MOOD,
    MOODS,
    AGE,
    AGES,
    PAIR,
    PAIRS,
    SPAN,
    SPANS,
    HSTORE,
    RAW,
    RAWS
};

static void expect(bool good)
{
    if (!good)
        abort();
}

/* Types as users make them: an enum, a domain, a row, a range, an hstore;
 * and one that the program reads. */
static struct elpq__type_set *make_set(void)
{
    static const char *const names[] = { "mood", "ages", "self" };
    static const uint32_t oids[] = { MOOD, AGES, ELPQ_OID_RECORD };
#define TYPE(id, kind_, array, of)                                             \
    {                                                                          \
        .info = { .oid = (id),                                                 \
                  .kind = (kind_),                                             \
                  .schema = "s",                                               \
                  .name = "t",                                                 \
                  .array_oid = (array),                                        \
                  .of_oid = (of) },                                            \
        .delimiter = ',', .extension = ""                                      \
    }
    struct elpq__type types[] = {
        TYPE(MOOD, ELPQ_TYPE_ENUM, MOODS, 0),
        TYPE(MOODS, ELPQ_TYPE_ARRAY, 0, MOOD),
        TYPE(AGE, ELPQ_TYPE_DOMAIN, AGES, ELPQ_OID_INT4),
        TYPE(AGES, ELPQ_TYPE_ARRAY, 0, AGE),
        TYPE(PAIR, ELPQ_TYPE_COMPOSITE, PAIRS, 0),
        TYPE(PAIRS, ELPQ_TYPE_ARRAY, 0, PAIR),
        TYPE(SPAN, ELPQ_TYPE_RANGE, 0, ELPQ_OID_TEXT),
        TYPE(SPANS, ELPQ_TYPE_MULTIRANGE, 0, SPAN),
        TYPE(HSTORE, ELPQ_TYPE_BASE, 0, 0),
        TYPE(RAW, ELPQ_TYPE_BASE, RAWS, 0),
        TYPE(RAWS, ELPQ_TYPE_ARRAY, 0, RAW),
    };
#undef TYPE
    struct elpq__type_set *set;

    types[4].info.nfields = 3;
    types[4].info.field_names = names;
    types[4].info.field_oids = oids;
    types[8].info.name = types[8].extension = "hstore";
    types[9].info.raw = types[9].sends = true;
    set = elpq__type_set_new(NULL, types, sizeof(types) / sizeof(types[0]));
    expect(set != NULL);
    return set;
}

static void use_cell(const elpq_cell *cell, int depth);

static void use_cells(const elpq_cell *cells, size_t count, int depth)
{
    for (size_t i = 0; i < count && i < 20 && depth < 6; i++)
        use_cell(&cells[i], depth + 1);
}

/* Strings end with a NUL, wherever they were found. */
static void check_string(const elpq_string *s)
{
    if (s->data)
        expect(s->data[s->size] == '\0');
}

static void use_parts(const elpq_cell *cell, int depth)
{
    elpq_multirange_view multirange;
    elpq_composite_view composite;
    elpq_tsvector_view tsvector;
    elpq_hstore_view hstore;
    elpq_array_view array;
    elpq_range_view range;

    if (!elpq_cell_array(cell, &array))
        use_cells(array.items, array.count, depth);
    if (!elpq_cell_multirange(cell, &multirange))
        use_cells(multirange.items, multirange.count, depth);
    if (!elpq_cell_composite(cell, &composite))
        use_cells(composite.fields, composite.count, depth);
    if (!elpq_cell_range(cell, &range)) {
        use_cells(&range.lower, 1, depth);
        use_cells(&range.upper, 1, depth);
    }
    if (!elpq_cell_hstore(cell, &hstore))
        for (size_t i = 0; i < hstore.count; i++) {
            check_string(&hstore.pairs[i].key);
            check_string(&hstore.pairs[i].value);
        }
    if (!elpq_cell_tsvector(cell, &tsvector))
        for (size_t i = 0; i < tsvector.count; i++)
            check_string(&tsvector.lexemes[i].word);
}

/* Encoded in binary, the value has the text that its cell had. */
static void check_again(const elpq_cell *cell, const elpq_value *v,
                        const elpq_string *text)
{
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);
    struct elpq__buf bytes = { 0 };
    struct elpq__buf again = { 0 };

    if (codec && v->kind != ELPQ_KIND_NULL && v->kind != ELPQ_KIND_RAW &&
        codec->ops->encode(codec, v, &bytes, NULL) == 0) {
        expect(!bytes.failed);
        elpq__buf_add_byte(&bytes, '\0'); /* one byte may be read behind it */
        expect(codec->ops->print(codec, bytes.data, bytes.size - 1, &again) ==
               0);
        expect(again.size == text->size &&
               (again.size == 0 ||
                memcmp(again.data, text->data, again.size) == 0));
    }
    elpq__buf_free(&bytes);
    elpq__buf_free(&again);
}

static void use_cell(const elpq_cell *cell, int depth)
{
    elpq_string text = { NULL, 0 };
    elpq_value v;
    int rc;

#define USE(name, type)                                                        \
    {                                                                          \
        type out;                                                              \
        expect(elpq_cell_##name(cell, &out) <= 0);                             \
    }
    ELPQ_GETTERS(USE)
#undef USE
    use_parts(cell, depth);
    rc = elpq_cell_string(cell, &text);
    if (!rc)
        check_string(&text);
    if (elpq_cell_value(cell, &v) == 0 && cell->binary && !rc)
        check_again(cell, &v, &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elpq__type_set *set;
    elpq_result *result;
    elpq_cell cell;
    char *copy;

    if (size < 3)
        return 0;
    if (!set)
        set = make_set();
    result = elpq__result_new(PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK));
    copy = malloc(size - 2);
    expect(result && copy);
    elpq__result_set_types(result, set);
    memcpy(copy, data + 3, size - 3);
    copy[size - 3] = data[2] & 2 ? 'x' : '\0';
    cell.oid = fuzz_oids[((unsigned)data[0] << 8 | data[1]) %
                         (sizeof(fuzz_oids) / sizeof(fuzz_oids[0]))];
    cell.data = copy;
    cell.size = (int)(size - 3);
    cell.binary = data[2] & 1;
    cell.result = result;
    use_cell(&cell, 0);
    elpq_result_unref(result);
    free(copy);
    return 0;
}

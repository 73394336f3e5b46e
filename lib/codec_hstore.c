/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codec of hstore, a type of an extension: its OID comes from the catalog.
 *
 * The binary form:
 *     int32  count
 *     int32  size, bytes      of each key
 *     int32  size, bytes      of its value; -1: NULL
 * and the text form: "a"=>"1", "b"=>NULL.
 */
#include "codec.h"

#include "params.h"

/* A pair is two sizes at least; in text it is ""=>"". */
#define PAIR_SIZE 8

static bool read_pair(struct elpq__reader *r, elpq_cell *key, elpq_cell *value)
{
    return elpq__read_cell(r, key) && key->size >= 0 &&
           elpq__read_cell(r, value);
}

/* A copy with a NUL, at *text, which moves on. */
static elpq_string copy_string(const elpq_cell *cell, char **text)
{
    elpq_string s = { NULL, 0 };

    if (cell->size < 0)
        return s;
    s.data = *text;
    s.size = (size_t)cell->size;
    if (s.size)
        memcpy(*text, cell->data, s.size);
    (*text)[s.size] = '\0';
    *text += s.size + 1;
    return s;
}

/* Strings with their NULs take no more room than with their sizes. */
static int view_binary(const elpq_cell *cell, struct elpq__scratch *mem,
                       elpq_hstore_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    uint32_t count = elpq__read_uint32(&r);
    struct elpq__reader start = r;
    elpq_cell key, value;
    elpq_hstore_pair *pairs;
    char *text;

    if (r.bad || count > elpq__read_left(&r) / PAIR_SIZE)
        return ELPQ_E_DECODE;
    for (uint32_t i = 0; i < count; i++)
        if (!read_pair(&r, &key, &value))
            return ELPQ_E_DECODE;
    if (!elpq__read_done(&r))
        return ELPQ_E_DECODE;
    pairs = elpq__scratch_alloc(mem, count * sizeof(*pairs));
    text = elpq__scratch_alloc(mem, (size_t)cell->size);
    if (!pairs || !text)
        return ELPQ_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        read_pair(&start, &key, &value);
        pairs[i].key = copy_string(&key, &text);
        pairs[i].value = copy_string(&value, &text);
    }
    view->pairs = pairs;
    view->count = count;
    return 0;
}

static bool take_word(struct elpq__reader *r, const char *word)
{
    size_t size = strlen(word);

    if (elpq__read_left(r) < size || memcmp(r->p, word, size) != 0)
        return false;
    r->p += size;
    return true;
}

/* A string between quotes, whose two make room for its NUL. */
static bool read_string(struct elpq__reader *r, char **text, elpq_string *out)
{
    char *to = *text;
    size_t size = 0;

    if (!elpq__take(r, '"'))
        return false;
    while (!elpq__take(r, '"')) {
        elpq__take(r, '\\');
        if (r->p == r->end)
            return false;
        if (to)
            to[size] = *r->p;
        r->p++;
        size++;
    }
    out->data = to;
    out->size = size;
    if (to) {
        to[size] = '\0';
        *text += size + 1;
    }
    return true;
}

static bool read_pairs(struct elpq__reader *r, char *text,
                       elpq_hstore_pair *pairs, size_t *count)
{
    elpq_hstore_pair pair;

    *count = 0;
    if (r->p == r->end)
        return true;
    do {
        memset(&pair, 0, sizeof(pair));
        if (!read_string(r, &text, &pair.key) || !take_word(r, "=>") ||
            (!take_word(r, "NULL") && !read_string(r, &text, &pair.value)))
            return false;
        if (pairs)
            pairs[*count] = pair;
        (*count)++;
    } while (take_word(r, ", "));
    return elpq__read_done(r);
}

static int view_text(const elpq_cell *cell, struct elpq__scratch *mem,
                     elpq_hstore_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    struct elpq__reader second = r;
    elpq_hstore_pair *pairs;
    size_t count;
    char *text;

    if (!read_pairs(&r, NULL, NULL, &count))
        return ELPQ_E_DECODE;
    pairs = elpq__scratch_alloc(mem, count * sizeof(*pairs));
    text = elpq__scratch_alloc(mem, (size_t)cell->size + 1);
    if (!pairs || !text)
        return ELPQ_E_NOMEM;
    read_pairs(&second, text, pairs, &count);
    view->pairs = pairs;
    view->count = count;
    return 0;
}

static int hstore_view(const struct elpq__codec *codec, const elpq_cell *cell,
                       struct elpq__scratch *mem, void *out)
{
    (void)codec;
    return cell->binary ? view_binary(cell, mem, out)
                        : view_text(cell, mem, out);
}

void elpq__print_hstore_string(struct elpq__buf *out, const char *data,
                               size_t size)
{
    elpq__buf_add_byte(out, '"');
    for (size_t i = 0; i < size && !out->failed; i++) {
        if (data[i] == '"' || data[i] == '\\')
            elpq__buf_add_byte(out, '\\');
        elpq__buf_add_byte(out, data[i]);
    }
    elpq__buf_add_byte(out, '"');
}

static int hstore_print(const struct elpq__codec *codec, const char *data,
                        size_t size, struct elpq__buf *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    uint32_t count = elpq__read_uint32(&r);
    elpq_cell key, value;

    (void)codec;
    if (r.bad || count > elpq__read_left(&r) / PAIR_SIZE)
        return ELPQ_E_DECODE;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_pair(&r, &key, &value))
            return ELPQ_E_DECODE;
        if (i > 0)
            elpq__buf_add(out, ", ", 2);
        elpq__print_hstore_string(out, key.data, (size_t)key.size);
        elpq__buf_add(out, "=>", 2);
        if (value.size < 0)
            elpq__buf_add(out, "NULL", 4);
        else
            elpq__print_hstore_string(out, value.data, (size_t)value.size);
    }
    return elpq__read_done(&r) ? 0 : ELPQ_E_DECODE;
}

/* Keys and values are text. */
static int hstore_encode(const struct elpq__codec *codec, const elpq_value *v,
                         struct elpq__buf *out, struct elpq__why *why)
{
    const struct elpq__codec *text = elpq__codec_find(ELPQ_OID_TEXT);
    const elpq_value *items = v->u.array.items;
    size_t start = out->size;
    int rc = 0;

    (void)codec;
    if (v->kind != ELPQ_KIND_HSTORE)
        return ELPQ__AS_TEXT;
    if (v->u.array.count % 2)
        return elpq__refuse(why, "an hstore has as many values as keys");
    elpq__buf_add_int32(out, v->u.array.count / 2);
    for (uint32_t i = 0; i < v->u.array.count && !rc && !out->failed; i++) {
        if (i % 2 == 0 && items[i].kind == ELPQ_KIND_NULL)
            return elpq__refuse(why, "a key of an hstore is NULL");
        rc = elpq__encode_inner(text, &items[i], out, why);
    }
    if (rc == ELPQ__AS_TEXT)
        out->size = start;
    return rc;
}

const struct elpq__codec_ops elpq__hstore_ops = { .print = hstore_print,
                                                  .encode = hstore_encode,
                                                  .view = hstore_view };

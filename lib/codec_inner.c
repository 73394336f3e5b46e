/* SPDX-License-Identifier: PostgreSQL */
/*
 * What all codecs share whose values have values inside: the sizes in front of
 * parts, the quotes around them, and an end to how deep they go.
 */
#include "codec.h"

#include <assert.h>

#include "params.h"

/* ---------------------------------------------------------------- binary */

bool elpq__read_cell(struct elpq__reader *r, elpq_cell *cell)
{
    int32_t size = elpq__read_int32(r);

    cell->size = -1;
    cell->data = NULL;
    if (size >= 0) {
        cell->size = size;
        cell->data = elpq__read_bytes(r, (size_t)size);
    }
    return !r->bad && size >= -1;
}

int elpq__print_inner(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    int rc;

    if (out->depth >= ELPQ__DEPTH)
        return ELPQ_E_DECODE;
    out->depth++;
    rc = codec->ops->print(codec, data, size, out);
    out->depth--;
    return rc || !out->failed ? rc : ELPQ_E_NOMEM;
}

int elpq__encode_inner(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    size_t at = out->size;
    int rc = 0;

    elpq__buf_add_int32(out, UINT32_MAX);
    if (v->kind == ELPQ_KIND_NULL)
        return 0;
    if (out->depth >= ELPQ__DEPTH)
        return elpq__refuse(why, "values inside of values are too deep");
    if (v->kind == ELPQ_KIND_TEXT || v->kind == ELPQ_KIND_BYTES ||
        v->kind == ELPQ_KIND_RAW)
        rc = elpq__params_room(out, v->u.bytes.size, why);
    out->depth++;
    if (!rc && v->kind == ELPQ_KIND_RAW)
        elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    else if (!rc)
        rc = codec->ops->encode(codec, v, out, why);
    out->depth--;
    if (!rc && !out->failed)
        elpq__put_int32(out->data + at, (uint32_t)(out->size - at - 4));
    return rc;
}

/* ------------------------------------------------------------------ text */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_null_word(const char *s, size_t size)
{
    return size == 4 && (s[0] | 32) == 'n' && (s[1] | 32) == 'u' &&
           (s[2] | 32) == 'l' && (s[3] | 32) == 'l';
}

static bool is_special(char c, enum elpq__quoting quoting, char delimiter)
{
    if (c == delimiter || is_space(c))
        return true;
    switch (quoting) {
    case ELPQ__QUOTE_ARRAY:
        return c == '{' || c == '}';
    case ELPQ__QUOTE_RANGE:
        return c == '(' || c == ')' || c == '[' || c == ']';
    default:
        return c == '(' || c == ')';
    }
}

void elpq__quote(struct elpq__buf *out, size_t start,
                 enum elpq__quoting quoting, char delimiter)
{
    size_t size = out->size - start;
    size_t escapes = 0;
    const char *from;
    bool quote;
    char *to;

    if (out->failed)
        return;
    from = out->data + start;
    quote =
        size == 0 || (quoting == ELPQ__QUOTE_ARRAY && is_null_word(from, size));
    for (size_t i = 0; i < size; i++) {
        if (from[i] == '"' || from[i] == '\\')
            escapes++;
        else if (is_special(from[i], quoting, delimiter))
            quote = true;
    }
    if ((!quote && !escapes) || !elpq__buf_extend(out, escapes + 2))
        return;
    /* from the end, as the text moves up over itself */
    from = out->data + start + size;
    to = out->data + out->size;
    *--to = '"';
    while (from > out->data + start) {
        *--to = *--from;
        if (*to == '"' || *to == '\\') {
            to--;
            *to = quoting == ELPQ__QUOTE_ARRAY ? '\\' : to[1];
        }
    }
    *--to = '"';
    assert(to == out->data + start);
}

static void put(struct elpq__part *part, char c)
{
    if (part->text)
        part->text[part->size] = c;
    part->size++;
}

/* What is between quotes; the first one is read. */
static bool read_quoted(struct elpq__reader *r, struct elpq__part *part)
{
    part->quoted = true;
    while (r->p < r->end) {
        char c = *r->p++;

        if (c == '"') {
            if (!elpq__take(r, '"'))
                return true;
        } else if (c == '\\') {
            if (r->p == r->end)
                return false;
            c = *r->p++;
        }
        put(part, c);
    }
    return false;
}

bool elpq__read_part(struct elpq__reader *r, const char *stops,
                     struct elpq__part *part)
{
    part->size = 0;
    part->quoted = false;
    while (r->p < r->end) {
        char c = *r->p;

        if (c && strchr(stops, c))
            return true;
        r->p++;
        if (c == '"') {
            if (!read_quoted(r, part))
                return false;
            continue;
        }
        if (c == '\\') {
            if (r->p == r->end)
                return false;
            c = *r->p++;
        }
        put(part, c);
    }
    return true;
}

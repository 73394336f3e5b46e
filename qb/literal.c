/* SPDX-License-Identifier: PostgreSQL */
/*
 * Values as SQL literals, for elqb_lit() and for debug text.
 *
 * Strings are safe under every server setting: checked for UTF-8 and NUL,
 * quotes doubled, and with a backslash inside written as E'...'.  A value
 * whose type its looks do not tell gets a cast.  What has no text form (the
 * binary form of a type, money) is an error in a statement, and shown by its
 * size or number in debug text.  What stands between quotes is of
 * literal_text.c.
 */
#include "renderer.h"

/* ---------------------------------------------------------------- strings */

static void put_escaped(struct elqb__render *r, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\'' || data[i] == '\\')
            elqb__put_char(r, data[i]);
        elqb__put_char(r, data[i]);
    }
}

static void put_text(struct elqb__render *r, const char *data, size_t size)
{
    bool good = elqb__is_text(data, size);

    if (!good && r->debug) {
        PUT(r, "<invalid text>");
        return;
    }
    if (!good) {
        elqb__fail(r->q, ELQB_E_VALUE,
                   "elqb_render: a string is not valid UTF-8");
        return;
    }
    if (memchr(data, '\\', size))
        PUT(r, "E");
    elqb__put_char(r, '\'');
    put_escaped(r, data, size);
    elqb__put_char(r, '\'');
}

/* -------------------------------------------------------------------- any */

bool elqb__put_type(struct elqb__render *r, const char *before, uint32_t oid)
{
    bool is_array, quoted;
    const char *name = elqb__type_name(oid, &is_array);

    if (!name)
        return false;
    /* Quoted: the grammar takes these two for other types. */
    quoted = strcmp(name, "CHAR") == 0 || strcmp(name, "BIT") == 0;
    elqb__put_string(r, before);
    if (quoted)
        elqb__put_char(r, '"');
    for (; *name; name++)
        elqb__put_char(r, *name >= 'A' && *name <= 'Z'
                              ? (char)(*name - 'A' + 'a')
                              : *name);
    if (quoted)
        elqb__put_char(r, '"');
    if (is_array)
        PUT(r, "[]");
    return true;
}

void elqb__put_cast(struct elqb__render *r, uint32_t oid)
{
    elqb__put_type(r, "::", oid);
}

static void put_array(struct elqb__render *r, const elpq_value *v)
{
    elpq_value item;

    if (!elqb__enter(r))
        return;
    PUT(r, "ARRAY[");
    for (size_t i = 0; i < v->u.array.count; i++) {
        if (i)
            PUT(r, ", ");
        item = elqb__item(v, i);
        elqb__put_literal(r, &item);
    }
    PUT(r, "]");
    elqb__put_cast(r, v->oid);
    elqb__leave(r);
}

/* Whether an integer is of another type than its digits are to SQL.  Debug
 * text does without: it is read, not run. */
static bool has_cast(const struct elqb__render *r, const elpq_value *v)
{
    bool is_array;

    if (r->debug || v->oid == 0 || v->oid == ELPQ_OID_BOOL)
        return false;
    if (v->oid == ELPQ_OID_INT4 && v->u.int64 >= 0)
        return v->u.int64 > INT32_MAX;
    if (v->oid == ELPQ_OID_INT4 && v->kind == ELPQ_KIND_INT)
        return v->u.int64 <= INT32_MIN; /* minus a number that is no int4 */
    if (v->kind == ELPQ_KIND_UINT && v->u.uint64 > INT64_MAX &&
        v->oid != ELPQ_OID_XID8)
        return false; /* no integer at all: it reads as numeric */
    return elqb__type_name(v->oid, &is_array) != NULL;
}

bool elqb__is_negative(const struct elqb__render *r, const elpq_value *v)
{
    if (v->oid == ELPQ_OID_BOOL || v->kind != ELPQ_KIND_INT)
        return false;
    return v->u.int64 < 0 && !has_cast(r, v);
}

static void put_int(struct elqb__render *r, const elpq_value *v)
{
    bool cast = has_cast(r, v);
    bool negative = v->kind == ELPQ_KIND_INT && v->u.int64 < 0;
    const char *quote = NULL;

    if (v->oid == ELPQ_OID_BOOL) {
        elqb__put_string(r, v->u.int64 ? "true" : "false");
        return;
    }
    if (cast && (v->oid == ELPQ_OID_XID || v->oid == ELPQ_OID_XID8))
        quote = "''";          /* no integer can be cast to it */
    else if (cast && negative) /* :: binds tighter than the sign */
        quote = "()";
    if (quote)
        elqb__put_char(r, quote[0]);
    if (v->kind == ELPQ_KIND_UINT)
        elqb__put_unsigned(r, v->u.uint64);
    else
        elqb__put_signed(r, v->u.int64);
    if (quote)
        elqb__put_char(r, quote[1]);
    if (cast)
        elqb__put_cast(r, v->oid);
}

/* The values that stand between quotes, with a cast behind. */
static void put_quoted(struct elqb__render *r, const elpq_value *v)
{
    size_t start = r->len, size;
    const char *text;

    elqb__put_plain(r, v);
    text = elqb__take_back(r, start, &size);
    if (text)
        put_text(r, text, size);
    if (v->oid != ELPQ_OID_TEXT)
        elqb__put_cast(r, v->oid);
}

void elqb__put_literal(struct elqb__render *r, const elpq_value *v)
{
    switch (v->kind) {
    case ELPQ_KIND_NULL:
        PUT(r, "NULL");
        if (!r->debug)
            elqb__put_cast(r, v->oid);
        break;
    case ELPQ_KIND_BOOL:
        elqb__put_string(r, v->u.boolean ? "true" : "false");
        break;
    case ELPQ_KIND_INT:
    case ELPQ_KIND_UINT:
        put_int(r, v);
        break;
    case ELPQ_KIND_TEXT:
        put_text(r, v->u.bytes.data, v->u.bytes.size);
        if (v->oid != ELPQ_OID_TEXT)
            elqb__put_cast(r, v->oid);
        break;
    case ELPQ_KIND_RAW:
    case ELPQ_KIND_MONEY: /* words of debug text, or an error */
        elqb__put_plain(r, v);
        break;
    case ELPQ_KIND_ARRAY:
    case ELPQ_KIND_C_ARRAY:
        if (elqb__has_bounds(v))
            put_quoted(r, v);
        else
            put_array(r, v);
        break;
    default:
        put_quoted(r, v);
        break;
    }
}

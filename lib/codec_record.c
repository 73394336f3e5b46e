/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codec of rows in a column: record, and composite types that users made.
 *
 * The binary form:
 *     int32  count
 *     uint32 OID, int32 size, bytes    of each field
 * It says the types of its fields itself.  The text form, (1,"a b",), does
 * not: they come from the type's codec, if it has them.
 */
#include "codec.h"

#include "params.h"
#include "type_set.h"

#define FIELDS_MAX 1664 /* the server's limit */

/* The head; false if there cannot be as many fields. */
static bool read_count(struct elpq__reader *r, uint32_t *count)
{
    *count = elpq__read_uint32(r);
    return !r->bad && *count <= FIELDS_MAX && *count <= elpq__read_left(r) / 8;
}

static bool read_field(struct elpq__reader *r, elpq_cell *cell)
{
    cell->oid = elpq__read_uint32(r);
    return elpq__read_cell(r, cell);
}

static int view_binary(const elpq_cell *cell, struct elpq__scratch *mem,
                       elpq_composite_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    elpq_cell field = { NULL, -1, 0, true, cell->result };
    struct elpq__reader start;
    elpq_cell *fields;
    uint32_t count;

    if (!read_count(&r, &count))
        return ELPQ_E_DECODE;
    start = r;
    for (uint32_t i = 0; i < count; i++)
        if (!read_field(&r, &field))
            return ELPQ_E_DECODE;
    if (!elpq__read_done(&r))
        return ELPQ_E_DECODE;
    fields = elpq__scratch_alloc(mem, count * sizeof(*fields));
    if (!fields)
        return ELPQ_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        read_field(&start, &field);
        fields[i] = field;
    }
    view->fields = fields;
    view->count = count;
    return 0;
}

/*
 * The fields of the text form, each with a NUL; only counted without `fields`.
 * A field takes at least a byte more of the text than of its own.
 */
static bool read_fields(struct elpq__reader *r, char *text, elpq_cell field,
                        elpq_cell *fields, size_t *count)
{
    *count = 0;
    if (!elpq__take(r, '('))
        return false;
    if (r->end - r->p == 1 && elpq__take(r, ')'))
        return true; /* no field; with one that is NULL it looks the same */
    do {
        struct elpq__part part = { text, 0, false };
        const char *start = r->p;

        if (*count == FIELDS_MAX || !elpq__read_part(r, ",)", &part))
            return false;
        if (fields) {
            text[part.size] = '\0';
            field.data = r->p == start ? NULL : text;
            field.size = r->p == start ? -1 : (int)part.size;
            fields[*count] = field;
            text += part.size + 1;
        }
        (*count)++;
    } while (elpq__take(r, ','));
    return elpq__take(r, ')');
}

/* Text of a type with one field, and nothing in it: the field is NULL. */
static bool is_one_null(const struct elpq__codec *codec, size_t count)
{
    return count == 0 && codec->nfields == 1;
}

static int view_text(const struct elpq__codec *codec, const elpq_cell *cell,
                     struct elpq__scratch *mem, elpq_composite_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    elpq_cell field = { NULL, -1, 0, false, cell->result };
    struct elpq__reader second = r;
    elpq_cell *fields;
    size_t count;
    char *text;

    if (!read_fields(&r, NULL, field, NULL, &count) || !elpq__read_done(&r))
        return ELPQ_E_DECODE;
    fields = elpq__scratch_alloc(mem, (count + 1) * sizeof(*fields));
    text = elpq__scratch_alloc(mem, (size_t)cell->size + 1);
    if (!fields || !text)
        return ELPQ_E_NOMEM;
    read_fields(&second, text, field, fields, &count);
    if (is_one_null(codec, count))
        fields[count++] = field;
    for (size_t i = 0; i < count && count == codec->nfields; i++)
        fields[i].oid = codec->field_oids[i];
    view->fields = fields;
    view->count = count;
    return 0;
}

/* Whether the fields are those of the type, as far as the form says. */
static bool has_fields(const struct elpq__codec *codec,
                       const elpq_composite_view *view, bool binary)
{
    if (view->count != codec->nfields)
        return false;
    for (size_t i = 0; binary && i < view->count; i++)
        if (view->fields[i].oid != codec->field_oids[i])
            return false;
    return true;
}

static int record_view(const struct elpq__codec *codec, const elpq_cell *cell,
                       struct elpq__scratch *mem, void *out)
{
    elpq_composite_view *view = out;
    int rc = cell->binary ? view_binary(cell, mem, view)
                          : view_text(codec, cell, mem, view);

    if (rc || codec->oid == ELPQ_OID_RECORD)
        return rc;
    if (has_fields(codec, view, cell->binary))
        view->names = codec->field_names;
    else if (codec->set) /* the type has changed since it was looked up */
        codec->set->stale = true;
    return 0;
}

static int record_print(const struct elpq__codec *codec, const char *data,
                        size_t size, struct elpq__buf *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    const struct elpq__codec *inner;
    elpq_cell field;
    uint32_t count;
    size_t start;
    int rc = 0;

    if (!read_count(&r, &count))
        return ELPQ_E_DECODE;
    elpq__buf_add_byte(out, '(');
    for (uint32_t i = 0; i < count && !rc; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, ',');
        if (!read_field(&r, &field))
            return ELPQ_E_DECODE;
        if (field.size < 0)
            continue;
        inner = elpq__codec_in(codec->set, field.oid);
        if (!inner)
            return ELPQ_E_TYPE;
        start = out->size;
        rc = elpq__print_inner(inner, field.data, (size_t)field.size, out);
        if (!rc)
            elpq__quote(out, start, ELPQ__QUOTE_ROW, ',');
    }
    elpq__buf_add_byte(out, ')');
    return rc || elpq__read_done(&r) ? rc : ELPQ_E_DECODE;
}

/* The server wants the types that it has; without them it parses text. */
static int record_encode(const struct elpq__codec *codec, const elpq_value *v,
                         struct elpq__buf *out, struct elpq__why *why)
{
    const elpq_value *fields = v->u.array.items;
    const struct elpq__codec *inner;
    size_t start = out->size;
    int rc = 0;

    if (v->kind != ELPQ_KIND_COMPOSITE || codec->oid == ELPQ_OID_RECORD ||
        v->u.array.count != codec->nfields)
        return ELPQ__AS_TEXT;
    elpq__buf_add_int32(out, codec->nfields);
    for (unsigned i = 0; i < codec->nfields && !rc && !out->failed; i++) {
        inner = elpq__codec_in(codec->set, codec->field_oids[i]);
        elpq__buf_add_int32(out, codec->field_oids[i]);
        if (inner || fields[i].kind == ELPQ_KIND_NULL ||
            fields[i].kind == ELPQ_KIND_RAW)
            rc = elpq__encode_inner(inner, &fields[i], out, why);
        else
            rc = ELPQ__AS_TEXT;
    }
    if (rc == ELPQ__AS_TEXT)
        out->size = start;
    return rc;
}

const struct elpq__codec_ops elpq__record_ops = { .print = record_print,
                                                  .encode = record_encode,
                                                  .view = record_view };

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The literals of ranges, multiranges, rows and hstores: what they travel as
 * when their parts have types that only the server knows.
 */
#include "params.h"

/* One part in its quotes; `oid` is its type, unless it is 0. */
static int print_part(const elpq_value *part, uint32_t oid,
                      enum elpq__quoting quoting, struct elpq__buf *out,
                      struct elpq__why *why)
{
    elpq_value v = *part;
    size_t start = out->size;
    int rc;

    if (oid)
        v.oid = oid;
    rc = elpq__value_print_as(oid ? elpq__codec_find(oid) : NULL, &v, out, why);
    if (!rc)
        elpq__quote(out, start, quoting, ',');
    return rc;
}

/* --------------------------------------------------------------- ranges */

static int range_literal(const elpq_value *v, struct elpq__buf *out,
                         struct elpq__why *why)
{
    const struct elpq__codec *codec = elpq__codec_find(v->oid);
    uint32_t oid = codec ? codec->elem_oid : ELPQ_OID_NONE;
    const elpq_value *bounds = v->u.array.items;
    struct elpq__why rest;
    int rc = 0;

    if (v->elem & ELPQ_RANGE_EMPTY) {
        elpq__buf_add_str(out, "empty");
        return 0;
    }
    if (v->u.array.count != 2)
        return elpq__refuse(why, "a range has two bounds");
    elpq__buf_add_byte(out, v->elem & ELPQ_RANGE_LOWER_INCLUSIVE ? '[' : '(');
    if (!(v->elem & ELPQ_RANGE_LOWER_UNBOUNDED))
        rc = print_part(&bounds[0], oid, ELPQ__QUOTE_RANGE, out,
                        elpq__why_part(why, &rest, "bound", 0));
    elpq__buf_add_byte(out, ',');
    if (!rc && !(v->elem & ELPQ_RANGE_UPPER_UNBOUNDED))
        rc = print_part(&bounds[1], oid, ELPQ__QUOTE_RANGE, out,
                        elpq__why_part(why, &rest, "bound", 1));
    elpq__buf_add_byte(out, v->elem & ELPQ_RANGE_UPPER_INCLUSIVE ? ']' : ')');
    return rc;
}

static int multirange_literal(const elpq_value *v, struct elpq__buf *out,
                              struct elpq__why *why)
{
    const struct elpq__codec *codec = elpq__codec_find(v->oid);
    const elpq_value *ranges = v->u.array.items;
    struct elpq__why rest;
    elpq_value range;
    int rc = 0;

    elpq__buf_add_byte(out, '{');
    for (uint32_t i = 0; i < v->u.array.count && !rc && !out->failed; i++) {
        range = ranges[i];
        if (codec)
            range.oid = codec->elem_oid;
        if (range.kind == ELPQ_KIND_NULL)
            return elpq__refuse(why, "a multirange has no NULL inside");
        if (i > 0)
            elpq__buf_add_byte(out, ',');
        rc = elpq__value_print(&range, out, NULL);
        if (rc == ELPQ_E_VALUE && why)
            elpq__value_print(&range, out,
                              elpq__why_part(why, &rest, "range", i));
    }
    elpq__buf_add_byte(out, '}');
    return rc;
}

/* ------------------------------------------------------- rows and hstores */

static int composite_literal(const elpq_value *v, struct elpq__buf *out,
                             struct elpq__why *why)
{
    const elpq_value *fields = v->u.array.items;
    struct elpq__why rest;
    int rc = 0;

    elpq__buf_add_byte(out, '(');
    for (uint32_t i = 0; i < v->u.array.count && !rc && !out->failed; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, ',');
        if (fields[i].kind == ELPQ_KIND_NULL)
            continue;
        rc = print_part(&fields[i], 0, ELPQ__QUOTE_ROW, out, NULL);
        if (rc == ELPQ_E_VALUE && why)
            print_part(&fields[i], 0, ELPQ__QUOTE_ROW, out,
                       elpq__why_part(why, &rest, "field", i));
    }
    elpq__buf_add_byte(out, ')');
    return rc;
}

/* A key or a value. */
static int hstore_part(const elpq_value *v, struct elpq__buf *out,
                       struct elpq__why *why)
{
    int rc;

    if (v->kind == ELPQ_KIND_TEXT) {
        rc = elpq__params_room(out, v->u.bytes.size, why);
        if (!rc && v->u.bytes.size &&
            memchr(v->u.bytes.data, '\0', v->u.bytes.size))
            rc = elpq__refuse(why, "text has a NUL byte inside");
        if (!rc)
            elpq__print_hstore_string(out, v->u.bytes.data, v->u.bytes.size);
        return rc;
    }
    return elpq__refuse(why, "keys and values of an hstore are text");
}

static int hstore_literal(const elpq_value *v, struct elpq__buf *out,
                          struct elpq__why *why)
{
    const elpq_value *items = v->u.array.items;
    int rc = 0;

    if (v->u.array.count % 2)
        return elpq__refuse(why, "an hstore has as many values as keys");
    for (uint32_t i = 0; i < v->u.array.count && !rc && !out->failed; i++) {
        if (i > 0)
            elpq__buf_add_str(out, i % 2 ? "=>" : ", ");
        if (i % 2 && items[i].kind == ELPQ_KIND_NULL)
            elpq__buf_add_str(out, "NULL");
        else
            rc = hstore_part(&items[i], out, why);
    }
    return rc;
}

int elpq__parts_literal(const elpq_value *v, struct elpq__buf *out,
                        struct elpq__why *why)
{
    switch (v->kind) {
    case ELPQ_KIND_RANGE:
        return range_literal(v, out, why);
    case ELPQ_KIND_MULTIRANGE:
        return multirange_literal(v, out, why);
    case ELPQ_KIND_COMPOSITE:
        return composite_literal(v, out, why);
    default:
        return hstore_literal(v, out, why);
    }
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Keyset pagination: the condition for the rows after a given one.
 *
 * It is built from the last key to the first.  For a key k with the last value
 * v, and `rest` the condition of the keys behind it:
 *
 *     no NULLs    k >= v AND (k > v OR rest)
 *     NULLs last  k > v OR k IS NULL AND v IS NOT NULL OR
 *                 k IS NOT DISTINCT FROM v AND rest
 *     first       k > v OR v IS NULL AND k IS NOT NULL OR the same
 *
 * with < for DESC.  The first form gives an index the bound k >= v, and keys
 * at the end that are all alike without NULLs are one comparison of rows,
 * which it serves whole.  Whether v is NULL is found out by the server, so the
 * text is the same for every page; k > v stands first, as the server may
 * know the type of v from it alone.
 */
#include "internal.h"

struct key {
    elqb_expr column;
    elqb_expr value;
    bool nullable;
    bool desc;
    bool nulls_first;
};

static bool is_null_value(const elqb_expr *e)
{
    return elqb__is_value(e) && e->u.value.kind == ELPQ_KIND_NULL;
}

/* Take a key apart, with its value as one parameter however often used. */
static bool read_key(elqb *q, const elqb_key *from, uint32_t i,
                     struct key *key)
{
    const struct elqb_node *order;
    unsigned flags = 0;

    key->column = from->order;
    key->value = from->value;
    key->nullable = from->nullable;
    if (!elqb__keep_operand(q, "elqb_seek", &key->column) ||
        !elqb__keep_operand(q, "elqb_seek", &key->value))
        return false;
    if (key->column.kind == ELQB_KIND_NODE &&
        key->column.u.node->kind == NODE_ORDER) {
        order = key->column.u.node;
        flags = order->flags;
        key->column = order->args[0];
    }
    if (flags & ORDER_USING)
        elqb__fail(q, ELQB_E_USAGE, "elqb_seek: key %u is ordered by an "
                   "operator, use asc or desc", (unsigned)i + 1);
    if (!key->nullable && is_null_value(&key->value))
        elqb__fail(q, ELQB_E_USAGE, "elqb_seek: the value of key %u is NULL, "
                   "see ELQB_KEY_NULLABLE()", (unsigned)i + 1);
    key->desc = flags & ORDER_DESC;
    key->nulls_first =
        flags & NULLS_FIRST || (key->desc && !(flags & NULLS_LAST));
    elqb__take_type(&key->value, key->column.oid);
    elqb__share_value(q, &key->value);
    return !elqb__failed(q);
}

static elqb_expr and2(elqb *q, elqb_expr a, elqb_expr b)
{
    const elqb_expr terms[] = { a, b, ELQB_END };

    return elqb_and_v(q, terms);
}

/* Behind the value in the order of the key. */
static elqb_expr make_after(elqb *q, const struct key *key, elqb_expr column,
                            elqb_expr value)
{
    return key->desc ? elqb_lt(q, column, value) : elqb_gt(q, column, value);
}

static elqb_expr seek_not_null(elqb *q, const struct key *key, elqb_expr rest)
{
    elqb_expr after = make_after(q, key, key->column, key->value);
    const elqb_expr terms[] = { after, rest, ELQB_END };
    elqb_expr bound;

    if (elqb_is_none(rest))
        return after;
    bound = key->desc ? elqb_le(q, key->column, key->value)
                      : elqb_ge(q, key->column, key->value);
    return and2(q, bound, elqb_or_v(q, terms));
}

static elqb_expr seek_nullable(elqb *q, const struct key *key, elqb_expr rest)
{
    elqb_expr after = make_after(q, key, key->column, key->value);
    elqb_expr nulls = key->nulls_first
                          ? and2(q, elqb_is_null(q, key->value),
                                 elqb_is_not_null(q, key->column))
                          : and2(q, elqb_is_null(q, key->column),
                                 elqb_is_not_null(q, key->value));
    elqb_expr terms[] = { after, nulls, ELQB_NONE, ELQB_END };

    if (!elqb_is_none(rest))
        terms[2] = and2(
            q, elqb_is_not_distinct(q, key->column, key->value), rest);
    return elqb_or_v(q, terms);
}

/* (a, b) > ($1, $2) for keys that are all alike. */
static elqb_expr seek_row(elqb *q, const struct key *keys, uint32_t count)
{
    elqb_expr *columns = elqb__alloc(q, (count + 1) * sizeof(*columns));
    elqb_expr *values = elqb__alloc(q, (count + 1) * sizeof(*values));

    if (!columns || !values)
        return ELQB_NONE;
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = keys[i].column;
        values[i] = keys[i].value;
    }
    columns[count] = values[count] = ELQB_END;
    return make_after(q, keys, elqb_row_v(q, columns),
                      elqb_row_v(q, values));
}

/* How many keys at the end have one direction, and no NULLs. */
static uint32_t count_alike(const struct key *keys, uint32_t count)
{
    uint32_t n = 0;

    while (n < count && !keys[count - 1 - n].nullable &&
           keys[count - 1 - n].desc == keys[count - 1].desc)
        n++;
    return n;
}

static elqb_expr seek(elqb *q, const struct key *keys, uint32_t count)
{
    uint32_t alike = count_alike(keys, count);
    elqb_expr rest = ELQB_NONE;

    if (alike > 1) {
        count -= alike;
        rest = seek_row(q, &keys[count], alike);
    }
    while (count-- > 0 && !elqb__failed(q))
        rest = keys[count].nullable ? seek_nullable(q, &keys[count], rest)
                                    : seek_not_null(q, &keys[count], rest);
    return elqb__failed(q) ? ELQB_NONE : rest;
}

elqb_expr elqb_seek_v(elqb *q, const elqb_key *keys)
{
    uint32_t count = 0, absent = 0;
    struct key *read;

    if (elqb__failed(q))
        return ELQB_NONE;
    for (; keys && keys[count].order.kind != ELQB_KIND_END; count++)
        absent += elqb_is_none(keys[count].value);
    if (count == 0)
        elqb__fail(q, ELQB_E_USAGE, "elqb_seek: there are no keys");
    else if (absent == count)
        return ELQB_NONE; /* the first page */
    if (elqb__failed(q) || !(read = elqb__alloc(q, count * sizeof(*read))))
        return ELQB_NONE;
    for (uint32_t i = 0; i < count; i++)
        if (!read_key(q, &keys[i], i, &read[i]))
            return ELQB_NONE;
    return seek(q, read, count);
}

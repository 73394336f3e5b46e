/* SPDX-License-Identifier: PostgreSQL */
/*
 * VALUES: rows as an item of FROM, and as a statement.
 *
 * As an item it is a NODE_SOURCE, as from.c makes them.  A column whose type is
 * declared has that type: the values take it, and those that are of another
 * type, or may be, are cast.  Whether there is a cast depends on the types
 * alone, never on the value.
 *
 * As a statement it is an elqb_select that has rows instead of clauses of its
 * own, so it goes wherever a select goes; ORDER BY, LIMIT, OFFSET and WITH are
 * its own.  Its columns are there as the server names them, column1, column2
 * and so on, for those who ask for names and types.  The rows never change: a
 * select whose values take other types has rows of its own.  Verbs of selects
 * ask elqb__is_plain() first.
 */
#include <stdio.h>

#include "source.h"

/* ------------------------------------------------------------------- types */

/* Whether numbers of C of this kind may be sent as the type. */
static bool takes_numbers(uint8_t kind, uint32_t oid)
{
    switch (oid) {
    case ELPQ_OID_INT2:
    case ELPQ_OID_INT4:
    case ELPQ_OID_INT8:
    case ELPQ_OID_NUMERIC:
    case ELPQ_OID_FLOAT4:
    case ELPQ_OID_FLOAT8:
        return true;
    case ELPQ_OID_BOOL:
    case ELPQ_OID_OID:
        return kind == ELPQ_KIND_INT || kind == ELPQ_KIND_UINT;
    default:
        return false;
    }
}

/* The type that a number has from C, not from the caller. */
static bool is_plain_number(uint32_t oid)
{
    return oid == ELPQ_OID_INT2 || oid == ELPQ_OID_INT4 ||
           oid == ELPQ_OID_INT8 || oid == ELPQ_OID_FLOAT4 ||
           oid == ELPQ_OID_FLOAT8;
}

/*
 * A value takes the type of its column, a number also if it does not fit:
 * that is an error of the driver then, as the text must not depend on it.
 */
static void take_column_type(elqb_expr *e, uint32_t oid)
{
    elpq_value *v = &e->u.value;
    uint32_t element = elqb__element_of(oid);

    elqb__take_type(e, oid);
    if (e->kind != ELQB_KIND_VALUE || e->oid == oid)
        return;
    if ((v->kind >= ELPQ_KIND_INT && v->kind <= ELPQ_KIND_FLOAT &&
         is_plain_number(v->oid) && takes_numbers(v->kind, oid)) ||
        (v->kind == ELPQ_KIND_C_ARRAY && v->elem >= ELPQ_KIND_INT &&
         v->elem <= ELPQ_KIND_FLOAT &&
         is_plain_number(elqb__element_of(v->oid)) &&
         takes_numbers(v->elem, element)))
        e->oid = v->oid = oid;
}

/* A column of a declared type: what is not known to be of it is cast. */
static void settle_value(elqb *q, elqb_expr *e,
                         const struct elqb__item_column *c)
{
    struct elqb_node *cast;

    if (c->oid)
        take_column_type(e, c->oid);
    /* "varchar(3)" changes even what is a varchar. */
    if (c->oid && e->oid == c->oid && !strchr(c->type, '('))
        return;
    cast = elqb__new_node(q, NODE_CAST, 1);
    if (!cast)
        return;
    cast->args[0] = *e;
    cast->text = c->type;
    *e = elqb__node_expr(cast, c->oid);
}

/* -------------------------------------------------------------------- rows */

/* How many rows there are; 0: q failed. */
static uint32_t count_rows(elqb *q, const char *function,
                           const elqb_expr *rows, uint32_t width)
{
    uint32_t height = 0;

    for (const elqb_expr *e = rows; e && e->kind != ELQB_KIND_END; e++)
        height += e->kind != ELQB_KIND_NONE;
    if (height == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: there are no rows", function);
    else if (height > UINT32_MAX / width)
        elqb__fail(q, ELQB_E_LIMIT, "%s: too many values", function);
    return elqb__failed(q) ? 0 : height;
}

/* The row in the arena; false, and an error, if it is none. */
static bool keep_row(elqb *q, const char *function, elqb_expr *row, uint32_t n)
{
    if (!elqb__keep(q, function, row))
        return false;
    if (row->kind == ELQB_KIND_NODE && row->u.node->kind == NODE_ROW)
        return true;
    elqb__fail(q, ELQB_E_USAGE, "%s: row %u is no elqb_row()", function,
               (unsigned)n);
    return false;
}

/* Copy the values of the rows, each of the same width; false: q failed. */
static bool keep_rows(elqb *q, const char *function, elqb_expr *args,
                      uint32_t width, const elqb_expr *rows)
{
    uint32_t n = 0;

    for (; rows->kind != ELQB_KIND_END; rows++) {
        elqb_expr row = *rows;

        if (row.kind == ELQB_KIND_NONE)
            continue;
        if (!keep_row(q, function, &row, ++n))
            return false;
        if (row.u.node->count != width) {
            elqb__fail(q, ELQB_E_USAGE, "%s: row %u has %u values for %u "
                       "columns", function, (unsigned)n,
                       (unsigned)row.u.node->count, (unsigned)width);
            return false;
        }
        memcpy(args, row.u.node->args, width * sizeof(*args));
        args += width;
    }
    return true;
}

/* -------------------------------------------------------------- FROM item */

static void settle_item(elqb *q, struct elqb_node *node,
                        struct elqb__source *source)
{
    uint32_t width = source->count;

    for (uint32_t c = 0; c < width; c++) {
        struct elqb__item_column *column = &source->columns[c];

        if (!column->type)
            elqb__match_list(q, node->args + c, node->count - c, width,
                             &column->oid);
        else
            for (uint32_t i = c; i < node->count; i += width)
                settle_value(q, &node->args[i], column);
    }
}

elqb_table elqb_values_table_v(elqb *q, const char *alias,
                               const elqb_column_def *columns,
                               const elqb_expr *rows)
{
    static const char function[] = "elqb_values_table";
    struct elqb__source *source;
    struct elqb_node *node;
    uint32_t height;

    if (elqb__failed(q) || !(source = elqb__new_source(q, SOURCE_VALUES)) ||
        !elqb__keep_item_columns(q, function, source, columns) ||
        !(height = count_rows(q, function, rows, source->count)) ||
        !(node = elqb__new_node(q, NODE_SOURCE, height * source->count)) ||
        !keep_rows(q, function, node->args, source->count, rows))
        return elqb_table_named(NULL, NULL);
    settle_item(q, node, source);
    return elqb__make_item(q, function, node, source, alias);
}

/* --------------------------------------------------------------- statement */

static struct elqb__rows *new_rows(elqb *q, uint32_t width, uint32_t count)
{
    struct elqb__rows *rows =
        elqb__alloc(q, sizeof(*rows) + count * sizeof(elqb_expr));

    if (rows) {
        rows->width = width;
        rows->count = count;
    }
    return rows;
}

/* The rows as they are given. */
static struct elqb__rows *make_rows(elqb *q, const char *function,
                                    uint32_t width, uint32_t count,
                                    const elqb_expr *list)
{
    struct elqb__rows *rows = new_rows(q, width, count);
    elqb_expr *given = elqb__alloc(q, count * sizeof(*given));

    if (!rows || !given || !keep_rows(q, function, given, width, list))
        return NULL;
    memcpy(rows->values, given, count * sizeof(*given));
    rows->given = given;
    return rows;
}

/* "column1" and its like, of the types of the values. */
static bool add_result_columns(elqb_select *s)
{
    char name[24];

    for (uint32_t c = 0; c < s->rows->width; c++) {
        elqb_expr column;

        snprintf(name, sizeof(name), "column%u", (unsigned)c + 1);
        column = elqb_name(elqb__copy_string(s->q, name));
        elqb__match_list(s->q, s->rows->values + c, s->rows->count - c,
                         s->rows->width, &column.oid);
        if (elqb__failed(s->q) || !elqb__push(s->q, &s->columns, column))
            return false;
    }
    return true;
}

/* The width of the first row; 0: q failed. */
static uint32_t find_width(elqb *q, const char *function,
                           const elqb_expr *rows)
{
    elqb_expr first;

    while (rows->kind == ELQB_KIND_NONE)
        rows++;
    first = *rows;
    if (!keep_row(q, function, &first, 1))
        return 0;
    if (first.u.node->count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: row 1 has no values", function);
    return first.u.node->count;
}

elqb_select *elqb_values_select_v(elqb *q, const elqb_expr *rows)
{
    static const char function[] = "elqb_values_select";
    uint32_t width, height;
    elqb_select *s;

    if (elqb__failed(q) || !count_rows(q, function, rows, 1) ||
        !(width = find_width(q, function, rows)) ||
        !(height = count_rows(q, function, rows, width)) ||
        !(s = elqb_select_new(q)) ||
        !(s->rows = make_rows(q, function, width, height * width, rows)) ||
        !add_result_columns(s))
        return NULL;
    return s;
}

struct elqb__rows *elqb__type_rows(elqb *q, const struct elqb__rows *rows,
                                   uint32_t column, uint32_t oid, bool *all)
{
    struct elqb__rows *typed = new_rows(q, rows->width, rows->count);

    if (!typed)
        return NULL;
    memcpy(typed->values, rows->values, rows->count * sizeof(*rows->values));
    typed->given = rows->given;
    *all = true;
    for (uint32_t i = column; i < rows->count; i += rows->width) {
        elqb_expr value = rows->given[i];

        elqb__match_operand(q, &value, oid);
        if (value.oid == oid)
            typed->values[i] = value;
        *all &= value.oid == oid;
    }
    return typed;
}

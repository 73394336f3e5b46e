/* SPDX-License-Identifier: PostgreSQL */
/*
 * Arrays that are rows together: unnest(a, b, ...).
 *
 * Each array is that of a column, and takes the array type of it.  The cast
 * that is written behind it comes from the column as well, so the text is the
 * same for any number of rows, and an array that does not fit is an error of
 * the server instead of another meaning.
 *
 * Used as a FROM item (elqb_unnest), by INSERT and by elqb_in_arrays(), whose
 * columns may be any expressions.
 */
#include <stdio.h>

#include "source.h"

#define LABEL_SIZE 100 /* a name, which has at most 63 bytes, and words      */

/* How many elements a value has, SIZE_MAX if only the server knows. */
static size_t count_elements(const elqb_expr *array)
{
    if (array->kind == ELQB_KIND_VALUE &&
        (array->u.value.kind == ELPQ_KIND_ARRAY ||
         array->u.value.kind == ELPQ_KIND_C_ARRAY))
        return array->u.value.u.array.count;
    return SIZE_MAX;
}

static bool can_be_array(const elqb_expr *e)
{
    if (e->kind == ELQB_KIND_DEFAULT || e->kind == ELQB_KIND_STAR)
        return false;
    if (e->kind != ELQB_KIND_VALUE && e->kind != ELQB_KIND_LITERAL)
        return true;
    switch (e->u.value.kind) {
    case ELPQ_KIND_NULL:
    case ELPQ_KIND_TEXT: /* as '{1,2}' */
    case ELPQ_KIND_RAW:
    case ELPQ_KIND_ARRAY:
    case ELPQ_KIND_C_ARRAY:
        return true;
    default:
        return false;
    }
}

/* Whether the type of the array is the caller's word: that of strings is not,
 * they may stand for anything. */
static bool is_sure(const elqb_expr *array)
{
    if (array->kind == ELQB_KIND_NODE && array->u.node->kind == NODE_SHARED)
        array = &array->u.node->args[0];
    return array->kind == ELQB_KIND_NODE || array->kind == ELQB_KIND_COLUMN ||
           (array->oid != 0 && array->oid != ELPQ_OID_TEXT_ARRAY);
}

/* What the array is for, in messages. */
static const char *print_column(const elqb_expr *column, uint32_t i,
                                char text[LABEL_SIZE])
{
    if (column->kind == ELQB_KIND_COLUMN)
        snprintf(text, LABEL_SIZE, "the column \"%s\"", column->u.column.name);
    else
        snprintf(text, LABEL_SIZE, "column %u", (unsigned)i + 1);
    return text;
}

/* Let the array be one of the column's type, which `type` becomes. */
static bool match_array(elqb *q, const char *function, const elqb_expr *column,
                        uint32_t i, elqb_expr *array, uint32_t *type)
{
    char text[LABEL_SIZE];
    const char *name = print_column(column, i, text);

    *type = elqb__array_of(column->oid);
    if (!can_be_array(array))
        elqb__fail(q, ELQB_E_USAGE, "%s: what is given for %s is no array",
                   function, name);
    else if (elqb__element_of(column->oid))
        elqb__fail(q, ELQB_E_USAGE, "%s: %s is an array itself", function,
                   name);
    else if (!*type && !is_sure(array))
        elqb__fail(q, ELQB_E_USAGE, "%s: the array of %s needs elqb_cast(), "
                   "its type is not built in", function, name);
    if (elqb__failed(q))
        return false;
    if (*type)
        elqb__take_type(array, *type);
    else
        *type = array->oid;
    return true;
}

struct elqb_node *elqb__new_unnest(elqb *q, const char *function,
                                   const elqb_expr *columns, uint32_t count,
                                   const elqb_expr *arrays)
{
    uint32_t given = elqb__count_list(arrays);
    struct elqb_node *node;
    uint32_t *types;
    size_t rows = SIZE_MAX;

    if (elqb__failed(q))
        return NULL;
    if (given != count || count == 0) {
        elqb__fail(q, ELQB_E_USAGE, "%s: %u arrays for %u columns", function,
                   (unsigned)given, (unsigned)count);
        return NULL;
    }
    node = elqb__new_node(q, NODE_UNNEST, count);
    if (!node || !(types = elqb__alloc(q, count * sizeof(*types))) ||
        !elqb__keep_list(q, function, node->args, arrays, count))
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        elqb_expr column = columns[i];
        size_t n = count_elements(&node->args[i]);
        char text[LABEL_SIZE];

        if (!elqb__keep_operand(q, function, &column) ||
            !match_array(q, function, &column, i, &node->args[i], &types[i]))
            return NULL;
        if (rows != SIZE_MAX && n != SIZE_MAX && n != rows) {
            elqb__fail(q, ELQB_E_USAGE, "%s: an array has %zu items, the one "
                       "for %s %zu", function, rows,
                       print_column(&column, i, text), n);
            return NULL;
        }
        rows = n != SIZE_MAX ? n : rows;
    }
    node->more = types;
    return node;
}

static bool check_columns(elqb *q, const char *function,
                          const elqb_expr *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (columns[i].kind != ELQB_KIND_COLUMN)
            elqb__fail(q, ELQB_E_USAGE, "%s: what is listed is no column",
                       function);
        else
            elqb__check_name(q, function, columns[i].u.column.name);
    return !elqb__failed(q);
}

/* The columns as the item names them. */
static bool name_columns(elqb *q, struct elqb__source *source,
                         const elqb_expr *columns, uint32_t count)
{
    source->columns = elqb__alloc(q, count * sizeof(*source->columns));
    if (!source->columns)
        return false;
    source->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct elqb__item_column *c = &source->columns[i];

        c->name = elqb__copy_string(q, columns[i].u.column.name);
        c->type = NULL;
        c->oid = columns[i].oid;
    }
    return !elqb__failed(q);
}

elqb_table elqb_unnest_v(elqb *q, const char *alias, const elqb_expr *columns,
                         const elqb_expr *arrays)
{
    uint32_t count = elqb__count_list(columns);
    elqb_table none = elqb_table_named(NULL, NULL);
    struct elqb_node *call, *node;
    struct elqb__source *source;

    if (!check_columns(q, "elqb_unnest", columns, count) ||
        !(call = elqb__new_unnest(q, "elqb_unnest", columns, count, arrays)) ||
        !(source = elqb__new_source(q, SOURCE_FUNCTION)) ||
        !name_columns(q, source, columns, count) ||
        !(node = elqb__new_node(q, NODE_SOURCE, 1)))
        return none;
    node->args[0] = elqb__node_expr(call, 0);
    return elqb__make_item(q, "elqb_unnest", node, source, alias);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * INSERT, UPDATE, DELETE: their clauses, as they are given.
 *
 * What is stored into a column takes its type.  The lists of SET hold column
 * and value in turn.  What the statements share with SELECT is in
 * selectable.c.
 */
#include "statements.h"

/* ------------------------------------------------------------ assignments */

/* The column that a value is stored into: a column, or an element of one. */
bool elqb__is_target(const elqb_expr *e)
{
    while (e->kind == ELQB_KIND_NODE && (e->u.node->kind == NODE_SUBSCRIPT ||
                                         e->u.node->kind == NODE_SLICE ||
                                         e->u.node->kind == NODE_FIELD))
        e = &e->u.node->args[0];
    return e->kind == ELQB_KIND_COLUMN;
}

static bool keep_assignment(elqb *q, const char *function, elqb_expr *column,
                            elqb_expr *value)
{
    if (elqb__failed_in(q, function))
        return false;
    if (!elqb__is_target(column))
        elqb__fail(q, ELQB_E_USAGE, "%s: what is set is no column", function);
    if (!elqb__keep_operand(q, function, column) ||
        !elqb__keep_operand(q, function, value))
        return false;
    elqb__match_operand(q, value, column->oid);
    return true;
}

void elqb__add_assignment(elqb *q, const char *function,
                          struct elqb__list *set, elqb_expr column,
                          elqb_expr value)
{
    if (keep_assignment(q, function, &column, &value) &&
        elqb__push(q, set, column))
        elqb__push(q, set, value);
}

static bool is_node(const elqb_expr *e, enum elqb__node_kind kind)
{
    return e->kind == ELQB_KIND_NODE && e->u.node->kind == kind;
}

void elqb__add_row(elqb *q, const char *function, struct elqb__list *set,
                   const elqb_expr *columns, elqb_expr source)
{
    uint32_t count = elqb__count_list(columns);
    elqb_expr sides[2];
    struct elqb_node *row;

    if (elqb__failed_in(q, function) ||
        !elqb__keep_operand(q, function, &source) ||
        !(row = elqb__new_node(q, NODE_ROW, count)) ||
        !elqb__keep_list(q, function, row->args, columns, count))
        return;
    for (uint32_t i = 0; i < count; i++)
        if (!elqb__is_target(&row->args[i]))
            elqb__fail(q, ELQB_E_USAGE, "%s: what is set is no column",
                       function);
    if (count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: there are no columns", function);
    else if (!is_node(&source, NODE_ROW) && !is_node(&source, NODE_SCALAR))
        elqb__fail(q, ELQB_E_USAGE, "%s: the value is neither elqb_row() nor "
                   "elqb_scalar()", function);
    else if (is_node(&source, NODE_ROW) && source.u.node->count != count)
        elqb__fail(q, ELQB_E_USAGE, "%s: %u values for %u columns", function,
                   (unsigned)source.u.node->count, (unsigned)count);
    if (elqb__failed(q))
        return;
    sides[0] = elqb__node_expr(row, 0);
    sides[1] = source;
    elqb__match_types(q, OP_EQ, sides, 2); /* column by column */
    if (elqb__push(q, set, sides[0]))
        elqb__push(q, set, sides[1]);
}

uint8_t elqb__check_override(elqb *q, elqb_override kind)
{
    if (kind != ELQB_SYSTEM_VALUE && kind != ELQB_USER_VALUE)
        elqb__fail(q, ELQB_E_USAGE, "elqb_overriding: no such kind");
    return (uint8_t)kind;
}

/* A new statement of a table; keeps NULL if the table cannot be one. */
void *elqb__new_dml(elqb *q, const char *function, size_t size, elqb_table *t)
{
    if (!elqb__failed(q) && t->source &&
        elqb__is_ours(q, function, t->source, t->generation))
        elqb__fail(q, ELQB_E_USAGE, "%s: %s is no table", function,
                   elqb__source_name(t->source));
    return elqb__keep_table(q, function, t) ? elqb__new_statement(q, size)
                                            : NULL;
}

/* A copy of all but the lists, which both still share; keeps NULL. */
void *elqb__copy_statement(elqb *q, const char *function, const void *s,
                           size_t size)
{
    void *copy;

    if (elqb__failed_in(q, function) || !(copy = elqb__new_statement(q, size)))
        return NULL;
    return memcpy(copy, s, size);
}

/* What the statements have in common, in a copy: neither may add behind what
 * the other has. */
static void share_clauses(elqb *q, struct elqb__from *from,
                          struct elqb__list *returning,
                          struct elqb__with **with)
{
    if (from)
        from->room = from->count;
    elqb__share_list(returning);
    if (*with)
        *with = elqb__copy_with(q, *with);
}

/* ----------------------------------------------------------------- insert */

elqb_insert *elqb_insert_new(elqb *q, elqb_table t)
{
    elqb_insert *i = elqb__new_dml(q, "elqb_insert_new", sizeof(*i), &t);

    if (i && t.only)
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_insert_new: INSERT does not take elqb_only()");
    if (i)
        i->table = t;
    return i;
}

elqb_insert *elqb_insert_copy(const elqb_insert *i)
{
    elqb_insert *copy =
        i ? elqb__copy_statement(i->q, "elqb_insert_copy", i, sizeof(*i))
          : NULL;

    if (!copy)
        return NULL;
    elqb__share_list(&copy->columns);
    elqb__share_list(&copy->values);
    elqb__share_list(&copy->target);
    elqb__share_list(&copy->set);
    share_clauses(i->q, NULL, &copy->returning, &copy->with);
    return copy;
}

void elqb_insert_set(elqb_insert *i, elqb_expr column, elqb_expr value)
{
    if (!i || !keep_assignment(i->q, "elqb_set", &column, &value))
        return;
    if (i->by_rows || i->select) {
        elqb__fail(i->q, ELQB_E_USAGE,
                   "elqb_set: the insert has elqb_columns() already");
        return;
    }
    if (elqb__push(i->q, &i->columns, column))
        elqb__push(i->q, &i->values, value);
}

/* Values among the columns of a select are stored as others are. */
static void type_select(elqb_insert *i)
{
    for (uint32_t c = 0; i->select && c < i->columns.count; c++)
        if (!elqb__failed(i->q))
            elqb__type_values(&i->select, c, i->columns.items[c].oid);
}

void elqb_insert_columns_v(elqb_insert *i, const elqb_expr *columns)
{
    if (!i || elqb__failed_in(i->q, "elqb_columns"))
        return;
    if (i->values.count || i->unnest) {
        elqb__fail(i->q, ELQB_E_USAGE,
                   "elqb_columns: the insert has values already");
        return;
    }
    i->by_rows = true;
    elqb__add_list(i->q, "elqb_columns", &i->columns, columns);
    for (uint32_t c = 0; c < i->columns.count; c++)
        if (!elqb__is_target(&i->columns.items[c]))
            elqb__fail(i->q, ELQB_E_USAGE,
                       "elqb_columns: what is inserted into is no column");
    type_select(i);
}

void elqb_values_v(elqb_insert *i, const elqb_expr *row)
{
    uint32_t count = elqb__count_list(row);

    if (!i || elqb__failed_in(i->q, "elqb_values"))
        return;
    if (i->unnest) {
        elqb__fail(i->q, ELQB_E_USAGE,
                   "elqb_values: the insert has elqb_insert_unnest() already");
        return;
    }
    if (!i->by_rows || count != i->columns.count || i->select) {
        elqb__fail(i->q, ELQB_E_USAGE,
                   "elqb_values: %u values for the %u of elqb_columns()",
                   (unsigned)count,
                   i->by_rows ? (unsigned)i->columns.count : 0u);
        return;
    }
    for (uint32_t c = 0; c < count; c++) {
        elqb_expr value = row[c];

        if (!elqb__keep_operand(i->q, "elqb_values", &value))
            return;
        elqb__match_operand(i->q, &value, i->columns.items[c].oid);
        elqb__push(i->q, &i->values, value);
    }
}

void elqb_insert_select(elqb_insert *i, elqb_select *s)
{
    if (!i || elqb__failed_in(i->q, "elqb_insert_select"))
        return;
    if (!s)
        elqb__fail(i->q, ELQB_E_USAGE,
                   "elqb_insert_select: the select is NULL");
    else if (elqb__is_own_statement(i->q, "elqb_insert_select", s->q) &&
             (i->values.count || i->unnest))
        elqb__fail(i->q, ELQB_E_USAGE,
                   "elqb_insert_select: the insert has values already");
    i->select = s;
    type_select(i);
}

void elqb_insert_unnest_v(elqb_insert *i, const elqb_expr *arrays)
{
    if (!i || elqb__failed_in(i->q, "elqb_insert_unnest"))
        return;
    if (i->values.count || i->select || i->unnest)
        elqb__fail(i->q, ELQB_E_USAGE,
                   "elqb_insert_unnest: the insert has values already");
    else
        i->unnest = elqb__new_unnest(i->q, "elqb_insert_unnest",
                                     i->columns.items, i->columns.count,
                                     arrays);
}

void elqb_insert_overriding(elqb_insert *i, elqb_override kind)
{
    if (i && !elqb__failed_in(i->q, "elqb_overriding"))
        i->overriding = elqb__check_override(i->q, kind);
}

/* ------------------------------------------------------------ ON CONFLICT */

static void set_conflict(elqb_insert *i, const char *function,
                         enum elqb__conflict conflict,
                         const elqb_expr *target)
{
    if (!i || elqb__failed_in(i->q, function))
        return;
    if (i->conflict != CONFLICT_ERROR) {
        elqb__fail(i->q, ELQB_E_USAGE, "%s: there is an ON CONFLICT already",
                   function);
        return;
    }
    i->conflict = conflict;
    elqb__add_list(i->q, function, &i->target, target);
}

void elqb_on_conflict_nothing_v(elqb_insert *i, const elqb_expr *target)
{
    set_conflict(i, "elqb_on_conflict_nothing", CONFLICT_NOTHING, target);
}

void elqb_on_conflict_update_v(elqb_insert *i, const elqb_expr *target)
{
    set_conflict(i, "elqb_on_conflict_update", CONFLICT_UPDATE, target);
}

void elqb_on_constraint(elqb_insert *i, const char *name)
{
    if (i && !elqb__failed_in(i->q, "elqb_on_constraint") &&
        elqb__keep_name(i->q, "elqb_on_constraint", &name))
        i->constraint = name;
}

void elqb_conflict_index_where(elqb_insert *i, elqb_expr condition)
{
    if (i)
        elqb__add_condition(i->q, "elqb_conflict_index_where",
                            &i->index_where, condition);
}

void elqb_conflict_set(elqb_insert *i, elqb_expr column, elqb_expr value)
{
    if (i)
        elqb__add_assignment(i->q, "elqb_conflict_set", &i->set, column,
                             value);
}

void elqb_conflict_set_row(elqb_insert *i, const elqb_expr *columns,
                           elqb_expr source)
{
    if (i)
        elqb__add_row(i->q, "elqb_conflict_set_row", &i->set, columns, source);
}

void elqb_conflict_where(elqb_insert *i, elqb_expr condition)
{
    if (i)
        elqb__add_condition(i->q, "elqb_conflict_where", &i->conflict_where,
                            condition);
}

/* ----------------------------------------------------------------- update */

elqb_update *elqb_update_new(elqb *q, elqb_table t)
{
    elqb_update *u = elqb__new_dml(q, "elqb_update_new", sizeof(*u), &t);

    if (u)
        u->table = t;
    return u;
}

elqb_update *elqb_update_copy(const elqb_update *u)
{
    elqb_update *copy =
        u ? elqb__copy_statement(u->q, "elqb_update_copy", u, sizeof(*u))
          : NULL;

    if (!copy)
        return NULL;
    elqb__share_list(&copy->set);
    share_clauses(u->q, &copy->from, &copy->returning, &copy->with);
    return copy;
}

void elqb_update_set(elqb_update *u, elqb_expr column, elqb_expr value)
{
    if (u)
        elqb__add_assignment(u->q, "elqb_set", &u->set, column, value);
}

void elqb_update_set_row(elqb_update *u, const elqb_expr *columns,
                         elqb_expr source)
{
    if (u)
        elqb__add_row(u->q, "elqb_set_row", &u->set, columns, source);
}

void elqb_update_from(elqb_update *u, elqb_table t)
{
    if (u)
        elqb__add_from(u->q, "elqb_from", &u->from, t);
}

/* ----------------------------------------------------------------- delete */

elqb_delete *elqb_delete_new(elqb *q, elqb_table t)
{
    elqb_delete *d = elqb__new_dml(q, "elqb_delete_new", sizeof(*d), &t);

    if (d)
        d->table = t;
    return d;
}

elqb_delete *elqb_delete_copy(const elqb_delete *d)
{
    elqb_delete *copy =
        d ? elqb__copy_statement(d->q, "elqb_delete_copy", d, sizeof(*d))
          : NULL;

    if (copy)
        share_clauses(d->q, &copy->from, &copy->returning, &copy->with);
    return copy;
}

void elqb_using(elqb_delete *d, elqb_table t)
{
    if (d)
        elqb__add_from(d->q, "elqb_using", &d->from, t);
}

/* ----------------------------------------------------- what several have */

/* The row that a cursor is on is a condition of its own: it takes no AND. */
static void set_current_of(elqb *q, elqb_expr *where, const char *cursor)
{
    static const char function[] = "elqb_where_current_of";
    struct elqb_node *node;

    if (elqb__failed_in(q, function))
        return;
    if (where->kind)
        elqb__fail(q, ELQB_E_USAGE, "%s: there is a condition already",
                   function);
    if (!elqb__keep_name(q, function, &cursor) ||
        !(node = elqb__new_node(q, NODE_CURRENT_OF, 0)))
        return;
    node->text = cursor;
    *where = elqb__node_expr(node, ELPQ_OID_BOOL);
}

/* clang-format off */
#define DEFINE_CURRENT_OF(type)                                               \
    void elqb_##type##_where_current_of(elqb_##type *s, const char *cursor)   \
    {                                                                         \
        if (s)                                                                \
            set_current_of(s->q, &s->where, cursor);                          \
    }
#define DEFINE_WHERE(type)                                                    \
    void elqb_##type##_where(elqb_##type *s, elqb_expr condition)             \
    {                                                                         \
        if (s)                                                                \
            elqb__add_condition(s->q, "elqb_where", &s->where, condition);    \
    }
#define DEFINE_RETURNING(type)                                                \
    void elqb_##type##_returning_v(elqb_##type *s, const elqb_expr *list)     \
    {                                                                         \
        if (s)                                                                \
            elqb__add_columns(s->q, "elqb_returning", &s->returning, list);   \
    }
DEFINE_WHERE(update)
DEFINE_WHERE(delete)
DEFINE_CURRENT_OF(update)
DEFINE_CURRENT_OF(delete)
DEFINE_RETURNING(insert)
DEFINE_RETURNING(update)
DEFINE_RETURNING(delete)
/* clang-format on */

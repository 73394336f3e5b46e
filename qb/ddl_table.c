/* SPDX-License-Identifier: PostgreSQL */
/*
 * CREATE TABLE and ALTER TABLE: their columns and constraints.
 *
 * A declared table is a struct of the table and its columns, one behind the
 * other, so the columns are read from there: the declaration is the only place
 * that lists them.  Everything else is said by options, which are copied.
 */
#include "ddl.h"

#define COLUMN "elqb_column"
#define CONSTRAINT "elqb_constraint"

/* ---------------------------------------------------------------- columns */

static struct elqb__column *add_column(elqb_ddl *d, elqb_expr column)
{
    struct elqb__column *c = elqb__alloc(d->q, sizeof(*c));

    if (!c || !elqb__keep(d->q, COLUMN, &column))
        return NULL;
    c->next = NULL;
    c->name = column.u.column.name;
    c->oid = column.oid;
    c->options = NULL;
    if (d->u.table.last_column)
        d->u.table.last_column->next = c;
    else
        d->u.table.columns = c;
    d->u.table.last_column = c;
    return c;
}

elqb_ddl *elqb_create_table_named(elqb *q, elqb_table t, unsigned flags)
{
    static const char function[] = "elqb_create_table";

    if ((flags & ELQB_TEMPORARY) && (flags & ELQB_UNLOGGED))
        elqb__fail(q, ELQB_E_USAGE, "%s: both temporary and unlogged",
                   function);
    if ((flags & ELQB_TEMPORARY) && t.schema)
        elqb__fail(q, ELQB_E_USAGE,
                   "%s: a temporary table is in no schema of yours", function);
    return elqb__new_ddl(q, function, DDL_CREATE_TABLE, t, flags,
                         ELQB_IF_NOT_EXISTS | ELQB_TEMPORARY | ELQB_UNLOGGED);
}

elqb_ddl *elqb_create_table_v(elqb *q, const elqb_table *declared, size_t size,
                              unsigned flags)
{
    const char *at = (const char *)declared;
    elqb_expr column;
    elqb_ddl *d;

    if (elqb__failed(q))
        return NULL;
    if (!declared || size < sizeof(*declared) ||
        (size - sizeof(*declared)) % sizeof(column)) {
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_create_table: this is no declared table");
        return NULL;
    }
    d = elqb_create_table_named(q, *declared, flags);
    for (size_t i = sizeof(*declared); d && i < size; i += sizeof(column)) {
        memcpy(&column, at + i, sizeof(column));
        if (column.kind != ELQB_KIND_COLUMN) {
            elqb__fail(q, ELQB_E_USAGE,
                       "elqb_create_table: this is no declared table");
            return NULL;
        }
        if (!add_column(d, column))
            return NULL;
    }
    return d;
}

elqb_ddl *elqb_alter_table(elqb *q, elqb_table t, unsigned flags)
{
    return elqb__new_ddl(q, "elqb_alter_table", DDL_ALTER_TABLE, t, flags,
                         ELQB_IF_EXISTS);
}

static bool keep_type(elqb *q, elqb_column_type *type)
{
    bool none = !type->sql && !type->schema && !type->name;

    return none || elqb__keep_type(q, COLUMN, type);
}

static bool check_actions(elqb *q, const char *function, unsigned on_delete,
                          unsigned on_update)
{
    const unsigned actions[] = { on_delete, on_update };

    for (int i = 0; i < 2; i++)
        if (actions[i] != ELQB_NO_ACTION && actions[i] != ELQB_CASCADE &&
            actions[i] != ELQB_RESTRICT && actions[i] != ELQB_SET_NULL &&
            actions[i] != ELQB_SET_DEFAULT)
            elqb__fail(q, ELQB_E_USAGE, "%s: no such action of a foreign key",
                       function);
    return !elqb__failed(q);
}

/* A column that a foreign key may refer to. */
static bool keep_reference(elqb *q, const char *function, elqb_expr *e)
{
    if (e->kind != ELQB_KIND_COLUMN || !e->u.column.table)
        elqb__fail(q, ELQB_E_USAGE, "%s: .references is no column of a table",
                   function);
    return elqb__keep(q, function, e);
}

static const char *find_column_problem(const elqb_column_options *o,
                                       enum elqb__ddl_kind kind)
{
    if (!!o->default_value.kind + !!o->generated.kind + !!o->identity > 1)
        return "has more than one of default, generated, identity";
    if (o->identity > ELQB_IDENTITY_BY_DEFAULT)
        return "has no such kind of identity";
    if (o->sequence && !o->identity)
        return "has a .sequence but no .identity";
    if (o->sequence && (o->sequence->type || o->sequence->owned_by.kind))
        return "has a .sequence with a type or owner of its own";
    if (!o->references.kind && (o->on_delete || o->on_update ||
                                o->deferrable || o->initially_deferred))
        return "has options of a foreign key but no .references";
    if (o->if_not_exists && kind != DDL_ALTER_TABLE)
        return "has .if_not_exists, which is of ALTER TABLE";
    return NULL;
}

/* The type of a column as far as the builder knows it. */
static uint32_t type_of(const struct elqb__column *c,
                        const elqb_column_options *o)
{
    if (o->type.sql)
        return elqb__type_by_name(o->type.sql);
    return o->type.name ? 0 : c->oid;
}

static bool check_identity(elqb *q, const struct elqb__column *c,
                           const elqb_column_options *o)
{
    uint32_t type = type_of(c, o);

    if (o->identity && type && !elqb__is_sequence_type(type))
        elqb__fail(q, ELQB_E_USAGE, COLUMN ": the column \"%s\" has an "
                   "identity but is no INT2, INT4 or INT8", c->name);
    return !elqb__failed(q);
}

/* A value as a default is of the column's type; digits and strings are without
 * a word. */
static bool keep_default(elqb *q, uint32_t oid, elqb_expr *e)
{
    if (e->kind == ELQB_KIND_LITERAL)
        e->kind = ELQB_KIND_VALUE;
    if (!elqb__keep(q, COLUMN, e))
        return false;
    if (e->oid != ELPQ_OID_INT4 || oid == ELPQ_OID_BOOL)
        elqb__match_operand(q, e, oid);
    if (e->kind == ELQB_KIND_VALUE && e->u.value.kind == ELPQ_KIND_TEXT &&
        e->oid == oid)
        *e = elqb_typed(*e, TEXT);
    return elqb__keep_plain(q, COLUMN, e);
}

static const elqb_column_options *
keep_column_options(elqb *q, const struct elqb__column *c,
                    const elqb_column_options *from)
{
    elqb_column_options *o = elqb__alloc(q, sizeof(*o));
    elqb_sequence_options *sequence;

    if (!o)
        return NULL;
    *o = *from;
    if (!check_identity(q, c, o))
        return NULL;
    if (o->references.kind && !keep_reference(q, COLUMN, &o->references))
        return NULL;
    if (o->sequence) {
        sequence = elqb__alloc(q, sizeof(*sequence));
        if (!sequence)
            return NULL;
        *sequence = *o->sequence;
        if (!elqb__keep_sequence(q, COLUMN, type_of(c, o), sequence))
            return NULL;
        o->sequence = sequence;
    }
    if (!elqb__keep_optional(q, COLUMN, &o->collation))
        return NULL;
    elqb__take_bool(&o->check);
    if (!keep_type(q, &o->type) ||
        !keep_default(q, c->oid, &o->default_value) ||
        !elqb__keep_plain(q, COLUMN, &o->generated) ||
        !elqb__keep_plain(q, COLUMN, &o->check) ||
        !check_actions(q, COLUMN, o->on_delete, o->on_update))
        return NULL;
    return o;
}

/* Whether the expression is a column that this table can have. */
static bool check_column(elqb_ddl *d, const elqb_expr *column)
{
    const char *table;

    if (elqb__failed_in(d->q, COLUMN))
        return false;
    if (d->kind != DDL_CREATE_TABLE && d->kind != DDL_ALTER_TABLE) {
        elqb__fail(d->q, ELQB_E_USAGE,
                   COLUMN ": the statement makes no columns");
        return false;
    }
    if (column->kind != ELQB_KIND_COLUMN) {
        elqb__fail(d->q, ELQB_E_USAGE, COLUMN ": this is no column");
        return false;
    }
    table = column->u.column.table;
    if (table && strcmp(table, d->table.name) != 0)
        elqb__fail(d->q, ELQB_E_USAGE, COLUMN ": \"%s\" is a column of \"%s\", "
                   "not of \"%s\"", column->u.column.name, table,
                   d->table.name);
    return elqb__check_name(d->q, COLUMN, column->u.column.name);
}

void elqb_column_v(elqb_ddl *d, elqb_expr column,
                   const elqb_column_options *options)
{
    static const elqb_column_options none = { .reserved = 0 };
    const elqb_column_options *from = options ? options : &none;
    struct elqb__column *c;
    const char *problem;

    if (!d || !check_column(d, &column))
        return;
    c = d->u.table.columns;
    while (c && strcmp(c->name, column.u.column.name) != 0)
        c = c->next;
    problem = c && c->options ? "has options already"
                              : find_column_problem(from, d->kind);
    if (problem)
        elqb__fail(d->q, ELQB_E_USAGE, COLUMN ": the column \"%s\" %s",
                   column.u.column.name, problem);
    if (!c && !elqb__failed(d->q))
        c = add_column(d, column);
    if (c && !elqb__failed(d->q))
        c->options = keep_column_options(d->q, c, from);
}

/* ------------------------------------------------------------- constraints */

static const char *find_constraint_problem(const elqb_constraint_options *o,
                                           enum elqb__ddl_kind kind)
{
    if (kind != DDL_CREATE_TABLE && kind != DDL_ALTER_TABLE)
        return "the statement makes no constraints";
    if (!!o->primary_key + !!o->unique + !!o->foreign_key + !!o->exclude +
            !!o->check.kind !=
        1)
        return "it is not one of .primary_key, .unique, .foreign_key, "
               ".exclude, .check";
    if (!o->exclude && (o->operators || o->method || o->where.kind))
        return "it has options of .exclude";
    if (!o->foreign_key != !o->references)
        return ".foreign_key and .references go together";
    if (!o->foreign_key && (o->on_delete || o->on_update || o->match_full))
        return "it has options of a foreign key";
    if (!o->unique && o->nulls_not_distinct)
        return ".nulls_not_distinct is of .unique";
    if (!o->unique && !o->primary_key && !o->exclude && o->include)
        return ".include is of .unique, .primary_key and .exclude";
    if (!o->check.kind && o->no_inherit)
        return ".no_inherit is of .check";
    if (o->check.kind && (o->deferrable || o->initially_deferred))
        return "a check is not deferrable";
    if (o->not_valid && (kind != DDL_ALTER_TABLE ||
                         !(o->check.kind || o->foreign_key)))
        return ".not_valid is of .check and .foreign_key of ALTER TABLE";
    return NULL;
}

/* As many columns as the key has, all of one table. */
static bool keep_references(elqb *q, elqb_constraint_options *o)
{
    uint32_t count = elqb__count_list(o->foreign_key);
    const elqb_expr *list = o->references;

    if (elqb__count_list(list) != count)
        elqb__fail(q, ELQB_E_USAGE, CONSTRAINT ": %u columns refer to %u",
                   (unsigned)count, (unsigned)elqb__count_list(list));
    if (!elqb__keep_columns(q, CONSTRAINT, &o->references))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!list[i].u.column.table ||
            strcmp(list[i].u.column.table, list[0].u.column.table) != 0)
            elqb__fail(q, ELQB_E_USAGE, CONSTRAINT ": .references are no "
                       "columns of one table");
        if (elqb__failed(q))
            return false;
    }
    return check_actions(q, CONSTRAINT, o->on_delete, o->on_update);
}

/* EXCLUDE: an operator for each key. */
static bool keep_exclude(elqb *q, struct elqb__constraint *c)
{
    elqb_constraint_options *o = &c->options;
    const char **copy;
    uint32_t count = 0;

    if (!elqb__keep_keys(q, CONSTRAINT, &c->keys, o->exclude) ||
        !elqb__keep_optional(q, CONSTRAINT, &o->method) ||
        !elqb__keep_plain(q, CONSTRAINT, &o->where))
        return false;
    while (o->operators && o->operators[count])
        count++;
    if (count != c->keys.count)
        elqb__fail(q, ELQB_E_USAGE, CONSTRAINT ": %u operators for %u keys",
                   (unsigned)count, (unsigned)c->keys.count);
    copy = elqb__alloc(q, count * sizeof(*copy));
    for (uint32_t i = 0; copy && i < count; i++)
        if (!elqb__check_operator(q, CONSTRAINT, o->operators[i]) ||
            !(copy[i] = elqb__copy_string(q, o->operators[i])))
            return false;
    o->operators = copy;
    return copy != NULL;
}

void elqb_constraint_v(elqb_ddl *d, const elqb_constraint_options *options)
{
    static const elqb_constraint_options none = { .reserved = 0 };
    struct elqb__constraint *c;
    elqb_constraint_options *o;
    const char *problem;

    if (!d || elqb__failed_in(d->q, CONSTRAINT))
        return;
    problem = find_constraint_problem(options ? options : &none, d->kind);
    if (problem) {
        elqb__fail(d->q, ELQB_E_USAGE, CONSTRAINT ": %s", problem);
        return;
    }
    c = elqb__alloc(d->q, sizeof(*c));
    if (!c)
        return;
    memset(c, 0, sizeof(*c));
    o = &c->options;
    *o = *options;
    elqb__take_bool(&o->check);
    if (!elqb__keep_optional(d->q, CONSTRAINT, &o->name) ||
        !elqb__keep_columns(d->q, CONSTRAINT, &o->primary_key) ||
        !elqb__keep_columns(d->q, CONSTRAINT, &o->unique) ||
        !elqb__keep_columns(d->q, CONSTRAINT, &o->include) ||
        !elqb__keep_columns(d->q, CONSTRAINT, &o->foreign_key) ||
        !elqb__keep_plain(d->q, CONSTRAINT, &o->check) ||
        (o->references && !keep_references(d->q, o)) ||
        (o->exclude && !keep_exclude(d->q, c)))
        return;
    if (d->u.table.last_constraint)
        d->u.table.last_constraint->next = c;
    else
        d->u.table.constraints = c;
    d->u.table.last_constraint = c;
}

/* ----------------------------------------------------------------- clauses */

static const char *find_clauses_problem(const elqb_ddl *d,
                                        const elqb_table_options *o)
{
    if (d->kind != DDL_CREATE_TABLE)
        return "the statement is no CREATE TABLE";
    if (d->u.table.clauses)
        return "the table has some already";
    if (!o->partition != !o->partition_by)
        return ".partition and .partition_by go together";
    if (o->partition > ELQB_PARTITION_HASH)
        return "there is no such kind of partition";
    if (o->partition && o->inherits)
        return ".partition_by does not go with .inherits";
    if (o->on_commit > ELQB_ON_COMMIT_DROP)
        return "there is no such ON COMMIT";
    if (o->on_commit && !(d->flags & ELQB_TEMPORARY))
        return ".on_commit is of temporary tables";
    return NULL;
}

void elqb_table_clauses_v(elqb_ddl *d, const elqb_table_options *options)
{
    static const char function[] = "elqb_table_clauses";
    static const elqb_table_options none = { .reserved = 0 };
    struct elqb__table_clauses *c;
    elqb_table_options *o;
    const char *problem;
    elqb *q = d ? d->q : NULL;

    if (!d || elqb__failed_in(q, function))
        return;
    problem = find_clauses_problem(d, options ? options : &none);
    if (problem)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s", function, problem);
    if (elqb__failed(q) || !(c = elqb__alloc(q, sizeof(*c))))
        return;
    memset(c, 0, sizeof(*c));
    o = &c->options;
    *o = options ? *options : none;
    if ((o->inherits && !(o->inherits = elqb__keep_tables(
                              q, function, o->inherits, &c->inherits))) ||
        (o->partition &&
         !elqb__keep_keys(q, function, &c->keys, o->partition_by)) ||
        !elqb__keep_optional(q, function, &o->method) ||
        !elqb__keep_storage(q, function, &o->storage) ||
        !elqb__keep_optional(q, function, &o->tablespace))
        return;
    for (uint32_t i = 0; i < c->keys.count; i++)
        if (c->keys.items[i].kind == ELQB_KIND_NODE &&
            c->keys.items[i].u.node->kind == NODE_ORDER)
            elqb__fail(q, ELQB_E_USAGE, "%s: .partition_by takes no order "
                       "(asc, desc)", function);
    d->u.table.clauses = c;
}

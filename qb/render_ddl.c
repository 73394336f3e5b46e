/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of definitions.
 *
 * Their expressions were made plain when they came in, so there are no
 * parameters: one that is found all the same (hidden in a subquery, which the
 * server would refuse as well) is an error.
 */
#include "ddl.h"
#include "renderer.h"

static void put_flag(struct elqb__render *r, const elqb_ddl *d, unsigned flag,
                     const char *words)
{
    if (d->flags & flag)
        elqb__put_string(r, words);
}

static void put_string_literal(struct elqb__render *r, const char *s)
{
    const elpq_value v = elpq_text(s);

    elqb__put_literal(r, &v);
}

/* Nodes are const to the renderer but for the numbers of their leaves. */
static void put_plain(struct elqb__render *r, const elqb_expr *e, unsigned min)
{
    elqb__put_expr(r, (elqb_expr *)(uintptr_t)e, min);
}

static void put_in_parentheses(struct elqb__render *r, const char *before,
                               const elqb_expr *e)
{
    if (e->kind == ELQB_KIND_NONE)
        return;
    elqb__put_string(r, before);
    elqb__put_char(r, '(');
    put_plain(r, e, LEVEL_LOWEST);
    elqb__put_char(r, ')');
}

/* ("a", "b"), nothing for no list */
static void put_names(struct elqb__render *r, const char *before,
                      const elqb_expr *columns)
{
    if (!columns)
        return;
    elqb__put_string(r, before);
    for (uint32_t i = 0; columns[i].kind != ELQB_KIND_END; i++) {
        elqb__put_string(r, i ? ", " : " (");
        elqb__put_name(r, columns[i].u.column.name);
    }
    elqb__put_char(r, ')');
}

/* The table that a column is of. */
static void put_table_of(struct elqb__render *r, const elqb_expr *column)
{
    const elqb_table t = elqb_table_named(column->u.column.schema,
                                          column->u.column.table);

    elqb__put_table(r, &t);
}

/* ("a", ("lower"("b")) "text_ops" DESC); with operators, each WITH its own */
static void put_keys(struct elqb__render *r, const struct elqb__list *keys,
                     const char *const *operators)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        elqb__put_string(r, i ? ", " : " (");
        elqb__put_index_item(r, &keys->items[i]);
        if (operators) {
            PUT(r, " WITH ");
            elqb__put_string(r, operators[i]);
        }
    }
    elqb__put_char(r, ')');
}

static void put_optional(struct elqb__render *r, const char *before,
                         const char *name)
{
    if (name) {
        elqb__put_string(r, before);
        elqb__put_name(r, name);
    }
}

/* WITH ("fillfactor" = 70, toast."autovacuum_enabled" = false) */
#define TOAST "toast."
static void put_storage(struct elqb__render *r, const elqb_arg *storage)
{
    if (!storage)
        return;
    for (uint32_t i = 0; storage[i].name; i++) {
        const char *name = storage[i].name;

        elqb__put_string(r, i ? ", " : " WITH (");
        if (strncmp(name, TOAST, sizeof(TOAST) - 1) == 0) {
            PUT(r, TOAST);
            name += sizeof(TOAST) - 1;
        }
        elqb__put_name(r, name);
        PUT(r, " = ");
        elqb__put_literal(r, &storage[i].value.u.value);
    }
    elqb__put_char(r, ')');
}

/* -------------------------------------------------------------- sequences */

/* Options with spaces between. */
static void put_sequence_options(struct elqb__render *r,
                                 const elqb_sequence_options *o)
{
    const struct {
        const char *words;
        const elqb_expr *number;
    } numbers[] = {
        { "INCREMENT BY ", &o->increment }, { "START WITH ", &o->start },
        { "MINVALUE ", &o->min_value },     { "MAXVALUE ", &o->max_value },
        { "CACHE ", &o->cache },
    };
    unsigned count = 0;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (numbers[i].number->kind == ELQB_KIND_NONE)
            continue;
        if (count++)
            elqb__put_char(r, ' ');
        elqb__put_string(r, numbers[i].words);
        put_plain(r, numbers[i].number, LEVEL_LOWEST);
    }
    if (o->cycle)
        elqb__put_string(r, count ? " CYCLE" : "CYCLE");
}

static bool has_sequence_options(const elqb_sequence_options *o)
{
    return o->increment.kind || o->min_value.kind || o->max_value.kind ||
           o->start.kind || o->cache.kind || o->cycle;
}

static void put_create_sequence(struct elqb__render *r, const elqb_ddl *d)
{
    const elqb_sequence_options *o = &d->u.sequence;

    PUT(r, "CREATE ");
    put_flag(r, d, ELQB_TEMPORARY, "TEMPORARY ");
    PUT(r, "SEQUENCE ");
    put_flag(r, d, ELQB_IF_NOT_EXISTS, "IF NOT EXISTS ");
    elqb__put_table(r, &d->table);
    elqb__put_type(r, " AS ", o->type);
    if (has_sequence_options(o)) {
        elqb__put_char(r, ' ');
        put_sequence_options(r, o);
    }
    if (o->owned_by.kind) {
        PUT(r, " OWNED BY ");
        put_table_of(r, &o->owned_by);
        elqb__put_char(r, '.');
        elqb__put_name(r, o->owned_by.u.column.name);
    }
}

/* ----------------------------------------------------------------- tables */

static void put_deferrable(struct elqb__render *r, bool deferrable,
                           bool initially_deferred)
{
    if (initially_deferred)
        PUT(r, " DEFERRABLE INITIALLY DEFERRED");
    else if (deferrable)
        PUT(r, " DEFERRABLE");
}

static void put_action(struct elqb__render *r, const char *event,
                       unsigned action)
{
    if (action == ELQB_NO_ACTION)
        return;
    elqb__put_string(r, event);
    elqb__put_string(r, action == ELQB_CASCADE       ? "CASCADE"
                        : action == ELQB_RESTRICT    ? "RESTRICT"
                        : action == ELQB_SET_DEFAULT ? "SET DEFAULT"
                                                     : "SET NULL");
}

static void put_identity(struct elqb__render *r, const elqb_column_options *o)
{
    if (!o->identity)
        return;
    elqb__put_string(r, o->identity == ELQB_IDENTITY_ALWAYS
                            ? " GENERATED ALWAYS AS IDENTITY"
                            : " GENERATED BY DEFAULT AS IDENTITY");
    if (o->sequence && has_sequence_options(o->sequence)) {
        PUT(r, " (");
        put_sequence_options(r, o->sequence);
        elqb__put_char(r, ')');
    }
}

static void put_type(struct elqb__render *r, const struct elqb__column *c)
{
    const elqb_column_type *type = c->options ? &c->options->type : NULL;

    elqb__put_char(r, ' ');
    if (type && (type->sql || type->name)) {
        elqb__put_column_type(r, type);
    } else if (!elqb__put_type(r, "", c->oid)) {
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the column \"%s\" has no "
                   "type, see elqb_column()", c->name);
    }
}

static void put_column_options(struct elqb__render *r,
                               const elqb_column_options *o)
{
    if (o->collation) {
        PUT(r, " COLLATE ");
        elqb__put_name(r, o->collation);
    }
    if (o->default_value.kind) {
        PUT(r, " DEFAULT ");
        put_plain(r, &o->default_value, B_EXPR); /* as the grammar has it */
    }
    put_in_parentheses(r, " GENERATED ALWAYS AS ", &o->generated);
    if (o->generated.kind)
        PUT(r, " STORED");
    put_identity(r, o);
    if (o->not_null)
        PUT(r, " NOT NULL");
    if (o->primary_key)
        PUT(r, " PRIMARY KEY");
    if (o->unique)
        PUT(r, " UNIQUE");
    put_in_parentheses(r, " CHECK ", &o->check);
    if (o->references.kind) {
        const elqb_expr columns[] = { o->references,
                                      elqb_leaf(ELQB_KIND_END) };

        PUT(r, " REFERENCES ");
        put_table_of(r, &o->references);
        put_names(r, "", columns);
        put_action(r, " ON DELETE ", o->on_delete);
        put_action(r, " ON UPDATE ", o->on_update);
        put_deferrable(r, o->deferrable, o->initially_deferred);
    }
}

static void put_column(struct elqb__render *r, const struct elqb__column *c)
{
    elqb__put_name(r, c->name);
    put_type(r, c);
    if (c->options)
        put_column_options(r, c->options);
}

static void put_exclude(struct elqb__render *r,
                        const struct elqb__constraint *c)
{
    PUT(r, "EXCLUDE");
    put_optional(r, " USING ", c->options.method);
    put_keys(r, &c->keys, c->options.operators);
    put_names(r, " INCLUDE", c->options.include);
    put_in_parentheses(r, " WHERE ", &c->options.where);
}

static void put_constraint(struct elqb__render *r,
                           const struct elqb__constraint *c)
{
    const elqb_constraint_options *o = &c->options;

    if (o->name) {
        PUT(r, "CONSTRAINT ");
        elqb__put_name(r, o->name);
        elqb__put_char(r, ' ');
    }
    put_names(r, "PRIMARY KEY", o->primary_key);
    put_names(r, o->nulls_not_distinct ? "UNIQUE NULLS NOT DISTINCT" : "UNIQUE",
              o->unique);
    if (!o->exclude)
        put_names(r, " INCLUDE", o->include);
    put_in_parentheses(r, "CHECK ", &o->check);
    if (o->exclude)
        put_exclude(r, c);
    if (o->no_inherit)
        PUT(r, " NO INHERIT");
    put_names(r, "FOREIGN KEY", o->foreign_key);
    if (o->references) {
        PUT(r, " REFERENCES ");
        put_table_of(r, &o->references[0]);
        put_names(r, "", o->references);
        if (o->match_full)
            PUT(r, " MATCH FULL");
        put_action(r, " ON DELETE ", o->on_delete);
        put_action(r, " ON UPDATE ", o->on_update);
    }
    put_deferrable(r, o->deferrable, o->initially_deferred);
    if (o->not_valid)
        PUT(r, " NOT VALID");
}

static void put_table_clauses(struct elqb__render *r,
                              const struct elqb__table_clauses *c)
{
    static const char *const partitions[] = { "", " PARTITION BY RANGE",
                                              " PARTITION BY LIST",
                                              " PARTITION BY HASH" };
    static const char *const on_commits[] = { "", " ON COMMIT PRESERVE ROWS",
                                              " ON COMMIT DELETE ROWS",
                                              " ON COMMIT DROP" };

    for (uint32_t i = 0; i < c->inherits; i++) {
        elqb__put_string(r, i ? ", " : " INHERITS (");
        elqb__put_table(r, &c->options.inherits[i]);
    }
    if (c->inherits)
        elqb__put_char(r, ')');
    if (c->options.partition) {
        elqb__put_string(r, partitions[c->options.partition]);
        put_keys(r, &c->keys, NULL);
    }
    put_optional(r, " USING ", c->options.method);
    put_storage(r, c->options.storage);
    elqb__put_string(r, on_commits[c->options.on_commit]);
    put_optional(r, " TABLESPACE ", c->options.tablespace);
}

static void put_create_table(struct elqb__render *r, const elqb_ddl *d)
{
    const char *before = " (";

    if (!d->u.table.columns &&
        !(d->u.table.clauses && d->u.table.clauses->inherits))
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the table \"%s\" has no "
                   "columns, see elqb_column()", d->table.name);
    PUT(r, "CREATE ");
    put_flag(r, d, ELQB_TEMPORARY, "TEMPORARY ");
    put_flag(r, d, ELQB_UNLOGGED, "UNLOGGED ");
    PUT(r, "TABLE ");
    put_flag(r, d, ELQB_IF_NOT_EXISTS, "IF NOT EXISTS ");
    elqb__put_table(r, &d->table);
    for (const struct elqb__column *c = d->u.table.columns; c; c = c->next) {
        elqb__put_string(r, before);
        before = ", ";
        put_column(r, c);
    }
    for (const struct elqb__constraint *c = d->u.table.constraints; c;
         c = c->next) {
        elqb__put_string(r, before);
        before = ", ";
        put_constraint(r, c);
    }
    if (!d->u.table.columns && !d->u.table.constraints)
        elqb__put_string(r, before);
    elqb__put_char(r, ')');
    if (d->u.table.clauses)
        put_table_clauses(r, d->u.table.clauses);
}

static void put_alter_table(struct elqb__render *r, const elqb_ddl *d)
{
    const char *before = " ";

    if (!d->u.table.columns && !d->u.table.constraints)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: ALTER TABLE \"%s\" adds "
                   "nothing", d->table.name);
    PUT(r, "ALTER TABLE ");
    put_flag(r, d, ELQB_IF_EXISTS, "IF EXISTS ");
    elqb__put_table(r, &d->table);
    for (const struct elqb__column *c = d->u.table.columns; c; c = c->next) {
        elqb__put_string(r, before);
        before = ", ";
        PUT(r, "ADD COLUMN ");
        if (c->options && c->options->if_not_exists)
            PUT(r, "IF NOT EXISTS ");
        put_column(r, c);
    }
    for (const struct elqb__constraint *c = d->u.table.constraints; c;
         c = c->next) {
        elqb__put_string(r, before);
        before = ", ";
        PUT(r, "ADD ");
        put_constraint(r, c);
    }
}

/* ---------------------------------------------------------------- the rest */

static void put_create_index(struct elqb__render *r, const elqb_ddl *d)
{
    const elqb_index_options *o = &d->u.index.options;

    elqb__put_string(r, o->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    if (o->concurrently)
        PUT(r, "CONCURRENTLY ");
    if (o->if_not_exists)
        PUT(r, "IF NOT EXISTS ");
    if (d->u.index.name) {
        elqb__put_name(r, d->u.index.name);
        elqb__put_char(r, ' ');
    }
    PUT(r, "ON ");
    elqb__put_table(r, &d->table);
    put_optional(r, " USING ", o->method);
    put_keys(r, &d->u.index.keys, NULL);
    put_names(r, " INCLUDE", o->include);
    if (o->nulls_not_distinct)
        PUT(r, " NULLS NOT DISTINCT");
    put_storage(r, o->storage);
    put_optional(r, " TABLESPACE ", o->tablespace);
    elqb__put_clause(r, " WHERE ", &o->where);
}

static void put_create_schema(struct elqb__render *r, const elqb_ddl *d)
{
    PUT(r, "CREATE SCHEMA ");
    put_flag(r, d, ELQB_IF_NOT_EXISTS, "IF NOT EXISTS ");
    elqb__put_schema_name(r, d->table.name);
}

static void put_create_enum(struct elqb__render *r, const elqb_ddl *d)
{
    PUT(r, "CREATE TYPE ");
    elqb__put_table(r, &d->table);
    PUT(r, " AS ENUM (");
    for (uint32_t i = 0; i < d->u.type.count; i++) {
        if (i)
            PUT(r, ", ");
        put_string_literal(r, d->u.type.labels[i]);
    }
    elqb__put_char(r, ')');
}

static void put_add_enum_value(struct elqb__render *r, const elqb_ddl *d)
{
    PUT(r, "ALTER TYPE ");
    elqb__put_table(r, &d->table);
    PUT(r, " ADD VALUE ");
    put_flag(r, d, ELQB_IF_NOT_EXISTS, "IF NOT EXISTS ");
    put_string_literal(r, d->u.type.labels[0]);
    if (d->u.type.before) {
        PUT(r, " BEFORE ");
        put_string_literal(r, d->u.type.before);
    }
    if (d->u.type.after) {
        PUT(r, " AFTER ");
        put_string_literal(r, d->u.type.after);
    }
}

/* What is dropped or commented on, behind its kind. */
static void put_object(struct elqb__render *r, const elqb_ddl *d)
{
    if (strcmp(d->u.object.word, "SCHEMA") == 0)
        elqb__put_schema_name(r, d->table.name);
    else
        elqb__put_table(r, &d->table);
}

static void put_drop(struct elqb__render *r, const elqb_ddl *d)
{
    PUT(r, "DROP ");
    elqb__put_string(r, d->u.object.word);
    elqb__put_char(r, ' ');
    put_flag(r, d, ELQB_CONCURRENTLY, "CONCURRENTLY ");
    put_flag(r, d, ELQB_IF_EXISTS, "IF EXISTS ");
    put_object(r, d);
    put_flag(r, d, ELQB_CASCADE, " CASCADE");
}

static void put_drop_constraint(struct elqb__render *r, const elqb_ddl *d)
{
    PUT(r, "ALTER TABLE ");
    elqb__put_table(r, &d->table);
    PUT(r, " DROP CONSTRAINT ");
    put_flag(r, d, ELQB_IF_EXISTS, "IF EXISTS ");
    elqb__put_name(r, d->u.object.constraint);
    put_flag(r, d, ELQB_CASCADE, " CASCADE");
}

static void put_truncate(struct elqb__render *r, const elqb_ddl *d)
{
    for (uint32_t i = 0; i < d->u.truncate.count; i++) {
        elqb__put_string(r, i ? ", " : "TRUNCATE ");
        elqb__put_table(r, &d->u.truncate.tables[i]);
    }
    put_flag(r, d, ELQB_RESTART_IDENTITY, " RESTART IDENTITY");
    put_flag(r, d, ELQB_CASCADE, " CASCADE");
}

static void put_comment(struct elqb__render *r, const elqb_ddl *d)
{
    PUT(r, "COMMENT ON ");
    elqb__put_string(r, d->u.object.word);
    elqb__put_char(r, ' ');
    if (d->u.object.constraint) {
        elqb__put_name(r, d->u.object.constraint);
        PUT(r, " ON ");
    }
    put_object(r, d);
    if (d->u.object.column.kind) {
        elqb__put_char(r, '.');
        elqb__put_name(r, d->u.object.column.u.column.name);
    }
    PUT(r, " IS ");
    if (d->u.object.text)
        put_string_literal(r, d->u.object.text);
    else
        PUT(r, "NULL");
}

void elqb__put_ddl(struct elqb__render *r, const elqb_ddl *d)
{
    static void (*const put[])(struct elqb__render *, const elqb_ddl *) = {
        [DDL_CREATE_TABLE] = put_create_table,
        [DDL_ALTER_TABLE] = put_alter_table,
        [DDL_CREATE_INDEX] = put_create_index,
        [DDL_CREATE_SCHEMA] = put_create_schema,
        [DDL_CREATE_ENUM] = put_create_enum,
        [DDL_ADD_ENUM_VALUE] = put_add_enum_value,
        [DDL_CREATE_SEQUENCE] = put_create_sequence,
        [DDL_DROP] = put_drop,
        [DDL_DROP_CONSTRAINT] = put_drop_constraint,
        [DDL_TRUNCATE] = put_truncate,
        [DDL_COMMENT] = put_comment,
    };

    r->flags = ELPQ_NO_PREPARE; /* it runs once */
    put[d->kind](r, d);
    if (r->count)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: a definition takes no "
                   "parameters, and has some in a subquery or aggregate");
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Definitions: what they have in common, and all but those of tables, which
 * are in ddl_table.c.
 *
 * PostgreSQL has no parameters in these statements, so every expression goes
 * through elqb__keep_plain() on its way in: a copy of the tree in which values
 * are literals.  The caller's own tree stays what it was.
 */
#include "ddl.h"

/* ----------------------------------------------------- plain expressions */

#define PLAIN_DEPTH 1000

static bool is_number(uint32_t oid)
{
    return oid == ELPQ_OID_INT2 || oid == ELPQ_OID_INT8 ||
           oid == ELPQ_OID_NUMERIC || oid == ELPQ_OID_FLOAT4 ||
           oid == ELPQ_OID_FLOAT8;
}

/* What a column is compared with needs no word about its type: 5, 'x' and not
 * 5::numeric, 'x'::varchar. */
static void forget_types(struct elqb_node *node)
{
    const elqb_expr *column = node->args;

    if (node->count < 2 || column->kind != ELQB_KIND_COLUMN ||
        (node->level != LEVEL_COMPARISON && node->level != LEVEL_PATTERN))
        return;
    for (uint32_t i = 1; i < node->count; i++) {
        elqb_expr *e = &node->args[i];
        const elpq_value *v = &e->u.value;

        if (e->kind != ELQB_KIND_LITERAL || e->oid != column->oid)
            continue;
        if (v->kind == ELPQ_KIND_TEXT)
            *e = elqb_typed(*e, TEXT);
        else if (v->kind == ELPQ_KIND_INT && is_number(e->oid) &&
                 v->u.int64 > INT32_MIN && v->u.int64 <= INT32_MAX)
            *e = elqb_typed(*e, INT4);
    }
}

static bool make_plain(elqb *q, const char *function, elqb_expr *e,
                       unsigned depth)
{
    const struct elqb_node *from = e->u.node;
    struct elqb_node *node;

    switch (e->kind) {
    case ELQB_KIND_VALUE:
        e->kind = ELQB_KIND_LITERAL;
        return true;
    case ELQB_KIND_COLUMN:
        e->u.column.schema = e->u.column.table = NULL;
        return true;
    case ELQB_KIND_BIND:
        elqb__fail(q, ELQB_E_BIND, "%s: a definition takes no binds (:%s)",
                   function, e->u.column.name);
        return false;
    case ELQB_KIND_NODE:
        break;
    default:
        return true;
    }
    if (depth == PLAIN_DEPTH) {
        elqb__fail(q, ELQB_E_LIMIT, "%s: nested more than %d levels deep",
                   function, PLAIN_DEPTH);
        return false;
    }
    node = elqb__new_node(q, (enum elqb__node_kind)from->kind, from->count);
    if (!node)
        return false;
    node->op = from->op;
    node->level = from->level;
    node->flags = from->flags;
    node->text = from->text;
    node->more = from->more;
    for (uint32_t i = 0; i < from->count; i++) {
        node->args[i] = from->args[i];
        if (!make_plain(q, function, &node->args[i], depth + 1))
            return false;
    }
    forget_types(node);
    *e = elqb__node_expr(node, e->oid);
    return true;
}

bool elqb__keep_plain(elqb *q, const char *function, elqb_expr *e)
{
    if (e->kind == ELQB_KIND_END)
        elqb__fail(q, ELQB_E_USAGE, "%s: an operand is ELQB_END", function);
    return elqb__keep(q, function, e) && make_plain(q, function, e, 0);
}

bool elqb__keep_columns(elqb *q, const char *function,
                        const elqb_expr **columns)
{
    uint32_t count = elqb__count_list(*columns);
    elqb_expr *copy;

    if (elqb__failed(q) || !*columns)
        return !elqb__failed(q);
    if (count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: a list of columns is empty",
                   function);
    copy = elqb__alloc(q, (count + 1) * sizeof(*copy));
    if (!copy || !elqb__keep_list(q, function, copy, *columns, count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (copy[i].kind != ELQB_KIND_COLUMN)
            elqb__fail(q, ELQB_E_USAGE, "%s: what is listed is no column",
                       function);
    copy[count] = elqb_leaf(ELQB_KIND_END);
    *columns = copy;
    return !elqb__failed(q);
}

/* ------------------------------------------------- what all have in common */

bool elqb__keep_keys(elqb *q, const char *function, struct elqb__list *keys,
                     const elqb_expr *list)
{
    for (; list && list->kind != ELQB_KIND_END; list++) {
        elqb_expr e = *list;

        if (e.kind == ELQB_KIND_NONE)
            elqb__fail(q, ELQB_E_USAGE, "%s: an operand is ELQB_NONE",
                       function);
        if (!elqb__keep_plain(q, function, &e) || !elqb__push(q, keys, e))
            return false;
    }
    if (keys->count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: there are no keys", function);
    return !elqb__failed(q);
}

/* Written without a type: parameters of storage have their own. */
static bool keep_storage_value(elqb *q, const char *function,
                               const char *name, elqb_expr *e)
{
    elpq_value *v = &e->u.value;
    bool is_value = elqb__is_value(e);

    if (!is_value || (v->kind != ELPQ_KIND_INT && v->kind != ELPQ_KIND_BOOL &&
                      v->kind != ELPQ_KIND_TEXT && v->kind != ELPQ_KIND_DOUBLE))
        elqb__fail(q, ELQB_E_USAGE, "%s: the parameter \"%s\" is no number, "
                   "bool or text", function, name);
    if (elqb__failed(q) || !elqb__keep(q, function, e))
        return false;
    if (v->oid != ELPQ_OID_BOOL)
        v->oid = 0;
    return true;
}

bool elqb__keep_storage(elqb *q, const char *function,
                        const elqb_arg **storage)
{
    const elqb_arg *from = *storage;
    uint32_t count = 0;
    elqb_arg *copy;

    if (elqb__failed(q) || !from)
        return !elqb__failed(q);
    while (from[count].name)
        count++;
    if (count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: .storage is empty", function);
    copy = elqb__alloc(q, (count + 1) * sizeof(*copy));
    if (!copy)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = from[i];
        if (!elqb__keep_name(q, function, &copy[i].name) ||
            !keep_storage_value(q, function, copy[i].name, &copy[i].value))
            return false;
    }
    copy[count].name = NULL;
    *storage = copy;
    return true;
}

static bool keep_bare_table(elqb *q, const char *function, elqb_table *t)
{
    if (!elqb__keep_table(q, function, t))
        return false;
    if (t->source)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s is no table", function,
                   elqb__source_name(t->source));
    else if (t->alias)
        elqb__fail(q, ELQB_E_USAGE, "%s: a table has an alias", function);
    return !elqb__failed(q);
}

const elqb_table *elqb__keep_tables(elqb *q, const char *function,
                                    const elqb_table *tables, uint32_t *count)
{
    elqb_table *copy;

    *count = 0;
    while (tables && tables[*count].flags != ELQB_LAST_TABLE)
        ++*count;
    if (*count == 0 && !elqb__failed(q))
        elqb__fail(q, ELQB_E_USAGE, "%s: there are no tables", function);
    if (elqb__failed(q) || !(copy = elqb__alloc(q, *count * sizeof(*copy))))
        return NULL;
    for (uint32_t i = 0; i < *count; i++) {
        copy[i] = tables[i];
        if (!keep_bare_table(q, function, &copy[i]))
            return NULL;
    }
    return copy;
}

elqb_ddl *elqb__new_ddl(elqb *q, const char *function,
                        enum elqb__ddl_kind kind, elqb_table t,
                        unsigned flags, unsigned allowed)
{
    bool only = kind == DDL_ALTER_TABLE || kind == DDL_CREATE_INDEX ||
                kind == DDL_DROP_CONSTRAINT;
    elqb_ddl *d;

    if (elqb__failed(q))
        return NULL;
    if (t.source && !elqb__is_ours(q, function, t.source, t.generation))
        return NULL;
    if (t.source)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s is no table", function,
                   elqb__source_name(t.source));
    else if (t.alias)
        elqb__fail(q, ELQB_E_USAGE, "%s: the table has an alias, \"%s\"",
                   function, t.alias);
    else if (t.only && !only)
        elqb__fail(q, ELQB_E_USAGE, "%s: elqb_only() does not fit here",
                   function);
    else if (flags & ~allowed)
        elqb__fail(q, ELQB_E_USAGE, "%s: a flag that the statement does not "
                   "have", function);
    if ((t.schema && !elqb__check_name(q, function, t.schema)) ||
        !elqb__keep_table(q, function, &t) ||
        !(d = elqb__new_statement(q, sizeof(*d))))
        return NULL;
    d->kind = kind;
    d->flags = flags;
    d->table = t;
    return d;
}

static elqb_ddl *drop(elqb *q, const char *function, const char *word,
                      elqb_table t, unsigned flags, unsigned more)
{
    elqb_ddl *d = elqb__new_ddl(q, function, DDL_DROP, t, flags,
                                ELQB_IF_EXISTS | ELQB_CASCADE | more);

    if (d)
        d->u.object.word = word;
    return d;
}

elqb_ddl *elqb_drop_table(elqb *q, elqb_table t, unsigned flags)
{
    return drop(q, "elqb_drop_table", "TABLE", t, flags, 0);
}

elqb_ddl *elqb_drop_constraint(elqb *q, elqb_table t, const char *name,
                               unsigned flags)
{
    static const char function[] = "elqb_drop_constraint";
    elqb_ddl *d = elqb__new_ddl(q, function, DDL_DROP_CONSTRAINT, t, flags,
                                ELQB_IF_EXISTS | ELQB_CASCADE);

    if (!d || !elqb__keep_name(q, function, &name))
        return NULL;
    d->u.object.constraint = name;
    return d;
}

elqb_ddl *elqb_drop_index(elqb *q, const char *schema, const char *name,
                          unsigned flags)
{
    if ((flags & ELQB_CONCURRENTLY) && (flags & ELQB_CASCADE))
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_drop_index: CONCURRENTLY does not go with CASCADE");
    return drop(q, "elqb_drop_index", "INDEX", elqb_table_named(schema, name),
                flags, ELQB_CONCURRENTLY);
}

elqb_ddl *elqb_drop_schema(elqb *q, const char *name, unsigned flags)
{
    return drop(q, "elqb_drop_schema", "SCHEMA", elqb_table_named(NULL, name),
                flags, 0);
}

elqb_ddl *elqb_drop_type(elqb *q, const char *schema, const char *name,
                         unsigned flags)
{
    return drop(q, "elqb_drop_type", "TYPE", elqb_table_named(schema, name),
                flags, 0);
}

elqb_ddl *elqb_drop_sequence(elqb *q, const char *schema, const char *name,
                             unsigned flags)
{
    return drop(q, "elqb_drop_sequence", "SEQUENCE",
                elqb_table_named(schema, name), flags, 0);
}

elqb_ddl *elqb_create_schema(elqb *q, const char *name, unsigned flags)
{
    return elqb__new_ddl(q, "elqb_create_schema", DDL_CREATE_SCHEMA,
                         elqb_table_named(NULL, name), flags,
                         ELQB_IF_NOT_EXISTS);
}

/* --------------------------------------------------------------- TRUNCATE */

elqb_ddl *elqb_truncate(elqb *q, const elqb_table *tables, unsigned flags)
{
    static const char function[] = "elqb_truncate";
    uint32_t count;
    const elqb_table *copy = elqb__keep_tables(q, function, tables, &count);
    elqb_ddl *d = NULL;

    if (copy)
        d = elqb__new_ddl(q, function, DDL_TRUNCATE,
                          elqb_table_named(NULL, copy[0].name), flags,
                          ELQB_RESTART_IDENTITY | ELQB_CASCADE);
    if (d) {
        d->u.truncate.tables = copy;
        d->u.truncate.count = count;
    }
    return d;
}

/* ---------------------------------------------------------------- indexes */

static bool keep_index_options(elqb *q, elqb_index_options *o)
{
    static const char function[] = "elqb_create_index";

    if (!elqb__keep_optional(q, function, &o->method))
        return false;
    if (o->nulls_not_distinct && !o->unique)
        elqb__fail(q, ELQB_E_USAGE, "%s: .nulls_not_distinct without .unique",
                   function);
    return elqb__keep_columns(q, function, &o->include) &&
           elqb__keep_storage(q, function, &o->storage) &&
           elqb__keep_optional(q, function, &o->tablespace) &&
           elqb__keep_plain(q, function, &o->where);
}

elqb_ddl *elqb_create_index_v(elqb *q, const char *name, elqb_table t,
                              const elqb_expr *keys,
                              const elqb_index_options *options)
{
    static const char function[] = "elqb_create_index";
    elqb_ddl *d = elqb__new_ddl(q, function, DDL_CREATE_INDEX, t, 0, 0);

    if (!d)
        return NULL;
    if (options)
        d->u.index.options = *options;
    if (!name && d->u.index.options.if_not_exists)
        elqb__fail(q, ELQB_E_USAGE, "%s: IF NOT EXISTS needs a name",
                   function);
    if (!elqb__keep_optional(q, function, &name) ||
        !elqb__keep_keys(q, function, &d->u.index.keys, keys) ||
        !keep_index_options(q, &d->u.index.options))
        return NULL;
    d->u.index.name = name;
    return d;
}

/* ------------------------------------------------------------------ enums */

elqb_ddl *elqb_create_enum_v(elqb *q, const char *schema, const char *name,
                             const char *const *labels)
{
    static const char function[] = "elqb_create_enum";
    elqb_ddl *d = elqb__new_ddl(q, function, DDL_CREATE_ENUM,
                                elqb_table_named(schema, name), 0, 0);
    uint32_t count = 0;

    while (labels && labels[count])
        count++;
    if (!d ||
        !(d->u.type.labels = elqb__alloc(q, count * sizeof(*labels) + 1)))
        return NULL;
    d->u.type.count = count;
    for (uint32_t i = 0; i < count; i++) {
        d->u.type.labels[i] = labels[i];
        if (!elqb__keep_optional(q, function, &d->u.type.labels[i]))
            return NULL;
    }
    return d;
}

elqb_ddl *elqb_add_enum_value(elqb *q, const char *schema, const char *name,
                              const char *label, const char *before,
                              const char *after, unsigned flags)
{
    static const char function[] = "elqb_add_enum_value";
    elqb_ddl *d = elqb__new_ddl(q, function, DDL_ADD_ENUM_VALUE,
                                elqb_table_named(schema, name), flags,
                                ELQB_IF_NOT_EXISTS);

    if (!d || !elqb__keep_name(q, function, &label) ||
        !elqb__keep_optional(q, function, &before) ||
        !elqb__keep_optional(q, function, &after) ||
        !(d->u.type.labels = elqb__alloc(q, sizeof(label))))
        return NULL;
    if (before && after)
        elqb__fail(q, ELQB_E_USAGE, "%s: both before and after a label",
                   function);
    d->u.type.labels[0] = label;
    d->u.type.count = 1;
    d->u.type.before = before;
    d->u.type.after = after;
    return d;
}

/* -------------------------------------------------------------- sequences */

static bool check_number(elqb *q, const char *function, elqb_expr *e)
{
    bool value = elqb__is_value(e);

    if (e->kind == ELQB_KIND_NONE)
        return !elqb__failed(q);
    if (!value || (e->u.value.kind != ELPQ_KIND_INT &&
                   e->u.value.kind != ELPQ_KIND_UINT))
        elqb__fail(q, ELQB_E_USAGE, "%s: an option of a sequence is no "
                   "integer", function);
    e->kind = ELQB_KIND_LITERAL;
    e->oid = e->u.value.oid = 0; /* digits, without a cast */
    return !elqb__failed(q);
}

/* The number of an option, or what it is without; what no int8 can have is an
 * error. */
static int64_t get_number(elqb *q, const char *function, const char *name,
                          const elqb_expr *e, int64_t otherwise)
{
    if (e->kind == ELQB_KIND_NONE)
        return otherwise;
    if (e->u.value.kind == ELPQ_KIND_UINT && e->u.value.u.uint64 > INT64_MAX)
        elqb__fail(q, ELQB_E_USAGE, "%s: .%s does not fit INT8", function,
                   name);
    return e->u.value.u.int64;
}

/* What the server does not let a sequence be.  The type of its numbers is
 * that of a column, or one that only the server knows: 0. */
static void check_sequence(elqb *q, const char *function,
                           const elqb_sequence_options *o, uint32_t type)
{
    int64_t top = type == ELPQ_OID_INT2   ? INT16_MAX
                  : type == ELPQ_OID_INT4 ? INT32_MAX
                                          : INT64_MAX;
    int64_t by = get_number(q, function, "increment", &o->increment, 1);
    int64_t min = get_number(q, function, "min_value", &o->min_value,
                             by > 0 ? 1 : -top - 1);
    int64_t max = get_number(q, function, "max_value", &o->max_value,
                             by > 0 ? top : -1);
    int64_t start = get_number(q, function, "start", &o->start,
                               by > 0 ? min : max);
    const char *problem = NULL;
    char name[ELQB_TYPE_SIZE];

    if (min < -top - 1 || min > top || max < -top - 1 || max > top) {
        elqb__fail(q, ELQB_E_USAGE, "%s: %s does not fit %s", function,
                   min < -top - 1 || min > top ? ".min_value" : ".max_value",
                   elqb__print_type(type, name));
        return;
    }
    if (by == 0)
        problem = ".increment is 0";
    else if (min >= max)
        problem = ".min_value is not below .max_value";
    else if (start < min || start > max)
        problem = ".start is not between .min_value and .max_value";
    else if (get_number(q, function, "cache", &o->cache, 1) <= 0)
        problem = ".cache is not above 0";
    if (problem)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s", function, problem);
}

bool elqb__keep_sequence(elqb *q, const char *function, uint32_t type,
                         elqb_sequence_options *o)
{
    if (o->owned_by.kind &&
        (o->owned_by.kind != ELQB_KIND_COLUMN || !o->owned_by.u.column.table))
        elqb__fail(q, ELQB_E_USAGE, "%s: .owned_by is no column of a table",
                   function);
    if (!check_number(q, function, &o->increment) ||
        !check_number(q, function, &o->min_value) ||
        !check_number(q, function, &o->max_value) ||
        !check_number(q, function, &o->start) ||
        !check_number(q, function, &o->cache) ||
        !elqb__keep(q, function, &o->owned_by))
        return false;
    check_sequence(q, function, o, type);
    return !elqb__failed(q);
}

bool elqb__is_sequence_type(uint32_t oid)
{
    return oid == ELPQ_OID_INT2 || oid == ELPQ_OID_INT4 ||
           oid == ELPQ_OID_INT8;
}

elqb_ddl *elqb_create_sequence_v(elqb *q, const char *schema, const char *name,
                                 unsigned flags,
                                 const elqb_sequence_options *options)
{
    static const char function[] = "elqb_create_sequence";
    elqb_ddl *d = elqb__new_ddl(q, function, DDL_CREATE_SEQUENCE,
                                elqb_table_named(schema, name), flags,
                                ELQB_IF_NOT_EXISTS | ELQB_TEMPORARY);

    if (!d)
        return NULL;
    if (options)
        d->u.sequence = *options;
    if (d->u.sequence.type && !elqb__is_sequence_type(d->u.sequence.type))
        elqb__fail(q, ELQB_E_USAGE, "%s: a sequence is of INT2, INT4 or INT8",
                   function);
    return elqb__keep_sequence(q, function, d->u.sequence.type,
                               &d->u.sequence)
               ? d
               : NULL;
}

/* --------------------------------------------------------------- comments */

static elqb_ddl *comment(elqb *q, const char *function, const char *word,
                         elqb_table t, const char *text)
{
    elqb_ddl *d = elqb__new_ddl(q, function, DDL_COMMENT, t, 0, 0);

    if (!d || (text && !(text = elqb__copy_string(q, text))))
        return NULL;
    d->u.object.word = word;
    d->u.object.text = text;
    return d;
}

elqb_ddl *elqb_comment_on_table(elqb *q, elqb_table t, const char *text)
{
    return comment(q, "elqb_comment_on_table", "TABLE", t, text);
}

elqb_ddl *elqb_comment_on_column(elqb *q, elqb_expr column, const char *text)
{
    static const char function[] = "elqb_comment_on_column";
    elqb_ddl *d;

    if (elqb__failed(q))
        return NULL;
    if (column.kind != ELQB_KIND_COLUMN || !column.u.column.table) {
        elqb__fail(q, ELQB_E_USAGE, "%s: what is given is no column of a "
                   "table", function);
        return NULL;
    }
    d = comment(q, function, "COLUMN",
                elqb_table_named(column.u.column.schema,
                                 column.u.column.table), text);
    if (!d || !elqb__keep(q, function, &column))
        return NULL;
    d->u.object.column = column;
    return d;
}

elqb_ddl *elqb_comment_on_constraint(elqb *q, elqb_table t, const char *name,
                                     const char *text)
{
    static const char function[] = "elqb_comment_on_constraint";
    elqb_ddl *d = comment(q, function, "CONSTRAINT", t, text);

    if (!d || !elqb__keep_name(q, function, &name))
        return NULL;
    d->u.object.constraint = name;
    return d;
}

elqb_ddl *elqb_comment_on(elqb *q, elqb_object_kind kind, const char *schema,
                          const char *name, const char *text)
{
    static const char *const words[] = {
        [ELQB_INDEX] = "INDEX", [ELQB_SCHEMA] = "SCHEMA",
        [ELQB_SEQUENCE] = "SEQUENCE", [ELQB_TYPE] = "TYPE",
        [ELQB_VIEW] = "VIEW",
    };

    if ((unsigned)kind >= sizeof(words) / sizeof(*words))
        elqb__fail(q, ELQB_E_USAGE, "elqb_comment_on: no such kind");
    else if (kind == ELQB_SCHEMA && schema)
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_comment_on: a schema is in no schema");
    if (elqb__failed(q))
        return NULL;
    return comment(q, "elqb_comment_on", words[kind],
                   elqb_table_named(schema, name), text);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * FROM items that are more than a table or a subquery: functions, ROWS FROM,
 * TABLESAMPLE, LATERAL, and names for the columns of any of them; VALUES are
 * in values.c.
 *
 * Such an item is an elqb_table whose source is a NODE_SOURCE; its alias stays
 * in the elqb_table.  What changes an item makes a new source, so the item it
 * was made of stays as it was.
 */
#include "source.h"

static elqb_table no_table(void)
{
    return elqb_table_named(NULL, NULL);
}

/* --------------------------------------------------------------- columns */

static uint32_t count_columns(const elqb_column_def *list)
{
    uint32_t count = 0;

    while (list && list[count].name)
        count++;
    return count;
}

bool elqb__keep_item_columns(elqb *q, const char *function,
                             struct elqb__source *source,
                             const elqb_column_def *list)
{
    uint32_t count = count_columns(list);

    if (!elqb__failed(q) && source->count)
        elqb__fail(q, ELQB_E_USAGE, "%s: the columns have names already",
                   function);
    if (!elqb__failed(q) && count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: there are no columns", function);
    if (elqb__failed(q) || !(source->columns = elqb__alloc(
                                 q, count * sizeof(*source->columns))))
        return false;
    source->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct elqb__item_column *c = &source->columns[i];
        const char *type = list[i].trusted_type;

        memset(c, 0, sizeof(*c));
        c->name = list[i].name;
        if (!elqb__keep_name(q, function, &c->name))
            return false;
        if (type && *type && elqb__check_sql(q, function, type)) {
            c->oid = elqb__type_by_name(type);
            c->type = elqb__copy_sql(q, type);
        }
    }
    return !elqb__failed(q);
}

/* The same, each with a type: a column definition list. */
static bool keep_definitions(elqb *q, const char *function,
                             struct elqb__source *source,
                             const elqb_column_def *list)
{
    if (!elqb__keep_item_columns(q, function, source, list))
        return false;
    for (uint32_t i = 0; i < source->count; i++)
        if (!source->columns[i].type)
            elqb__fail(q, ELQB_E_USAGE, "%s: the column \"%s\" has no type",
                       function, source->columns[i].name);
    source->defined = true;
    return !elqb__failed(q);
}

/* --------------------------------------------------------------- sources */

elqb_table elqb__make_item(elqb *q, const char *function,
                           struct elqb_node *node,
                           const struct elqb__source *source,
                           const char *alias)
{
    bool may_lack = source->count == 0 &&
                    (source->form == SOURCE_FUNCTION ||
                     source->form == SOURCE_ROWS_FROM);
    elqb_table t = no_table();

    if (!alias && !may_lack)
        elqb__fail(q, ELQB_E_USAGE, "%s: the item has no alias", function);
    if (elqb__failed(q) || (alias && !elqb__keep_name(q, function, &alias)))
        return t;
    node->more = source;
    t.source = node;
    t.generation = q->generation;
    t.alias = alias;
    return t;
}

struct elqb__source *elqb__new_source(elqb *q, enum elqb__source_form form)
{
    struct elqb__source *source = elqb__alloc(q, sizeof(*source));

    if (source) {
        memset(source, 0, sizeof(*source));
        source->form = (uint8_t)form;
    }
    return source;
}

/* Give the item a source of its own, to be changed.  NULL: q failed. */
static struct elqb__source *edit_source(elqb *q, const char *function,
                                        elqb_table *t)
{
    struct elqb_node *old = t->source, *node;
    struct elqb__source *source;

    if (elqb__failed(q) ||
        (old && !elqb__is_ours(q, function, old, t->generation)) ||
        (!old && !elqb__check_name(q, function, t->name)))
        return NULL;
    source = elqb__new_source(q, old ? SOURCE_SELECT : SOURCE_TABLE);
    node = elqb__new_node(q, NODE_SOURCE, 0);
    if (!source || !node)
        return NULL;
    if (old && old->kind == NODE_SOURCE) {
        *source = *(const struct elqb__source *)old->more;
        *node = *old;
    } else {
        source->inner = old;
    }
    node->more = source;
    t->source = node;
    t->generation = q->generation;
    return source;
}

const char *elqb__source_name(const struct elqb_node *source)
{
    static const char *const names[] = {
        [SOURCE_TABLE] = "a sample or list of column names",
        [SOURCE_SELECT] = "a subquery",
        [SOURCE_VALUES] = "a VALUES list",
        [SOURCE_FUNCTION] = "a function",
        [SOURCE_ROWS_FROM] = "ROWS FROM",
        [SOURCE_JOINED] = "a join",
    };
    uint8_t form = SOURCE_SELECT;

    if (source->kind == NODE_SOURCE)
        form = ((const struct elqb__source *)source->more)->form;
    return source->kind == NODE_CTE ? "a CTE" : names[form];
}

bool elqb__takes_only(const elqb_table *t)
{
    return !t->source || (t->source->kind == NODE_SOURCE &&
                          ((const struct elqb__source *)t->source->more)
                                  ->form == SOURCE_TABLE);
}

elqb_table elqb_alias_columns_v(elqb *q, elqb_table t,
                                const elqb_column_def *columns)
{
    elqb_table named = t;
    struct elqb__source *source =
        edit_source(q, "elqb_alias_columns", &named);

    if (source && !t.alias)
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_alias_columns: the item has no alias");
    if (!source ||
        !elqb__keep_item_columns(q, "elqb_alias_columns", source, columns))
        return t;
    return named;
}

elqb_table elqb_lateral_of(elqb *q, elqb_table t)
{
    elqb_table lateral = t;
    struct elqb__source *source = edit_source(q, "elqb_lateral_of", &lateral);
    struct elqb_node *inner;

    if (!source)
        return t;
    source->lateral = true;
    if (source->inner && source->inner->kind == NODE_SUBQUERY) {
        inner = elqb__new_node(q, NODE_SUBQUERY, 0);
        if (!inner)
            return t;
        *inner = *source->inner;
        inner->flags = 1;
        source->inner = inner;
    } else if (source->form != SOURCE_VALUES &&
               source->form != SOURCE_FUNCTION &&
               source->form != SOURCE_ROWS_FROM) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_lateral_of: %s is not lateral",
                   t.source ? elqb__source_name(t.source) : "a table");
    }
    return elqb__failed(q) ? t : lateral;
}

/* ------------------------------------------------------------- functions */

/* Whether FROM takes it: a call without FILTER, OVER and so on, or text, which
 * may be any. */
static bool check_call(elqb *q, const char *function, const elqb_expr *call)
{
    const struct elqb__function *f;
    bool good = false;

    if (elqb__failed(q))
        return false;
    if (call->kind == ELQB_KIND_NODE && call->u.node->kind == NODE_FUNCTION) {
        f = call->u.node->more;
        good = !f->filter.kind && !f->distinct && !f->order.count && !f->over;
    } else if (call->kind == ELQB_KIND_NODE) {
        good = call->u.node->kind == NODE_TEXT;
    }
    if (!good)
        elqb__fail(q, ELQB_E_USAGE, "%s: the operand is no plain call of a "
                   "function", function);
    return good;
}

elqb_table elqb_table_func(elqb *q, elqb_expr call, const char *alias)
{
    struct elqb__source *source;
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__keep_operand(q, "elqb_table_func", &call) ||
        !check_call(q, "elqb_table_func", &call) ||
        !(source = elqb__new_source(q, SOURCE_FUNCTION)) ||
        !(node = elqb__new_node(q, NODE_SOURCE, 1)))
        return no_table();
    node->args[0] = call;
    return elqb__make_item(q, "elqb_table_func", node, source, alias);
}

elqb_expr elqb_func_as_v(elqb *q, elqb_expr call,
                         const elqb_column_def *columns)
{
    struct elqb__source *source;
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__keep_operand(q, "elqb_func_as", &call) ||
        !check_call(q, "elqb_func_as", &call) ||
        !(source = elqb__new_source(q, SOURCE_FUNCTION)) ||
        !keep_definitions(q, "elqb_func_as", source, columns) ||
        !(node = elqb__new_node(q, NODE_FUNCTION_AS, 1)))
        return ELQB_NONE;
    node->args[0] = call;
    node->more = source;
    return elqb__node_expr(node, 0);
}

elqb_table elqb_rows_from_v(elqb *q, const char *alias,
                            const elqb_expr *calls)
{
    uint32_t count = elqb__count_list(calls);
    struct elqb__source *source;
    struct elqb_node *node;

    if (elqb__failed(q))
        return no_table();
    if (count == 0)
        elqb__fail(q, ELQB_E_USAGE, "elqb_rows_from: there are no functions");
    if (elqb__failed(q) || !(source = elqb__new_source(q, SOURCE_ROWS_FROM)) ||
        !(node = elqb__new_node(q, NODE_SOURCE, count)) ||
        !elqb__keep_list(q, "elqb_rows_from", node->args, calls, count))
        return no_table();
    for (uint32_t i = 0; i < count; i++)
        if (!(node->args[i].kind == ELQB_KIND_NODE &&
              node->args[i].u.node->kind == NODE_FUNCTION_AS) &&
            !check_call(q, "elqb_rows_from", &node->args[i]))
            return no_table();
    return elqb__make_item(q, "elqb_rows_from", node, source, alias);
}

#define BOTH "%s: a function has either column definitions or WITH "         \
             "ORDINALITY; both are for elqb_rows_from()"

elqb_table elqb_with_ordinality(elqb *q, elqb_table t)
{
    elqb_table numbered = t;
    struct elqb__source *source =
        edit_source(q, "elqb_with_ordinality", &numbered);

    if (!source)
        return t;
    if (source->form != SOURCE_FUNCTION && source->form != SOURCE_ROWS_FROM)
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_with_ordinality: the item is no function");
    if (source->defined)
        elqb__fail(q, ELQB_E_USAGE, BOTH, "elqb_with_ordinality");
    source->ordinality = true;
    return elqb__failed(q) ? t : numbered;
}

elqb_table elqb_define_columns_v(elqb *q, elqb_table t,
                                 const elqb_column_def *columns)
{
    elqb_table defined = t;
    struct elqb__source *source =
        edit_source(q, "elqb_define_columns", &defined);

    if (!source)
        return t;
    if (source->form == SOURCE_ROWS_FROM)
        elqb__fail(q, ELQB_E_USAGE, "elqb_define_columns: the functions of "
                   "ROWS FROM have their own, see elqb_func_as()");
    else if (source->form != SOURCE_FUNCTION)
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_define_columns: the item is no function");
    else if (source->ordinality)
        elqb__fail(q, ELQB_E_USAGE, BOTH, "elqb_define_columns");
    if (!keep_definitions(q, "elqb_define_columns", source, columns))
        return t;
    return defined;
}

/* ----------------------------------------------------------------- joins */

elqb_table elqb_joined(elqb *q, elqb_select *s, const char *alias)
{
    elqb_table t = no_table();
    struct elqb_node *node = elqb__nest(q, "elqb_joined", s);
    struct elqb__source *source;

    if (!node || !(source = elqb__new_source(q, SOURCE_JOINED)))
        return t;
    source->select = s;
    if (alias)
        return elqb__make_item(q, "elqb_joined", node, source, alias);
    node->more = source;
    t.source = node;
    t.generation = q->generation;
    return t;
}

/* ----------------------------------------------------------- TABLESAMPLE */

elqb_table elqb_tablesample_v(elqb *q, elqb_table t, const char *schema,
                              const char *method, const elqb_expr *args)
{
    elqb_table sample = t;
    struct elqb__source *source = edit_source(q, "elqb_tablesample", &sample);
    uint32_t count = elqb__count_list(args);

    if (!source || !elqb__keep_name(q, "elqb_tablesample", &method) ||
        !elqb__keep_optional(q, "elqb_tablesample", &schema))
        return t;
    if (source->form != SOURCE_TABLE || source->method)
        elqb__fail(q, ELQB_E_USAGE, "elqb_tablesample: %s",
                   source->method ? "the table has a sample already"
                                  : "only a table can be sampled");
    if (count == 0)
        elqb__fail(q, ELQB_E_USAGE, "elqb_tablesample: \"%s\" has no "
                   "arguments", method);
    if (elqb__failed(q) ||
        !(sample.source->args = elqb__alloc(q, count * sizeof(*args))) ||
        !elqb__keep_list(q, "elqb_tablesample", sample.source->args, args,
                         count))
        return t;
    sample.source->count = count;
    source->schema = schema;
    source->method = method;
    return sample;
}

elqb_table elqb_repeatable(elqb *q, elqb_table t, elqb_expr seed)
{
    elqb_table sample = t;
    struct elqb__source *source = edit_source(q, "elqb_repeatable", &sample);

    if (!source || !elqb__keep(q, "elqb_repeatable", &seed))
        return t;
    if (!source->method) {
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_repeatable: the table has no elqb_tablesample()");
        return t;
    }
    elqb__take_type(&seed, ELPQ_OID_FLOAT8);
    source->seed = seed;
    return sample;
}

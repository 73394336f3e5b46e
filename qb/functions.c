/* SPDX-License-Identifier: PostgreSQL */
/*
 * Functions, and what looks like one: aggregates, CASE, EXTRACT, CAST.
 *
 * A function's name is an identifier, so it is written quoted.  A few that
 * users call functions are grammar, and fail when quoted; they are listed
 * here.  So are those that can do nothing with a string of undecided type.
 */
#include "statements.h"

/* Upper case, as they are written; sorted for nobody, the list is short. */
static const struct {
    const char *name;
    enum elqb__form form;
    uint32_t oid; /* of the result; 0: that of its arguments                */
    uint32_t least; /* arguments                                            */
    uint32_t most;  /* of FORM_BARE a precision: CURRENT_TIME(3)            */
} grammar[] = {
    { "COALESCE", FORM_GRAMMAR, 0, 1, UINT32_MAX },
    { "NULLIF", FORM_GRAMMAR, 0, 2, 2 },
    { "GREATEST", FORM_GRAMMAR, 0, 1, UINT32_MAX },
    { "LEAST", FORM_GRAMMAR, 0, 1, UINT32_MAX },
    { "GROUPING", FORM_GRAMMAR, ELPQ_OID_INT4, 1, UINT32_MAX },
    { "TRIM", FORM_GRAMMAR, ELPQ_OID_TEXT, 1, 2 }, /* or bytes */
    { "XMLCONCAT", FORM_GRAMMAR, ELPQ_OID_XML, 1, UINT32_MAX },
    { "CURRENT_DATE", FORM_BARE, ELPQ_OID_DATE, 0, 0 },
    { "CURRENT_TIME", FORM_BARE, ELPQ_OID_TIMETZ, 0, 1 },
    { "CURRENT_TIMESTAMP", FORM_BARE, ELPQ_OID_TIMESTAMPTZ, 0, 1 },
    { "LOCALTIME", FORM_BARE, ELPQ_OID_TIME, 0, 1 },
    { "LOCALTIMESTAMP", FORM_BARE, ELPQ_OID_TIMESTAMP, 0, 1 },
    { "CURRENT_ROLE", FORM_BARE, ELPQ_OID_NAME, 0, 0 },
    { "CURRENT_USER", FORM_BARE, ELPQ_OID_NAME, 0, 0 },
    { "USER", FORM_BARE, ELPQ_OID_NAME, 0, 0 },
    { "SESSION_USER", FORM_BARE, ELPQ_OID_NAME, 0, 0 },
    { "CURRENT_CATALOG", FORM_BARE, ELPQ_OID_NAME, 0, 0 },
    { "CURRENT_SCHEMA", FORM_BARE, ELPQ_OID_NAME, 0, 0 },
};
#define GRAMMAR (sizeof(grammar) / sizeof(*grammar))

/* What has words among its arguments or is no call, and what does the same. */
static const struct {
    const char *name;
    const char *twin; /* NULL: there is none                                */
} words[] = {
    { "ROW", "elqb_row()" },
    { "ARRAY", "elqb_array()" },
    { "EXISTS", "elqb_exists()" },
    { "CAST", "elqb_cast()" },
    { "ANY", "elqb_op_any()" },
    { "SOME", "elqb_op_any()" },
    { "ALL", "elqb_op_all()" },
    { "JSON_ARRAY", "json_build_array" },
    { "JSON_ARRAYAGG", "json_agg" },
    { "JSON_OBJECTAGG", "json_object_agg" },
    { "JSON_SCALAR", "to_json" },
    { "JSON_EXISTS", "jsonb_path_exists" },
    { "JSON_QUERY", "jsonb_path_query" },
    { "JSON_VALUE", "jsonb_path_query_first" },
    { "JSON_SERIALIZE", NULL },
    { "JSON_TABLE", NULL },
    { "MERGE_ACTION", NULL },
    { "XMLELEMENT", NULL },
    { "XMLFOREST", NULL },
    { "XMLPARSE", NULL },
    { "XMLPI", NULL },
    { "XMLROOT", NULL },
    { "XMLSERIALIZE", NULL },
    { "XMLTABLE", NULL },
};

/* Their strings are text: the arguments are of any type. */
static const char *const any_functions[] = {
    "array_agg",          "concat",           "concat_ws",
    "count",              "format",           "json_agg",
    "json_build_array",   "json_build_object", "json_object_agg",
    "jsonb_agg",          "jsonb_build_array", "jsonb_build_object",
    "jsonb_object_agg",   "max",              "min",
    "num_nonnulls",       "num_nulls",        "pg_typeof",
    "quote_literal",      "quote_nullable",   "row_to_json",
    "to_json",            "to_jsonb",
};

static bool equals_upper(const char *name, const char *upper)
{
    for (; *name && *upper; name++, upper++)
        if ((*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name) !=
            *upper)
            return false;
    return *name == *upper;
}

/* The place of a name in the grammar; GRAMMAR if it is a plain function. */
static size_t find_grammar(const char *name)
{
    static const char starts[] =
        "cnglsutx"; /* most names end the search here */
    size_t i = 0;

    if (!strchr(starts, *name | 0x20))
        return GRAMMAR;
    while (i < GRAMMAR && !equals_upper(name, grammar[i].name))
        i++;
    return i;
}

/* An error for what is only grammar, and not of the form of a call. */
static void check_words(elqb *q, const char *name)
{
    if (!strchr("acejmrsx", *name | 0x20))
        return;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (equals_upper(name, words[i].name))
            elqb__fail(q, ELQB_E_USAGE,
                       "elqb_func: %s is no function, see "
                       "%s%s",
                       words[i].name,
                       words[i].twin ? words[i].twin : "elqb_text",
                       words[i].twin ? "" : "()");
}

static bool takes_any(const char *name)
{
    for (size_t i = 0; i < sizeof(any_functions) / sizeof(*any_functions); i++)
        if (strcmp(name, any_functions[i]) == 0)
            return true;
    return false;
}

/* min() and max() of what has none of its own. */
static uint32_t extreme_type(uint32_t oid)
{
    switch (oid) {
    case ELPQ_OID_VARCHAR:
    case ELPQ_OID_NAME:
        return ELPQ_OID_TEXT;
    case ELPQ_OID_CIDR:
        return ELPQ_OID_INET;
    default:
        return oid;
    }
}

/* Moments and what they are cut to: to these a string is added as interval. */
static uint32_t time_type(const char *name, const elqb_expr *args,
                          uint32_t count)
{
    static const char *const clocks[] = { "now", "transaction_timestamp",
                                          "statement_timestamp",
                                          "clock_timestamp" };

    for (size_t i = 0; count == 0 && i < sizeof(clocks) / sizeof(*clocks); i++)
        if (strcmp(name, clocks[i]) == 0)
            return ELPQ_OID_TIMESTAMPTZ;
    if (count >= 2 && strcmp(name, "date_trunc") == 0 &&
        (args[1].oid == ELPQ_OID_TIMESTAMPTZ ||
         args[1].oid == ELPQ_OID_TIMESTAMP ||
         args[1].oid == ELPQ_OID_INTERVAL))
        return args[1].oid;
    return 0;
}

/* Types of the arguments; returns that of the result, as far as known. */
static uint32_t type_call(elqb *q, const char *name, elqb_expr *args,
                          uint32_t count)
{
    bool open = false;

    for (uint32_t i = 0; i < count; i++)
        open |= elqb__is_untyped_text(&args[i]) || elqb__is_row(&args[i]);
    if (open && takes_any(name))
        for (uint32_t i = 0; i < count; i++) {
            elqb__take_text(&args[i]);
            elqb__take_text_in_row(q, &args[i]);
        }
    if (strcmp(name, "count") == 0)
        return ELPQ_OID_INT8;
    if (count && (strcmp(name, "min") == 0 || strcmp(name, "max") == 0))
        return extreme_type(args[0].oid);
    /* Of a range, they are its bounds. */
    if (count && elqb__is_text_type(args[0].oid) &&
        (strcmp(name, "lower") == 0 || strcmp(name, "upper") == 0))
        return ELPQ_OID_TEXT;
    return time_type(name, args, count);
}

static bool is_kind(const elqb_expr *e, enum elqb__node_kind kind)
{
    return e->kind == ELQB_KIND_NODE && e->u.node->kind == kind;
}

/* Names come after places, VARIADIC is the last. */
static void check_arguments(elqb *q, const elqb_expr *args, uint32_t count)
{
    bool named = false;

    for (uint32_t i = 0; i < count; i++) {
        const elqb_expr *arg = &args[i];

        if (is_kind(arg, NODE_VARIADIC)) {
            if (i + 1 < count)
                elqb__fail(q, ELQB_E_USAGE,
                           "elqb_func: elqb_variadic() is not the last");
            arg = &arg->u.node->args[0];
        }
        if (named && !is_kind(arg, NODE_NAMED))
            elqb__fail(q, ELQB_E_USAGE, "elqb_func: an argument without a "
                       "name stands behind one with elqb_named()");
        named |= is_kind(arg, NODE_NAMED);
    }
}

/* What is no function to the grammar: COALESCE(...), CURRENT_TIME(3). */
static uint32_t type_grammar(elqb *q, size_t i, elqb_expr *args,
                             uint32_t count)
{
    const char *name = grammar[i].name;
    uint32_t oid;

    for (uint32_t a = 0; a < count; a++)
        if (is_kind(&args[a], NODE_NAMED) || is_kind(&args[a], NODE_VARIADIC))
            elqb__fail(q, ELQB_E_USAGE, "elqb_func: %s takes neither "
                       "elqb_named() nor elqb_variadic()", name);
    if (count && grammar[i].most == 0)
        elqb__fail(q, ELQB_E_USAGE, "elqb_func: %s takes no arguments", name);
    else if (count < grammar[i].least)
        elqb__fail(q, ELQB_E_USAGE, "elqb_func: %s takes %s", name,
                   grammar[i].least == 1 ? "arguments" : "two arguments");
    else if (grammar[i].form == FORM_GRAMMAR && count > grammar[i].most)
        elqb__fail(q, ELQB_E_USAGE, "elqb_func: %s takes two arguments", name);
    if (grammar[i].form == FORM_GRAMMAR) {
        for (uint32_t a = 0; grammar[i].oid == ELPQ_OID_XML && a < count; a++)
            elqb__take_type(&args[a], ELPQ_OID_XML);
        elqb__match_list(q, args, count, 1, &oid);
        if (grammar[i].oid == ELPQ_OID_TEXT && oid == ELPQ_OID_BYTEA)
            return oid;
        return grammar[i].oid ? grammar[i].oid : oid;
    }
    if (count > 1 || (count && (args[0].kind != ELQB_KIND_LITERAL ||
                                args[0].oid != ELPQ_OID_INT4 ||
                                args[0].u.value.u.int64 < 0)))
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_func: %s takes a precision, as elqb_lit(3)", name);
    return grammar[i].oid;
}

elqb_expr elqb_func_v(elqb *q, const char *schema, const char *name,
                      const elqb_expr *args)
{
    uint32_t count = elqb__count_list(args);
    struct elqb__function *function;
    struct elqb_node *node;
    size_t found;
    uint32_t oid = 0;

    if (!elqb__check_name(q, "elqb_func", name) ||
        !elqb__keep_optional(q, "elqb_func", &schema))
        return ELQB_NONE;
    node = elqb__new_node(q, NODE_FUNCTION, count);
    function = elqb__alloc(q, sizeof(*function));
    if (!node || !function ||
        !elqb__keep_list(q, "elqb_func", node->args, args, count))
        return ELQB_NONE;
    memset(function, 0, sizeof(*function));
    found = schema ? GRAMMAR : find_grammar(name);
    if (found < GRAMMAR) {
        name = grammar[found].name;
        function->form = (uint8_t)grammar[found].form;
        oid = type_grammar(q, found, node->args, count);
    } else {
        check_arguments(q, node->args, count);
        if (!schema)
            check_words(q, name);
        oid = schema ? 0 : type_call(q, name, node->args, count);
    }
    node->text = elqb__copy_string(q, name);
    function->schema = schema;
    node->more = function;
    return elqb__failed(q) ? ELQB_NONE : elqb__node_expr(node, oid);
}

elqb_expr elqb_named(elqb *q, const char *name, elqb_expr value)
{
    struct elqb_node *node;

    if (!elqb__keep_name(q, "elqb_named", &name) ||
        !elqb__keep_operand(q, "elqb_named", &value) ||
        !(node = elqb__new_node(q, NODE_NAMED, 1)))
        return ELQB_NONE;
    node->args[0] = value;
    node->text = name;
    return elqb__node_expr(node, value.oid);
}

elqb_expr elqb_variadic(elqb *q, elqb_expr array)
{
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__keep_operand(q, "elqb_variadic", &array) ||
        !(node = elqb__new_node(q, NODE_VARIADIC, 1)))
        return ELQB_NONE;
    node->args[0] = array;
    return elqb__node_expr(node, array.oid);
}

/* ------------------------------------------------------------- aggregates */

/* A copy of a call, to be changed.  The arguments stay the same objects, so
 * both are the same parameters. */
struct elqb_node *elqb__copy_call(elqb *q, const char *function,
                                  elqb_expr call,
                                  struct elqb__function **more)
{
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__keep_operand(q, function, &call))
        return NULL;
    if (call.kind != ELQB_KIND_NODE || call.u.node->kind != NODE_FUNCTION) {
        elqb__fail(q, ELQB_E_USAGE, "%s: the operand is no function call",
                   function);
        return NULL;
    }
    if (((const struct elqb__function *)call.u.node->more)->form !=
        FORM_QUOTED) {
        elqb__fail(q, ELQB_E_USAGE, "%s: %s is no aggregate", function,
                   call.u.node->text);
        return NULL;
    }
    node = elqb__new_node(q, NODE_FUNCTION, 0);
    *more = elqb__alloc(q, sizeof(**more));
    if (!node || !*more)
        return NULL;
    *node = *call.u.node;
    memcpy(*more, node->more, sizeof(**more));
    node->more = *more;
    return node;
}

/* What the grammar, or the server after it, takes for no call at all. */
static bool check_call(elqb *q, const char *function,
                       const struct elqb_node *node)
{
    const struct elqb__function *f = node->more;
    bool star = node->count > 0 && node->args[0].kind == ELQB_KIND_STAR &&
                !node->args[0].u.column.table;
    bool empty = node->count == 0 || star;
    const char *problem = NULL;

    if (f->distinct && empty)
        problem = "DISTINCT needs an argument that is not *";
    else if (f->order.count && !f->within && empty)
        problem = "ORDER BY needs an argument that is not *";
    else if (f->within && star)
        problem = "WITHIN GROUP does not go with *";
    else if (f->within && f->distinct)
        problem = "WITHIN GROUP does not go with DISTINCT";
    else if (f->over && f->within)
        problem = "OVER does not go with WITHIN GROUP";
    else if (f->over && f->distinct)
        problem = "OVER does not go with DISTINCT";
    else if (f->over && f->order.count)
        problem = "OVER does not go with ORDER BY in the call";
    if (problem)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s", function, problem);
    return !elqb__failed(q);
}

elqb_expr elqb__finish_call(elqb *q, const char *function,
                            struct elqb_node *node, uint32_t oid)
{
    return !elqb__failed(q) && check_call(q, function, node)
               ? elqb__node_expr(node, oid)
               : ELQB_NONE;
}

elqb_expr elqb_agg_distinct(elqb *q, elqb_expr call)
{
    static const char function[] = "elqb_agg_distinct";
    struct elqb__function *more;
    struct elqb_node *node = elqb__copy_call(q, function, call, &more);

    if (!node)
        return ELQB_NONE;
    if (node->count && is_kind(&node->args[node->count - 1], NODE_VARIADIC)) {
        elqb__fail(q, ELQB_E_USAGE,
                   "elqb_agg_distinct: DISTINCT excludes elqb_variadic()");
        return ELQB_NONE;
    }
    more->distinct = 1;
    return elqb__finish_call(q, function, node, call.oid);
}

/* Add to the order of a call; whether it was the other kind of order. */
static bool add_order(elqb *q, const char *function,
                      struct elqb__function *more, bool within,
                      const elqb_expr *order)
{
    bool differs = more->order.count && more->within != within;
    uint32_t before = more->order.count;

    more->order = elqb__share_list(&more->order);
    elqb__add_list(q, function, &more->order, order);
    if (more->order.count > before)
        more->within = within;
    return differs && more->order.count > before;
}

elqb_expr elqb_agg_order_by_v(elqb *q, elqb_expr call, const elqb_expr *order)
{
    static const char function[] = "elqb_agg_order_by";
    struct elqb__function *more;
    struct elqb_node *node = elqb__copy_call(q, function, call, &more);

    if (!node)
        return ELQB_NONE;
    if (add_order(q, function, more, false, order))
        elqb__fail(q, ELQB_E_USAGE, "%s: the call has WITHIN GROUP already",
                   function);
    return elqb__finish_call(q, function, node, call.oid);
}

/* What the aggregates of PostgreSQL give, as far as the order tells. */
static uint32_t type_within(const struct elqb_node *node,
                            const struct elqb__list *order)
{
    const elqb_expr *e = &order->items[0];

    if (strcmp(node->text, "rank") == 0 ||
        strcmp(node->text, "dense_rank") == 0)
        return ELPQ_OID_INT8;
    if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_ORDER)
        e = &e->u.node->args[0];
    if (strcmp(node->text, "mode") == 0 ||
        (strcmp(node->text, "percentile_disc") == 0 && node->count &&
         node->args[0].oid == ELPQ_OID_FLOAT8))
        return e->oid;
    return 0;
}

elqb_expr elqb_agg_within_group_v(elqb *q, elqb_expr call,
                                  const elqb_expr *order)
{
    static const char function[] = "elqb_agg_within_group";
    struct elqb__function *more;
    struct elqb_node *node = elqb__copy_call(q, function, call, &more);

    if (!node)
        return ELQB_NONE;
    if (add_order(q, function, more, true, order))
        elqb__fail(q, ELQB_E_USAGE, "%s: the call has ORDER BY already",
                   function);
    if (!elqb__failed(q) && more->order.count && !call.oid && !more->schema)
        call.oid = type_within(node, &more->order);
    return elqb__finish_call(q, function, node, call.oid);
}

elqb_expr elqb_agg_filter(elqb *q, elqb_expr call, elqb_expr where)
{
    struct elqb__function *more;
    struct elqb_node *node;

    if (elqb_is_none(where))
        return call;
    node = elqb__copy_call(q, "elqb_agg_filter", call, &more);
    if (!node)
        return ELQB_NONE;
    elqb__add_condition(q, "elqb_agg_filter", &more->filter, where);
    return elqb__finish_call(q, "elqb_agg_filter", node, call.oid);
}

/* ------------------------------------------------------------------- CASE */

elqb_expr elqb_case_v(elqb *q, elqb_expr base, const elqb_expr *pairs,
                      elqb_expr otherwise)
{
    uint32_t count = elqb__count_list(pairs), oid;
    struct elqb_node *node;

    if (elqb__failed(q))
        return ELQB_NONE;
    if (count == 0 || count % 2) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_case: a WHEN without a THEN");
        return ELQB_NONE;
    }
    if (!elqb__keep(q, "elqb_case", &base) ||
        !elqb__keep(q, "elqb_case", &otherwise) ||
        !(node = elqb__new_node(q, NODE_CASE, count + 2)) ||
        !elqb__keep_list(q, "elqb_case", node->args + 2, pairs, count))
        return ELQB_NONE;
    node->args[0] = base;
    node->args[1] = otherwise;
    for (uint32_t i = 2; !base.kind && i < count + 2; i += 2)
        elqb__take_bool(&node->args[i]);
    if (base.kind) /* and every second of the pairs */
        elqb__match_same(q, node->args, count + 2, 2);
    /* the results: else, then every second of the pairs */
    elqb__match_list(q, node->args + 1, count + 1, 2, &oid);
    return elqb__node_expr(node, oid);
}

/* -------------------------------------------------------- EXTRACT and CAST */

elqb_expr elqb_extract(elqb *q, const char *field, elqb_expr a)
{
    struct elqb_node *node;

    if (!elqb__keep_name(q, "elqb_extract", &field) ||
        !elqb__keep_operand(q, "elqb_extract", &a) ||
        !(node = elqb__new_node(q, NODE_EXTRACT, 1)))
        return ELQB_NONE;
    node->args[0] = a;
    node->text = field;
    return elqb__node_expr(node, ELPQ_OID_NUMERIC);
}

elqb_expr elqb_cast_from_trusted_string(elqb *q, elqb_expr a, const char *type)
{
    struct elqb_node *node;
    uint32_t oid;

    if (elqb__failed(q) || !elqb__check_sql(q, "elqb_cast", type) ||
        !elqb__keep_operand(q, "elqb_cast", &a) ||
        !(node = elqb__new_node(q, NODE_CAST, 1)))
        return ELQB_NONE;
    oid = elqb__type_by_name(type);
    if (oid && a.kind != ELQB_KIND_LITERAL) /* the text says it already */
        elqb__match_operand(q, &a, oid);
    node->args[0] = a;
    node->text = elqb__copy_sql(q, type);
    return node->text ? elqb__node_expr(node, oid) : ELQB_NONE;
}

bool elqb__keep_type(elqb *q, const char *function, elqb_column_type *type)
{
    if (type->sql) {
        if (!elqb__check_sql(q, function, type->sql))
            return false;
        type->sql = elqb__copy_sql(q, type->sql);
        return type->sql != NULL;
    }
    return elqb__keep_optional(q, function, &type->schema) &&
           elqb__keep_name(q, function, &type->name);
}

elqb_expr elqb_cast_named(elqb *q, elqb_expr a, elqb_column_type type)
{
    static const char function[] = "elqb_cast_named";
    struct elqb_node *node;
    elqb_column_type *kept;

    if (elqb__failed(q) || !elqb__keep_type(q, function, &type) ||
        !elqb__keep_operand(q, function, &a) ||
        !(node = elqb__new_node(q, NODE_CAST, 1)) ||
        !(kept = elqb__alloc(q, sizeof(*kept))))
        return ELQB_NONE;
    *kept = type;
    node->args[0] = a;
    node->more = kept;
    return elqb__node_expr(node, type.sql ? elqb__type_by_name(type.sql) : 0);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Windows: OVER of calls, and WINDOW of selects.
 *
 * What can be known of a window by itself is checked here, as the server's
 * grammar and analysis do it; whether its names are windows of the select is
 * found out while rendering, when all are there.
 */
#include "statements.h"

/* ------------------------------------------------------------------ frames */

static const char *find_frame_problem(const elqb_window_spec *w)
{
    elqb_bound_kind start = w->start.kind, end = w->end.kind;

    if (w->frame == ELQB_NO_FRAME)
        return start || end || w->exclude
                   ? "bounds and EXCLUDE need ROWS, RANGE or GROUPS"
                   : NULL;
    if ((unsigned)w->frame > ELQB_GROUPS ||
        (unsigned)start > ELQB_UNBOUNDED_FOLLOWING ||
        (unsigned)end > ELQB_UNBOUNDED_FOLLOWING ||
        (unsigned)w->exclude > ELQB_EXCLUDE_NO_OTHERS)
        return "there is no such frame";
    if (!start)
        return "the frame has no start";
    if (start == ELQB_UNBOUNDED_FOLLOWING)
        return "a frame cannot start at UNBOUNDED FOLLOWING";
    if (end == ELQB_UNBOUNDED_PRECEDING)
        return "a frame cannot end at UNBOUNDED PRECEDING";
    /* The bounds come in the order of their kinds; n PRECEDING and n
     * FOLLOWING may be both ends. */
    if (start > (end ? end : ELQB_CURRENT_ROW))
        return "the frame ends before it starts";
    return NULL;
}

/* What a range is counted in: of dates and times, intervals. */
static uint32_t offset_type(const struct elqb__window *w)
{
    const elqb_expr *e = &w->order_by.items[0];

    if (w->frame != ELQB_RANGE)
        return ELPQ_OID_INT8;
    if (w->order_by.count != 1)
        return 0;
    if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_ORDER)
        e = &e->u.node->args[0];
    switch (e->oid) {
    case ELPQ_OID_DATE:
    case ELPQ_OID_TIME:
    case ELPQ_OID_TIMETZ:
    case ELPQ_OID_TIMESTAMP:
    case ELPQ_OID_TIMESTAMPTZ:
        return ELPQ_OID_INTERVAL;
    default:
        return e->oid;
    }
}

static void keep_bound(elqb *q, const char *function,
                       const struct elqb__window *w, elqb_bound *bound)
{
    uint32_t oid;

    if (!elqb__is_offset(bound)) {
        if (bound->offset.kind)
            elqb__fail(q, ELQB_E_USAGE, "%s: only PRECEDING and FOLLOWING "
                       "have an offset", function);
        return;
    }
    if (!elqb__keep_operand(q, function, &bound->offset))
        return;
    oid = offset_type(w);
    if (oid)
        elqb__take_type(&bound->offset, oid);
    elqb__share_value(q, &bound->offset); /* one parameter in copies, too */
}

/* ----------------------------------------------------------------- windows */

/* What else cannot be; the order of an extended window is not known here. */
static const char *find_problem(const struct elqb__window *w)
{
    if (w->extends && w->partition_by.count)
        return "a window that extends another has its PARTITION BY";
    if (!w->extends && w->frame == ELQB_GROUPS && !w->order_by.count)
        return "GROUPS needs ORDER BY";
    if (!w->extends && w->frame == ELQB_RANGE && w->order_by.count != 1 &&
        (elqb__is_offset(&w->start) || elqb__is_offset(&w->end)))
        return "RANGE with an offset needs ORDER BY with one column";
    return NULL;
}

/* A copy of the specification in the workspace; NULL: q failed. */
static struct elqb__window *keep_window(elqb *q, const char *function,
                                        const elqb_window_spec *spec)
{
    const char *problem = find_frame_problem(spec);
    struct elqb__window *w;

    if (problem)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s", function, problem);
    if (elqb__failed(q) || !(w = elqb__alloc(q, sizeof(*w))))
        return NULL;
    memset(w, 0, sizeof(*w));
    w->name = spec->name;
    w->extends = spec->extends;
    if (!elqb__keep_optional(q, function, &w->name) ||
        !elqb__keep_optional(q, function, &w->extends))
        return NULL;
    elqb__add_list(q, function, &w->partition_by, spec->partition_by);
    elqb__add_list(q, function, &w->order_by, spec->order_by);
    if (elqb__failed(q))
        return NULL;
    w->frame = (uint8_t)spec->frame;
    w->exclude = (uint8_t)spec->exclude;
    w->start = spec->start;
    w->end = spec->end;
    keep_bound(q, function, w, &w->start);
    keep_bound(q, function, w, &w->end);
    problem = find_problem(w);
    if (problem)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s", function, problem);
    return elqb__failed(q) ? NULL : w;
}

/* OVER "name" and nothing else, or no name. */
static bool is_more_than_name(const struct elqb__window *w)
{
    return w->name && (w->extends || w->partition_by.count ||
                       w->order_by.count || w->frame);
}

/* lag(date, 1, timestamp) is a timestamp. */
static bool has_default_of_other(const struct elqb_node *node)
{
    return node->count == 3 && node->args[2].oid != node->args[0].oid &&
           !elqb__is_untyped_text(&node->args[2]);
}

/* What the window functions of PostgreSQL give. */
static uint32_t result_type(const struct elqb_node *node)
{
    static const struct {
        const char *name;
        uint32_t oid; /* 0: that of the argument                            */
    } functions[] = {
        { "row_number", ELPQ_OID_INT8 },      { "rank", ELPQ_OID_INT8 },
        { "dense_rank", ELPQ_OID_INT8 },      { "ntile", ELPQ_OID_INT4 },
        { "percent_rank", ELPQ_OID_FLOAT8 },  { "cume_dist", ELPQ_OID_FLOAT8 },
        { "lag", 0 },                         { "lead", 0 },
        { "first_value", 0 },                 { "last_value", 0 },
        { "nth_value", 0 },
    };

    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
        if (strcmp(node->text, functions[i].name) == 0)
            return functions[i].oid          ? functions[i].oid
                   : has_default_of_other(node) ? 0
                   : node->count             ? node->args[0].oid
                                             : 0;
    return 0;
}

elqb_expr elqb_over_v(elqb *q, elqb_expr call, const elqb_window_spec *window)
{
    static const char function[] = "elqb_over";
    static const elqb_window_spec empty;
    struct elqb__function *more;
    struct elqb_node *node = elqb__copy_call(q, function, call, &more);
    struct elqb__window *w;

    if (!node || !(w = keep_window(q, function, window ? window : &empty)))
        return ELQB_NONE;
    if (is_more_than_name(w))
        elqb__fail(q, ELQB_E_USAGE, "%s: OVER \"%s\" takes nothing else, see "
                   ".extends", function, w->name);
    if (more->over)
        elqb__fail(q, ELQB_E_USAGE, "%s: the call has OVER already", function);
    more->over = w;
    if (!call.oid && !more->schema)
        call.oid = result_type(node);
    return elqb__finish_call(q, function, node, call.oid);
}

/* ------------------------------------------------------------------ WINDOW */

struct elqb__windows *elqb__copy_windows(elqb *q,
                                         const struct elqb__windows *windows)
{
    struct elqb__windows *copy = elqb__alloc(q, sizeof(*copy));

    if (!copy)
        return NULL;
    *copy = *windows;
    copy->room = copy->count; /* the first to add moves away */
    return copy;
}

static void add_window(elqb *q, struct elqb__windows *list,
                       const struct elqb__window *w)
{
    uint32_t room = 2 * list->count + 4;
    const struct elqb__window **grown;

    if (list->count == list->room) {
        grown = elqb__alloc(q, room * sizeof(*grown));
        if (!grown)
            return;
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof(*grown));
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = w;
}

static struct elqb__windows *get_windows(elqb_select *s)
{
    if (!s->windows) {
        s->windows = elqb__alloc(s->q, sizeof(*s->windows));
        if (s->windows)
            memset(s->windows, 0, sizeof(*s->windows));
    }
    return s->windows;
}

void elqb_window_v(elqb_select *s, const char *name,
                   const elqb_window_spec *window)
{
    static const char function[] = "elqb_window";
    elqb_window_spec spec;
    struct elqb__windows *list;
    struct elqb__window *w;

    if (!elqb__is_plain(s, function) ||
        !elqb__check_name(s->q, function, name))
        return;
    memset(&spec, 0, sizeof(spec));
    if (window)
        spec = *window;
    if (spec.name) {
        elqb__fail(s->q, ELQB_E_USAGE, "%s: .name is for OVER, see .extends",
                   function);
        return;
    }
    spec.name = name;
    list = get_windows(s);
    if (!list || !(w = keep_window(s->q, function, &spec)))
        return;
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i]->name, name) == 0) {
            elqb__fail(s->q, ELQB_E_USAGE, "%s: the select has a window \"%s\" "
                       "already", function, name);
            return;
        }
    add_window(s->q, list, w);
}

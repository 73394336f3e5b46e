/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of windows.
 *
 * The windows of the select under way are in r->windows: what OVER or another
 * window names must be among them, and what a window takes from the one that
 * it extends is checked as the server does it.
 */
#include "renderer.h"
#include "statements.h"

/* A window among the first so many of the select, which become those that it
 * may extend itself. */
static const struct elqb__window *find_window(struct elqb__render *r,
                                              const char *name,
                                              uint32_t *count)
{
    for (uint32_t i = 0; i < *count; i++)
        if (strcmp(r->windows->items[i]->name, name) == 0) {
            *count = i;
            return r->windows->items[i];
        }
    elqb__fail(r->q, ELQB_E_USAGE,
               "elqb_render: the select has no window \"%s\" here, see "
               "elqb_window()", name);
    return NULL;
}

/* How many columns a window is ordered by, with what it has of others.  Those
 * are fewer each time, so there is an end. */
static uint32_t count_order(struct elqb__render *r,
                            const struct elqb__window *w, uint32_t count)
{
    while (w && !w->order_by.count && w->extends)
        w = find_window(r, w->extends, &count);
    return w ? w->order_by.count : 0;
}

/* What an extending window may not have. */
static void check_extended(struct elqb__render *r,
                           const struct elqb__window *w, uint32_t count)
{
    uint32_t before = count;
    const struct elqb__window *other = find_window(r, w->extends, &before);
    bool offset = elqb__is_offset(&w->start) || elqb__is_offset(&w->end);
    const char *problem = NULL;
    uint32_t order;

    if (!other)
        return;
    order = count_order(r, w, count);
    if (other->frame)
        problem = "has a frame and";
    else if (w->order_by.count && count_order(r, other, before))
        problem = "has an order and";
    if (problem)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: the window \"%s\" %s cannot be extended by "
                   "this", w->extends, problem);
    else if ((w->frame == ELQB_GROUPS && !order) ||
             (w->frame == ELQB_RANGE && offset && order != 1))
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: the frame does not go with the order of the "
                   "window \"%s\"", w->extends);
}

/* ------------------------------------------------------------------ frames */

static void put_bound(struct elqb__render *r, const elqb_bound *bound)
{
    switch (bound->kind) {
    case ELQB_UNBOUNDED_PRECEDING:
        PUT(r, "UNBOUNDED PRECEDING");
        return;
    case ELQB_UNBOUNDED_FOLLOWING:
        PUT(r, "UNBOUNDED FOLLOWING");
        return;
    case ELQB_CURRENT_ROW:
        PUT(r, "CURRENT ROW");
        return;
    default:
        break;
    }
    /* OR, so that text() is in parentheses: it could hold the other bound */
    elqb__put_expr(r, (elqb_expr *)(uintptr_t)&bound->offset, LEVEL_OR);
    elqb__put_string(r, bound->kind == ELQB_PRECEDING ? " PRECEDING"
                                                      : " FOLLOWING");
}

static void put_frame(struct elqb__render *r, const struct elqb__window *w)
{
    static const char *const units[] = {
        [ELQB_ROWS] = "ROWS ",
        [ELQB_RANGE] = "RANGE ",
        [ELQB_GROUPS] = "GROUPS ",
    };
    static const char *const excludes[] = {
        [ELQB_NO_EXCLUDE] = "",
        [ELQB_EXCLUDE_CURRENT_ROW] = " EXCLUDE CURRENT ROW",
        [ELQB_EXCLUDE_GROUP] = " EXCLUDE GROUP",
        [ELQB_EXCLUDE_TIES] = " EXCLUDE TIES",
        [ELQB_EXCLUDE_NO_OTHERS] = " EXCLUDE NO OTHERS",
    };

    elqb__put_string(r, units[w->frame]);
    if (w->end.kind)
        PUT(r, "BETWEEN ");
    put_bound(r, &w->start);
    if (w->end.kind) {
        PUT(r, " AND ");
        put_bound(r, &w->end);
    }
    elqb__put_string(r, excludes[w->exclude]);
}

/* ----------------------------------------------------------------- windows */

/* A part of a window, with a space before all but the first. */
static void put_word(struct elqb__render *r, bool *first, const char *word)
{
    if (!*first)
        elqb__put_char(r, ' ');
    *first = false;
    elqb__put_string(r, word);
}

/* ("base" PARTITION BY ... ORDER BY ... ROWS ...), which may extend the first
 * so many windows of the select */
static void put_window(struct elqb__render *r, const struct elqb__window *w,
                       uint32_t count)
{
    bool first = true;

    elqb__put_char(r, '(');
    if (w->extends) {
        check_extended(r, w, count);
        put_word(r, &first, "");
        elqb__put_name(r, w->extends);
    }
    if (w->partition_by.count) {
        put_word(r, &first, "PARTITION BY ");
        elqb__put_list(r, w->partition_by.items, w->partition_by.count);
    }
    if (w->order_by.count) {
        put_word(r, &first, "ORDER BY ");
        elqb__put_order(r, &w->order_by);
    }
    if (w->frame) {
        put_word(r, &first, "");
        put_frame(r, w);
    }
    elqb__put_char(r, ')');
}

void elqb__put_over(struct elqb__render *r, const struct elqb__window *window)
{
    uint32_t count = r->windows ? r->windows->count : 0;

    PUT(r, " OVER ");
    if (window->name) {
        find_window(r, window->name, &count);
        elqb__put_name(r, window->name);
    } else {
        put_window(r, window, count);
    }
}

void elqb__put_windows(struct elqb__render *r,
                       const struct elqb__windows *windows)
{
    for (uint32_t i = 0; i < windows->count; i++) {
        elqb__put_string(r, i ? ", " : " WINDOW ");
        elqb__put_name(r, windows->items[i]->name);
        PUT(r, " AS ");
        put_window(r, windows->items[i], i);
    }
}

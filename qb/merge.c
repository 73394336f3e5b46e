/* SPDX-License-Identifier: PostgreSQL */
/*
 * MERGE: its source, and the WHEN clauses in the order of the calls, which is
 * the order in which the server tries them.
 *
 * What it shares with INSERT and UPDATE is in dml.c.
 */
#include "statements.h"

elqb_merge *elqb_merge_new(elqb *q, elqb_table t)
{
    elqb_merge *m = elqb__new_dml(q, "elqb_merge_new", sizeof(*m), &t);

    if (m)
        m->table = t;
    return m;
}

/* A WHEN may still get more to set, so each has its own. */
static void copy_whens(elqb_merge *copy)
{
    elqb_when **to = &copy->first;

    copy->last = NULL;
    for (const elqb_when *w = copy->first; w; w = w->next) {
        *to = elqb__copy_statement(copy->q, "elqb_merge_copy", w, sizeof(*w));
        if (!*to)
            return;
        elqb__share_list(&(*to)->set);
        copy->last = *to;
        to = &(*to)->next;
    }
}

elqb_merge *elqb_merge_copy(const elqb_merge *m)
{
    elqb_merge *copy =
        m ? elqb__copy_statement(m->q, "elqb_merge_copy", m, sizeof(*m)) : NULL;

    if (!copy)
        return NULL;
    copy->from.room = copy->from.count;
    copy_whens(copy);
    if (m->with)
        copy->with = elqb__copy_with(m->q, m->with);
    return copy;
}

void elqb_merge_using(elqb_merge *m, elqb_table source, elqb_expr on)
{
    if (!m || elqb__failed_in(m->q, "elqb_merge_using"))
        return;
    if (m->from.count) {
        elqb__fail(m->q, ELQB_E_USAGE,
                   "elqb_merge_using: there is a source already");
        return;
    }
    elqb__add_from(m->q, "elqb_merge_using", &m->from, source);
    if (!elqb__keep_operand(m->q, "elqb_merge_using", &on))
        return;
    elqb__take_bool(&on);
    m->on = on;
}

static elqb_when *add_when(elqb_merge *m, const char *function, bool matched,
                           elqb_expr condition, enum elqb__action action)
{
    elqb_when *w;

    if (!m || elqb__failed_in(m->q, function))
        return NULL;
    if (m->closed[matched]) {
        elqb__fail(m->q, ELQB_E_USAGE,
                   "%s: no row gets here, the WHEN before has no condition",
                   function);
        return NULL;
    }
    w = elqb__new_statement(m->q, sizeof(*w));
    if (!w)
        return NULL;
    elqb__add_condition(m->q, function, &w->condition, condition);
    w->action = action;
    w->matched = matched;
    m->closed[matched] = !condition.kind;
    if (m->last)
        m->last->next = w;
    else
        m->first = w;
    m->last = w;
    return w;
}

elqb_when *elqb_when_matched_update(elqb_merge *m, elqb_expr condition)
{
    return add_when(m, "elqb_when_matched_update", true, condition,
                    ACTION_UPDATE);
}

void elqb_when_matched_delete(elqb_merge *m, elqb_expr condition)
{
    add_when(m, "elqb_when_matched_delete", true, condition, ACTION_DELETE);
}

void elqb_when_matched_nothing(elqb_merge *m, elqb_expr condition)
{
    add_when(m, "elqb_when_matched_nothing", true, condition, ACTION_NOTHING);
}

elqb_when *elqb_when_not_matched_insert(elqb_merge *m, elqb_expr condition)
{
    return add_when(m, "elqb_when_not_matched_insert", false, condition,
                    ACTION_INSERT);
}

void elqb_when_not_matched_nothing(elqb_merge *m, elqb_expr condition)
{
    add_when(m, "elqb_when_not_matched_nothing", false, condition,
             ACTION_NOTHING);
}

void elqb_when_set(elqb_when *w, elqb_expr column, elqb_expr value)
{
    if (w)
        elqb__add_assignment(w->q, "elqb_set", &w->set, column, value);
}

void elqb_when_set_row(elqb_when *w, const elqb_expr *columns,
                       elqb_expr source)
{
    if (!w || elqb__failed_in(w->q, "elqb_set_row"))
        return;
    if (w->action == ACTION_INSERT)
        elqb__fail(w->q, ELQB_E_USAGE,
                   "elqb_set_row: INSERT takes one value for each column");
    elqb__add_row(w->q, "elqb_set_row", &w->set, columns, source);
}

void elqb_when_overriding(elqb_when *w, elqb_override kind)
{
    if (!w || elqb__failed_in(w->q, "elqb_overriding"))
        return;
    if (w->action != ACTION_INSERT)
        elqb__fail(w->q, ELQB_E_USAGE,
                   "elqb_overriding: UPDATE does not take it");
    w->overriding = elqb__check_override(w->q, kind);
}

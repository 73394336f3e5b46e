/* SPDX-License-Identifier: PostgreSQL */
/*
 * FOR UPDATE and its like.
 *
 * The clauses are a list that grows at its end and is linked backwards, from
 * the last to the first: copies of a select share what they have in common.
 */
#include "statements.h"

/* How a table is called in OF: its name in the query, without a schema. */
static const char *name_of(elqb *q, const elqb_table *t)
{
    const char *name = t->alias ? t->alias : t->name;

    if (elqb__failed(q) ||
        (t->source &&
         !elqb__is_ours(q, "elqb_for", t->source, t->generation)) ||
        !elqb__keep_name(q, "elqb_for", &name))
        return NULL;
    return name;
}

void elqb_for_v(elqb_select *s, elqb_strength strength, elqb_wait wait,
                const elqb_table *tables)
{
    struct elqb__lock *lock;
    uint32_t count = 0;
    elqb *q;

    if (!elqb__is_plain(s, "elqb_for"))
        return;
    q = s->q;
    if ((unsigned)strength > ELQB_FOR_KEY_SHARE ||
        (unsigned)wait > ELQB_SKIP_LOCKED)
        elqb__fail(q, ELQB_E_USAGE, "elqb_for: no such lock");
    while (tables && tables[count].flags != ELQB_LAST_TABLE)
        count++;
    if (elqb__failed(q) ||
        !(lock = elqb__alloc(q, sizeof(*lock) +
                                    count * sizeof(*lock->tables))))
        return;
    lock->strength = (uint8_t)strength;
    lock->wait = (uint8_t)wait;
    lock->count = count;
    lock->before = s->locks;
    for (uint32_t i = 0; i < count; i++)
        lock->tables[i] = name_of(q, &tables[i]);
    if (!elqb__failed(q))
        s->locks = lock;
}

void elqb_clear_for(elqb_select *s)
{
    if (s && !elqb__failed_in(s->q, "elqb_clear_for"))
        s->locks = NULL;
}

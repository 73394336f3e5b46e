/* SPDX-License-Identifier: PostgreSQL */
/*
 * The memory of a workspace: blocks, each larger than the one before, from
 * which everything is cut and nothing is given back.
 *
 * The workspace lies in its own first block, so the smallest one is a single
 * malloc.  elqb_reset() starts over with the blocks it has: a workspace that
 * does the same work again allocates nothing.
 *
 * Statements have places of their own, which are given to another statement
 * after the second reset from then at the earliest.  Until then the owner of
 * a forgotten statement is elqb.stale, a workspace that always fails.
 *
 * Any file of the builder may call the elqb__ functions.
 */
#include <assert.h>
#include <stdlib.h>

#include "statements.h"

#define FIRST_PLACES 4 /* in the first block                               */

#ifndef FIRST_BLOCK /* tests have others */
#define FIRST_BLOCK 8192
#define LARGEST_STEP ((size_t)1 << 20) /* growth is geometric up to here */
#endif

static struct elqb__block *new_block(size_t size)
{
    struct elqb__block *block = malloc(sizeof(*block) + size);

    if (block) {
        block->next = NULL;
        block->size = size;
    }
    return block;
}

static void enter_block(elqb *q, struct elqb__block *block)
{
    q->current = block;
    q->at = (char *)block->data;
    q->end = q->at + block->size;
}

/* What lies at the start of the first block, and is never given back. */
struct workspace {
    elqb q;
    elqb stale;
    struct elqb__place places[FIRST_PLACES];
};

#define ROUND_UP(size) (((size) + 15) & ~(size_t)15)

static void start(elqb *q, struct elqb__block *first)
{
    enter_block(q, first);
    q->at += ROUND_UP(sizeof(struct workspace));
}

/* -------------------------------------------------- places of statements */

static void append(struct elqb__places *list, struct elqb__place *place)
{
    place->next = NULL;
    if (list->end)
        *list->end = place;
    else
        list->first = place;
    list->end = &place->next;
}

static struct elqb__place *take_first(struct elqb__places *list)
{
    struct elqb__place *place = list->first;

    list->first = place->next;
    if (!list->first)
        list->end = NULL;
    return place;
}

/* Twice as many as the last time. */
static bool add_places(elqb *q)
{
    size_t count = q->more_places
                       ? q->more_places->size / sizeof(struct elqb__place)
                       : FIRST_PLACES;
    struct elqb__block *block =
        new_block(2 * count * sizeof(struct elqb__place));
    struct elqb__place *places;

    if (!block) {
        elqb__fail(q, ELQB_E_NOMEM, "out of memory");
        return false;
    }
    block->next = q->more_places;
    q->more_places = block;
    places = (struct elqb__place *)(void *)block->data;
    for (size_t i = 0; i < 2 * count; i++) {
        places[i].generation = q->generation - 2;
        append(&q->idle, &places[i]);
    }
    return true;
}

void *elqb__new_statement(elqb *q, size_t size)
{
    struct elqb__place *place;

    assert(size <= ELQB_STATEMENT_SIZE);
    if (elqb__failed(q))
        return NULL;
    /* The first has been idle for longest: if not it, then none. */
    if ((!q->idle.first || q->generation - q->idle.first->generation < 2) &&
        !add_places(q))
        return NULL;
    /* New places go behind those that have to rest. */
    while (q->generation - q->idle.first->generation < 2)
        append(&q->idle, take_first(&q->idle));
    place = take_first(&q->idle);
    place->generation = q->generation;
    append(&q->used, place);
    memset(&place->u, 0, size);
    place->u.owner = q;
    return &place->u;
}

static void retire_statements(elqb *q)
{
    while (q->used.first) {
        q->used.first->u.owner = q->stale;
        append(&q->idle, take_first(&q->used));
    }
}

/* ------------------------------------------------------------ workspaces */

elqb *elqb_new(void)
{
    struct elqb__block *first = new_block(FIRST_BLOCK - sizeof(*first));
    struct workspace *w;
    elqb *q;

    if (!first)
        return NULL;
    w = (struct workspace *)(void *)first->data;
    q = &w->q;
    memset(q, 0, sizeof(*q));
    memset(&w->stale, 0, sizeof(w->stale));
    w->stale.code = ELQB_E_FOREIGN;
    w->stale.stale_of = q;
    q->stale = &w->stale;
    q->first = first;
    q->generation = 2;
    for (int i = 0; i < FIRST_PLACES; i++) {
        w->places[i].generation = 0;
        append(&q->idle, &w->places[i]);
    }
    start(q, first);
    return q;
}

/* What is not named here lasts. */
void elqb_reset(elqb *q)
{
    if (!q)
        return;
    retire_statements(q);
    q->generation++;
    q->code = ELQB_OK;
    *q->message = '\0';
    q->params = NULL;
    memset(&q->param_names, 0, sizeof(q->param_names));
    q->nparams = q->params_room = 0;
    q->schemas = NULL;
    q->nschemas = 0;
    start(q, q->first);
}

static void free_blocks(struct elqb__block *block)
{
    while (block) {
        struct elqb__block *next = block->next;

        free(block);
        block = next;
    }
}

void elqb_free(elqb *q)
{
    if (!q)
        return;
    free_blocks(q->more_places);
    free_blocks(q->first);
}

void *elqb__alloc_block(size_t size)
{
    return malloc(size);
}

void elqb__free_block(void *block)
{
    free(block);
}

/* ---------------------------------------------------------------- memory */

/* Blocks too small for a request are skipped until the next reset. */
void *elqb__alloc_slow(elqb *q, size_t size)
{
    struct elqb__block *last = q->current;
    size_t step;
    char *p;

    if (size > SIZE_MAX / 2) {
        elqb__fail(q, ELQB_E_NOMEM, "out of memory");
        return NULL;
    }
    size = (size + 7) & ~(size_t)7;
    while (last->next && last->next->size < size)
        last = last->next;
    if (!last->next) {
        step = last->size < LARGEST_STEP ? 2 * last->size : LARGEST_STEP;
        last->next = new_block(size > step ? size : step);
        if (!last->next) {
            elqb__fail(q, ELQB_E_NOMEM, "out of memory");
            return NULL;
        }
    }
    enter_block(q, last->next);
    p = q->at;
    q->at += size;
    return p;
}

char *elqb__copy_bytes(elqb *q, const char *data, size_t size)
{
    char *copy = elqb__alloc(q, size < SIZE_MAX ? size + 1 : size);

    if (copy) {
        if (size)
            memcpy(copy, data, size);
        copy[size] = '\0';
    }
    return copy;
}

char *elqb__copy_string(elqb *q, const char *s)
{
    return elqb__copy_bytes(q, s, strlen(s));
}

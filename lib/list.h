/* SPDX-License-Identifier: PostgreSQL */
/*
 * Intrusive doubly linked lists.  A node that is in no list points to nothing;
 * so removing it twice is harmless, and elpq__linked() tells.
 */
#ifndef ELPQ_LIB_LIST_H
#define ELPQ_LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct elpq__node {
    struct elpq__node *prev;
    struct elpq__node *next;
};

/* The head is a node of the ring; an empty list points to itself. */
struct elpq__list {
    struct elpq__node head;
};

#define elpq__container(node, type, member)                                   \
    ((type *)((char *)(node) - offsetof(type, member)))

static inline void elpq__list_init(struct elpq__list *list)
{
    list->head.prev = list->head.next = &list->head;
}

static inline bool elpq__list_empty(const struct elpq__list *list)
{
    return list->head.next == &list->head;
}

static inline bool elpq__linked(const struct elpq__node *node)
{
    return node->next != NULL;
}

static inline void elpq__link_after(struct elpq__node *at,
                                    struct elpq__node *node)
{
    node->prev = at;
    node->next = at->next;
    at->next->prev = node;
    at->next = node;
}

static inline void elpq__list_push(struct elpq__list *list,
                                   struct elpq__node *node)
{
    elpq__link_after(list->head.prev, node);
}

static inline void elpq__list_push_front(struct elpq__list *list,
                                         struct elpq__node *node)
{
    elpq__link_after(&list->head, node);
}

static inline void elpq__list_remove(struct elpq__node *node)
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = node->next = NULL;
}

/* The first node, or NULL. */
static inline struct elpq__node *elpq__list_first(const struct elpq__list *l)
{
    return elpq__list_empty(l) ? NULL : l->head.next;
}

/* Takes the first node out, or returns NULL. */
static inline struct elpq__node *elpq__list_pop(struct elpq__list *list)
{
    struct elpq__node *node = elpq__list_first(list);

    if (node)
        elpq__list_remove(node);
    return node;
}

/* Moves all nodes of `from` to the end of `to`. */
static inline void elpq__list_move(struct elpq__list *to,
                                   struct elpq__list *from)
{
    if (elpq__list_empty(from))
        return;
    to->head.prev->next = from->head.next;
    from->head.next->prev = to->head.prev;
    to->head.prev = from->head.prev;
    from->head.prev->next = &to->head;
    elpq__list_init(from);
}

#endif

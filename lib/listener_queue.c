/* SPDX-License-Identifier: PostgreSQL */
/*
 * The queue of a listener: notifications and events in the order in which
 * they happened, and their delivery.
 *
 * deliver(), a task, is the one place that calls the user.  So callbacks may
 * do anything: whatever they change is seen when they return.
 *
 * Notifications are bounded by max_queued and max_queued_bytes.  While the
 * consumer is not paused, a full queue only stops the reading until the next
 * turn; while it is paused, the policy decides.  Events have one entry each,
 * and are merged so that the promise is kept:
 *
 *  - a GAP that is queued already covers all of its channel behind it, which
 *    is dropped when another GAP is due;
 *  - a DOWN undoes those UP that are not yet told.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "listener_int.h"

/* So many callbacks in one round of tasks. */
#define DELIVER_PER_TURN 256

static void wake(elpq_listener *l)
{
    if (!l->paused && !l->closing)
        elpq__task_post(l->loop, &l->deliver);
}

/* ------------------------------------------------------------------ items */

static void push(elpq_listener *l, struct elpq__item *item)
{
    elpq__list_push(&l->queue, &item->node);
    wake(l);
}

/* Takes a notification out, and frees it. */
static void drop(elpq_listener *l, struct elpq__item *item)
{
    elpq__list_remove(&item->node);
    l->stats.queued--;
    l->stats.queued_bytes -= item->bytes;
    PQfreemem(item->notification);
    free(item);
}

static struct elpq__item *item_at(struct elpq__node *node)
{
    return elpq__container(node, struct elpq__item, node);
}

/* Drops the channel's notifications behind a node of the queue. */
static void drop_behind(struct elpq__channel *channel, struct elpq__node *at)
{
    elpq_listener *l = channel->listener;
    struct elpq__node *node = at->next;

    while (node != &l->queue.head) {
        struct elpq__item *item = item_at(node);

        node = node->next;
        if (item->kind == ELPQ__ITEM_NOTIFICATION && item->channel == channel)
            drop(l, item);
    }
}

void elpq__listener_forget(struct elpq__channel *channel)
{
    drop_behind(channel, &channel->listener->queue.head);
    elpq__list_remove(&channel->up_item.node);
    elpq__list_remove(&channel->gap_item.node);
    elpq__list_remove(&channel->down_item.node);
}

void elpq__listener_clear(elpq_listener *l)
{
    struct elpq__node *node;

    while ((node = elpq__list_first(&l->queue))) {
        struct elpq__item *item = item_at(node);

        if (item->kind == ELPQ__ITEM_NOTIFICATION)
            drop(l, item);
        else
            elpq__list_remove(node);
    }
}

/* ----------------------------------------------------------------- events */

void elpq__listener_push_up(struct elpq__channel *channel)
{
    if (!elpq__linked(&channel->up_item.node))
        push(channel->listener, &channel->up_item);
}

void elpq__listener_push_gap(struct elpq__channel *channel)
{
    if (elpq__linked(&channel->gap_item.node))
        drop_behind(channel, &channel->gap_item.node);
    else
        push(channel->listener, &channel->gap_item);
}

static void forget_ups(elpq_listener *l)
{
    struct elpq__node *node = l->queue.head.next;

    while (node != &l->queue.head) {
        struct elpq__node *next = node->next;

        if (item_at(node)->kind == ELPQ__ITEM_UP)
            elpq__list_remove(node);
        node = next;
    }
}

void elpq__listener_push_down(elpq_listener *l, const elpq_error *error)
{
    forget_ups(l);
    elpq_error_free(l->down);
    l->down = elpq_error_dup(error);
    /* Behind all that came before it, whichever it is. */
    elpq__list_remove(&l->down_item.node);
    push(l, &l->down_item);
}

void elpq__listener_push_refusal(struct elpq__channel *channel,
                                 const elpq_error *error)
{
    elpq_error_free(channel->refusal);
    channel->refusal = elpq_error_dup(error);
    if (!elpq__linked(&channel->down_item.node))
        push(channel->listener, &channel->down_item);
}

/* ---------------------------------------------------------- notifications */

static bool is_full(const elpq_listener *l)
{
    return l->stats.queued >= l->options.max_queued ||
           l->stats.queued_bytes >= l->options.max_queued_bytes;
}

/* Whether a GAP of the channel stands in front of its oldest notification. */
static bool is_covered(const struct elpq__channel *channel,
                       const struct elpq__node *oldest)
{
    const struct elpq__node *node = channel->listener->queue.head.next;

    while (node != oldest && node != &channel->gap_item.node)
        node = node->next;
    return node != oldest;
}

/*
 * The oldest notification goes, and its channel's GAP takes its place.  If one
 * stands in front of it, that covers it; if one is queued further behind, it
 * covers what lies in front of it as well, which goes too.
 */
static void drop_oldest(elpq_listener *l)
{
    struct elpq__node *node = l->queue.head.next;
    struct elpq__channel *channel;

    while (item_at(node)->kind != ELPQ__ITEM_NOTIFICATION)
        node = node->next;
    channel = item_at(node)->channel;
    if (is_covered(channel, node)) {
        drop(l, item_at(node));
        l->stats.dropped++;
        return;
    }
    if (!elpq__linked(&channel->gap_item.node))
        elpq__link_after(node, &channel->gap_item.node);
    while (node != &channel->gap_item.node) {
        struct elpq__item *item = item_at(node);

        node = node->next;
        if (item->kind == ELPQ__ITEM_NOTIFICATION &&
            item->channel == channel) {
            drop(l, item);
            l->stats.dropped++;
        }
    }
}

/* There is room again, or there is none, and who is to wait for it. */
static void make_room(elpq_listener *l)
{
    if (!is_full(l))
        return;
    if (!l->paused || l->options.policy == ELPQ_LISTEN_STOP_READING) {
        l->held = true;
        elpq__pipeline_pause(l->conn, true);
    } else if (l->options.policy == ELPQ_LISTEN_DISCONNECT) {
        l->waits = true;
        elpq__listener_lose(l, ELPQ_E_LIMIT,
                            "the listener's queue is full: the connection "
                            "was closed");
    } else {
        while (is_full(l) && l->stats.queued > 0)
            drop_oldest(l);
    }
}

void elpq__listener_take(elpq_conn *conn, PGnotify *notification)
{
    elpq_listener *l = conn->slot_pool;
    struct elpq__channel *channel;
    struct elpq__item *item;

    l->stats.received++;
    l->alive = elpq__now();
    channel = elpq__channel_find(l, notification->relname);
    if (!channel || channel->live == 0) {
        PQfreemem(notification); /* UNLISTEN is on its way */
        return;
    }
    item = elpq__new(struct elpq__item);
    if (!item) {
        PQfreemem(notification);
        l->stats.dropped++;
        elpq__listener_push_gap(channel);
        return;
    }
    item->kind = ELPQ__ITEM_NOTIFICATION;
    item->channel = channel;
    item->notification = notification;
    item->bytes = sizeof(*item) + sizeof(*notification) +
                  strlen(notification->relname) +
                  strlen(notification->extra) + 2;
    l->stats.queued++;
    l->stats.queued_bytes += item->bytes;
    push(l, item);
    make_room(l);
}

/* --------------------------------------------------------------- delivery */

static void sweep(struct elpq__channel *channel)
{
    struct elpq__node *node = channel->subscribers.head.next;

    while (node != &channel->subscribers.head) {
        struct elpq__subscriber *s =
            elpq__container(node, struct elpq__subscriber, node);

        node = node->next;
        if (s->dead) {
            elpq__list_remove(&s->node);
            free(s);
        }
    }
}

/* Calls those who were there when it began, and are still. */
static void call_subscribers(struct elpq__channel *channel,
                             const PGnotify *from)
{
    elpq_listener *l = channel->listener;
    elpq_notification n = { channel->name, from->extra, from->be_pid };
    struct elpq__node *node = channel->subscribers.head.next;
    struct elpq__node *last = channel->subscribers.head.prev;
    bool more = node != &channel->subscribers.head;

    channel->calling = true;
    l->stats.delivered += more;
    while (more && !l->closing) {
        struct elpq__subscriber *s =
            elpq__container(node, struct elpq__subscriber, node);

        more = node != last;
        if (!s->dead)
            s->call(&n, s->arg);
        node = node->next;
    }
    channel->calling = false;
    sweep(channel);
}

static void call_event(elpq_listener *l, const elpq_listen_event *event)
{
    l->stats.gaps += event->kind == ELPQ_LISTEN_GAP;
    if (l->events)
        l->events(l, event, l->arg);
}

static void deliver_down(elpq_listener *l, struct elpq__channel *channel,
                         elpq_error **slot)
{
    elpq_error plain;
    elpq_listen_event event = { ELPQ_LISTEN_DOWN, NULL, NULL, false };
    elpq_error *error = *slot;

    *slot = NULL; /* the callback may bring the next one */
    elpq__error_set(&plain, ELPQ_E_LOST, ELPQ_RETRYABLE, NULL);
    event.error = error ? error : &plain;
    if (channel)
        event.channel = channel->name;
    else
        event.given_up = l->down_final;
    call_event(l, &event);
    elpq_error_free(error);
}

static void deliver_item(elpq_listener *l, struct elpq__item *item)
{
    struct elpq__channel *channel = item->channel;
    elpq_listen_event event = { ELPQ_LISTEN_UP, NULL, NULL, false };

    elpq__list_remove(&item->node);
    if (channel) {
        channel->keep++;
        event.channel = channel->name;
    }
    switch (item->kind) {
    case ELPQ__ITEM_NOTIFICATION:
        l->stats.queued--;
        l->stats.queued_bytes -= item->bytes;
        call_subscribers(channel, item->notification);
        PQfreemem(item->notification);
        free(item);
        break;
    case ELPQ__ITEM_DOWN:
        deliver_down(l, channel, channel ? &channel->refusal : &l->down);
        break;
    case ELPQ__ITEM_GAP:
        event.kind = ELPQ_LISTEN_GAP;
        call_event(l, &event);
        break;
    case ELPQ__ITEM_UP:
        call_event(l, &event);
        break;
    }
    if (channel) {
        channel->keep--;
        elpq__channel_settle(channel);
    }
}

void elpq__listener_deliver(struct elpq__task *task)
{
    elpq_listener *l = elpq__container(task, elpq_listener, deliver);
    struct elpq__node *node;

    for (int i = 0; i < DELIVER_PER_TURN; i++) {
        if (l->closing || l->paused || !(node = elpq__list_first(&l->queue)))
            break;
        deliver_item(l, item_at(node));
    }
    if (l->closing || l->paused)
        return;
    if (!elpq__list_empty(&l->queue))
        elpq__task_post(l->loop, &l->deliver);
    if (l->held && !is_full(l)) {
        l->held = false;
        if (l->conn)
            elpq__pipeline_pause(l->conn, false);
    }
}

void elpq_listener_pause(elpq_listener *l)
{
    if (!l || !elpq__loop_is_ours(l->loop) || l->closing)
        return;
    l->paused = true;
    if (!l->held || l->options.policy == ELPQ_LISTEN_STOP_READING)
        return;
    l->held = false; /* now the policy decides */
    if (l->conn)
        elpq__pipeline_pause(l->conn, false);
}

void elpq_listener_resume(elpq_listener *l)
{
    if (!l || !elpq__loop_is_ours(l->loop) || l->closing)
        return;
    l->paused = false;
    elpq__task_post(l->loop, &l->deliver);
    if (l->waits) {
        l->waits = false;
        elpq__listener_connect(l);
    }
}

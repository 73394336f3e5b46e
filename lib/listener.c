/* SPDX-License-Identifier: PostgreSQL */
/*
 * The listener as its user sees it: made, asked to listen, closed; and
 * elpq_notify().
 *
 * A call only changes the subscribers, and sends a command when the first one
 * comes or the last one goes.  The listener is freed by the task that reports
 * its end, so that whoever is in the middle of it finds it until then.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "backoff.h"
#include "done.h"
#include "elpq/router.h"
#include "listener_int.h"

/* ---------------------------------------------------------------- channels */

static struct elpq__list *bucket_of(const elpq_listener *l, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return (struct elpq__list *)&l->channels[hash % ELPQ__CHANNEL_BUCKETS];
}

struct elpq__channel *elpq__channel_find(const elpq_listener *l,
                                         const char *name)
{
    struct elpq__list *bucket = bucket_of(l, name);

    for (struct elpq__node *node = bucket->head.next; node != &bucket->head;
         node = node->next) {
        struct elpq__channel *channel =
            elpq__container(node, struct elpq__channel, node);

        if (strcmp(channel->name, name) == 0)
            return channel;
    }
    return NULL;
}

static void channel_free(struct elpq__channel *channel)
{
    struct elpq__node *node;

    elpq__listener_forget(channel);
    while ((node = elpq__list_pop(&channel->subscribers)))
        free(elpq__container(node, struct elpq__subscriber, node));
    elpq__list_remove(&channel->node);
    elpq_error_free(channel->refusal);
    channel->listener->stats.channels--;
    free(channel);
}

void elpq__channel_settle(struct elpq__channel *channel)
{
    if (channel->live == 0 && !channel->busy && channel->keep == 0 &&
        !channel->calling)
        channel_free(channel);
}

static void item_init(struct elpq__item *item, enum elpq__item_kind kind,
                      struct elpq__channel *channel)
{
    item->kind = kind;
    item->channel = channel;
}

static struct elpq__channel *channel_new(elpq_listener *l, const char *name)
{
    struct elpq__channel *channel = elpq__new(struct elpq__channel);

    if (!channel)
        return NULL;
    channel->listener = l;
    strcpy(channel->name, name);
    elpq__list_init(&channel->subscribers);
    item_init(&channel->up_item, ELPQ__ITEM_UP, channel);
    item_init(&channel->gap_item, ELPQ__ITEM_GAP, channel);
    item_init(&channel->down_item, ELPQ__ITEM_DOWN, channel);
    elpq__list_push(bucket_of(l, name), &channel->node);
    l->stats.channels++;
    return channel;
}

static struct elpq__subscriber *find_subscriber(struct elpq__channel *channel,
                                                elpq_notification_cb callback,
                                                const void *arg)
{
    for (struct elpq__node *node = channel->subscribers.head.next;
         node != &channel->subscribers.head; node = node->next) {
        struct elpq__subscriber *s =
            elpq__container(node, struct elpq__subscriber, node);

        if (!s->dead && s->call == callback && s->arg == arg)
            return s;
    }
    return NULL;
}

int elpq_listen(elpq_listener *l, const char *name,
                elpq_notification_cb callback, void *arg)
{
    struct elpq__channel *channel;
    struct elpq__subscriber *s;

    if (!l || !name || !*name || strlen(name) > ELPQ__CHANNEL_MAX ||
        !callback || l->closing)
        return ELPQ_E_USAGE;
    if (!elpq__loop_is_ours(l->loop))
        return ELPQ_E_FORKED;
    channel = elpq__channel_find(l, name);
    if (channel && find_subscriber(channel, callback, arg))
        return ELPQ_E_USAGE;
    if (!channel && l->stats.channels >= l->options.max_channels)
        return ELPQ_E_FULL;
    s = elpq__new(struct elpq__subscriber);
    if (s && !channel)
        channel = channel_new(l, name);
    if (!s || !channel) {
        free(s);
        return ELPQ_E_NOMEM;
    }
    s->call = callback;
    s->arg = arg;
    elpq__list_push(&channel->subscribers, &s->node);
    if (channel->live++ == 0)
        elpq__listener_sync(channel);
    return 0;
}

int elpq_unlisten(elpq_listener *l, const char *name,
                  elpq_notification_cb callback, void *arg)
{
    struct elpq__channel *channel;
    struct elpq__subscriber *s;

    if (!l || !name || l->closing)
        return ELPQ_E_USAGE;
    if (!elpq__loop_is_ours(l->loop))
        return ELPQ_E_FORKED;
    channel = elpq__channel_find(l, name);
    s = channel ? find_subscriber(channel, callback, arg) : NULL;
    if (!s)
        return ELPQ_E_USAGE;
    s->dead = true;
    if (!channel->calling) {
        elpq__list_remove(&s->node);
        free(s);
    }
    if (--channel->live > 0)
        return 0;
    elpq__listener_forget(channel);
    elpq__listener_sync(channel);
    elpq__channel_settle(channel);
    return 0;
}

bool elpq_listener_is_up(const elpq_listener *l, const char *name)
{
    const struct elpq__channel *channel = elpq__channel_find(l, name);

    return channel && channel->up && channel->live > 0;
}

void elpq_listener_stats(const elpq_listener *l, elpq_listener_statistics *out)
{
    *out = l->stats;
}

/* --------------------------------------------------------------------- new */

static void listener_free(elpq_listener *l)
{
    struct elpq__loop *loop = l->loop;

    elpq__forget_strings(l->params);
    elpq__forget(l->conninfo);
    elpq_error_free(l->down);
    free(l);
    if (loop)
        elpq__loop_unref(loop);
}

/* Requests that were in flight have ended by now, which held channels. */
static void run_end(struct elpq__task *task)
{
    elpq_listener *l = elpq__container(task, elpq_listener, end);
    elpq_done_cb done = l->done;
    void *arg = l->done_arg;

    elpq__listener_clear(l);
    for (int i = 0; i < ELPQ__CHANNEL_BUCKETS; i++) {
        struct elpq__node *node;

        while ((node = elpq__list_first(&l->channels[i])))
            channel_free(elpq__container(node, struct elpq__channel, node));
    }
    listener_free(l);
    if (done)
        done(NULL, arg);
}

void elpq_listener_close(elpq_listener *l, elpq_done_cb done, void *arg)
{
    if (!l || l->closing || !elpq__loop_is_ours(l->loop))
        return;
    l->closing = true;
    l->done = done;
    l->done_arg = arg;
    elpq__timer_stop(l->loop, &l->connect);
    elpq__listener_disconnect(l);
    elpq__task_drop(&l->deliver);
    elpq__task_post(l->loop, &l->end);
}

static void int_default(int *x, int value)
{
    if (*x == 0)
        *x = value;
}

static void options_init(elpq_listener_options *out,
                         const elpq_listener_options *in)
{
    if (in)
        *out = *in;
    else
        memset(out, 0, sizeof(*out));
    elpq__conn_options_init(&out->conn, in ? &in->conn : NULL);
    out->conn.no_statement_cache = true;
    if (out->max_channels == 0)
        out->max_channels = 10000;
    /* A command of each, and a ping. */
    if (out->conn.max_queued <= out->max_channels)
        out->conn.max_queued = out->max_channels + 1;
    if (out->max_queued == 0)
        out->max_queued = 4096;
    if (out->max_queued_bytes == 0)
        out->max_queued_bytes = (size_t)16 << 20;
    int_default(&out->backoff_min_ms, 100);
    int_default(&out->backoff_max_ms, 10000);
    int_default(&out->ping_after_ms, 30000);
    int_default(&out->ping_timeout_ms, 5000);
}

static bool options_ok(const elpq_listener_options *o)
{
    return !o || ((unsigned)o->policy <= ELPQ_LISTEN_DISCONNECT &&
                  o->backoff_min_ms >= 0 && o->backoff_max_ms >= 0 &&
                  o->ping_after_ms >= -1 && o->ping_timeout_ms >= 0);
}

static elpq_listener *listener_alloc(struct event_base *base,
                                     const char *conninfo,
                                     const elpq_listener_options *options)
{
    elpq_listener *l = elpq__new(elpq_listener);

    if (!l)
        return NULL;
    options_init(&l->options, options);
    l->base = base;
    l->loop = elpq__loop_get(base);
    l->conninfo = strdup(conninfo ? conninfo : "");
    l->params = elpq__copy_strings(l->options.conn.params);
    if (!l->loop || !l->conninfo || !l->params) {
        listener_free(l);
        return NULL;
    }
    l->options.conn.params = (const char *const *)l->params;
    l->random = elpq__random_seed(elpq__now(), l);
    l->connect.fire = elpq__listener_due;
    l->probe.fire = elpq__listener_probe;
    l->probe.far = true;
    l->deliver.run = elpq__listener_deliver;
    l->end.run = run_end;
    elpq__list_init(&l->queue);
    item_init(&l->down_item, ELPQ__ITEM_DOWN, NULL);
    for (int i = 0; i < ELPQ__CHANNEL_BUCKETS; i++)
        elpq__list_init(&l->channels[i]);
    return l;
}

elpq_listener *elpq_listener_new(struct event_base *base,
                                 const char *conninfo,
                                 const elpq_listener_options *options,
                                 elpq_listen_event_cb events, void *arg,
                                 elpq_error **error)
{
    const char *why = NULL;
    elpq_listener *l;
    char *bad = NULL;

    if (error)
        *error = NULL;
    if (!base || !options_ok(options))
        why = "elpq_listener_new needs an event_base, and options within "
              "their bounds";
    else if (options && options->conn.pooler)
        why = "LISTEN needs a session of its own, which a pooler in "
              "transaction mode does not give";
    else
        why = bad = elpq__conninfo_check(conninfo,
                                         options ? options->conn.params : NULL);
    if (why) {
        elpq__error_give(error, ELPQ_E_USAGE, why);
        free(bad);
        return NULL;
    }
    l = listener_alloc(base, conninfo, options);
    if (!l) {
        elpq__error_give(error, ELPQ_E_NOMEM, NULL);
        return NULL;
    }
    l->events = events;
    l->arg = arg;
    elpq__listener_connect(l);
    return l;
}

/* ------------------------------------------------------------------ notify */

/* The statement, whose values stand in `values`; false if there is none. */
static bool notify_statement(elpq_statement *st, elpq_value values[2],
                             const char *channel, const char *payload,
                             elpq_done_cb done)
{
    if (!channel || !done)
        return false;
    values[0] = elpq_text(channel);
    values[1] = elpq_text(payload ? payload : "");
    *st = elpq_sql_from_trusted_string("SELECT pg_catalog.pg_notify($1, $2)",
                                       values, 2);
    st->flags = ELPQ__PRIMARY;
    return true;
}

#define NOTIFY(kind)                                                          \
    int elpq_##kind##_notify(elpq_##kind *target, const char *channel,        \
                             const char *payload,                             \
                             const elpq_options *options, elpq_done_cb done,  \
                             void *arg)                                       \
    {                                                                         \
        elpq_value values[2];                                                 \
        elpq_statement st;                                                    \
        struct elpq__done *end;                                               \
        int code;                                                             \
                                                                              \
        if (!target || !notify_statement(&st, values, channel, payload,       \
                                         done))                               \
            return ELPQ_E_USAGE;                                              \
        end = elpq__done_new(done, arg);                                      \
        if (!end)                                                             \
            return ELPQ_E_NOMEM;                                              \
        code = elpq_##kind##_execute(target, &st, options, elpq__done_result, \
                                     end);                                    \
        if (code)                                                             \
            free(end);                                                        \
        return code;                                                          \
    }
NOTIFY(pool)
NOTIFY(router)
NOTIFY(conn)
NOTIFY(tx)

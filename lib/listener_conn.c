/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection of a listener: made, asked for signs of life, lost, made
 * again; and LISTEN, for each channel, on each of them.
 *
 * The listener is the owner of its connection (struct elpq__owner), as a pool
 * is of its own.  Commands run in order, so the last one that was sent for a
 * channel says what it is: when none is unanswered, LISTEN is in place if the
 * channel has subscribers.
 *
 * Nothing in here calls the user: what there is to tell goes into the queue.
 */
#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "listener_int.h"

static elpq_listener *listener_of(const elpq_conn *conn)
{
    return conn->slot_pool;
}

/* ----------------------------------------------------------------- commands */

static void on_command(elpq_result *result, const elpq_error *error,
                       void *arg);

/* LISTEN or UNLISTEN, with the name in quotes. */
static void send_command(struct elpq__channel *channel)
{
    elpq_listener *l = channel->listener;
    char sql[16 + 2 * ELPQ__CHANNEL_MAX + 3];
    elpq_options o = { .timeout_ms = 0 };
    elpq_statement st;
    char *p;

    channel->listening = channel->live > 0;
    channel->up = false;
    p = stpcpy(sql, channel->listening ? "LISTEN \"" : "UNLISTEN \"");
    for (const char *s = channel->name; *s; s++) {
        if (*s == '"')
            *p++ = '"';
        *p++ = *s;
    }
    strcpy(p, "\"");
    st = elpq_sql_from_trusted_string(sql, NULL, 0);
    st.flags = ELPQ_NO_PREPARE;
    channel->busy = true;
    /* While a full queue holds the reading up, no answer can be in time. */
    if (l->options.policy == ELPQ_LISTEN_STOP_READING)
        o.timeout_ms = ELPQ_NO_TIMEOUT;
    if (elpq_conn_execute(l->conn, &st, &o, on_command, channel) == 0)
        return;
    channel->busy = false;
    elpq__listener_lose(l, ELPQ_E_NOMEM, NULL);
}

/* What is wrong with this channel only, and would be so again. */
static bool is_refusal(const elpq_error *error)
{
    return error->code == ELPQ_E_SERVER &&
           strncmp(error->sqlstate, "22", 2) == 0;
}

/* The server does what it is asked. */
static void set_well(elpq_listener *l)
{
    l->attempts = 0;
    l->down_told = false;
}

/* The server has done as the last command says. */
static void settle_command(struct elpq__channel *channel)
{
    elpq_listener *l = channel->listener;

    l->failures = 0;
    if (channel->listening != (channel->live > 0)) {
        send_command(channel);
    } else if (channel->listening) {
        channel->up = true;
        elpq__listener_push_up(channel);
        if (channel->promised)
            elpq__listener_push_gap(channel);
        channel->promised = true;
    }
}

static void on_command(elpq_result *result, const elpq_error *error, void *arg)
{
    struct elpq__channel *channel = arg;
    elpq_listener *l = channel->listener;

    (void)result;
    channel->busy = false;
    if (l->up && !l->closing) {
        l->alive = elpq__now();
        if (!error || is_refusal(error))
            set_well(l);
        if (!error)
            settle_command(channel);
        else if (is_refusal(error))
            elpq__listener_push_refusal(channel, error);
        else
            elpq__listener_lose(l, error->code, error->message);
    }
    elpq__channel_settle(channel);
}

void elpq__listener_sync(struct elpq__channel *channel)
{
    if (channel->live == 0)
        channel->promised = false;
    if (channel->listener->up && !channel->busy)
        send_command(channel);
}

static void listen_to_all(elpq_listener *l)
{
    for (int i = 0; i < ELPQ__CHANNEL_BUCKETS; i++)
        for (struct elpq__node *node = l->channels[i].head.next;
             node != &l->channels[i].head; node = node->next) {
            struct elpq__channel *channel =
                elpq__container(node, struct elpq__channel, node);

            if (channel->live > 0 && l->up && !channel->busy)
                send_command(channel);
        }
}

static void forget_ups(elpq_listener *l)
{
    for (int i = 0; i < ELPQ__CHANNEL_BUCKETS; i++)
        for (struct elpq__node *node = l->channels[i].head.next;
             node != &l->channels[i].head; node = node->next)
            elpq__container(node, struct elpq__channel, node)->up = false;
}

/* --------------------------------------------------------------- reconnect */

/* Ends the connection without a word. */
void elpq__listener_disconnect(elpq_listener *l)
{
    elpq_conn *conn = l->conn;

    elpq__timer_stop(l->loop, &l->probe);
    if (!conn)
        return;
    l->conn = NULL;
    l->up = l->pinging = l->held = false;
    forget_ups(l);
    conn->owner = NULL;
    conn->notified = NULL;
    elpq__conn_ref(conn);
    elpq__conn_shut(conn);
    elpq__conn_drop_handle(conn);
    elpq__conn_unref(conn);
}

static bool gives_up(const elpq_listener *l)
{
    return l->options.max_attempts > 0 &&
           l->attempts >= l->options.max_attempts;
}

/* There is no connection any more: tells, and tries again after a pause. */
static void come_back(elpq_listener *l, const elpq_error *error)
{
    elpq__listener_disconnect(l);
    l->gave_up = gives_up(l);
    if (!l->down_told || l->gave_up) {
        l->down_told = true;
        l->down_final = l->gave_up;
        elpq__listener_push_down(l, error);
    }
    if (l->gave_up || l->waits)
        return;
    elpq__timer_start(l->loop, &l->connect,
                      elpq__now() +
                          elpq__backoff_usec(&l->random, l->failures,
                                             l->options.backoff_min_ms,
                                             l->options.backoff_max_ms));
    l->failures++;
}

void elpq__listener_lose(elpq_listener *l, elpq_code code, const char *text)
{
    elpq_conn *conn = l->conn;

    if (conn)
        elpq__conn_lost(conn, code, text);
}

static void on_opened(elpq_conn *conn, const elpq_error *error)
{
    elpq_listener *l = listener_of(conn);

    if (error) {
        l->stats.connect_failures++;
        l->attempts++;
        come_back(l, error);
        return;
    }
    l->stats.connects++;
    l->attempts++; /* if nothing can be listened to */
    l->up = true;
    if (l->stats.channels == 0)
        set_well(l);
    l->alive = elpq__now();
    elpq__listener_probe(&l->probe);
    listen_to_all(l);
}

static void on_lost(elpq_conn *conn, const elpq_error *error)
{
    elpq_listener *l = listener_of(conn);

    l->stats.lost++;
    come_back(l, error);
}

/* A hook of the user's has closed it. */
static void on_released(elpq_conn *conn)
{
    elpq_error error;

    if (conn->connect_failed || conn->state != ELPQ__CLOSED)
        return;
    elpq__error_set(&error, ELPQ_E_CLOSED, ELPQ_RETRYABLE, NULL);
    on_lost(conn, &error);
}

static const struct elpq__owner listener_owner = {
    .opened = on_opened,
    .lost = on_lost,
    .released = on_released,
};

void elpq__listener_connect(elpq_listener *l)
{
    elpq_error error;
    elpq_conn *conn;

    if (l->conn || l->closing || l->gave_up || elpq__timer_runs(&l->connect))
        return;
    conn = elpq__conn_new(l->base, l->conninfo, &l->options.conn, NULL, NULL);
    if (!conn) {
        elpq__error_set(&error, ELPQ_E_NOMEM, ELPQ_RETRYABLE, NULL);
        l->attempts++;
        come_back(l, &error);
        return;
    }
    conn->owner = &listener_owner;
    conn->slot_pool = l;
    conn->notified = elpq__listener_take;
    l->conn = conn;
}

void elpq__listener_due(struct elpq__timer *timer)
{
    elpq__listener_connect(elpq__container(timer, elpq_listener, connect));
}

/* ------------------------------------------------------------ signs of life */

static void on_ping(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;
    elpq_listener *l;

    if (error || conn->owner != &listener_owner)
        return;
    l = listener_of(conn);
    l->pinging = false;
    l->failures = 0;
    l->alive = elpq__now();
    elpq__listener_probe(&l->probe);
}

static void start_ping(elpq_listener *l)
{
    l->pinging = true;
    l->stats.pings++;
    elpq__timer_start(l->loop, &l->probe,
                      elpq__now() +
                          l->options.ping_timeout_ms * INT64_C(1000));
    if (!elpq__group_queue(l->conn, NULL, "", ELPQ_NO_TIMEOUT, on_ping))
        elpq__listener_lose(l, ELPQ_E_NOMEM, NULL);
}

/* It was silent, or asked and did not answer, or it is time to look again. */
void elpq__listener_probe(struct elpq__timer *timer)
{
    elpq_listener *l = elpq__container(timer, elpq_listener, probe);
    int64_t due = l->alive + l->options.ping_after_ms * INT64_C(1000);

    if (!l->up || l->options.ping_after_ms < 0)
        return;
    if (l->held) /* by us: nothing is read */
        due = elpq__now() + l->options.ping_after_ms * INT64_C(1000);
    if (due > elpq__now()) {
        l->pinging = l->pinging && !l->held;
        elpq__timer_start(l->loop, &l->probe, due);
    } else if (l->pinging) {
        elpq__listener_lose(l, ELPQ_E_TIMEOUT,
                            "the server gave no sign of life within "
                            "ping_timeout_ms: the connection was closed");
    } else {
        start_ping(l);
    }
}

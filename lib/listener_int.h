/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the three files of the listener share: listener.c, which its user
 * calls; listener_conn.c, which connects and listens; listener_queue.c, which
 * keeps and delivers.
 */
#ifndef ELPQ_LIB_LISTENER_INT_H
#define ELPQ_LIB_LISTENER_INT_H

#include "conn_int.h"
#include "elpq/listen.h"

#define ELPQ__CHANNEL_MAX 63    /* NAMEDATALEN - 1                         */
#define ELPQ__CHANNEL_BUCKETS 256

/* One callback of a channel. */
struct elpq__subscriber {
    struct elpq__node node;
    elpq_notification_cb call;
    void *arg;
    bool dead; /* removed while the channel's callbacks were called        */
};

enum elpq__item_kind {
    ELPQ__ITEM_NOTIFICATION,
    ELPQ__ITEM_UP,
    ELPQ__ITEM_GAP,
    ELPQ__ITEM_DOWN
};

/* One entry of the queue. */
struct elpq__item {
    struct elpq__node node;
    enum elpq__item_kind kind;
    struct elpq__channel *channel; /* NULL: DOWN of all                   */
    PGnotify *notification;        /* owned                               */
    size_t bytes;
};

/*
 * A channel lives while it has subscribers, a command on its way, or the
 * delivery works on it.  Each event has one entry at most, so that only
 * notifications need memory.
 */
struct elpq__channel {
    struct elpq__node node;      /* of its bucket                         */
    elpq_listener *listener;
    struct elpq__list subscribers;
    unsigned live;               /* subscribers that are not dead         */
    bool calling;                /* the delivery is in its callbacks      */
    unsigned keep;               /* the delivery works on it              */
    bool busy;                   /* a command is not yet answered         */
    bool listening;              /* it, or the last one, was LISTEN       */
    bool up;                     /* LISTEN is in place                    */
    bool promised;               /* it was up before, so that a GAP is due */
    struct elpq__item up_item;
    struct elpq__item gap_item;
    struct elpq__item down_item; /* the server refused it                 */
    elpq_error *refusal;
    char name[ELPQ__CHANNEL_MAX + 1];
};

struct elpq_listener {
    struct event_base *base;
    struct elpq__loop *loop;
    elpq_listener_options options;
    char *conninfo;
    char **params;
    elpq_listen_event_cb events;
    void *arg;
    struct elpq__list channels[ELPQ__CHANNEL_BUCKETS];
    elpq_listener_statistics stats; /* stats.channels and .queued included */

    /* listener_conn.c */
    elpq_conn *conn;             /* NULL: none, and the timer runs        */
    bool up;                     /* it is connected                       */
    bool pinging;
    int64_t alive;               /* last sign of life                     */
    struct elpq__timer connect;  /* the pause before the next attempt     */
    struct elpq__timer probe;
    unsigned failures;           /* pauses in a row                       */
    unsigned attempts;           /* connects in a row; see set_well()     */
    bool gave_up;
    uint64_t random;

    /* listener_queue.c */
    struct elpq__list queue;
    struct elpq__task deliver;
    bool paused;
    bool held;                   /* reading has stopped                   */
    bool waits;                  /* disconnected until it is resumed      */
    struct elpq__item down_item;
    elpq_error *down;            /* of down_item                          */
    bool down_told;              /* since it was up                       */
    bool down_final;

    /* listener.c */
    bool closing;
    struct elpq__task end;
    elpq_done_cb done;
    void *done_arg;
};

/* ------------------------------------------------------------ listener.c */

struct elpq__channel *elpq__channel_find(const elpq_listener *l,
                                         const char *name);
/* Frees a channel that nobody needs any more. */
void elpq__channel_settle(struct elpq__channel *channel);

/* ------------------------------------------------------- listener_conn.c */

/* Connects, unless there is a connection or a pause. */
void elpq__listener_connect(elpq_listener *l);
void elpq__listener_disconnect(elpq_listener *l);
/* The connection is given up for a reason. */
void elpq__listener_lose(elpq_listener *l, elpq_code code, const char *text);
/* The channel has its first subscriber, or no more: tells the server. */
void elpq__listener_sync(struct elpq__channel *channel);
void elpq__listener_due(struct elpq__timer *timer);
void elpq__listener_probe(struct elpq__timer *timer);

/* ------------------------------------------------------ listener_queue.c */

/* Takes a notification over. */
void elpq__listener_take(elpq_conn *conn, PGnotify *notification);
/* Puts an event into the queue. */
void elpq__listener_push_up(struct elpq__channel *channel);
void elpq__listener_push_gap(struct elpq__channel *channel);
void elpq__listener_push_down(elpq_listener *l, const elpq_error *error);
void elpq__listener_push_refusal(struct elpq__channel *channel,
                                 const elpq_error *error);
/* Forgets all that is queued of the channel. */
void elpq__listener_forget(struct elpq__channel *channel);
void elpq__listener_clear(elpq_listener *l);
void elpq__listener_deliver(struct elpq__task *task);

#endif

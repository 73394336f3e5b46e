/* SPDX-License-Identifier: PostgreSQL */
/*
 * The proxy and its connections: proxy.c owns the proxy, its rules and the
 * recording; link.c owns a connection (a link) with its two sockets; flow.c
 * what one direction of a link holds and passes on.
 *
 * A function that returns bool as "alive" has freed the link when it is
 * false.
 */
#ifndef ELPQ_TESTS_KIT_PROXY_INT_H
#define ELPQ_TESTS_KIT_PROXY_INT_H

#include "kit.h"

#define MARKS_MAX 64

/* Bytes up to here, counted from the first of the flow, may pass then. */
struct elpq__mark {
    uint64_t upto;
    int64_t due; /* microseconds, monotonic                                */
};

struct elpq__link;

struct elpq__flow {
    struct elpq__link *link;
    int way;
    uint8_t *data; /* read, and not passed on: max_buffered                */
    size_t have;
    uint64_t read;
    struct elpq__mark marks[MARKS_MAX]; /* times ascend                    */
    unsigned nmarks;
    struct elpq__frames frames; /* what was passed on                      */
    struct elpq__rule *rules;   /* with a place that is still to come      */
    uint8_t *forged; /* comes next between two messages, or NULL          */
    size_t forged_size, forged_sent;
    struct event *timer;
    uint64_t delay_ms, rate, split, coalesce_ms; /* 0: not                 */
    int64_t rate_next; /* when the next byte may go                        */
    bool paused;
    bool eof;   /* the sender has ended                                    */
    bool ended; /* and the receiver knows                                  */
};

struct elpq__link {
    elpq_faultproxy *proxy;
    uint64_t session; /* 0: unknown yet, or a cancel connection            */
    bool known;       /* which it is: its rules are in the flows           */
    bool discard;     /* stalled, or cut: what is read is thrown away      */
    bool recorded;
    int fd[ELPQ__WAYS]; /* of the client, of the server; -1: closed        */
    struct event *readable[ELPQ__WAYS];
    struct event *writable[ELPQ__WAYS];
    struct elpq__flow flows[ELPQ__WAYS];
    struct elpq__link *next;
};

struct elpq_faultproxy {
    struct event_base *base;
    elpq_faultproxy_options options; /* listen_dir is owned, and so on     */
    int listener;
    struct event *acceptable;
    struct event *again; /* accepts again, after there were no descriptors */
    struct elpq__link *links;
    struct elpq__rule *rules; /* in order                                  */
    uint64_t random;
    elpq_faultproxy_stats stats;
    bool record_next;
    bool record_failed;
    char *recording;
    size_t recording_size;
    size_t recording_room;
};

/* proxy.c */
void elpq__proxy_gone(struct elpq__link *link); /* frees it at last        */
bool elpq__proxy_know(struct elpq__link *link, bool cancel); /* alive      */
void elpq__proxy_record(elpq_faultproxy *proxy, const char *text,
                        const uint8_t *bytes, size_t size);

/* link.c */
struct elpq__link *elpq__link_new(elpq_faultproxy *proxy, int client,
                                  int server);
void elpq__link_free(struct elpq__link *link, bool reset);
bool elpq__link_cut(struct elpq__link *link, enum elpq__action how);
void elpq__link_read(struct elpq__link *link, int way, bool on);

/* flow.c */
int64_t elpq__kit_now(void);
bool elpq__flow_run(struct elpq__flow *flow);      /* passes on; alive      */
void elpq__flow_arrived(struct elpq__flow *flow, size_t size);
bool elpq__flow_apply(struct elpq__flow *flow, const struct elpq__rule *rule);
bool elpq__flow_add_rule(struct elpq__flow *flow,
                         const struct elpq__rule *rule); /* false: memory   */
/* Takes the bytes; false: those before are still under way. */
bool elpq__flow_forge(struct elpq__flow *flow, uint8_t *bytes, size_t size);
void elpq__flow_clear(struct elpq__flow *flow);

#endif

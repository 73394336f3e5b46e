/* SPDX-License-Identifier: PostgreSQL */
/*
 * The proxy: listens, makes links, keeps rules, statistics and the recording.
 * The interface is described in elpq/testkit.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy_int.h"

#define ACCEPTS_MAX 64 /* in a turn of the loop */
#define AGAIN_USEC 10000

/* -------------------------------------------------------------- recording */

static bool make_room(elpq_faultproxy *p, size_t more)
{
    size_t need = p->recording_size + more + 1;
    size_t room = p->recording_room ? p->recording_room : 4096;
    char *bigger;

    while (room < need)
        room *= 2;
    if (need > p->options.max_recorded)
        return false;
    if (room == p->recording_room)
        return true;
    bigger = realloc(p->recording, room);
    if (!bigger)
        return false;
    p->recording = bigger;
    p->recording_room = room;
    return true;
}

void elpq__proxy_record(elpq_faultproxy *p, const char *text,
                        const uint8_t *bytes, size_t size)
{
    size_t length = strlen(text);
    char *to;

    if (p->record_failed || !make_room(p, length + 2 * size + 1)) {
        p->record_failed = true;
        return;
    }
    to = p->recording + p->recording_size;
    memcpy(to, text, length);
    to += length;
    for (size_t i = 0; i < size; i++)
        to += sprintf(to, "%02x", bytes[i]);
    if (size)
        *to++ = '\n';
    *to = '\0';
    p->recording_size = (size_t)(to - p->recording);
}

void elpq_faultproxy_record(elpq_faultproxy *p)
{
    for (struct elpq__link *link = p->links; link; link = link->next)
        link->recorded = false;
    p->record_next = true;
    p->record_failed = false;
    p->recording_size = 0;
}

const char *elpq_faultproxy_recording(const elpq_faultproxy *p)
{
    if (p->record_failed)
        return NULL;
    return p->recording_size ? p->recording : "";
}

/* ------------------------------------------------------------------ links */

void elpq__proxy_gone(struct elpq__link *link)
{
    struct elpq__link **at = &link->proxy->links;

    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    link->proxy->stats.open--;
    free(link);
}

/* The rules with a place wait for it in the flows, the others begin. */
static bool give_rule(struct elpq__link *link, const struct elpq__rule *rule)
{
    struct elpq__flow *flow = &link->flows[rule->way];

    if (rule->action == ELPQ__REFUSE)
        link->proxy->stats.refused++;
    if (rule->place == ELPQ__NOWHERE)
        return elpq__flow_apply(flow, rule);
    if (elpq__flow_add_rule(flow, rule))
        return true;
    elpq__link_free(link, true);
    return false;
}

bool elpq__proxy_know(struct elpq__link *link, bool cancel)
{
    elpq_faultproxy *p = link->proxy;
    const struct elpq__rule *rule;

    link->known = true;
    if (cancel) {
        p->stats.cancels++;
    } else {
        link->session = ++p->stats.sessions;
        link->recorded = p->record_next;
        p->record_next = false;
    }
    for (rule = p->rules; rule; rule = rule->next)
        if (elpq__rule_matches(rule, link->session) && !give_rule(link, rule))
            return false;
    return true;
}

/* Refused before anything is known of it. */
static bool refuses_all(const elpq_faultproxy *p)
{
    const struct elpq__rule *rule;

    if (p->stats.open >= p->options.max_sessions)
        return true;
    for (rule = p->rules; rule; rule = rule->next)
        if (rule->action == ELPQ__REFUSE && !rule->session && !rule->cancel)
            return true;
    return false;
}

static void take(elpq_faultproxy *p, int client)
{
    int server;

    if (refuses_all(p)) {
        p->stats.refused++;
        close(client);
        return;
    }
    server = elpq__kit_connect(p->options.upstream_host,
                               p->options.upstream_port);
    if (server < 0)
        elpq__kit_reset(client);
    else
        elpq__link_new(p, client, server);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval soon = { 0, AGAIN_USEC };
    elpq_faultproxy *p = arg;

    (void)what;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int client = elpq__kit_accept((int)fd);

        if (client >= 0) {
            take(p, client);
        } else {
            /* Without descriptors it would be acceptable for ever. */
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
                event_del(p->acceptable);
                evtimer_add(p->again, &soon);
            }
            return;
        }
    }
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_add(((elpq_faultproxy *)arg)->acceptable, NULL);
}

/* ------------------------------------------------------------------ rules */

/* What is done at once, to the connections that are open, and forgotten. */
static bool is_for_now(const struct elpq__rule *rule)
{
    return rule->place == ELPQ__NOWHERE && rule->action >= ELPQ__PAUSE &&
           rule->action <= ELPQ__CUT_STALL;
}

static void do_now(elpq_faultproxy *p, const struct elpq__rule *rule)
{
    struct elpq__link *link = p->links, *next;

    for (; link; link = next) {
        next = link->next;
        if (link->known && elpq__rule_matches(rule, link->session))
            elpq__flow_apply(&link->flows[rule->way], rule);
    }
}

static struct elpq__link *find_session(const elpq_faultproxy *p,
                                       uint64_t session)
{
    struct elpq__link *link = p->links;

    while (link && (!link->known || link->session != session))
        link = link->next;
    return link;
}

/* The session that a rule names may be open already. */
static void give_to_open(elpq_faultproxy *p, const struct elpq__rule *rule)
{
    struct elpq__link *link = find_session(p, rule->session);

    if (rule->session && link)
        give_rule(link, rule);
}

bool elpq_faultproxy_forge(elpq_faultproxy *p, uint64_t session,
                           const void *bytes, size_t size)
{
    struct elpq__link *link = session ? find_session(p, session) : NULL;
    uint8_t *copy = link && !link->discard ? malloc(size + 1) : NULL;

    if (!copy)
        return false;
    memcpy(copy, bytes, size);
    if (!elpq__flow_forge(&link->flows[ELPQ__FROM_SERVER], copy, size)) {
        free(copy);
        return false;
    }
    elpq__flow_run(&link->flows[ELPQ__FROM_SERVER]);
    return true;
}

const char *elpq_faultproxy_rule(elpq_faultproxy *p, const char *text)
{
    struct elpq__rule rule, *copy, **end = &p->rules;
    const char *wrong = elpq__rule_parse(text, &p->random, &rule);

    if (wrong)
        return wrong;
    if (is_for_now(&rule)) {
        do_now(p, &rule);
        return NULL;
    }
    copy = malloc(sizeof(*copy));
    if (!copy)
        return "out of memory";
    *copy = rule;
    while (*end)
        end = &(*end)->next;
    *end = copy;
    give_to_open(p, &rule);
    return NULL;
}

void elpq_faultproxy_reset(elpq_faultproxy *p)
{
    struct elpq__rule *rule;

    while ((rule = p->rules)) {
        p->rules = rule->next;
        free(rule);
    }
}

/* -------------------------------------------------------------- the whole */

static bool set_options(elpq_faultproxy *p, const elpq_faultproxy_options *o)
{
    elpq_faultproxy_options *own = &p->options;
    const char *host = o->upstream_host ? o->upstream_host : "127.0.0.1";

    *own = *o;
    own->listen_dir = o->listen_dir ? strdup(o->listen_dir) : NULL;
    own->upstream_host = strdup(host);
    own->upstream_port = o->upstream_port ? o->upstream_port : 5432;
    own->max_buffered = o->max_buffered ? o->max_buffered : 65536;
    own->max_sessions = o->max_sessions ? o->max_sessions : 1000;
    own->max_recorded = o->max_recorded ? o->max_recorded : 1 << 20;
    p->random = o->seed * 0x9E3779B97F4A7C15u + 1;
    return own->upstream_host && (!o->listen_dir || own->listen_dir);
}

elpq_faultproxy *elpq_faultproxy_new(struct event_base *base,
                                     const elpq_faultproxy_options *options)
{
    static const elpq_faultproxy_options defaults;
    elpq_faultproxy *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->base = base;
    p->listener = -1;
    if (!set_options(p, options ? options : &defaults))
        goto failed;
    p->listener =
        elpq__kit_listen(p->options.listen_dir, &p->options.listen_port);
    if (p->listener < 0)
        goto failed;
    p->acceptable = event_new(base, p->listener, EV_READ | EV_PERSIST,
                              on_acceptable, p);
    p->again = evtimer_new(base, on_again, p);
    if (p->acceptable && p->again && event_add(p->acceptable, NULL) == 0)
        return p;
failed:
    elpq_faultproxy_free(p);
    return NULL;
}

static void stop_listening(elpq_faultproxy *p)
{
    char path[108];

    if (p->listener < 0)
        return;
    close(p->listener);
    if (p->options.listen_dir &&
        elpq__kit_socket_path(p->options.listen_dir, p->options.listen_port,
                              path, sizeof(path)))
        unlink(path);
}

void elpq_faultproxy_free(elpq_faultproxy *p)
{
    int error = errno; /* of why it cannot be had */

    if (!p)
        return;
    while (p->links)
        elpq__link_free(p->links, false);
    elpq_faultproxy_reset(p);
    if (p->acceptable)
        event_free(p->acceptable);
    if (p->again)
        event_free(p->again);
    stop_listening(p);
    free(p->recording);
    free((char *)p->options.listen_dir);
    free((char *)p->options.upstream_host);
    free(p);
    errno = error;
}

int elpq_faultproxy_port(const elpq_faultproxy *p)
{
    return p->options.listen_port;
}

void elpq_faultproxy_statistics(const elpq_faultproxy *p,
                                elpq_faultproxy_stats *stats)
{
    const struct elpq__link *link;

    *stats = p->stats;
    for (link = p->links; link; link = link->next)
        for (int way = 0; way < ELPQ__WAYS; way++)
            stats->paused += link->flows[way].paused;
}

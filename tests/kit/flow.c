/* SPDX-License-Identifier: PostgreSQL */
/*
 * One direction of a connection through the proxy: what was read waits here
 * until it is due, and passes up to the next place where a rule takes effect.
 *
 * Invariants: `frames` has seen exactly what was passed on; a rule in `rules`
 * has its place ahead, and is freed when it takes effect.  Called by link.c
 * and proxy.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "proxy_int.h"

int64_t elpq__kit_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ------------------------------------------------------------------- time */

static void mark_all(struct elpq__flow *f, int64_t due)
{
    f->nmarks = 1;
    f->marks[0].upto = f->read;
    f->marks[0].due = due;
}

void elpq__flow_arrived(struct elpq__flow *f, size_t size)
{
    int64_t now = elpq__kit_now();
    struct elpq__mark *last = f->nmarks ? &f->marks[f->nmarks - 1] : NULL;

    f->have += size;
    f->read += size;
    if (f->delay_ms && (!last || f->nmarks < MARKS_MAX)) {
        f->marks[f->nmarks].upto = f->read;
        f->marks[f->nmarks++].due = now + (int64_t)f->delay_ms * 1000;
    } else if (last) {
        last->upto = f->read;
        if (f->delay_ms)
            last->due = now + (int64_t)f->delay_ms * 1000;
    } else if (f->coalesce_ms) {
        mark_all(f, now + (int64_t)f->coalesce_ms * 1000);
    }
}

/* How much may pass now; *due: when more may, if there is more. */
static size_t ripe(struct elpq__flow *f, int64_t now, int64_t *due)
{
    uint64_t passed = f->read - f->have, upto = passed;
    unsigned old = 0;

    while (old < f->nmarks && f->marks[old].due <= now)
        upto = f->marks[old++].upto;
    f->nmarks -= old;
    memmove(f->marks, f->marks + old, f->nmarks * sizeof(*f->marks));
    if (f->nmarks == 0)
        return f->have;
    *due = f->marks[0].due;
    /* What is ripe and stays must not wait for the next mark. */
    if (upto > passed && f->nmarks < MARKS_MAX) {
        memmove(f->marks + 1, f->marks, f->nmarks * sizeof(*f->marks));
        f->nmarks++;
        f->marks[0].upto = upto;
        f->marks[0].due = now;
    }
    return (size_t)(upto - passed);
}

static void wait_until(struct elpq__flow *f, int64_t due)
{
    int64_t usec = due - elpq__kit_now();
    struct timeval tv = { 0, 0 };

    if (usec > 0) {
        tv.tv_sec = usec / 1000000;
        tv.tv_usec = usec % 1000000;
    }
    evtimer_add(f->timer, &tv);
}

/* ------------------------------------------------------------------ rules */

/* What a place of this kind has counted up to here. */
static uint64_t counted(const struct elpq__frames *f,
                        const struct elpq__rule *rule)
{
    if (rule->place == ELPQ__AT_BYTE)
        return f->bytes;
    return rule->type ? f->begun_of[(uint8_t)rule->type] : f->begun;
}

bool elpq__flow_add_rule(struct elpq__flow *f, const struct elpq__rule *rule)
{
    struct elpq__rule *copy = malloc(sizeof(*copy));
    struct elpq__rule **end = &f->rules;

    if (!copy)
        return false;
    *copy = *rule;
    copy->next = NULL;
    if (rule->ahead)
        copy->at += counted(&f->frames, rule);
    while (*end)
        end = &(*end)->next;
    *end = copy;
    return true;
}

void elpq__flow_clear(struct elpq__flow *f)
{
    struct elpq__rule *rule;

    while ((rule = f->rules)) {
        f->rules = rule->next;
        free(rule);
    }
    free(f->forged);
    f->forged = NULL;
}

static void drop_pauses(struct elpq__flow *f)
{
    struct elpq__rule **at = &f->rules, *rule;

    while ((rule = *at)) {
        if (rule->action != ELPQ__PAUSE) {
            at = &rule->next;
            continue;
        }
        *at = rule->next;
        free(rule);
    }
}

/* From here on; false if the link is gone. */
bool elpq__flow_apply(struct elpq__flow *f, const struct elpq__rule *rule)
{
    int64_t later = elpq__kit_now() + (int64_t)rule->value * 1000;

    switch (rule->action) {
    case ELPQ__DELAY:
        f->delay_ms = rule->value;
        if (f->have)
            mark_all(f, later);
        return true;
    case ELPQ__COALESCE:
        f->coalesce_ms = rule->value;
        if (f->have)
            mark_all(f, later);
        return true;
    case ELPQ__RATE:
        f->rate = rule->value;
        return true;
    case ELPQ__SPLIT:
        f->split = rule->value;
        return true;
    case ELPQ__PAUSE:
        f->paused = true;
        return true;
    case ELPQ__RESUME:
        drop_pauses(f);
        f->paused = false;
        return elpq__flow_run(f);
    case ELPQ__FLIP:
        f->data[0] ^= (uint8_t)rule->value;
        return true;
    case ELPQ__REFUSE:
        elpq__link_free(f->link, false);
        return false;
    default:
        return elpq__link_cut(f->link, rule->action);
    }
}

/* The rule that takes effect in front of the next byte, taken out. */
static struct elpq__rule *take_rule(struct elpq__flow *f)
{
    struct elpq__rule **at = &f->rules, *rule;

    while ((rule = *at)) {
        if (elpq__rule_is_here(rule, &f->frames, f->data[0])) {
            *at = rule->next;
            return rule;
        }
        at = &rule->next;
    }
    return NULL;
}

/* Bytes from here to the next byte that a rule names, at most `most`. */
static size_t to_byte_rule(const struct elpq__flow *f, uint64_t bytes,
                           size_t most)
{
    const struct elpq__rule *rule;

    for (rule = f->rules; rule; rule = rule->next)
        if (rule->place == ELPQ__AT_BYTE && rule->at > bytes + 1 &&
            rule->at - bytes - 1 < most)
            most = (size_t)(rule->at - bytes - 1);
    return most;
}

/* How many of the n bytes pass before a rule takes effect. */
static size_t to_rule(const struct elpq__flow *f, size_t n)
{
    struct elpq__frames ahead = f->frames;
    const struct elpq__rule *rule;
    size_t at = 0;
    bool ended;

    if (!f->rules && !f->forged)
        return n;
    while (at < n) {
        if (f->forged && at > 0 && elpq__frames_at_start(&ahead))
            return at;
        for (rule = f->rules; rule; rule = rule->next)
            if (elpq__rule_is_here(rule, &ahead, f->data[at]))
                return at;
        at += elpq__frames_take(&ahead, f->data + at,
                                to_byte_rule(f, ahead.bytes, n - at), &ended);
    }
    return n;
}

/* ------------------------------------------------------------- passing on */

/* The answer to an SSLRequest: what follows is encrypted, or is not. */
static void answered(struct elpq__link *link, uint8_t byte)
{
    if (byte != 'S' && byte != 'G')
        return;
    link->flows[ELPQ__FROM_CLIENT].frames.opaque = true;
    link->flows[ELPQ__FROM_SERVER].frames.opaque = true;
}

static void client_message(struct elpq__flow *f, bool startup)
{
    struct elpq__link *link = f->link;
    char line[16] = "expect ?\n";
    bool asks = startup && f->frames.startup;

    link->proxy->stats.client_messages++;
    if (asks)
        link->flows[ELPQ__FROM_SERVER].frames.byte = true;
    if (!link->recorded || asks)
        return;
    line[7] = f->frames.type;
    elpq__proxy_record(link->proxy, startup ? "startup\n" : line, NULL, 0);
}

/* n bytes have gone. */
static void passed(struct elpq__flow *f, size_t n)
{
    struct elpq__link *link = f->link;
    bool answer = f->frames.byte;
    size_t at = 0;

    if (link->recorded && f->way == ELPQ__FROM_SERVER && n > answer)
        elpq__proxy_record(link->proxy, "send raw hex ", f->data + answer,
                           n - answer);
    while (at < n) {
        bool ended, startup = f->frames.startup, byte = f->frames.byte;
        uint8_t first = f->data[at];

        at += elpq__frames_take(&f->frames, f->data + at, n - at, &ended);
        if (byte)
            answered(link, first);
        if (ended && f->way == ELPQ__FROM_CLIENT)
            client_message(f, startup);
        else if (ended)
            link->proxy->stats.server_messages++;
    }
    f->have -= n;
    memmove(f->data, f->data + n, f->have);
}

/*
 * The first packet tells a session from a cancel request.  False if the link
 * is gone; *more: it has not come as far.
 */
static bool look(struct elpq__flow *f, bool *more)
{
    struct elpq__frames ahead = f->frames;
    size_t at = 0;
    bool ended = false;

    *more = false;
    if (ahead.opaque)
        return elpq__proxy_know(f->link, false);
    while (at < f->have && ahead.have < 8 && !ahead.opaque && !ended)
        at += elpq__frames_take(&ahead, f->data + at, f->have - at, &ended);
    if (!ahead.opaque && !ended && ahead.have < 8) {
        *more = !f->eof;
        return true;
    }
    if (ahead.code == KIT_SSL || ahead.code == KIT_GSS)
        return true;
    return elpq__proxy_know(f->link, ahead.code == KIT_CANCEL);
}

/* Everything of the sender has been passed on. */
static bool end_of_flow(struct elpq__flow *f)
{
    struct elpq__link *link = f->link;

    if (!f->eof || f->ended)
        return true;
    f->ended = true;
    shutdown(link->fd[1 - f->way], SHUT_WR);
    if (!link->flows[1 - f->way].ended)
        return true;
    elpq__link_free(link, false);
    return false;
}

/* Whether what was forged has its place here. */
static bool forges(const struct elpq__flow *f)
{
    return f->forged &&
           (elpq__frames_at_start(&f->frames) || f->frames.opaque);
}

/* Sends what was forged; *again: all of it.  False if the link is gone. */
static bool pass_forged(struct elpq__flow *f, bool *again)
{
    struct elpq__link *link = f->link;
    ssize_t sent = send(link->fd[1 - f->way], f->forged + f->forged_sent,
                        f->forged_size - f->forged_sent, MSG_NOSIGNAL);

    *again = false;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        elpq__link_free(link, true);
        return false;
    }
    f->forged_sent += sent > 0 ? (size_t)sent : 0;
    if (f->forged_sent < f->forged_size) {
        event_add(link->writable[1 - f->way], NULL);
        return true;
    }
    free(f->forged);
    f->forged = NULL;
    *again = true;
    return true;
}

bool elpq__flow_forge(struct elpq__flow *f, uint8_t *bytes, size_t size)
{
    if (f->forged)
        return false;
    f->forged = bytes;
    f->forged_size = size;
    f->forged_sent = 0;
    return true;
}

/* Passes on a piece; *again: and more may follow at once. */
static bool pass(struct elpq__flow *f, bool *again)
{
    struct elpq__link *link = f->link;
    int64_t now = elpq__kit_now(), due = 0;
    size_t n = ripe(f, now, &due);
    struct elpq__rule *rule;
    ssize_t sent;

    *again = false;
    if (n == 0 || (f->rate && now < f->rate_next)) {
        wait_until(f, n == 0 ? due : f->rate_next);
        return true;
    }
    rule = take_rule(f);
    if (rule) {
        bool alive = elpq__flow_apply(f, rule);

        free(rule);
        *again = true;
        return alive;
    }
    if (f->split && n > f->split)
        n = (size_t)f->split;
    if (f->rate && n > f->rate / 100 + 1)
        n = (size_t)f->rate / 100 + 1;
    n = to_rule(f, n);
    sent = send(link->fd[1 - f->way], f->data, n, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        event_add(link->writable[1 - f->way], NULL);
        return true;
    }
    if (sent < 0) {
        elpq__link_free(link, true);
        return false;
    }
    passed(f, (size_t)sent);
    if (f->rate)
        f->rate_next = now + sent * 1000000 / (int64_t)f->rate;
    *again = !f->split && !f->rate;
    if (!*again)
        wait_until(f, f->rate ? f->rate_next : now);
    return true;
}

bool elpq__flow_run(struct elpq__flow *f)
{
    struct elpq__link *link = f->link;
    bool again = true, more = false;

    while (again && !f->paused && !link->discard) {
        if (forges(f)) {
            if (!pass_forged(f, &again))
                return false;
            continue;
        }
        if (f->have == 0) {
            if (!end_of_flow(f))
                return false;
            break;
        }
        if (!link->known && f->way == ELPQ__FROM_CLIENT) {
            if (!look(f, &more))
                return false;
            if (more)
                break;
            if (f->paused || link->discard)
                break;
        }
        if (!pass(f, &again))
            return false;
    }
    if (!link->discard)
        elpq__link_read(link, f->way, true);
    return true;
}

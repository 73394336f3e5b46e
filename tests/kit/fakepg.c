/* SPDX-License-Identifier: PostgreSQL */
/*
 * A server that follows a script: each connection (a guest) has its place in
 * a section, and goes on when the step there can be done.
 *
 * Invariants: what a guest reads is in `in` until a step takes it, a message
 * at a time; what it is sent goes through `out`, so that closing comes after
 * it.  A guest is freed in run() and in elpq_fakepg_free() only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script.h"

#define MESSAGE_MAX (1u << 20)
#define NONCE_MAX 100

enum phase {
    PLAYING,
    DEAF,    /* what is read is thrown away                                */
    CLOSING, /* the same, and it is told the end when all was sent         */
    RESETTING,
    OVER     /* to be freed                                                */
};

struct guest {
    elpq_fakepg *server;
    int fd;
    struct event *readable, *writable;
    struct evbuffer *in, *out;
    const struct elpq__section *section; /* NULL: its first packet is due   */
    size_t step;
    uint64_t served; /* by the step that serves                            */
    struct elpq__echo echo;
    enum phase phase;
    bool eof;
    bool told_end;
    bool cancels;
    char nonce[NONCE_MAX];
    struct guest *next;
};

struct elpq_fakepg {
    struct event_base *base;
    int listener;
    int port;
    struct event *acceptable;
    struct elpq__script script;
    struct guest *guests;
    unsigned connections;
    unsigned sessions;
    unsigned notes;
    unsigned canceled; /* cancel sections that have ended                  */
    unsigned awaited;  /* of them, waited for                              */
    char complaint[200];
};

/* --------------------------------------------------------------- messages */

static uint32_t word_at(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof(word));
    return ntohl(word);
}

static void complain(struct guest *g, const char *what, char type)
{
    elpq_fakepg *s = g->server;
    const struct elpq__section *section = g->section;
    unsigned line = section && g->step < section->count
                        ? section->steps[g->step].line
                        : 0;

    if (!s->complaint[0])
        snprintf(s->complaint, sizeof(s->complaint), "line %u: %s%c", line,
                 what, type);
    g->phase = RESETTING;
}

/* The message that is there: its header and body in one piece, or NULL; a
 * startup packet has no type. */
static const uint8_t *message(struct guest *g, bool typed, size_t *size)
{
    size_t head = typed ? 5 : 4, have = evbuffer_get_length(g->in);
    const uint8_t *data;
    uint32_t length;

    if (have < head)
        return NULL;
    data = evbuffer_pullup(g->in, (ssize_t)head);
    length = data ? word_at(data + head - 4) : 0;
    if (!data || length < 4 || length > MESSAGE_MAX) {
        complain(g, "a message without a length", ' ');
        return NULL;
    }
    *size = head - 4 + length;
    return have < *size ? NULL : evbuffer_pullup(g->in, (ssize_t)*size);
}

static void say(struct guest *g, char type, const void *body, size_t size)
{
    uint8_t head[5];

    elpq__script_header(head, type, size);
    evbuffer_add(g->out, head, sizeof(head));
    evbuffer_add(g->out, body, size);
}

/* What the client sent after "r=", to be sent back. */
static void keep_nonce(struct guest *g, const uint8_t *data, size_t size)
{
    const uint8_t *at = memmem(data, size, ",r=", 3);
    size_t n = 0;

    if (!at)
        return;
    for (at += 3; at + n < data + size && n < NONCE_MAX - 1; n++)
        g->nonce[n] = (char)at[n];
    g->nonce[n] = '\0';
}

/* One column, a text. */
static void describe_echo(struct guest *g)
{
    static const uint8_t text[] = "\0\1x\0\0\0\0\0\0\0\0\0\0\31\377\377"
                                  "\377\377\377\377\0";
    uint8_t body[sizeof(text)];

    memcpy(body, text, sizeof(text));
    body[sizeof(body) - 1] = g->echo.binary;
    say(g, 'T', body, sizeof(body));
}

static void send_echo(struct guest *g)
{
    uint8_t body[6 + KIT_ECHO_MAX] = { 0, 1 };
    uint32_t length = htonl((uint32_t)g->echo.size);

    memcpy(body + 2, &length, sizeof(length));
    memcpy(body + 6, g->echo.text, g->echo.size);
    say(g, 'D', body, 6 + g->echo.size);
}

/* Of a statement with a parameter, where the script says so. */
static void answer_echo(struct guest *g, const uint8_t *data, size_t size)
{
    if (data[0] == 'D' && size > 5 && data[5] == 'S') {
        g->echo.binary = false;
        say(g, 't', "\0\1\0\0\0\31", 6);
    }
    if (data[0] == 'D') {
        describe_echo(g);
    } else {
        send_echo(g);
        say(g, 'C', "SELECT 1", 9);
    }
}

/* As a server answers where every query is empty. */
static void answer(struct guest *g, const uint8_t *data, size_t size)
{
    switch (data[0]) {
    case 'P':
        elpq__echo_parse(&g->echo, data, size);
        say(g, '1', "", 0);
        break;
    case 'B':
        elpq__echo_bind(&g->echo, data, size);
        say(g, '2', "", 0);
        break;
    case 'C':
        say(g, '3', "", 0);
        break;
    case 'D':
        if (size > 5 && data[5] == 'S')
            say(g, 't', "\0\0", 2);
        say(g, 'n', "", 0);
        break;
    case 'Q':
    case 'E':
        say(g, 'C', "SELECT 0", 9);
        break;
    default:
        break;
    }
    if (data[0] == 'Q' || data[0] == 'S') {
        say(g, 'Z', "I", 1);
        g->served++;
    }
}

/* ------------------------------------------------------------------ steps */

/* Each is true when it is done, false when it has to wait. */

static bool do_startup(struct guest *g)
{
    size_t size;

    if (!message(g, false, &size))
        return false;
    evbuffer_drain(g->in, size);
    return true;
}

static bool do_expect(struct guest *g, const struct elpq__step *step)
{
    size_t size;
    const uint8_t *data = message(g, true, &size);

    if (!data)
        return false;
    if (data[0] != (uint8_t)step->type ||
        (step->size &&
         !memmem(data + 5, size - 5, step->bytes, step->size))) {
        complain(g, "unexpected message ", (char)data[0]);
        return false;
    }
    if (data[0] == 'p')
        keep_nonce(g, data, size);
    evbuffer_drain(g->in, size);
    return true;
}

static bool do_until(struct guest *g, const struct elpq__step *step)
{
    const uint8_t *data;
    size_t size;
    bool found;

    while ((data = message(g, true, &size))) {
        found = data[0] == (uint8_t)step->type;
        evbuffer_drain(g->in, size);
        if (found)
            return true;
    }
    return false;
}

static bool do_serve(struct guest *g, const struct elpq__step *step)
{
    const uint8_t *data;
    size_t size;

    while ((data = message(g, true, &size))) {
        if (step->op == ELPQ__ECHO && g->echo.wanted &&
            (data[0] == 'D' || data[0] == 'E'))
            answer_echo(g, data, size);
        else
            answer(g, data, size);
        evbuffer_drain(g->in, size);
        if (step->number && g->served == step->number) {
            g->served = 0;
            return true;
        }
    }
    return false;
}

static bool do_send(struct guest *g, const struct elpq__step *step)
{
    size_t nonce = step->nonce == KIT_NO_NONCE ? 0 : strlen(g->nonce);
    size_t before = nonce ? step->nonce : step->size;
    uint8_t head[5];

    elpq__script_header(head, step->type,
                        step->lies ? step->number - 4 : step->size + nonce);
    if (step->type)
        evbuffer_add(g->out, head, sizeof(head));
    evbuffer_add(g->out, step->bytes, before);
    evbuffer_add(g->out, g->nonce, nonce);
    evbuffer_add(g->out, step->bytes + before, step->size - before);
    return true;
}

static bool do_await(struct guest *g)
{
    elpq_fakepg *s = g->server;

    if (s->canceled == s->awaited)
        return false;
    s->awaited++;
    return true;
}

static bool do_end(struct guest *g, enum phase phase)
{
    g->phase = phase;
    return true;
}

static bool do_step(struct guest *g, const struct elpq__step *step)
{
    switch (step->op) {
    case ELPQ__STARTUP:
        return do_startup(g);
    case ELPQ__EXPECT:
        return do_expect(g, step);
    case ELPQ__UNTIL:
        return do_until(g, step);
    case ELPQ__SEND:
        return do_send(g, step);
    case ELPQ__SERVE:
    case ELPQ__ECHO:
        return do_serve(g, step);
    case ELPQ__NOTE:
        g->server->notes++;
        return true;
    case ELPQ__AWAIT:
        return do_await(g);
    case ELPQ__STALL:
        return do_end(g, DEAF);
    case ELPQ__CLOSE:
        return do_end(g, CLOSING);
    default:
        return do_end(g, RESETTING);
    }
}

/* The first packet says what is to be played. */
static void choose(struct guest *g)
{
    elpq_fakepg *s = g->server;
    const uint8_t *data;
    size_t size, n;
    uint32_t code;

    while ((data = message(g, false, &size))) {
        code = size >= 8 ? word_at(data + 4) : 0;
        if (code == KIT_SSL || code == KIT_GSS) {
            evbuffer_drain(g->in, size);
            evbuffer_add(g->out, "N", 1);
            continue;
        }
        if (code == KIT_CANCEL) {
            evbuffer_drain(g->in, size);
            g->cancels = true;
            g->section = &s->script.cancel;
            return;
        }
        n = s->sessions++;
        if (s->script.nsessions == 0)
            g->phase = RESETTING;
        else if (n < s->script.nsessions)
            g->section = &s->script.sessions[n];
        else
            g->section = &s->script.sessions[s->script.nsessions - 1];
        return;
    }
}

/* ----------------------------------------------------------------- guests */

static void guest_free(struct guest *g)
{
    struct guest **at = &g->server->guests;

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    if (g->readable)
        event_free(g->readable);
    if (g->writable)
        event_free(g->writable);
    if (g->in)
        evbuffer_free(g->in);
    if (g->out)
        evbuffer_free(g->out);
    if (g->fd >= 0)
        close(g->fd);
    free(g);
}

static void play(struct guest *g)
{
    if (!g->section)
        choose(g);
    while (g->section && g->phase == PLAYING) {
        if (g->step == g->section->count) {
            g->phase = g->cancels ? CLOSING : DEAF;
            return;
        }
        if (!do_step(g, &g->section->steps[g->step]))
            return;
        g->step++;
    }
}

/* Sends what there is, and then comes what the phase says. */
static void flush(struct guest *g)
{
    while (evbuffer_get_length(g->out) > 0) {
        if (evbuffer_write(g->out, g->fd) < 0) {
            if (errno == EAGAIN)
                event_add(g->writable, NULL);
            else
                g->phase = OVER;
            return;
        }
    }
    if (g->phase == RESETTING) {
        event_free(g->readable);
        event_free(g->writable);
        g->readable = g->writable = NULL;
        elpq__kit_reset(g->fd);
        g->fd = -1;
        g->phase = OVER;
    } else if (g->phase == CLOSING && !g->told_end) {
        shutdown(g->fd, SHUT_WR);
        g->told_end = true;
    }
}

static void run(struct guest *g)
{
    elpq_fakepg *s = g->server;
    bool played = g->phase == PLAYING;

    if (g->phase == PLAYING)
        play(g);
    if (g->phase != PLAYING)
        evbuffer_drain(g->in, evbuffer_get_length(g->in));
    flush(g);
    if (g->cancels && played && g->phase != PLAYING)
        s->canceled++;
    if (g->eof || g->phase == OVER)
        guest_free(g);
}

/* Who waits for a cancel may go on; none of them is freed by another. */
static void run_all(elpq_fakepg *s)
{
    struct guest *g, *next;

    for (g = s->guests; g && s->canceled > s->awaited; g = next) {
        next = g->next;
        if (g->phase == PLAYING && g->section && !g->cancels)
            run(g);
    }
}

static void on_guest(evutil_socket_t fd, short what, void *arg)
{
    struct guest *g = arg;
    elpq_fakepg *s = g->server;
    int n = 1;

    if (what & EV_READ) {
        n = evbuffer_read(g->in, (int)fd, 65536);
        g->eof = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    }
    run(g);
    run_all(s);
}

static void welcome_guest(elpq_fakepg *s, int fd)
{
    struct guest *g = calloc(1, sizeof(*g));

    s->connections++;
    if (!g) {
        close(fd);
        return;
    }
    g->server = s;
    g->fd = fd;
    g->next = s->guests;
    s->guests = g;
    g->in = evbuffer_new();
    g->out = evbuffer_new();
    g->readable = event_new(s->base, fd, EV_READ | EV_PERSIST, on_guest, g);
    g->writable = event_new(s->base, fd, EV_WRITE, on_guest, g);
    if (!g->in || !g->out || !g->readable || !g->writable ||
        event_add(g->readable, NULL) != 0)
        guest_free(g);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    int guest = elpq__kit_accept((int)fd);

    (void)what;
    if (guest >= 0)
        welcome_guest(arg, guest);
}

/* -------------------------------------------------------------- the whole */

static const char *set_up(elpq_fakepg *s, const char *script)
{
    static char wrong[200];
    unsigned line;
    const char *why = elpq__script_parse(script, &s->script, &line);

    if (why) {
        snprintf(wrong, sizeof(wrong), "line %u: %s", line, why);
        return wrong;
    }
    s->listener = elpq__kit_listen(NULL, &s->port);
    if (s->listener < 0)
        return "no socket to listen on";
    s->acceptable = event_new(s->base, s->listener, EV_READ | EV_PERSIST,
                              on_acceptable, s);
    if (!s->acceptable || event_add(s->acceptable, NULL) != 0)
        return "out of memory";
    return NULL;
}

elpq_fakepg *elpq_fakepg_new(struct event_base *base, const char *script,
                             const char **error)
{
    elpq_fakepg *s = calloc(1, sizeof(*s));
    const char *wrong = "out of memory";

    if (s) {
        s->base = base;
        s->listener = -1;
        wrong = set_up(s, script);
    }
    if (wrong) {
        elpq_fakepg_free(s);
        s = NULL;
    }
    if (error)
        *error = wrong;
    return s;
}

void elpq_fakepg_free(elpq_fakepg *s)
{
    if (!s)
        return;
    while (s->guests)
        guest_free(s->guests);
    if (s->acceptable)
        event_free(s->acceptable);
    if (s->listener >= 0)
        close(s->listener);
    elpq__script_free(&s->script);
    free(s);
}

int elpq_fakepg_port(const elpq_fakepg *s)
{
    return s->port;
}

unsigned elpq_fakepg_connections(const elpq_fakepg *s)
{
    return s->connections;
}

unsigned elpq_fakepg_notes(const elpq_fakepg *s)
{
    return s->notes;
}

const char *elpq_fakepg_complaint(const elpq_fakepg *s)
{
    return s->complaint[0] ? s->complaint : NULL;
}

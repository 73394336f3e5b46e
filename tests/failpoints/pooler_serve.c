/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pooler's process, which lends a backend to each client for as long as
 * it stays.
 *
 * A client gets what the server said to the first one that had the same
 * startup packet, with a key of its own for cancel requests.  From then on
 * every byte of the server passes, and those of the client when they are a
 * whole that ends with a Sync, Query or Flush.  A backend whose client left is
 * lent again when it has done what it was asked to, its transaction is rolled
 * back, and all is reset (DISCARD ALL).  Where that would not be what a
 * backend does whose client is gone (COPY, replication) the connection to it
 * is ended.
 *
 * Invariants: a session has one backend, or waits for one; a backend has at
 * most one session.  A cancel request reaches the backend of the session that
 * it names or none, and no backend is lent while one is under way to it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../kit/kit.h"
#include "pooler_told.h"

#define PACKET_MAX 4096
#define CANCEL_SIZE 16
#define PATIENCE_MS 30 /* with what a client has left behind              */

enum state { STARTING, LENT, FINISHING, RESETTING, IDLE, ENDING };

struct backend {
    struct bufferevent *io;
    struct backend *next;
    struct session *session;
    struct elpq__frames frames;
    enum state state;
    uint8_t packet[PACKET_MAX]; /* the startup packet                      */
    size_t packet_size;
    struct evbuffer *welcome;   /* up to the first ReadyForQuery           */
    uint32_t pid, key;
    uint8_t status;             /* of the last ReadyForQuery               */
    bool failed;                /* an error since the last ReadyForQuery   */
    unsigned cancels;           /* on their way to it                      */
    unsigned owed;              /* ReadyForQuery messages to come          */
    bool open;                  /* messages behind the last Sync           */
    bool copies;                /* COPY FROM since the last ReadyForQuery  */
};

struct session {
    struct bufferevent *io;
    struct session *next;
    struct backend *backend;
    struct elpq__frames frames;
    uint32_t key;
    size_t held; /* bytes of complete and half messages, not passed on     */
};

struct canceler {
    struct bufferevent *io;     /* to the server                           */
    struct bufferevent *client; /* NULL: gone, or it was the pooler's own  */
    struct backend *backend;    /* NULL: gone                              */
    struct canceler *next;
};

static struct pooler_told *told;
static struct event_base *turning;
static struct backend *backends;
static struct session *sessions;
static struct canceler *cancelers;
static uint32_t last_key;

static void end_backend(struct backend *b);
static void on_answers(struct bufferevent *io, void *arg);
static void on_backend_event(struct bufferevent *io, short what, void *arg);

static uint32_t word(const uint8_t *p)
{
    uint32_t w;

    memcpy(&w, p, sizeof(w));
    return ntohl(w);
}

static void put_word(uint8_t *p, uint32_t w)
{
    w = htonl(w);
    memcpy(p, &w, sizeof(w));
}

static struct bufferevent *stream(int fd)
{
    struct bufferevent *io =
        fd < 0 ? NULL : bufferevent_socket_new(turning, fd,
                                               BEV_OPT_CLOSE_ON_FREE);

    if (!io)
        abort();
    return io;
}

static struct bufferevent *to_server(void)
{
    const char *host = getenv("PGHOST"), *number = getenv("PGPORT");

    return stream(elpq__kit_connect(host, atoi(number)));
}

static size_t left_to_write(struct bufferevent *io)
{
    return evbuffer_get_length(bufferevent_get_output(io));
}

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);

    if (!p)
        abort();
    return p;
}

#define UNLINK(list, item)                                                    \
    do {                                                                      \
        __typeof__(item) *at_ = &(list);                                      \
        while (*at_ != (item))                                                \
            at_ = &(*at_)->next;                                              \
        *at_ = (item)->next;                                                  \
    } while (0)
#define LINK(list, item) ((item)->next = (list), (list) = (item))

/* --------------------------------------------------------------- sessions */

static void free_session(struct session *s)
{
    UNLINK(sessions, s);
    bufferevent_free(s->io);
    free(s);
    atomic_fetch_sub(&told->sessions, 1);
}

static void on_last_written(struct bufferevent *io, void *arg)
{
    (void)io;
    free_session(arg);
}

/* The backend is gone: so goes the client, when it has got all. */
static void dismiss(struct session *s)
{
    s->backend = NULL;
    if (left_to_write(s->io) == 0) {
        free_session(s);
        return;
    }
    bufferevent_disable(s->io, EV_READ);
    bufferevent_setcb(s->io, NULL, on_last_written, NULL, s);
}

/* Whether it gets to where it can be lent again, and how it gets there is what
 * happens to a session without a client. */
static bool is_in_order(const struct session *s)
{
    const struct backend *b = s->backend;

    return b->state == LENT && !b->open && !b->copies &&
           !memmem(b->packet, b->packet_size, "replication", 11);
}

static void query(struct backend *b, const char *sql)
{
    size_t size = strlen(sql) + 1;
    uint8_t head[5] = { 'Q' };

    put_word(head + 1, (uint32_t)size + 4);
    bufferevent_write(b->io, head, sizeof(head));
    bufferevent_write(b->io, sql, size);
    b->owed++;
}

/* Nothing is under way, and nobody has it. */
static void reset(struct backend *b)
{
    if (b->status != 'I') {
        query(b, "ROLLBACK");
        return;
    }
    if (b->state == FINISHING)
        atomic_fetch_sub(&told->ending, 1);
    b->state = RESETTING;
    b->failed = false;
    query(b, "DISCARD ALL");
}

/* It does what it was asked to; what takes long is canceled. */
static void finish(struct backend *b)
{
    const struct timeval patience = { 0, PATIENCE_MS * 1000 };

    b->state = FINISHING;
    atomic_fetch_add(&told->ending, 1);
    bufferevent_set_timeouts(b->io, &patience, NULL);
    if (b->owed == 0)
        reset(b);
}

static void end_session(struct session *s)
{
    struct backend *b = s->backend;

    if (b) {
        b->session = NULL;
        if (is_in_order(s))
            finish(b);
        else
            end_backend(b);
    }
    free_session(s);
}

/*
 * A message of the client has ended: true if the server is to have it now, and
 * all before it.  What has no Sync yet is held: if the client leaves, it is as
 * if the server had rolled it back.
 */
static bool note_question(struct session *s)
{
    struct backend *b = s->backend;

    switch (s->frames.type) {
    case 'Q':
    case 'S':
    case 'F':
        b->owed++;
        b->open = false;
        return true;
    case 'H':
        b->open = true;
        return true;
    case 'd':
    case 'c':
    case 'f':
        return true;
    default:
        return false;
    }
}

/* Passes on what the client says, but for its farewell. */
static void pass_questions(struct session *s)
{
    struct evbuffer *in = bufferevent_get_input(s->io);
    size_t size = evbuffer_get_length(in), taken = s->held, passed = 0;
    const uint8_t *data = evbuffer_pullup(in, -1);
    bool leaves = false;

    while (taken < size && !leaves) {
        bool ended;

        leaves = elpq__frames_at_start(&s->frames) && data[taken] == 'X';
        if (leaves)
            break;
        taken += elpq__frames_take(&s->frames, data + taken, size - taken,
                                   &ended);
        if (ended && note_question(s))
            passed = taken;
    }
    evbuffer_remove_buffer(in, bufferevent_get_output(s->backend->io), passed);
    s->held = taken - passed;
    if (leaves)
        end_session(s);
}

/* --------------------------------------------------------------- backends */

static void free_backend(struct backend *b)
{
    UNLINK(backends, b);
    for (struct canceler *c = cancelers; c; c = c->next)
        if (c->backend == b)
            c->backend = NULL;
    if (b->state == ENDING || b->state == FINISHING)
        atomic_fetch_sub(&told->ending, 1);
    if (b->session)
        dismiss(b->session);
    evbuffer_free(b->welcome);
    bufferevent_free(b->io);
    free(b);
}

static void on_cancel_event(struct bufferevent *io, short what, void *arg)
{
    struct canceler *c = arg;

    (void)io;
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
        return;
    UNLINK(cancelers, c);
    if (c->backend)
        c->backend->cancels--;
    if (c->client)
        bufferevent_free(c->client);
    bufferevent_free(c->io);
    free(c);
}

static void send_cancel(struct backend *b, struct bufferevent *client)
{
    struct canceler *c = zeroed(sizeof(*c));
    uint8_t packet[CANCEL_SIZE];

    put_word(packet, CANCEL_SIZE);
    put_word(packet + 4, KIT_CANCEL);
    put_word(packet + 8, b->pid);
    put_word(packet + 12, b->key);
    c->io = to_server();
    c->client = client;
    c->backend = b;
    b->cancels++;
    LINK(cancelers, c);
    bufferevent_setcb(c->io, NULL, NULL, on_cancel_event, c);
    bufferevent_write(c->io, packet, sizeof(packet));
    bufferevent_enable(c->io, EV_READ);
}

static void on_all_told(struct bufferevent *io, void *arg)
{
    (void)arg;
    shutdown(bufferevent_getfd(io), SHUT_WR);
}

/* Its client is gone, as the backend gets to know when it has read all. */
static void end_backend(struct backend *b)
{
    bool works = b->state == LENT && b->owed > 0;

    b->state = ENDING;
    atomic_fetch_add(&told->ending, 1);
    if (works)
        send_cancel(b, NULL);
    bufferevent_setcb(b->io, on_answers, on_all_told, on_backend_event, b);
    if (left_to_write(b->io) == 0)
        on_all_told(b->io, b);
}

/* The welcome is complete: finds the key, which is not the client's. */
static bool find_key(struct backend *b)
{
    size_t size = evbuffer_get_length(b->welcome);
    const uint8_t *p = evbuffer_pullup(b->welcome, -1);

    for (size_t i = 0; i + 13 <= size; i += 1 + word(p + i + 1)) {
        if (p[i] != 'K')
            continue;
        b->pid = word(p + i + 5);
        b->key = word(p + i + 9);
        return true;
    }
    return false;
}

static void welcome(struct backend *b, struct session *s)
{
    size_t size = evbuffer_get_length(b->welcome);
    uint8_t *p = zeroed(size);

    evbuffer_copyout(b->welcome, p, size);
    for (size_t i = 0; i + 13 <= size; i += 1 + word(p + i + 1))
        if (p[i] == 'K')
            put_word(p + i + 9, s->key);
    bufferevent_write(s->io, p, size);
    free(p);
}

static void lend(struct backend *b, struct session *s)
{
    b->state = LENT;
    bufferevent_set_timeouts(b->io, NULL, NULL);
    b->session = s;
    s->backend = b;
    welcome(b, s);
    pass_questions(s);
}

/* ReadyForQuery. */
static void note_ready(struct backend *b)
{
    if (b->owed > 0)
        b->owed--;
    if (b->state == FINISHING && b->owed == 0)
        reset(b);
    else if (b->state == RESETTING && (b->failed || b->cancels > 0))
        reset(b);
    else if (b->state == RESETTING)
        b->state = IDLE;
    b->failed = b->copies = false;
}

/* Reads the messages as they pass. */
static void note_answers(struct backend *b, const uint8_t *data, size_t size)
{
    size_t taken = 0;

    while (taken < size) {
        bool ended;

        taken += elpq__frames_take(&b->frames, data + taken, size - taken,
                                   &ended);
        if (!ended)
            continue;
        b->failed |= b->frames.type == 'E';
        b->copies |= b->frames.type == 'G';
        if (b->frames.type == 'Z') {
            b->status = data[taken - 1];
            note_ready(b);
        }
    }
}

static void on_answers(struct bufferevent *io, void *arg)
{
    struct backend *b = arg;
    struct evbuffer *in = bufferevent_get_input(io);
    size_t size = evbuffer_get_length(in);

    note_answers(b, evbuffer_pullup(in, -1), size);
    if (b->state == LENT)
        evbuffer_remove_buffer(in, bufferevent_get_output(b->session->io),
                               size);
    else if (b->state == STARTING)
        evbuffer_remove_buffer(in, b->welcome, size);
    else
        evbuffer_drain(in, size);
    if (b->state == STARTING && b->status) {
        if (find_key(b))
            lend(b, b->session);
    }
}

static void on_backend_event(struct bufferevent *io, short what, void *arg)
{
    struct backend *b = arg;

    if (what & BEV_EVENT_TIMEOUT) {
        bufferevent_set_timeouts(io, NULL, NULL);
        bufferevent_enable(io, EV_READ);
        if (b->state == FINISHING)
            send_cancel(b, NULL);
        return;
    }
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
        return;
    if (b->state == STARTING && b->session) /* it was refused */
        bufferevent_write_buffer(b->session->io, b->welcome);
    free_backend(b);
}

static void start_backend(struct session *s, const uint8_t *packet,
                          size_t size)
{
    struct backend *b = zeroed(sizeof(*b));

    b->io = to_server();
    b->welcome = evbuffer_new();
    b->session = s;
    s->backend = b;
    memcpy(b->packet, packet, size);
    b->packet_size = size;
    LINK(backends, b);
    atomic_fetch_add(&told->started, 1);
    bufferevent_setcb(b->io, on_answers, NULL, on_backend_event, b);
    bufferevent_write(b->io, packet, size);
    bufferevent_enable(b->io, EV_READ);
}

/* ---------------------------------------------------------------- clients */

static void serve(struct session *s, const uint8_t *packet, size_t size)
{
    struct backend *b = backends;

    if (size > PACKET_MAX)
        abort();
    s->key = ++last_key;
    atomic_fetch_add(&told->served, 1);
    while (b && (b->state != IDLE || b->packet_size != size ||
                 memcmp(b->packet, packet, size) != 0))
        b = b->next;
    if (b)
        lend(b, s);
    else
        start_backend(s, packet, size);
}

/* Passes on a cancel request, if its session is there still. */
static void cancel_session(struct session *by, const uint8_t *packet)
{
    uint32_t pid = word(packet + 8), key = word(packet + 12);
    struct session *s = sessions;

    while (s && (s->key != key || !s->backend || s->backend->pid != pid))
        s = s->next;
    bufferevent_disable(by->io, EV_READ);
    if (!s) {
        free_session(by);
        return;
    }
    bufferevent_setcb(by->io, NULL, NULL, NULL, NULL);
    send_cancel(s->backend, by->io);
    UNLINK(sessions, by);
    free(by);
    atomic_fetch_sub(&told->sessions, 1);
}

static void read_startup(struct session *s)
{
    struct evbuffer *in = bufferevent_get_input(s->io);
    uint8_t packet[PACKET_MAX];
    size_t size = (size_t)evbuffer_copyout(in, packet, sizeof(packet));
    uint32_t length;

    if (size < 8 || size < (length = word(packet)))
        return;
    evbuffer_drain(in, length);
    switch (word(packet + 4)) {
    case KIT_SSL:
    case KIT_GSS:
        bufferevent_write(s->io, "N", 1);
        read_startup(s);
        break;
    case KIT_CANCEL:
        cancel_session(s, packet);
        break;
    default:
        serve(s, packet, length);
    }
}

static void on_questions(struct bufferevent *io, void *arg)
{
    struct session *s = arg;

    (void)io;
    if (!s->backend)
        read_startup(s);
    else if (s->backend->state == LENT)
        pass_questions(s);
}

static void on_client_event(struct bufferevent *io, short what, void *arg)
{
    (void)io;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        end_session(arg);
}

static void on_client(evutil_socket_t listener, short what, void *arg)
{
    int fd;

    (void)what;
    (void)arg;
    while ((fd = elpq__kit_accept(listener)) >= 0) {
        struct session *s = zeroed(sizeof(*s));

        s->io = stream(fd);
        LINK(sessions, s);
        atomic_fetch_add(&told->sessions, 1);
        bufferevent_setcb(s->io, on_questions, NULL, on_client_event, s);
        bufferevent_enable(s->io, EV_READ);
    }
}

void pooler_serve(int listener, struct pooler_told *shared)
{
    struct event *accepts;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    alarm(0);
    told = shared;
    turning = event_base_new();
    accepts = event_new(turning, listener, EV_READ | EV_PERSIST, on_client,
                        NULL);
    event_add(accepts, NULL);
    event_base_dispatch(turning);
    _exit(1);
}


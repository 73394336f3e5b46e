/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream: sends a large result to a slow client.  While the client has not
 * taken what was written, the stream is paused, and the server waits.
 *
 *     cc stream.c $(pkg-config --cflags --libs elpq libevent_core) -o stream
 */
#include <elpq/elpq.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { ROWS = 50000, HIGH = 64 * 1024, LOW = 16 * 1024, SIP = 1024 };

static elpq_request *stream;
static struct bufferevent *out; /* our end of the client's connection */
static size_t most, pauses;

/* Each chunk becomes lines of text; a full buffer stops the server. */
static void on_rows(elpq_result *rows, elpq_request *request, void *arg)
{
    struct evbuffer *buffer = bufferevent_get_output(out);
    const char *name;
    int64_t id;

    (void)arg;
    for (size_t row = 0; row < elpq_rows(rows); row++)
        if (elpq_scan(rows, row, &id, &name) == 0)
            evbuffer_add_printf(buffer, "%" PRId64 ",%s\n", id, name);
    if (evbuffer_get_length(buffer) > most)
        most = evbuffer_get_length(buffer);
    if (evbuffer_get_length(buffer) > HIGH) {
        elpq_stream_pause(request);
        pauses++;
    }
}

/* The client has taken most of it: more, please. */
static void on_written(struct bufferevent *bev, void *arg)
{
    (void)bev, (void)arg;
    elpq_stream_resume(stream);
}

static void on_done(const elpq_error *error, void *conn)
{
    stream = NULL; /* it is over: there is nothing to resume */
    if (error)
        fprintf(stderr, "stream: %s\n", error->message);
    elpq_conn_close(conn);
    evbuffer_add(bufferevent_get_output(out), "", 1); /* the end */
}

static void on_connect(elpq_conn *conn, const elpq_error *error, void *arg)
{
    elpq_options options = { .request = &stream };

    (void)arg;
    if (error)
        fprintf(stderr, "stream: %s\n", error->message);
    else
        elpq_stream(conn,
                    elpq_sql("SELECT n::int8, 'customer ' || n"
                             " FROM generate_series(1, $1) AS n", ROWS),
                    &options, on_rows, on_done, conn);
}

/* The client: a sip at a time, up to a byte that is 0. */
static void on_sip(evutil_socket_t fd, short what, void *base)
{
    static size_t taken;
    char bytes[SIP];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    (void)what;
    taken += n > 0 ? (size_t)n : 0;
    if (n > 0 && bytes[n - 1] != '\0')
        return;
    printf("the client got %zu bytes; %zu KiB at most waited for it\n", taken,
           most / 1024);
    event_base_loopbreak(base);
}

int main(void)
{
    struct event_base *base = event_base_new();
    evutil_socket_t pair[2];
    struct event *client;

    if (evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        evutil_make_socket_nonblocking(pair[0]) != 0 ||
        !elpq_connect(base, "", NULL, on_connect, NULL, NULL))
        return 1;
    out = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(out, NULL, on_written, NULL, NULL);
    bufferevent_setwatermark(out, EV_WRITE, LOW, 0);
    client = event_new(base, pair[1], EV_READ | EV_PERSIST, on_sip, base);
    event_add(client, NULL);
    event_base_dispatch(base);
    fprintf(stderr, "the server had to wait %zu times\n", pauses);
    event_free(client);
    bufferevent_free(out);
    event_base_free(base);
    close(pair[1]);
    return pauses > 0 ? 0 : 1;
}

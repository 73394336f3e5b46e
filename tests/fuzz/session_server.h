/* SPDX-License-Identifier: PostgreSQL */
/*
 * The server of fuzz_session.c: says to whoever connects what the input holds.
 *
 * The first connection gets it all, and then the end; any other one is closed
 * at once.  An input that waits for the client goes on when the client says
 * something, or after WAIT_MS, once.
 */
#ifndef ELPQ_TESTS_SESSION_SERVER_H
#define ELPQ_TESTS_SESSION_SERVER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 15
#define WAITS 16

enum { RAW = 1, UNGREETED = 2, SLOWLY = 4 };

static void expect(bool good)
{
    if (!good)
        abort();
}

static struct {
    struct event_base *base;
    int listener;
    struct event *acceptable;
    int fd; /* of the first connection, -1 */
    struct event *readable, *timer;
    const uint8_t *data;
    size_t size;
    unsigned flags;
    unsigned accepted, waits;
    bool patient; /* it still waits for the client                          */
    bool greeted;
    char dir[40];
} server = { .listener = -1, .fd = -1 };

static const char welcome[] = "R\0\0\0\10\0\0\0\0"
                              "S\0\0\0\30server_version\0"
                              "15.0\0"
                              "S\0\0\0\31client_encoding\0"
                              "UTF8\0"
                              "S\0\0\0\43standard_conforming_strings\0"
                              "on\0"
                              "S\0\0\0\31integer_datetimes\0"
                              "on\0"
                              "S\0\0\0\27DateStyle\0"
                              "ISO, MDY\0"
                              "S\0\0\0\33IntervalStyle\0"
                              "postgres\0"
                              "K\0\0\0\14\0\0\0\1\0\0\0\2"
                              "Z\0\0\0\5I";

static void say(const void *bytes, size_t size)
{
    size_t piece = server.flags & SLOWLY ? 3 : size;

    for (const char *p = bytes; size > 0; p += piece, size -= piece) {
        piece = piece < size ? piece : size;
        if (send(server.fd, p, piece, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return;
    }
}

/* One message: its type, one byte of length (255: of two), the body. */
static void say_message(void)
{
    uint8_t head[5] = { server.data[0] };
    size_t n = server.size > 1 ? server.data[1] : 0, skip = 2;

    if (n == 255 && server.size > 3) {
        n = (size_t)server.data[2] << 8 | server.data[3];
        skip = 4;
    }
    skip = skip < server.size ? skip : server.size;
    n = n < server.size - skip ? n : server.size - skip;
    head[3] = (uint8_t)((n + 4) >> 8);
    head[4] = (uint8_t)(n + 4);
    say(head, sizeof(head));
    say(server.data + skip, n);
    server.data += skip + n;
    server.size -= skip + n;
}

static bool wait_for_client(void)
{
    static const struct timeval pause = { 0, WAIT_MS * 1000 };

    if (!server.patient || ++server.waits > WAITS)
        return false;
    event_add(server.timer, &pause);
    return true;
}

/* Until it is to wait: for a byte 0 where a message begins. */
static void go_on(void)
{
    if (server.flags & RAW) {
        say(server.data, server.size);
        server.size = 0;
    }
    while (server.size > 0) {
        if (server.data[0] == 0) {
            server.data++;
            server.size--;
            if (wait_for_client())
                return;
            continue;
        }
        say_message();
    }
    shutdown(server.fd, SHUT_WR);
}

static void on_client(evutil_socket_t fd, short what, void *arg)
{
    char bytes[4096];
    ssize_t n;

    (void)what;
    (void)arg;
    n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n <= 0) {
        event_del(server.readable);
        event_del(server.timer);
    } else if (event_pending(server.timer, EV_TIMEOUT, NULL)) {
        event_del(server.timer);
        go_on();
    } else if (!server.greeted) {
        server.greeted = true;
        if (server.flags & UNGREETED) {
            go_on();
        } else {
            say(welcome, sizeof(welcome) - 1);
            wait_for_client();
        }
    }
}

static void on_silence(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    server.patient = false;
    go_on();
}

static void on_connection(evutil_socket_t listener, short what, void *arg)
{
    int fd = accept4((int)listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    (void)arg;
    if (fd < 0)
        return;
    if (server.accepted++ > 0) {
        close(fd);
        return;
    }
    server.fd = fd;
    server.readable =
        event_new(server.base, fd, EV_READ | EV_PERSIST, on_client, NULL);
    event_add(server.readable, NULL);
}

static void remove_dir(void)
{
    char path[80];

    snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", server.dir);
    unlink(path);
    rmdir(server.dir);
}

static void server_open(struct event_base *base)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strcpy(server.dir, "/tmp/elpq-fuzz-XXXXXX");
    expect(mkdtemp(server.dir) != NULL);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432",
             server.dir);
    server.base = base;
    server.listener =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    expect(server.listener >= 0 &&
           bind(server.listener, (struct sockaddr *)&address,
                sizeof(address)) == 0 &&
           listen(server.listener, 100) == 0);
    server.acceptable = event_new(base, server.listener, EV_READ | EV_PERSIST,
                                  on_connection, NULL);
    server.timer = evtimer_new(base, on_silence, NULL);
    expect(server.acceptable && server.timer);
    atexit(remove_dir);
}

static void server_begin(unsigned flags, const uint8_t *data, size_t size)
{
    server.data = data;
    server.size = size;
    server.flags = flags;
    server.accepted = server.waits = 0;
    server.patient = true;
    server.greeted = false;
    event_add(server.acceptable, NULL);
}

static void server_end(void)
{
    event_del(server.acceptable);
    event_del(server.timer);
    if (server.fd < 0)
        return;
    event_free(server.readable);
    close(server.fd);
    server.fd = -1;
}

#endif

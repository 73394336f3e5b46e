/* SPDX-License-Identifier: PostgreSQL */
/*
 * listen: prints what arrives on a channel, until somebody says bye.  Run
 * without a channel it talks to itself.
 *
 *     cc listen.c $(pkg-config --cflags --libs elpq libevent_core) -o listen
 *     ./listen news &
 *     psql -c "NOTIFY news, 'hello'"
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static elpq_listener *listener;
static elpq_pool *pool; /* to talk to itself; else NULL */

static void close_all(void)
{
    elpq_listener_close(listener, NULL, NULL);
    if (pool)
        elpq_pool_close(pool, ELPQ_NO_TIMEOUT, NULL, NULL);
}

static void on_notified(const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        fprintf(stderr, "listen: %s\n", error->message);
}

static void say(const char *channel, const char *words)
{
    if (elpq_notify(pool, channel, words, NULL, on_notified, NULL) != 0)
        fprintf(stderr, "listen: not sent: %s\n", words);
}

static void on_notification(const elpq_notification *n, void *arg)
{
    (void)arg;
    printf("%s: %s\n", n->channel, n->payload);
    if (strcmp(n->payload, "bye") == 0)
        close_all();
    else if (pool)
        say(n->channel, strcmp(n->payload, "hello") == 0 ? "nice day" : "bye");
}

/* UP comes after each connect: from here on nothing is missed. */
static void on_event(elpq_listener *l, const elpq_listen_event *event,
                     void *arg)
{
    (void)l;
    (void)arg;
    switch (event->kind) {
    case ELPQ_LISTEN_UP:
        printf("listening to %s\n", event->channel);
        if (pool)
            say(event->channel, "hello");
        break;
    case ELPQ_LISTEN_DOWN:
        printf("not listening: %s\n", event->error->message);
        break;
    case ELPQ_LISTEN_GAP:
        printf("%s: something may have been missed\n", event->channel);
        break;
    }
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();

    listener = elpq_listener_new(base, "", NULL, on_event, NULL, NULL);
    if (argc < 2)
        pool = elpq_pool_new(base, "", NULL, NULL);
    if (!listener || (argc < 2 && !pool) ||
        elpq_listen(listener, argc < 2 ? "myself" : argv[1], on_notification,
                    NULL) != 0)
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    return 0;
}

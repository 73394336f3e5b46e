/* SPDX-License-Identifier: PostgreSQL */
/*
 * A connection through the proxy: the two sockets and their events.
 *
 * A link is freed here and nowhere else.  Its sockets are closed after their
 * events were freed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy_int.h"

#define TRASH 4096

static void close_end(struct elpq__link *link, int way, bool reset)
{
    if (link->readable[way])
        event_free(link->readable[way]);
    if (link->writable[way])
        event_free(link->writable[way]);
    link->readable[way] = link->writable[way] = NULL;
    if (link->fd[way] >= 0 && reset)
        elpq__kit_reset(link->fd[way]);
    else if (link->fd[way] >= 0)
        close(link->fd[way]);
    link->fd[way] = -1;
}

void elpq__link_free(struct elpq__link *link, bool reset)
{
    for (int way = 0; way < ELPQ__WAYS; way++) {
        struct elpq__flow *flow = &link->flows[way];

        close_end(link, way, reset);
        if (flow->timer)
            event_free(flow->timer);
        elpq__flow_clear(flow);
        free(flow->data);
    }
    elpq__proxy_gone(link);
}

/*
 * In order: the client reads all that was sent, and then the end.  What it
 * still sends is read, for a socket that is closed with unread bytes resets.
 */
static void cut_in_order(struct elpq__link *link)
{
    link->discard = true;
    close_end(link, ELPQ__FROM_SERVER, false);
    shutdown(link->fd[ELPQ__FROM_CLIENT], SHUT_WR);
    elpq__link_read(link, ELPQ__FROM_CLIENT, true);
}

bool elpq__link_cut(struct elpq__link *link, enum elpq__action how)
{
    if (link->discard)
        return true; /* it was cut before */
    link->proxy->stats.cuts++;
    for (int way = 0; way < ELPQ__WAYS; way++)
        evtimer_del(link->flows[way].timer);
    if (how == ELPQ__CUT_RST) {
        elpq__link_free(link, true);
        return false;
    }
    if (how == ELPQ__CUT_FIN) {
        cut_in_order(link);
        return true;
    }
    link->discard = true;
    elpq__link_read(link, ELPQ__FROM_CLIENT, true);
    elpq__link_read(link, ELPQ__FROM_SERVER, true);
    return true;
}

void elpq__link_read(struct elpq__link *link, int way, bool on)
{
    const struct elpq__flow *flow = &link->flows[way];

    if (link->fd[way] < 0)
        return;
    if (!on || flow->eof ||
        (!link->discard && flow->have == link->proxy->options.max_buffered))
        event_del(link->readable[way]);
    else
        event_add(link->readable[way], NULL);
}

/* What is read after a cut goes nowhere; the end of either is the end. */
static void throw_away(struct elpq__link *link, int way)
{
    char trash[TRASH];
    ssize_t n = read(link->fd[way], trash, sizeof(trash));

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        elpq__link_free(link, false);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct elpq__flow *flow = arg;
    struct elpq__link *link = flow->link;
    size_t room = link->proxy->options.max_buffered - flow->have;
    ssize_t n;

    (void)what;
    if (link->discard) {
        throw_away(link, flow->way);
        return;
    }
    if (room == 0) {
        elpq__link_read(link, flow->way, false);
        return;
    }
    n = read(fd, flow->data + flow->have, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        elpq__link_free(link, true);
        return;
    }
    if (flow->way == ELPQ__FROM_CLIENT)
        link->proxy->stats.client_bytes += (uint64_t)n;
    else
        link->proxy->stats.server_bytes += (uint64_t)n;
    flow->eof = n == 0;
    elpq__flow_arrived(flow, (size_t)n);
    elpq__link_read(link, flow->way, true);
    elpq__flow_run(flow);
}

static void on_run(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    elpq__flow_run(arg);
}

static bool set_up(struct elpq__link *link, int way)
{
    struct event_base *base = link->proxy->base;
    struct elpq__flow *flow = &link->flows[way];
    struct elpq__flow *other = &link->flows[1 - way];

    flow->link = link;
    flow->way = way;
    flow->frames.startup = way == ELPQ__FROM_CLIENT;
    flow->data = malloc(link->proxy->options.max_buffered);
    flow->timer = evtimer_new(base, on_run, flow);
    link->readable[way] = event_new(base, link->fd[way], EV_READ | EV_PERSIST,
                                    on_readable, flow);
    /* Room for what the other direction has. */
    link->writable[way] = event_new(base, link->fd[way], EV_WRITE, on_run,
                                    other);
    return flow->data && flow->timer && link->readable[way] &&
           link->writable[way] && event_add(link->readable[way], NULL) == 0;
}

/* Takes both sockets, also if there is no memory: then NULL. */
struct elpq__link *elpq__link_new(elpq_faultproxy *proxy, int client,
                                  int server)
{
    struct elpq__link *link = calloc(1, sizeof(*link));

    if (!link) {
        close(client);
        close(server);
        return NULL;
    }
    link->proxy = proxy;
    link->fd[ELPQ__FROM_CLIENT] = client;
    link->fd[ELPQ__FROM_SERVER] = server;
    link->next = proxy->links;
    proxy->links = link;
    proxy->stats.open++;
    if (!set_up(link, ELPQ__FROM_CLIENT) || !set_up(link, ELPQ__FROM_SERVER)) {
        elpq__link_free(link, false);
        return NULL;
    }
    return link;
}

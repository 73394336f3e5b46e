/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sockets of the test kit: none blocks, all are closed on exec.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit.h"

#define BACKLOG 512

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

bool elpq__kit_socket_path(const char *directory, int port, char *path,
                           size_t size)
{
    int n = snprintf(path, size, "%s/.s.PGSQL.%d", directory, port);

    return n > 0 && (size_t)n < size;
}

static socklen_t fill(union address *a, const char *host, int port)
{
    memset(a, 0, sizeof(*a));
    if (*host == '/') {
        a->un.sun_family = AF_UNIX;
        return elpq__kit_socket_path(host, port, a->un.sun_path,
                                     sizeof(a->un.sun_path))
                   ? sizeof(a->un)
                   : 0;
    }
    if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
        a->in.sin_family = AF_INET;
        a->in.sin_port = htons((uint16_t)port);
        return sizeof(a->in);
    }
    if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1) {
        a->in6.sin6_family = AF_INET6;
        a->in6.sin6_port = htons((uint16_t)port);
        return sizeof(a->in6);
    }
    return 0;
}

/* A new socket for the address; without delays, as a proxy must be. */
static int socket_for(const union address *a)
{
    int on = 1;
    int fd = socket(a->any.sa_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && a->any.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int close_failed(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

int elpq__kit_listen(const char *directory, int *port)
{
    union address a;
    socklen_t size;
    int on = 1;
    int fd;

    if (directory && !*port)
        *port = 5432;
    size = fill(&a, directory ? directory : "127.0.0.1", *port);
    if (!size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = socket_for(&a);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, &a.any, size) != 0 || listen(fd, BACKLOG) != 0)
        return close_failed(fd);
    if (!directory) {
        size = sizeof(a);
        if (getsockname(fd, &a.any, &size) != 0)
            return close_failed(fd);
        *port = ntohs(a.in.sin_port);
    }
    return fd;
}

int elpq__kit_connect(const char *host, int port)
{
    union address a;
    socklen_t size = fill(&a, host, port);
    int fd;

    if (!size) {
        errno = EINVAL;
        return -1;
    }
    fd = socket_for(&a);
    if (fd >= 0 && connect(fd, &a.any, size) != 0 && errno != EINPROGRESS)
        return close_failed(fd);
    return fd;
}

int elpq__kit_accept(int listener)
{
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    /* Not of a Unix socket; then it fails, and nothing is lost. */
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

void elpq__kit_reset(int fd)
{
    struct linger none = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    close(fd);
}

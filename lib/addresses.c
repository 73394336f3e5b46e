/* SPDX-License-Identifier: PostgreSQL */
/*
 * The addresses that a connect tries.
 *
 * libpq goes through the hosts of a conninfo string by itself, and so the list
 * is empty at first.  It is filled when one of them is silent: with what libpq
 * would try, less that one, whose name may have other addresses.
 *
 * connect.c alone calls this, on a helper thread: names are looked up.
 */
#include "addresses.h"

#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conn_int.h"

static void free_address(struct elpq__address *a)
{
    free(a->host);
    free(a->hostaddr);
    free(a->port);
    memset(a, 0, sizeof(*a));
}

static bool add_address(struct elpq__addresses *list, const char *host,
                        const char *hostaddr, const char *port)
{
    struct elpq__address *a = &list->all[list->n];

    if (list->n == ELPQ__ADDRESSES_MAX)
        return true; /* the rest is not tried */
    a->host = strdup(host);
    a->hostaddr = strdup(hostaddr);
    a->port = strdup(port);
    if (!a->host || !a->hostaddr || !a->port) {
        free_address(a);
        return false;
    }
    list->n++;
    return true;
}

/* The i-th element of a comma-separated list; a single one serves all. */
static void element(const char *list, int i, char *out, size_t size)
{
    size_t len;

    if (!strchr(list, ','))
        i = 0;
    for (; i > 0; i--) {
        list = strchr(list, ',');
        if (!list) {
            list = "";
            break;
        }
        list++;
    }
    len = strcspn(list, ",");
    if (len >= size)
        len = size - 1;
    memcpy(out, list, len);
    out[len] = '\0';
}

static int count_elements(const char *list)
{
    int n = 1;

    for (; *list; list++)
        n += *list == ',';
    return n;
}

int elpq__count_hosts(const PQconninfoOption *options)
{
    const char *addrs = elpq__option_value(options, "hostaddr");

    return count_elements(*addrs ? addrs : elpq__option_value(options, "host"));
}

/* What libpq would try, as a list: its hosts in order. */
static bool list_hosts(struct elpq__addresses *list, PQconninfoOption *options)
{
    const char *hosts = elpq__option_value(options, "host");
    const char *addrs = elpq__option_value(options, "hostaddr");
    const char *ports = elpq__option_value(options, "port");
    int n = elpq__count_hosts(options);
    char host[512];
    char addr[128];
    char port[16];

    for (int i = 0; i < n; i++) {
        element(hosts, i, host, sizeof(host));
        element(addrs, i, addr, sizeof(addr));
        element(ports, i, port, sizeof(port));
        if (!add_address(list, host, addr, port))
            return false;
    }
    return true;
}

static void remove_address(struct elpq__addresses *list, int i)
{
    free_address(&list->all[i]);
    list->n--;
    memmove(&list->all[i], &list->all[i + 1],
            (size_t)(list->n - i) * sizeof(list->all[0]));
    memset(&list->all[list->n], 0, sizeof(list->all[0]));
}

/* The other addresses of a name take the place of the one that is silent. */
static bool add_siblings(struct elpq__addresses *list, const char *host,
                         const char *silent, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    bool ok = true;

    if (!*host || *host == '/' || *host == '@' ||
        getaddrinfo(host, NULL, &hints, &found) != 0)
        return true;
    for (struct addrinfo *ai = found; ai && ok; ai = ai->ai_next) {
        char text[128];

        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof(text), NULL,
                        0, NI_NUMERICHOST) == 0 &&
            strcmp(text, silent) != 0)
            ok = add_address(list, host, text, port);
    }
    freeaddrinfo(found);
    return ok;
}

bool elpq__addresses_give_up(struct elpq__addresses *list, PGconn *pg)
{
    const char *host = PQhost(pg) ? PQhost(pg) : "";
    const char *addr = PQhostaddr(pg) ? PQhostaddr(pg) : "";
    const char *port = PQport(pg) ? PQport(pg) : "";
    bool named = false;

    if (list->n == 0) {
        PQconninfoOption *options = PQconninfo(pg);
        bool ok = options && list_hosts(list, options);

        elpq__conninfo_free(options);
        if (!ok)
            return false;
    }
    for (int i = 0; i < list->n; i++) {
        struct elpq__address *a = &list->all[i];
        const char *name = *a->host ? a->host : a->hostaddr;

        if (strcmp(name, host) == 0 &&
            (!*a->hostaddr || strcmp(a->hostaddr, addr) == 0) &&
            (!*a->port || strcmp(a->port, port) == 0)) {
            named = !*a->hostaddr;
            remove_address(list, i);
            break;
        }
    }
    if (named && !add_siblings(list, host, addr, port))
        return false;
    return list->n > 0;
}

static char *join(const struct elpq__addresses *list, size_t member)
{
    struct elpq__buf buf = { 0 };

    for (int i = 0; i < list->n; i++) {
        if (i)
            elpq__buf_add_byte(&buf, ',');
        elpq__buf_add_str(
            &buf, *(char *const *)((const char *)&list->all[i] + member));
    }
    elpq__buf_add_byte(&buf, '\0');
    if (buf.failed)
        elpq__buf_free(&buf);
    return buf.data;
}

bool elpq__addresses_join(const struct elpq__addresses *list, char *lists[3])
{
    lists[0] = join(list, offsetof(struct elpq__address, host));
    lists[1] = join(list, offsetof(struct elpq__address, hostaddr));
    lists[2] = join(list, offsetof(struct elpq__address, port));
    return lists[0] && lists[1] && lists[2];
}

void elpq__addresses_free(struct elpq__addresses *list)
{
    while (list->n > 0)
        free_address(&list->all[--list->n]);
}

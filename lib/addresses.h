/* SPDX-License-Identifier: PostgreSQL */
/*
 * The addresses that a connect tries, where libpq is not to choose them.
 */
#ifndef ELPQ_LIB_ADDRESSES_H
#define ELPQ_LIB_ADDRESSES_H

#include <stdbool.h>

#include <libpq-fe.h>

/* The rest is not tried. */
#define ELPQ__ADDRESSES_MAX 64

/* One of them; all three strings are owned, and may be "". */
struct elpq__address {
    char *host;
    char *hostaddr;
    char *port;
};

/* Zeroed, it is empty: libpq tries what conninfo says. */
struct elpq__addresses {
    struct elpq__address all[ELPQ__ADDRESSES_MAX];
    int n;
};

/*
 * Leaves the address that libpq waits for out of the list.  False if nothing
 * else is left to try (or there is no memory): then waiting goes on.
 */
bool elpq__addresses_give_up(struct elpq__addresses *list, PGconn *pg);

/*
 * As libpq wants them: hosts, hostaddrs and ports, each owned by the caller,
 * who frees them also if it is false, because there was no memory.
 */
bool elpq__addresses_join(const struct elpq__addresses *list, char *lists[3]);

void elpq__addresses_free(struct elpq__addresses *list);

/* How many libpq goes through by itself. */
int elpq__count_hosts(const PQconninfoOption *options);

#endif

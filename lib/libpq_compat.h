/* SPDX-License-Identifier: PostgreSQL */
/*
 * Calls of newer libpq, found at run time.
 *
 * All releases from 14 to 18 share one soname, so a program built with one
 * may run with another.  What is missing is NULL here, and its user has
 * another way.
 */
#ifndef ELPQ_LIB_LIBPQ_COMPAT_H
#define ELPQ_LIB_LIBPQ_COMPAT_H

#include <libpq-fe.h>

struct pg_cancel_conn;

struct elpq__libpq {
    int version; /* PQlibVersion() */
    /* 17: queues a Sync without sending what is buffered */
    int (*send_pipeline_sync)(PGconn *conn);
    /* 17: Close of a prepared statement, in a pipeline */
    int (*send_close_prepared)(PGconn *conn, const char *name);
    /* 17: results of several rows while more are to come */
    int (*set_chunked_rows)(PGconn *conn, int rows);
    /* 17: cancel requests that are encrypted, and do not block; all or none */
    struct pg_cancel_conn *(*cancel_create)(PGconn *conn);
    int (*cancel_start)(struct pg_cancel_conn *cancel);
    PostgresPollingStatusType (*cancel_poll)(struct pg_cancel_conn *cancel);
    int (*cancel_socket)(const struct pg_cancel_conn *cancel);
    char *(*cancel_error)(const struct pg_cancel_conn *cancel);
    void (*cancel_finish)(struct pg_cancel_conn *cancel);
    /* OpenSSL's SSL_pending, if libpq is built with it */
    int (*ssl_pending)(const void *ssl);
    int (*ssl_peek)(void *ssl, void *buf, int size);
};

/* PGRES_TUPLES_CHUNK of libpq 17. */
#define ELPQ__TUPLES_CHUNK 12

/*
 * Bytes that OpenSSL has decrypted and libpq has not yet taken: the socket
 * does not become readable for them.  0 without TLS.
 */
int elpq__tls_pending(PGconn *conn);

/*
 * A copy of bytes that libpq will read next, so many at most; 0 if there are
 * none, or none that can be looked at (GSSAPI).
 */
size_t elpq__peek(PGconn *conn, void *buf, size_t size);

/* Looked up once, on first use; any thread. */
const struct elpq__libpq *elpq__libpq(void);

#endif

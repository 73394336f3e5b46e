/* SPDX-License-Identifier: PostgreSQL */
/*
 * Finds the calls of newer libpq in the process, and tells versions.
 */
#include "libpq_compat.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

#include "elpq/version.h"

static struct elpq__libpq libpq;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* POSIX lets dlsym's object pointer hold a function; ISO C has no cast. */
#define FIND(member, name) (*(void **)&libpq.member = dlsym(handle, name))

static void look_up(void)
{
    Dl_info info;
    void *handle = RTLD_DEFAULT;

    /*
     * Ask the very object that our libpq calls resolve to; the default order
     * of the process may not see it (a library opened with RTLD_LOCAL).
     */
    if (dladdr((void *)(uintptr_t)&PQlibVersion, &info) && info.dli_fname) {
        void *own = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);

        if (own)
            handle = own;
    }
    libpq.version = PQlibVersion();
    FIND(send_pipeline_sync, "PQsendPipelineSync");
    FIND(send_close_prepared, "PQsendClosePrepared");
    FIND(set_chunked_rows, "PQsetChunkedRowsMode");
    FIND(cancel_create, "PQcancelCreate");
    FIND(cancel_start, "PQcancelStart");
    FIND(cancel_poll, "PQcancelPoll");
    FIND(cancel_socket, "PQcancelSocket");
    FIND(cancel_error, "PQcancelErrorMessage");
    FIND(cancel_finish, "PQcancelFinish");
    if (!libpq.cancel_start || !libpq.cancel_poll || !libpq.cancel_socket ||
        !libpq.cancel_error || !libpq.cancel_finish)
        libpq.cancel_create = NULL;
    FIND(ssl_pending, "SSL_pending"); /* of the libssl that libpq needs */
    FIND(ssl_peek, "SSL_peek");
    if (handle != RTLD_DEFAULT)
        dlclose(handle);
}

const struct elpq__libpq *elpq__libpq(void)
{
    pthread_once(&once, look_up);
    return &libpq;
}

int elpq__tls_pending(PGconn *conn)
{
    void *ssl = PQsslStruct(conn, "OpenSSL");

    if (!ssl)
        return 0;
    return elpq__libpq()->ssl_pending ? elpq__libpq()->ssl_pending(ssl) : 0;
}

size_t elpq__peek(PGconn *conn, void *buf, size_t size)
{
    void *ssl = PQsslStruct(conn, "OpenSSL");
    ssize_t n = 0;

    if (ssl && elpq__libpq()->ssl_peek)
        n = elpq__libpq()->ssl_peek(ssl, buf, (int)size);
    else if (!PQsslInUse(conn) && !PQgssEncInUse(conn) && PQsocket(conn) >= 0)
        n = recv(PQsocket(conn), buf, size, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}

int elpq_version(void)
{
    return ELPQ_VERSION_NUM;
}

int elpq_libpq_version(void)
{
    return PQlibVersion();
}

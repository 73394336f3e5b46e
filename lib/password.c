/* SPDX-License-Identifier: PostgreSQL */
/*
 * Change of a password: what the server stores of it (the SCRAM verifier) is
 * made here, on a helper thread since that is thousands of hashes, and only
 * that is sent.
 *
 * libpq makes it from a PGconn, but only keeps its errors there; so the thread
 * has one of its own, which was never connected.
 *
 * Meanwhile the connection may be closed, or given back to its pool and lent
 * to somebody else, and the deadline may pass: then nothing is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conn_int.h"
#include "done.h"

struct change {
    struct elpq__job job;
    elpq_conn *conn; /* a reference; not looked at by the thread           */
    unsigned lease;  /* of the connection, when it was submitted           */
    struct elpq__timer deadline; /* while the thread has it                */
    char *user;      /* NULL: the session's                                */
    char *password;
    char *verifier; /* the thread's, until it is done                     */
    char *tag;
    int timeout_ms;
    elpq_done_cb done; /* NULL: it was called                              */
    void *arg;
};

static void change_free(struct change *c)
{
    elpq__forget(c->password);
    elpq__forget(c->verifier);
    free(c->user);
    free(c->tag);
    elpq__conn_unref(c->conn);
    free(c);
}

/* Nothing was sent. */
static void refuse(struct elpq__done end, elpq_code code)
{
    elpq_error error;

    elpq__error_set(&error, code, ELPQ_NOT_EXECUTED, NULL);
    end.call(&error, end.arg);
}

static void work(struct elpq__job *job)
{
    struct change *c = elpq__container(job, struct change, job);
    PGconn *pg = PQconnectStart("="); /* no conninfo: it goes nowhere */
    char *made = NULL;

    if (pg)
        made = PQencryptPasswordConn(pg, c->password, c->user ? c->user : "",
                                     "scram-sha-256");
    if (made) {
        c->verifier = strdup(made);
        explicit_bzero(made, strlen(made));
        PQfreemem(made);
    }
    PQfinish(pg);
}

/*
 * The verifier has neither quotes nor backslashes.  There is room for all of it
 * from the start: a buffer that grows leaves what it held behind.
 */
static void write_sql(const struct change *c, struct elpq__buf *sql)
{
    elpq__buf_reserve(sql, 2 * strlen(c->user ? c->user : "") +
                               strlen(c->verifier) + 64);
    elpq__buf_add_str(sql, "ALTER USER ");
    if (c->user)
        elpq__buf_add_quoted(sql, c->user, '"');
    else
        elpq__buf_add_str(sql, "SESSION_USER");
    elpq__buf_addf(sql, " PASSWORD '%s'", c->verifier);
    elpq__buf_add_byte(sql, '\0');
}

static int send_it(struct change *c, int timeout_ms)
{
    struct elpq__done *end = elpq__done_new(c->done, c->arg);
    elpq_options options = { .tag = c->tag, .timeout_ms = timeout_ms };
    struct elpq__buf sql = { 0 };
    elpq_statement st;
    int code = ELPQ_E_NOMEM;

    write_sql(c, &sql);
    if (end && !sql.failed) {
        st = elpq_sql_from_trusted_string(sql.data, NULL, 0);
        st.flags = ELPQ_NO_PREPARE | ELPQ__SECRET;
        code =
            elpq_conn_execute(c->conn, &st, &options, elpq__done_result, end);
    }
    if (sql.data)
        explicit_bzero(sql.data, sql.size);
    elpq__buf_free(&sql);
    if (code)
        free(end);
    return code;
}

/* The verifier is made, if it could be: 0, or why it is of no use. */
static int submit(struct change *c)
{
    int64_t left = (c->deadline.due - elpq__now()) / 1000;

    elpq__timer_stop(c->conn->loop, &c->deadline);
    if (!c->verifier)
        return ELPQ_E_NOMEM;
    if (c->lease != c->conn->slot_lease)
        return ELPQ_E_CLOSED;
    if (c->timeout_ms <= 0)
        return send_it(c, c->timeout_ms);
    return left > 0 ? send_it(c, (int)left) : ELPQ_E_TIMEOUT;
}

static void done(struct elpq__job *job)
{
    struct change *c = elpq__container(job, struct change, job);
    struct elpq__done end = { c->done, c->arg };
    int code = end.call ? submit(c) : 0;

    change_free(c);
    if (code)
        refuse(end, (elpq_code)code);
}

/* The thread goes on, to an end that nobody waits for. */
static void on_deadline(struct elpq__timer *timer)
{
    struct change *c = elpq__container(timer, struct change, deadline);
    struct elpq__done end = { c->done, c->arg };

    c->done = NULL;
    refuse(end, ELPQ_E_TIMEOUT);
}

static void dispose(struct elpq__job *job)
{
    change_free(elpq__container(job, struct change, job));
}

int elpq_conn_change_password(elpq_conn *conn, const char *user,
                              const char *password, const elpq_options *options,
                              elpq_done_cb done_cb, void *arg)
{
    struct change *c;
    int code;

    if (options && options->request)
        *options->request = NULL;
    if (!conn || !password || !*password || !done_cb || (user && !*user))
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_check(conn)))
        return code;
    c = elpq__new(struct change);
    if (!c)
        return ELPQ_E_NOMEM;
    c->job =
        (struct elpq__job){ .work = work, .done = done, .dispose = dispose };
    c->conn = conn;
    c->lease = conn->slot_lease;
    elpq__conn_ref(conn);
    c->done = done_cb;
    c->arg = arg;
    c->deadline.fire = on_deadline;
    c->timeout_ms = options && options->timeout_ms ? options->timeout_ms
                                                   : conn->options.timeout_ms;
    c->password = strdup(password);
    c->user = user ? strdup(user) : NULL;
    c->tag = options && options->tag ? strdup(options->tag) : NULL;
    if (!c->password || (user && !c->user) ||
        (options && options->tag && !c->tag) ||
        !elpq__job_submit(conn->loop, &c->job, false)) {
        change_free(c);
        return ELPQ_E_NOMEM;
    }
    if (c->timeout_ms > 0)
        elpq__timer_start(conn->loop, &c->deadline,
                          elpq__now() + c->timeout_ms * INT64_C(1000));
    return 0;
}

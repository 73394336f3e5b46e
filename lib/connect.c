/* SPDX-License-Identifier: PostgreSQL */
/*
 * Connecting, on a helper thread.
 *
 * libpq may look up names, read files, hash passwords and do TLS while it
 * connects, all of which takes the time it takes.  So a job owns the PGconn
 * until it is connected, and hands it over.
 *
 * libpq goes to the next host by itself when one refuses; but nobody tells it
 * when one does not answer, since its connect_timeout does not count in the
 * asynchronous interface.  So each address gets a slice of the time, and when
 * that is over, the attempt begins anew without this address.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "alloc.h"
#include "conn_int.h"

#define POLL_MS 50        /* how soon an abandoned job notices              */
#define NOTICES_MAX 16    /* notices of the server kept while connecting    */
#define EXTRA_PARAMS 7

struct elpq__connect {
    struct elpq__job job;
    elpq_conn *conn; /* not looked at by the thread                       */
    char *conninfo;
    char **params;   /* keyword, value, ..., NULL                         */
    size_t nparams;
    int64_t deadline;

    /* the thread's, until it is done */
    PGconn *pg;
    const char *password; /* libpq's, of the host it is talking to        */
    struct elpq__addresses addresses; /* of the second and later attempts */
    char *message;
    char sqlstate[6];
    bool timed_out;
    bool cannot_wait; /* poll() failed                                     */
    bool no_password; /* asked for one, and had none                      */
    elpq_error *notices[NOTICES_MAX];
    int nnotices;
};

/* --------------------------------------------------------------- messages */

/*
 * With verbose messages the server's SQLSTATE stands in libpq's text: "FATAL:
 * 28P01: password authentication failed".  Takes it out, and the LOCATION
 * line, so that the message reads as usual.
 */
static void extract_sqlstate(char *message, char sqlstate[6])
{
    char *p = message;
    char *line;

    while ((p = strstr(p, ":  "))) {
        char *state = p + 3;

        if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
            state[5] == ':' && state[6] == ' ') {
            memcpy(sqlstate, state, 5);
            sqlstate[5] = '\0';
            memmove(state, state + 7, strlen(state + 7) + 1);
        }
        p = state;
    }
    while ((line = strstr(message, "\nLOCATION:"))) {
        char *end = strchr(line + 1, '\n');

        if (!end)
            end = line + strlen(line);
        memmove(line, end, strlen(end) + 1);
    }
}

static void set_message(struct elpq__connect *c, const char *text)
{
    free(c->message);
    c->message = strdup(text);
    if (c->message) {
        elpq__trim(c->message);
        extract_sqlstate(c->message, c->sqlstate);
    }
}

static void take_notice(void *arg, const PGresult *res)
{
    struct elpq__connect *c = arg;
    elpq_error notice;

    if (c->nnotices == NOTICES_MAX)
        return;
    elpq__hide_in_result(c->password, res);
    elpq__error_from_result(&notice, res);
    notice.code = ELPQ_OK;
    c->notices[c->nnotices] = elpq_error_dup(&notice);
    if (c->notices[c->nnotices])
        c->nnotices++;
}

/* ---------------------------------------------------------------- attempt */

/* Starts libpq with all that was given; later keywords win. */
static PGconn *start(struct elpq__connect *c)
{
    size_t max = c->nparams / 2 + EXTRA_PARAMS;
    const char **keys = calloc(max + 1, sizeof(*keys));
    const char **values = calloc(max + 1, sizeof(*values));
    char *lists[3] = { NULL, NULL, NULL };
    PGconn *pg = NULL;
    size_t n = 0;

    if (!keys || !values)
        goto done;
#define PARAM(key, value) (keys[n] = (key), values[n++] = (value))
    if (c->conninfo)
        PARAM("dbname", c->conninfo);
    PARAM("fallback_application_name", "elpq");
    for (size_t i = 0; i < c->nparams; i += 2)
        PARAM(c->params[i], c->params[i + 1]);
    PARAM("client_encoding", "UTF8");
    if (c->addresses.n > 0) {
        if (!elpq__addresses_join(&c->addresses, lists))
            goto done;
        PARAM("host", lists[0]);
        PARAM("hostaddr", lists[1]);
        PARAM("port", lists[2]);
    }
#undef PARAM
    pg = PQconnectStartParams(keys, values, c->conninfo != NULL);
done:
    free(keys);
    free(values);
    for (int i = 0; i < 3; i++)
        free(lists[i]);
    return pg;
}

/* How long one address may take. */
static int64_t slice(const struct elpq__connect *c, PGconn *pg, int64_t now)
{
    PQconninfoOption *options = PQconninfo(pg);
    int n = elpq__count_hosts(options);
    long seconds =
        strtol(elpq__option_value(options, "connect_timeout"), NULL, 10);
    int64_t left = c->deadline ? c->deadline - now : 0;

    elpq__conninfo_free(options);
    if (seconds > 0)
        return (seconds < 2 ? 2 : seconds) * INT64_C(1000000);
    if (!c->deadline)
        return INT64_MAX / 4;
    return left / (n > 1 ? n : 2); /* a single name may have two addresses */
}

/*
 * Waits for the socket as libpq wants it; false when nothing came.  Where the
 * system cannot wait, trying again at once would be a loop that never rests.
 */
static bool wait_socket(struct elpq__connect *c, PGconn *pg,
                        PostgresPollingStatusType want, int64_t usec)
{
    struct pollfd fd = { .fd = PQsocket(pg),
                         .events = want == PGRES_POLLING_READING ? POLLIN
                                                                 : POLLOUT };
    int ms = usec > POLL_MS * 1000 ? POLL_MS : (int)(usec / 1000) + 1;

    int n;

    elpq__job_waits(true);
    n = poll(&fd, 1, ms);
    c->cannot_wait = n < 0 && errno != EINTR;
    elpq__job_waits(false);
    return n > 0;
}

/*
 * One step of libpq's.  A server to which libpq gave the password may say it in
 * an error; libpq may have gone on to the next host then, with another one.
 */
static PostgresPollingStatusType poll_connect(struct elpq__connect *c,
                                              PGconn *pg)
{
    PostgresPollingStatusType want;

    c->password = elpq__password_of(pg);
    want = PQconnectPoll(pg);
    elpq__hide_in_text(c->password, PQerrorMessage(pg));
    c->password = NULL;
    return want;
}

enum verdict { CONNECTED, FAILED, NEXT_ADDRESS };

static enum verdict drive(struct elpq__connect *c, PGconn *pg)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    int64_t now = elpq__now();
    int64_t share = slice(c, pg, now);
    int64_t began = now;
    char current[160] = "";

    while (!atomic_load(&c->job.abandoned)) {
        char seen[160];
        int64_t left = began + share - now;

        snprintf(seen, sizeof(seen), "%s %s", PQhostaddr(pg), PQport(pg));
        if (strcmp(seen, current) != 0) {
            strcpy(current, seen);
            began = now;
            left = share;
        }
        if (c->deadline && c->deadline - now < left)
            left = c->deadline - now;
        if (left > 0 && wait_socket(c, pg, want, left)) {
            want = poll_connect(c, pg);
            if (want == PGRES_POLLING_OK)
                return CONNECTED;
            if (want == PGRES_POLLING_FAILED)
                return FAILED;
        }
        if (c->cannot_wait)
            return FAILED;
        now = elpq__now();
        if (c->deadline && now >= c->deadline) {
            c->timed_out = true;
            return FAILED;
        }
        if (now - began >= share) {
            if (elpq__addresses_give_up(&c->addresses, pg))
                return NEXT_ADDRESS;
            share = INT64_MAX / 4; /* the last one: until the deadline */
        }
    }
    return FAILED;
}

/* Values that the rest relies on; libpq short of memory may have lost one. */
static const char *check_session(PGconn *pg)
{
    static const char *const wanted[][2] = {
        { "client_encoding", "UTF8" },
        { "standard_conforming_strings", "on" },
        { "integer_datetimes", "on" },
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *value = PQparameterStatus(pg, wanted[i][0]);

        if (!value || strcmp(value, wanted[i][1]) != 0)
            return i == 0 ? "the session's client_encoding is not UTF8"
                          : "the session lacks standard_conforming_strings "
                            "or integer_datetimes";
    }
    return NULL;
}

static void timeout_message(struct elpq__connect *c, PGconn *pg)
{
    char text[400];
    const char *host = PQhost(pg);

    snprintf(text, sizeof(text),
             "no connection within connect_timeout_ms; the last address "
             "tried was %s, port %s",
             host ? host : "unknown", PQport(pg) ? PQport(pg) : "unknown");
    set_message(c, text);
}

static void work(struct elpq__job *job)
{
    struct elpq__connect *c =
        elpq__container(job, struct elpq__connect, job);
    enum verdict verdict = NEXT_ADDRESS;

    for (int i = 0; i < ELPQ__ADDRESSES_MAX && verdict == NEXT_ADDRESS; i++) {
        PGconn *pg = start(c);
        const char *why;

        if (!pg)
            break;
        PQsetNoticeReceiver(pg, take_notice, c);
        PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
        verdict = PQstatus(pg) == CONNECTION_BAD ? FAILED : drive(c, pg);
        if (verdict == CONNECTED && (why = check_session(pg))) {
            set_message(c, why);
            verdict = FAILED;
        } else if (verdict == CONNECTED) {
            PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
            c->pg = pg;
            break;
        } else if (c->timed_out) {
            timeout_message(c, pg);
        } else if (c->cannot_wait) {
            set_message(c, "poll() failed, which may be a lack of memory");
        } else if (verdict == FAILED) {
            set_message(c, PQerrorMessage(pg));
            c->no_password = PQconnectionNeedsPassword(pg);
        }
        PQfinish(pg);
    }
}

/* ------------------------------------------------------------ on the loop */

static void connect_free(struct elpq__connect *c)
{
    PQfinish(c->pg);
    elpq__addresses_free(&c->addresses);
    for (int i = 0; i < c->nnotices; i++)
        elpq_error_free(c->notices[i]);
    elpq__forget_strings(c->params);
    elpq__forget(c->conninfo);
    free(c->message);
    free(c);
}

static void dispose(struct elpq__job *job)
{
    connect_free(elpq__container(job, struct elpq__connect, job));
}

/* Wrong passwords, unknown databases and such do not heal by themselves. */
static unsigned failure_flags(const char *sqlstate)
{
    if (*sqlstate && !elpq__sqlstate_retryable(sqlstate) &&
        strncmp(sqlstate, "57", 2) != 0 && strncmp(sqlstate, "08", 2) != 0)
        return ELPQ_NOT_EXECUTED;
    return ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE;
}

static void report(elpq_conn *conn, const struct elpq__connect *c)
{
    const char *message = c->message;
    elpq_error error;

    /* Short of memory or descriptors, libpq may fail without a word. */
    if (!message || !*message)
        message = "no connection: libpq gives no reason, which may be a lack "
                  "of memory or descriptors";

    elpq__error_set(&error, c->timed_out ? ELPQ_E_TIMEOUT : ELPQ_E_CONNECT,
                    c->no_password ? ELPQ_NOT_EXECUTED
                                   : failure_flags(c->sqlstate),
                    message);
    strcpy(error.sqlstate, c->sqlstate);
    elpq__conn_connect_failed(conn, &error);
}

static void done(struct elpq__job *job)
{
    struct elpq__connect *c =
        elpq__container(job, struct elpq__connect, job);
    elpq_conn *conn = c->conn;
    PGconn *pg = c->pg;

    conn->connect = NULL;
    c->pg = NULL;
    elpq__conn_ref(conn);
    if (pg)
        elpq__conn_connected(conn, pg);
    else
        report(conn, c);
    for (int i = 0; i < c->nnotices && conn->state != ELPQ__CLOSED; i++)
        elpq__conn_notice(conn, c->notices[i]);
    elpq__conn_unref(conn);
    connect_free(c);
}

bool elpq__connect_start(elpq_conn *conn, const char *conninfo,
                         const char *const *params)
{
    struct elpq__connect *c = elpq__new(struct elpq__connect);

    if (!c)
        return false;
    c->conn = conn;
    c->job.work = work;
    c->job.done = done;
    c->job.dispose = dispose;
    if (conn->options.connect_timeout_ms > 0)
        c->deadline = elpq__now() +
                      conn->options.connect_timeout_ms * INT64_C(1000);
    if (conninfo && *conninfo)
        c->conninfo = strdup(conninfo);
    c->params = elpq__copy_strings(params);
    while (c->params && c->params[c->nparams])
        c->nparams++;
    if ((conninfo && *conninfo && !c->conninfo) || !c->params ||
        !elpq__job_submit(conn->loop, &c->job, false)) {
        connect_free(c);
        return false;
    }
    conn->connect = c;
    return true;
}

void elpq__connect_abandon(elpq_conn *conn)
{
    struct elpq__connect *c = conn->connect;

    conn->connect = NULL;
    if (c)
        elpq__job_abandon(&c->job);
}

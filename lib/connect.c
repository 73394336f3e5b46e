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
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "conn_int.h"

#define POLL_MS 50        /* how soon an abandoned job notices              */
#define ATTEMPTS_MAX 64   /* addresses that are tried at most               */
#define NOTICES_MAX 16    /* notices of the server kept while connecting    */
#define EXTRA_PARAMS 7

/* One address to try; all three strings are owned, and may be "". */
struct address {
    char *host;
    char *hostaddr;
    char *port;
};

struct elpq__connect {
    struct elpq__job job;
    elpq_conn *conn; /* not looked at by the thread                       */
    char *conninfo;
    char **params;   /* keyword, value, ..., NULL                         */
    size_t nparams;
    int64_t deadline;

    /* the thread's, until it is done */
    PGconn *pg;
    struct address list[ATTEMPTS_MAX]; /* of the second and later attempts */
    int naddresses;                    /* 0: as conninfo says              */
    char *message;
    char sqlstate[6];
    bool timed_out;
    bool no_password; /* asked for one, and had none                      */
    elpq_error *notices[NOTICES_MAX];
    int nnotices;
};

/* --------------------------------------------------------------- messages */

/*
 * libpq's complaints about a conninfo string quote pieces of it, and such a
 * piece may be a password.  Only names of options are let through.
 */
static void hide_quotes(char *message)
{
    bool option = strstr(message, "invalid connection option") != NULL;
    char *p = strchr(message, '"');

    while (p) {
        size_t len = strcspn(p + 1, "\"");
        size_t name = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");
        char *end = p + 1 + len;

        if (!*end)
            end = p + strlen(p); /* no closing quote: all of it */
        if ((option && name == len && len <= 32) ||
            strncmp(p, "\"=\"", 3) == 0) {
            p = *end ? strchr(end + 1, '"') : NULL;
            continue;
        }
        /* "..." may be longer than what it hides: the caller left room. */
        memmove(p + 4, end, strlen(end) + 1);
        memcpy(p + 1, "...", 3);
        p = p[4] ? strchr(p + 5, '"') : NULL;
    }
}

static void trim(char *s)
{
    size_t n = strlen(s);

    while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == ' '))
        s[--n] = '\0';
}

char *elpq__conninfo_check(const char *conninfo, const char *const *params)
{
    PQconninfoOption *options;
    char *why = NULL;
    char *copy;

    for (size_t i = 0; params && params[i]; i += 2)
        if (!params[i + 1])
            return strdup("params: the last keyword has no value");
    if (!conninfo || !*conninfo)
        return NULL;
    options = PQconninfoParse(conninfo, &why);
    if (options) {
        PQconninfoFree(options);
        return NULL;
    }
    if (!why)
        return strdup("out of memory");
    trim(why);
    /* At worst five characters come for two. */
    copy = malloc(3 * strlen(why) + 8);
    if (copy) {
        strcpy(copy, why);
        hide_quotes(copy);
    }
    PQfreemem(why);
    return copy;
}

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
        trim(c->message);
        extract_sqlstate(c->message, c->sqlstate);
    }
}

static void take_notice(void *arg, const PGresult *res)
{
    struct elpq__connect *c = arg;
    elpq_error notice;

    if (c->nnotices == NOTICES_MAX)
        return;
    elpq__error_from_result(&notice, res);
    notice.code = ELPQ_OK;
    c->notices[c->nnotices] = elpq_error_dup(&notice);
    if (c->notices[c->nnotices])
        c->nnotices++;
}

/* -------------------------------------------------------------- addresses */

static void free_address(struct address *a)
{
    free(a->host);
    free(a->hostaddr);
    free(a->port);
    memset(a, 0, sizeof(*a));
}

static bool add_address(struct elpq__connect *c, const char *host,
                        const char *hostaddr, const char *port)
{
    struct address *a = &c->list[c->naddresses];

    if (c->naddresses == ATTEMPTS_MAX)
        return true; /* the rest is not tried */
    a->host = strdup(host);
    a->hostaddr = strdup(hostaddr);
    a->port = strdup(port);
    if (!a->host || !a->hostaddr || !a->port) {
        free_address(a);
        return false;
    }
    c->naddresses++;
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

static const char *option_value(const PQconninfoOption *options,
                                const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val ? options->val : "";
    return "";
}

/* What libpq would try, as a list: its hosts in order. */
static bool list_hosts(struct elpq__connect *c, PQconninfoOption *options)
{
    const char *hosts = option_value(options, "host");
    const char *addrs = option_value(options, "hostaddr");
    const char *ports = option_value(options, "port");
    int n = count_elements(*addrs ? addrs : hosts);
    char host[512];
    char addr[128];
    char port[16];

    for (int i = 0; i < n; i++) {
        element(hosts, i, host, sizeof(host));
        element(addrs, i, addr, sizeof(addr));
        element(ports, i, port, sizeof(port));
        if (!add_address(c, host, addr, port))
            return false;
    }
    return true;
}

static void remove_address(struct elpq__connect *c, int i)
{
    free_address(&c->list[i]);
    memmove(&c->list[i], &c->list[i + 1],
            (size_t)(c->naddresses - i - 1) * sizeof(c->list[0]));
    c->naddresses--;
    memset(&c->list[c->naddresses], 0, sizeof(c->list[0]));
}

/* The other addresses of a name take the place of the one that is silent. */
static bool add_siblings(struct elpq__connect *c, const char *host,
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

        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof(text),
                        NULL, 0, NI_NUMERICHOST) == 0 &&
            strcmp(text, silent) != 0)
            ok = add_address(c, host, text, port);
    }
    freeaddrinfo(found);
    return ok;
}

/*
 * Leaves the address that libpq waits for out of the list.  False if nothing
 * else is left to try (or there is no memory): then waiting goes on.
 */
static bool give_up_address(struct elpq__connect *c, PGconn *pg)
{
    const char *host = PQhost(pg) ? PQhost(pg) : "";
    const char *addr = PQhostaddr(pg) ? PQhostaddr(pg) : "";
    const char *port = PQport(pg) ? PQport(pg) : "";
    bool named = false;

    if (c->naddresses == 0) {
        PQconninfoOption *options = PQconninfo(pg);
        bool ok = options && list_hosts(c, options);

        PQconninfoFree(options);
        if (!ok)
            return false;
    }
    for (int i = 0; i < c->naddresses; i++) {
        struct address *a = &c->list[i];
        const char *name = *a->host ? a->host : a->hostaddr;

        if (strcmp(name, host) == 0 &&
            (!*a->hostaddr || strcmp(a->hostaddr, addr) == 0) &&
            (!*a->port || strcmp(a->port, port) == 0)) {
            named = !*a->hostaddr;
            remove_address(c, i);
            break;
        }
    }
    if (named && !add_siblings(c, host, addr, port))
        return false;
    return c->naddresses > 0;
}

/* ---------------------------------------------------------------- attempt */

static char *join(const struct elpq__connect *c, size_t member)
{
    struct elpq__buf buf = { 0 };

    for (int i = 0; i < c->naddresses; i++) {
        if (i)
            elpq__buf_add_byte(&buf, ',');
        elpq__buf_add_str(&buf,
                          *(char *const *)((const char *)&c->list[i] +
                                           member));
    }
    elpq__buf_add_byte(&buf, '\0');
    if (buf.failed)
        elpq__buf_free(&buf);
    return buf.data;
}

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
    if (c->naddresses > 0) {
        lists[0] = join(c, offsetof(struct address, host));
        lists[1] = join(c, offsetof(struct address, hostaddr));
        lists[2] = join(c, offsetof(struct address, port));
        if (!lists[0] || !lists[1] || !lists[2])
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
    const char *addrs = option_value(options, "hostaddr");
    int n = count_elements(*addrs ? addrs : option_value(options, "host"));
    long seconds =
        strtol(option_value(options, "connect_timeout"), NULL, 10);
    int64_t left = c->deadline ? c->deadline - now : 0;

    PQconninfoFree(options);
    if (seconds > 0)
        return (seconds < 2 ? 2 : seconds) * INT64_C(1000000);
    if (!c->deadline)
        return INT64_MAX / 4;
    return left / (n > 1 ? n : 2); /* a single name may have two addresses */
}

/* Waits for the socket as libpq wants it; false when nothing came. */
static bool wait_socket(PGconn *pg, PostgresPollingStatusType want,
                        int64_t usec)
{
    struct pollfd fd = { .fd = PQsocket(pg),
                         .events = want == PGRES_POLLING_READING ? POLLIN
                                                                 : POLLOUT };
    int ms = usec > POLL_MS * 1000 ? POLL_MS : (int)(usec / 1000) + 1;

    return poll(&fd, 1, ms) > 0;
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
        if (left > 0 && wait_socket(pg, want, left)) {
            want = PQconnectPoll(pg);
            if (want == PGRES_POLLING_OK)
                return CONNECTED;
            if (want == PGRES_POLLING_FAILED)
                return FAILED;
        }
        now = elpq__now();
        if (c->deadline && now >= c->deadline) {
            c->timed_out = true;
            return FAILED;
        }
        if (now - began >= share) {
            if (give_up_address(c, pg))
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

    for (int i = 0; i < ATTEMPTS_MAX && verdict == NEXT_ADDRESS; i++) {
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
    while (c->naddresses > 0)
        free_address(&c->list[--c->naddresses]);
    for (int i = 0; i < c->nnotices; i++)
        elpq_error_free(c->notices[i]);
    for (size_t i = 0; c->params && i < c->nparams && c->params[i]; i++) {
        explicit_bzero(c->params[i], strlen(c->params[i]));
        free(c->params[i]);
    }
    free(c->params);
    if (c->conninfo)
        explicit_bzero(c->conninfo, strlen(c->conninfo));
    free(c->conninfo);
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

static bool copy_params(struct elpq__connect *c, const char *const *params)
{
    size_t n = 0;

    while (params && params[n])
        n++;
    c->params = calloc(n + 1, sizeof(*c->params));
    if (!c->params)
        return false;
    c->nparams = n;
    for (size_t i = 0; i < n; i++)
        if (!(c->params[i] = strdup(params[i])))
            return false;
    return true;
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
    if ((conninfo && *conninfo && !c->conninfo) || !copy_params(c, params) ||
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

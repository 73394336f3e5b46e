/* SPDX-License-Identifier: PostgreSQL */
/*
 * The server as the tests see it: connections and pools made from the
 * environment, trace events, and the view from outside.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "harness_internal.h"

#define MANY_STOPPED 4
#define MANY_DEAD 4

struct seen_event seen[MANY_TRACES];
int seen_count;
int notice_count;
char notice_last[160];
void (*trace_then)(const elpq_event *event);
void (*notice_then)(elpq_conn *conn);

static PGconn *admin_conn;
static int stopped[MANY_STOPPED];
static int dead[MANY_DEAD]; /* sockets that no one listens on */
static int dead_count;

/* -------------------------------------------------- connections and pools */

elpq_conn_options traced(void)
{
    elpq_conn_options o;

    memset(&o, 0, sizeof(o));
    o.trace = on_event;
    o.notice = on_notice;
    return o;
}

elpq_conn *connect_now(const char *conninfo, const elpq_conn_options *options)
{
    struct answer *a = expect_ok(start_connect(conninfo, options));

    ck_assert_ptr_eq(a->conn, a->handle);
    return a->conn;
}

elpq_pool *pool_new(const elpq_pool_options *options)
{
    elpq_error *error = NULL;
    elpq_pool *pool;

    RUN(pool = elpq_pool_new(loop, NULL, options, &error));
    ck_assert_msg(pool, "no pool: %s", error ? error->message : "why?");
    ck_assert_ptr_null(error);
    return pool;
}

elpq_pool *pool_at(const char *conninfo, const elpq_pool_options *options)
{
    elpq_pool *pool;

    RUN(pool = elpq_pool_new(loop, conninfo, options, NULL));
    ck_assert_ptr_nonnull(pool);
    return pool;
}

elpq_pool *pool_of(unsigned max_size)
{
    elpq_pool_options o;

    memset(&o, 0, sizeof(o));
    o.max_size = max_size;
    return pool_new(&o);
}

elpq_conn *lease(elpq_pool *pool)
{
    return expect_ok(acquire(pool, NULL))->conn;
}

elpq_tx *begin_now(elpq_pool *pool)
{
    return expect_ok(begin(pool, NULL))->tx;
}

elpq_pool_statistics stats(elpq_pool *pool)
{
    elpq_pool_statistics s;

    memset(&s, 0xff, sizeof(s));
    elpq_pool_stats(pool, &s);
    return s;
}

void finish_pool(elpq_pool *pool)
{
    expect_ok(close_pool(pool, 0));
}

static const char *env_or(const char *name, const char *other)
{
    const char *value = harness_env(name);

    return value ? value : other;
}

const char *server_host(void)
{
    return env_or("ELPQ_TEST_HOST", env_or("PGHOST", "localhost"));
}

const char *server_port(void)
{
    return env_or("ELPQ_TEST_PORT", env_or("PGPORT", "5432"));
}

const char *tcp(const char *more)
{
    static char conninfo[2][1000];
    static int next;
    char *s = conninfo[next++ % 2];

    snprintf(s, sizeof(conninfo[0]), "host=%s port=%s dbname=%s %s",
             server_host(), server_port(), env_or("PGDATABASE", "postgres"),
             more);
    return s;
}

const char *loopback(int port)
{
    static char conninfo[4][64];
    static int next;
    char *s = conninfo[next++ % 4];

    snprintf(s, sizeof(conninfo[0]), "host=127.0.0.1 port=%d", port);
    return s;
}

const char *temporary_file(const char *text)
{
    static char path[200];
    int fd;

    snprintf(path, sizeof(path), "%s/elpq-test-XXXXXX",
             env_or("TMPDIR", "/tmp"));
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    return path;
}

/* ----------------------------------------------------------------- traces */

void harness_reset_traces(void)
{
    seen_count = 0;
    notice_count = 0;
    notice_last[0] = '\0';
    trace_then = NULL;
    notice_then = NULL;
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

void on_event(const elpq_event *event, void *arg)
{
    struct seen_event *e = &seen[seen_count];

    (void)arg;
    if (seen_count < MANY_TRACES) {
        e->kind = event->kind;
        e->pid = event->pid;
        e->code = event->code;
        e->usec = event->usec;
        e->when = now_usec();
        e->rows = event->rows;
        e->bytes = event->bytes;
        e->conn = event->conn;
        copy_text(e->sqlstate, sizeof(e->sqlstate), event->sqlstate);
        copy_text(e->sql, sizeof(e->sql), event->sql);
        copy_text(e->tag, sizeof(e->tag), event->tag);
        copy_text(e->message, sizeof(e->message), event->message);
        seen_count++;
    }
    if (trace_then)
        trace_then(event);
}

void on_notice(elpq_conn *conn, const elpq_error *notice, void *arg)
{
    (void)arg;
    notice_count++;
    copy_text(notice_last, sizeof(notice_last), notice->message);
    if (notice_then)
        notice_then(conn);
}

int events_of(elpq_event_kind kind)
{
    int i, n = 0;

    for (i = 0; i < seen_count; i++)
        n += seen[i].kind == (int)kind;
    return n;
}

void await_events(elpq_event_kind kind, int n)
{
    int64_t end = now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());

    while (events_of(kind) < n) {
        ck_assert_msg(now_usec() < end, "%d of %d events of kind %d",
                      events_of(kind), n, kind);
        harness_turn(EVLOOP_ONCE);
    }
}

/* ----------------------------------------------------- view from outside */

PGconn *admin(void)
{
    const char *names[] = { "user", "application_name", NULL };
    const char *values[] = { harness_env("ELPQ_TEST_SUPERUSER"), "admin",
                             NULL };

    if (!admin_conn) {
        admin_conn = PQconnectdbParams(names, values, 0);
        ck_assert_msg(PQstatus(admin_conn) == CONNECTION_OK, "%s",
                      PQerrorMessage(admin_conn));
    }
    return admin_conn;
}

void harness_close_admin(void)
{
    PQfinish(admin_conn);
    admin_conn = NULL;
}

__attribute__((format(printf, 1, 0))) static PGresult *
admin_query(const char *format, va_list args)
{
    char sql[4000];
    PGresult *r;

    vsnprintf(sql, sizeof(sql), format, args);
    r = PQexec(admin(), sql);
    ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK ||
                      PQresultStatus(r) == PGRES_TUPLES_OK,
                  "%s: %s", sql, PQerrorMessage(admin()));
    return r;
}

void admin_do(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    PQclear(admin_query(format, args));
    va_end(args);
}

__attribute__((format(printf, 1, 0))) static long
admin_number(const char *format, va_list args)
{
    PGresult *r = admin_query(format, args);
    long value = 0;

    if (PQntuples(r) > 0 && !PQgetisnull(r, 0, 0)) {
        const char *text = PQgetvalue(r, 0, 0);

        value = *text == 't' ? 1 : strtol(text, NULL, 10);
    }
    PQclear(r);
    return value;
}

long admin_int(const char *format, ...)
{
    va_list args;
    long value;

    va_start(args, format);
    value = admin_number(format, args);
    va_end(args);
    return value;
}

/* Within a transaction pg_stat_activity stays as it was at first. */
static void look_anew(void)
{
    if (PQtransactionStatus(admin()) != PQTRANS_IDLE)
        admin_do("select pg_stat_clear_snapshot()");
}

/* The round trip to the server is the pace of the loop. */
void await_server(const char *format, ...)
{
    int64_t end = now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());

    for (;;) {
        va_list args;
        long value;

        va_start(args, format);
        value = admin_number(format, args);
        va_end(args);
        if (value)
            return;
        ck_assert_msg(now_usec() < end, "still not true: %s", format);
        run_turns(2);
        look_anew();
    }
}

void lock_server(void)
{
    admin_do("select pg_advisory_lock(%d)", LOCK_KEY);
}

void unlock_server(void)
{
    ck_assert_int_eq(admin_int("select pg_advisory_unlock(%d)", LOCK_KEY), 1);
}

void await_blocked(int n)
{
    await_server("select count(*) = %d from " LOCKS " not granted"
                 " and locktype = 'advisory' and objid = %d",
                 n, LOCK_KEY);
}

void terminate(int pid)
{
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(admin_int("select pg_terminate_backend(%d)", pid), 1);
    while (admin_int("select count(*) from pg_stat_activity where pid = %d",
                     pid) > 0)
        look_anew();
}

/* Only a server that no other program uses may be restarted. */
int harness_main_private(const char *name, void (*build)(Suite *suite),
                         char **argv)
{
    const char *with_postgres = harness_env("ELPQ_TEST_WITH_POSTGRES");

    if (!with_postgres || harness_env("ELPQ_TEST_PRIVATE"))
        return harness_main(name, build);
    setenv("ELPQ_TEST_PRIVATE", "yes", 1);
    execl(with_postgres, with_postgres, "--set", "max_connections=300", "--",
          argv[0], (char *)NULL);
    perror(with_postgres);
    return 2;
}

bool harness_is_private(void)
{
    return harness_own_server() && harness_env("ELPQ_TEST_PRIVATE");
}

/* In the child: as the server's user, with none of our descriptors. */
static void exec_restart(const char *pgctl, const char *data,
                         const char *mode, const struct stat *owner)
{
    int log = open(harness_env("ELPQ_TEST_LOG"), O_WRONLY | O_APPEND);
    int fd;

    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(log, 1); /* the server inherits it */
    dup2(log, 2);
    for (fd = 3; fd < 256; fd++)
        close(fd);
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(owner->st_gid) != 0 ||
         setuid(owner->st_uid) != 0))
        _exit(126);
    if (chdir(data) == 0)
        execl(pgctl, "pg_ctl", "-D", data, "-m", mode, "-w", "-s",
              "restart", (char *)NULL);
    _exit(127);
}

static void restart(const char *mode)
{
    const char *data = harness_env("ELPQ_TEST_PGDATA");
    struct stat owner;
    char pgctl[500];
    int status = -1;
    pid_t pid;

    ck_assert_ptr_nonnull(data);
    ck_assert_int_eq(stat(data, &owner), 0);
    snprintf(pgctl, sizeof(pgctl), "%s/pg_ctl", harness_env("ELPQ_TEST_PGBIN"));
    pid = fork();
    if (pid == 0)
        exec_restart(pgctl, data, mode, &owner);
    while (waitpid(pid, &status, WNOHANG) == 0)
        run_for_ms(5);
    harness_close_admin(); /* only now: what it has locked stays so */
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "%s: status %d", pgctl, status);
}

void restart_server(void)
{
    restart("fast");
}

void crash_server(void)
{
    restart("immediate");
}

int postmaster_pid(void)
{
    char path[300];
    FILE *file;
    int pid = 0;

    snprintf(path, sizeof(path), "%s/postmaster.pid",
             harness_env("ELPQ_TEST_PGDATA"));
    file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%d", &pid) != 1)
            pid = 0;
        fclose(file);
    }
    return pid;
}

/* Runs when the process exits as well: a failed test skips its teardown. */
void harness_resume_stopped(void)
{
    int i;

    for (i = 0; i < MANY_STOPPED; i++) {
        if (stopped[i])
            kill(stopped[i], SIGCONT);
        stopped[i] = 0;
    }
}

bool signal_server(int pid, int sig)
{
    int i;

    ck_assert_int_gt(pid, 1);
    if (!harness_own_server() || kill(pid, sig) != 0)
        return false;
    for (i = 0; sig == SIGSTOP && i < MANY_STOPPED; i++) {
        if (!stopped[i]) {
            stopped[i] = pid;
            return atexit(harness_resume_stopped) == 0;
        }
    }
    return true;
}

/* ---------------------------------------------------------------- network */

static int bound_socket(int *port)
{
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(&at, 0, sizeof(at));
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

int blackhole(int *port)
{
    int fd = bound_socket(port);

    ck_assert_int_eq(listen(fd, 128), 0);
    return fd;
}

/* Nobody else gets the port either: the socket stays bound to it. */
int dead_port(void)
{
    int port;

    ck_assert_int_lt(dead_count, MANY_DEAD);
    dead[dead_count++] = bound_socket(&port);
    return port;
}

void harness_close_dead(void)
{
    while (dead_count > 0)
        close(dead[--dead_count]);
}

int open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 3; /* two dots, and the directory itself */
}

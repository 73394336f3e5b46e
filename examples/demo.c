/* SPDX-License-Identifier: PostgreSQL */
/*
 * demo: loads what is installed on this machine into PostgreSQL, and asks two
 * questions about it, one built with select() and one written with text().
 *
 *     cc demo.c $(pkg-config --cflags --libs elpq-qb elpq libevent_core) \
 *        -o demo
 *     ./demo --section libs --limit 5
 *
 * The packages come from dpkg-query or rpm; without either, from /usr/bin.
 * They are kept in a schema of the demo's own, which it drops at the end, on
 * Ctrl-C as well.  The server is the one that the PG* variables name.
 */
#include <elpq/elpq.h>
#include <elpq/qb.h>
#include <event2/event.h>
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LANES = 4, WINDOW = 64, BAR = 24 };

/* clang-format off */
#define PACKAGE(C) C(name, TEXT) C(version, TEXT) C(section, TEXT) C(kb, INT8)
ELQB_TABLE(package, PACKAGE)
/* clang-format on */

struct item {
    char *name; /* owns the memory of all three */
    const char *version, *section;
    int64_t kb;
};

static struct {
    const char *section; /* of the command line */
    int min_kb;
    int limit;
    struct item *items;
    size_t count;
    size_t next; /* the one to insert next */
    size_t loaded;
    double began;
    struct event_base *base;
    struct event *signals[2];
    struct event *tick; /* redraws the progress bar */
    elpq_pool *pool;
    elpq_conn *lanes[LANES];
    elqb *builder;
    char schema[32];
    bool terminal, utf8;
    bool creating, created; /* the schema */
    bool finishing;
    int status;
} demo = { .limit = 10, .status = 1 };

static void finish(void);
static void drop_schema(void);

/* ---------------------------------------------------------------- display */

static const char *style(const char *code)
{
    return demo.terminal && !(getenv("NO_COLOR") && *getenv("NO_COLOR")) ? code
                                                                         : "";
}
#define BOLD style("\033[1m")
#define DIM style("\033[2m")
#define CYAN style("\033[36m")
#define PLAIN style("\033[0m")

/* part / whole of BAR characters, and something for the rest of them. */
static void print_bar(double part, double whole, const char *rest)
{
    int full = whole > 0 ? (int)(part / whole * BAR + 0.5) : 0;

    fputs(CYAN, stdout);
    for (int i = 0; i < BAR; i++)
        fputs(i < full ? (demo.utf8 ? "\u2588" : "#") : rest, stdout);
    fputs(PLAIN, stdout);
}

static const char *human(double kb, char *out, size_t size)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    int unit = 0;

    for (; kb >= 999.5 && unit < 3; unit++)
        kb /= 1024;
    snprintf(out, size, "%.*f %s", kb < 9.95 && unit > 0 ? 1 : 0, kb,
             units[unit]);
    return out;
}

/* The statement, a new line for each clause, and its parameters. */
static void print_statement(const elpq_statement *st)
{
    static const char *const clauses[] = {
        " FROM ", " WHERE ", " AND ", " GROUP BY ", " ORDER BY ", " LIMIT "
    };

    int column = 0;

    printf("%s    ", DIM);
    for (const char *c = st->sql; *c; c++, column++) {
        bool clause = *c == '\n';
        bool wrap = !strchr(st->sql, '\n') && column > 40 && c[-1] == ',';

        for (size_t i = 0; i < sizeof(clauses) / sizeof(*clauses); i++)
            clause |= strncmp(c, clauses[i], strlen(clauses[i])) == 0;
        if (clause || wrap)
            column = printf(clause ? "\n    " : "\n           ");
        else
            putchar(*c);
    }
    puts("");
    for (unsigned i = 0; i < st->nvalues; i++) {
        const elpq_value *v = &st->values[i];

        if (v->kind == ELPQ_KIND_TEXT)
            printf("    $%u = '%.*s'\n", i + 1, (int)v->u.bytes.size,
                   v->u.bytes.data);
        else if (v->kind == ELPQ_KIND_INT)
            printf("    $%u = %" PRId64 "\n", i + 1, v->u.int64);
    }
    puts(PLAIN);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Called by the timer on a terminal, else after each quarter. */
static void print_progress(evutil_socket_t fd, short what, void *arg)
{
    double seconds = now() - demo.began;

    (void)fd, (void)what, (void)arg;
    printf("%sload   ", demo.terminal ? "\r\033[K" : "");
    print_bar((double)demo.loaded, (double)demo.count,
              demo.utf8 ? "\u2591" : ".");
    printf(" %zu of %zu, %.0f rows/s", demo.loaded, demo.count,
           seconds > 0 ? (double)demo.loaded / seconds : 0.0);
    if (!demo.terminal || demo.loaded == demo.count)
        puts("");
    fflush(stdout);
}

/* ------------------------------------------------------------------ input */

static void *need(void *memory)
{
    if (memory)
        return memory;
    fputs("demo: out of memory\n", stderr);
    exit(1);
}

/* Lines of name, version, section and size, with tabs between. */
static bool read_command(const char *command, int64_t bytes_per_unit)
{
    FILE *in = popen(command, "r");
    struct item i;
    char line[1024];

    while (in && fgets(line, sizeof(line), in)) {
        char *rest = i.name = need(strdup(line));

        strsep(&rest, "\t");
        i.version = strsep(&rest, "\t");
        i.section = strsep(&rest, "\t");
        i.kb = (strtoll(rest ? rest : "", NULL, 10) * bytes_per_unit + 1023) /
               1024;
        if (demo.count % 1024 == 0)
            demo.items =
                need(realloc(demo.items, (demo.count + 1024) * sizeof(i)));
        demo.items[demo.count++] = i;
    }
    if (in)
        pclose(in);
    return demo.count > 0;
}

static const char *read_items(void)
{
    if (read_command("dpkg-query -W -f='${Package}\\t${Version}\\t"
                     "${Section}\\t${Installed-Size}\\n' 2>/dev/null",
                     1024))
        return "packages from dpkg-query";
    if (read_command("rpm -qa --qf '%{NAME}\\t%{VERSION}\\t%{GROUP}\\t"
                     "%{SIZE}\\n' 2>/dev/null",
                     1))
        return "packages from rpm";
    if (read_command("ls -ln /usr/bin/ | LC_ALL=C awk '/^-/ && !/[^ -~]/ { "
                     "print $9 "
                     "\"\\t-\\tprograms\\t\" $5 }'",
                     1))
        return "programs from /usr/bin";
    return NULL;
}

/* ------------------------------------------------------------------- load */

/* Ends the demo: a message, unless it went well, and then finish(). */
static void fail(const char *what, const char *message)
{
    if (!demo.finishing)
        fprintf(stderr, "%sdemo: %s: %s\n", demo.tick ? "\n" : "", what,
                message);
    finish();
}

static bool failed(const char *what, int code, const elpq_error *error)
{
    if (code == 0 && !error)
        return false;
    fail(what, error ? error->message : elpq_strerror(code));
    return true;
}

static void end_load(void)
{
    if (demo.tick)
        event_free(demo.tick);
    demo.tick = NULL;
    for (int i = 0; i < LANES; i++) {
        elpq_conn_release(demo.lanes[i]);
        demo.lanes[i] = NULL;
    }
}

static void ask_first(void);
static void on_inserted(elpq_result *, const elpq_error *, void *lane);

/* Prepared once on each connection; then only the values travel. */
static void insert_next(elpq_conn *lane)
{
    const struct item *i = &demo.items[demo.next++];

    failed("insert",
           elpq_execute(lane,
                        elpq_sql("INSERT INTO package VALUES ($1, $2, $3, $4)",
                                 i->name, i->version, i->section, i->kb),
                        NULL, on_inserted, lane),
           NULL);
}

static void on_inserted(elpq_result *result, const elpq_error *error,
                        void *lane)
{
    (void)result;
    if (demo.finishing || failed("insert", 0, error))
        return;
    demo.loaded++;
    if (demo.loaded == demo.count ||
        (!demo.terminal && demo.loaded % (demo.count / 4 + 1) == 0))
        print_progress(0, 0, NULL);
    if (demo.next < demo.count) {
        insert_next(lane);
    } else if (demo.loaded == demo.count) {
        end_load();
        ask_first();
    }
}

/* Each connection has WINDOW statements in flight, and never more. */
static void on_acquired(elpq_conn *conn, const elpq_error *error, void *lane)
{
    if (demo.finishing || demo.next >= demo.count)
        elpq_conn_release(conn); /* it came too late */
    else if (!failed("connect", 0, error))
        *(elpq_conn **)lane = conn;
    for (int i = 0; i < WINDOW && demo.next < demo.count && !demo.finishing;
         i++)
        insert_next(conn);
}

static void on_schema(const elpq_error *error, void *arg)
{
    const struct timeval tenth = { 0, 100000 };

    (void)arg;
    demo.creating = false;
    demo.created = !error;
    if (demo.finishing)
        drop_schema(); /* interrupted, and only now there is one */
    if (demo.finishing || failed("create the table", 0, error))
        return;
    demo.began = now();
    if (demo.terminal) {
        demo.tick =
            need(event_new(demo.base, -1, EV_PERSIST, print_progress, NULL));
        event_add(demo.tick, &tenth);
    }
    for (int i = 0; i < LANES; i++)
        if (failed(
                "acquire",
                elpq_pool_acquire(demo.pool, NULL, on_acquired, &demo.lanes[i]),
                NULL))
            return;
}

/* ---------------------------------------------------------------- reports */

static void print_heading(const elpq_result *result, const char *heading)
{
    printf("%s  %s%s\n", BOLD,
           elpq_rows(result) > 0 ? heading : "nothing matches", PLAIN);
}

static void ask(const char *title, const elpq_statement *st,
                elpq_result_cb callback)
{
    if (!st) {
        fail("builder", elqb_error(demo.builder));
        return;
    }
    printf("\n%s%s%s\n\n", BOLD, title, PLAIN);
    print_statement(st);
    failed("ask", elpq_execute(demo.pool, st, NULL, callback, NULL), NULL);
}

static void on_largest(elpq_result *result, const elpq_error *error, void *arg)
{
    const char *name, *version;
    int64_t kb;
    double share;
    char size[32];

    (void)arg;
    if (demo.finishing || failed("the second question", 0, error))
        return;
    print_heading(result, "name                               version"
                          "                   size     so far");
    for (size_t row = 0; row < elpq_rows(result); row++) {
        if (failed("read", elpq_scan(result, row, &name, &version, &kb, &share),
                   NULL))
            return;
        printf("  %-34.34s %-20.20s %9s  %8.1f%%\n", name, version,
               human((double)kb, size, sizeof(size)), share * 100);
    }
    demo.status = 0;
    finish();
}

static void ask_second(void)
{
    elqb *q = demo.builder;
    elqb_expr section =
        demo.section ? elqb_val(demo.section) : elqb_value(elpq_null(0));

    elqb_reset(q);
    ask("The largest, and their share of all so far: written with text()",
        elqb_render(
            q,
            elqb_text(q,
                      "SELECT name, version, kb,\n"
                      "       sum(kb) OVER (ORDER BY kb DESC, name)::float8\n"
                      "       / sum(kb) OVER () AS share_so_far\n"
                      "FROM package\n"
                      "WHERE :section::text IS NULL OR section = :section\n"
                      "ORDER BY kb DESC, name\n"
                      "LIMIT :limit",
                      ELQB_ARG("section", section),
                      ELQB_ARG("limit", elqb_val(demo.limit)))),
        on_largest);
}

static void on_sections(elpq_result *result, const elpq_error *error, void *arg)
{
    int64_t count, kb, largest, most = 0;
    const char *section;
    char a[32], b[32];

    (void)arg;
    if (demo.finishing || failed("the first question", 0, error))
        return;
    print_heading(result, "section              packages      size   largest");
    for (size_t row = 0; row < elpq_rows(result); row++) {
        if (failed("read",
                   elpq_scan(result, row, &section, &count, &kb, &largest),
                   NULL))
            return;
        most = row == 0 ? kb : most;
        printf("  %-20.20s %8" PRId64 " %9s %9s  ", section, count,
               human((double)kb, a, sizeof(a)),
               human((double)largest, b, sizeof(b)));
        print_bar((double)kb, (double)most, "");
        puts("");
    }
    ask_second();
}

/* A filter that was not asked for is ELQB_NONE, and leaves no trace. */
static void ask_first(void)
{
    elqb *q = demo.builder;
    package_t p = package_table();
    elqb_select *s = elqb_select_new(q);
    elqb_expr sum = elqb_cast(q, elqb_func(q, "sum", p.kb), "int8");
    elqb_expr where = ELQB_NONE;

    if (demo.section)
        where =
            elqb_and(q, where, elqb_eq(q, p.section, elqb_val(demo.section)));
    if (demo.min_kb > 0)
        where = elqb_and(q, where, elqb_ge(q, p.kb, elqb_val(demo.min_kb)));
    elqb_columns(s, p.section, elqb_as(q, elqb_count(q), "packages"),
                 elqb_as(q, sum, "total"),
                 elqb_as(q, elqb_func(q, "max", p.kb), "largest"));
    elqb_from(s, p.table);
    elqb_where(s, where);
    elqb_group_by(s, p.section);
    elqb_order_by(s, elqb_desc(q, elqb_name("total")));
    elqb_limit(s, elqb_val(demo.limit));
    ask("The sections that take most space: built with select()",
        elqb_render(q, s), on_sections);
}

/* ------------------------------------------------------------ start, stop */

static void on_pool_closed(const elpq_error *error, void *arg)
{
    (void)error, (void)arg;
    event_base_loopbreak(demo.base);
}

static void on_dropped(const elpq_error *error, void *arg)
{
    (void)arg;
    if (error) {
        fprintf(stderr, "demo: drop the schema: %s\n", error->message);
        demo.status = 1;
    }
    elpq_pool_close(demo.pool, 1000, on_pool_closed, NULL);
}

static void drop_schema(void)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "DROP SCHEMA %s CASCADE", demo.schema);
    if (!demo.created || elpq_pool_script_trusted(demo.pool, sql, NULL, NULL,
                                                  on_dropped, NULL) != 0)
        elpq_pool_close(demo.pool, 0, on_pool_closed, NULL);
}

/* However it went: give back the connections, drop the schema, end. */
static void finish(void)
{
    if (demo.finishing)
        return;
    demo.finishing = true;
    end_load();
    if (!demo.creating)
        drop_schema();
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number, (void)what, (void)arg;
    fail("interrupted", "cleaning up");
}

static void start(void)
{
    static const int numbers[] = { SIGINT, SIGTERM };
    char path[64], sql[300];
    const char *const on_connect[] = { path, NULL };
    elpq_pool_options options = { .max_size = LANES, .on_connect = on_connect };
    int code;

    snprintf(demo.schema, sizeof(demo.schema), "elpq_demo_%ld", (long)getpid());
    snprintf(path, sizeof(path), "SET search_path = %s", demo.schema);
    snprintf(sql, sizeof(sql),
             "CREATE SCHEMA %s;"
             "CREATE TABLE package (name text, version text, section text,"
             " kb int8)",
             demo.schema);
    demo.base = need(event_base_new());
    demo.builder = need(elqb_new());
    for (int i = 0; i < 2; i++) {
        demo.signals[i] =
            need(evsignal_new(demo.base, numbers[i], on_signal, NULL));
        event_add(demo.signals[i], NULL);
    }
    demo.pool = elpq_pool_new(demo.base, "", &options, NULL);
    code = elpq_pool_script_trusted(need(demo.pool), sql, NULL, NULL, on_schema,
                                    NULL);
    demo.creating = code == 0;
    failed("create the table", code, NULL);
}

static const char usage[] =
    "usage: demo [--section NAME] [--min-size KB] [--limit N]\n"
    "Loads the package list of this machine into PostgreSQL (see PGHOST and\n"
    "so on) and asks about it.\n"
    "  --section NAME   only packages of this section\n"
    "  --min-size KB    sections: count only packages of this size or more\n"
    "  --limit N        rows of each answer (default 10)\n"
    "  --help           this text\n";

static _Noreturn void refuse(void)
{
    fputs(usage, stderr);
    exit(2);
}

static int number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || *end || n < 0 || n > INT_MAX)
        refuse();
    return (int)n;
}

static void parse_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (i + 1 == argc)
            refuse();
        if (strcmp(argv[i], "--section") == 0)
            demo.section = argv[i + 1];
        else if (strcmp(argv[i], "--min-size") == 0)
            demo.min_kb = number(argv[i + 1]);
        else if (strcmp(argv[i], "--limit") == 0)
            demo.limit = number(argv[i + 1]);
        else
            refuse();
    }
}

static void clean_up(void)
{
    for (int i = 0; i < 2; i++)
        event_free(demo.signals[i]);
    elqb_free(demo.builder);
    event_base_free(demo.base);
    for (size_t i = 0; i < demo.count; i++)
        free(demo.items[i].name);
    free(demo.items);
}

int main(int argc, char **argv)
{
    const char *source;

    parse_options(argc, argv);
    demo.terminal = isatty(STDOUT_FILENO) && getenv("TERM") &&
                    strcmp(getenv("TERM"), "dumb") != 0;
    demo.utf8 =
        setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    source = read_items(); /* before the loop starts: it may take its time */
    if (!source) {
        fputs("demo: nothing is installed here, it seems\n", stderr);
        return 1;
    }
    printf("read   %zu %s\nload   over %d connections, at most %d inserts in"
           " flight on each\n",
           demo.count, source, LANES, WINDOW);
    start();
    event_base_dispatch(demo.base);
    clean_up();
    return demo.status;
}

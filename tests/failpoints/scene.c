/* SPDX-License-Identifier: PostgreSQL */
/*
 * One scenario: its questions, and the verdict.
 *
 * The loop never waits for long: what is to wake it may be what fails.  The
 * tick that ends each wait is there before anything fails.
 */
#include "scene.h"

#include "pooler.h"

#include "../support/harness_internal.h"

#include <stdatomic.h>
#include <sys/mman.h>

#define WAIT_MS 4000    /* of a callback; nothing takes a hundredth         */
#define DEADLINE_MS 200 /* of a statement, which may be all that ends it    */
#define TICK_MS 5
#define TALES 20000
#define FIRST_ROW 1000

struct event_base *base;

static struct event *tick;
static struct question questions[QUESTIONS];
static int asked_count;
static int under_way; /* calls */
static bool was_inside, was_wrong, came_not;
static bool may_drop_answers;

/* What is told of a row; written by children, read by the parent. */
enum fate { ABSENT, STORED, IN_DOUBT };
struct tale {
    int64_t id;
    int fate;
    int code;
    unsigned flags;
};
static struct tales {
    atomic_uint count;
    atomic_int_least64_t rows; /* named so far                             */
    struct tale list[TALES];
} *tales;

/* -------------------------------------------------------------- questions */

struct question *question(void)
{
    struct question *q = &questions[asked_count++];

    if (asked_count > QUESTIONS)
        abort();
    q->number = NO_NUMBER;
    return q;
}

struct question *question_of(int64_t number)
{
    struct question *q = question();

    q->number = number;
    return q;
}

void scene_enter(void)
{
    under_way++;
}

void scene_leave(void)
{
    under_way--;
}

bool scene_asked(struct question *q, int code)
{
    under_way--;
    q->asked = code == 0;
    if (code)
        q->code = code;
    return code == 0;
}

void no_scene(void)
{
    _exit(NO_SCENE);
}

void wrong(const char *what)
{
    printf("wrong: %s\n", what);
    was_wrong = true;
}

void clean_with(const char *sql)
{
    PGconn *pg = PQconnectdb(server());

    PQclear(PQexec(pg, sql));
    PQfinish(pg);
}

static bool in_time(int64_t begun)
{
    return now_usec() - begun < (int64_t)(WAIT_MS * 1000 * harness_slow());
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static bool make_base(void)
{
    const struct timeval often = { 0, TICK_MS * 1000 };

    base = event_base_new();
    tick = base ? event_new(base, -1, EV_PERSIST, on_tick, NULL) : NULL;
    return tick && event_add(tick, &often) == 0;
}

void turn(void)
{
    if (event_base_loop(base, EVLOOP_ONCE) < 0)
        wrong("the loop failed");
}

bool turn_until(const volatile bool *flag)
{
    int64_t begun = now_usec();

    while (!*flag && in_time(begun))
        turn();
    return *flag;
}

bool settle(void)
{
    int64_t begun = now_usec();

    for (int i = 0; i < asked_count && !came_not; i++)
        while (questions[i].calls < questions[i].asked && !came_not) {
            turn();
            came_not = !in_time(begun);
        }
    return !came_not;
}

bool is_well(const struct question *q)
{
    return q->calls == 1 && q->code == 0;
}

/* -------------------------------------------------------------- callbacks */

void arrive(struct question *q, const elpq_error *error)
{
    was_inside |= under_way > 0;
    q->calls++;
    q->request = NULL;
    q->code = error ? error->code : 0;
    q->flags = error ? error->flags : 0;
    snprintf(q->sqlstate, sizeof(q->sqlstate), "%s",
             error ? error->sqlstate : "");
    snprintf(q->message, sizeof(q->message), "%s",
             error && error->message ? error->message : "");
    if (error && (error->code >= 0 || !error->message))
        wrong("an error without a code or message");
    if (q->then)
        q->then(q);
}

void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    struct question *q = arg;
    int64_t value = 0;

    if (!result == !error)
        wrong("neither result nor error, or both");
    if (result && q->number != NO_NUMBER &&
        (elpq_get_int64(result, 0, 0, &value) != 0 || value != q->number))
        wrong("another answer");
    arrive(q, error);
}

void on_opened(elpq_conn *conn, const elpq_error *error, void *arg)
{
    ((struct question *)arg)->conn = conn;
    arrive(arg, error);
}

void on_begun(elpq_tx *tx, const elpq_error *error, void *arg)
{
    ((struct question *)arg)->tx = tx;
    arrive(arg, error);
}

void on_over(const elpq_error *error, void *arg)
{
    arrive(arg, error);
}

void on_each_result(elpq_result *result, void *arg)
{
    struct question *q = arg;

    was_inside |= under_way > 0;
    if (q->calls > 0 || !result)
        wrong("a result that is none, or behind the end");
    q->seen++;
}

void on_stream_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    struct question *q = arg;

    (void)stream;
    was_inside |= under_way > 0;
    for (size_t i = 0; i < elpq_rows(rows); i++) {
        int64_t n = 0;

        if (elpq_get_int64(rows, i, 0, &n) != 0 || n != ++q->seen)
            wrong("a row that was not next");
    }
}

/* ----------------------------------------------------------------- making */

const char *server(void)
{
    static char text[400];

    snprintf(text, sizeof(text), "%s" SERVER_MORE, pooler_conninfo());
    return text;
}

elpq_conn_options quick(void)
{
    int ms = (int)(DEADLINE_MS * harness_slow());
    elpq_conn_options o = { .connect_timeout_ms = 6 * ms, .timeout_ms = ms,
                            .cancel_grace_ms = 2 * ms };

    return o;
}

/* What must not fail is given the time that it takes. */
elpq_conn *opened_at(const char *conninfo)
{
    elpq_conn_options o = quick();
    struct question *q = question();
    elpq_conn *conn;

    o.connect_timeout_ms = 0;
    conn = elpq_connect(base, conninfo, &o, on_opened, q, NULL);
    q->asked = conn != NULL;
    if (!settle() || !is_well(q))
        no_scene();
    return conn;
}

elpq_conn *opened(void)
{
    return opened_at(server());
}

elpq_pool *pooled(elpq_pool_options *options)
{
    elpq_pool_options o = options ? *options : (elpq_pool_options){ 0 };
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    struct question *q = question_of(1);
    elpq_pool *pool;

    o.conn = quick();
    o.conn.connect_timeout_ms *= 4;
    o.acquire_timeout_ms = o.conn.timeout_ms;
    o.max_size = o.max_size ? o.max_size : 1;
    o.backoff_min_ms = 1;
    o.backoff_max_ms = 2;
    pool = elpq_pool_new(base, server(), &o, NULL);
    if (!pool ||
        !ASK(q, elpq_pool_execute(pool, elpq_sql("select 1"), &patient,
                                  on_answer, q)) ||
        !settle() || !is_well(q))
        no_scene();
    return pool;
}

void close_pool_now(elpq_pool *pool)
{
    struct question *q = question();

    q->asked = 1;
    DO(elpq_pool_close(pool, 0, on_over, q));
    settle();
}

bool ask_number(elpq_conn *conn, const elpq_statement *st, int64_t number)
{
    struct question *q = question_of(number);

    return ASK(q, elpq_conn_execute(conn, st, NULL, on_answer, q)) &&
           settle() && is_well(q);
}

void end_tx(elpq_tx *tx, struct question *end)
{
    if (!ASK(end, elpq_commit(tx, on_over, end)))
        DO(elpq_rollback(tx, NULL, NULL));
}

/* ---------------------------------------------------------------- verdict */

/* Codes that a failure of the machine can have. */
static bool may_be(const struct question *q, const char *states)
{
    switch (q->code) {
    case 0:
    case ELPQ_E_NOMEM:
    case ELPQ_E_CONNECT:
    case ELPQ_E_LOST:
    case ELPQ_E_TIMEOUT:
    case ELPQ_E_CLOSED:
    case ELPQ_E_ROLLED_BACK:
        return true;
    case ELPQ_E_PROTOCOL:
        return may_drop_answers;
    case ELPQ_E_SERVER:
        return states && q->sqlstate[0] && strstr(states, q->sqlstate);
    default:
        return q->code == q->expected;
    }
}

/*
 * Without a failure only what is expected; but a slow machine has deadlines,
 * and a cancel that takes too long costs the connection.
 */
static bool must_be(const struct question *q)
{
    bool cancels = false;

    for (int i = 0; i < asked_count; i++)
        cancels |= questions[i].cancels ||
                   questions[i].expected == ELPQ_E_CANCELED ||
                   questions[i].expected == ELPQ_E_TIMEOUT ||
                   questions[i].code == ELPQ_E_TIMEOUT;
    return q->code == q->expected || q->code == ELPQ_E_TIMEOUT ||
           (cancels &&
            (q->code == ELPQ_E_LOST || q->code == ELPQ_E_CLOSED ||
             q->code == ELPQ_E_ROLLED_BACK));
}

static bool codes_can_be(const char *states)
{
    for (int i = 0; i < asked_count; i++) {
        const struct question *q = &questions[i];

        if (elpq_failpoint_hits() ? may_be(q, states) : must_be(q))
            continue;
        for (q = questions; q < questions + asked_count; q++)
            printf("  question %d: %s %s %s\n", (int)(q - questions),
                   elpq_code_name(q->code), q->sqlstate, q->message);
        return false;
    }
    return true;
}

static bool is_dry(void)
{
    int64_t begun = now_usec();

    /* All but the tick. */
    while (event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED |
                                               EVENT_BASE_COUNT_ACTIVE) > 1) {
        if (!in_time(begun))
            return false;
        turn();
    }
    return true;
}

/* A helper thread that was given up closes its socket when it notices. */
static bool fds_are_back(int fds)
{
    int64_t begun = now_usec();

    while (open_fds() > fds) {
        if (!in_time(begun))
            return false;
        usleep(1000);
    }
    return true;
}

static int verdict(const char *states, int fds)
{
    bool dry = came_not || is_dry();

    elpq_failpoint_clear();
    event_free(tick);
    event_base_free(base);
    if (came_not)
        return NEVER;
    for (int i = 0; i < asked_count; i++)
        if (questions[i].calls > questions[i].asked)
            return TWICE;
    if (was_inside)
        return INSIDE;
    if (was_wrong)
        return WRONG_ANSWER;
    if (!codes_can_be(states))
        return WRONG_CODE;
    if (!dry)
        return NOT_DRY;
    return fds_are_back(fds) ? WELL : DESCRIPTORS;
}

int scene_run(const struct scenario *scenario, bool drops_answers)
{
    int fds = open_fds(), status;

    may_drop_answers = drops_answers;
    if (!make_base())
        return NO_SCENE;
    scenario->run();
    status = verdict(scenario->states, fds);
    if (scenario->clean)
        scenario->clean();
    return status;
}

/* ------------------------------------------------------------------ tales */

int64_t row_id(void)
{
    return FIRST_ROW + atomic_fetch_add(&tales->rows, 1);
}

void told(int64_t id, const struct question *end)
{
    unsigned i = atomic_fetch_add(&tales->count, 1);
    struct tale *tale = &tales->list[i % TALES];

    tale->id = id;
    tale->code = end->code;
    tale->flags = end->flags;
    if (end->asked && end->code == 0)
        tale->fate = STORED;
    else if (end->asked && end->flags & ELPQ_IN_DOUBT)
        tale->fate = IN_DOUBT;
    else
        tale->fate = ABSENT;
}

void tales_begin(void)
{
    if (!tales)
        tales = mmap(NULL, sizeof(*tales), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(tales != MAP_FAILED);
    atomic_store(&tales->count, 0);
    admin_do("truncate elpq_sweep");
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* All rows that are there, sorted. */
static int64_t *stored_rows(size_t *n)
{
    PGresult *r = PQexec(admin(), "select id from elpq_sweep");
    int64_t *ids;

    ck_assert_int_eq(PQresultStatus(r), PGRES_TUPLES_OK);
    *n = (size_t)PQntuples(r);
    ids = calloc(*n + 1, sizeof(*ids));
    ck_assert_ptr_nonnull(ids);
    for (size_t i = 0; i < *n; i++)
        ids[i] = strtoll(PQgetvalue(r, (int)i, 0), NULL, 10);
    PQclear(r);
    qsort(ids, *n, sizeof(*ids), by_number);
    return ids;
}

int tales_check(void)
{
    unsigned n = atomic_load(&tales->count);
    int liars = 0;
    size_t stored;
    int64_t *ids;

    ck_assert_uint_le(n, TALES);
    if (n == 0)
        return 0;
    /* A backend may not have noticed yet that its client is gone. */
    ck_assert(pooler_await_quiet());
    ids = stored_rows(&stored);
    for (unsigned i = 0; i < n; i++) {
        const struct tale *tale = &tales->list[i];
        bool there = bsearch(&tale->id, ids, stored, sizeof(*ids), by_number);

        if (tale->fate == IN_DOUBT || there == (tale->fate == STORED))
            continue;
        printf("  row %lld is %s, and was told %s, flags %u\n",
               (long long)tale->id, there ? "there" : "not there",
               elpq_code_name(tale->code), tale->flags);
        liars++;
    }
    free(ids);
    return liars;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Races: a statement is canceled, or its deadline passes, at every byte of its
 * request and of its answer.
 *
 * A proxy stops the conversation in front of that byte; then the statement is
 * canceled, and the conversation goes on, before or after the cancel request
 * has come to the server.  Many connections race side by side.  Every
 * statement asks for a nonce of its own, and whoever gets a row gets its own:
 * an answer that came to the wrong question is seen at once.  Nobody is hit
 * who was not canceled; each callback comes once; a connection that is open
 * after it answers the next statement.
 *
 * One server is scripted, and answers at once; the other one is real, and what
 * is canceled there really ends.
 *
 * And the server's statement_timeout races with the deadline; and hundreds of
 * deadlines that pass at once make no storm of connections.
 *
 * ELPQ_TEST_RACES=n is how many races there are in all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

#define LANES 32
#define STATEMENTS 4 /* of a race, at most                                  */
#define DEADLINE_MS 2
#define LATE_MS 3 /* then the cancel request has come, the deadline is over */
#define RACES 20000
#define STORM 500 /* deadlines that pass at once                         */
#define STORM_SIZE 16

/* Who is canceled: the statement of this place, of so many. */
static const struct shape {
    int count;
    int victim;
    int before; /* of them, submitted before the cancel                     */
    unsigned flags;
} shapes[] = {
    { 1, 0, 1, 0 },
    { 3, 0, 3, 0 },             /* two behind it                            */
    { 3, 1, 3, 0 },             /* in the middle of a pipeline              */
    { 3, 0, 1, 0 },             /* two are submitted right after the cancel */
    { 3, 1, 3, ELPQ_READONLY }, /* one of a group                           */
    { 2, 0, 2, ELPQ_NO_PREPARE },
};
#define SHAPES (sizeof(shapes) / sizeof(*shapes))

/* Where the conversation stops: in what the client sends, in what the server
 * does, or nowhere: then the cancel comes some turns after the request. */
enum way { CLIENT, SERVER, NOWHERE, WAYS };
static const char *const way_names[] = { "client", "server" };

#define TURNS 12

/* The next place of all: every shape, every way, every byte. */
struct place {
    unsigned shape;
    enum way way;
    unsigned byte; /* or turn                                              */
};

struct statement {
    struct answer *a;
    char nonce[24];
    bool victim;
};

struct lane {
    elpq_conn *conn;
    struct statement statements[STATEMENTS];
    int n;
    const struct shape *shape;
    struct place place;
    bool late; /* goes on when the cancel request has come                  */
    int ms;    /* deadline; 0: it is canceled                               */
    unsigned races;
};

static elpq_fakepg *fake;
static elpq_faultproxy *proxy;
static struct lane lanes[LANES];
static uint64_t nonces;
static bool real;
static struct place next_place;
static unsigned stride; /* of the bytes; not 1: each pass takes others      */
static unsigned passes;
static unsigned bytes_of[SHAPES][2]; /* that a shape has each way           */

/* What came of the victims and of those around them. */
static struct {
    unsigned races, answers, unsent, hit, detached, spared, closed;
} tally;

/* A share of all races, in hundredths; there are fewer where it is slow. */
static int share_of_races(int percent)
{
    const char *n = harness_env("ELPQ_TEST_RACES");
    double slow = harness_slow();
    double all = n ? strtod(n, NULL) : RACES / (slow * slow);

    return (int)(all * percent / 100);
}

/* ------------------------------------------------------------------- lanes */

static const char *conninfo(void)
{
    static char text[200];
    const char *database = harness_env("PGDATABASE");

    snprintf(text, sizeof(text),
             "host=127.0.0.1 port=%d dbname=%s sslmode=disable"
             " gssencmode=disable",
             elpq_faultproxy_port(proxy), database ? database : "postgres");
    return text;
}

/* Long enough for a cancel request to find it at work. */
static double victim_seconds(const struct lane *lane)
{
    return lane->place.way == NOWHERE ? 0.1 * harness_slow() : 0.001;
}

static void ask_nonce(struct lane *lane, bool victim)
{
    struct statement *s = &lane->statements[lane->n++];
    elpq_options o = { .flags = lane->shape ? lane->shape->flags : 0 };

    snprintf(s->nonce, sizeof(s->nonce), "n%010llu",
             (unsigned long long)++nonces);
    s->victim = victim;
    if (victim)
        o.timeout_ms = lane->ms;
    if (real && victim)
        s->a = ask_with(lane->conn,
                        elpq_sql("select $1::text from pg_sleep($2)", s->nonce,
                                 victim_seconds(lane)),
                        &o);
    else
        s->a = ask_with(lane->conn, elpq_sql("select $1::text", s->nonce), &o);
}

static void check_nonce(const struct statement *s)
{
    ck_assert_uint_eq(elpq_rows(s->a->result), 1);
    ck_assert_str_eq(elpq_get_text(s->a->result, 0, 0), s->nonce);
}

static void open_lane(int i)
{
    elpq_conn_options o = { .cancel_grace_ms = scaled(5000) };

    lanes[i].conn = connect_now(conninfo(), &o);
}

static void rule(const struct lane *lane, enum way way, const char *action,
                 unsigned byte)
{
    char text[80];
    int n = snprintf(text, sizeof(text), "session %d %s %s",
                     (int)(lane - lanes) + 1, way_names[way], action);

    if (byte)
        snprintf(text + n, sizeof(text) - (size_t)n, " at byte +%u", byte);
    ck_assert_ptr_null(elpq_faultproxy_rule(proxy, text));
}

static elpq_faultproxy_stats proxy_stats(void)
{
    elpq_faultproxy_stats s;

    elpq_faultproxy_statistics(proxy, &s);
    return s;
}

/* ---------------------------------------------------------------- verdicts */

static void check_victim(const struct statement *s)
{
    const struct answer *a = s->a;

    if (!a->code) {
        check_nonce(s);
        tally.answers++;
        return;
    }
    ck_assert_msg(a->code == ELPQ_E_CANCELED || a->code == ELPQ_E_TIMEOUT,
                  "%s: %s", elpq_code_name(a->code), a->error->message);
    if (strcmp(a->sqlstate, "57014") == 0) {
        ck_assert(real);
        ck_assert_uint_eq(a->flags & ELPQ_NOT_EXECUTED, 0);
        tally.hit++;
    } else {
        ck_assert_str_eq(a->sqlstate, "");
        ck_assert_msg(a->flags == ELPQ_NOT_EXECUTED ||
                          a->flags == ELPQ_IN_DOUBT,
                      "flags %u", a->flags);
        tally.unsent += a->flags == ELPQ_NOT_EXECUTED;
        tally.detached += a->flags == ELPQ_IN_DOUBT;
    }
}

/* Its own answer, or the error of conn.h for who stood behind one that was
 * canceled. */
static void check_bystander(const struct statement *s, bool after)
{
    const struct answer *a = s->a;

    if (!a->code) {
        check_nonce(s);
        return;
    }
    ck_assert_msg(!after && a->code == ELPQ_E_CANCELED &&
                      a->flags == (ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE),
                  "%s, flags %u: %s", elpq_code_name(a->code), a->flags,
                  a->error->message);
    tally.spared++;
}

static void settle_lane(struct lane *lane)
{
    for (int i = 0; i < lane->n; i++)
        ck_assert_int_eq(lane->statements[i].a->calls, 1);
    for (int i = 0; i < lane->n; i++)
        if (lane->statements[i].victim)
            check_victim(&lane->statements[i]);
        else
            check_bystander(&lane->statements[i],
                            !lane->shape || i >= lane->shape->before);
    ck_assert_msg(elpq_conn_is_open(lane->conn), "the connection was lost");
    lane->n = 0;
}

/* ------------------------------------------------------------------ places */

static void submit(struct lane *lane, unsigned shape)
{
    lane->shape = &shapes[shape];
    for (int i = 0; i < lane->shape->before; i++)
        ask_nonce(lane, i == lane->shape->victim);
}

/* How long a shape is, where nobody is canceled. */
static void measure(unsigned shape)
{
    elpq_faultproxy_stats before = proxy_stats(), after;

    submit(&lanes[0], shape);
    await_all();
    settle_lane(&lanes[0]);
    settle_answers();
    after = proxy_stats();
    bytes_of[shape][CLIENT] =
        (unsigned)(after.client_bytes - before.client_bytes);
    bytes_of[shape][SERVER] =
        (unsigned)(after.server_bytes - before.server_bytes);
}

/* The second time its statements are prepared. */
static void measure_all(void)
{
    for (unsigned i = 0; i < 2 * SHAPES; i++)
        measure(i % SHAPES);
    next_place = (struct place){ .byte = 1 };
}

static struct place take_place(void)
{
    struct place p = next_place;
    unsigned last = p.way == NOWHERE ? TURNS : bytes_of[p.shape][p.way];

    next_place.byte += p.way == NOWHERE ? 1 : stride;
    if (next_place.byte > last) {
        if (++next_place.way == WAYS) {
            next_place.way = CLIENT;
            next_place.shape = (p.shape + 1) % SHAPES;
        }
        next_place.byte =
            next_place.way == NOWHERE ? 1 : 1 + passes++ % stride;
    }
    return p;
}

/* ------------------------------------------------------------------- races */

static bool is_answered(const struct lane *lane)
{
    for (int i = 0; i < lane->n; i++)
        if (!lane->statements[i].a->calls)
            return false;
    return true;
}

static void start_race(struct lane *lane, bool deadline)
{
    lane->place = take_place();
    lane->late = lane->races++ % 2;
    lane->ms = deadline ? DEADLINE_MS : 0;
    if (lane->place.way != NOWHERE)
        rule(lane, lane->place.way, "pause", lane->place.byte);
    submit(lane, lane->place.shape);
}

static void go_on(struct lane *lane, bool cancels)
{
    struct answer *victim = lane->statements[lane->shape->victim].a;

    if (cancels && victim->request)
        RUN(elpq_cancel(victim->request));
    while (lane->n < lane->shape->count)
        ask_nonce(lane, false);
}

/* Those that stop have come to their place; the others have had their turns. */
static void come_to_places(bool cancels)
{
    unsigned waits;

    for (unsigned turn = 1;; turn++) {
        waits = 0;
        for (int i = 0; i < LANES; i++) {
            const struct place *p = &lanes[i].place;

            if (p->way == NOWHERE && p->byte == turn)
                go_on(&lanes[i], cancels);
            waits += p->way != NOWHERE && !is_answered(&lanes[i]);
        }
        if (turn >= TURNS && proxy_stats().paused >= waits)
            return;
        harness_turn(turn < TURNS ? EVLOOP_ONCE | EVLOOP_NONBLOCK
                                  : EVLOOP_ONCE);
    }
}

static void resume(bool late)
{
    for (int i = 0; i < LANES; i++)
        if (lanes[i].place.way != NOWHERE && lanes[i].late == late)
            rule(&lanes[i], lanes[i].place.way, "resume", 0);
}

/* All lanes, side by side; half of them go on before there can be anything of
 * the cancel request or the deadline, half of them after it. */
static void race_all(bool deadline)
{
    elpq_faultproxy_reset(proxy);
    for (int i = 0; i < LANES; i++)
        start_race(&lanes[i], deadline);
    come_to_places(!deadline);
    for (int i = 0; i < LANES; i++)
        if (lanes[i].place.way != NOWHERE)
            go_on(&lanes[i], !deadline);
    resume(false);
    run_for_ms(LATE_MS);
    resume(true);
    await_all();
    for (int i = 0; i < LANES; i++)
        settle_lane(&lanes[i]);
    settle_answers();
    tally.races += LANES;
}

/* Each of them answers, and with its own. */
static void ask_again(void)
{
    for (int i = 0; i < LANES; i++) {
        lanes[i].shape = NULL;
        ask_nonce(&lanes[i], false);
    }
    await_all();
    for (int i = 0; i < LANES; i++)
        settle_lane(&lanes[i]);
    settle_answers();
}

static void print_tally(const char *name)
{
    printf("%-18s %u races: %u answers, %u before they were sent,"
           " %u hit, %u detached, %u bystanders to be repeated\n",
           name, tally.races, tally.answers, tally.unsent, tally.hit,
           tally.detached, tally.spared);
}

static void open_all(const char *host, int port)
{
    elpq_faultproxy_options o = { .upstream_host = host,
                                  .upstream_port = port };

    proxy = elpq_faultproxy_new(loop, &o);
    ck_assert_ptr_nonnull(proxy);
    memset(&tally, 0, sizeof(tally));
    for (int i = 0; i < LANES; i++)
        open_lane(i);
    ask_again();
    measure_all();
}

static void close_all(void)
{
    for (int i = 0; i < LANES; i++)
        close_conn(lanes[i].conn);
    elpq_faultproxy_free(proxy);
    elpq_fakepg_free(fake);
    fake = NULL;
}

static void open_scripted(void)
{
    const char *error;

    real = false;
    stride = share_of_races(100) < RACES ? 29 : 1;
    fake = elpq_fakepg_new(loop, "session\nstartup\nwelcome\necho\ncancel\n",
                           &error);
    ck_assert_msg(fake, "%s", error);
    open_all("127.0.0.1", elpq_fakepg_port(fake));
}

static void open_real(void)
{
    real = true;
    stride = 29;
    open_all(server_host(), (int)strtol(server_port(), NULL, 10));
}

static void race(const char *name, bool deadline, int n)
{
    memset(&tally, 0, sizeof(tally));
    while ((int)tally.races < n) {
        race_all(deadline);
        ask_again();
        alarm((unsigned)(60 * harness_slow()));
    }
    print_tally(name);
    ck_assert_uint_gt(tally.answers, 0);
    ck_assert_uint_gt(tally.unsent + tally.hit + tally.detached, 0);
}

START_TEST(with_a_scripted_server)
{
    open_scripted();
    race("cancel, scripted", false, share_of_races(78));
    ck_assert_uint_gt(tally.unsent, 0);
    race("deadline, scripted", true, share_of_races(15));
    close_all();
}
END_TEST

START_TEST(with_a_real_server)
{
    open_real();
    race("cancel, real", false, share_of_races(3));
    ck_assert_uint_gt(tally.hit, 0);
    race("deadline, real", true, share_of_races(2));
    close_all();
}
END_TEST

/* ----------------------------------------------------- the server's timeout */

/* Three ends within 5 ms of each other: the statement's own, statement_timeout
 * of the server, and the deadline. */
static void race_timeouts(void)
{
    for (int i = 0; i < LANES; i++) {
        struct statement *s = &lanes[i].statements[0];
        elpq_options o = { .timeout_ms = 12 };
        double seconds = (7 + (int)random_below(11)) / 1000.0;

        o.server_timeout_ms = 7 + (int)(lanes[i].races++ % 11);
        snprintf(s->nonce, sizeof(s->nonce), "t%llu",
                 (unsigned long long)++nonces);
        s->victim = true;
        s->a = ask_with(
            lanes[i].conn,
            elpq_sql("select $1::text from pg_sleep($2)", s->nonce, seconds),
            &o);
        lanes[i].n = 1;
    }
    await_all();
    for (int i = 0; i < LANES; i++)
        settle_lane(&lanes[i]);
    settle_answers();
    tally.races += LANES;
}

START_TEST(with_statement_timeout)
{
    int n = share_of_races(2);

    real = true;
    memset(&tally, 0, sizeof(tally));
    for (int i = 0; i < LANES; i++)
        lanes[i].conn = connect_now(NULL, NULL);
    while ((int)tally.races < n) {
        race_timeouts();
        ask_again();
        alarm((unsigned)(60 * harness_slow()));
    }
    print_tally("statement_timeout");
    ck_assert_uint_gt(tally.hit, 0);
    for (int i = 0; i < LANES; i++)
        close_conn(lanes[i].conn);
}
END_TEST

/* ------------------------------------------------------------------- storm */

/* What waits for a connection needs no cancel request; what runs, one each,
 * and another one where the server did not heed it in time. */
START_TEST(many_deadlines_at_once)
{
    elpq_faultproxy_options up = { .upstream_host = server_host() };
    elpq_pool_options o = { .min_size = STORM_SIZE,
                            .max_size = STORM_SIZE,
                            .max_connecting = 2 };
    elpq_options late = { .timeout_ms = scaled(300) };
    elpq_faultproxy_stats s;
    struct answer *last = NULL;
    elpq_pool *pool;

    up.upstream_port = (int)strtol(server_port(), NULL, 10);
    proxy = elpq_faultproxy_new(loop, &up);
    ck_assert_ptr_nonnull(proxy);
    o.conn.cancel_grace_ms = scaled(5000);
    pool = pool_at(conninfo(), &o);
    while (stats(pool).idle < STORM_SIZE)
        event_base_loop(loop, EVLOOP_ONCE);
    for (int i = 0; i < STORM; i++)
        last = ask_with(pool, elpq_sql("select pg_sleep(60)"), &late);
    run_turns(20); /* what runs is sent */
    hold_loop_until(last->submitted + (late.timeout_ms + 10) * INT64_C(1000));
    while (answers_come() < STORM) {
        elpq_pool_statistics now = stats(pool);

        ck_assert_uint_le(now.connecting, o.max_connecting);
        ck_assert_uint_le(now.size, STORM_SIZE);
        event_base_loop(loop, EVLOOP_ONCE);
    }
    ck_assert_uint_eq(answers_with(ELPQ_E_TIMEOUT), STORM);
    ck_assert_uint_eq(stats(pool).timeouts, STORM);
    for (int i = 0; i < STORM_SIZE; i++)
        expect_int(ask(pool, elpq_sql("select 7")), 7);
    elpq_faultproxy_statistics(proxy, &s);
    printf("storm: %llu cancels, %llu connections\n",
           (unsigned long long)s.cancels, (unsigned long long)s.sessions);
    ck_assert_uint_ge(s.cancels, 1);
    ck_assert_uint_le(s.cancels, 10 * STORM_SIZE);
    ck_assert_uint_le(s.sessions, 2 * STORM_SIZE);
    finish_pool(pool);
    elpq_faultproxy_free(proxy);
}
END_TEST

static void build(Suite *s)
{
    TCase *t =
        harness_case(s, "races", harness_env("ELPQ_TEST_RACES") ? 7200 : 300);

    tcase_add_test(t, with_a_scripted_server);
    tcase_add_test(t, with_a_real_server);
    tcase_add_test(t, with_statement_timeout);
    t = harness_case(s, "storm", 60);
    tcase_add_test(t, many_deadlines_at_once);
}

int main(void)
{
    return harness_main("races", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Races: a statement is canceled, or its deadline passes, at every byte of its
 * request and of its answer.
 *
 * A proxy passes a few bytes a turn of the loop, each way, one on some of the
 * connections, so "after n turns" is a place in the conversation.  Many
 * connections race side by side.  Every
 * statement asks for a nonce of its own, and whoever gets a row gets its own:
 * an answer that came to the wrong question is seen at once.  Nobody is hit
 * who was not canceled; each callback comes once; a connection that is open
 * after it answers the next statement.
 *
 * One server is scripted, and answers at once, so that the places are the same
 * in each run; the other one is real, and what is canceled there really ends.
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
#define BYTES 260    /* those of the longest race, each way                 */
#define PIECES 20    /* bytes passed a turn: 1, 3, 5 ...                    */
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
    int piece; /* bytes that pass a turn                                    */
    int turn;  /* in which it is canceled                                   */
    int ms;    /* or its deadline                                           */
    unsigned races;
};

static elpq_fakepg *fake;
static elpq_faultproxy *proxy;
static struct lane lanes[LANES];
static uint64_t nonces;
static bool real;

/* What came of the victims and of those around them. */
static struct {
    unsigned races, answers, unsent, hit, detached, spared, closed;
} tally;

static int scaled(int ms)
{
    return (int)(ms * harness_slow());
}

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

static void ask_nonce(struct lane *lane, bool victim)
{
    struct statement *s = &lane->statements[lane->n++];
    elpq_options o = { .flags = lane->shape ? lane->shape->flags : 0 };

    snprintf(s->nonce, sizeof(s->nonce), "n%llu", (unsigned long long)++nonces);
    s->victim = victim;
    if (victim)
        o.timeout_ms = lane->ms;
    s->a =
        real && victim
            ? ask_with(
                  lane->conn,
                  elpq_sql("select $1::text from pg_sleep(0.01)", s->nonce), &o)
            : ask_with(lane->conn, elpq_sql("select $1::text", s->nonce), &o);
}

static void check_nonce(const struct statement *s)
{
    ck_assert_uint_eq(elpq_rows(s->a->result), 1);
    ck_assert_str_eq(elpq_get_text(s->a->result, 0, 0), s->nonce);
}

static void open_lane(int i)
{
    static const char *const ways[] = { "client", "server" };
    elpq_conn_options o = { .cancel_grace_ms = scaled(5000) };
    struct lane *lane = &lanes[i];
    char rule[60];

    lane->piece = 1 + 2 * (i % PIECES);
    for (int way = 0; way < 2; way++) {
        snprintf(rule, sizeof(rule), "session %d %s split %d", i + 1, ways[way],
                 lane->piece);
        ck_assert_ptr_null(elpq_faultproxy_rule(proxy, rule));
    }
    lane->conn = connect_now(conninfo(), &o);
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

/* ------------------------------------------------------------------- races */

static void go_on(struct lane *lane, bool cancels)
{
    struct answer *victim = lane->statements[lane->shape->victim].a;

    if (cancels && victim->request)
        RUN(elpq_cancel(victim->request));
    while (lane->n < lane->shape->count)
        ask_nonce(lane, false);
}

/* The place of the cancel, or the time of the deadline: a byte takes from a
 * tenth of a millisecond. */
static void place_race(struct lane *lane, bool deadline)
{
    unsigned turns = (unsigned)(BYTES / lane->piece);

    lane->shape = &shapes[random_below(SHAPES)];
    lane->turn = (int)(lane->races % turns);
    lane->ms = deadline ? 1 + (int)(lane->races % (turns / 4 + 2)) : 0;
    lane->races++;
}

static void race_all(bool deadline)
{
    int left = LANES;

    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &lanes[i];

        place_race(lane, deadline);
        for (int k = 0; k < lane->shape->before; k++)
            ask_nonce(lane, k == lane->shape->victim);
    }
    for (int turn = 0; left > 0; turn++) {
        for (int i = 0; i < LANES; i++)
            if (lanes[i].turn == turn) {
                go_on(&lanes[i], !deadline);
                left--;
            }
        run_turns(1);
    }
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
    fake = elpq_fakepg_new(loop, "session\nstartup\nwelcome\necho\ncancel\n",
                           &error);
    ck_assert_msg(fake, "%s", error);
    open_all("127.0.0.1", elpq_fakepg_port(fake));
}

static void open_real(void)
{
    real = true;
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
    race("cancel, scripted", false, share_of_races(60));
    race("deadline, scripted", true, share_of_races(15));
    close_all();
}
END_TEST

START_TEST(with_a_real_server)
{
    open_real();
    race("cancel, real", false, share_of_races(10));
    race("deadline, real", true, share_of_races(5));
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
    int n = share_of_races(10);

    real = true;
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
    elpq_pool *pool;

    up.upstream_port = (int)strtol(server_port(), NULL, 10);
    proxy = elpq_faultproxy_new(loop, &up);
    ck_assert_ptr_nonnull(proxy);
    o.conn.cancel_grace_ms = scaled(5000);
    pool = pool_at(conninfo(), &o);
    while (stats(pool).idle < STORM_SIZE)
        event_base_loop(loop, EVLOOP_ONCE);
    for (int i = 0; i < STORM; i++)
        ask_with(pool, elpq_sql("select pg_sleep(60)"), &late);
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
    ck_assert_uint_le(s.cancels, 2 * STORM_SIZE);
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

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every function may be called from every callback: of listeners, routers and
 * replication, which have connections of their own.
 *
 * The crowd and the actions are those of reentry.h; the last of them closes
 * what calls back.
 */
#include "reentry.h"
#include "replication.h"

static int point; /* at which the action is done                            */

static void at(int here)
{
    ck_assert_int_eq(harness_depth, 0);
    if (here == point)
        fire();
}

/* ---------------------------------------------------------------- listeners */

static elpq_listener *listener;

enum { UP, NOTIFIED, DOWN, LISTENER_POINTS };

static void close_listener(void)
{
    elpq_listener *l = listener;

    listener = NULL;
    if (l)
        RUN(elpq_listener_close(l, on_done, answer_new()));
}

static void on_note(const elpq_notification *note, void *arg)
{
    (void)arg;
    ck_assert_ptr_nonnull(listener);
    ck_assert_str_eq(note->channel, "reentry");
    at(NOTIFIED);
}

/* What is to come next is made when it is up. */
static void on_listen_event(elpq_listener *l, const elpq_listen_event *event,
                            void *arg)
{
    (void)arg;
    ck_assert_ptr_eq(l, listener);
    at(event->kind == ELPQ_LISTEN_UP     ? UP
       : event->kind == ELPQ_LISTEN_DOWN ? DOWN
                                         : -1);
    if (event->kind == ELPQ_LISTEN_UP && point == NOTIFIED)
        admin_do("notify reentry");
    if (event->kind == ELPQ_LISTEN_UP && point == DOWN)
        admin_do("select pg_terminate_backend(pid) from pg_stat_activity"
                 " where application_name = 'reentry'");
}

static void arm_listener(void)
{
    const elpq_listener_options o = { .backoff_min_ms = 1,
                                      .backoff_max_ms = 20 };

    w.end = close_listener;
    RUN(listener = elpq_listener_new(loop, "application_name=reentry", &o,
                                     on_listen_event, NULL, NULL));
    ck_assert_ptr_nonnull(listener);
    ck_assert_int_eq(CALL(elpq_listen(listener, "reentry", on_note, NULL)), 0);
}

/* ------------------------------------------------------------------ routers */

static elpq_router *router;
static int nobody; /* a port where nobody listens                           */

enum { HOST_UP, PRIMARY, HOST_DOWN, ROUTED, REFUSED, ROUTER_POINTS };

static void close_router(void)
{
    elpq_router *r = router;

    router = NULL;
    if (r)
        RUN(elpq_router_close(r, 0, on_done, answer_new()));
}

static void on_router_event(elpq_router *r, const elpq_router_event *event,
                            void *arg)
{
    (void)arg;
    ck_assert_ptr_eq(r, router);
    at(event->kind == ELPQ_ROUTER_HOST_UP     ? HOST_UP
       : event->kind == ELPQ_ROUTER_PRIMARY   ? PRIMARY
       : event->kind == ELPQ_ROUTER_HOST_DOWN ? HOST_DOWN
                                              : -1);
}

static void fire_when_routed(struct answer *a)
{
    at(a->code == 0 ? ROUTED : REFUSED);
}

/* With statements in line from the start: one host, and one that is none. */
static void arm_router(void)
{
    const char *hosts[] = { "application_name=reentry",
                            loopback(nobody), NULL };
    const elpq_router_options o = { .event = on_router_event,
                                    .check_timeout_ms =
                                        scaled(WAIT_SECONDS * 1000) };

    w.end = close_router;
    RUN(router = elpq_router_new(loop, point == REFUSED ? hosts + 1 : hosts, &o,
                                 NULL));
    ck_assert_ptr_nonnull(router);
    for (int i = 0; i < 3; i++) {
        struct answer *a = answer_new();

        a->then = fire_when_routed;
        ck_assert_int_eq(CALL(elpq_execute(router, elpq_sql("select 1"), NULL,
                                           on_result, a)), 0);
    }
}

/* -------------------------------------------------------------- replication */

enum { STREAM_UP, BEGIN, CHANGE, COMMIT, STREAM_DOWN, STREAM_POINTS };

static void close_stream(void)
{
    elpq_replication *r = seen_changes.r;

    seen_changes.r = NULL;
    if (r)
        RUN(elpq_replication_close(r, on_done, answer_new()));
}

static void fire_from_change(const elpq_change *change)
{
    at(change->kind == ELPQ_CHANGE_BEGIN    ? BEGIN
       : change->kind == ELPQ_CHANGE_INSERT ? CHANGE
       : change->kind == ELPQ_CHANGE_COMMIT ? COMMIT
                                            : -1);
}

static void fire_from_stream(const elpq_replication_event *event)
{
    bool up = event->kind == ELPQ_REPLICATION_UP;

    at(up ? STREAM_UP : STREAM_DOWN);
    if (up && point == STREAM_DOWN)
        admin_do("select pg_terminate_backend(active_pid) from"
                 " pg_replication_slots where slot_name = '" SLOT "'");
}

static void arm_replication(void)
{
    elpq_replication_options o = stream_options();

    admin_do("insert into elpq_changed values (1), (2)");
    w.end = close_stream;
    consume_from(&o);
    seen_changes.on_change = fire_from_change;
    seen_changes.on_event = fire_from_stream;
}

/* --------------------------------------------------------------- the matrix */

static const struct {
    struct source source;
    int points;
} sources[] = {
    { { "listener", arm_listener, false }, LISTENER_POINTS },
    { { "router", arm_router, false }, ROUTER_POINTS },
    { { "replication", arm_replication, false }, STREAM_POINTS },
};

static void cross_points(int which, int action)
{
    for (point = 0; point < sources[which].points; point++) {
        struct source s = sources[which].source;
        char name[60];

        snprintf(name, sizeof(name), "%s, point %d", s.name, point);
        s.name = name;
        make_world(action);
        w.services = true;
        cross(&s);
        settle_answers();
    }
    ck_assert_int_eq(harness_depth, 0);
}

START_TEST(from_every_callback_of_a_listener)
{
    cross_points(0, _i);
    ck_assert_ptr_null(listener);
}
END_TEST

START_TEST(from_every_callback_of_a_router)
{
    nobody = dead_port();
    cross_points(1, _i);
    ck_assert_ptr_null(router);
}
END_TEST

START_TEST(from_every_callback_of_replication)
{
    cross_points(2, _i);
    ck_assert_ptr_null(seen_changes.r);
}
END_TEST

static void setup_slot(void)
{
    harness_setup();
    make_all("n int", "pgoutput");
}

static void teardown_slot(void)
{
    drop_all();
    harness_teardown();
}

static void build(Suite *s)
{
    TCase *t = tcase_create("replication");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup_slot, teardown_slot);
    tcase_add_loop_test(t, from_every_callback_of_replication, 0,
                        can_replicate() ? N_ACTIONS : 0);
    suite_add_tcase(s, t);
    t = harness_case(s, "services", 60);
    tcase_add_loop_test(t, from_every_callback_of_a_listener, 0, N_ACTIONS);
    tcase_add_loop_test(t, from_every_callback_of_a_router, 0, N_ACTIONS);
}

int main(void)
{
    return harness_main("reentry, services", build);
}

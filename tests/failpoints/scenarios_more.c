/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scenarios of what stands beside statements: listeners, locks, types of the
 * catalog, routers, replication, mailboxes.
 */
#include "scene.h"

#include <pthread.h>

/* -------------------------------------------------------------- listeners */

static bool heard;
static bool listening;
static bool given_up;
static elpq_conn *speaker;

static void on_heard(const elpq_notification *n, void *arg)
{
    (void)arg;
    if (strcmp(n->channel, "elpq_sweep") != 0)
        wrong("a channel");
    heard = true;
}

static void on_listen_event(elpq_listener *listener,
                            const elpq_listen_event *event, void *arg)
{
    (void)listener;
    (void)arg;
    if (event->kind == ELPQ_LISTEN_DOWN && !event->error)
        wrong("down without an error");
    /* What may be missing is told: then it counts as heard. */
    heard |= event->kind == ELPQ_LISTEN_GAP;
    listening |= event->kind == ELPQ_LISTEN_UP;
    given_up |= event->given_up;
    if (event->kind == ELPQ_LISTEN_DOWN && !event->channel)
        listening = false;
}

static void close_listener(elpq_listener *l)
{
    struct question *q = question();

    q->asked = 1;
    DO(elpq_listener_close(l, on_over, q));
    settle();
}

/* It never gives up: so it listens again when one thing failed. */
static void listener(void)
{
    elpq_listener_options o = { .conn = quick(), .backoff_min_ms = 1,
                                .backoff_max_ms = 2, .max_attempts = 4 };
    struct question *q = question();
    elpq_listener *l;

    speaker = opened();
    elpq_failpoint_arm();
    l = elpq_listener_new(base, server(), &o, on_listen_event, NULL, NULL);
    if (l && elpq_listen(l, "elpq_sweep", on_heard, NULL) == 0) {
        int64_t end = now_usec() + scaled(9000) * INT64_C(1000);

        while (!listening && !given_up && now_usec() < end)
            turn();
        if (!listening && !given_up)
            wrong("neither up nor given up");
        ASK(q, elpq_conn_notify(speaker, "elpq_sweep", "x", NULL, on_over, q));
        settle();
        elpq_unlisten(l, "elpq_sweep", on_heard, NULL);
    }
    if (l)
        close_listener(l);
    DO(elpq_conn_close(speaker));
}

static void notifies(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    elpq_failpoint_arm();
    ASK(q, elpq_conn_notify(conn, "elpq_sweep", "payload", NULL, on_over, q));
    settle();
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

/* ------------------------------------------------------------------ locks */

static void on_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    ((struct question *)arg)->lock = lock;
    arrive(arg, error);
}

static void on_lock_lost(elpq_lock *lock, const elpq_error *error, void *arg)
{
    (void)arg;
    if (!lock || !error)
        wrong("a lost lock without an error");
}

static void lock_of_a_pool(void)
{
    elpq_pool *pool = pooled(NULL);
    struct question *q = question(), *end = question();
    elpq_lock_options o = { .lost = on_lock_lost };

    elpq_failpoint_arm();
    ASK(q, elpq_pool_lock(pool, elpq_lock_int64(getpid()), &o, on_lock, q));
    if (settle() && q->lock) {
        ask_number(elpq_lock_conn(q->lock), elpq_sql("select 1"), 1);
        ASK(end, elpq_lock_release(q->lock, on_over, end));
        settle();
    }
    close_pool_now(pool);
}

static void lock_of_a_transaction(void)
{
    elpq_conn *conn = opened();
    struct question *begin = question(), *q = question(), *end = question();

    elpq_failpoint_arm();
    ASK(begin, elpq_conn_begin(conn, NULL, on_begun, begin));
    if (settle() && begin->tx) {
        ASK(q, elpq_tx_lock(begin->tx, elpq_lock_int32(1, getpid()), NULL,
                            on_over, q));
        end_tx(begin->tx, end);
        settle();
    }
    DO(elpq_conn_close(conn));
}

/* ------------------------------------------------------------------ types */

static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    if (!type == !error)
        wrong("neither type nor error, or both");
    arrive(arg, error);
}

static void on_composite(elpq_result *result, const elpq_error *error,
                         void *arg)
{
    elpq_composite_view view;

    if (result && elpq_get_composite(result, 0, 0, &view) == 0 &&
        view.count != 2)
        wrong("fields of a composite");
    on_answer(result, error, arg);
}

static void types(void)
{
    elpq_conn *conn = opened();
    struct question *q[2] = { question(), question() };
    struct question *use = question(), *again = question();

    elpq_failpoint_arm();
    ASK(q[0], elpq_conn_load_type(conn, "elpq_sweep_pair", NULL, on_type,
                                  q[0]));
    ASK(q[1], elpq_conn_load_type(conn, "elpq_sweep_mood", NULL, on_type,
                                  q[1]));
    settle();
    ASK(use, elpq_conn_execute(conn,
                               elpq_sql("select row(1, 'sad')"
                                        "::elpq_sweep_pair"),
                               NULL, on_composite, use));
    ASK(again, elpq_conn_refresh_types(conn, NULL, on_over, again));
    settle();
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

/* ---------------------------------------------------------------- routers */

static void on_router_event(elpq_router *router,
                            const elpq_router_event *event, void *arg)
{
    (void)router;
    (void)arg;
    if (!event->name)
        wrong("a host without a name");
}

static void router(void)
{
    elpq_router_options o = { .backoff_min_ms = 1, .backoff_max_ms = 2,
                              .event = on_router_event };
    const char *const hosts[] = { server(), NULL };
    struct question *q[3], *end = question();
    elpq_router *r;

    o.pool.conn = quick();
    o.pool.backoff_min_ms = 1;
    o.pool.backoff_max_ms = 2;
    o.check_timeout_ms = o.pool.acquire_timeout_ms = o.pool.conn.timeout_ms;
    elpq_failpoint_arm();
    r = elpq_router_new(base, hosts, &o, NULL);
    if (!r)
        return;
    for (int i = 0; i < 3; i++) {
        q[i] = question_of(i);
        ASK(q[i], elpq_router_execute(r, elpq_sql("select $1::int8", i), NULL,
                                      on_answer, q[i]));
        if (i > 0)
            settle();
    }
    end->asked = 1;
    DO(elpq_router_close(r, 0, on_over, end));
    settle();
}

/* ------------------------------------------------------------ replication */

#define PUBLICATION "elpq_sweep_pub"

static bool streams;
static bool change_came;

static void on_change(elpq_replication *r, const elpq_change *change,
                      void *arg)
{
    (void)arg;
    (void)r;
    change_came |= change->kind == ELPQ_CHANGE_COMMIT;
}

static void on_replication_event(elpq_replication *r,
                                 const elpq_replication_event *event,
                                 void *arg)
{
    (void)r;
    (void)arg;
    streams = event->kind == ELPQ_REPLICATION_UP;
    given_up |= event->given_up;
}

/* The slot has one change, and not all that went before. */
static void make_slot(void)
{
    admin_do("select pg_drop_replication_slot(slot_name)"
             " from pg_replication_slots where slot_name = 'elpq_sweep'");
    admin_do("select pg_create_logical_replication_slot('elpq_sweep',"
             " 'pgoutput')");
    admin_do("insert into elpq_sweep values (0)");
}

/* libpq that has no memory for the begin of COPY waits for more of it. */
static int patience(void)
{
    return (int)(500 * harness_slow());
}

/* Nothing is confirmed, so that the change is there for the next one, too. */
static void replication(void)
{
    const char *const publications[] = { PUBLICATION, NULL };
    elpq_replication_options o = { .conn = quick(),
                                   .slot = "elpq_sweep",
                                   .publications = publications,
                                   .backoff_min_ms = 1,
                                   .backoff_max_ms = 2,
                                   .no_idle_confirm = true,
                                   .server_timeout_ms = patience(),
                                   .max_attempts = 8 };
    struct question *q = question();
    elpq_replication *r;

    /* The server may not have noticed that the one before has gone. */
    clean_with("do $$ begin while exists (select from pg_replication_slots"
               " where slot_name = 'elpq_sweep' and active) loop"
               " perform pg_sleep(0.002); end loop; end $$");
    elpq_failpoint_arm();
    r = elpq_replication_new(base, server(), &o, on_change,
                             on_replication_event, NULL, NULL);
    for (int64_t end = now_usec() + scaled(9000) * INT64_C(1000);
         r && !change_came && !given_up && now_usec() < end;) {
        turn();
    }
    if (r && !change_came && (!given_up || !elpq_failpoint_hits()))
        wrong("neither a change nor given up");
    if (!r)
        return;
    q->asked = 1;
    DO(elpq_replication_close(r, on_over, q));
    settle();
}

static void on_slot(const elpq_slot *slot, const elpq_error *error, void *arg)
{
    if (!slot == !error)
        wrong("neither slot nor error, or both");
    arrive(arg, error);
}

static void slots(void)
{
    static const char *const params[] = { "replication", "database", NULL };
    elpq_slot_options how = { .temporary = true };
    elpq_conn_options o = quick();
    struct question *q = question(), *slot = question(), *drop = question();
    elpq_conn *conn;
    char name[40];

    /* That of the injection before may take a moment to go. */
    snprintf(name, sizeof(name), "elpq_sweep_%d", (int)getpid());
    o.connect_timeout_ms = 0;
    o.params = params;
    conn = elpq_connect(base, server(), &o, on_opened, q, NULL);
    q->asked = conn != NULL;
    if (!settle() || !q->conn)
        no_scene();
    elpq_failpoint_arm();
    ASK(slot, elpq_conn_slot_create(conn, name, &how, NULL, on_slot, slot));
    settle();
    if (is_well(slot)) {
        ASK(drop, elpq_conn_slot_drop(conn, name, true, NULL, on_over, drop));
        settle();
    }
    DO(elpq_conn_close(conn));
}

/* -------------------------------------------------------------- mailboxes */

static bool posted;

static void on_post(void *arg)
{
    (void)arg;
    posted = true;
}

static void *post_it(void *arg)
{
    elpq_mailbox *box = arg;
    bool *went = elpq_post(box, on_post, NULL) == 0 ? arg : NULL;

    elpq_mailbox_unref(box);
    return went;
}

static void mailbox(void)
{
    elpq_mailbox *box;
    pthread_t thread;
    void *went = NULL;

    elpq_failpoint_arm();
    box = elpq_mailbox_new(base, 0, NULL);
    if (!box)
        return;
    elpq_mailbox_ref(box);
    if (pthread_create(&thread, NULL, post_it, box) != 0)
        went = post_it(box);
    else
        pthread_join(thread, &went);
    if (went && !turn_until(&posted))
        wrong("a post that never came");
    elpq_mailbox_close(box);
}

const struct scenario scenarios_more[] = {
    { .name = "listener", .run = listener },
    { .name = "notify", .run = notifies },
    { .name = "lock", .run = lock_of_a_pool },
    { .name = "tx lock", .run = lock_of_a_transaction, .states = "25P02" },
    { .name = "types", .run = types, .how = COSTLY },
    { .name = "router", .run = router },
    { .name = "replication", .run = replication,
      .how = ALONE | COSTLY, .before = make_slot },
    { .name = "slots", .run = slots, .how = ALONE | COSTLY },
    { .name = "mailbox", .run = mailbox },
    { .name = NULL }
};

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/notifications.md, run.  With --print there is nothing to
 * print: no block of the document is output.
 */
#include "../support/harness.h"

static int reads, notes;

static void read_all_orders(void)
{
    reads++;
}

static void take_order(const char *id)
{
    ck_assert_str_eq(id, "17");
    notes++;
}

/* [listen-callbacks] */
static void on_order(const elpq_notification *n, void *arg)
{
    (void)arg;
    take_order(n->payload);
}

static void on_event_of(elpq_listener *l, const elpq_listen_event *event,
                        void *arg)
{
    (void)l;
    (void)arg;
    /* What was before, and what was missed: in the table. */
    if (event->kind == ELPQ_LISTEN_UP || event->kind == ELPQ_LISTEN_GAP)
        read_all_orders();
}
/* [/listen-callbacks] */

START_TEST(notifications)
{
    struct event_base *base = loop;
    elpq_pool *pool = pool_of(1);
    struct answer *app = answer_new();

    /* [listen] */
    elpq_listener *listener =
        elpq_listener_new(base, "", NULL, on_event_of, NULL, NULL);

    elpq_listen(listener, "orders", on_order, NULL);
    /* [/listen] */
    run_until(&reads, 1);
    /* [notify] */
    elpq_notify(pool, "orders", "17", NULL, on_done, app);
    /* [/notify] */
    expect_ok(app);
    run_until(&notes, 1);
    elpq_listener_close(listener, NULL, NULL);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    tcase_add_test(harness_case(s, "notifications", 0), notifications);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: notifications", build);
}

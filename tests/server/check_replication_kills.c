/* SPDX-License-Identifier: PostgreSQL */
/*
 * Nothing is lost and nothing is confirmed early: numbered transactions, a
 * consumer that confirms at random points, the server's process killed again
 * and again, and the server restarted.  On a server of its own.
 *
 * Each transaction n inserts the rows n, of which there are 1 to 3.  Within a
 * connection they must come in order and without a gap; the first one of a
 * connection is the one behind the last that was confirmed.
 */
#include "replication.h"

#define MANY 4096

static struct {
    int sent;      /* transactions 1 .. sent were committed          */
    int highest;   /* seen                                           */
    int in;        /* the number inside of the current transaction   */
    int last;      /* seen on this connection; 0: none yet           */
    int rows;      /* of the current transaction                     */
    int confirmed; /* the last number that was confirmed             */
    bool eager;    /* confirms everything                            */
    uint64_t made; /* where the slot began                           */
    uint64_t end_of[MANY];
} seq;

static void check_order(int number)
{
    ck_assert_int_eq(number, seq.last ? seq.last + 1 : seq.confirmed + 1);
    ck_assert_int_eq(seq.rows, number % 3 + 1);
}

static void confirm_some(int number)
{
    int n = seq.eager ? number : number - (int)random_below(5);

    if ((random_below(3) != 0 && !seq.eager) || n < 1)
        return;
    confirm(seq.end_of[n]);
    if (n > seq.confirmed)
        seq.confirmed = n;
}

static void on_numbered(const elpq_change *change)
{
    if (change->kind == ELPQ_CHANGE_BEGIN) {
        seq.rows = 0;
    } else if (change->kind == ELPQ_CHANGE_INSERT) {
        ck_assert_int_eq(elpq_cell_int32(&change->new_row[0], &seq.in), 0);
        seq.rows++;
    } else if (change->kind == ELPQ_CHANGE_COMMIT) {
        check_order(seq.in);
        ck_assert_int_lt(seq.in, MANY);
        seq.last = seq.in;
        seq.end_of[seq.in] = change->end_lsn;
        if (seq.in > seq.highest)
            seq.highest = seq.in;
        confirm_some(seq.in);
    }
}

static void on_up_or_down(const elpq_replication_event *event)
{
    ck_assert(!event->given_up);
    seq.last = 0;
    if (event->kind == ELPQ_REPLICATION_UP && seq.confirmed > 0)
        ck_assert_uint_ge(event->start, seq.end_of[seq.confirmed]);
}

static void commit_some(int n)
{
    while (n-- > 0) {
        seq.sent++;
        admin_do("insert into elpq_changed"
                 " select %d from generate_series(1, %d)",
                 seq.sent, seq.sent % 3 + 1);
    }
}

static void kill_sender(void)
{
    admin_do("select pg_terminate_backend(active_pid) from"
             " pg_replication_slots where active");
}

/* A server that shuts down waits until all that it has sent is confirmed. */
static void restart(void)
{
    seq.eager = true;
    if (seq.highest > seq.confirmed) {
        confirm(seq.end_of[seq.highest]);
        seq.confirmed = seq.highest;
    }
    restart_server();
    seq.eager = false;
}

/* What the server will begin with is not beyond what was confirmed. */
static void check_server(void)
{
    elpq_replication_statistics st;

    RUN(elpq_replication_stats(seen_changes.r, &st));
    ck_assert_uint_le(confirmed_on_server(),
                      st.confirmed > seq.made ? st.confirmed : seq.made);
    if (st.delivered > st.confirmed && seq.confirmed > 0)
        ck_assert_uint_lt(st.confirmed, seq.end_of[seq.highest]);
}

START_TEST(nothing_is_lost)
{
    elpq_replication_options o = stream_options();
    int round;

    if (!harness_is_private())
        return;
    memset(&seq, 0, sizeof(seq));
    make_all("id int", "pgoutput");
    seq.made = confirmed_on_server();
    consume_up(&o);
    seen_changes.on_change = on_numbered;
    seen_changes.on_event = on_up_or_down;
    for (round = 0; round < 12; round++) {
        commit_some(10);
        run_turns((int)random_below(20));
        if (round % 5 == 3)
            restart();
        else
            kill_sender();
        check_server();
        commit_some(5);
        if (random_below(2))
            run_until(&seq.highest, seq.sent);
    }
    run_until(&seq.highest, seq.sent);
    ck_assert_int_ge(seen_changes.downs, 3);
    ck_assert_int_ge(seq.confirmed, 1);
    /* Right behind the last confirmed one, once more. */
    consume_end();
    seq.last = 0;
    round = seq.confirmed;
    if (round < seq.sent) {
        consume_from(&o);
        seen_changes.on_change = on_numbered;
        run_until(&seen_changes.commits, 1);
        ck_assert_int_ge(seq.last, round + 1);
        consume_end();
    }
    drop_all();
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "kills", 120);

    if (can_replicate())
        tcase_add_test(t, nothing_is_lost);
}

int main(int argc, char **argv)
{
    (void)argc;
    return harness_main_private("replication_kills", build, argv);
}

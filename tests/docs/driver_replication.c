/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/replication.md, run.  With --print there is nothing to
 * print: no block of the document is output.
 */
#include "../server/replication.h"

static int stored, safe, imported, written;

static void store(int32_t id, const char *name)
{
    ck_assert(id == 1 && strcmp(name, "Ann") == 0);
    stored++;
}

static bool all_is_on_disk(uint64_t lsn)
{
    safe += lsn != 0;
    return true;
}

/* [replication-change] */
static void on_change(elpq_replication *stream, const elpq_change *change,
                      void *arg)
{
    int32_t id;
    elpq_string name;

    (void)arg;
    switch (change->kind) {
    case ELPQ_CHANGE_INSERT:
        if (elpq_cell_int32(&change->new_row[0], &id) == 0 &&
            elpq_cell_string(&change->new_row[1], &name) == 0)
            store(id, name.data);
        break;
    case ELPQ_CHANGE_COMMIT:
        if (all_is_on_disk(change->end_lsn))
            elpq_replication_confirm(stream, change->end_lsn);
        break;
    default:
        break;
    }
}
/* [/replication-change] */

/* [replication-event] */
static void on_stream_event(elpq_replication *stream,
                            const elpq_replication_event *event, void *arg)
{
    (void)stream, (void)arg;
    if (event->kind == ELPQ_REPLICATION_DOWN)
        fprintf(stderr, "%s%s\n", event->error->message,
                event->given_up ? ", given up" : "");
}
/* [/replication-event] */

START_TEST(replication)
{
    struct event_base *base = loop;

    make_all("id int primary key, name text", "pgoutput");
    /* [replication-start] */
    static const char *const tables[] = { "elpq_pub", NULL };
    elpq_replication_options options = {
        .slot = "elpq_slot",
        .create_slot = true,
        .publications = tables,
        .binary = true,
    };
    elpq_replication *stream = elpq_replication_new(
        base, "", &options, on_change, on_stream_event, NULL, NULL);
    /* [/replication-start] */
    ck_assert_ptr_nonnull(stream);
    admin_do("insert into elpq_changed values (1, 'Ann')");
    run_until(&safe, 1);
    ck_assert_int_eq(stored, 1);
    /* [replication-pause] */
    elpq_replication_pause(stream);  /* the disk is slow */
    elpq_replication_resume(stream); /* it has caught up */
    /* [/replication-pause] */
    elpq_replication_close(stream, NULL, NULL);
    run_turns(3);
    drop_all();
}
END_TEST

static void take_size(int64_t bytes)
{
    ck_assert_int_eq(bytes, 5);
    imported++;
}

/* [lo-import] */
static int64_t from_file(elpq_large_object *lo, void *buffer, size_t size,
                         void *arg)
{
    FILE *file = arg;
    size_t n = fread(buffer, 1, size, file);

    (void)lo;
    return ferror(file) ? ELPQ_LO_FAILED : (int64_t)n;
}

static void on_imported(int64_t bytes, const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        fprintf(stderr, "%s\n", error->message);
    else
        take_size(bytes);
}
/* [/lo-import] */

static elpq_large_object *object;
static uint32_t new_oid;

static void on_oid(uint32_t oid, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_ptr_null(error);
    new_oid = oid;
    written++;
}

static void on_object(elpq_large_object *lo, const elpq_error *error,
                      void *arg)
{
    (void)arg;
    ck_assert_ptr_null(error);
    object = lo;
    written++;
}

START_TEST(large_objects)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    fputs("12345", file);
    rewind(file);
    elpq_lo_create(tx, 0, NULL, on_oid, NULL);
    run_until(&written, 1);
    /* [lo-open] */
    elpq_lo_open(tx, new_oid, ELPQ_LO_WRITE, NULL, on_object, NULL);
    /* [/lo-open] */
    run_until(&written, 2);
    elpq_lo_import(object, from_file, NULL, on_imported, file);
    run_until(&imported, 1);
    elpq_lo_close(object, NULL, NULL);
    expect_ok(rollback(tx));
    fclose(file);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "replication", 0);

    if (can_replicate())
        tcase_add_test(t, replication);
    tcase_add_test(t, large_objects);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--print") == 0)
        return 0;
    return harness_main("docs_replication", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * cdc: every change of the tables of a publication, as lines of JSON.
 *
 *     cdc SLOT PUBLICATION [TRANSACTIONS]
 *
 * Makes the slot if it does not exist.  A transaction is confirmed when its
 * lines are written, so after a crash some may come twice, and none is lost.
 *
 *     cc cdc.c $(pkg-config --cflags --libs elpq libevent_core) -o cdc
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long transactions = -1; /* until it ends; never                      */
static int failed;

static void print_string(const char *s, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        if (s[i] == '"' || s[i] == '\\')
            printf("\\%c", s[i]);
        else if ((unsigned char)s[i] < 0x20)
            printf("\\u%04x", s[i]);
        else
            putchar(s[i]);
    }
    putchar('"');
}

static void print_row(const char *key, const elpq_change *change,
                      const elpq_cell *row)
{
    int n = 0;

    if (!row)
        return;
    printf(",\"%s\":{", key);
    for (int i = 0; i < change->relation->ncolumns; i++) {
        const elpq_relation_column *column = &change->relation->columns[i];
        elpq_string s;

        /* What was not sent is left out: large values that stay as they are,
         * and all but the key of a row that is only named by it. */
        if (elpq_cell_unchanged(&row[i]) ||
            (row == change->old_row && change->old_is_key && !column->key))
            continue;
        if (n++ > 0)
            putchar(',');
        print_string(column->name, strlen(column->name));
        putchar(':');
        if (elpq_cell_string(&row[i], &s) == 0)
            print_string(s.data, s.size);
        else
            printf("null");
    }
    putchar('}');
}

static void on_change(elpq_replication *stream, const elpq_change *change,
                      void *arg)
{
    char lsn[ELPQ_LSN_SIZE];

    (void)arg;
    if (change->kind == ELPQ_CHANGE_RELATION)
        return;
    printf("{\"kind\":\"%s\",\"xid\":%u,\"lsn\":\"%s\"",
           elpq_change_name(change->kind), change->xid,
           elpq_lsn_print(change->lsn, lsn));
    if (change->relation) {
        printf(",\"table\":");
        print_string(change->relation->name, strlen(change->relation->name));
    }
    print_row("old", change, change->old_row);
    print_row("new", change, change->new_row);
    puts("}");
    if (change->kind != ELPQ_CHANGE_COMMIT)
        return;
    fflush(stdout);
    elpq_replication_confirm(stream, change->end_lsn);
    if (transactions > 0 && --transactions == 0)
        elpq_replication_close(stream, NULL, NULL);
}

static void on_event(elpq_replication *stream,
                     const elpq_replication_event *event, void *arg)
{
    (void)arg;
    if (event->error)
        fprintf(stderr, "cdc: %s\n", event->error->message);
    if (event->given_up) {
        failed = 1;
        elpq_replication_close(stream, NULL, NULL);
    }
}

int main(int argc, char **argv)
{
    const char *publications[] = { argc > 2 ? argv[2] : NULL, NULL };
    elpq_replication_options options = { .create_slot = true,
                                         .publications = publications };
    struct event_base *base = event_base_new();
    elpq_error *error = NULL;

    if (argc < 3) {
        fputs("usage: cdc SLOT PUBLICATION [TRANSACTIONS]\n", stderr);
        return 2;
    }
    options.slot = argv[1];
    if (argc > 3)
        transactions = atol(argv[3]);
    if (!elpq_replication_new(base, "", &options, on_change, on_event, NULL,
                              &error)) {
        fprintf(stderr, "cdc: %s\n", error->message);
        elpq_error_free(error);
        return 1;
    }
    event_base_dispatch(base);
    event_base_free(base);
    return failed;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * A replication stream as its user sees it: made, told what is safe, paused,
 * closed.  Its connections are in replication_conn.c.
 *
 * It is freed by the task that reports its end, so that whoever is in the
 * middle of it finds it until then.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "backoff.h"
#include "replication_int.h"

/* -------------------------------------------------------------------- new */

static void stream_free(elpq_replication *r)
{
    struct elpq__loop *loop = r->loop;

    elpq__pgoutput_free(&r->decoder);
    elpq__forget_strings(r->params);
    elpq__forget_strings(r->publications);
    elpq__forget_strings(r->plugin_options);
    elpq__forget(r->conninfo);
    free(r->slot);
    free(r->plugin);
    free(r->origin);
    free(r);
    if (loop)
        elpq__loop_unref(loop);
}

static void int_default(int *x, int value)
{
    if (*x == 0)
        *x = value;
}

static void options_init(elpq_replication_options *o)
{
    elpq_conn_options conn = o->conn;

    elpq__conn_options_init(&o->conn, &conn);
    o->conn.no_statement_cache = true;
    if (o->max_relations == 0)
        o->max_relations = 10000;
    int_default(&o->status_interval_ms, 10000);
    int_default(&o->server_timeout_ms, 60000);
    int_default(&o->backoff_min_ms, 100);
    int_default(&o->backoff_max_ms, 10000);
}

/* The parameters of the user, and the one that makes it a replication. */
static char **copy_params(const char *const *params)
{
    size_t n = 0;
    const char **all;
    char **copy;

    while (params && params[n])
        n++;
    all = calloc(n + 3, sizeof(*all));
    if (!all)
        return NULL;
    if (n)
        memcpy(all, params, n * sizeof(*all));
    all[n] = "replication";
    all[n + 1] = "database";
    copy = elpq__copy_strings(all);
    free(all);
    return copy;
}

static bool copy_options(elpq_replication *r, const char *conninfo)
{
    elpq_replication_options *o = &r->options;

    r->conninfo = strdup(conninfo ? conninfo : "");
    r->params = copy_params(o->conn.params);
    r->slot = strdup(o->slot);
    r->plugin = strdup(o->plugin ? o->plugin : "pgoutput");
    r->publications = elpq__copy_strings(o->publications);
    r->plugin_options = elpq__copy_strings(o->plugin_options);
    r->origin = o->origin ? strdup(o->origin) : NULL;
    if (!r->conninfo || !r->params || !r->slot || !r->plugin ||
        !r->publications || !r->plugin_options || (o->origin && !r->origin))
        return false;
    r->is_pgoutput = strcmp(r->plugin, "pgoutput") == 0;
    o->conn.params = (const char *const *)r->params;
    o->slot = o->plugin = o->origin = NULL; /* the caller's memory */
    o->publications = o->plugin_options = NULL;
    return true;
}

static void run_end(struct elpq__task *task);

static elpq_replication *stream_alloc(struct event_base *base,
                                      const char *conninfo,
                                      const elpq_replication_options *options)
{
    elpq_replication *r = elpq__new(elpq_replication);

    if (!r)
        return NULL;
    r->options = *options;
    options_init(&r->options);
    elpq__pgoutput_init(&r->decoder, r->options.max_relations, false);
    r->base = base;
    r->loop = elpq__loop_get(base);
    if (!r->loop || !copy_options(r, conninfo)) {
        stream_free(r);
        return NULL;
    }
    r->flush = r->options.start;
    r->random = elpq__random_seed(elpq__now(), r);
    r->connect.fire = elpq__replication_due;
    r->tick.fire = elpq__replication_tick;
    r->tick.far = true;
    r->tell.run = elpq__replication_tell;
    r->end.run = run_end;
    return r;
}

static bool has_pairs(const char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n % 2 == 0;
}

/* NULL, or what is wrong with the options. */
static const char *complaint(const elpq_replication_options *o)
{
    bool pgoutput = o && (!o->plugin || strcmp(o->plugin, "pgoutput") == 0);

    if (!o || !elpq__slot_name_ok(o->slot))
        return "a replication stream needs the name of a slot";
    if (o->plugin && !elpq__slot_name_ok(o->plugin))
        return "plugin is not the name of one";
    if (pgoutput && (!o->publications || !o->publications[0]))
        return "pgoutput needs publications";
    if (!has_pairs(o->plugin_options))
        return "plugin_options: the last name has no value";
    if ((unsigned)o->streaming > ELPQ_STREAMING_PARALLEL ||
        (o->temporary && !o->create_slot) || o->status_interval_ms < 0 ||
        o->server_timeout_ms < -1 || o->backoff_min_ms < 0 ||
        o->backoff_max_ms < 0)
        return "an option of the replication stream is out of its bounds";
    return NULL;
}

elpq_replication *elpq_replication_new(struct event_base *base,
                                       const char *conninfo,
                                       const elpq_replication_options *options,
                                       elpq_change_cb changes,
                                       elpq_replication_event_cb events,
                                       void *arg, elpq_error **error)
{
    const char *why = complaint(options);
    elpq_replication *r;
    char *bad;

    if (error)
        *error = NULL;
    if (!why && (!base || !changes))
        why = "elpq_replication_new needs an event_base and a callback";
    if (why) {
        elpq__error_give(error, ELPQ_E_USAGE, why);
        return NULL;
    }
    bad = elpq__conninfo_check(conninfo, options->conn.params);
    if (bad) {
        elpq__error_give(error, ELPQ_E_USAGE, bad);
        free(bad);
        return NULL;
    }
    r = stream_alloc(base, conninfo, options);
    if (!r) {
        elpq__error_give(error, ELPQ_E_NOMEM, NULL);
        return NULL;
    }
    r->changes = changes;
    r->events = events;
    r->arg = arg;
    /* From the loop, so that no event comes within this call. */
    elpq__timer_start(r->loop, &r->connect, elpq__now());
    return r;
}

/* ------------------------------------------------------------------ close */

/* Commands that were in flight have called back by now. */
static void run_end(struct elpq__task *task)
{
    elpq_replication *r = elpq__container(task, elpq_replication, end);
    elpq_done_cb done = r->done;
    void *arg = r->done_arg;

    stream_free(r);
    if (done)
        done(NULL, arg);
}

void elpq_replication_close(elpq_replication *r, elpq_done_cb done, void *arg)
{
    if (!r || r->closing || !elpq__loop_is_ours(r->loop))
        return;
    r->closing = true;
    r->done = done;
    r->done_arg = arg;
    r->events = NULL;
    elpq__replication_send_status(r, false);
    elpq__timer_stop(r->loop, &r->connect);
    elpq__replication_disconnect(r);
    elpq__timer_stop(r->loop, &r->connect);
    elpq__task_post(r->loop, &r->end);
}

/* ---------------------------------------------------------------- its life */

int elpq_replication_confirm(elpq_replication *r, uint64_t lsn)
{
    if (!r)
        return ELPQ_E_USAGE;
    if (!elpq__loop_is_ours(r->loop))
        return ELPQ_E_FORKED;
    if (lsn > r->delivered && lsn > r->flush)
        return ELPQ_E_USAGE;
    if (lsn <= r->flush)
        return 0;
    r->flush = lsn;
    r->advanced = true;
    if (r->up)
        elpq__task_post(r->loop, &r->tell);
    return 0;
}

void elpq_replication_pause(elpq_replication *r)
{
    if (!r || !elpq__loop_is_ours(r->loop) || r->paused)
        return;
    r->paused = true;
    if (r->up)
        elpq__pipeline_pause(r->conn, true);
}

void elpq_replication_resume(elpq_replication *r)
{
    if (!r || !elpq__loop_is_ours(r->loop) || !r->paused)
        return;
    r->paused = false;
    r->alive = elpq__now();
    if (r->up)
        elpq__pipeline_pause(r->conn, false);
}

void elpq_replication_stats(const elpq_replication *r,
                            elpq_replication_statistics *out)
{
    *out = r->stats;
    out->up = r->up;
    out->received = r->received;
    out->delivered = r->delivered;
    out->confirmed = r->flush;
    out->relations = r->decoder.nrelations;
}

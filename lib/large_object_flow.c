/* SPDX-License-Identifier: PostgreSQL */
/*
 * Imports and exports of large objects: one piece after the other.
 *
 * A flow is in one of three places: a piece is under way, or its task is
 * posted (both `busy`), or it waits for elpq_lo_resume().  It holds a
 * reference to the object, and all that it does begins in its task, so that
 * no callback of the user runs within a call of his.
 */
#include <stdlib.h>

#include "large_object_int.h"

#define PIECE ((size_t)256 * 1024)

static void end(elpq_large_object *lo, const elpq_error *error)
{
    elpq_lo_number_cb done = lo->done;

    lo->flows = lo->busy = false;
    lo->source = NULL;
    lo->sink = NULL;
    free(lo->buffer);
    lo->buffer = NULL;
    done(error ? -1 : lo->total, error, lo->arg);
    elpq__lo_unref(lo);
}

static void fail(elpq_large_object *lo, int code)
{
    elpq_error error;

    elpq__error_set(&error, (elpq_code)code, 0, NULL);
    end(lo, &error);
}

static void go_on(elpq_large_object *lo)
{
    lo->busy = true;
    elpq__task_post(lo->conn->loop, &lo->go_on);
}

/* A piece has come through; the next one is a matter of the next turn. */
static void next(elpq_large_object *lo)
{
    lo->busy = false;
    if (lo->closed || !lo->paused)
        go_on(lo);
}

static void on_written(int64_t n, const elpq_error *error, void *arg)
{
    elpq_large_object *lo = arg;

    if (error) {
        end(lo, error);
        return;
    }
    lo->total += n;
    next(lo);
}

static void on_read(const void *data, size_t size, const elpq_error *error,
                    void *arg)
{
    elpq_large_object *lo = arg;

    if (error) {
        end(lo, error);
        return;
    }
    lo->total += (int64_t)size;
    if (size > 0 && !lo->closed)
        lo->sink(lo, data, size, lo->arg);
    if (size < PIECE && !lo->closed)
        end(lo, NULL);
    else
        next(lo);
}

static void write_piece(elpq_large_object *lo, const elpq_options *options)
{
    int64_t n;
    int code;

    lo->waits = true; /* unless it resumes within */
    n = lo->source(lo, lo->buffer, PIECE, lo->arg);
    if (lo->closed) {
        fail(lo, ELPQ_E_CLOSED);
    } else if (n == 0) {
        end(lo, NULL);
    } else if (n == ELPQ_LO_LATER) {
        lo->busy = false;
        if (!lo->waits)
            go_on(lo);
    } else if (n < 0 || (uint64_t)n > PIECE) {
        fail(lo, ELPQ_E_CANCELED);
    } else if ((code = elpq__lo_write(lo, lo->buffer, (size_t)n, options,
                                      on_written, lo))) {
        fail(lo, code);
    }
}

void elpq__lo_flow_run(struct elpq__task *task)
{
    elpq_large_object *lo = elpq__container(task, elpq_large_object, go_on);
    elpq_options options = { .timeout_ms = lo->timeout_ms };
    int code;

    if (lo->closed) {
        fail(lo, ELPQ_E_CLOSED);
    } else if (lo->paused) {
        lo->busy = false;
    } else if (lo->source) {
        write_piece(lo, &options);
    } else if ((code = elpq__lo_read(lo, PIECE, &options, on_read, lo))) {
        fail(lo, code);
    }
}

void elpq__lo_flow_close(elpq_large_object *lo)
{
    if (lo->flows && !lo->busy)
        go_on(lo);
}

static int begin(elpq_large_object *lo, const elpq_options *options,
                 elpq_lo_number_cb done, void *arg)
{
    if (!elpq__loop_is_ours(lo->conn->loop))
        return ELPQ_E_FORKED;
    if (!elpq__resident_is_there(lo->conn, &lo->resident))
        return ELPQ_E_CLOSED;
    if (options && options->request)
        *options->request = NULL; /* its requests come and go */
    lo->done = done;
    lo->arg = arg;
    lo->timeout_ms = options ? options->timeout_ms : 0;
    lo->total = 0;
    lo->flows = true;
    elpq__lo_ref(lo);
    if (!lo->paused)
        go_on(lo);
    return 0;
}

int elpq_lo_import(elpq_large_object *lo, elpq_lo_source_cb source,
                   const elpq_options *options, elpq_lo_number_cb done,
                   void *arg)
{
    int code;

    if (!lo || !source || !done || lo->flows)
        return ELPQ_E_USAGE;
    lo->buffer = malloc(PIECE);
    if (!lo->buffer)
        return ELPQ_E_NOMEM;
    code = begin(lo, options, done, arg);
    if (code) {
        free(lo->buffer);
        lo->buffer = NULL;
    } else {
        lo->source = source;
    }
    return code;
}

int elpq_lo_export(elpq_large_object *lo, elpq_lo_sink_cb sink,
                   const elpq_options *options, elpq_lo_number_cb done,
                   void *arg)
{
    int code;

    if (!lo || !sink || !done || lo->flows)
        return ELPQ_E_USAGE;
    code = begin(lo, options, done, arg);
    if (!code)
        lo->sink = sink;
    return code;
}

void elpq_lo_pause(elpq_large_object *lo)
{
    if (lo && elpq__loop_is_ours(lo->conn->loop))
        lo->paused = true;
}

void elpq_lo_resume(elpq_large_object *lo)
{
    if (!lo || !elpq__loop_is_ours(lo->conn->loop))
        return;
    lo->paused = lo->waits = false;
    if (lo->flows && !lo->busy)
        go_on(lo);
}

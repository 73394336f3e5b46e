/* SPDX-License-Identifier: PostgreSQL */
/*
 * Large objects, through the server's SQL functions: each call is a statement
 * like any other, with its values as parameters.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "done.h"
#include "elpq/router.h"
#include "large_object_int.h"

#define PIECE_MAX ((size_t)256 << 20)

/* One call under way. */
struct call {
    elpq_large_object *lo; /* a reference; NULL without one                */
    union {
        elpq_lo_oid_cb oid;
        elpq_lo_cb opened;
        elpq_lo_data_cb data;
        elpq_lo_number_cb number;
    } cb;
    void *arg;
};

void elpq__lo_ref(elpq_large_object *lo)
{
    lo->refs++;
}

void elpq__lo_unref(elpq_large_object *lo)
{
    if (--lo->refs == 1 && lo->ended)
        elpq__task_post(lo->conn->loop, &lo->end);
    if (lo->refs > 0)
        return;
    elpq__resident_drop(&lo->resident);
    elpq__conn_unref(lo->conn);
    free(lo->buffer);
    free(lo);
}

static struct call *call_new(elpq_large_object *lo, void *arg)
{
    struct call *call = elpq__new(struct call);

    if (!call)
        return NULL;
    call->lo = lo;
    call->arg = arg;
    if (lo)
        elpq__lo_ref(lo);
    return call;
}

/* Takes it apart: the callback may end everything. */
static struct call call_end(void *arg)
{
    struct call call = *(struct call *)arg;

    free(arg);
    return call;
}

static void call_drop(struct call *call)
{
    if (call->lo)
        elpq__lo_unref(call->lo);
    free(call);
}

/* A number that the server's function returned. */
static int64_t number_of(elpq_result *result)
{
    int64_t number;

    return elpq_get_int64(result, 0, 0, &number) == 0 ? number : -1;
}

static const elpq_error *confused(elpq_error *error)
{
    elpq__error_set(error, ELPQ_E_PROTOCOL, 0, NULL);
    return error;
}

/* ------------------------------------------------------ create and unlink */

static void on_created(elpq_result *result, const elpq_error *error, void *arg)
{
    struct call call = call_end(arg);
    int64_t oid = error ? 0 : number_of(result);
    elpq_error bad;

    if (!error && oid <= 0)
        error = confused(&bad);
    call.cb.oid(error ? 0 : (uint32_t)oid, error, call.arg);
}

static const char create_sql[] =
    "SELECT pg_catalog.lo_create($1::pg_catalog.int8::pg_catalog.oid)";
static const char unlink_sql[] =
    "SELECT pg_catalog.lo_unlink($1::pg_catalog.int8::pg_catalog.oid)";

#define BY_OID(kind)                                                           \
    int elpq_##kind##_lo_create(elpq_##kind *target, uint32_t oid,             \
                                const elpq_options *options,                   \
                                elpq_lo_oid_cb callback, void *arg)            \
    {                                                                          \
        elpq_value value = elpq_int64(oid);                                    \
        elpq_statement st =                                                    \
            elpq_sql_from_trusted_string(create_sql, &value, 1);               \
        struct call *call;                                                     \
        int code;                                                              \
                                                                               \
        st.flags = ELPQ__PRIMARY;                                              \
        if (!target || !callback)                                              \
            return ELPQ_E_USAGE;                                               \
        call = call_new(NULL, arg);                                            \
        if (!call)                                                             \
            return ELPQ_E_NOMEM;                                               \
        call->cb.oid = callback;                                               \
        code = elpq_##kind##_execute(target, &st, options, on_created, call);  \
        if (code)                                                              \
            call_drop(call);                                                   \
        return code;                                                           \
    }                                                                          \
    int elpq_##kind##_lo_unlink(elpq_##kind *target, uint32_t oid,             \
                                const elpq_options *options,                   \
                                elpq_done_cb done, void *arg)                  \
    {                                                                          \
        elpq_value value = elpq_int64(oid);                                    \
        elpq_statement st =                                                    \
            elpq_sql_from_trusted_string(unlink_sql, &value, 1);               \
        struct elpq__done *end;                                                \
        int code;                                                              \
                                                                               \
        st.flags = ELPQ__PRIMARY;                                              \
        if (!target || !done)                                                  \
            return ELPQ_E_USAGE;                                               \
        end = elpq__done_new(done, arg);                                       \
        if (!end)                                                              \
            return ELPQ_E_NOMEM;                                               \
        code = elpq_##kind##_execute(target, &st, options, elpq__done_result,  \
                                     end);                                     \
        if (code)                                                              \
            free(end);                                                         \
        return code;                                                           \
    }
BY_OID(pool)
BY_OID(router)
BY_OID(conn)
BY_OID(tx)

/* ------------------------------------------------------------------- open */

static void on_opened(elpq_result *result, const elpq_error *error, void *arg)
{
    struct call call = call_end(arg);
    elpq_large_object *lo = call.lo;
    int64_t fd = error ? -1 : number_of(result);
    elpq_error bad;

    if (!error && (fd < 0 || fd > INT32_MAX))
        error = confused(&bad);
    lo->fd = (int32_t)fd;
    call.cb.opened(error ? NULL : lo, error, call.arg);
    if (error)
        elpq__lo_unref(lo); /* the handle's that nobody got */
}

static elpq_large_object *object_new(elpq_conn *conn)
{
    elpq_large_object *lo = elpq__new(elpq_large_object);

    if (!lo)
        return NULL;
    lo->conn = conn;
    elpq__resident_add(conn, &lo->resident, false);
    lo->go_on.run = elpq__lo_flow_run;
    elpq__conn_ref(conn);
    return lo;
}

int elpq_lo_open(elpq_tx *tx, uint32_t oid, int mode,
                 const elpq_options *options, elpq_lo_cb callback, void *arg)
{
    elpq_value values[2] = { elpq_int64(oid), elpq_int32(mode) };
    elpq_statement st = elpq_sql_from_trusted_string(
        "SELECT pg_catalog.lo_open($1::pg_catalog.int8::pg_catalog.oid, $2)",
        values, 2);
    elpq_large_object *lo;
    struct call *call;
    int code;

    if (!tx || !callback || mode == 0 ||
        (mode & ~(ELPQ_LO_READ | ELPQ_LO_WRITE)))
        return ELPQ_E_USAGE;
    lo = object_new(elpq_tx_conn(tx));
    call = lo ? call_new(lo, arg) : NULL; /* the handle is its reference too */
    if (!call) {
        if (lo) {
            lo->refs = 1;
            elpq__lo_unref(lo);
        }
        return ELPQ_E_NOMEM;
    }
    call->cb.opened = callback;
    code = elpq_tx_execute(tx, &st, options, on_opened, call);
    if (code)
        call_drop(call);
    return code;
}

/* ------------------------------------------------------------------ calls */

/* 0, or why the object takes no call. */
static int check(const elpq_large_object *lo)
{
    if (!elpq__loop_is_ours(lo->conn->loop))
        return ELPQ_E_FORKED;
    return elpq__resident_is_there(lo->conn, &lo->resident) ? 0
                                                            : ELPQ_E_CLOSED;
}

static int submit(elpq_large_object *lo, const elpq_statement *st,
                  const elpq_options *options, elpq_result_cb callback,
                  struct call *call)
{
    int code = call ? check(lo) : ELPQ_E_NOMEM;

    if (!code)
        code = elpq_conn_execute(lo->conn, st, options, callback, call);
    if (code && call)
        call_drop(call);
    return code;
}

static void on_number(elpq_result *result, const elpq_error *error, void *arg)
{
    struct call call = call_end(arg);
    int64_t number = error ? -1 : number_of(result);
    elpq_error bad;

    if (!error && number < 0)
        error = confused(&bad);
    call.cb.number(number, error, call.arg);
    elpq__lo_unref(call.lo);
}

/* A call with a number as its answer; the text is a literal of this file. */
static int ask_number(elpq_large_object *lo, const char *sql,
                      const elpq_value *values, unsigned n,
                      const elpq_options *options, elpq_lo_number_cb callback,
                      void *arg)
{
    elpq_statement st = elpq_sql_from_trusted_string(sql, values, n);
    struct call *call = call_new(lo, arg);

    if (call)
        call->cb.number = callback;
    return submit(lo, &st, options, on_number, call);
}

static void on_data(elpq_result *result, const elpq_error *error, void *arg)
{
    struct call call = call_end(arg);
    elpq_string bytes = { NULL, 0 };
    elpq_error bad;

    if (!error && elpq_get_bytes(result, 0, 0, &bytes) != 0)
        error = confused(&bad);
    call.cb.data(bytes.data, bytes.size, error, call.arg);
    elpq__lo_unref(call.lo);
}

int elpq__lo_read(elpq_large_object *lo, size_t size,
                  const elpq_options *options, elpq_lo_data_cb callback,
                  void *arg)
{
    elpq_value values[2] = { elpq_int32(lo->fd), elpq_int32((int32_t)size) };
    elpq_statement st = elpq_sql_from_trusted_string(
        "SELECT pg_catalog.loread($1, $2)", values, 2);
    struct call *call = call_new(lo, arg);

    if (call)
        call->cb.data = callback;
    return submit(lo, &st, options, on_data, call);
}

int elpq__lo_write(elpq_large_object *lo, const void *data, size_t size,
                   const elpq_options *options, elpq_lo_number_cb callback,
                   void *arg)
{
    elpq_value values[2] = { elpq_int32(lo->fd), elpq_bytea(data, size) };

    return ask_number(lo, "SELECT pg_catalog.lowrite($1, $2)", values, 2,
                      options, callback, arg);
}

int elpq_lo_read(elpq_large_object *lo, size_t size,
                 const elpq_options *options, elpq_lo_data_cb callback,
                 void *arg)
{
    if (!lo || !callback || lo->flows || size > PIECE_MAX)
        return ELPQ_E_USAGE;
    return elpq__lo_read(lo, size, options, callback, arg);
}

int elpq_lo_write(elpq_large_object *lo, const void *data, size_t size,
                  const elpq_options *options, elpq_lo_number_cb callback,
                  void *arg)
{
    if (!lo || !callback || lo->flows || size > PIECE_MAX || (size && !data))
        return ELPQ_E_USAGE;
    return elpq__lo_write(lo, data ? data : "", size, options, callback, arg);
}

int elpq_lo_seek(elpq_large_object *lo, int64_t offset, int whence,
                 const elpq_options *options, elpq_lo_number_cb callback,
                 void *arg)
{
    elpq_value values[3] = { elpq_int32(lo ? lo->fd : 0), elpq_int64(offset),
                             elpq_int32(whence == SEEK_SET   ? 0
                                        : whence == SEEK_CUR ? 1
                                                             : 2) };

    if (!lo || !callback || lo->flows ||
        (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END))
        return ELPQ_E_USAGE;
    return ask_number(lo, "SELECT pg_catalog.lo_lseek64($1, $2, $3)", values, 3,
                      options, callback, arg);
}

int elpq_lo_tell(elpq_large_object *lo, const elpq_options *options,
                 elpq_lo_number_cb callback, void *arg)
{
    elpq_value value = elpq_int32(lo ? lo->fd : 0);

    if (!lo || !callback || lo->flows)
        return ELPQ_E_USAGE;
    return ask_number(lo, "SELECT pg_catalog.lo_tell64($1)", &value, 1, options,
                      callback, arg);
}

int elpq_lo_truncate(elpq_large_object *lo, int64_t size,
                     const elpq_options *options, elpq_done_cb done, void *arg)
{
    elpq_value values[2] = { elpq_int32(lo ? lo->fd : 0), elpq_int64(size) };
    elpq_statement st = elpq_sql_from_trusted_string(
        "SELECT pg_catalog.lo_truncate64($1, $2)", values, 2);
    struct elpq__done *end;
    int code;

    if (!lo || !done || lo->flows)
        return ELPQ_E_USAGE;
    if ((code = check(lo)))
        return code;
    end = elpq__done_new(done, arg);
    if (!end)
        return ELPQ_E_NOMEM;
    code = elpq_conn_execute(lo->conn, &st, options, elpq__done_result, end);
    if (code)
        free(end);
    return code;
}

/* ------------------------------------------------------------------ close */

static void run_closed(struct elpq__task *task)
{
    elpq_large_object *lo = elpq__container(task, elpq_large_object, end);
    elpq_done_cb done = lo->on_end;
    void *arg = lo->end_arg;

    lo->ended = false;
    elpq__lo_unref(lo);
    if (done)
        done(NULL, arg);
}

/* What was submitted before is answered first, and a flow has ended. */
static void set_ended(elpq_large_object *lo)
{
    lo->ended = true;
    if (lo->refs == 1)
        elpq__task_post(lo->conn->loop, &lo->end);
}

/* In a failed transaction it is closed already, or soon will be. */
static void on_closed(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    (void)error;
    set_ended(arg);
}

int elpq_lo_close(elpq_large_object *lo, elpq_done_cb done, void *arg)
{
    elpq_value value;
    elpq_statement st;

    if (!lo)
        return 0;
    if (!elpq__loop_is_ours(lo->conn->loop))
        return ELPQ_E_FORKED;
    lo->end.run = run_closed;
    lo->on_end = done;
    lo->end_arg = arg;
    value = elpq_int32(lo->fd);
    st = elpq_sql_from_trusted_string("SELECT pg_catalog.lo_close($1)", &value,
                                      1);
    if (check(lo) || elpq_conn_tx_status(lo->conn) == ELPQ_TX_FAILED ||
        elpq_conn_execute(lo->conn, &st, NULL, on_closed, lo))
        set_ended(lo);
    lo->closed = true;
    elpq__lo_flow_close(lo);
    return 0;
}

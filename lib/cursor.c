/* SPDX-License-Identifier: PostgreSQL */
/*
 * Cursors: DECLARE, FETCH, MOVE and CLOSE as an object.
 *
 * A cursor holds a reference to its connection.  It is referenced by its
 * user's handle, by each fetch under way and by its walk.  All commands go
 * unnamed, since their text has the cursor's name and would fill the cache of
 * prepared statements.  The first result tells whether all columns can be
 * binary; from then on they are.
 *
 * A walk is one fetch at a time (`fetching`, until its rows were handed over);
 * between two of them it is either paused, or its task is posted.
 */
#include "elpq/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "conn_int.h"
#include "scope.h"

#define NAME_MAX_BYTES 63

struct elpq_cursor {
    elpq_conn *conn;    /* a reference                                     */
    unsigned refs;
    struct elpq__resident resident;
    bool described;     /* `binary` is decided                             */
    bool binary;
    int timeout_ms;
    char *tag;
    elpq_cursor_cb on_declared; /* later on_closed, with the same arg      */
    elpq_done_cb on_closed;
    void *arg;
    bool closing; /* with nothing to send: `end` is posted
                     when only the handle's reference is left */
    struct elpq__task end;

    elpq_walk_cb on_rows;       /* of a walk; NULL: there is none          */
    elpq_done_cb on_walked;
    void *walk_arg;
    int chunk_rows;
    bool fetching;
    bool paused;
    bool stopped;
    struct elpq__task go_on;    /* the walk's next step                    */

    char name[NAME_MAX_BYTES + 1];
    char quoted[2 * NAME_MAX_BYTES + 3];
};

/* One fetch or move under way. */
struct fetch {
    elpq_cursor *cursor; /* a reference */
    elpq_result_cb callback;
    void *arg;
};

static void ref(elpq_cursor *c)
{
    c->refs++;
}

static void unref(elpq_cursor *c)
{
    if (--c->refs == 1 && c->closing)
        elpq__task_post(c->conn->loop, &c->end);
    if (c->refs > 0)
        return;
    elpq__resident_drop(&c->resident);
    elpq__conn_unref(c->conn);
    free(c->tag);
    free(c);
}

/* Whether the session may still have it. */
static bool is_live(const elpq_cursor *c)
{
    return elpq__resident_is_there(c->conn, &c->resident);
}

/* Runs a command of ours; its text is made of literals and the quoted name. */
static int command(elpq_cursor *c, const elpq_statement *st,
                   const elpq_options *options, elpq_result_cb callback,
                   void *arg)
{
    elpq_options o = { .timeout_ms = c->timeout_ms, .tag = c->tag };

    if (options)
        o = *options;
    o.flags |= ELPQ_NO_PREPARE;
    return elpq_conn_execute(c->conn, st, &o, callback, arg);
}

/* --------------------------------------------------------------- declare */

static void set_name(elpq_cursor *c, const char *name)
{
    static uint64_t last;
    char *q = c->quoted;

    if (name)
        strcpy(c->name, name);
    else
        snprintf(c->name, sizeof(c->name), "elpq_cursor_%x_%llx",
                 (unsigned)getpid(),
                 (unsigned long long)__atomic_add_fetch(&last, 1,
                                                        __ATOMIC_RELAXED));
    *q++ = '"';
    for (const char *s = c->name; *s; *q++ = *s++)
        if (*s == '"')
            *q++ = '"';
    *q++ = '"';
    *q = '\0';
}

static void run_end(struct elpq__task *task);
static void run_walk(struct elpq__task *task);

static elpq_cursor *cursor_new(elpq_conn *conn,
                               const elpq_cursor_options *options)
{
    elpq_cursor *c = elpq__new(elpq_cursor);

    if (!c)
        return NULL;
    if (options->tag && !(c->tag = strdup(options->tag))) {
        free(c);
        return NULL;
    }
    c->refs = 1;
    c->conn = conn;
    elpq__conn_ref(conn);
    elpq__resident_add(conn, &c->resident, options->hold);
    c->timeout_ms = options->timeout_ms;
    c->end.run = run_end;
    c->go_on.run = run_walk;
    set_name(c, options->name);
    return c;
}

static void on_declared(elpq_result *result, const elpq_error *error,
                        void *arg)
{
    elpq_cursor *c = arg;
    elpq_cursor_cb callback = c->on_declared;

    (void)result;
    callback(error ? NULL : c, error, c->arg);
    if (error)
        unref(c);
}

static int send_declare(elpq_cursor *c, const elpq_statement *st,
                        const elpq_cursor_options *options)
{
    static const char *const scrolls[] = { "", " SCROLL", " NO SCROLL" };
    struct elpq__buf sql = { 0 };
    elpq_statement declare = *st;
    int code = ELPQ_E_NOMEM;

    elpq__buf_addf(&sql, "DECLARE %s%s CURSOR%s FOR ", c->quoted,
                   scrolls[options->scroll],
                   options->hold ? " WITH HOLD" : "");
    elpq__buf_add(&sql, st->sql, st->sql_len);
    if (!sql.failed) {
        declare.sql = sql.data;
        declare.sql_len = sql.size;
        code = command(c, &declare, NULL, on_declared, c);
    }
    elpq__buf_free(&sql);
    return code;
}

static bool name_ok(const char *name)
{
    return !name || (*name && strlen(name) <= NAME_MAX_BYTES);
}

int elpq_conn_declare(elpq_conn *conn, const elpq_statement *statement,
                      const elpq_cursor_options *options,
                      elpq_cursor_cb callback, void *arg)
{
    static const elpq_cursor_options none;
    const elpq_cursor_options *o = options ? options : &none;
    elpq_cursor *c;
    int code;

    if (!conn || !statement || !statement->sql || !callback ||
        (unsigned)o->scroll > ELPQ_NO_SCROLL || !name_ok(o->name))
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_usable(conn)))
        return code;
    c = cursor_new(conn, o);
    if (!c)
        return ELPQ_E_NOMEM;
    c->on_declared = callback;
    c->arg = arg;
    code = send_declare(c, statement, o);
    if (code)
        unref(c);
    return code;
}

/* ----------------------------------------------------------------- fetch */

static bool compose(char *out, size_t size, const elpq_cursor *c,
                    const char *verb, elpq_direction direction, int n)
{
    static const struct {
        const char *word;
        bool counts;
    } way[] = {
        [ELPQ_FORWARD] = { "FORWARD", true },
        [ELPQ_BACKWARD] = { "BACKWARD", true },
        [ELPQ_FORWARD_ALL] = { "FORWARD ALL", false },
        [ELPQ_BACKWARD_ALL] = { "BACKWARD ALL", false },
        [ELPQ_ABSOLUTE] = { "ABSOLUTE", true },
        [ELPQ_RELATIVE] = { "RELATIVE", true },
        [ELPQ_FIRST] = { "FIRST", false },
        [ELPQ_LAST] = { "LAST", false },
    };

    if ((unsigned)direction >= sizeof(way) / sizeof(way[0]) || n == INT32_MIN)
        return false; /* the server's grammar does not have that number */
    if (way[direction].counts)
        snprintf(out, size, "%s %s %d FROM %s", verb, way[direction].word, n,
                 c->quoted);
    else
        snprintf(out, size, "%s %s FROM %s", verb, way[direction].word,
                 c->quoted);
    return true;
}

static void on_fetched(elpq_result *result, const elpq_error *error, void *arg)
{
    struct fetch f = *(struct fetch *)arg;

    free(arg);
    if (result && elpq_columns(result) > 0 && !f.cursor->described) {
        f.cursor->described = true;
        f.cursor->binary = elpq__codecs_binary(result->res, result->types);
    }
    f.callback(result, error, f.arg);
    unref(f.cursor);
}

static int send_fetch(elpq_cursor *c, const char *verb,
                      elpq_direction direction, int n,
                      const elpq_options *options, elpq_result_cb callback,
                      void *arg)
{
    elpq_options o = { .timeout_ms = c->timeout_ms, .tag = c->tag };
    char sql[sizeof(c->quoted) + 64];
    elpq_statement st;
    struct fetch *f;
    int code;

    if (!callback || !compose(sql, sizeof(sql), c, verb, direction, n))
        return ELPQ_E_USAGE;
    if (!elpq__loop_is_ours(c->conn->loop))
        return ELPQ_E_FORKED;
    if (!is_live(c))
        return ELPQ_E_CLOSED;
    f = elpq__new(struct fetch);
    if (!f)
        return ELPQ_E_NOMEM;
    *f = (struct fetch){ c, callback, arg };
    if (options)
        o = *options;
    if (c->binary && !(o.flags & ELPQ_TEXT_RESULT))
        o.flags |= ELPQ__BINARY;
    st = elpq_sql_from_trusted_string(sql, NULL, 0);
    code = command(c, &st, &o, on_fetched, f);
    if (code)
        free(f);
    else
        ref(c);
    return code;
}

int elpq_cursor_fetch(elpq_cursor *cursor, elpq_direction direction, int n,
                      const elpq_options *options, elpq_result_cb callback,
                      void *arg)
{
    if (!cursor)
        return ELPQ_E_USAGE;
    return send_fetch(cursor, "FETCH", direction, n, options, callback, arg);
}

int elpq_cursor_move(elpq_cursor *cursor, elpq_direction direction, int n,
                     const elpq_options *options, elpq_result_cb callback,
                     void *arg)
{
    if (!cursor)
        return ELPQ_E_USAGE;
    return send_fetch(cursor, "MOVE", direction, n, options, callback, arg);
}

/* ------------------------------------------------------------------ walk */

static void on_chunk(elpq_result *result, const elpq_error *error, void *arg);

static void end_walk(elpq_cursor *c, const elpq_error *error)
{
    c->on_rows = NULL;
    c->on_walked(error, c->walk_arg);
    unref(c);
}

static int fetch_chunk(elpq_cursor *c)
{
    int code = send_fetch(c, "FETCH", ELPQ_FORWARD, c->chunk_rows, NULL,
                          on_chunk, c);

    c->fetching = code == 0;
    return code;
}

static void run_walk(struct elpq__task *task)
{
    elpq_cursor *c = elpq__container(task, elpq_cursor, go_on);
    elpq_error error;
    int code;

    if (c->stopped) {
        end_walk(c, NULL);
    } else if (!c->paused && (code = fetch_chunk(c)) != 0) {
        elpq__error_set(&error, (elpq_code)code, ELPQ_NOT_EXECUTED, NULL);
        end_walk(c, &error);
    }
}

static void on_chunk(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_cursor *c = arg;
    int rows = result ? (int)elpq_rows(result) : 0;

    if (rows > 0 && !c->stopped)
        c->on_rows(result, c, c->walk_arg);
    c->fetching = false; /* only now: what it called has posted no task */
    if (error || c->stopped || rows < c->chunk_rows)
        end_walk(c, error);
    else if (!c->paused)
        run_walk(&c->go_on);
}

int elpq_cursor_walk(elpq_cursor *c, int chunk_rows, elpq_walk_cb rows,
                     elpq_done_cb done, void *arg)
{
    int code;

    if (!c || c->on_rows || chunk_rows < 1 || !rows || !done)
        return ELPQ_E_USAGE;
    c->chunk_rows = chunk_rows;
    c->paused = c->stopped = false;
    code = fetch_chunk(c);
    if (code)
        return code;
    ref(c);
    c->on_rows = rows;
    c->on_walked = done;
    c->walk_arg = arg;
    return 0;
}

static bool walks(const elpq_cursor *c)
{
    return c && c->on_rows && elpq__loop_is_ours(c->conn->loop);
}

/* Between two fetches, its next step is a task. */
static void wake_walk(elpq_cursor *c)
{
    if (!c->fetching)
        elpq__task_post(c->conn->loop, &c->go_on);
}

void elpq_cursor_pause(elpq_cursor *cursor)
{
    if (walks(cursor))
        cursor->paused = true;
}

void elpq_cursor_resume(elpq_cursor *cursor)
{
    if (!walks(cursor) || !cursor->paused)
        return;
    cursor->paused = false;
    wake_walk(cursor);
}

void elpq_cursor_stop(elpq_cursor *cursor)
{
    if (!walks(cursor) || cursor->stopped)
        return;
    cursor->stopped = true;
    wake_walk(cursor);
}

/* ----------------------------------------------------------------- close */

static void finish(elpq_cursor *c, const elpq_error *error)
{
    elpq_done_cb callback = c->on_closed;

    if (callback)
        callback(error, c->arg);
    unref(c);
}

static void run_end(struct elpq__task *task)
{
    elpq_cursor *c = elpq__container(task, elpq_cursor, end);

    c->closing = false;
    finish(c, NULL);
}

/* Gone is gone, with its transaction or its session. */
static void on_closed(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_cursor *c = arg;

    (void)result;
    if (error && (strcmp(error->sqlstate, "34000") == 0 ||
                  c->conn->state == ELPQ__CLOSED))
        error = NULL;
    finish(c, error);
}

int elpq_cursor_close(elpq_cursor *c, elpq_done_cb callback, void *arg)
{
    char sql[sizeof(c->quoted) + 8];
    elpq_statement st;
    bool live;
    int code;

    if (!c)
        return 0;
    if (!elpq__loop_is_ours(c->conn->loop))
        return ELPQ_E_FORKED;
    snprintf(sql, sizeof(sql), "CLOSE %s", c->quoted);
    st = elpq_sql_from_trusted_string(sql, NULL, 0);
    live = is_live(c);
    if (live && (code = command(c, &st, NULL, on_closed, c)) != 0)
        return code;
    elpq_cursor_stop(c);
    c->closing = !live;
    if (c->closing && c->refs == 1)
        elpq__task_post(c->conn->loop, &c->end);
    c->on_closed = callback;
    c->arg = arg;
    return 0;
}

const char *elpq_cursor_name(const elpq_cursor *cursor)
{
    return cursor->name;
}

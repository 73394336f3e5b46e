/* SPDX-License-Identifier: PostgreSQL */
/*
 * Batches: made when they are submitted, and told to their user at their end.
 *
 * In between a batch is one request, with one place and one outcome; see
 * batch.h.  The request's own SQL text is that of its first statement, for
 * traces.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "batch.h"
#include "conn_int.h"

/* ------------------------------------------------------------------- new */

static bool is_one_of(const char *sql, const char *const *words)
{
    const char *word = elpq__sql_first_word(sql);
    size_t size = strcspn(word, " \t\r\n\f\v(;-/");

    for (; *words; words++)
        if (strlen(*words) == size && strncasecmp(word, *words, size) == 0)
            return true;
    return false;
}

/* It would end the transaction that holds the batch together. */
static bool ends_transaction(const char *sql)
{
    static const char *const words[] = { "begin",     "start",    "commit",
                                         "end",       "rollback", "abort",
                                         "savepoint", "release",  "prepare",
                                         NULL };

    return is_one_of(sql, words);
}

/* It may commit by itself, with all that ran before it in the batch. */
static bool may_commit(const char *sql)
{
    static const char *const words[] = { "call",    "do",      "vacuum",
                                         "reindex", "cluster", NULL };
    static const char *const ddl[] = { "create", "drop", "alter", NULL };
    static const char *const names[] = { "concurrently", "database",
                                         "tablespace",   "system",
                                         "subscription", NULL };

    if (!is_one_of(sql, ddl))
        return is_one_of(sql, words);
    for (const char *const *name = names; *name; name++)
        if (strcasestr(sql, *name))
            return true;
    return false;
}

/* What of a statement makes the whole batch fail before it is sent. */
static void inherit(elpq_request *req, elpq_request *part, elpq_pooler pooler)
{
    const char *why = "a batch cannot begin or end a transaction";

    if (!part->code && ends_transaction(part->sql))
        elpq__request_blame(part, ELPQ_E_USAGE, ELPQ_NOT_EXECUTED, why);
    if (!part->code)
        elpq__send_refuses(part, pooler, false);
    if (!part->code || req->code)
        return;
    req->batch->failed = req->batch->n;
    elpq__request_blame(req, part->code, part->error_flags, part->text);
    req->owned = part->owned;
    part->owned = NULL;
}

static bool check(const elpq_statement *const statements[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const elpq_statement *st = statements[i];

        if (!st || !st->sql || (st->nvalues && !st->values))
            return false;
    }
    return n > 0;
}

/* False if out of memory; what was made is in the batch. */
static bool add_statements(elpq_request *req,
                           const elpq_statement *const statements[], size_t n,
                           elpq_pooler pooler)
{
    struct elpq__batch *batch = req->batch;

    for (size_t i = 0; i < n; i++) {
        elpq_request *part =
            elpq__request_new(req->loop, ELPQ__STATEMENT, statements[i], NULL);

        if (!part)
            return false;
        part->flags |= req->flags;
        batch->statements[batch->n++] = part;
    }
    batch->failed = batch->n;
    for (size_t i = 0; i < n; i++)
        inherit(req, batch->statements[i], pooler);
    return true;
}

int elpq__batch_submit(elpq_request **out, struct elpq__loop *loop,
                       const elpq_conn_options *conn_options,
                       const elpq_statement *const statements[], size_t n,
                       const elpq_options *options)
{
    elpq_statement first;
    elpq_request *req;

    if (!statements || !check(statements, n))
        return ELPQ_E_USAGE;
    if (n > conn_options->max_batch)
        return ELPQ_E_LIMIT;
    first = elpq_sql_from_trusted_string(statements[0]->sql, NULL, 0);
    first.sql_len = statements[0]->sql_len;
    req = elpq__request_submit(loop, ELPQ__BATCH, &first, options,
                               conn_options->timeout_ms, conn_options);
    if (!req)
        return ELPQ_E_NOMEM;
    req->batch = calloc(1, sizeof(*req->batch) + n * sizeof(req));
    if (!req->batch ||
        !add_statements(req, statements, n, conn_options->pooler)) {
        if (options && options->request)
            *options->request = NULL;
        elpq__request_free(req);
        return ELPQ_E_NOMEM;
    }
    *out = req;
    return 0;
}

int elpq_conn_batch(elpq_conn *conn, const elpq_statement *const statements[],
                    size_t n, const elpq_options *options, elpq_batch_cb each,
                    elpq_done_cb done, void *arg)
{
    elpq_request *req;
    int code;

    if (!conn || !done)
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_check(conn)))
        return code;
    code = elpq__batch_submit(&req, conn->loop, &conn->options, statements, n,
                              options);
    if (code)
        return code;
    req->batch->each = each;
    req->cb.done = done;
    req->arg = arg;
    return elpq__conn_submit(conn, req);
}

void elpq__batch_free(elpq_request *req)
{
    struct elpq__batch *batch = req->batch;

    for (unsigned i = 0; i < batch->n; i++)
        elpq__request_free(batch->statements[i]);
    free(batch);
    req->batch = NULL;
}

/* ------------------------------------------------------------------- end */

static void call_result(elpq_request *req, unsigned index)
{
    struct elpq__batch *batch = req->batch;
    elpq_result *result =
        elpq__request_result(req->conn, batch->statements[index]);
    elpq_error error;

    if (!result) /* it ran; only we cannot say what came of it */
        elpq__error_set(&error, ELPQ_E_NOMEM, ELPQ_IN_DOUBT, NULL);
    batch->each(index, result, result ? NULL : &error, req->arg);
    elpq__request_result_done(req->loop, result);
}

bool elpq__batch_in_doubt(const struct elpq__batch *batch, unsigned index)
{
    for (; index < batch->n && index <= batch->failed; index++)
        if (may_commit(batch->statements[index]->sql))
            return true;
    return false;
}

/* The server undid the batch: what that means for one of its statements. */
static void call_undone(elpq_request *req, unsigned index)
{
    struct elpq__batch *batch = req->batch;
    bool ran = index < batch->failed;
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_ROLLED_BACK,
                    ran && elpq__batch_in_doubt(batch, index)
                        ? ELPQ_IN_DOUBT
                        : ELPQ_NOT_EXECUTED,
                    ran ? "another statement of the batch failed: this one "
                          "was rolled back"
                        : "another statement of the batch failed: this one "
                          "was not executed");
    batch->each(index, NULL, &error, req->arg);
}

void elpq__batch_call(elpq_request *req, const elpq_error *error)
{
    struct elpq__batch *batch = req->batch;
    bool undone = req->failure && !req->code;

    for (unsigned i = 0; batch->each && i < batch->n; i++) {
        if (!error)
            call_result(req, i);
        else if (undone && i != batch->failed)
            call_undone(req, i);
        else
            batch->each(i, NULL, error, req->arg);
    }
    req->cb.done(error, req->arg);
}

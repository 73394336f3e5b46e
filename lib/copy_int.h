/* SPDX-License-Identifier: PostgreSQL */
/*
 * One COPY, and what the files of it offer to each other and to the
 * connection.
 *
 * A COPY belongs to its request (kind ELPQ__COPY), and is freed with it.  It
 * goes through phases, of which those of rows begin with DESCRIBE, the others
 * with COMMAND:
 *
 *     DESCRIBE  the columns of the query behind the rows are asked for
 *     COMMAND   COPY is sent, or about to be
 *     FLOWING   libpq is in a COPY state; conn->copy is this COPY
 *     OVER      libpq has left it: results follow, as of any statement
 *
 * While conn->copy is set, PQgetResult has nothing to say, and answer.c
 * leaves the connection to this.
 */
#ifndef ELPQ_LIB_COPY_INT_H
#define ELPQ_LIB_COPY_INT_H

#include "conn_int.h"
#include "elpq/copy.h"
#include "params.h"
#include "rows.h"

enum elpq__copy_phase {
    ELPQ__COPY_DESCRIBE,
    ELPQ__COPY_COMMAND,
    ELPQ__COPY_FLOWING,
    ELPQ__COPY_OVER
};

/* How values go the short way; see copy_encode.c. */
enum elpq__copy_way {
    ELPQ__COPY_CODEC = 0, /* they do not, but for NULL */
    ELPQ__COPY_INT4,
    ELPQ__COPY_8_BYTES,
    ELPQ__COPY_TIMESTAMP,
    ELPQ__COPY_STRING
};

/* What a value is encoded as; see copy_encode.c. */
struct elpq__copy_column {
    uint32_t oid;
    uint8_t way;  /* elpq__copy_way */
    uint8_t kind; /* of the values that go this way; else that of NULL */
    const struct elpq__codec *codec; /* NULL: of a type that is unknown */
};

struct elpq_copy {
    elpq_request *req;
    enum elpq__copy_phase phase;
    bool in;             /* into a table                                    */
    bool typed;          /* rows, not bytes                                 */
    bool binary;         /* of rows, once their columns are known           */
    bool flows_in;       /* what libpq says; not `in` only by mistake       */
    bool mistake;        /* the statement was no such COPY                  */
    bool whole;          /* made of a table: one COPY, and nothing else     */
    bool finished;       /* CopyDone was sent: it may take effect           */
    char *describe;      /* of rows: the query that has their columns       */
    PGresult *described; /* its answer                                      */
    struct elpq__type_set *types; /* that its columns may have; a reference */
    int ncolumns;
    struct elpq__copy_column *columns; /* of rows in                        */
    uint64_t bytes;
    char *reason; /* of elpq_copy_abort()                            */

    /* In. */
    elpq_copy_ready_cb ready;
    struct elpq__buf buf; /* rows that libpq does not have yet              */
    size_t given;         /* of buf: bytes that libpq has                   */
    size_t go;            /* bytes in this round                            */
    size_t unflushed;     /* bytes since libpq's output was flushed         */
    bool full;            /* takes nothing before the next round            */
    bool starved;         /* a writer waits for `ready`                     */
    bool feeding;         /* libpq takes data, and may call a hook          */
    bool finishing;       /* elpq_copy_finish()                             */
    bool broken;          /* libpq failed                                   */
    uint64_t nrows;       /* that elpq_copy_put() took                      */
    char why[256];

    /* Out. */
    elpq_copy_data_cb data;
    elpq_copy_rows_cb rows;
    bool ended;          /* libpq has no more, but the reader has paused   */
    bool dropped;        /* something, because it was canceled             */
    elpq_result *result; /* of rows: filled and emptied again and again    */
    struct elpq__rows_stream stream;
};

/* -------------------------------------------------------------- copy_sql.c */

/*
 * Appends the COPY of a spec, without a format if it is one of rows, and the
 * query that has its columns; false if the spec makes no sense.
 */
bool elpq__copy_write_sql(const elpq_copy_spec *spec, bool in, bool typed,
                          struct elpq__buf *sql, struct elpq__buf *describe);

/* ------------------------------------------------------------------ copy.c */

/* What a submitting call was given. */
struct elpq__copy_job {
    const elpq_copy_spec *spec;
    const elpq_options *options;
    bool in;
    elpq_copy_ready_cb ready;
    elpq_copy_data_cb data;
    elpq_copy_rows_cb rows;
    elpq_result_cb done;
    void *arg;
};

/* A request of the job, or a code. */
int elpq__copy_request(struct elpq__loop *loop,
                       const struct elpq__copy_job *job, int default_timeout_ms,
                       const elpq_conn_options *trace, elpq_request **out);
bool elpq__copy_job_ok(const struct elpq__copy_job *job);

/*
 * Whether data may move: libpq is in the state, the loop is this process's,
 * and neither end was announced.
 */
static inline bool elpq__copy_flows(const elpq_copy *copy)
{
    return copy && copy->phase == ELPQ__COPY_FLOWING && !copy->finishing &&
           elpq__loop_is_ours(copy->req->loop) && copy->req->conn &&
           copy->req->conn->copy == copy && !copy->req->cause;
}

/*
 * Ends a COPY that flows in, as far as libpq goes: well if `error` is NULL.
 * What the server says to it is read as an answer.
 */
void elpq__copy_end(elpq_conn *conn, const char *error);

/* ---------------------------------------------------------- copy_encode.c */

/* Looks at the columns: sets binary; false if out of memory. */
bool elpq__copy_look_at_columns(elpq_copy *copy);
/* Appends a row to copy->buf, whole or not at all. */
int elpq__copy_encode(elpq_copy *copy, const elpq_value *values, unsigned n);
/* What goes before the first row, and behind the last one. */
void elpq__copy_encode_head(elpq_copy *copy);
void elpq__copy_encode_tail(elpq_copy *copy);

/* ------------------------------------------------------------- copy_out.c */

/* Takes what has come; true if libpq has left the state. */
bool elpq__copy_read(elpq_conn *conn, elpq_copy *copy);

#endif

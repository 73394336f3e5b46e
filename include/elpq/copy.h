/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file copy.h
 * COPY: bulk data into and out of tables, as bytes or as rows.
 *
 * Into a table, its writer is called when there is room, writes until a call
 * takes less than it was given, and is called again when the socket has
 * drained; so memory stays flat however slow the server is.  Out of a table,
 * the reader gets pieces, and may pause: then nothing more is read, and the
 * server waits.
 *
 * The contract of conn.h holds: `done` comes exactly once, with the result of
 * the COPY (elpq_affected() is the number of rows) or an error, unless the
 * submitting call returned non-zero.  The deadline covers the whole COPY, all
 * its data included: for large ones ask for more time, or ELPQ_NO_TIMEOUT.
 *
 * A COPY is alone on its connection: it waits for the statements before it,
 * and those after it wait for its end.  However it ends, the connection takes
 * statements again, or it is closed.
 *
 * An elpq_copy is what is under way.  The callbacks hand it out; it is valid
 * until `done` has begun.  Functions on it may be called at any time until
 * then, inside of callbacks or not.
 */
#ifndef ELPQ_COPY_H
#define ELPQ_COPY_H

#include "conn.h"
#include "pool.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_copy elpq_copy;

/** How data of a table is written. */
typedef enum elpq_copy_format {
    ELPQ_COPY_TEXT = 0,
    ELPQ_COPY_CSV,
    ELPQ_COPY_BINARY,
    /**
     * elpq_copy_in() only: rows of elpq_values, see elpq_copy_put().  They go
     * in binary where there is a codec for each column, else as text.
     */
    ELPQ_COPY_ROWS
} elpq_copy_format;

/**
 * What is copied: exactly one of table, trusted_sql and trusted_query.  All
 * zero is the default of everything else.  Copied by the submitting call.
 *
 * Names are identifiers: always quoted, never SQL.
 */
typedef struct elpq_copy_spec {
    const char *table;
    const char *schema;         /**< NULL: by the search path               */
    const char *const *columns; /**< ended by NULL; NULL: all               */
    /**
     * A whole COPY ... FROM STDIN or TO STDOUT.  Never text that holds data;
     * elpq_copy_sql() is the normal way, and accepts string literals only.
     */
    const char *trusted_sql;
    /** A query to copy out of: the same holds; see elpq_copy_query(). */
    const char *trusted_query;

    /* The rest is for table and trusted_query, and not for rows. */
    elpq_copy_format format;
    bool header;                /**< CSV: a first line with names           */
    bool freeze;                /**< in: FREEZE                             */
    char delimiter;             /**< 0: tab, or a comma in CSV              */
    char quote;                 /**< CSV; 0: "                              */
    char escape;                /**< CSV; 0: as quote                       */
    const char *null;           /**< NULL: \N, or nothing in CSV            */
} elpq_copy_spec;

/** There is room for more data; the first time, the COPY has begun. */
typedef void (*elpq_copy_ready_cb)(elpq_copy *copy, void *arg);

/**
 * Gets the next bytes, borrowed: up to 64 KiB, or more if a row is large.
 * Rows are whole in the formats text and CSV, unless the server sends parts.
 */
typedef void (*elpq_copy_data_cb)(elpq_copy *copy, const void *data,
                                  size_t size, void *arg);

/**
 * Gets the next rows, up to 256 of them or 64 KiB; borrowed, and kept with
 * elpq_result_ref().  All getters of result.h work on them.
 */
typedef void (*elpq_copy_rows_cb)(elpq_copy *copy, elpq_result *rows,
                                  void *arg);

/* -------------------------------------------------------------------- in */

/**
 * Copies into a table.  Also as elpq_copy_in(target, ...).
 *
 * `ready` is called when the server is ready for the data, and again after
 * every call of elpq_copy_write() or elpq_copy_put() that did not take all,
 * as soon as there is room.  It is never called inside of those.
 *
 * When the server refuses the data in the middle, `done` gets its error at
 * once (in rare cases not before elpq_copy_finish()), and the writer is not
 * called again.  The error's context names the line, as "COPY t, line 3".
 * Until elpq_copy_finish() was called nothing takes effect: a connection that
 * is lost before gives NOT_EXECUTED; but ELPQ_IN_DOUBT with a trusted_sql, in
 * which there may be other statements.
 *
 * Returns 0, ELPQ_E_USAGE (a callback or the target is missing, a spec that
 * makes no sense), or as elpq_conn_execute().
 */
ELPQ_API int elpq_conn_copy_in(elpq_conn *conn, const elpq_copy_spec *spec,
                               const elpq_options *options,
                               elpq_copy_ready_cb ready, elpq_result_cb done,
                               void *arg);
ELPQ_API int elpq_pool_copy_in(elpq_pool *pool, const elpq_copy_spec *spec,
                               const elpq_options *options,
                               elpq_copy_ready_cb ready, elpq_result_cb done,
                               void *arg);
ELPQ_API int elpq_tx_copy_in(elpq_tx *tx, const elpq_copy_spec *spec,
                             const elpq_options *options,
                             elpq_copy_ready_cb ready, elpq_result_cb done,
                             void *arg);

/**
 * Writes bytes in the format of the COPY; lines and rows may be split
 * anywhere.  Returns how many it took (they are copied); less than `size`,
 * and 0 as well, means: wait for `ready`.  0 if the COPY is over, or takes
 * rows.
 */
ELPQ_API size_t elpq_copy_write(elpq_copy *copy, const void *data,
                                size_t size);

/**
 * Writes one row, of ELPQ_COPY_ROWS; also as elpq_copy_row(copy, 1, "x").
 * Values go as the types of the columns, whatever their own OID; what is
 * stored is the same whichever way the rows go: in binary, or as text if there
 * is a column whose type has no binary form here.  Then the server is asked
 * for what elpq would refuse here, as an elpq_date() for a timestamp.
 *
 * Text is read as the column's type: as text by the server, in binary by elpq
 * before it is sent.  elpq reads numbers, booleans, bits (digits 0 and 1),
 * bytea, uuids, dates and times as the server prints them; text of arrays,
 * ranges, rows and most of geometry it refuses, and spellings that only the
 * server knows, as "tomorrow".
 *
 * Into a column of type money only elpq_money() goes in binary; where a row
 * goes as text, numbers and text go, as the server reads them by lc_monetary,
 * and elpq_money() does not.
 *
 * The row is taken whole, or not at all:
 *
 *     0              it was taken
 *     ELPQ_E_FULL    it was not: again when `ready` is called
 *     ELPQ_E_VALUE   a value does not fit its column, or there are more or
 *                    fewer values than columns.  elpq_copy_error() says which
 *                    row and column.  The COPY goes on: the next row may
 *                    follow, or elpq_copy_abort().
 *     ELPQ_E_CLOSED  the COPY is over
 *     ELPQ_E_NOMEM, ELPQ_E_FORKED, ELPQ_E_USAGE (no COPY of rows)
 */
ELPQ_API int elpq_copy_put(elpq_copy *copy, const elpq_value *values,
                           unsigned n);

/** Why elpq_copy_put() refused the last row; "" if it did not. */
ELPQ_API const char *elpq_copy_error(const elpq_copy *copy);

/**
 * All data was written: `done` gets the outcome.  Returns 0, ELPQ_E_CLOSED
 * (it is over, or was finished before), ELPQ_E_NOMEM or ELPQ_E_FORKED.
 * A hook of a notice that comes while data are written cannot write more, nor
 * finish: ELPQ_E_FULL.
 */
ELPQ_API int elpq_copy_finish(elpq_copy *copy);

/* ------------------------------------------------------------------- out */

/**
 * Copies bytes out of a table or query.  Also as elpq_copy_out(target, ...).
 * Returns as elpq_conn_copy_in().
 */
ELPQ_API int elpq_conn_copy_out(elpq_conn *conn, const elpq_copy_spec *spec,
                                const elpq_options *options,
                                elpq_copy_data_cb data, elpq_result_cb done,
                                void *arg);
ELPQ_API int elpq_pool_copy_out(elpq_pool *pool, const elpq_copy_spec *spec,
                                const elpq_options *options,
                                elpq_copy_data_cb data, elpq_result_cb done,
                                void *arg);
ELPQ_API int elpq_tx_copy_out(elpq_tx *tx, const elpq_copy_spec *spec,
                              const elpq_options *options,
                              elpq_copy_data_cb data, elpq_result_cb done,
                              void *arg);

/**
 * Copies decoded rows out of a table or query.  Also as
 * elpq_copy_out_rows(target, ...).  The spec has a table or a trusted_query,
 * and no format.  Values come in binary where there is a codec for each
 * column, else as text; the getters read both.
 */
ELPQ_API int elpq_conn_copy_out_rows(elpq_conn *conn,
                                     const elpq_copy_spec *spec,
                                     const elpq_options *options,
                                     elpq_copy_rows_cb rows,
                                     elpq_result_cb done, void *arg);
ELPQ_API int elpq_pool_copy_out_rows(elpq_pool *pool,
                                     const elpq_copy_spec *spec,
                                     const elpq_options *options,
                                     elpq_copy_rows_cb rows,
                                     elpq_result_cb done, void *arg);
ELPQ_API int elpq_tx_copy_out_rows(elpq_tx *tx, const elpq_copy_spec *spec,
                                   const elpq_options *options,
                                   elpq_copy_rows_cb rows,
                                   elpq_result_cb done, void *arg);

/**
 * Stops reading, so that the server waits; the callback is not called until
 * elpq_copy_resume(), not even with what has come already.  The deadline
 * runs on.  Nothing happens for a COPY that goes in, or is over.
 */
ELPQ_API void elpq_copy_pause(elpq_copy *copy);
ELPQ_API void elpq_copy_resume(elpq_copy *copy);

/* ------------------------------------------------------------------ both */

/**
 * Ends the COPY early: `done` gets ELPQ_E_CANCELED, and the connection is
 * usable again.
 *
 * In: nothing takes effect; the server reports the reason (NULL: "canceled"),
 * with SQLSTATE 57014.  Out: the server is asked to stop, and what still
 * comes is dropped; if all had come already, the COPY succeeds.
 *
 * Returns 0, ELPQ_E_CLOSED (it is over, or was finished), ELPQ_E_NOMEM (the
 * COPY goes on) or ELPQ_E_FORKED.
 */
ELPQ_API int elpq_copy_abort(elpq_copy *copy, const char *reason);

/** Number of columns; 0 while not known. */
ELPQ_API int elpq_copy_columns(const elpq_copy *copy);

/** Bytes that were given to libpq so far, or came from it. */
ELPQ_API uint64_t elpq_copy_bytes(const elpq_copy *copy);

/** A COPY whose text is known at run time only: never text that holds data. */
static inline elpq_copy_spec
elpq_copy_sql_from_trusted_string(const char *sql)
{
    elpq_copy_spec spec;

    memset(&spec, 0, sizeof(spec));
    spec.trusted_sql = sql;
    return spec;
}

#ifdef __cplusplus
}
#endif

/*
 * elpq_copy_sql("copy t (a, b) from stdin (format csv)")
 * elpq_copy_query("select a, b from t where c")
 *
 * A const elpq_copy_spec * from a string literal, which lives as long as the
 * block it stands in; and elpq_copy_row(copy, 1, "x"), a row of up to 31
 * C values.
 */
#ifndef __cplusplus
#define elpq_copy_sql(text)                                                   \
    (&(const elpq_copy_spec){ .trusted_sql = "" text "" })
#define elpq_copy_query(text)                                                 \
    (&(const elpq_copy_spec){ .trusted_query = "" text "" })
#define elpq_copy_row(copy, ...)                                              \
    elpq_copy_put(copy, (const elpq_value[]){ ELPQ_EACH_(__VA_ARGS__) },      \
                  sizeof((const elpq_value[]){ ELPQ_EACH_(__VA_ARGS__) }) /   \
                      sizeof(elpq_value))
#else
struct elpq_copy_literal {
    elpq_copy_spec spec;
    operator const elpq_copy_spec *() const
    {
        return &spec;
    }
};
template <size_t L>
inline elpq_copy_literal elpq_copy_sql(const char (&sql)[L])
{
    return { elpq_copy_sql_from_trusted_string(sql) };
}
template <size_t L>
inline elpq_copy_literal elpq_copy_query(const char (&query)[L])
{
    elpq_copy_literal literal = { elpq_copy_sql_from_trusted_string(nullptr) };

    literal.spec.trusted_query = query;
    return literal;
}
template <class... A> inline int elpq_copy_row(elpq_copy *copy, A... values)
{
    const elpq_value list[] = { elpq_val(values)... };

    return elpq_copy_put(copy, list, (unsigned)sizeof...(A));
}
#endif

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What runs in a transaction: the same as on its connection, but only while
 * the transaction takes statements: otherwise there is no connection, which is
 * an error of usage to each of these calls.
 */
#include "elpq/batch.h"
#include "elpq/cursor.h"
#include "tx_int.h"

int elpq_tx_execute(elpq_tx *tx, const elpq_statement *statement,
                    const elpq_options *options, elpq_result_cb callback,
                    void *arg)
{
    return elpq_conn_execute(elpq__tx_target(tx), statement, options, callback,
                             arg);
}

int elpq_tx_stream(elpq_tx *tx, const elpq_statement *statement,
                   const elpq_options *options, elpq_rows_cb rows,
                   elpq_done_cb done, void *arg)
{
    return elpq_conn_stream(elpq__tx_target(tx), statement, options, rows, done,
                            arg);
}

int elpq_tx_script_trusted(elpq_tx *tx, const char *sql,
                           const elpq_options *options, elpq_script_cb each,
                           elpq_done_cb done, void *arg)
{
    return elpq_conn_script_trusted(elpq__tx_target(tx), sql, options, each,
                                    done, arg);
}

int elpq_tx_declare(elpq_tx *tx, const elpq_statement *statement,
                    const elpq_cursor_options *options, elpq_cursor_cb callback,
                    void *arg)
{
    return elpq_conn_declare(elpq__tx_target(tx), statement, options, callback,
                             arg);
}

int elpq_tx_batch(elpq_tx *tx, const elpq_statement *const statements[],
                  size_t n, const elpq_options *options, elpq_batch_cb each,
                  elpq_done_cb done, void *arg)
{
    return elpq_conn_batch(elpq__tx_target(tx), statements, n, options, each,
                           done, arg);
}

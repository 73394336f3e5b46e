/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file error.h
 * Errors: what went wrong, who says so, and what may be done about it.
 *
 * A function that could not even begin returns a negative ELPQ_E_ code, and
 * its callback never comes.  Everything later reaches the callback as an
 * elpq_error, with the server's own diagnostics where the server spoke.
 */
#ifndef ELPQ_ERROR_H
#define ELPQ_ERROR_H

#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Codes; negative, so that they can be returned where 0 is success. */
typedef enum elpq_code {
    ELPQ_OK = 0,
    ELPQ_E_USAGE = -1,     /**< a call that can never work as it was made   */
    ELPQ_E_NOMEM = -2,     /**< out of memory                               */
    ELPQ_E_SERVER = -3,    /**< the server refused; see sqlstate            */
    ELPQ_E_CONNECT = -4,   /**< no connection could be made                 */
    ELPQ_E_LOST = -5,      /**< the connection broke                        */
    ELPQ_E_TIMEOUT = -6,   /**< the request's deadline passed               */
    ELPQ_E_CANCELED = -7,  /**< canceled by elpq_cancel()                   */
    ELPQ_E_CLOSED = -8,    /**< the connection or pool is closed            */
    ELPQ_E_FULL = -9,      /**< a queue is at its limit                     */
    ELPQ_E_PROTOCOL = -10, /**< the server's answer makes no sense; or a part of
                                it is missing, for which libpq had no memory */
    ELPQ_E_LIMIT = -11,    /**< a result is larger than max_result_bytes, or
                                a batch has more than max_batch statements  */
    ELPQ_E_VALUE = -12,    /**< a parameter cannot be sent as its type      */
    ELPQ_E_ROLLED_BACK = -13, /**< COMMIT of a failed transaction           */
    ELPQ_E_FORKED = -14,   /**< the object belongs to the parent process    */
    /* of the getters of result.h */
    ELPQ_E_INDEX = -15,    /**< no such row or column                       */
    ELPQ_E_TYPE = -16,     /**< the column is not of the type asked for     */
    ELPQ_E_RANGE = -17,    /**< the value does not fit                      */
    ELPQ_E_NULL = -18,     /**< the value is NULL                           */
    ELPQ_E_DECODE = -19    /**< the server's bytes are not of the type      */
} elpq_code;

/** elpq_error.flags */
enum {
    /** The same again may work: 40001, 40P01, no connection, a full queue. */
    ELPQ_RETRYABLE = 1u << 0,
    /** The statement did not run, and left no trace.                       */
    ELPQ_NOT_EXECUTED = 1u << 1,
    /** It was sent, and nobody knows whether it took effect.               */
    ELPQ_IN_DOUBT = 1u << 2
};

/**
 * One error, or one notice of the server.
 *
 * A callback borrows its error until it returns; keep one with
 * elpq_error_dup().  `message` is never NULL.  The other strings are NULL,
 * and numbers 0, where nobody supplied them.  detail, hint, context and
 * further are the server's own words and may hold data of rows.
 */
typedef struct elpq_error {
    elpq_code code;
    unsigned flags;         /**< ELPQ_RETRYABLE and so on                   */
    char sqlstate[6];       /**< five characters, or ""                     */
    int position;           /**< 1-based character in the SQL text          */
    int internal_position;  /**< the same in internal_query                 */
    const char *severity;   /**< ERROR, FATAL, PANIC, WARNING, NOTICE ...   */
    const char *message;
    const char *detail;
    const char *hint;
    const char *context;
    const char *internal_query;
    const char *schema;
    const char *table;
    const char *column;
    const char *datatype;
    const char *constraint;
    const char *source_file;
    const char *source_line;
    const char *source_function; /**< the server's routine that raised it   */
} elpq_error;

/** How grave a message of the server is; what it sends to clients, in order. */
typedef enum elpq_severity {
    ELPQ_SEVERITY_UNKNOWN = 0,
    ELPQ_DEBUG,
    ELPQ_LOG,
    ELPQ_INFO,
    ELPQ_NOTICE,
    ELPQ_WARNING,
    ELPQ_ERROR,
    ELPQ_FATAL,
    ELPQ_PANIC
} elpq_severity;

/** The severity of an error or notice, whatever the server's language. */
ELPQ_API elpq_severity elpq_error_severity(const elpq_error *error);

/** The name of a code, such as "ELPQ_E_TIMEOUT"; never NULL. */
ELPQ_API const char *elpq_code_name(int code);

/** What a code means, in words; never NULL, static. */
ELPQ_API const char *elpq_strerror(int code);

/** A copy that stays until elpq_error_free(); NULL if out of memory. */
ELPQ_API elpq_error *elpq_error_dup(const elpq_error *error) ELPQ_MUST_CHECK;

/** Frees what elpq_error_dup() or an out parameter gave; NULL is fine. */
ELPQ_API void elpq_error_free(elpq_error *error);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Error objects: names of codes, errors from results, owned copies.
 *
 * An owned copy is one block: the struct, then its strings.
 */
#include "error.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int code;
    const char *name;
    const char *text;
} codes[] = {
    { ELPQ_OK, "ELPQ_OK", "success" },
    { ELPQ_E_USAGE, "ELPQ_E_USAGE", "the call makes no sense as it was made" },
    { ELPQ_E_NOMEM, "ELPQ_E_NOMEM", "out of memory" },
    { ELPQ_E_SERVER, "ELPQ_E_SERVER", "the server reported an error" },
    { ELPQ_E_CONNECT, "ELPQ_E_CONNECT", "no connection could be made" },
    { ELPQ_E_LOST, "ELPQ_E_LOST", "the connection to the server was lost" },
    { ELPQ_E_TIMEOUT, "ELPQ_E_TIMEOUT", "the deadline passed" },
    { ELPQ_E_CANCELED, "ELPQ_E_CANCELED", "canceled" },
    { ELPQ_E_CLOSED, "ELPQ_E_CLOSED", "the connection or pool is closed" },
    { ELPQ_E_FULL, "ELPQ_E_FULL", "the queue is at its limit" },
    { ELPQ_E_PROTOCOL, "ELPQ_E_PROTOCOL",
      "the server's answer does not follow the protocol" },
    { ELPQ_E_LIMIT, "ELPQ_E_LIMIT",
      "the result is larger than max_result_bytes" },
    { ELPQ_E_VALUE, "ELPQ_E_VALUE", "a parameter cannot be sent" },
    { ELPQ_E_ROLLED_BACK, "ELPQ_E_ROLLED_BACK",
      "the transaction had failed and was rolled back" },
    { ELPQ_E_FORKED, "ELPQ_E_FORKED",
      "the object was made before fork, by the parent process" },
    { ELPQ_E_INDEX, "ELPQ_E_INDEX", "no such row or column" },
    { ELPQ_E_TYPE, "ELPQ_E_TYPE", "the column is of another type" },
    { ELPQ_E_RANGE, "ELPQ_E_RANGE", "the value does not fit" },
    { ELPQ_E_NULL, "ELPQ_E_NULL", "the value is NULL" },
    { ELPQ_E_DECODE, "ELPQ_E_DECODE", "the value's bytes are malformed" },
};

const char *elpq_code_name(int code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code)
            return codes[i].name;
    return "unknown code";
}

const char *elpq_strerror(int code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code)
            return codes[i].text;
    return "unknown code";
}

elpq_severity elpq_error_severity(const elpq_error *error)
{
    static const char *const names[] = {
        [ELPQ_DEBUG] = "DEBUG",     [ELPQ_LOG] = "LOG",
        [ELPQ_INFO] = "INFO",       [ELPQ_NOTICE] = "NOTICE",
        [ELPQ_WARNING] = "WARNING", [ELPQ_ERROR] = "ERROR",
        [ELPQ_FATAL] = "FATAL",     [ELPQ_PANIC] = "PANIC",
    };

    for (int i = ELPQ_DEBUG; error && error->severity && i <= ELPQ_PANIC; i++)
        if (strncmp(error->severity, names[i], strlen(names[i])) == 0)
            return (elpq_severity)i; /* DEBUG1 to DEBUG5 are one */
    return ELPQ_SEVERITY_UNKNOWN;
}

void elpq__error_set(elpq_error *error, elpq_code code, unsigned flags,
                     const char *message)
{
    memset(error, 0, sizeof(*error));
    error->code = code;
    error->flags = flags;
    error->severity = "ERROR";
    error->message = message ? message : elpq_strerror(code);
}

bool elpq__sqlstate_retryable(const char *sqlstate)
{
    /* serialization failure, deadlock, too many connections, starting up */
    static const char *const states[] = { "40001", "40P01", "53300",
                                          "57P03" };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(sqlstate, states[i]) == 0)
            return true;
    return false;
}

static int field_number(const PGresult *res, int field)
{
    const char *s = PQresultErrorField(res, field);
    long n = s ? strtol(s, NULL, 10) : 0;

    return n > 0 && n <= 0x7fffffff ? (int)n : 0;
}

void elpq__error_from_result(elpq_error *error, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity =
        PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (!message)
        message = PQresultErrorMessage(res);
    elpq__error_set(error, ELPQ_E_SERVER, 0, message);
    if (state && strlen(state) < sizeof(error->sqlstate))
        strcpy(error->sqlstate, state);
    if (elpq__sqlstate_retryable(error->sqlstate))
        error->flags |= ELPQ_RETRYABLE;
    if (strcmp(error->sqlstate, "25P02") == 0)
        error->flags |= ELPQ_NOT_EXECUTED; /* in a failed transaction */
    if (severity)
        error->severity = severity;
    error->position = field_number(res, PG_DIAG_STATEMENT_POSITION);
    error->internal_position = field_number(res, PG_DIAG_INTERNAL_POSITION);
    error->detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    error->hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
    error->context = PQresultErrorField(res, PG_DIAG_CONTEXT);
    error->internal_query = PQresultErrorField(res, PG_DIAG_INTERNAL_QUERY);
    error->schema = PQresultErrorField(res, PG_DIAG_SCHEMA_NAME);
    error->table = PQresultErrorField(res, PG_DIAG_TABLE_NAME);
    error->column = PQresultErrorField(res, PG_DIAG_COLUMN_NAME);
    error->datatype = PQresultErrorField(res, PG_DIAG_DATATYPE_NAME);
    error->constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
    error->source_file = PQresultErrorField(res, PG_DIAG_SOURCE_FILE);
    error->source_line = PQresultErrorField(res, PG_DIAG_SOURCE_LINE);
    error->source_function = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);
}

/* The string members, so that a copy needs no list of its own. */
static const size_t string_members[] = {
    offsetof(elpq_error, severity),      offsetof(elpq_error, message),
    offsetof(elpq_error, detail),        offsetof(elpq_error, hint),
    offsetof(elpq_error, context),       offsetof(elpq_error, internal_query),
    offsetof(elpq_error, schema),        offsetof(elpq_error, table),
    offsetof(elpq_error, column),        offsetof(elpq_error, datatype),
    offsetof(elpq_error, constraint),    offsetof(elpq_error, source_file),
    offsetof(elpq_error, source_line),   offsetof(elpq_error, source_function),
};
#define STRING_MEMBERS (sizeof(string_members) / sizeof(string_members[0]))

static const char **string_member(elpq_error *error, size_t i)
{
    return (const char **)((char *)error + string_members[i]);
}

elpq_error *elpq_error_dup(const elpq_error *error)
{
    elpq_error from = *error;
    size_t size = sizeof(from);
    elpq_error *copy;
    char *p;

    for (size_t i = 0; i < STRING_MEMBERS; i++)
        if (*string_member(&from, i))
            size += strlen(*string_member(&from, i)) + 1;
    copy = malloc(size);
    if (!copy)
        return NULL;
    *copy = from;
    p = (char *)(copy + 1);
    for (size_t i = 0; i < STRING_MEMBERS; i++) {
        const char *s = *string_member(&from, i);
        size_t len;

        if (!s)
            continue;
        len = strlen(s) + 1;
        memcpy(p, s, len);
        *string_member(copy, i) = p;
        p += len;
    }
    return copy;
}

void elpq_error_free(elpq_error *error)
{
    free(error);
}

void elpq__error_give(elpq_error **out, elpq_code code, const char *message)
{
    elpq_error error;

    if (!out)
        return;
    elpq__error_set(&error, code, 0, message);
    *out = elpq_error_dup(&error);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What may be said of a connection in logs: all but its secrets.
 */
#include <stdio.h>
#include <string.h>

#include "conn_int.h"

/* libpq marks what a form must not show; newer libpqs have more of them. */
static bool is_secret(const PQconninfoOption *o)
{
    return strchr(o->dispchar, '*') != NULL ||
           strstr(o->keyword, "password") != NULL ||
           strstr(o->keyword, "secret") != NULL ||
           strncmp(o->keyword, "scram_", 6) == 0;
}

/* A value of a conninfo string: in quotes where it needs them. */
static void add_value(struct elpq__buf *buf, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-./:,@%+*";

    if (*value && value[strspn(value, plain)] == '\0') {
        elpq__buf_add_str(buf, value);
        return;
    }
    elpq__buf_add_byte(buf, '\'');
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            elpq__buf_add_byte(buf, '\\');
        elpq__buf_add_byte(buf, *value);
    }
    elpq__buf_add_byte(buf, '\'');
}

static void add(struct elpq__buf *buf, const char *keyword, const char *value)
{
    if (!value || !*value)
        return;
    if (buf->size)
        elpq__buf_add_byte(buf, ' ');
    elpq__buf_add_str(buf, keyword);
    elpq__buf_add_byte(buf, '=');
    add_value(buf, value);
}

/* As snprintf() does: what fits, and how long all of it is. */
static int hand_out(struct elpq__buf *buf, char *out, size_t size)
{
    int length = buf->failed ? ELPQ_E_NOMEM : (int)buf->size;

    if (size > 0) {
        size_t n = buf->failed ? 0 : buf->size;

        n = n < size ? n : size - 1;
        if (n)
            memcpy(out, buf->data, n);
        out[n] = '\0';
    }
    elpq__buf_free(buf);
    return length;
}

int elpq_conninfo_redact(const char *conninfo, char *out, size_t size)
{
    struct elpq__buf buf = { 0 };
    PQconninfoOption *options;

    if (size > 0)
        *out = '\0';
    options = PQconninfoParse(conninfo ? conninfo : "", NULL);
    if (!options)
        return ELPQ_E_USAGE;
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (o->val && !is_secret(o))
            add(&buf, o->keyword, o->val);
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (o->val && *o->val && is_secret(o))
            add(&buf, o->keyword, "***");
    PQconninfoFree(options);
    return hand_out(&buf, out, size);
}

int elpq_conn_describe(const elpq_conn *conn, char *out, size_t size)
{
    struct elpq__buf buf = { 0 };
    char number[24];
    PGconn *pg = conn->pg;

    if (pg) {
        add(&buf, "user", PQuser(pg));
        add(&buf, "dbname", PQdb(pg));
        add(&buf, "host", PQhost(pg));
        add(&buf, "port", PQport(pg));
        add(&buf, "server", PQparameterStatus(pg, "server_version"));
        snprintf(number, sizeof(number), "%d", PQbackendPID(pg));
        add(&buf, "pid", number);
        add(&buf, "tls",
            PQsslInUse(pg) ? PQsslAttribute(pg, "protocol") : "off");
    }
    add(&buf, "state", elpq__state_name(conn->state));
    return hand_out(&buf, out, size);
}

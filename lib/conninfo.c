/* SPDX-License-Identifier: PostgreSQL */
/*
 * Conninfo strings, and what may be said of a connection: all but its secrets.
 * They are neither in messages of ours, nor in what libpq and the server say,
 * nor in memory that was freed here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conn_int.h"

const char *elpq__option_value(const PQconninfoOption *options,
                               const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val ? options->val : "";
    return "";
}

/* libpq marks what a form must not show; newer libpqs have more of them. */
static bool is_secret(const PQconninfoOption *o)
{
    return strchr(o->dispchar, '*') != NULL ||
           strstr(o->keyword, "password") != NULL ||
           strstr(o->keyword, "secret") != NULL ||
           strncmp(o->keyword, "scram_", 6) == 0;
}

void elpq__conninfo_free(PQconninfoOption *options)
{
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val && is_secret(o))
            explicit_bzero(o->val, strlen(o->val));
    PQconninfoFree(options);
}

/* ------------------------------------------------------------------ check */

void elpq__trim(char *s)
{
    size_t n = strlen(s);

    while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == ' '))
        s[--n] = '\0';
}

/*
 * libpq's complaints about a conninfo string quote pieces of it, and such a
 * piece may be of a password.  Only a name of an option is let through, if no
 * password comes before it.  There is room for "..." in place of each quote.
 */
static void hide_quotes(char *message, const char *conninfo)
{
    bool option = strstr(message, "invalid connection option") != NULL;
    const char *secret = strstr(conninfo, "password");
    char *p = strchr(message, '"');

    while (p) {
        size_t len = strcspn(p + 1, "\"");
        size_t name = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
        char *end = p + 1 + len;
        bool safe = strncmp(p, "\"=\"", 3) == 0;

        if (!*end)
            end = p + strlen(p); /* no closing quote: all of it */
        if (option && name == len && len > 0 && len <= 32) {
            const char *at = memmem(conninfo, strlen(conninfo), p + 1, len);

            safe = at && (!secret || at < secret) && !strstr(conninfo, "://");
        }
        if (!safe) {
            memmove(p + 4, end, strlen(end) + 1);
            memcpy(p + 1, "...", 3);
            end = p + 4;
        }
        p = *end ? strchr(end + 1, '"') : NULL;
    }
}

/*
 * A URI whose password has an '@' or '/' that is not percent-encoded is taken
 * apart in the middle of it, and a keyword without a blank in front is part of
 * the value before it.  libpq would look up the rest as a host, or a port, and
 * tell it in messages.
 */
static const char *torn(const char *conninfo, const PQconninfoOption *options)
{
    const char *host = elpq__option_value(options, "host");
    const char *port = elpq__option_value(options, "port");
    bool begins = true; /* of an element: paths and abstract sockets have @ */

    if (strchr(port, '='))
        return "port: not a number, and holds a '='";
    if (strncmp(conninfo, "postgres", 8) != 0 || !strstr(conninfo, "://"))
        return NULL;
    if (port[strspn(port, "0123456789, ")])
        return "port: not a number; special characters in a user name or "
               "password of a URI must be percent-encoded";
    for (; *host; host++) {
        if (begins && (*host == '/' || *host == '@')) {
            host += strcspn(host, ",");
            if (!*host)
                break;
        }
        if (*host == '@')
            return "host: holds an '@'; special characters in a user name or "
                   "password of a URI must be percent-encoded";
        begins = *host == ',';
    }
    return NULL;
}

char *elpq__conninfo_check(const char *conninfo, const char *const *params)
{
    PQconninfoOption *options;
    const char *wrong;
    char *why = NULL;
    char *copy;

    for (size_t i = 0; params && params[i]; i += 2)
        if (!params[i + 1])
            return strdup("params: the last keyword has no value");
    if (!conninfo || !*conninfo)
        return NULL;
    options = PQconninfoParse(conninfo, &why);
    if (options) {
        wrong = torn(conninfo, options);
        elpq__conninfo_free(options);
        return wrong ? strdup(wrong) : NULL;
    }
    if (!why)
        return strdup("out of memory");
    elpq__trim(why);
    /* At worst five characters come for two. */
    copy = malloc(3 * strlen(why) + 8);
    if (copy) {
        strcpy(copy, why);
        hide_quotes(copy, conninfo);
    }
    explicit_bzero(why, strlen(why));
    PQfreemem(why);
    return copy;
}

/* ------------------------------------------------- what the server says */

#define SHORTEST_HIDDEN 4 /* to cut out "a" would tell more than it hides */

void elpq__hide_in_text(const char *password, char *text)
{
    size_t len = password ? strlen(password) : 0;

    if (len < SHORTEST_HIDDEN || !text)
        return;
    for (; (text = strstr(text, password)); text += len)
        memset(text, '*', len);
}

const char *elpq__password_of(const PGconn *pg)
{
    const char *password = PQpass(pg);
    const char *known[] = { PQuser(pg), PQdb(pg), PQhost(pg) };

    for (size_t i = 0; password && i < sizeof(known) / sizeof(*known); i++)
        if (known[i] && strcmp(known[i], password) == 0)
            return NULL; /* no secret, and messages would not be readable */
    return password;
}

void elpq__hide_in_result(const char *password, const PGresult *res)
{
    static const char fields[] = {
        PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT,
        PG_DIAG_CONTEXT, PG_DIAG_INTERNAL_QUERY, PG_DIAG_SCHEMA_NAME,
        PG_DIAG_TABLE_NAME, PG_DIAG_COLUMN_NAME, PG_DIAG_DATATYPE_NAME,
        PG_DIAG_CONSTRAINT_NAME, PG_DIAG_SOURCE_FILE, PG_DIAG_SOURCE_LINE,
        PG_DIAG_SOURCE_FUNCTION, PG_DIAG_SEVERITY,
        PG_DIAG_SEVERITY_NONLOCALIZED, PG_DIAG_SQLSTATE,
    };

    if (!password || strlen(password) < SHORTEST_HIDDEN)
        return;
    for (size_t i = 0; i < sizeof(fields); i++)
        elpq__hide_in_text(password, PQresultErrorField(res, fields[i]));
    elpq__hide_in_text(password, PQresultErrorMessage(res));
}

/* ----------------------------------------------------------------- for logs */

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
    if (!conninfo)
        conninfo = "";
    options = PQconninfoParse(conninfo, NULL);
    if (!options || torn(conninfo, options)) {
        elpq__conninfo_free(options);
        return ELPQ_E_USAGE;
    }
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (o->val && !is_secret(o))
            add(&buf, o->keyword, o->val);
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (o->val && *o->val && is_secret(o))
            add(&buf, o->keyword, "***");
    elpq__conninfo_free(options);
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

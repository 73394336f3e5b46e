/* SPDX-License-Identifier: PostgreSQL */
/*
 * Conninfo strings: what is wrong with one, and what may be said of a
 * connection in logs, which is all but its secrets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* -------------------------------------------------------------- complaints */

void elpq__trim(char *s)
{
    size_t n = strlen(s);

    while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == ' '))
        s[--n] = '\0';
}

/*
 * libpq's complaints about a conninfo string quote pieces of it, and such a
 * piece may be a password.  Only names of options are let through.
 */
static void hide_quotes(char *message)
{
    bool option = strstr(message, "invalid connection option") != NULL;
    char *p = strchr(message, '"');

    while (p) {
        size_t len = strcspn(p + 1, "\"");
        size_t name = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");
        char *end = p + 1 + len;

        if (!*end)
            end = p + strlen(p); /* no closing quote: all of it */
        if ((option && name == len && len <= 32) ||
            strncmp(p, "\"=\"", 3) == 0) {
            p = *end ? strchr(end + 1, '"') : NULL;
            continue;
        }
        /* "..." may be longer than what it hides: the caller left room. */
        memmove(p + 4, end, strlen(end) + 1);
        memcpy(p + 1, "...", 3);
        p = p[4] ? strchr(p + 5, '"') : NULL;
    }
}

char *elpq__conninfo_check(const char *conninfo, const char *const *params)
{
    PQconninfoOption *options;
    char *why = NULL;
    char *copy;

    for (size_t i = 0; params && params[i]; i += 2)
        if (!params[i + 1])
            return strdup("params: the last keyword has no value");
    if (!conninfo || !*conninfo)
        return NULL;
    options = PQconninfoParse(conninfo, &why);
    if (options) {
        PQconninfoFree(options);
        return NULL;
    }
    if (!why)
        return strdup("out of memory");
    elpq__trim(why);
    /* At worst five characters come for two. */
    copy = malloc(3 * strlen(why) + 8);
    if (copy) {
        strcpy(copy, why);
        hide_quotes(copy);
    }
    PQfreemem(why);
    return copy;
}

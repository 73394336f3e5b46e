/* SPDX-License-Identifier: PostgreSQL */
/*
 * The commands of the replication protocol: slots, and the start of a stream;
 * and LSNs as text.
 *
 * They know no parameters.  Names go in double quotes and values in single
 * ones, each with its own doubled; nothing else is special in them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "replication_int.h"

#define NAME_MAX_BYTES 63

/* -------------------------------------------------------------------- LSN */

char *elpq_lsn_print(uint64_t lsn, char out[ELPQ_LSN_SIZE])
{
    snprintf(out, ELPQ_LSN_SIZE, "%X/%X", (unsigned)(lsn >> 32),
             (unsigned)(lsn & 0xffffffffu));
    return out;
}

/* Up to eight hexadecimal digits; where they end, or NULL if there are none. */
static const char *read_half(const char *s, uint32_t *out)
{
    size_t n = strspn(s, "0123456789abcdefABCDEF");

    if (n < 1 || n > 8)
        return NULL;
    *out = (uint32_t)strtoul(s, NULL, 16);
    return s + n;
}

int elpq_lsn_parse(const char *text, uint64_t *out)
{
    uint32_t high, low;

    if (!text || !(text = read_half(text, &high)) || *text != '/' ||
        !(text = read_half(text + 1, &low)) || *text)
        return ELPQ_E_VALUE;
    *out = (uint64_t)high << 32 | low;
    return 0;
}

/* --------------------------------------------------------------- commands */

bool elpq__slot_name_ok(const char *name)
{
    return name && *name && strlen(name) <= NAME_MAX_BYTES;
}

void elpq__slot_create_sql(struct elpq__buf *buf, const char *name,
                           const elpq_slot_options *options, int version)
{
    static const char *const snapshots[][2] = {
        { "NOEXPORT_SNAPSHOT", "nothing" },
        { "EXPORT_SNAPSHOT", "export" },
        { "USE_SNAPSHOT", "use" },
    };
    const char *const *snapshot = snapshots[options->snapshot];

    elpq__buf_add_str(buf, "CREATE_REPLICATION_SLOT ");
    elpq__buf_add_quoted(buf, name, '"');
    elpq__buf_add_str(buf,
                      options->temporary ? " TEMPORARY LOGICAL " : " LOGICAL ");
    elpq__buf_add_quoted(buf, options->plugin ? options->plugin : "pgoutput",
                         '"');
    if (version >= 150000)
        elpq__buf_addf(buf, " (SNAPSHOT '%s'%s)", snapshot[1],
                       options->two_phase ? ", TWO_PHASE" : "");
    else
        elpq__buf_addf(buf, " %s", snapshot[0]);
    elpq__buf_add_byte(buf, '\0');
}

/* An option of the plugin; `more` counts those before it. */
static void add_option(struct elpq__buf *buf, int *more, const char *name,
                       const char *value)
{
    elpq__buf_add_str(buf, (*more)++ ? ", " : " (");
    elpq__buf_add_quoted(buf, name, '"');
    elpq__buf_add_byte(buf, ' ');
    elpq__buf_add_quoted(buf, value, '\'');
}

/* The list of publications is a value, of names in quotes of their own. */
static void add_publications(struct elpq__buf *buf, int *more,
                             char *const *names)
{
    struct elpq__buf list = { 0 };

    for (int i = 0; names[i]; i++) {
        if (i)
            elpq__buf_add_byte(&list, ',');
        elpq__buf_add_quoted(&list, names[i], '"');
    }
    elpq__buf_add_byte(&list, '\0');
    if (list.failed)
        buf->failed = true;
    else
        add_option(buf, more, "publication_names", list.data);
    elpq__buf_free(&list);
}

static const char *proto_version(int server)
{
    return server >= 160000   ? "4"
           : server >= 150000 ? "3"
           : server >= 140000 ? "2"
                              : "1";
}

static void add_pgoutput(struct elpq__buf *buf, int *more,
                         const elpq_replication *r, int version)
{
    const elpq_replication_options *o = &r->options;

    add_option(buf, more, "proto_version", proto_version(version));
    add_publications(buf, more, r->publications);
    if (o->binary)
        add_option(buf, more, "binary", "true");
    if (o->messages)
        add_option(buf, more, "messages", "true");
    if (o->two_phase)
        add_option(buf, more, "two_phase", "on");
    if (o->streaming)
        add_option(buf, more, "streaming",
                   o->streaming == ELPQ_STREAMING_PARALLEL ? "parallel" : "on");
    if (r->origin)
        add_option(buf, more, "origin", r->origin);
}

void elpq__replication_start_sql(struct elpq__buf *buf,
                                 const elpq_replication *r, int version)
{
    char lsn[ELPQ_LSN_SIZE];
    int more = 0;

    elpq__buf_add_str(buf, "START_REPLICATION SLOT ");
    elpq__buf_add_quoted(buf, r->slot, '"');
    elpq__buf_addf(buf, " LOGICAL %s", elpq_lsn_print(r->flush, lsn));
    if (r->is_pgoutput)
        add_pgoutput(buf, &more, r, version);
    for (char **o = r->plugin_options; o[0]; o += 2)
        add_option(buf, &more, o[0], o[1]);
    if (more)
        elpq__buf_add_byte(buf, ')');
    elpq__buf_add_byte(buf, '\0');
}

/* ------------------------------------------------------------------ slots */

struct creation {
    elpq_slot_cb callback;
    void *arg;
    elpq_result *result;
};

static void on_slot_row(elpq_result *result, void *arg)
{
    struct creation *c = arg;

    if (!c->result && elpq_rows(result) == 1)
        c->result = elpq_result_ref(result);
}

static void on_slot_made(const elpq_error *error, void *arg)
{
    struct creation c = *(struct creation *)arg;
    elpq_slot slot = { 0 };
    elpq_error confused;
    const char *lsn;

    free(arg);
    if (!error) {
        slot.name = c.result ? elpq_get_text(c.result, 0, 0) : NULL;
        lsn = c.result ? elpq_get_text(c.result, 0, 1) : NULL;
        slot.snapshot = c.result ? elpq_get_text(c.result, 0, 2) : NULL;
        if (!slot.name || elpq_lsn_parse(lsn, &slot.consistent_point)) {
            elpq__error_set(&confused, ELPQ_E_PROTOCOL, ELPQ_IN_DOUBT, NULL);
            error = &confused;
        }
    }
    c.callback(error ? NULL : &slot, error, c.arg);
    elpq_result_unref(c.result);
}

int elpq_conn_slot_create(elpq_conn *conn, const char *name,
                          const elpq_slot_options *slot,
                          const elpq_options *options, elpq_slot_cb callback,
                          void *arg)
{
    static const elpq_slot_options none;
    struct elpq__buf sql = { 0 };
    struct creation *c;
    int code = ELPQ_E_NOMEM;

    if (!slot)
        slot = &none;
    if (!conn || !callback || !elpq__slot_name_ok(name) ||
        (slot->plugin && !elpq__slot_name_ok(slot->plugin)) ||
        (unsigned)slot->snapshot > ELPQ_SNAPSHOT_USE)
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_usable(conn)))
        return code;
    c = elpq__new(struct creation);
    code = ELPQ_E_NOMEM;
    elpq__slot_create_sql(&sql, name, slot, elpq_conn_server_version(conn));
    if (c && !sql.failed) {
        c->callback = callback;
        c->arg = arg;
        code = elpq_conn_script_trusted(conn, sql.data, options, on_slot_row,
                                        on_slot_made, c);
    }
    if (code)
        free(c);
    elpq__buf_free(&sql);
    return code;
}

int elpq_conn_slot_drop(elpq_conn *conn, const char *name, bool wait,
                        const elpq_options *options, elpq_done_cb done,
                        void *arg)
{
    struct elpq__buf sql = { 0 };
    int code = ELPQ_E_NOMEM;

    if (!conn || !done || !elpq__slot_name_ok(name))
        return ELPQ_E_USAGE;
    elpq__buf_add_str(&sql, "DROP_REPLICATION_SLOT ");
    elpq__buf_add_quoted(&sql, name, '"');
    elpq__buf_add_str(&sql, wait ? " WAIT" : "");
    elpq__buf_add_byte(&sql, '\0');
    if (!sql.failed)
        code =
            elpq_conn_script_trusted(conn, sql.data, options, NULL, done, arg);
    elpq__buf_free(&sql);
    return code;
}

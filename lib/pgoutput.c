/* SPDX-License-Identifier: PostgreSQL */
/*
 * pgoutput: messages into changes; see pgoutput.h.
 *
 * Values stay where they are in the message.  The getters want a NUL byte
 * behind each: it takes the place of the byte that follows, as soon as that
 * was read (`open`).
 */
#include "pgoutput.h"

#include <stdlib.h>
#include <string.h>

#include "elpq/types.h"
#include "reader.h"

#define EPOCH_USEC INT64_C(946684800000000) /* of 2000-01-01 since 1970 */

struct relation {
    struct elpq__node node;
    elpq_relation pub;
    elpq_relation_column columns[]; /* and the message that it is made of */
};

/* One message being read. */
struct message {
    struct elpq__pgoutput *d;
    struct elpq__reader r;
    char *open; /* where a NUL byte goes */
    elpq_change *out;
};

/* ---------------------------------------------------------------- pieces */

static uint8_t read_byte(struct message *m)
{
    uint8_t byte = elpq__read_uint8(&m->r);

    if (m->open && !m->r.bad)
        *m->open = '\0';
    m->open = NULL;
    return byte;
}

static uint64_t read64(struct message *m)
{
    return (uint64_t)elpq__read_int64(&m->r);
}

static int64_t read_time(struct message *m)
{
    /* Unsigned, because a hostile server may send anything. */
    return (int64_t)(read64(m) + (uint64_t)EPOCH_USEC);
}

static const char *read_string(struct message *m)
{
    const char *s = m->r.p;
    size_t left = elpq__read_left(&m->r);
    size_t n = strnlen(s, left);

    if (m->r.bad || n == left) {
        m->r.bad = true;
        return "";
    }
    elpq__read_bytes(&m->r, n + 1);
    return s;
}

/* Inside a stream each message names its (sub)transaction. */
static void read_stream_xid(struct message *m)
{
    if (m->d->in_stream)
        m->out->xid = elpq__read_uint32(&m->r);
}

/* -------------------------------------------------------------- relations */

static struct elpq__list *bucket_of(const struct elpq__pgoutput *d,
                                    uint32_t oid)
{
    return (struct elpq__list *)&d->relations[oid % ELPQ__RELATION_BUCKETS];
}

static struct relation *find_relation(const struct elpq__pgoutput *d,
                                      uint32_t oid)
{
    struct elpq__list *bucket = bucket_of(d, oid);

    for (struct elpq__node *node = bucket->head.next; node != &bucket->head;
         node = node->next) {
        struct relation *rel = elpq__container(node, struct relation, node);

        if (rel->pub.oid == oid)
            return rel;
    }
    return NULL;
}

static void forget_relation(struct elpq__pgoutput *d, struct relation *rel)
{
    elpq__list_remove(&rel->node);
    d->nrelations--;
    free(rel);
}

/* Columns take 10 bytes at least, so their number is bounded by the bytes. */
static void read_columns(struct message *m, struct relation *rel)
{
    for (int i = 0; i < rel->pub.ncolumns; i++) {
        elpq_relation_column *column = &rel->columns[i];

        column->key = (elpq__read_uint8(&m->r) & 1) != 0;
        column->name = read_string(m);
        column->oid = elpq__read_uint32(&m->r);
        column->typmod = (int32_t)elpq__read_uint32(&m->r);
    }
}

/* A copy of what is left of the message, behind the struct of its columns. */
static struct relation *relation_alloc(struct message *m, uint32_t oid)
{
    struct elpq__reader count = m->r;
    size_t left = elpq__read_left(&m->r);
    struct relation *rel;
    size_t columns;
    char *copy;

    for (int strings = 0; strings < 2; strings++) {
        size_t n = strnlen(count.p, elpq__read_left(&count));

        elpq__read_bytes(&count, n + 1);
    }
    elpq__read_uint8(&count);
    columns = elpq__read_uint16(&count);
    if (count.bad || columns > elpq__read_left(&count) / 10) {
        m->r.bad = true;
        return NULL;
    }
    columns *= sizeof(rel->columns[0]);
    rel = malloc(sizeof(*rel) + columns + left);
    if (!rel)
        return NULL;
    memset(rel, 0, sizeof(*rel));
    copy = (char *)rel->columns + columns;
    memcpy(copy, m->r.p, left);
    m->r = elpq__reader_of(copy, left);
    rel->pub.oid = oid;
    rel->pub.columns = rel->columns;
    return rel;
}

static int take_relation(struct message *m)
{
    struct elpq__pgoutput *d = m->d;
    struct relation *rel, *known;
    uint32_t oid;

    read_stream_xid(m);
    oid = elpq__read_uint32(&m->r);
    rel = relation_alloc(m, oid);
    if (!rel)
        return m->r.bad ? ELPQ_E_PROTOCOL : ELPQ_E_NOMEM;
    rel->pub.schema = read_string(m);
    if (!*rel->pub.schema)
        rel->pub.schema = "pg_catalog"; /* which goes without saying */
    rel->pub.name = read_string(m);
    rel->pub.replica_identity = (char)elpq__read_uint8(&m->r);
    rel->pub.ncolumns = elpq__read_uint16(&m->r);
    read_columns(m, rel);
    known = find_relation(d, oid);
    if (m->r.bad || (!known && d->nrelations >= d->max_relations)) {
        free(rel);
        return m->r.bad ? ELPQ_E_PROTOCOL : ELPQ_E_LIMIT;
    }
    if (known)
        forget_relation(d, known);
    elpq__list_push(bucket_of(d, oid), &rel->node);
    d->nrelations++;
    m->out->relation = &rel->pub;
    return 0;
}

/* ------------------------------------------------------------------- rows */

static bool make_room(struct elpq__pgoutput *d, size_t cells)
{
    elpq_cell *more;

    if (cells <= d->room)
        return true;
    more = realloc(d->cells, cells * sizeof(*more));
    if (!more)
        return false;
    d->cells = more;
    d->room = cells;
    return true;
}

static void read_cell(struct message *m, elpq_cell *cell)
{
    uint8_t kind = read_byte(m);
    int32_t size;

    cell->data = NULL;
    cell->size = kind == 'u' ? -2 : -1;
    cell->binary = kind == 'b';
    cell->result = m->d->owner;
    if (kind == 'n' || kind == 'u')
        return;
    size = (int32_t)elpq__read_uint32(&m->r);
    if ((kind != 't' && kind != 'b') || size < 0) {
        m->r.bad = true;
        return;
    }
    cell->data = elpq__read_bytes(&m->r, (size_t)size);
    cell->size = cell->data ? size : -1;
    /* `data` of decode() is ours */
    m->open = cell->data ? (char *)cell->data + size : NULL;
}

static void read_row(struct message *m, elpq_cell *cells)
{
    const elpq_relation *rel = m->out->relation;

    if (elpq__read_uint16(&m->r) != rel->ncolumns)
        m->r.bad = true;
    for (int i = 0; i < rel->ncolumns && !m->r.bad; i++) {
        read_cell(m, &cells[i]);
        cells[i].oid = rel->columns[i].oid;
    }
}

/* [K row | O row] [N row], as the kind of the change demands. */
static int take_rows(struct message *m)
{
    elpq_change *out = m->out;
    struct relation *rel;
    uint8_t mark;

    read_stream_xid(m);
    rel = find_relation(m->d, elpq__read_uint32(&m->r));
    if (m->r.bad || !rel)
        return ELPQ_E_PROTOCOL;
    out->relation = &rel->pub;
    if (!make_room(m->d, 2 * (size_t)rel->pub.ncolumns + 1))
        return ELPQ_E_NOMEM;
    mark = read_byte(m);
    if ((mark == 'K' || mark == 'O') && out->kind != ELPQ_CHANGE_INSERT) {
        out->old_is_key = mark == 'K';
        out->old_row = m->d->cells;
        read_row(m, m->d->cells);
        if (out->kind == ELPQ_CHANGE_DELETE)
            return 0;
        mark = read_byte(m);
    }
    if (mark != 'N' || out->kind == ELPQ_CHANGE_DELETE)
        return ELPQ_E_PROTOCOL;
    out->new_row = m->d->cells + rel->pub.ncolumns;
    read_row(m, m->d->cells + rel->pub.ncolumns);
    return 0;
}

static int take_truncate(struct message *m)
{
    struct elpq__pgoutput *d = m->d;
    uint32_t n;
    uint8_t flags;

    read_stream_xid(m);
    n = elpq__read_uint32(&m->r);
    flags = elpq__read_uint8(&m->r);
    if (m->r.bad || n > elpq__read_left(&m->r) / 4)
        return ELPQ_E_PROTOCOL;
    if (n > d->truncated_room) {
        const elpq_relation **more = realloc(d->truncated, n * sizeof(*more));

        if (!more)
            return ELPQ_E_NOMEM;
        d->truncated = more;
        d->truncated_room = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct relation *rel = find_relation(d, elpq__read_uint32(&m->r));

        if (!rel)
            return ELPQ_E_PROTOCOL;
        d->truncated[i] = &rel->pub;
    }
    m->out->relations = d->truncated;
    m->out->nrelations = (int)n;
    m->out->cascade = (flags & 1) != 0;
    m->out->restart_identity = (flags & 2) != 0;
    return 0;
}

/* ----------------------------------------------------------- transactions */

static void take_begin(struct message *m)
{
    m->out->commit_lsn = read64(m);
    m->out->time = read_time(m);
    m->d->xid = m->out->xid = elpq__read_uint32(&m->r);
}

/* What all ends of transactions have in common. */
static void take_end(struct message *m)
{
    elpq__read_uint8(&m->r);
    m->out->commit_lsn = read64(m);
    m->out->end_lsn = read64(m);
    m->out->time = read_time(m);
}

static void take_named_end(struct message *m)
{
    take_end(m);
    if (m->out->kind == ELPQ_CHANGE_ROLLBACK_PREPARED)
        m->out->time = read_time(m); /* the first one was of PREPARE */
    m->out->xid = elpq__read_uint32(&m->r);
    m->out->name = read_string(m);
}

static void take_begin_prepare(struct message *m)
{
    m->out->commit_lsn = read64(m);
    read64(m);
    m->out->time = read_time(m);
    m->d->xid = m->out->xid = elpq__read_uint32(&m->r);
    m->out->name = read_string(m);
}

static void take_abort(struct message *m)
{
    m->out->xid = elpq__read_uint32(&m->r);
    m->out->subxid = elpq__read_uint32(&m->r);
    if (m->d->abort_info) {
        read64(m);
        m->out->time = read_time(m);
    }
}

/* ------------------------------------------------------------------ others */

static void take_type(struct message *m)
{
    read_stream_xid(m);
    m->out->type_oid = elpq__read_uint32(&m->r);
    m->out->schema = read_string(m);
    if (!*m->out->schema)
        m->out->schema = "pg_catalog";
    m->out->name = read_string(m);
}

static void take_message(struct message *m)
{
    uint32_t size;
    uint64_t lsn;

    read_stream_xid(m);
    m->out->transactional = (elpq__read_uint8(&m->r) & 1) != 0;
    lsn = read64(m);
    m->out->name = read_string(m);
    size = elpq__read_uint32(&m->r);
    m->out->data = elpq__read_bytes(&m->r, size);
    m->out->size = size;
    if (m->out->transactional)
        return;
    m->out->end_lsn = lsn;
    m->out->xid = 0;
}

static const char kinds[][2] = {
    { 'B', ELPQ_CHANGE_BEGIN },
    { 'C', ELPQ_CHANGE_COMMIT },
    { 'O', ELPQ_CHANGE_ORIGIN },
    { 'R', ELPQ_CHANGE_RELATION },
    { 'Y', ELPQ_CHANGE_TYPE },
    { 'I', ELPQ_CHANGE_INSERT },
    { 'U', ELPQ_CHANGE_UPDATE },
    { 'D', ELPQ_CHANGE_DELETE },
    { 'T', ELPQ_CHANGE_TRUNCATE },
    { 'M', ELPQ_CHANGE_MESSAGE },
    { 'S', ELPQ_CHANGE_STREAM_START },
    { 'E', ELPQ_CHANGE_STREAM_STOP },
    { 'c', ELPQ_CHANGE_STREAM_COMMIT },
    { 'A', ELPQ_CHANGE_STREAM_ABORT },
    { 'b', ELPQ_CHANGE_BEGIN_PREPARE },
    { 'P', ELPQ_CHANGE_PREPARE },
    { 'K', ELPQ_CHANGE_COMMIT_PREPARED },
    { 'p', ELPQ_CHANGE_STREAM_PREPARE },
    { 'r', ELPQ_CHANGE_ROLLBACK_PREPARED },
};

static bool read_kind(struct message *m)
{
    uint8_t byte = elpq__read_uint8(&m->r);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((uint8_t)kinds[i][0] == byte) {
            m->out->kind = (elpq_change_kind)kinds[i][1];
            return !m->r.bad;
        }
    return false;
}

static int take_body(struct message *m)
{
    switch (m->out->kind) {
    case ELPQ_CHANGE_BEGIN:
        take_begin(m);
        return 0;
    case ELPQ_CHANGE_COMMIT:
        take_end(m);
        m->d->xid = 0;
        return 0;
    case ELPQ_CHANGE_ORIGIN:
        read64(m);
        m->out->name = read_string(m);
        return 0;
    case ELPQ_CHANGE_RELATION:
        return take_relation(m);
    case ELPQ_CHANGE_TYPE:
        take_type(m);
        return 0;
    case ELPQ_CHANGE_INSERT:
    case ELPQ_CHANGE_UPDATE:
    case ELPQ_CHANGE_DELETE:
        return take_rows(m);
    case ELPQ_CHANGE_TRUNCATE:
        return take_truncate(m);
    case ELPQ_CHANGE_MESSAGE:
        take_message(m);
        return 0;
    case ELPQ_CHANGE_STREAM_START:
        m->d->xid = m->out->xid = elpq__read_uint32(&m->r);
        elpq__read_uint8(&m->r);
        m->d->in_stream = m->out->streamed = true;
        return 0;
    case ELPQ_CHANGE_STREAM_STOP:
        m->d->in_stream = false;
        m->d->xid = 0;
        return 0;
    case ELPQ_CHANGE_STREAM_COMMIT:
        m->out->xid = elpq__read_uint32(&m->r);
        take_end(m);
        return 0;
    case ELPQ_CHANGE_STREAM_ABORT:
        take_abort(m);
        return 0;
    case ELPQ_CHANGE_BEGIN_PREPARE:
        take_begin_prepare(m);
        return 0;
    case ELPQ_CHANGE_PREPARE:
    case ELPQ_CHANGE_COMMIT_PREPARED:
    case ELPQ_CHANGE_ROLLBACK_PREPARED:
    case ELPQ_CHANGE_STREAM_PREPARE:
        take_named_end(m);
        m->d->xid = 0;
        return 0;
    default:
        return ELPQ_E_PROTOCOL;
    }
}

/* ------------------------------------------------------------- for others */

/* What the getters convert goes with the change; the owner stays, unless
 * somebody has kept it. */
static bool renew_owner(struct elpq__pgoutput *d)
{
    PGresult *res;

    if (d->owner && d->owner->refs == 1) {
        elpq__scratch_free(&d->owner->scratch);
        return true;
    }
    elpq_result_unref(d->owner);
    res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    d->owner = res ? elpq__result_new(res) : NULL;
    if (!d->owner)
        PQclear(res);
    return d->owner != NULL;
}

int elpq__pgoutput_decode(struct elpq__pgoutput *d, char *data, size_t size,
                          elpq_change *out)
{
    struct message m = { .d = d, .out = out };
    int code;

    m.r = elpq__reader_of(data, size);
    memset(out, 0, sizeof(*out));
    out->xid = d->xid;
    out->streamed = d->in_stream;
    if (!renew_owner(d))
        return ELPQ_E_NOMEM;
    if (!read_kind(&m))
        return ELPQ_E_PROTOCOL;
    code = take_body(&m);
    if (!code && !elpq__read_done(&m.r))
        code = ELPQ_E_PROTOCOL;
    if (!code && m.open)
        *m.open = '\0';
    return code;
}

void elpq__pgoutput_init(struct elpq__pgoutput *d, unsigned max_relations,
                         bool abort_info)
{
    memset(d, 0, sizeof(*d));
    d->max_relations = max_relations;
    d->abort_info = abort_info;
    for (int i = 0; i < ELPQ__RELATION_BUCKETS; i++)
        elpq__list_init(&d->relations[i]);
}

void elpq__pgoutput_reset(struct elpq__pgoutput *d)
{
    struct elpq__node *node;

    for (int i = 0; i < ELPQ__RELATION_BUCKETS; i++)
        while ((node = elpq__list_first(&d->relations[i])))
            forget_relation(d, elpq__container(node, struct relation, node));
    d->in_stream = false;
    d->xid = 0;
}

void elpq__pgoutput_free(struct elpq__pgoutput *d)
{
    elpq__pgoutput_reset(d);
    free(d->cells);
    free(d->truncated);
    if (d->owner)
        elpq_result_unref(d->owner);
    d->cells = NULL;
    d->truncated = NULL;
    d->owner = NULL;
}

const char *elpq_change_name(elpq_change_kind kind)
{
    static const char *const names[] = {
        "text",
        "begin",
        "commit",
        "origin",
        "relation",
        "type",
        "insert",
        "update",
        "delete",
        "truncate",
        "message",
        "stream start",
        "stream stop",
        "stream commit",
        "stream abort",
        "begin prepare",
        "prepare",
        "commit prepared",
        "rollback prepared",
        "stream prepare",
    };

    return (unsigned)kind < sizeof(names) / sizeof(names[0]) ? names[kind]
                                                             : "unknown";
}

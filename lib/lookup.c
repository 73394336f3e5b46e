/* SPDX-License-Identifier: PostgreSQL */
/*
 * Look-ups in the catalog: by the user, and by itself when a result has a type
 * that is not known.
 *
 * A look-up is a statement like any other, on the pool, connection or
 * transaction that it was asked of; so all of the contract is that of
 * elpq_pool_execute() and its like.  It holds a reference to the catalog,
 * which may outlive who asked.
 */
#include <elpq/catalog.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "catalog.h"
#include "conn_int.h"
#include "error.h"
#include "pool_int.h"

/* After one that brought nothing, the next by itself is not before this. */
#define PAUSE_USEC INT64_C(1000000)

struct lookup {
    struct elpq__catalog *catalog;
    elpq_type_cb type_cb; /* one of them, or neither */
    elpq_done_cb done_cb;
    void *arg;
    bool by_itself;
    uint32_t old; /* that the name was of; 0: of none */
    uint32_t oid; /* that it is of in this session    */
    unsigned nasked;
    uint32_t asked[ELPQ__MISSING_MAX]; /* by itself, and first of all */
    char name[];
};

/* What is asked for; the lists are copied by the submitting call. */
struct question {
    const char *const *names;
    size_t nnames;
    const uint32_t *oids;
    size_t noids;
};

/* Whom: one of them. */
struct target {
    elpq_pool *pool;
    elpq_conn *conn;
    elpq_tx *tx;
};

static void ask_conn(struct elpq__catalog *catalog);

/* -------------------------------------------------------------- the answer */

static void report(struct lookup *l, const elpq_error *error)
{
    const elpq_type_info *info;
    elpq_error none;
    char text[200];

    if (l->done_cb)
        l->done_cb(error, l->arg);
    if (!l->type_cb)
        return;
    info = error ? NULL : elpq__catalog_by_oid(l->catalog, l->oid);
    if (!info && !error) {
        snprintf(text, sizeof(text), "type \"%s\" does not exist", l->name);
        elpq__error_set(&none, ELPQ_E_TYPE, 0, text);
        error = &none;
    }
    l->type_cb(info, error, l->arg);
}

/* What the session that was asked has under the name. */
static int learn(struct lookup *l, elpq_result *result)
{
    bool gone = l->old && !elpq__catalog_brought(result, l->old) &&
                l->old == elpq__catalog_oid(l->catalog, l->name);

    l->oid = elpq__catalog_named(result, l->name);
    return elpq__catalog_learn(l->catalog, l->name, l->oid, gone,
                               l->catalog->ask != ask_conn);
}

static void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    struct lookup *l = arg;
    elpq_error own;
    int rc = 0;

    if (!error)
        rc = elpq__catalog_take(l->catalog, result);
    if (!error && !rc)
        rc = elpq__catalog_give_up(l->catalog, l->asked, l->nasked);
    if (!error && !rc && l->type_cb)
        rc = learn(l, result);
    if (rc) {
        elpq__error_set(&own, (elpq_code)rc, 0,
                        rc == ELPQ_E_FULL ? "too many types are known" : NULL);
        error = &own;
    }
    if (l->by_itself)
        l->catalog->asking = false;
    if (l->by_itself && !error)
        l->catalog->asked = 0;
    report(l, error);
    elpq__catalog_unref(l->catalog);
    free(l);
}

/* ---------------------------------------------------------------- asking */

static struct lookup *lookup_new(struct elpq__catalog *catalog,
                                 const char *name)
{
    size_t size = strlen(name) + 1;
    struct lookup *l = calloc(1, sizeof(*l) + size);

    if (!l)
        return NULL;
    l->catalog = elpq__catalog_ref(catalog);
    memcpy(l->name, name, size);
    return l;
}

/* Submits; the look-up is freed if that fails. */
static int submit(struct lookup *l, const struct target *target,
                  const struct question *q, const elpq_options *options)
{
    elpq_value values[2] = { elpq_array_text(q->names, q->nnames),
                             elpq_c_array(ELPQ_OID_OID_ARRAY, ELPQ_KIND_UINT,
                                          sizeof(uint32_t), q->oids,
                                          q->noids) };
    elpq_statement st =
        elpq_sql_from_trusted_string(elpq__catalog_sql, values, 2);
    elpq_options own = { 0 };
    int rc;

    if (options)
        own = *options;
    own.flags |= ELPQ_NO_PREPARE;
    if (!own.tag)
        own.tag = "elpq:types";
    rc = target->pool ? elpq_pool_execute(target->pool, &st, &own, on_answer, l)
         : target->tx
             ? elpq_tx_execute(target->tx, &st, &own, on_answer, l)
             : elpq_conn_execute(target->conn, &st, &own, on_answer, l);
    if (rc) {
        elpq__catalog_unref(l->catalog);
        free(l);
    }
    return rc;
}

/*
 * All names and OIDs of the catalog, and those that it misses; false: no
 * memory.  Both are freed.
 */
static bool ask_for_all(struct elpq__catalog *catalog, struct question *q)
{
    const struct elpq__type_set *set = catalog->set;
    const char **names = calloc(catalog->nnames + 1u, sizeof(*names));
    size_t known = set ? set->count : 0;
    uint32_t *oids = calloc(known + ELPQ__MISSING_MAX, sizeof(*oids));

    q->names = names;
    q->oids = oids;
    if (!names || !oids)
        return false;
    for (struct elpq__type_name *n = catalog->names; n; n = n->next) {
        names[q->nnames] =
            elpq__catalog_full(catalog, n, catalog->ask == ask_conn);
        q->nnames += names[q->nnames] != NULL;
    }
    for (size_t i = 0; i < known; i++)
        oids[q->noids++] = set->types[i].info.oid;
    for (unsigned i = 0; i < catalog->nmissing; i++)
        oids[q->noids++] = catalog->missing[i];
    return true;
}

static void free_question(struct question *q)
{
    free((void *)(uintptr_t)q->names);
    free((void *)(uintptr_t)q->oids);
}

/* The catalog by itself: for what is missing, or for all if some is stale. */
static void ask(struct elpq__catalog *catalog, const struct target *target)
{
    struct question q = { NULL, 0, catalog->missing, catalog->nmissing };
    int64_t now = elpq__now();
    struct question all = { NULL, 0, NULL, 0 };
    struct lookup *l;

    if (catalog->asked && now - catalog->asked < PAUSE_USEC)
        return;
    l = lookup_new(catalog, "");
    if (!l)
        return;
    l->by_itself = true;
    l->nasked = catalog->nmissing;
    memcpy(l->asked, catalog->missing, sizeof(l->asked));
    if (catalog->set->stale && ask_for_all(catalog, &all))
        q = all;
    catalog->nmissing = 0;
    catalog->asked = now;
    catalog->asking = true;
    if (submit(l, target, &q, NULL))
        catalog->asking = false;
    free_question(&all);
}

static void ask_pool(struct elpq__catalog *catalog)
{
    const struct target target = { .pool = catalog->owner };

    ask(catalog, &target);
}

/* Not in a transaction, which the question might spoil: after it, when
 * something is missing again. */
static void ask_conn(struct elpq__catalog *catalog)
{
    const struct target target = { .conn = catalog->owner };
    const elpq_conn *conn = target.conn;

    if (!conn->in_tx && conn->settled && conn->tx_status == PQTRANS_IDLE)
        ask(catalog, &target);
}

/* ------------------------------------------------------------ by the user */

/* The catalog of a connection: its pool's, or one of its own, made now. */
static struct elpq__catalog *catalog_of(elpq_conn *conn)
{
    if (conn->catalog)
        return conn->catalog;
    conn->catalog = elpq__catalog_new();
    if (conn->catalog) {
        conn->catalog->owner = conn;
        conn->catalog->ask = ask_conn;
    }
    return conn->catalog;
}

static int load(struct elpq__catalog *catalog, const struct target *target,
                const char *name, const elpq_options *options,
                elpq_type_cb callback, void *arg)
{
    struct lookup *l = catalog ? lookup_new(catalog, name) : NULL;
    struct question q = { &name, 1, NULL, 0 };

    if (!l)
        return ELPQ_E_NOMEM;
    l->type_cb = callback;
    l->arg = arg;
    l->old = elpq__catalog_oid(catalog, name);
    q.oids = &l->old; /* whether it is there, whatever the name says */
    q.noids = l->old != 0;
    return submit(l, target, &q, options);
}

int elpq_pool_load_type(elpq_pool *pool, const char *name,
                        const elpq_options *options, elpq_type_cb callback,
                        void *arg)
{
    const struct target target = { .pool = pool };

    if (!pool || !name || !callback)
        return ELPQ_E_USAGE;
    pool->catalog->ask = ask_pool;
    return load(pool->catalog, &target, name, options, callback, arg);
}

int elpq_conn_load_type(elpq_conn *conn, const char *name,
                        const elpq_options *options, elpq_type_cb callback,
                        void *arg)
{
    const struct target target = { .conn = conn };

    if (!conn || !name || !callback)
        return ELPQ_E_USAGE;
    return load(catalog_of(conn), &target, name, options, callback, arg);
}

int elpq_tx_load_type(elpq_tx *tx, const char *name,
                      const elpq_options *options, elpq_type_cb callback,
                      void *arg)
{
    const struct target target = { .tx = tx };

    if (!tx || !name || !callback)
        return ELPQ_E_USAGE;
    return load(catalog_of(elpq_tx_conn(tx)), &target, name, options, callback,
                arg);
}

const elpq_type_info *elpq_pool_find_type(const elpq_pool *pool,
                                          const char *name)
{
    return elpq__catalog_by_name(pool->catalog, name);
}

const elpq_type_info *elpq_conn_find_type(const elpq_conn *conn,
                                          const char *name)
{
    return elpq__catalog_by_name(conn->catalog, name);
}

const elpq_type_info *elpq_pool_find_type_oid(const elpq_pool *pool,
                                              uint32_t oid)
{
    return elpq__catalog_by_oid(pool->catalog, oid);
}

const elpq_type_info *elpq_conn_find_type_oid(const elpq_conn *conn,
                                              uint32_t oid)
{
    return elpq__catalog_by_oid(conn->catalog, oid);
}

static int refresh(struct elpq__catalog *catalog, const struct target *target,
                   const elpq_options *options, elpq_done_cb callback,
                   void *arg)
{
    struct question q = { NULL, 0, NULL, 0 };
    struct lookup *l = catalog ? lookup_new(catalog, "") : NULL;
    int rc = ELPQ_E_NOMEM;

    if (!l)
        return rc;
    l->done_cb = callback;
    l->arg = arg;
    if (ask_for_all(catalog, &q)) {
        rc = submit(l, target, &q, options);
    } else {
        elpq__catalog_unref(catalog);
        free(l);
    }
    free_question(&q);
    return rc;
}

int elpq_pool_refresh_types(elpq_pool *pool, const elpq_options *options,
                            elpq_done_cb callback, void *arg)
{
    const struct target target = { .pool = pool };

    if (!pool || !callback)
        return ELPQ_E_USAGE;
    return refresh(pool->catalog, &target, options, callback, arg);
}

int elpq_conn_refresh_types(elpq_conn *conn, const elpq_options *options,
                            elpq_done_cb callback, void *arg)
{
    const struct target target = { .conn = conn };

    if (!conn || !callback)
        return ELPQ_E_USAGE;
    return refresh(catalog_of(conn), &target, options, callback, arg);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Look-ups in the catalog: by the user, and by itself when a result has a type
 * that is not known.
 *
 * A look-up is a statement like any other, on the pool, router, connection or
 * transaction that it was asked of; so all of the contract is that of
 * elpq_pool_execute() and its like.  It holds a reference to the catalog,
 * which may outlive who asked.
 *
 * The pools of a router have one catalog: standbys have the OIDs of their
 * primary, which alone has certainly all types that any of them has.
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
#include "router_int.h"

/* After one that brought nothing, the next by itself is not before this. */
#define PAUSE_USEC INT64_C(1000000)

struct lookup {
    struct elpq__catalog *catalog;
    elpq_type_cb type_cb; /* one of them, or neither */
    elpq_done_cb done_cb;
    void *arg;
    bool by_itself;
    uint32_t wanted; /* the OID that is asked for; 0: a name */
    uint32_t old;    /* that the name was of; 0: of none     */
    uint32_t oid;    /* that it is of in this session        */
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
    elpq_router *router;
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
        if (l->wanted)
            snprintf(text, sizeof(text), "there is no type with OID %u",
                     (unsigned)l->wanted);
        else
            snprintf(text, sizeof(text), "type \"%s\" does not exist",
                     l->name);
        elpq__error_set(&none, ELPQ_E_TYPE, 0, text);
        error = &none;
    }
    l->type_cb(info, error, l->arg);
}

/* What the session that was asked has under the name or OID. */
static int learn(struct lookup *l, elpq_result *result)
{
    bool gone = l->old && !elpq__catalog_brought(result, l->old) &&
                l->old == elpq__catalog_oid(l->catalog, l->name);

    if (l->wanted) {
        l->oid = elpq__catalog_brought(result, l->wanted) ? l->wanted : 0;
        return 0;
    }
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

static int execute(const struct target *to, const elpq_statement *st,
                   const elpq_options *options, struct lookup *l)
{
    if (to->pool)
        return elpq_pool_execute(to->pool, st, options, on_answer, l);
    if (to->router)
        return elpq_router_execute(to->router, st, options, on_answer, l);
    if (to->tx)
        return elpq_tx_execute(to->tx, st, options, on_answer, l);
    return elpq_conn_execute(to->conn, st, options, on_answer, l);
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
    rc = execute(target, &st, &own, l);
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

static void ask_router(struct elpq__catalog *catalog)
{
    const struct target target = { .router = catalog->owner };

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

/* ---------------------------------------------------------------- catalogs */

bool elpq__lookup_pool(elpq_pool *pool)
{
    pool->catalog = elpq__catalog_new();
    if (!pool->catalog)
        return false;
    pool->catalog->owner = pool;
    pool->catalog->ask = ask_pool;
    return true;
}

bool elpq__lookup_router(elpq_router *router)
{
    router->catalog = elpq__catalog_new();
    if (!router->catalog)
        return false;
    router->catalog->owner = router;
    router->catalog->ask = ask_router;
    return true;
}

void elpq__lookup_leave(struct elpq__catalog *catalog, const void *owner)
{
    if (catalog && catalog->owner == owner)
        catalog->ask = NULL; /* a look-up may hold on to it */
    elpq__catalog_unref(catalog);
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

static int load_oid(struct elpq__catalog *catalog, const struct target *target,
                    uint32_t oid, const elpq_options *options,
                    elpq_type_cb callback, void *arg)
{
    struct lookup *l = catalog ? lookup_new(catalog, "") : NULL;
    const struct question q = { NULL, 0, &oid, 1 };

    if (!l)
        return ELPQ_E_NOMEM;
    l->type_cb = callback;
    l->arg = arg;
    l->wanted = oid;
    return submit(l, target, &q, options);
}

static struct elpq__catalog *catalog_of_tx(const elpq_tx *tx)
{
    return catalog_of(elpq_tx_conn(tx));
}

#define LOAD(kind, its_catalog)                                               \
    int elpq_##kind##_load_type(elpq_##kind *kind, const char *name,          \
                                const elpq_options *options,                  \
                                elpq_type_cb callback, void *arg)             \
    {                                                                         \
        const struct target target = { .kind = kind };                        \
                                                                              \
        if (!kind || !name || !callback)                                      \
            return ELPQ_E_USAGE;                                              \
        return load(its_catalog, &target, name, options, callback, arg);      \
    }                                                                         \
    int elpq_##kind##_load_type_oid(elpq_##kind *kind, uint32_t oid,          \
                                    const elpq_options *options,              \
                                    elpq_type_cb callback, void *arg)         \
    {                                                                         \
        const struct target target = { .kind = kind };                        \
                                                                              \
        if (!kind || !oid || !callback)                                       \
            return ELPQ_E_USAGE;                                              \
        return load_oid(its_catalog, &target, oid, options, callback, arg);   \
    }
LOAD(pool, pool->catalog)
LOAD(router, router->catalog)
LOAD(conn, catalog_of(conn))
LOAD(tx, catalog_of_tx(tx))

#define FIND(kind)                                                            \
    const elpq_type_info *elpq_##kind##_find_type(const elpq_##kind *kind,    \
                                                  const char *name)           \
    {                                                                         \
        return elpq__catalog_by_name(kind->catalog, name);                    \
    }                                                                         \
    const elpq_type_info *elpq_##kind##_find_type_oid(                        \
        const elpq_##kind *kind, uint32_t oid)                                \
    {                                                                         \
        return elpq__catalog_by_oid(kind->catalog, oid);                      \
    }
FIND(pool)
FIND(router)
FIND(conn)

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

#define REFRESH(kind, its_catalog)                                            \
    int elpq_##kind##_refresh_types(elpq_##kind *kind,                        \
                                    const elpq_options *options,              \
                                    elpq_done_cb callback, void *arg)         \
    {                                                                         \
        const struct target target = { .kind = kind };                        \
                                                                              \
        if (!kind || !callback)                                               \
            return ELPQ_E_USAGE;                                              \
        return refresh(its_catalog, &target, options, callback, arg);         \
    }
REFRESH(pool, pool->catalog)
REFRESH(router, router->catalog)
REFRESH(conn, catalog_of(conn))

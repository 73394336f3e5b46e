/* SPDX-License-Identifier: PostgreSQL */
/*
 * The catalog: what a pool, or a connection without one, knows of types that
 * users made.
 *
 * It is shared by the pool, its connections, and look-ups that are under way,
 * and counted.  Its set of types is replaced as a whole, never changed; who
 * has to notice compares `generation`.  Asking the server is lookup.c's.
 */
#ifndef ELPQ_LIB_CATALOG_H
#define ELPQ_LIB_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "elpq/error.h"
#include "elpq/result.h"
#include "type_set.h"

/* OIDs from here on are not the same on every server. */
#define ELPQ__FIRST_USER_OID 16384
/* So many unknown types are asked for at a time. */
#define ELPQ__MISSING_MAX 64

/*
 * A name that was asked for.  Sessions have search_paths of their own: what
 * it means in one of them is asked for again with its schema, as `full`; and
 * what is of two schemas is ambiguous.
 */
struct elpq__type_name {
    struct elpq__type_name *next;
    uint32_t oid;
    bool ambiguous;
    char *full; /* when it was last asked for again; may be NULL */
    char name[];
};

struct elpq__catalog {
    unsigned refs;
    unsigned generation;           /* of the set; 0: there is none yet      */
    struct elpq__type_set *set;    /* NULL until a type was loaded          */
    struct elpq__type_name *names; /* that were asked for                   */
    unsigned nnames;
    uint32_t missing[ELPQ__MISSING_MAX]; /* seen in results, and not known   */
    unsigned nmissing;
    bool asking;   /* for the missing ones                  */
    int64_t asked; /* when it last did so                   */
    /* Who asks for the missing ones, in the loop; NULL: nobody does. */
    void (*ask)(struct elpq__catalog *catalog);
    void *owner; /* of ask                                */
};

struct elpq__catalog *elpq__catalog_new(void);
struct elpq__catalog *elpq__catalog_ref(struct elpq__catalog *catalog);
void elpq__catalog_unref(struct elpq__catalog *catalog);

/* The types, or NULL; catalog may be NULL. */
static inline struct elpq__type_set *
elpq__catalog_types(const struct elpq__catalog *catalog)
{
    return catalog ? catalog->set : NULL;
}

/*
 * The columns of the result may have these types from now on; those that are
 * unknown are asked for.  The catalog may be NULL.
 */
void elpq__catalog_apply(struct elpq__catalog *catalog, elpq_result *result);

/* The server refused a statement that has such a parameter: the same. */
void elpq__catalog_note_error(struct elpq__catalog *catalog,
                              const elpq_error *error, const Oid *types,
                              unsigned n);

/*
 * Takes in what elpq__catalog_sql brought, and for names that were asked for
 * in full their types of now.  The program reads the type named `raw` itself;
 * NULL: none.  0, ELPQ_E_NOMEM, _FULL, _DECODE.
 */
int elpq__catalog_take(struct elpq__catalog *catalog, elpq_result *result,
                       const char *raw);
/* Of the missing ones, those that are still so are no types: remembers that. */
int elpq__catalog_give_up(struct elpq__catalog *catalog, const uint32_t *oids,
                          unsigned n);

/* The OID of the type that it brought for the name; 0: for none. */
uint32_t elpq__catalog_named(elpq_result *result, const char *name);
/* Whether it brought the type. */
bool elpq__catalog_brought(elpq_result *result, uint32_t oid);
/*
 * A session has the type under this name; 0: it has none.  `gone`: the type
 * that was remembered is none any more.  `shared`: there are other sessions,
 * for which it counts as well.
 */
int elpq__catalog_learn(struct elpq__catalog *catalog, const char *name,
                        uint32_t oid, bool gone, bool shared);
/* The OID that is remembered for a name; 0 if there is none. */
uint32_t elpq__catalog_oid(const struct elpq__catalog *catalog,
                           const char *name);
/*
 * What to ask for a name with again: that of its type with its schema, quoted,
 * which is the same in all sessions, and NULL for a temporary type; or in a
 * lone session, where a name says the same as before, just that.  NULL as well
 * without memory.
 */
const char *elpq__catalog_full(struct elpq__catalog *catalog,
                               struct elpq__type_name *name, bool lone);

/* $1: names, $2: OIDs; a row for each type, and for each that it is made of. */
extern const char elpq__catalog_sql[];

/* By the name that it was asked for with; NULL if it was not, or is of two. */
const elpq_type_info *elpq__catalog_by_name(const struct elpq__catalog *catalog,
                                            const char *name);
const elpq_type_info *elpq__catalog_by_oid(const struct elpq__catalog *catalog,
                                           uint32_t oid);

#endif

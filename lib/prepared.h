/* SPDX-License-Identifier: PostgreSQL */
/*
 * The prepared statements of one connection: an LRU cache, keyed by SQL text
 * and parameter OIDs.
 *
 * An entry is made when its Parse is sent.  Entries that statements in flight
 * use are counted, and stay until those are answered; an entry that is thrown
 * out is closed on the server by a command in the pipeline, behind whatever
 * still uses it.
 */
#ifndef ELPQ_LIB_PREPARED_H
#define ELPQ_LIB_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "elpq/error.h"
#include "list.h"

struct elpq__cache;
struct elpq__shape;

struct elpq__prepared {
    struct elpq__node lru;       /* cache->lru, or cache->closing          */
    struct elpq__prepared *next; /* in its bucket                          */
    uint32_t hash;
    unsigned users;   /* requests in flight that run it                    */
    bool cached;      /* in the table; else it goes with its last user     */
    bool parsed;      /* the server has it                                 */
    bool query;       /* its columns stay what they are                    */
    bool binary;      /* ask for binary columns                            */
    bool described;   /* `binary` is decided                               */
    unsigned generation; /* of the catalog, when it was                    */
    bool touches;     /* it may change the session                         */
    bool apart;       /* it shares no Sync; see sync.c                     */
    elpq_error *parse_error; /* why the server does not have it           */
    struct elpq__shape *shape; /* of a query's results, if it is known     */
    struct elpq__cache *cache;
    char name[48];
    unsigned n;
    const Oid *types;
    size_t sql_len;
    const char *sql;
};

struct elpq__cache {
    struct elpq__prepared **buckets; /* NULL until the first entry          */
    unsigned nbuckets;               /* a power of two                      */
    unsigned count;
    unsigned max;                    /* 0: nothing is cached                */
    uint64_t conn_id;                /* for names                           */
    uint64_t made;                   /* names given                         */
    struct elpq__list lru;           /* most recently used first            */
    struct elpq__list closing;       /* thrown out, to be closed            */
    unsigned out;                    /* thrown out: those, the ones still in
                                        use, and those being closed         */
};

void elpq__cache_init(struct elpq__cache *cache, unsigned max, uint64_t id);
void elpq__cache_free(struct elpq__cache *cache);

/* The entry of a statement, or NULL.  It becomes the most recent one. */
struct elpq__prepared *elpq__cache_find(struct elpq__cache *cache,
                                        const char *sql, size_t sql_len,
                                        const Oid *types, unsigned n);

/*
 * A new entry, which throws out the least recently used one if the cache is
 * full.  NULL if the statement is too long to be cached, nothing is cached, as
 * many as it holds wait to be closed, or there is no memory: then it goes
 * unnamed.
 */
struct elpq__prepared *elpq__cache_add(struct elpq__cache *cache,
                                       const char *sql, size_t sql_len,
                                       const Oid *types, unsigned n);

/* The entry is of no use any more. */
void elpq__cache_evict(struct elpq__cache *cache,
                       struct elpq__prepared *entry);
/* The server has forgotten all of them (DEALLOCATE ALL, DISCARD ALL). */
void elpq__cache_clear(struct elpq__cache *cache);

void elpq__prepared_use(struct elpq__prepared *entry);
void elpq__prepared_drop(struct elpq__cache *cache,
                         struct elpq__prepared *entry);

/* Whether nothing is added before some of those thrown out are closed. */
static inline bool elpq__cache_is_choked(const struct elpq__cache *cache)
{
    return cache->out > 0 && cache->out >= cache->max;
}

/* One that was thrown out, parsed and unused: to be closed, then freed. */
struct elpq__prepared *elpq__cache_next_closing(struct elpq__cache *cache);
void elpq__prepared_free(struct elpq__prepared *entry);

#endif

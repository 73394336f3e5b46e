/* SPDX-License-Identifier: PostgreSQL */
/*
 * The cache of prepared statements: lookup, LRU, eviction.  It sends nothing
 * itself: pipeline.c does, and tells it the outcome.
 */
#include "prepared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/* Longer statements are sent unnamed: their text would fill the memory. */
#define SQL_MAX (16 * 1024)

void elpq__cache_init(struct elpq__cache *cache, unsigned max, uint64_t id)
{
    memset(cache, 0, sizeof(*cache));
    cache->max = max;
    cache->conn_id = id;
    elpq__list_init(&cache->lru);
    elpq__list_init(&cache->closing);
}

/* It is in the table no more. */
void elpq__prepared_free(struct elpq__prepared *entry)
{
    entry->cache->out--;
    elpq_error_free(entry->parse_error);
    free(entry->shape);
    free(entry);
}

/* Eight bytes at a time: the text is hashed for every statement. */
static uint32_t hash_bytes(uint64_t h, const char *data, size_t size)
{
    const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word;

    for (; size >= 8; data += 8, size -= 8) {
        memcpy(&word, data, 8);
        h = (h ^ word) * k;
        h ^= h >> 29;
    }
    word = 0;
    memcpy(&word, data, size);
    h = (h ^ word ^ ((uint64_t)size << 56)) * k;
    return (uint32_t)(h >> 32);
}

static uint32_t hash_statement(const char *sql, size_t sql_len,
                               const Oid *types, unsigned n)
{
    uint32_t h = hash_bytes(n, sql, sql_len);

    return n ? hash_bytes(h, (const char *)types, n * sizeof(*types)) : h;
}

static bool same(const struct elpq__prepared *p, uint32_t hash,
                 const char *sql, size_t sql_len, const Oid *types,
                 unsigned n)
{
    return p->hash == hash && p->sql_len == sql_len && p->n == n &&
           memcmp(p->sql, sql, sql_len) == 0 &&
           (n == 0 || memcmp(p->types, types, n * sizeof(*types)) == 0);
}

struct elpq__prepared *elpq__cache_find(struct elpq__cache *cache,
                                        const char *sql, size_t sql_len,
                                        const Oid *types, unsigned n)
{
    struct elpq__prepared *p;
    uint32_t hash;

    if (cache->count == 0 || sql_len > SQL_MAX)
        return NULL;
    /* The one that ran last, most often: no hash is needed. */
    p = elpq__container(cache->lru.head.next, struct elpq__prepared, lru);
    if (same(p, p->hash, sql, sql_len, types, n))
        return p;
    hash = hash_statement(sql, sql_len, types, n);
    p = cache->buckets[hash & (cache->nbuckets - 1)];
    while (p && !same(p, hash, sql, sql_len, types, n))
        p = p->next;
    if (p && cache->lru.head.next != &p->lru) {
        elpq__list_remove(&p->lru);
        elpq__list_push_front(&cache->lru, &p->lru);
    }
    return p;
}

static struct elpq__prepared *entry_new(struct elpq__cache *cache,
                                        const char *sql, size_t sql_len,
                                        const Oid *types, unsigned n)
{
    size_t types_size = n * sizeof(Oid);
    struct elpq__prepared *p = malloc(sizeof(*p) + types_size + sql_len + 1);
    char *tail;

    if (!p)
        return NULL;
    memset(p, 0, sizeof(*p));
    tail = (char *)(p + 1);
    if (n)
        memcpy(tail, types, types_size);
    p->types = (const Oid *)(void *)tail;
    memcpy(tail + types_size, sql, sql_len);
    tail[types_size + sql_len] = '\0';
    p->sql = tail + types_size;
    p->sql_len = sql_len;
    p->n = n;
    p->cache = cache;
    p->hash = hash_statement(sql, sql_len, types, n);
    snprintf(p->name, sizeof(p->name), "elpq_%x_%llx_%llx",
             (unsigned)getpid(), (unsigned long long)cache->conn_id,
             (unsigned long long)++cache->made);
    return p;
}

static bool ensure_buckets(struct elpq__cache *cache)
{
    unsigned n = 16;

    if (cache->buckets)
        return true;
    while (n < cache->max && n < (1u << 16))
        n *= 2;
    cache->buckets = calloc(n, sizeof(*cache->buckets));
    cache->nbuckets = n;
    return cache->buckets != NULL;
}

struct elpq__prepared *elpq__cache_add(struct elpq__cache *cache,
                                       const char *sql, size_t sql_len,
                                       const Oid *types, unsigned n)
{
    struct elpq__prepared **bucket;
    struct elpq__prepared *p;

    /* In a transaction they may pile up, and so would they on the server. */
    if (cache->max == 0 || sql_len > SQL_MAX || elpq__cache_is_choked(cache) ||
        !ensure_buckets(cache))
        return NULL;
    p = entry_new(cache, sql, sql_len, types, n);
    if (!p)
        return NULL;
    if (cache->count >= cache->max)
        elpq__cache_evict(cache,
                          elpq__container(cache->lru.head.prev,
                                          struct elpq__prepared, lru));
    bucket = &cache->buckets[p->hash & (cache->nbuckets - 1)];
    p->next = *bucket;
    *bucket = p;
    elpq__list_push_front(&cache->lru, &p->lru);
    p->cached = true;
    cache->count++;
    return p;
}

/* Where an entry goes that is not in the table: closed, or forgotten. */
static void retire(struct elpq__cache *cache, struct elpq__prepared *p)
{
    if (p->users > 0)
        return;
    if (p->parsed && cache->buckets) /* else the session is gone */
        elpq__list_push(&cache->closing, &p->lru);
    else
        elpq__prepared_free(p);
}

static void unlink_entry(struct elpq__cache *cache, struct elpq__prepared *p)
{
    struct elpq__prepared **at =
        &cache->buckets[p->hash & (cache->nbuckets - 1)];

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    elpq__list_remove(&p->lru);
    p->cached = false;
    cache->count--;
    cache->out++;
}

void elpq__cache_evict(struct elpq__cache *cache,
                       struct elpq__prepared *entry)
{
    if (!entry->cached)
        return;
    unlink_entry(cache, entry);
    retire(cache, entry);
}

void elpq__cache_clear(struct elpq__cache *cache)
{
    struct elpq__node *node;

    while ((node = elpq__list_first(&cache->lru))) {
        struct elpq__prepared *p =
            elpq__container(node, struct elpq__prepared, lru);

        p->parsed = false;
        elpq__cache_evict(cache, p);
    }
    while ((node = elpq__list_pop(&cache->closing)))
        elpq__prepared_free(
            elpq__container(node, struct elpq__prepared, lru));
}

void elpq__prepared_use(struct elpq__prepared *entry)
{
    entry->users++;
}

void elpq__prepared_drop(struct elpq__cache *cache,
                         struct elpq__prepared *entry)
{
    entry->users--;
    if (!entry->cached)
        retire(cache, entry);
}

struct elpq__prepared *elpq__cache_next_closing(struct elpq__cache *cache)
{
    struct elpq__node *node = elpq__list_pop(&cache->closing);

    return node ? elpq__container(node, struct elpq__prepared, lru) : NULL;
}

void elpq__cache_free(struct elpq__cache *cache)
{
    elpq__cache_clear(cache);
    free(cache->buckets);
    cache->buckets = NULL;
}

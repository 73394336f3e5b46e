/* SPDX-License-Identifier: PostgreSQL */
/*
 * JSON as a tree, for the tests that read it: the parser's trees, and data.
 * Everything read lies in one pool, which is freed as a whole.  What is not
 * JSON ends the test.
 */
#ifndef ELPQ_TESTS_JSON_TREE_H
#define ELPQ_TESTS_JSON_TREE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum json_kind { JSON_OTHER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    char *text; /* a string without its quotes, escapes undone; or 1, true  */
    struct json **items;
    char **keys; /* of an object, one for each item                         */
    size_t count;
};

struct json_pool {
    struct json_block {
        struct json_block *next;
        max_align_t data[];
    } *blocks;
    const char *at; /* what is being read                                   */
};

static inline void *json_alloc(struct json_pool *pool, size_t size)
{
    struct json_block *block = calloc(1, sizeof(*block) + size + 1);

    block->next = pool->blocks;
    pool->blocks = block;
    return block->data;
}

static inline void json_free(struct json_pool *pool)
{
    while (pool->blocks) {
        struct json_block *next = pool->blocks->next;

        free(pool->blocks);
        pool->blocks = next;
    }
}

static inline void json_space(struct json_pool *pool)
{
    pool->at += strspn(pool->at, " \t\r\n");
}

static inline bool json_take(struct json_pool *pool, char c)
{
    json_space(pool);
    if (*pool->at != c)
        return false;
    pool->at++;
    return true;
}

static inline char *json_string(struct json_pool *pool)
{
    static const char escapes[] = "n\nt\tr\rb\bf\f";
    const char *end = pool->at;
    char *text, *to;

    for (; *end && *end != '"'; end++)
        end += *end == '\\' && end[1];
    to = text = json_alloc(pool, (size_t)(end - pool->at));
    for (; *pool->at != '"'; pool->at++) {
        const char *escape;

        ck_assert(*pool->at);
        if (*pool->at != '\\') {
            *to++ = *pool->at;
            continue;
        }
        escape = strchr(escapes, *++pool->at);
        if (*pool->at == 'u') { /* ASCII is all that is needed here */
            char digits[5] = { 0 };

            memcpy(digits, pool->at + 1, 4);
            *to++ = (char)strtol(digits, NULL, 16);
            pool->at += 4;
        } else {
            *to++ = escape ? escape[1] : *pool->at;
        }
    }
    pool->at++;
    return text;
}

static inline struct json *json_value(struct json_pool *pool);

static inline void json_add(struct json_pool *pool, struct json *to,
                            char *key, struct json *item)
{
    if ((to->count & (to->count - 1)) == 0) { /* 0, 1, 2, 4, 8 ... */
        size_t room = to->count ? 2 * to->count : 1;
        struct json **items = json_alloc(pool, room * sizeof(*items));
        char **keys = json_alloc(pool, room * sizeof(*keys));

        if (to->count) {
            memcpy(items, to->items, to->count * sizeof(*items));
            memcpy(keys, to->keys, to->count * sizeof(*keys));
        }
        to->items = items;
        to->keys = keys;
    }
    to->keys[to->count] = key;
    to->items[to->count++] = item;
}

static inline void json_members(struct json_pool *pool, struct json *to,
                                char close)
{
    if (json_take(pool, close))
        return;
    do {
        char *key = NULL;

        if (to->kind == JSON_OBJECT) {
            ck_assert(json_take(pool, '"'));
            key = json_string(pool);
            ck_assert(json_take(pool, ':'));
        }
        json_add(pool, to, key, json_value(pool));
    } while (json_take(pool, ','));
    ck_assert_msg(json_take(pool, close), "no JSON: %.40s", pool->at);
}

static inline struct json *json_value(struct json_pool *pool)
{
    struct json *value = json_alloc(pool, sizeof(*value));
    size_t size;

    if (json_take(pool, '"')) {
        value->kind = JSON_STRING;
        value->text = json_string(pool);
    } else if (json_take(pool, '[')) {
        value->kind = JSON_ARRAY;
        json_members(pool, value, ']');
    } else if (json_take(pool, '{')) {
        value->kind = JSON_OBJECT;
        json_members(pool, value, '}');
    } else {
        size = strcspn(pool->at, ",]} \t\r\n");
        ck_assert_uint_gt(size, 0);
        value->text = json_alloc(pool, size);
        memcpy(value->text, pool->at, size);
        pool->at += size;
    }
    return value;
}

/* The text is read again by nobody: it may go away. */
static inline struct json *json_read(struct json_pool *pool, const char *text)
{
    pool->at = text;
    return json_value(pool);
}

/* A member of an object, NULL if it has none of the name. */
static inline struct json *json_get(const struct json *object,
                                    const char *key)
{
    for (size_t i = 0; object && object->kind == JSON_OBJECT &&
                       i < object->count;
         i++)
        if (strcmp(object->keys[i], key) == 0)
            return object->items[i];
    return NULL;
}

static inline const char *json_text(const struct json *value)
{
    return value && value->text ? value->text : "";
}

#endif

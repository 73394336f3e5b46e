/* SPDX-License-Identifier: PostgreSQL */
/*
 * Tags: a comment behind a statement that says where it comes from.
 *
 * They are data, and stay outside of what is rendered, compiled and prepared.
 * Letters, digits and -_.~ stand for themselves, all other bytes are %XX: no
 * tag can end the comment, or its own quotes.
 */
#include "renderer.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           c == '~';
}

static size_t encoded_size(const char *s)
{
    size_t size = 0;

    for (; *s; s++)
        size += is_plain(*s) ? 1 : 3;
    return size;
}

static char *encode(char *to, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *s; s++) {
        if (is_plain(*s)) {
            *to++ = *s;
        } else {
            *to++ = '%';
            *to++ = digits[(unsigned char)*s >> 4];
            *to++ = digits[(unsigned char)*s & 15];
        }
    }
    return to;
}

/* Those with a value, by key; few, so by insertion. */
static uint32_t sort(const elqb_tag **sorted, const elqb_tag *tags)
{
    uint32_t count = 0, i;

    for (; tags->key; tags++) {
        if (!tags->value)
            continue;
        for (i = count++; i && strcmp(sorted[i - 1]->key, tags->key) > 0; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = tags;
    }
    return count;
}

static bool check(elqb *q, const elpq_statement *st, const elqb_tag *tags,
                  uint32_t *count)
{
    if (elqb__failed(q))
        return false;
    if (!st || !st->sql) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_tagged: the statement is NULL");
        return false;
    }
    for (; tags && tags[*count].key; ++*count)
        if (!*tags[*count].key)
            elqb__fail(q, ELQB_E_NAME, "elqb_tagged: a key is empty");
    return !elqb__failed(q);
}

/* The comment with a space before it, or the end of a line, in case that the
 * text ends in a comment of one. */
static char *put_comment(char *to, const elqb_tag *const *sorted,
                         uint32_t count, bool line)
{
    *to++ = line ? '\n' : ' ';
    *to++ = '/';
    *to++ = '*';
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            *to++ = ',';
        to = encode(to, sorted[i]->key);
        *to++ = '=';
        *to++ = '\'';
        to = encode(to, sorted[i]->value);
        *to++ = '\'';
    }
    memcpy(to, "*/", 3);
    return to + 2;
}

const elpq_statement *elqb_tagged_v(elqb *q, const elpq_statement *st,
                                    const elqb_tag *tags)
{
    uint32_t count = 0;
    const elqb_tag **sorted;
    elpq_statement *tagged;
    size_t size;
    char *sql;

    if (!check(q, st, tags, &count))
        return NULL;
    if (count == 0)
        return st;
    sorted = elqb__alloc(q, count * sizeof(*sorted));
    tagged = elqb__alloc(q, sizeof(*tagged));
    if (!sorted || !tagged)
        return NULL;
    count = sort(sorted, tags);
    if (count == 0)
        return st;
    size = st->sql_len + sizeof(" /**/");
    for (uint32_t i = 0; i < count; i++)
        size += encoded_size(sorted[i]->key) + encoded_size(sorted[i]->value) +
                sizeof(",=''") - 1;
    sql = elqb__alloc(q, size);
    if (!sql)
        return NULL;
    memcpy(sql, st->sql, st->sql_len);
    *tagged = *st;
    tagged->sql = sql;
    tagged->sql_len =
        (size_t)(put_comment(sql + st->sql_len, sorted, count,
                             memchr(st->sql, '-', st->sql_len) != NULL) -
                 sql);
    tagged->flags |= ELPQ_NO_PREPARE;
    return tagged;
}

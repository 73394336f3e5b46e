/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory: malloc with the multiplication checked, zeroed objects, and secrets
 * that leave no copy behind.
 *
 * Everything here may return NULL, and every caller has a path for it.
 */
#ifndef ELPQ_LIB_ALLOC_H
#define ELPQ_LIB_ALLOC_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A zeroed object of a type. */
#define elpq__new(type) ((type *)calloc(1, sizeof(type)))

/* `count` elements of `size` bytes, not zeroed; NULL if the product wraps. */
static inline void *elpq__alloc_array(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return malloc(count * size);
}

/* Frees a string that is or holds a secret; NULL is fine. */
static inline void elpq__forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* The same for a NULL-ended list of them. */
static inline void elpq__forget_strings(char **list)
{
    for (char **s = list; s && *s; s++)
        elpq__forget(*s);
    free(list);
}

/* A copy of a NULL-ended list of strings; NULL if out of memory. */
static inline char **elpq__copy_strings(const char *const *list)
{
    size_t n = 0;
    char **copy;

    while (list && list[n])
        n++;
    copy = (char **)calloc(n + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = strdup(list[i]);
        if (!copy[i]) {
            elpq__forget_strings(copy); /* those before it: it is zeroed */
            copy = NULL;
        }
    }
    return copy;
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory: malloc with the multiplication checked, and zeroed objects.
 *
 * Everything here may return NULL, and every caller has a path for it.
 */
#ifndef ELPQ_LIB_ALLOC_H
#define ELPQ_LIB_ALLOC_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A zeroed object of a type. */
#define elpq__new(type) ((type *)calloc(1, sizeof(type)))

/* `count` elements of `size` bytes, not zeroed; NULL if the product wraps. */
static inline void *elpq__alloc_array(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return malloc(count * size);
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets of names, each with a number; see names.c.  All zero is the empty set.
 */
#ifndef ELQB_NAMES_H
#define ELQB_NAMES_H

#include "internal.h"

struct elqb__name {
    const char *name; /* borrowed; NULL: a free place                       */
    uint32_t hash;
    uint32_t number;
};

/* The entry of a name of so many bytes, NULL if there is none. */
const struct elqb__name *elqb__find_name(const struct elqb__names *names,
                                         const char *name, size_t size);

/* Add a name that is not there yet, growing in q's arena. */
bool elqb__add_name(elqb *q, struct elqb__names *names, const char *name,
                    uint32_t number);

/* The same where there is room: a set whose entries, all zero, are as many as
 * elqb__names_size() says for its count. */
uint32_t elqb__names_size(uint32_t count);
void elqb__put_entry(struct elqb__names *names, const char *name,
                     uint32_t number);

#endif

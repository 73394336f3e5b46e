/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets of names, each with a number: of named binds and their values.
 *
 * A table with open addressing, at most half full, whose entries point to
 * names that live elsewhere.  Finding a name takes no longer in a statement
 * with 30,000 binds than in one with three.
 *
 * Called by whatever looks up binds.
 */
#include "names.h"

#define FIRST_SIZE 16

/* FNV-1a. */
static uint32_t hash(const char *name, size_t size)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h ^ h >> 15;
}

const struct elqb__name *elqb__find_name(const struct elqb__names *names,
                                         const char *name, size_t size)
{
    uint32_t h = hash(name, size), i;

    if (names->size == 0)
        return NULL;
    for (i = h & (names->size - 1); names->entries[i].name;
         i = (i + 1) & (names->size - 1)) {
        const struct elqb__name *entry = &names->entries[i];

        if (entry->hash == h && strncmp(entry->name, name, size) == 0 &&
            !entry->name[size])
            return entry;
    }
    return NULL;
}

/* There is a free place: see above. */
static void put(struct elqb__names *names, struct elqb__name entry)
{
    uint32_t i = entry.hash & (names->size - 1);

    while (names->entries[i].name)
        i = (i + 1) & (names->size - 1);
    names->entries[i] = entry;
    names->count++;
}

void elqb__put_entry(struct elqb__names *names, const char *name,
                     uint32_t number)
{
    const struct elqb__name entry = { name, hash(name, strlen(name)), number };

    put(names, entry);
}

static bool grow(elqb *q, struct elqb__names *names)
{
    uint32_t size = names->size ? 2 * names->size : FIRST_SIZE;
    struct elqb__names grown = { NULL, size, 0 };

    grown.entries = elqb__alloc(q, size * sizeof(*grown.entries));
    if (!grown.entries)
        return false;
    memset(grown.entries, 0, size * sizeof(*grown.entries));
    for (uint32_t i = 0; i < names->size; i++)
        if (names->entries[i].name)
            put(&grown, names->entries[i]);
    *names = grown;
    return true;
}

bool elqb__add_name(elqb *q, struct elqb__names *names, const char *name,
                    uint32_t number)
{
    if (2 * names->count >= names->size && !grow(q, names))
        return false;
    elqb__put_entry(names, name, number);
    return true;
}

uint32_t elqb__names_size(uint32_t count)
{
    uint32_t size = 1;

    while (size < 2 * count)
        size *= 2;
    return size;
}

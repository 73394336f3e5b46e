/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets of types; see type_set.h.
 */
#include "type_set.h"

#include <stdlib.h>
#include <string.h>

/* Types of types of types: what the server allows is far below. */
#define RESOLVE_DEPTH 64

enum { UNRESOLVED, RESOLVING, RESOLVED };

/* ------------------------------------------------------------------ find */

static struct elpq__type *find(const struct elpq__type_set *set, uint32_t oid)
{
    unsigned low = 0;
    unsigned high = set->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (set->types[middle].info.oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count && set->types[low].info.oid == oid
               ? (struct elpq__type *)&set->types[low]
               : NULL;
}

const struct elpq__type *elpq__type_set_find(const struct elpq__type_set *set,
                                             uint32_t oid)
{
    return set ? find(set, oid) : NULL;
}

const struct elpq__codec *elpq__type_set_codec(const struct elpq__type_set *set,
                                               uint32_t oid)
{
    const struct elpq__type *type;

    if (oid == ELPQ_OID_RECORD)
        return &set->record;
    if (oid == ELPQ_OID_RECORD_ARRAY)
        return &set->records;
    type = find(set, oid);
    return type ? type->codec : NULL;
}

void elpq__type_set_unref(struct elpq__type_set *set)
{
    if (set && --set->refs == 0)
        free(set);
}

/* ---------------------------------------------------------------- codecs */

static void resolve(struct elpq__type_set *set, struct elpq__type *type,
                    int depth);

/* The codec of a part, which may have to be found out first. */
static const struct elpq__codec *part_codec(struct elpq__type_set *set,
                                            uint32_t oid, int depth)
{
    struct elpq__type *part = find(set, oid);

    if (!part)
        return elpq__codec_find(oid);
    if (depth < RESOLVE_DEPTH)
        resolve(set, part, depth + 1);
    return part->codec;
}

static void give(struct elpq__type_set *set, struct elpq__type *type,
                 elpq_kind kind, const struct elpq__codec_ops *ops)
{
    struct elpq__codec *codec = &type->own;

    memset(codec, 0, sizeof(*codec));
    codec->oid = type->info.oid;
    codec->array_oid = type->info.array_oid;
    codec->name = type->info.name;
    codec->kind = (uint8_t)kind;
    codec->textual = ops == &elpq__text_ops;
    codec->raw = ops == &elpq__raw_ops;
    codec->delimiter = type->delimiter;
    codec->ops = ops;
    codec->set = set;
    type->codec = codec;
}

/* A base type with a binary form that is not read in short ways here. */
bool elpq__type_may_be_raw(const struct elpq__type *type)
{
    return type->info.kind == ELPQ_TYPE_BASE && type->sends &&
           !elpq__codec_find(type->info.oid);
}

/*
 * Types of extensions whose binary form is known here; but if the program has
 * said that it reads one of them itself, it does, as with those unknown.
 */
static void resolve_base(struct elpq__type_set *set, struct elpq__type *type)
{
    static const struct {
        const char *extension;
        const char *name;
        elpq_kind kind;
        const struct elpq__codec_ops *ops;
    } known[] = {
        { "hstore", "hstore", ELPQ_KIND_HSTORE, &elpq__hstore_ops },
        { "ltree", "ltree", ELPQ_KIND_TEXT, &elpq__jsonb_ops },
        { "ltree", "lquery", ELPQ_KIND_TEXT, &elpq__jsonb_ops },
        { "ltree", "ltxtquery", ELPQ_KIND_TEXT, &elpq__jsonb_ops },
        { "citext", "citext", ELPQ_KIND_TEXT, &elpq__text_ops },
    };

    if (type->info.raw) {
        give(set, type, ELPQ_KIND_RAW, &elpq__raw_ops);
        return;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(type->extension, known[i].extension) == 0 &&
            strcmp(type->info.name, known[i].name) == 0)
            give(set, type, known[i].kind, known[i].ops);
}

/* An array, range or multirange. */
static void resolve_container(struct elpq__type_set *set,
                              struct elpq__type *type, elpq_kind kind,
                              const struct elpq__codec_ops *ops, int depth)
{
    const struct elpq__codec *elem = part_codec(set, type->info.of_oid, depth);

    if (!elem ||
        (kind == ELPQ_KIND_MULTIRANGE && elem->kind != ELPQ_KIND_RANGE))
        return;
    give(set, type, kind, ops);
    type->own.elem = elem;
    type->own.elem_oid = type->info.of_oid;
    type->own.in_text = elem->in_text;
    type->own.raw = elem->raw;
}

static void resolve_composite(struct elpq__type_set *set,
                              struct elpq__type *type, int depth)
{
    const struct elpq__codec *field;
    bool in_text = false;
    bool raw = false;

    for (unsigned i = 0; i < type->info.nfields; i++) {
        field = part_codec(set, type->info.field_oids[i], depth);
        in_text = in_text || !field || field->in_text;
        raw = raw || (field && field->raw);
    }
    give(set, type, ELPQ_KIND_COMPOSITE, &elpq__record_ops);
    type->own.in_text = in_text;
    type->own.raw = raw;
    type->own.nfields = type->info.nfields;
    type->own.field_names = type->info.field_names;
    type->own.field_oids = type->info.field_oids;
}

/* A type that is a part of itself has no codec; the server makes none. */
static void resolve(struct elpq__type_set *set, struct elpq__type *type,
                    int depth)
{
    if (type->resolved != UNRESOLVED)
        return;
    type->resolved = RESOLVING;
    type->codec = NULL;
    switch (type->info.kind) {
    case ELPQ_TYPE_BASE:
        resolve_base(set, type);
        break;
    case ELPQ_TYPE_ENUM:
        give(set, type, ELPQ_KIND_TEXT, &elpq__text_ops);
        break;
    case ELPQ_TYPE_DOMAIN:
        type->codec = part_codec(set, type->info.of_oid, depth);
        break;
    case ELPQ_TYPE_ARRAY:
        resolve_container(set, type, ELPQ_KIND_ARRAY, &elpq__array_ops, depth);
        break;
    case ELPQ_TYPE_RANGE:
        resolve_container(set, type, ELPQ_KIND_RANGE, &elpq__range_ops, depth);
        break;
    case ELPQ_TYPE_MULTIRANGE:
        resolve_container(set, type, ELPQ_KIND_MULTIRANGE,
                          &elpq__multirange_ops, depth);
        break;
    case ELPQ_TYPE_COMPOSITE:
        resolve_composite(set, type, depth);
        break;
    default:
        break;
    }
    /* What is built in keeps its codec. */
    if (!type->codec)
        type->codec = elpq__codec_find(type->info.oid);
    type->info.known = type->codec != NULL;
    type->resolved = RESOLVED;
}

/* ---------------------------------------------------------------- making */

/* Where the copies go: behind the types, pointers first. */
struct packer {
    char *pointers;
    char *strings;
    size_t npointers; /* bytes of both, while there is no memory */
    size_t nstrings;
};

static const char *pack_string(struct packer *p, const char *s)
{
    size_t size = strlen(s) + 1;
    char *at = p->strings;

    if (!at) {
        p->nstrings += size;
        return NULL;
    }
    memcpy(at, s, size);
    p->strings += size;
    return at;
}

static const char *const *pack_strings(struct packer *p,
                                       const char *const *list, unsigned n)
{
    const char **at = (const char **)(void *)p->pointers;

    if (p->pointers)
        p->pointers += n * sizeof(*at);
    else
        p->npointers += n * sizeof(*at);
    for (unsigned i = 0; i < n; i++) {
        const char *copy = pack_string(p, list[i]);

        if (at)
            at[i] = copy;
    }
    return at;
}

/* As many bytes as pointers have, so that those stay aligned. */
static const uint32_t *pack_oids(struct packer *p, const uint32_t *oids,
                                 unsigned n)
{
    size_t size = n * sizeof(char *);
    char *at = p->pointers;

    if (!at) {
        p->npointers += size;
        return NULL;
    }
    if (n)
        memcpy(at, oids, n * sizeof(*oids));
    p->pointers += size;
    return (const uint32_t *)(void *)at;
}

static void pack(struct packer *p, struct elpq__type *to,
                 const struct elpq__type *from)
{
    struct elpq__type copy = *from;
    elpq_type_info *info = &copy.info;

    info->schema = pack_string(p, info->schema);
    info->name = pack_string(p, info->name);
    copy.extension = pack_string(p, copy.extension);
    info->field_names = pack_strings(p, info->field_names, info->nfields);
    info->field_oids = pack_oids(p, info->field_oids, info->nfields);
    info->labels = pack_strings(p, info->labels, info->nlabels);
    copy.codec = NULL; /* it may be the old set's */
    copy.resolved = UNRESOLVED;
    if (to)
        *to = copy;
}

static int by_oid(const void *a, const void *b)
{
    const struct elpq__type *const *x = a;
    const struct elpq__type *const *y = b;

    return ((*x)->info.oid > (*y)->info.oid) -
           ((*x)->info.oid < (*y)->info.oid);
}

/* Each OID once: the new ones, and the old ones that no new one replaces. */
static unsigned merge(const struct elpq__type **all,
                      const struct elpq__type_set *old,
                      const struct elpq__type *types, unsigned n)
{
    unsigned count = 0;
    unsigned kept = 0;

    for (unsigned i = 0; i < n; i++)
        all[count++] = &types[i];
    qsort(all, count, sizeof(*all), by_oid);
    for (unsigned i = 0; i < count; i++)
        if (i == 0 || all[i]->info.oid != all[kept - 1]->info.oid)
            all[kept++] = all[i];
    count = kept;
    for (unsigned i = 0; old && i < old->count; i++) {
        const struct elpq__type *one = &old->types[i];

        if (!bsearch(&one, all, kept, sizeof(*all), by_oid))
            all[count++] = one;
    }
    qsort(all, count, sizeof(*all), by_oid);
    return count;
}

static bool is_same(const elpq_type_info *a, const elpq_type_info *b)
{
    return a->oid == b->oid || (strcmp(a->name, b->name) == 0 &&
                                strcmp(a->schema, b->schema) == 0);
}

/* What the program reads itself, it does still; few types are like that. */
static void keep_raw(const struct elpq__type_set *old, struct elpq__type *types,
                     unsigned n)
{
    for (unsigned i = 0; old && i < old->count; i++) {
        if (!old->types[i].info.raw)
            continue;
        for (unsigned j = 0; j < n; j++)
            if (is_same(&old->types[i].info, &types[j].info))
                types[j].info.raw = elpq__type_may_be_raw(&types[j]);
    }
}

static void give_records(struct elpq__type_set *set)
{
    set->record = *elpq__codec_find(ELPQ_OID_RECORD);
    set->record.set = set;
    set->records = *elpq__codec_find(ELPQ_OID_RECORD_ARRAY);
    set->records.set = set;
    set->records.elem = &set->record;
}

static struct elpq__type_set *build(const struct elpq__type **all,
                                    unsigned count)
{
    struct packer p = { NULL, NULL, 0, 0 };
    struct elpq__type_set *set;
    size_t size = sizeof(*set) + count * sizeof(set->types[0]);

    for (unsigned i = 0; i < count; i++)
        pack(&p, NULL, all[i]);
    set = calloc(1, size + p.npointers + p.nstrings);
    if (!set)
        return NULL;
    set->refs = 1;
    set->count = count;
    p.pointers = (char *)set + size;
    p.strings = p.pointers + p.npointers;
    for (unsigned i = 0; i < count; i++)
        pack(&p, &set->types[i], all[i]);
    give_records(set);
    for (unsigned i = 0; i < count; i++)
        resolve(set, &set->types[i], 0);
    return set;
}

struct elpq__type_set *elpq__type_set_new(const struct elpq__type_set *old,
                                          struct elpq__type *types,
                                          unsigned n)
{
    size_t most = (size_t)n + (old ? old->count : 0);
    const struct elpq__type **all = calloc(most + 1, sizeof(*all));
    struct elpq__type_set *set = NULL;
    unsigned count;

    if (!all)
        return NULL;
    keep_raw(old, types, n);
    count = merge(all, old, types, n);
    if (count <= ELPQ__TYPES_MAX)
        set = build(all, count);
    free(all);
    return set;
}

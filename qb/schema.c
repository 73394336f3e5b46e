/* SPDX-License-Identifier: PostgreSQL */
/*
 * Translation of schemas: tables are declared in one schema, and rendered in
 * another, a tenant's say.
 *
 * The map is the workspace's, and is looked at while rendering.  A table
 * without a schema may be translated too, but not a column of it: whether
 * "u"."id" is of a table or of an alias the column does not tell, and the
 * server finds it by the table's bare name.
 */
#include "renderer.h"

void elqb_schema_translate_v(elqb *q, const elqb_schema_map *map)
{
    elqb_schema_map *copy;
    uint32_t count = 0;

    if (elqb__failed(q))
        return;
    while (map && map[count].used)
        count++;
    copy = elqb__alloc(q, (count + 1) * sizeof(*copy));
    if (!copy)
        return;
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = map[i];
        if (!elqb__keep_optional(q, "elqb_schema_translate", &copy[i].from) ||
            !elqb__keep_optional(q, "elqb_schema_translate", &copy[i].to))
            return;
    }
    q->schemas = copy;
    q->nschemas = count;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const char *elqb__translate(const elqb *q, const char *schema)
{
    for (uint32_t i = 0; i < q->nschemas; i++)
        if (is_same(q->schemas[i].from, schema))
            return q->schemas[i].to;
    return schema;
}

void elqb__put_schema(struct elqb__render *r, const char *schema)
{
    schema = elqb__translate(r->q, schema);
    if (schema) {
        elqb__put_name(r, schema);
        elqb__put_char(r, '.');
    }
}

void elqb__put_schema_name(struct elqb__render *r, const char *name)
{
    const char *to = elqb__translate(r->q, name);

    elqb__put_name(r, to ? to : name);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The catalog; see catalog.h.
 */
#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "result.h"

/*
 * The types that are asked for and, from each, its array, its elements, the
 * type under a domain, a range's subtype and multirange, the fields of a
 * composite; but nothing built in that was not asked for.  Whether a type is
 * in an extension tells an hstore from a type that happens to have the name.
 * Versions before 14 have no multiranges, and no column of that name.
 */
const char elpq__catalog_sql[] =
    "with recursive wanted(oid, name) as ("
    " select pg_catalog.to_regtype(n)::oid, n"
    "  from pg_catalog.unnest($1::text[]) n"
    " union all"
    " select o, null from pg_catalog.unnest($2::oid[]) o"
    "), ranges(range, subtype, multirange) as materialized ("
    " select rngtypid, rngsubtype,"
    "  (pg_catalog.to_jsonb(r)->>'rngmultitypid')::oid"
    " from pg_catalog.pg_range r"
    "), closure(oid) as ("
    " select oid from wanted where oid is not null"
    " union"
    " select part.oid from closure c"
    "  join pg_catalog.pg_type t on t.oid = c.oid"
    "  cross join lateral ("
    "   select t.typarray union all select t.typelem"
    "   union all select t.typbasetype"
    "   union all select r.subtype from ranges r where r.range = t.oid"
    "   union all select r.multirange from ranges r where r.range = t.oid"
    "   union all select r.range from ranges r where r.multirange = t.oid"
    "   union all select a.atttypid from pg_catalog.pg_attribute a"
    "    where a.attrelid = t.typrelid and a.attnum > 0"
    "     and not a.attisdropped"
    "  ) part(oid)"
    "  where part.oid >= 16384"
    ") "
    "select t.oid,"
    " array(select w.name from wanted w"
    "  where w.oid = t.oid and w.name is not null),"
    " n.nspname::text, t.typname::text,"
    " case when e.typarray = t.oid then 'a' else t.typtype::text end,"
    " t.typarray,"
    " coalesce(case when e.typarray = t.oid then t.typelem"
    "  when t.typtype = 'd' then t.typbasetype"
    "  when t.typtype = 'r' then"
    "   (select r.subtype from ranges r where r.range = t.oid)"
    "  when t.typtype = 'm' then"
    "   (select r.range from ranges r where r.multirange = t.oid)"
    "  end, 0),"
    " t.typdelim::text,"
    " coalesce((select x.extname::text from pg_catalog.pg_depend d"
    "  join pg_catalog.pg_extension x on x.oid = d.refobjid"
    "  where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass"
    "   and d.objid = t.oid and d.deptype = 'e'"
    "   and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
    "  ), ''),"
    " array(select a.attname::text from pg_catalog.pg_attribute a"
    "  where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped"
    "  order by a.attnum),"
    " array(select a.atttypid from pg_catalog.pg_attribute a"
    "  where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped"
    "  order by a.attnum),"
    " array(select l.enumlabel::text from pg_catalog.pg_enum l"
    "  where l.enumtypid = t.oid order by l.enumsortorder),"
    " t.typsend::pg_catalog.oid <> 0"
    " from closure c join pg_catalog.pg_type t on t.oid = c.oid"
    " join pg_catalog.pg_namespace n on n.oid = t.typnamespace"
    " left join pg_catalog.pg_type e on e.oid = t.typelem";

/* Its columns. */
enum {
    OID,
    NAMES,
    SCHEMA,
    NAME,
    KIND,
    ARRAY,
    OF,
    DELIMITER,
    EXTENSION,
    FIELD_NAMES,
    FIELD_OIDS,
    LABELS,
    SENDS
};

struct elpq__catalog *elpq__catalog_new(void)
{
    struct elpq__catalog *catalog = elpq__new(struct elpq__catalog);

    if (catalog)
        catalog->refs = 1;
    return catalog;
}

struct elpq__catalog *elpq__catalog_ref(struct elpq__catalog *catalog)
{
    catalog->refs++;
    return catalog;
}

static void free_name(struct elpq__type_name *n)
{
    free(n->full);
    free(n);
}

void elpq__catalog_unref(struct elpq__catalog *catalog)
{
    struct elpq__type_name *next;

    if (!catalog || --catalog->refs > 0)
        return;
    for (; catalog->names; catalog->names = next) {
        next = catalog->names->next;
        free_name(catalog->names);
    }
    elpq__type_set_unref(catalog->set);
    free(catalog);
}

/* ------------------------------------------------------------------ find */

static struct elpq__type_name *find_name(const struct elpq__catalog *catalog,
                                         const char *name)
{
    struct elpq__type_name *n = catalog->names;

    while (n && strcmp(n->name, name) != 0)
        n = n->next;
    return n;
}

const elpq_type_info *elpq__catalog_by_oid(const struct elpq__catalog *catalog,
                                           uint32_t oid)
{
    const struct elpq__type *type =
        elpq__type_set_find(elpq__catalog_types(catalog), oid);

    return type && type->info.name[0] ? &type->info : NULL;
}

const elpq_type_info *elpq__catalog_by_name(const struct elpq__catalog *catalog,
                                            const char *name)
{
    const struct elpq__type_name *n =
        catalog && name ? find_name(catalog, name) : NULL;

    return n && !n->ambiguous ? elpq__catalog_by_oid(catalog, n->oid) : NULL;
}

uint32_t elpq__catalog_oid(const struct elpq__catalog *catalog,
                           const char *name)
{
    const struct elpq__type_name *n = find_name(catalog, name);

    return n ? n->oid : 0;
}

/* --------------------------------------------------------------- missing */

static void miss(struct elpq__catalog *catalog, uint32_t oid)
{
    for (unsigned i = 0; i < catalog->nmissing; i++)
        if (catalog->missing[i] == oid)
            return;
    if (catalog->nmissing < ELPQ__MISSING_MAX)
        catalog->missing[catalog->nmissing++] = oid;
}

static void ask(struct elpq__catalog *catalog)
{
    bool wanted = catalog->nmissing > 0 || catalog->set->stale;

    if (wanted && !catalog->asking && catalog->ask)
        catalog->ask(catalog);
}

void elpq__catalog_apply(struct elpq__catalog *catalog, elpq_result *result)
{
    if (!catalog || !catalog->set)
        return;
    elpq__result_set_types(result, catalog->set);
    for (int i = 0; i < result->columns; i++) {
        uint32_t oid = result->column[i].oid;

        if (oid >= ELPQ__FIRST_USER_OID &&
            !elpq__type_set_find(catalog->set, oid))
            miss(catalog, oid);
    }
    ask(catalog);
}

/* That a type is gone, or is not as it was. */
static bool is_about_types(const elpq_error *error)
{
    static const char *const states[] = {
        "XX000", /* cache lookup failed for type */
        "42704", /* undefined object             */
        "42804", /* datatype mismatch            */
        "22P03"  /* invalid binary form          */
    };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(error->sqlstate, states[i]) == 0)
            return true;
    return false;
}

void elpq__catalog_note_error(struct elpq__catalog *catalog,
                              const elpq_error *error, const Oid *types,
                              unsigned n)
{
    if (!catalog || !catalog->set || !is_about_types(error))
        return;
    for (unsigned i = 0; i < n; i++)
        if (types[i] >= ELPQ__FIRST_USER_OID)
            catalog->set->stale = true;
    ask(catalog);
}

/* --------------------------------------------------------------- take in */

/* One row being read, with memory of the result; the first error stays. */
struct row {
    elpq_result *result;
    size_t row;
    int code;
};

static void note(struct row *r, int code)
{
    if (code && !r->code)
        r->code = code;
}

static const char *take_text(struct row *r, int column)
{
    elpq_string s = { "", 0 };

    note(r, elpq_get_string(r->result, r->row, column, &s));
    return s.data;
}

static uint32_t take_oid(struct row *r, int column)
{
    uint32_t oid = 0;

    note(r, elpq_get_uint32(r->result, r->row, column, &oid));
    return oid;
}

static elpq_array_view take_array(struct row *r, int column)
{
    elpq_array_view view;

    memset(&view, 0, sizeof(view));
    note(r, elpq_get_array(r->result, r->row, column, &view));
    return view;
}

static void *room(struct row *r, size_t size)
{
    void *p = elpq__scratch_alloc(&r->result->scratch, size);

    if (!p)
        note(r, ELPQ_E_NOMEM);
    return p;
}

static const char *const *take_texts(struct row *r, int column, unsigned *n)
{
    elpq_array_view view = take_array(r, column);
    const char **list = room(r, view.count * sizeof(*list));
    elpq_string s = { "", 0 };

    *n = list ? (unsigned)view.count : 0;
    for (unsigned i = 0; i < *n; i++) {
        note(r, elpq_cell_string(&view.items[i], &s));
        list[i] = s.data;
    }
    return list;
}

static const uint32_t *take_oids(struct row *r, int column, unsigned *n)
{
    elpq_array_view view = take_array(r, column);
    uint32_t *list = room(r, view.count * sizeof(*list));

    *n = list ? (unsigned)view.count : 0;
    for (unsigned i = 0; i < *n; i++)
        note(r, elpq_cell_uint32(&view.items[i], &list[i]));
    return list;
}

static void take_type(struct row *r, struct elpq__type *type)
{
    elpq_type_info *info = &type->info;
    unsigned nfields = 0;

    memset(type, 0, sizeof(*type));
    info->oid = take_oid(r, OID);
    info->schema = take_text(r, SCHEMA);
    info->name = take_text(r, NAME);
    info->kind = (elpq_type_kind)take_text(r, KIND)[0];
    info->array_oid = take_oid(r, ARRAY);
    info->of_oid = take_oid(r, OF);
    type->delimiter = take_text(r, DELIMITER)[0];
    type->extension = take_text(r, EXTENSION);
    note(r, elpq_get_bool(r->result, r->row, SENDS, &type->sends));
    info->field_names = take_texts(r, FIELD_NAMES, &info->nfields);
    info->field_oids = take_oids(r, FIELD_OIDS, &nfields);
    info->labels = take_texts(r, LABELS, &info->nlabels);
    if (nfields != info->nfields)
        note(r, ELPQ_E_DECODE);
}

static int replace_set(struct elpq__catalog *catalog, struct elpq__type *types,
                       unsigned n)
{
    unsigned count = n + (catalog->set ? catalog->set->count : 0);
    struct elpq__type_set *set = elpq__type_set_new(catalog->set, types, n);

    if (!set)
        return count > ELPQ__TYPES_MAX ? ELPQ_E_FULL : ELPQ_E_NOMEM;
    elpq__type_set_unref(catalog->set);
    catalog->set = set;
    catalog->generation++;
    return 0;
}

/* ----------------------------------------------------------------- names */

static bool has_name(struct row *r, const char *name)
{
    elpq_array_view names = take_array(r, NAMES);
    elpq_string s = { "", 0 };

    for (size_t i = 0; i < names.count; i++)
        if (elpq_cell_string(&names.items[i], &s) == 0 &&
            strcmp(s.data, name) == 0)
            return true;
    return false;
}

uint32_t elpq__catalog_named(elpq_result *result, const char *name)
{
    struct row r = { result, 0, 0 };

    for (; r.row < elpq_rows(result); r.row++)
        if (has_name(&r, name))
            return take_oid(&r, OID);
    return 0;
}

bool elpq__catalog_brought(elpq_result *result, uint32_t oid)
{
    struct row r = { result, 0, 0 };

    for (; r.row < elpq_rows(result); r.row++)
        if (take_oid(&r, OID) == oid)
            return true;
    return false;
}

const char *elpq__catalog_full(struct elpq__catalog *catalog,
                               struct elpq__type_name *name, bool lone)
{
    const elpq_type_info *info = elpq__catalog_by_oid(catalog, name->oid);
    struct elpq__buf full = { 0 };

    free(name->full);
    name->full = NULL;
    if (lone) /* of one session: there it is what it says */
        return name->full = strdup(name->name);
    /* Another session's temporary schema may not even be named. */
    if (!info || strncmp(info->schema, "pg_temp_", 8) == 0)
        return NULL;
    elpq__buf_add_quoted(&full, info->schema, '"');
    elpq__buf_add_byte(&full, '.');
    elpq__buf_add_quoted(&full, info->name, '"');
    elpq__buf_add_byte(&full, '\0');
    if (full.failed)
        elpq__buf_free(&full);
    name->full = full.data;
    return name->full;
}

/* What was asked for in full may be another type by now. */
static void renew_names(struct elpq__catalog *catalog, elpq_result *result)
{
    struct row r = { result, 0, 0 };
    elpq_string s = { "", 0 };
    elpq_array_view names;

    for (; r.row < elpq_rows(result); r.row++) {
        names = take_array(&r, NAMES);
        for (size_t i = 0; i < names.count; i++) {
            if (elpq_cell_string(&names.items[i], &s))
                continue;
            for (struct elpq__type_name *n = catalog->names; n; n = n->next)
                if (n->full && strcmp(n->full, s.data) == 0)
                    n->oid = take_oid(&r, OID);
        }
    }
}

/* Whether a name says the schema, and one that is the same in all sessions. */
static bool is_qualified(const char *name)
{
    bool quoted = false;

    if (strncmp(name, "pg_temp.", 8) == 0)
        return false;
    for (; *name; name++) {
        if (*name == '"')
            quoted = !quoted;
        if (*name == '.' && !quoted)
            return true;
    }
    return false;
}

/* Two types that are there, each by the name in a schema of its own. */
static bool is_of_both(const struct elpq__catalog *catalog,
                       const struct elpq__type_name *name, uint32_t oid)
{
    const elpq_type_info *a = elpq__catalog_by_oid(catalog, name->oid);
    const elpq_type_info *b = elpq__catalog_by_oid(catalog, oid);

    return a && b && a != b && !is_qualified(name->name) &&
           strcmp(a->name, b->name) == 0 && strcmp(a->schema, b->schema) != 0;
}

static struct elpq__type_name *add_name(struct elpq__catalog *catalog,
                                        const char *name)
{
    size_t size = strlen(name) + 1;
    struct elpq__type_name *n = calloc(1, sizeof(*n) + size);

    if (!n)
        return NULL;
    memcpy(n->name, name, size);
    n->next = catalog->names;
    catalog->names = n;
    catalog->nnames++;
    return n;
}

static void forget(struct elpq__catalog *catalog, const char *name)
{
    struct elpq__type_name **at = &catalog->names;
    struct elpq__type_name *gone;

    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    gone = *at;
    if (!gone)
        return;
    *at = gone->next;
    catalog->nnames--;
    free_name(gone);
}

int elpq__catalog_learn(struct elpq__catalog *catalog, const char *name,
                        uint32_t oid, bool gone, bool shared)
{
    struct elpq__type_name *n = find_name(catalog, name);

    if (!oid && (gone || !shared))
        forget(catalog, name);
    if (!oid)
        return 0;
    if (!n && catalog->nnames >= ELPQ__TYPES_MAX)
        return ELPQ_E_FULL;
    if (!n)
        n = add_name(catalog, name);
    if (!n)
        return ELPQ_E_NOMEM;
    if (gone)
        n->ambiguous = false;
    else if (shared && is_of_both(catalog, n, oid))
        n->ambiguous = true;
    n->oid = oid;
    return 0;
}

int elpq__catalog_take(struct elpq__catalog *catalog, elpq_result *result,
                       const char *raw)
{
    size_t rows = elpq_rows(result);
    struct row r = { result, 0, 0 };
    struct elpq__type *types;

    if (rows > ELPQ__TYPES_MAX)
        return ELPQ_E_FULL;
    types = calloc(rows + 1, sizeof(*types));
    if (!types)
        return ELPQ_E_NOMEM;
    for (r.row = 0; r.row < rows && !r.code; r.row++) {
        take_type(&r, &types[r.row]);
        types[r.row].info.raw = raw && has_name(&r, raw) &&
                                elpq__type_may_be_raw(&types[r.row]);
    }
    note(&r, r.code ? r.code : replace_set(catalog, types, (unsigned)rows));
    if (!r.code)
        renew_names(catalog, result);
    free(types);
    return r.code;
}

int elpq__catalog_give_up(struct elpq__catalog *catalog, const uint32_t *oids,
                          unsigned n)
{
    struct elpq__type none[ELPQ__MISSING_MAX];
    unsigned count = 0;

    memset(none, 0, sizeof(none));
    for (unsigned i = 0; i < n && i < ELPQ__MISSING_MAX; i++) {
        if (elpq__type_set_find(catalog->set, oids[i]))
            continue;
        none[count].info.oid = oids[i];
        none[count].info.kind = ELPQ_TYPE_PSEUDO;
        none[count].info.schema = none[count].info.name = "";
        none[count].extension = "";
        count++;
    }
    return count ? replace_set(catalog, none, count) : 0;
}

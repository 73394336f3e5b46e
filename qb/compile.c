/* SPDX-License-Identifier: PostgreSQL */
/*
 * Compiled statements, and the values for one run of one.
 *
 * A compiled statement is what a rendering gave, in one block: the text, the
 * type and default of each parameter, the names of those that have one.  It is
 * never written to again, so any number of threads may use it, each with an
 * elqb_args of its own, which knows no workspace and renders nothing.
 *
 * The block is made in two passes of the same code: the first, without memory,
 * finds its size.
 */
#include <stdio.h>

#include "renderer.h"

_Static_assert(sizeof(((elqb_args *)NULL)->message) == ELQB_ERROR_SIZE,
               "elqb__print_error() fills it");

struct elqb_compiled {
    elpq_statement statement;   /* values: the defaults, or UNSET           */
    const uint32_t *oids;       /* what each parameter takes; 0: anything   */
    const char *const *names;   /* NULL: it has none                        */
    struct elqb__names by_name; /* numbers from 0                           */
    unsigned unset;
};

/* ------------------------------------------------------------ making one */

struct packer {
    char *base; /* NULL: only measure                                       */
    size_t size;
};

static void *reserve(struct packer *p, size_t size)
{
    void *at = p->base ? p->base + p->size : NULL;

    p->size += (size + 15) & ~(size_t)15;
    return at;
}

static void *pack_bytes(struct packer *p, const void *data, size_t size)
{
    void *at = reserve(p, size);

    if (at && size)
        memcpy(at, data, size);
    return at;
}

static const char *pack_string(struct packer *p, const char *s)
{
    return s ? pack_bytes(p, s, strlen(s) + 1) : NULL;
}

static void pack_strings(struct packer *p, elpq_value *v)
{
    const char *const *from = v->u.array.items;
    const char **to = reserve(p, v->u.array.count * sizeof(*to));

    for (size_t i = 0; i < v->u.array.count; i++) {
        const char *copy = pack_string(p, from[i]);

        if (to)
            to[i] = copy;
    }
    v->u.array.items = (const void *)to;
}

static void pack_value(struct packer *p, elpq_value *v);

static void pack_items(struct packer *p, elpq_value *v)
{
    const elpq_value *from = v->u.array.items;
    elpq_value *to = reserve(p, v->u.array.count * sizeof(*to));

    for (size_t i = 0; i < v->u.array.count; i++) {
        elpq_value item = from[i];

        pack_value(p, &item);
        if (to)
            to[i] = item;
    }
    v->u.array.items = to;
}

/* How deep arrays may be was checked when the value was kept. */
static void pack_value(struct packer *p, elpq_value *v)
{
    switch (v->kind) {
    case ELPQ_KIND_TEXT:
    case ELPQ_KIND_BYTES:
    case ELPQ_KIND_RAW:
        /* with the NUL that elqb__copy_bytes() put behind it */
        v->u.bytes.data = pack_bytes(p, v->u.bytes.data, v->u.bytes.size + 1);
        break;
    case ELPQ_KIND_BITS:
        v->u.bits.data = pack_bytes(p, v->u.bits.data, elqb__bits_size(v));
        break;
    case ELPQ_KIND_DOUBLES:
        v->u.doubles.items =
            pack_bytes(p, v->u.doubles.items,
                       v->u.doubles.count * sizeof(*v->u.doubles.items));
        break;
    case ELPQ_KIND_C_ARRAY:
        if (v->elem == ELPQ_KIND_TEXT)
            pack_strings(p, v);
        else
            v->u.array.items =
                pack_bytes(p, v->u.array.items, v->u.array.count * v->width);
        break;
    default:
        if (elqb__has_items(v))
            pack_items(p, v);
        break;
    }
}

static void pack_names(struct packer *p, const struct elqb__render *r,
                       struct elqb_compiled *c)
{
    const char **names = reserve(p, r->count * sizeof(*names));
    uint32_t size = elqb__names_size(r->binds.count);

    c->by_name.size = size;
    c->by_name.count = 0;
    c->by_name.entries = reserve(p, size * sizeof(*c->by_name.entries));
    if (names)
        memset(c->by_name.entries, 0, size * sizeof(*c->by_name.entries));
    for (uint32_t i = 0; i < r->count; i++) {
        const elqb_expr *slot = r->slots[i];
        const char *name =
            slot->kind == ELQB_KIND_BIND ? slot->u.column.name : NULL;

        name = pack_string(p, name);
        if (!names)
            continue;
        names[i] = name;
        if (name)
            elqb__put_entry(&c->by_name, name, i);
    }
    c->names = names;
}

/* Give the value the type of a parameter, as far as it can have it.  Text and
 * NULL of no type can have any: of an array or a row, too. */
static void fit(elpq_value *v, uint32_t oid)
{
    elqb__type_value(v, oid);
    if (v->oid == 0 && (v->kind == ELPQ_KIND_TEXT || v->kind == ELPQ_KIND_NULL))
        v->oid = oid;
}

/* Everything, in `c` what goes to the start of the block. */
static void pack(struct packer *p, const struct elqb__render *r,
                 const elpq_statement *st, struct elqb_compiled *c)
{
    elpq_value *values;
    uint32_t *oids;

    memset(c, 0, sizeof(*c));
    reserve(p, sizeof(*c));
    c->statement = *st;
    c->statement.sql = pack_bytes(p, st->sql, st->sql_len + 1);
    values = reserve(p, st->nvalues * sizeof(*values));
    oids = reserve(p, st->nvalues * sizeof(*oids));
    for (unsigned i = 0; i < st->nvalues; i++) {
        elpq_value value = st->values[i];

        fit(&value, r->slots[i]->oid);
        pack_value(p, &value);
        if (value.kind == UNSET)
            c->unset++;
        if (!values)
            continue;
        values[i] = value;
        oids[i] = r->slots[i]->oid;
    }
    c->statement.values = values;
    c->oids = oids;
    pack_names(p, r, c);
}

static const char *type_name(uint32_t oid, char text[40])
{
    bool is_array;
    const char *name = elqb__type_name(oid, &is_array);

    if (name)
        snprintf(text, 40, "%s%s", name, is_array ? "_ARRAY" : "");
    else
        snprintf(text, 40, "the type %u", (unsigned)oid);
    return text;
}

/* A default is held to what elqb_args_set() is. */
static bool check_defaults(const struct elqb__render *r,
                           const elpq_statement *st)
{
    for (unsigned i = 0; i < st->nvalues; i++) {
        uint32_t wants = r->slots[i]->oid;
        elpq_value value = st->values[i];
        char a[40], b[40];

        fit(&value, wants);
        if (wants && value.oid != wants)
            elqb__fail(r->q, ELQB_E_BIND,
                       "elqb_compile: the bind :%s takes %s, not %s",
                       r->slots[i]->u.column.name, type_name(wants, a),
                       type_name(value.oid, b));
    }
    return !elqb__failed(r->q);
}

elqb_compiled *elqb__pack(struct elqb__render *r, const elpq_statement *st)
{
    struct packer p = { NULL, 0 };
    struct elqb_compiled c;

    if (!st || !check_defaults(r, st))
        return NULL;
    pack(&p, r, st, &c);
    p.base = elqb__alloc_block(p.size);
    if (!p.base) {
        elqb__fail(r->q, ELQB_E_NOMEM, "out of memory");
        return NULL;
    }
    p.size = 0;
    pack(&p, r, st, &c);
    memcpy(p.base, &c, sizeof(c));
    return (elqb_compiled *)(void *)p.base;
}

void elqb_compiled_free(elqb_compiled *c)
{
    elqb__free_block(c);
}

const char *elqb_compiled_sql(const elqb_compiled *c)
{
    return c ? c->statement.sql : NULL;
}

unsigned elqb_compiled_count(const elqb_compiled *c)
{
    return c ? c->statement.nvalues : 0;
}

const char *elqb_compiled_name(const elqb_compiled *c, unsigned n)
{
    return c && n > 0 && n <= c->statement.nvalues ? c->names[n - 1] : NULL;
}

uint32_t elqb_compiled_oid(const elqb_compiled *c, unsigned n)
{
    return c && n > 0 && n <= c->statement.nvalues ? c->oids[n - 1] : 0;
}

/* ------------------------------------------------- the values of one run */

static elpq_value *values_of(elqb_args *a)
{
    return a->many ? a->many : a->few;
}

static void fail(elqb_args *a, elqb_code code, const char *format, ...)
    ELQB__PRINTF(3, 4);

static void fail(elqb_args *a, elqb_code code, const char *format, ...)
{
    va_list args;

    if (a->code != ELQB_OK)
        return;
    a->code = code;
    va_start(args, format);
    elqb__print_error(a->message, format, args);
    va_end(args);
}

void elqb_args_reset(elqb_args *a)
{
    const elqb_compiled *c = a ? a->compiled : NULL;

    if (!c || (c->statement.nvalues > ELQB_ARGS_FEW && !a->many))
        return; /* elqb_args_init() failed, and so it stays */
    a->code = ELQB_OK;
    *a->message = '\0';
    a->unset = c->unset;
    if (c->statement.nvalues)
        memcpy(values_of(a), c->statement.values,
               c->statement.nvalues * sizeof(*a->few));
}

void elqb_args_init(elqb_args *a, const elqb_compiled *c)
{
    if (!a)
        return;
    a->compiled = c;
    a->many = NULL;
    a->unset = 0;
    a->code = ELQB_OK;
    *a->message = '\0';
    if (!c) {
        fail(a, ELQB_E_USAGE, "elqb_args_init: the compiled statement is NULL");
        return;
    }
    if (c->statement.nvalues > ELQB_ARGS_FEW) {
        a->many = elqb__alloc_block(c->statement.nvalues * sizeof(*a->many));
        if (!a->many) {
            fail(a, ELQB_E_NOMEM, "out of memory");
            return;
        }
    }
    elqb_args_reset(a);
}

void elqb_args_clear(elqb_args *a)
{
    static const char error[] = "elqb_args_init: it was not called";

    if (!a)
        return;
    if (a->many)
        elqb__free_block(a->many);
    a->many = NULL;
    a->compiled = NULL;
    a->code = ELQB_E_USAGE; /* of whatever uses it now */
    memcpy(a->message, error, sizeof(error));
}

/* How messages call a parameter: by its name, or as $n. */
static const char *label(const elqb_compiled *c, uint32_t i, char text[80])
{
    if (c->names[i])
        snprintf(text, 80, ":%s", c->names[i]);
    else
        snprintf(text, 80, "$%u", (unsigned)i + 1);
    return text;
}

static void set(elqb_args *a, const char *function, uint32_t i,
                elpq_value value)
{
    const elqb_compiled *c = a->compiled;
    elpq_value *to = values_of(a) + i;
    char name[80], takes[40], is[40];

    fit(&value, c->oids[i]);
    if (value.kind == UNSET || (c->oids[i] && value.oid != c->oids[i])) {
        fail(a, ELQB_E_BIND, "%s: %s takes %s, not %s", function,
             label(c, i, name), type_name(c->oids[i], takes),
             type_name(value.oid, is));
        return;
    }
    a->unset -= to->kind == UNSET;
    *to = value;
}

void elqb_args_set_value(elqb_args *a, const char *name, elpq_value value)
{
    const struct elqb__name *found;

    if (!a || a->code != ELQB_OK)
        return;
    found = name ? elqb__find_name(&a->compiled->by_name, name, strlen(name))
                 : NULL;
    if (found)
        set(a, "elqb_args_set", found->number, value);
    else
        fail(a, ELQB_E_BIND, "elqb_args_set: the statement has no bind :%s",
             name ? name : "");
}

void elqb_args_set_value_at(elqb_args *a, unsigned n, elpq_value value)
{
    if (!a || a->code != ELQB_OK)
        return;
    if (n > 0 && n <= a->compiled->statement.nvalues)
        set(a, "elqb_args_set_at", n - 1, value);
    else
        fail(a, ELQB_E_BIND,
             "elqb_args_set_at: there is no $%u, the statement has %u "
             "parameters",
             n, a->compiled->statement.nvalues);
}

const elpq_statement *elqb_args_statement(elqb_args *a)
{
    const elpq_value *values;
    char name[80];

    if (!a || a->code != ELQB_OK)
        return NULL;
    values = values_of(a);
    for (uint32_t i = 0; a->unset && a->code == ELQB_OK; i++)
        if (values[i].kind == UNSET)
            fail(a, ELQB_E_BIND, "elqb_args_statement: %s has no value",
                 label(a->compiled, i, name));
    if (a->code != ELQB_OK)
        return NULL;
    a->statement = a->compiled->statement;
    a->statement.values = values;
    return &a->statement;
}

const char *elqb_args_error(const elqb_args *a)
{
    return a ? a->message : "elqb_args_error: the values are NULL";
}

elqb_code elqb_args_error_code(const elqb_args *a)
{
    return a ? a->code : ELQB_E_USAGE;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The renderer: from a statement to text and values, in one pass.  Here are
 * the text, the parameters, and where a rendering starts and ends; the tree
 * is walked by render_expr.c, render_select.c and render_dml.c.
 *
 * Values become $1, $2, ... in the order in which they are met.  A leaf knows
 * its last number, which counts only if that place of the parameter table
 * points back to the leaf: identity without a search, and nothing to clear.
 */
#include "ddl.h"
#include "renderer.h"

/* ------------------------------------------------------------------- text */

bool elqb__grow_text(struct elqb__render *r, size_t more)
{
    size_t size = 2 * r->size + more;
    char *text;

    if (elqb__failed(r->q) || !(text = elqb__alloc(r->q, size)))
        return false;
    memcpy(text, r->text, r->len);
    r->text = text;
    r->size = size;
    return true;
}

void elqb__put_unsigned(struct elqb__render *r, uint64_t number)
{
    char digits[20];
    size_t i = sizeof(digits);

    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    elqb__put_bytes(r, digits + i, sizeof(digits) - i);
}

/* ------------------------------------------------------------- parameters */

static bool grow_params(struct elqb__render *r)
{
    uint32_t room = 2 * r->room;
    elpq_value *values;
    elqb_expr **slots;

    if (elqb__failed(r->q))
        return false;
    values = elqb__alloc(r->q, room * sizeof(*values));
    slots = elqb__alloc(r->q, room * sizeof(*slots));
    if (!values || !slots)
        return false;
    memcpy(values, r->values, r->count * sizeof(*values));
    memcpy(slots, r->slots, r->count * sizeof(*slots));
    r->values = values;
    r->slots = slots;
    r->room = room;
    return true;
}

/* The number of the parameter that has the same name, 0 if there is none. */
static uint32_t find_bind(struct elqb__render *r, const elqb_expr *bind)
{
    const char *name = bind->u.column.name;
    const struct elqb__name *found =
        elqb__find_name(&r->binds, name, strlen(name));

    if (!found)
        return 0;
    if (r->slots[found->number]->oid != bind->oid)
        elqb__fail(r->q, ELQB_E_BIND,
                   "elqb_render: the bind :%s has two types", name);
    return found->number + 1;
}

/* What the workspace has for a bind, as the type that the bind has.  False if
 * it has nothing: an error, or to come later. */
static bool find_value(struct elqb__render *r, const elqb_expr *bind,
                       elpq_value *value)
{
    const elqb *q = r->q;
    const char *name = bind->u.column.name;
    const struct elqb__name *found =
        elqb__find_name(&q->param_names, name, strlen(name));
    char takes[ELQB_TYPE_SIZE], is[ELQB_TYPE_SIZE];

    if (!found) {
        if (!r->debug && !r->compile)
            elqb__fail(r->q, ELQB_E_BIND, "elqb_render: the bind :%s has no "
                       "value, see elqb_params()", name);
        return false;
    }
    *value = q->params[found->number].value.u.value;
    if (!elqb__fit_value(value, bind->oid))
        elqb__fail(r->q, ELQB_E_BIND, "elqb_render: the bind :%s takes %s, not "
                   "%s", name, elqb__print_type(bind->oid, takes),
                   elqb__print_type(value->oid, is));
    return true;
}

/* The value of a bind that has none yet in this rendering. */
static bool add_bind(struct elqb__render *r, const elqb_expr *bind)
{
    elpq_value *value = &r->values[r->count];

    if (!find_value(r, bind, value)) {
        *value = elpq_null(bind->oid);
        value->kind = UNSET;
    }
    return !elqb__failed(r->q) &&
           elqb__add_name(r->q, &r->binds, bind->u.column.name, r->count);
}

/* Give a leaf the next number. */
static bool add_param(struct elqb__render *r, elqb_expr *slot)
{
    if (r->count == ELPQ_MAX_PARAMETERS) {
        elqb__fail(r->q, ELQB_E_LIMIT,
                   "elqb_render: more than 65,535 parameters; pass lists as "
                   "arrays");
        return false;
    }
    if (r->count == r->room && !grow_params(r))
        return false;
    if (slot->kind != ELQB_KIND_BIND)
        r->values[r->count] = slot->u.value;
    else if (!add_bind(r, slot))
        return false;
    r->slots[r->count++] = slot;
    slot->n = (uint16_t)r->count;
    return true;
}

static void put_debug_param(struct elqb__render *r, elqb_expr *slot)
{
    elpq_value value = slot->u.value;

    if (slot->kind != ELQB_KIND_BIND || find_value(r, slot, &value)) {
        elqb__put_literal(r, &value);
    } else {
        elqb__put_char(r, ':');
        for (const char *s = slot->u.column.name; *s; s++)
            elqb__put_char(r, (unsigned char)*s < 0x20 || *s == 0x7f ? '?'
                                                                     : *s);
    }
}

void elqb__put_param(struct elqb__render *r, elqb_expr *slot)
{
    uint32_t n = slot->n;

    if (r->debug) {
        put_debug_param(r, slot);
        return;
    }
    if (n == 0 || n > r->count || r->slots[n - 1] != slot) {
        n = slot->kind == ELQB_KIND_BIND ? find_bind(r, slot) : 0;
        if (n == 0) {
            if (!add_param(r, slot))
                return;
            n = slot->n;
        }
    }
    elqb__put_char(r, '$');
    if (n < 10)
        elqb__put_char(r, (char)('0' + n));
    else
        elqb__put_unsigned(r, n);
}

/* --------------------------------------------------------- start and end */

#define FIRST_TEXT 512
#define FIRST_VALUES 16

/* Buffers as large as the last rendering needed: usually they never grow. */
static bool begin(struct elqb__render *r, elqb *q, bool debug)
{
    memset(r, 0, sizeof(*r));
    r->q = q;
    r->debug = debug;
    r->size = q->text_size > FIRST_TEXT ? q->text_size : FIRST_TEXT;
    r->text = elqb__alloc(q, r->size);
    r->room = q->value_count > FIRST_VALUES ? q->value_count : FIRST_VALUES;
    r->values = elqb__alloc(q, r->room * sizeof(*r->values));
    r->slots = elqb__alloc(q, r->room * sizeof(*r->slots));
    return !elqb__failed(q);
}

/* What the next rendering may need: one that is far larger than the others
 * does not make all that follow it as large. */
static size_t guess(size_t last, size_t now)
{
    return now > last ? now : last - (last - now) / 4;
}

/* Close the text, and remember how much it was. */
static const char *end_text(struct elqb__render *r)
{
    elqb *q = r->q;

    elqb__put_char(r, '\0');
    if (r->debug || r->compile)
        elqb__rename_error(q, r->debug ? "elqb_debug" : "elqb_compile");
    if (elqb__failed(q))
        return NULL;
    q->text_size = guess(q->text_size, r->len);
    q->value_count = (uint32_t)guess(q->value_count, r->count);
    return r->text;
}

static const elpq_statement *end(struct elqb__render *r)
{
    elpq_statement *st;

    if (!end_text(r) || !(st = elqb__alloc(r->q, sizeof(*st))))
        return NULL;
    st->sql = r->text;
    st->sql_len = r->len - 1;
    st->values = r->values;
    st->nvalues = r->count;
    st->flags = r->flags;
    return st;
}

/* What cannot be rendered for the sake of the call itself. */
static bool check(elqb *q, const char *function, const void *statement,
                  const elqb *owner)
{
    if (elqb__failed(q))
        return false;
    if (!statement)
        elqb__fail(q, ELQB_E_USAGE, "%s: the statement is NULL", function);
    else
        elqb__is_own_statement(q, function, owner);
    return !elqb__failed(q);
}

/* clang-format off */
#define DEFINE_RENDER(type, put, call)                                        \
    const elpq_statement *elqb_##type##_render(elqb *q, const call *s)        \
    {                                                                         \
        struct elqb__render r;                                                \
                                                                              \
        if (!check(q, "elqb_render", s, s ? s->q : q) || !begin(&r, q, false))\
            return NULL;                                                      \
        put(&r, s);                                                           \
        return end(&r);                                                       \
    }                                                                         \
    const char *elqb_##type##_debug(elqb *q, const call *s)                   \
    {                                                                         \
        struct elqb__render r;                                                \
                                                                              \
        if (!check(q, "elqb_debug", s, s ? s->q : q) || !begin(&r, q, true))  \
            return NULL;                                                      \
        PUT(&r, DEBUG_MARK);                                                  \
        put(&r, s);                                                           \
        return end_text(&r);                                                  \
    }                                                                         \
    elqb_compiled *elqb_##type##_compile(elqb *q, const call *s)              \
    {                                                                         \
        struct elqb__render r;                                                \
                                                                              \
        if (!check(q, "elqb_compile", s, s ? s->q : q) ||                     \
            !begin(&r, q, false))                                             \
            return NULL;                                                      \
        r.compile = true;                                                     \
        put(&r, s);                                                           \
        return elqb__pack(&r, end(&r));                                       \
    }
DEFINE_RENDER(select, elqb__put_select, elqb_select)
DEFINE_RENDER(insert, elqb__put_insert, elqb_insert)
DEFINE_RENDER(update, elqb__put_update, elqb_update)
DEFINE_RENDER(delete, elqb__put_delete, elqb_delete)
DEFINE_RENDER(merge, elqb__put_merge, elqb_merge)
DEFINE_RENDER(ddl, elqb__put_ddl, elqb_ddl)
/* clang-format on */

const elpq_statement *elqb_text_render(elqb *q, elqb_expr text)
{
    struct elqb__render r;

    if (!elqb__check_text(q, "elqb_render", text) || !begin(&r, q, false))
        return NULL;
    elqb__put_expr(&r, &text, 0);
    return end(&r);
}

const char *elqb_text_debug(elqb *q, elqb_expr text)
{
    struct elqb__render r;

    if (!elqb__check_text(q, "elqb_debug", text) || !begin(&r, q, true))
        return NULL;
    PUT(&r, DEBUG_MARK);
    elqb__put_expr(&r, &text, 0);
    return end_text(&r);
}

elqb_compiled *elqb_text_compile(elqb *q, elqb_expr text)
{
    struct elqb__render r;

    if (!elqb__check_text(q, "elqb_compile", text) ||
        !begin(&r, q, false))
        return NULL;
    r.compile = true;
    elqb__put_expr(&r, &text, 0);
    return elqb__pack(&r, end(&r));
}

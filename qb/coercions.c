/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which type a value is sent as; operands.c asks for it.
 *
 * The server resolves operators by the types of the parameters, so these
 * decide whether a statement works and whether it uses an index.  The rule: a
 * value that has no more than its C type takes the type of the column or
 * expression that it meets; failing that it keeps its C type's, and text stays
 * undecided (OID 0), which is what a quoted literal in SQL is.  A value whose
 * OID the caller set stays as it is, and so does a number that does not fit.
 *
 * Called by constructors, on the copy of the operand that they keep.
 */
#include <float.h>
#include <stdio.h>

#include "internal.h"

struct type {
    const char *name;
    uint32_t oid;
    uint32_t array;
};

#define LOWER_(name, oid_, array_oid) { #name, oid_, array_oid },
static const struct type types[] = { ELPQ_BUILTIN_TYPES(LOWER_) };
#undef LOWER_
#define TYPES (sizeof(types) / sizeof(types[0]))

static const struct type *find_type(uint32_t oid)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].oid == oid || types[i].array == oid)
            return &types[i];
    return NULL;
}

/* Built in and no array; the common ones without a search. */
static bool is_scalar(uint32_t oid)
{
    const struct type *type;

    if (oid == ELPQ_OID_TEXT || oid == ELPQ_OID_TIMESTAMPTZ)
        return true;
    type = oid ? find_type(oid) : NULL;
    return type && type->oid == oid;
}

uint32_t elqb__array_of(uint32_t oid)
{
    const struct type *type = is_scalar(oid) ? find_type(oid) : NULL;

    return type ? type->array : 0;
}

uint32_t elqb__element_of(uint32_t oid)
{
    const struct type *type = oid ? find_type(oid) : NULL;

    return type && type->array == oid ? type->oid : 0;
}

/* ---------------------------------------------------------- names of types */

const char *elqb__type_name(uint32_t oid, bool *is_array)
{
    const struct type *type = oid ? find_type(oid) : NULL;

    *is_array = type && type->array == oid;
    return type ? type->name : NULL;
}

const char *elqb__print_type(uint32_t oid, char text[ELQB_TYPE_SIZE])
{
    bool is_array;
    const char *name = elqb__type_name(oid, &is_array);

    if (name)
        snprintf(text, ELQB_TYPE_SIZE, "%s%s", name, is_array ? "_ARRAY" : "");
    else
        snprintf(text, ELQB_TYPE_SIZE, "the type %u", (unsigned)oid);
    return text;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/*
 * Whether SQL text is this name, but for a modifier and [] behind it.  What
 * else may stand there, "timestamp(3) with time zone" say, makes it another
 * type: then the server decides, as a wrong guess could change the value.
 */
static bool is_name(const char *sql, const char *name, bool *is_array)
{
    while (*name && lower(*sql) == lower(*name)) {
        sql++;
        name++;
    }
    if (*name)
        return false;
    if (*sql == '(') {
        sql += strspn(sql + 1, "0123456789, ") + 1;
        if (*sql++ != ')')
            return false;
    }
    *is_array = strcmp(sql, "[]") == 0;
    return !*sql || *is_array;
}

/* SQL's own names. */
static const struct {
    const char *name;
    uint32_t oid;
} sql_names[] = {
    { "timestamp with time zone", ELPQ_OID_TIMESTAMPTZ },
    { "timestamp without time zone", ELPQ_OID_TIMESTAMP },
    { "time with time zone", ELPQ_OID_TIMETZ },
    { "time without time zone", ELPQ_OID_TIME },
    { "double precision", ELPQ_OID_FLOAT8 },
    { "character varying", ELPQ_OID_VARCHAR },
    { "bit varying", ELPQ_OID_VARBIT },
    { "smallint", ELPQ_OID_INT2 },
    { "integer", ELPQ_OID_INT4 },
    { "int", ELPQ_OID_INT4 },
    { "bigint", ELPQ_OID_INT8 },
    { "real", ELPQ_OID_FLOAT4 },
    { "decimal", ELPQ_OID_NUMERIC },
    { "boolean", ELPQ_OID_BOOL },
    { "char", ELPQ_OID_BPCHAR },
    { "character", ELPQ_OID_BPCHAR },
};

uint32_t elqb__type_by_name(const char *name)
{
    uint32_t oid = 0;
    bool is_array = false;

    for (size_t i = 0; !oid && i < sizeof(sql_names) / sizeof(*sql_names);
         i++)
        if (is_name(name, sql_names[i].name, &is_array))
            oid = sql_names[i].oid;
    for (size_t i = 0; !oid && i < TYPES; i++)
        if (is_name(name, types[i].name, &is_array))
            oid = types[i].oid;
    return is_array ? elqb__array_of(oid) : oid;
}

/* ------------------------------------------------------ one value, one type */

uint32_t elqb__bound_of(uint32_t oid)
{
    switch (oid) {
    case ELPQ_OID_INT4RANGE:
    case ELPQ_OID_INT4MULTIRANGE:
        return ELPQ_OID_INT4;
    case ELPQ_OID_INT8RANGE:
    case ELPQ_OID_INT8MULTIRANGE:
        return ELPQ_OID_INT8;
    case ELPQ_OID_NUMRANGE:
    case ELPQ_OID_NUMMULTIRANGE:
        return ELPQ_OID_NUMERIC;
    default:
        return 0; /* those of dates and times meet no numbers */
    }
}

bool elqb__is_range(uint32_t oid)
{
    switch (oid) {
    case ELPQ_OID_DATERANGE:
    case ELPQ_OID_TSRANGE:
    case ELPQ_OID_TSTZRANGE:
    case ELPQ_OID_DATEMULTIRANGE:
    case ELPQ_OID_TSMULTIRANGE:
    case ELPQ_OID_TSTZMULTIRANGE:
        return true;
    default:
        return elqb__bound_of(oid) != 0;
    }
}

uint32_t elqb__range_of(uint32_t oid)
{
    switch (oid) {
    case ELPQ_OID_INT4:
        return ELPQ_OID_INT4RANGE;
    case ELPQ_OID_INT8:
        return ELPQ_OID_INT8RANGE;
    case ELPQ_OID_NUMERIC:
        return ELPQ_OID_NUMRANGE;
    case ELPQ_OID_DATE:
        return ELPQ_OID_DATERANGE;
    case ELPQ_OID_TIMESTAMP:
        return ELPQ_OID_TSRANGE;
    case ELPQ_OID_TIMESTAMPTZ:
        return ELPQ_OID_TSTZRANGE;
    default:
        return 0;
    }
}

static bool is_int(uint32_t oid)
{
    return oid == ELPQ_OID_INT4 || oid == ELPQ_OID_INT8 ||
           oid == ELPQ_OID_INT2;
}

static bool fits(int64_t x, uint32_t oid)
{
    switch (oid) {
    case ELPQ_OID_INT2:
        return x >= INT16_MIN && x <= INT16_MAX;
    case ELPQ_OID_INT4:
        return x >= INT32_MIN && x <= INT32_MAX;
    case ELPQ_OID_OID:
    case ELPQ_OID_XID:
        return x >= 0 && x <= UINT32_MAX;
    case ELPQ_OID_BOOL:
        return x == 0 || x == 1;
    case ELPQ_OID_FLOAT4: /* as it has them exactly */
        return x >= -(1 << 24) && x <= 1 << 24;
    case ELPQ_OID_INT8:
    case ELPQ_OID_FLOAT8:
    case ELPQ_OID_NUMERIC:
        return true;
    default:
        return false;
    }
}

static void type_int(elpq_value *v, uint32_t oid)
{
    bool large = v->kind == ELPQ_KIND_UINT && v->u.uint64 > INT64_MAX;

    if (!is_int(v->oid))
        return;
    if (large ? oid == ELPQ_OID_NUMERIC : fits(v->u.int64, oid))
        v->oid = oid;
    else if (elqb__bound_of(oid)) /* a range: the number is one of its */
        type_int(v, elqb__bound_of(oid));
}

static void type_double(elpq_value *v, uint32_t oid)
{
    double x = v->u.float64;

    if (v->oid != ELPQ_OID_FLOAT8)
        return;
    if (elqb__bound_of(oid))
        oid = elqb__bound_of(oid);
    if (oid == ELPQ_OID_NUMERIC ||
        (oid == ELPQ_OID_FLOAT4 && x >= -FLT_MAX && x <= FLT_MAX))
        v->oid = oid;
}

int64_t elqb__int_at(const elpq_value *v, size_t i)
{
    const char *at = (const char *)v->u.array.items + i * v->width;
    int16_t x16;
    int32_t x32;
    int64_t x64 = 0;

    if (v->width == sizeof(x16)) {
        memcpy(&x16, at, sizeof(x16));
        return x16;
    }
    if (v->width == sizeof(x32)) {
        memcpy(&x32, at, sizeof(x32));
        return x32;
    }
    if (v->width == sizeof(x64))
        memcpy(&x64, at, sizeof(x64));
    return x64;
}

/* Whether arrays of the element can have all numbers of a C array. */
static bool all_fit(const elpq_value *v, uint32_t element)
{
    const double *items = v->u.array.items;

    if (v->elem == ELPQ_KIND_INT) {
        if (element == ELPQ_OID_BOOL || !fits(0, element))
            return false;
        for (size_t i = 0; i < v->u.array.count; i++)
            if (!fits(elqb__int_at(v, i), element))
                return false;
        return true;
    }
    if (v->elem == ELPQ_KIND_DOUBLE && element == ELPQ_OID_FLOAT4) {
        for (size_t i = 0; i < v->u.array.count; i++)
            if (!(items[i] >= -FLT_MAX && items[i] <= FLT_MAX))
                return false;
        return true;
    }
    return element == ELPQ_OID_NUMERIC || element == ELPQ_OID_FLOAT8 ||
           element == ELPQ_OID_FLOAT4;
}

/* C arrays: numbers among arrays of numbers, strings into any array. */
static void type_array(elpq_value *v, uint32_t oid)
{
    uint32_t element = elqb__element_of(oid);
    bool same;

    switch (v->elem) {
    case ELPQ_KIND_INT:
    case ELPQ_KIND_DOUBLE:
    case ELPQ_KIND_FLOAT:
        same = all_fit(v, element);
        break;
    case ELPQ_KIND_TEXT:
        same = element && v->oid == ELPQ_OID_TEXT_ARRAY;
        break;
    default:
        same = false;
        break;
    }
    if (same)
        v->oid = oid;
}

void elqb__type_value(elpq_value *v, uint32_t oid)
{
    switch (v->kind) {
    case ELPQ_KIND_NULL:
    case ELPQ_KIND_TEXT:
        if (v->oid == 0 && is_scalar(oid))
            v->oid = oid;
        break;
    case ELPQ_KIND_INT:
    case ELPQ_KIND_UINT:
        type_int(v, oid);
        break;
    case ELPQ_KIND_DOUBLE:
        type_double(v, oid);
        break;
    case ELPQ_KIND_FLOAT:
        if (v->oid == ELPQ_OID_FLOAT4 &&
            (oid == ELPQ_OID_FLOAT8 || oid == ELPQ_OID_NUMERIC))
            v->oid = oid;
        break;
    case ELPQ_KIND_C_ARRAY:
        type_array(v, oid);
        break;
    default:
        break;
    }
}

/* Text and NULL of no type can have any: of an array or a row, too. */
bool elqb__fit_value(elpq_value *v, uint32_t oid)
{
    elqb__type_value(v, oid);
    if (v->oid == 0 && (v->kind == ELPQ_KIND_TEXT || v->kind == ELPQ_KIND_NULL))
        v->oid = oid;
    return !oid || v->oid == oid;
}

/* A literal does as a parameter would, unless the server makes the same of the
 * bare text: of NULL, and of digits beside numbers, but for those of a range.
 * elqb_lit(true) is an int to C. */
static bool takes_type(const elqb_expr *e, uint32_t oid)
{
    if (e->kind != ELQB_KIND_LITERAL)
        return e->kind == ELQB_KIND_VALUE;
    switch (e->u.value.kind) {
    case ELPQ_KIND_NULL:
        return false;
    case ELPQ_KIND_INT:
    case ELPQ_KIND_UINT:
        return e->oid != ELPQ_OID_INT4 || oid == ELPQ_OID_BOOL ||
               elqb__bound_of(oid);
    default:
        return true;
    }
}

void elqb__take_type(elqb_expr *e, uint32_t oid)
{
    if (takes_type(e, oid) && e->u.value.oid != oid) {
        elqb__type_value(&e->u.value, oid);
        e->oid = e->u.value.oid;
    }
}

/* An item of ARRAY[]: the array has no other type than they have. */
void elqb__take_item_type(elqb_expr *e, uint32_t oid)
{
    elqb__take_type(e, oid);
    if (e->kind == ELQB_KIND_LITERAL && e->oid == ELPQ_OID_INT4) {
        elqb__type_value(&e->u.value, oid);
        e->oid = e->u.value.oid;
    }
}

void elqb__open_array(elqb_expr *e)
{
    if (e->kind == ELQB_KIND_VALUE && e->u.value.kind == ELPQ_KIND_C_ARRAY &&
        e->u.value.elem == ELPQ_KIND_TEXT && e->oid == ELPQ_OID_TEXT_ARRAY)
        e->oid = e->u.value.oid = 0;
}

/* An array that meets one element. */
void elqb__take_array_type(elqb_expr *e, uint32_t element)
{
    uint32_t oid = elqb__array_of(element);

    if (oid)
        elqb__take_type(e, oid);
    else
        elqb__open_array(e);
}

bool elqb__is_untyped_text(const elqb_expr *e)
{
    return elqb__is_value(e) && e->oid == 0 &&
           (e->u.value.kind == ELPQ_KIND_TEXT ||
            (e->u.value.kind == ELPQ_KIND_NULL && e->kind == ELQB_KIND_VALUE));
}

void elqb__take_text(elqb_expr *e)
{
    if (elqb__is_untyped_text(e))
        elqb__take_type(e, ELPQ_OID_TEXT);
}

/* Of the type, unless what else there is, in other selects say, is not. */
void elqb__guess_type(elqb_expr *e, uint32_t oid)
{
    if (!elqb__is_untyped_text(e))
        return;
    elqb__take_type(e, oid);
    e->flags |= TYPE_IS_GUESS;
}

void elqb__take_bool(elqb_expr *e)
{
    elqb__take_type(e, ELPQ_OID_BOOL);
}

void elqb__take_int8(elqb_expr *e)
{
    elqb__take_type(e, ELPQ_OID_INT8);
}

bool elqb__is_number(const elqb_expr *e)
{
    return elqb__is_value(e) && e->u.value.kind >= ELPQ_KIND_INT &&
           e->u.value.kind <= ELPQ_KIND_FLOAT;
}

/* Where the server has nothing but an int4: a shift, a place in an array. */
void elqb__take_count(elqb_expr *e)
{
    if (elqb__is_number(e))
        elqb__take_type(e, ELPQ_OID_INT4);
}

/* Where digits are the place of a column: with a cast they would be a constant,
 * by which nothing is ordered. */
void elqb__take_place(elqb_expr *e)
{
    if (e->kind == ELQB_KIND_LITERAL && elqb__is_number(e) &&
        e->u.value.u.int64 > 0)
        elqb__take_type(e, ELPQ_OID_INT4);
}

bool elqb__is_text_type(uint32_t oid)
{
    return oid == ELPQ_OID_TEXT || oid == ELPQ_OID_VARCHAR ||
           oid == ELPQ_OID_BPCHAR;
}

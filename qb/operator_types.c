/* SPDX-License-Identifier: PostgreSQL */
/*
 * The type of what an operator gives, for the values that meet it.
 *
 * A type is told only where it is sure whatever the rest of the statement is;
 * 0 leaves it to the server, which is always right.  A wrong type would make
 * statements fail.
 *
 * Called by constructors, after the values among the operands took theirs.
 */
#include "internal.h"

#define T(name) ELPQ_OID_##name

/* Arithmetic of two types that is not of numbers alone. */
static const struct {
    enum elqb__op op;
    uint32_t left;
    uint32_t right;
    uint32_t result;
} mixed[] = {
    { OP_ADD, T(DATE), T(INT4), T(DATE) },
    { OP_ADD, T(INT4), T(DATE), T(DATE) },
    { OP_ADD, T(DATE), T(INTERVAL), T(TIMESTAMP) },
    { OP_ADD, T(INTERVAL), T(DATE), T(TIMESTAMP) },
    { OP_ADD, T(DATE), T(TIME), T(TIMESTAMP) },
    { OP_ADD, T(TIME), T(DATE), T(TIMESTAMP) },
    { OP_ADD, T(TIMESTAMP), T(INTERVAL), T(TIMESTAMP) },
    { OP_ADD, T(INTERVAL), T(TIMESTAMP), T(TIMESTAMP) },
    { OP_ADD, T(TIMESTAMPTZ), T(INTERVAL), T(TIMESTAMPTZ) },
    { OP_ADD, T(INTERVAL), T(TIMESTAMPTZ), T(TIMESTAMPTZ) },
    { OP_ADD, T(TIME), T(INTERVAL), T(TIME) },
    { OP_ADD, T(INTERVAL), T(TIME), T(TIME) },
    { OP_SUB, T(DATE), T(DATE), T(INT4) },
    { OP_SUB, T(DATE), T(INT4), T(DATE) },
    { OP_SUB, T(DATE), T(INTERVAL), T(TIMESTAMP) },
    { OP_SUB, T(TIMESTAMP), T(TIMESTAMP), T(INTERVAL) },
    { OP_SUB, T(TIMESTAMP), T(INTERVAL), T(TIMESTAMP) },
    { OP_SUB, T(TIMESTAMPTZ), T(TIMESTAMPTZ), T(INTERVAL) },
    { OP_SUB, T(TIMESTAMPTZ), T(INTERVAL), T(TIMESTAMPTZ) },
    { OP_SUB, T(TIME), T(TIME), T(INTERVAL) },
    { OP_SUB, T(TIME), T(INTERVAL), T(TIME) },
    { OP_SUB, T(JSONB), T(TEXT), T(JSONB) },
    { OP_SUB, T(JSONB), T(INT4), T(JSONB) },
    { OP_SUB, T(JSONB), T(TEXT_ARRAY), T(JSONB) },
    { OP_MUL, T(INTERVAL), T(FLOAT8), T(INTERVAL) },
    { OP_MUL, T(FLOAT8), T(INTERVAL), T(INTERVAL) },
    { OP_MUL, T(INTERVAL), T(INT4), T(INTERVAL) },
    { OP_MUL, T(INT4), T(INTERVAL), T(INTERVAL) },
    { OP_DIV, T(INTERVAL), T(FLOAT8), T(INTERVAL) },
    { OP_DIV, T(INTERVAL), T(INT4), T(INTERVAL) },
    { OP_SHL, T(INT2), T(INT4), T(INT2) },
    { OP_SHL, T(INT4), T(INT4), T(INT4) },
    { OP_SHL, T(INT8), T(INT4), T(INT8) },
    { OP_SHR, T(INT2), T(INT4), T(INT2) },
    { OP_SHR, T(INT4), T(INT4), T(INT4) },
    { OP_SHR, T(INT8), T(INT4), T(INT8) },
    { OP_TS_PHRASE, T(TSQUERY), T(TSQUERY), T(TSQUERY) },
};

/* Numbers, from the narrowest; what is between two is the wider, except that
 * one float makes the other number a float8. */
static int rank(uint32_t oid)
{
    static const uint32_t numbers[] = { T(INT2), T(INT4), T(INT8), T(NUMERIC),
                                        T(FLOAT4), T(FLOAT8) };

    for (int i = 0; i < (int)(sizeof(numbers) / sizeof(*numbers)); i++)
        if (numbers[i] == oid)
            return i;
    return -1;
}

static uint32_t number_type(enum elqb__op op, uint32_t a, uint32_t b)
{
    int left = rank(a), right = rank(b), wider = left > right ? left : right;
    uint32_t oid = left > right ? a : b;

    if (left < 0 || right < 0 || op < OP_ADD || op > OP_MOD)
        return 0;
    if (wider <= rank(T(NUMERIC)))
        return oid;
    if (op == OP_MOD) /* of floats there is none */
        return 0;
    return a == b ? a : T(FLOAT8);
}

static uint32_t arithmetic_type(enum elqb__op op, uint32_t a, uint32_t b)
{
    uint32_t oid = number_type(op, a, b);

    if (oid || !a || !b)
        return oid;
    if (a == b && (elqb__is_range(a) || a == T(INTERVAL)))
        return op == OP_ADD || op == OP_SUB ||
                       (op == OP_MUL && elqb__is_range(a))
                   ? a
                   : 0;
    for (size_t i = 0; i < sizeof(mixed) / sizeof(*mixed); i++)
        if (mixed[i].op == op && mixed[i].left == a && mixed[i].right == b)
            return mixed[i].result;
    return 0;
}

/* AT TIME ZONE gives a time with a zone that had none, and the reverse. */
static uint32_t zone_type(uint32_t oid)
{
    switch (oid) {
    case T(TIMESTAMP):
        return T(TIMESTAMPTZ);
    case T(TIMESTAMPTZ):
        return T(TIMESTAMP);
    case T(TIMETZ):
        return T(TIMETZ);
    default:
        return 0;
    }
}

/* Of the operators whose result has the type of what it is made of. */
static uint32_t operand_type(enum elqb__op op, const elqb_expr *args,
                             uint32_t count)
{
    uint32_t oid = args[0].oid;
    bool text = elqb__is_text_type(oid);

    for (uint32_t i = 1; i < count; i++) {
        if (op == OP_JSON_GET || op == OP_JSON_PATH ||
            op == OP_JSON_DELETE_PATH)
            break;
        if (text && op == OP_CONCAT && elqb__is_text_type(args[i].oid))
            continue;
        if (args[i].oid != oid) /* the server knows */
            return 0;
    }
    /* Some types have no operators of their own and borrow others'. */
    if (oid == T(CIDR))
        return T(INET);
    if (oid == T(VARBIT) && op != OP_CONCAT)
        return T(BIT);
    if ((op == OP_NEG && oid == T(TIME)) ||
        (op == OP_BIT_XOR && (oid == T(LSEG) || oid == T(LINE))))
        return 0;
    return text ? (uint32_t)T(TEXT) : oid;
}

uint32_t elqb__result_type(enum elqb__op op, const elqb_expr *args,
                           uint32_t count)
{
    switch (elqb__ops[op].gives) {
    case GIVES_BOOL:
        if (op == OP_OVERLAPS && args[0].oid == T(TSQUERY))
            return T(TSQUERY);
        return T(BOOL);
    case GIVES_TEXT:
        return T(TEXT);
    case GIVES_NUMBER:
        return arithmetic_type(op, args[0].oid, args[1].oid);
    case GIVES_ZONE:
        return zone_type(args[0].oid);
    case GIVES_OPERAND:
        return operand_type(op, args, count);
    default:
        return 0;
    }
}

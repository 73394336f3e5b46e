/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file statement.h
 * One statement: SQL text and the values of its parameters.
 *
 * This plain struct joins the two libraries: the builder renders one, or the
 * macro elpq_sql() makes one, and the driver runs it.  Submitting a statement
 * copies the text and the values, so a statement may live on the stack.
 */
#ifndef ELPQ_STATEMENT_H
#define ELPQ_STATEMENT_H

#include "makers.h"
#include "value.h"

/** Most parameters a statement can have; the protocol counts in 16 bits. */
#define ELPQ_MAX_PARAMETERS 65535

/** elpq_statement.flags and elpq_options.flags; both are or-ed. */
enum {
    /** Send the statement unnamed: no prepared statement is made or used.  */
    ELPQ_NO_PREPARE = 1u << 0,
    /** Ask for all columns in text form, whatever the codecs could do.     */
    ELPQ_TEXT_RESULT = 1u << 1,
    /**
     * The statement leaves something behind in its session (a setting, a
     * lock) that its SQL text does not show, because a function of the
     * user's does it.  The pool resets the connection after it.
     */
    ELPQ_SESSION = 1u << 2,
    /**
     * The statement reads, and changes nothing.  Outside of a transaction,
     * such statements that are queued together on a connection are sent as
     * groups, which costs the server and the network much less; each keeps
     * an outcome of its own.  See "Read groups" in conn.h.
     */
    ELPQ_READONLY = 1u << 3,
    /**
     * The statement is to have a connection of its own: a pool whose
     * pipeline_depth is above 1 sends nothing with it.  For what may run for
     * long, or holds locks.  A connection or transaction ignores the flag.
     */
    ELPQ_EXCLUSIVE = 1u << 4
};

/** SQL text with $1, $2, ... and as many values. */
typedef struct elpq_statement {
    const char *sql;
    size_t sql_len;
    const elpq_value *values;
    unsigned nvalues;
    unsigned flags;
} elpq_statement;

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A statement from SQL text that is known at run time only.  Never pass text
 * that holds data: data belongs into `values`.  The name is long on purpose;
 * elpq_sql() is the normal way, and accepts string literals only.
 */
static inline elpq_statement
elpq_sql_from_trusted_string(const char *sql, const elpq_value *values,
                             unsigned nvalues)
{
    elpq_statement st;

    st.sql = sql;
    st.sql_len = sql ? strlen(sql) : 0;
    st.values = values;
    st.nvalues = nvalues;
    st.flags = 0;
    return st;
}

#ifdef __cplusplus
}
#endif

/*
 * elpq_sql("select name from users where id = $1", 42)
 *
 * A const elpq_statement * from a string literal and up to 32 C values, each
 * taken through elpq_val().  It lives as long as the block it stands in.
 */
#ifndef __cplusplus
#define elpq_sql(...)                                                         \
    (&(const elpq_statement){                                                 \
        "" ELPQ_FIRST_(__VA_ARGS__, 0) "",                                    \
        sizeof("" ELPQ_FIRST_(__VA_ARGS__, 0) "") - 1,                        \
        ELPQ_VALUES_(__VA_ARGS__) + 1,                                        \
        sizeof(ELPQ_VALUES_(__VA_ARGS__)) / sizeof(elpq_value) - 1, 0 })
#else
template <unsigned N> struct elpq_sql_literal {
    elpq_value values[N + 1];
    elpq_statement statement;
    operator const elpq_statement *()
    {
        statement.values = values;
        return &statement;
    }
};
template <size_t L, class... A>
inline elpq_sql_literal<sizeof...(A)> elpq_sql(const char (&sql)[L], A... a)
{
    return { { elpq_val(a)..., elpq_null(0) },
             { sql, L - 1, nullptr, (unsigned)sizeof...(A), 0 } };
}
#endif

/*
 * The machinery of elpq_sql(): its first argument; and all its arguments as an
 * array of values, in which the SQL text itself takes place 0, so that the
 * array is never empty.
 */
#define ELPQ_FIRST_(first, ...) first
#define ELPQ_VALUES_(...)                                                     \
    (const elpq_value[])                                                      \
    {                                                                         \
        ELPQ_EACH_(__VA_ARGS__)                                               \
    }
#define ELPQ_EACH_(...)                                                       \
    ELPQ_PICK_(__VA_ARGS__, ELPQ_E33_, ELPQ_E32_, ELPQ_E31_, ELPQ_E30_,       \
        ELPQ_E29_, ELPQ_E28_, ELPQ_E27_, ELPQ_E26_, ELPQ_E25_, ELPQ_E24_,     \
        ELPQ_E23_, ELPQ_E22_, ELPQ_E21_, ELPQ_E20_, ELPQ_E19_, ELPQ_E18_,     \
        ELPQ_E17_, ELPQ_E16_, ELPQ_E15_, ELPQ_E14_, ELPQ_E13_, ELPQ_E12_,     \
        ELPQ_E11_, ELPQ_E10_, ELPQ_E9_, ELPQ_E8_, ELPQ_E7_, ELPQ_E6_,         \
        ELPQ_E5_, ELPQ_E4_, ELPQ_E3_, ELPQ_E2_, ELPQ_E1_, 0)(__VA_ARGS__)
#define ELPQ_PICK_(                                                           \
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15,     \
        a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28,      \
        a29, a30, a31, a32, a33, name, ...)                                   \
    name
#define ELPQ_E1_(x) elpq_val(x)
#define ELPQ_E2_(x, ...) elpq_val(x), ELPQ_E1_(__VA_ARGS__)
#define ELPQ_E3_(x, ...) elpq_val(x), ELPQ_E2_(__VA_ARGS__)
#define ELPQ_E4_(x, ...) elpq_val(x), ELPQ_E3_(__VA_ARGS__)
#define ELPQ_E5_(x, ...) elpq_val(x), ELPQ_E4_(__VA_ARGS__)
#define ELPQ_E6_(x, ...) elpq_val(x), ELPQ_E5_(__VA_ARGS__)
#define ELPQ_E7_(x, ...) elpq_val(x), ELPQ_E6_(__VA_ARGS__)
#define ELPQ_E8_(x, ...) elpq_val(x), ELPQ_E7_(__VA_ARGS__)
#define ELPQ_E9_(x, ...) elpq_val(x), ELPQ_E8_(__VA_ARGS__)
#define ELPQ_E10_(x, ...) elpq_val(x), ELPQ_E9_(__VA_ARGS__)
#define ELPQ_E11_(x, ...) elpq_val(x), ELPQ_E10_(__VA_ARGS__)
#define ELPQ_E12_(x, ...) elpq_val(x), ELPQ_E11_(__VA_ARGS__)
#define ELPQ_E13_(x, ...) elpq_val(x), ELPQ_E12_(__VA_ARGS__)
#define ELPQ_E14_(x, ...) elpq_val(x), ELPQ_E13_(__VA_ARGS__)
#define ELPQ_E15_(x, ...) elpq_val(x), ELPQ_E14_(__VA_ARGS__)
#define ELPQ_E16_(x, ...) elpq_val(x), ELPQ_E15_(__VA_ARGS__)
#define ELPQ_E17_(x, ...) elpq_val(x), ELPQ_E16_(__VA_ARGS__)
#define ELPQ_E18_(x, ...) elpq_val(x), ELPQ_E17_(__VA_ARGS__)
#define ELPQ_E19_(x, ...) elpq_val(x), ELPQ_E18_(__VA_ARGS__)
#define ELPQ_E20_(x, ...) elpq_val(x), ELPQ_E19_(__VA_ARGS__)
#define ELPQ_E21_(x, ...) elpq_val(x), ELPQ_E20_(__VA_ARGS__)
#define ELPQ_E22_(x, ...) elpq_val(x), ELPQ_E21_(__VA_ARGS__)
#define ELPQ_E23_(x, ...) elpq_val(x), ELPQ_E22_(__VA_ARGS__)
#define ELPQ_E24_(x, ...) elpq_val(x), ELPQ_E23_(__VA_ARGS__)
#define ELPQ_E25_(x, ...) elpq_val(x), ELPQ_E24_(__VA_ARGS__)
#define ELPQ_E26_(x, ...) elpq_val(x), ELPQ_E25_(__VA_ARGS__)
#define ELPQ_E27_(x, ...) elpq_val(x), ELPQ_E26_(__VA_ARGS__)
#define ELPQ_E28_(x, ...) elpq_val(x), ELPQ_E27_(__VA_ARGS__)
#define ELPQ_E29_(x, ...) elpq_val(x), ELPQ_E28_(__VA_ARGS__)
#define ELPQ_E30_(x, ...) elpq_val(x), ELPQ_E29_(__VA_ARGS__)
#define ELPQ_E31_(x, ...) elpq_val(x), ELPQ_E30_(__VA_ARGS__)
#define ELPQ_E32_(x, ...) elpq_val(x), ELPQ_E31_(__VA_ARGS__)
#define ELPQ_E33_(x, ...) elpq_val(x), ELPQ_E32_(__VA_ARGS__)

#endif

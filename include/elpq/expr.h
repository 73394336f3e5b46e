/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file expr.h
 * The workspace, and expressions.
 *
 * An elqb_expr is a small struct, passed and returned by value.  Leaves
 * (columns, values, binds) own nothing and cannot fail; everything composed
 * lives in a workspace, until elqb_reset() or elqb_free().  What a leaf points
 * to (text, arrays, names) is copied when the leaf becomes part of something.
 *
 * No function here needs its result checked.  The first error of a workspace
 * sticks to it, later calls do nothing, and elqb_render() reports it.
 * ELQB_NONE stands for "nothing": elqb_and() and the clauses skip it, while
 * operators and functions refuse it.
 *
 * Values become parameters.  A value takes the type of the column that it
 * meets; otherwise int is int4, the longer integers int8, double float8, and
 * text is left to the server.  A literal takes the same type, with a cast where
 * the bare text is of another.  `true` is an int to C: where a bool is due (a
 * condition, beside a column of BOOL) 0 and 1 are bools, elqb_lit(1) as well;
 * elsewhere, as an argument say, it is elqb_val((bool)true).
 *
 * One composed expression used in two places has the same $n there; equal
 * values, and a value used by itself in two places, are two (see
 * elqb_shared()), and so are the values of a row or an array that take
 * different types in each.
 *
 * Lists end with ELQB_END, which the macros add; the functions named _v take
 * the array itself.
 *
 * In C++ all is called as in C, but options (elqb_over() and others) are a
 * struct: { .order_by = ELQB_LIST(U.id) } of C++20, or a variable.  What
 * ELQB_LIST() and its like make lives as long as the block in C, and until the
 * end of the full expression in C++: there a list that lasts has a name,
 * const elqb_expr list[] = { U.id, ELQB_END }.
 */
#ifndef ELQB_EXPR_H
#define ELQB_EXPR_H

#include "value.h"
#include "version.h"

#ifdef __cplusplus
#include <utility>

extern "C" {
#endif

/** A workspace: memory and the first error.  For one thread at a time. */
typedef struct elqb elqb;

typedef struct elqb_select elqb_select;
typedef struct elqb_insert elqb_insert;
typedef struct elqb_update elqb_update;
typedef struct elqb_delete elqb_delete;

/* -------------------------------------------------------------- workspace */

/** Codes of elqb_error_code(). */
typedef enum elqb_code {
    ELQB_OK = 0,
    ELQB_E_NOMEM,   /**< out of memory                                      */
    ELQB_E_USAGE,   /**< a call that can never work as it was made          */
    ELQB_E_NAME,    /**< an identifier that PostgreSQL cannot have          */
    ELQB_E_TEXT,    /**< SQL text or a string that is not well formed       */
    ELQB_E_BIND,    /**< a named bind is unknown, unused or has no value    */
    ELQB_E_VALUE,   /**< a value that cannot be written as a literal        */
    ELQB_E_FOREIGN, /**< a part belongs to another workspace, or is from
                         before elqb_reset()                                */
    ELQB_E_LIMIT    /**< nested too deeply, or more than 65,535 parameters  */
} elqb_code;

/** A new workspace, NULL if out of memory; every function accepts NULL. */
ELPQ_API elqb *elqb_new(void);

/**
 * Forget everything made in the workspace, and its error, but keep its memory
 * for the next statement: repeated work allocates nothing.
 *
 * Using an expression or table from before is an error, ELQB_E_FOREIGN.  So is
 * using a statement (elqb_select ...) from before, until the next reset: later
 * its pointer may be that of another statement.  A rendered statement and its
 * text are plain data, whose memory is used again at once: nothing can tell.
 */
ELPQ_API void elqb_reset(elqb *q);

/** Free the workspace and everything made in it. */
ELPQ_API void elqb_free(elqb *q);

/** The first error, which names the call and the thing; "" if there is none.
 *  Valid until the workspace is reset or freed. */
ELPQ_API const char *elqb_error(const elqb *q);
ELPQ_API elqb_code elqb_error_code(const elqb *q);

/* ------------------------------------------------------------- expression */

/** A composed expression; private. */
struct elqb_node;

/** elqb_expr.kind; the library's business. */
enum {
    ELQB_KIND_NONE = 0,
    ELQB_KIND_END,
    ELQB_KIND_COLUMN,
    ELQB_KIND_VALUE,
    ELQB_KIND_LITERAL,
    ELQB_KIND_BIND,
    ELQB_KIND_STAR,
    ELQB_KIND_DEFAULT,
    ELQB_KIND_NODE
};

/** elqb_expr.flags and elqb_table.flags: the names are string literals. */
enum { ELQB_STATIC_NAMES = 1 };

/** An expression.  Make one with the functions below, never by hand. */
typedef struct elqb_expr {
    uint8_t kind;
    uint8_t flags;
    uint16_t n;   /**< the $n of the rendering under way                    */
    uint32_t oid; /**< the type as far as it is known, else 0               */
    union {
        struct {
            const char *schema; /**< NULL: none                             */
            const char *table;  /**< NULL: the name stands alone            */
            const char *name;
        } column;
        elpq_value value;
        struct elqb_node *node;
        struct {
            struct elqb_node *node;
            uint32_t generation; /**< of the workspace, against use after
                                      elqb_reset()                          */
        } tree;
    } u;
} elqb_expr;

/** Type names for elqb_bind() and ELQB_TABLE(): INT4, TEXT_ARRAY, ...; OTHER
 *  is any type that is not built in: enums, domains, extensions'. */
enum {
    ELQB_TYPE_OTHER = 0,
#define ELQB_TYPE_(name, oid, array_oid)                                      \
    ELQB_TYPE_##name = oid, ELQB_TYPE_##name##_ARRAY = array_oid,
    ELPQ_BUILTIN_TYPES(ELQB_TYPE_)
#undef ELQB_TYPE_
    ELQB_TYPE_RECORD = 2249
};

static inline elqb_expr elqb_leaf(int kind)
{
    elqb_expr e;

    memset(&e, 0, sizeof(e));
    e.kind = (uint8_t)kind;
    return e;
}

/** Nothing, and the end of a list. */
#ifndef __cplusplus
#define ELQB_NONE ((elqb_expr){ .kind = ELQB_KIND_NONE })
#define ELQB_END ((elqb_expr){ .kind = ELQB_KIND_END })
#define ELQB_END_ { .kind = ELQB_KIND_END }
#define ELQB_ARRAY_(type, ...) ((type[]){ __VA_ARGS__ })
#define ELQB_STRUCT_(type, ...) ((type){ __VA_ARGS__ })
#else
#define ELQB_NONE (elqb_leaf(ELQB_KIND_NONE))
#define ELQB_END (elqb_leaf(ELQB_KIND_END))
#define ELQB_END_ ELQB_END
#define ELQB_ARRAY_(type, ...) (elqb_array_of_<type>({ __VA_ARGS__ }).items)
#define ELQB_STRUCT_(type, ...) (type{ __VA_ARGS__ })
#endif
#define ELQB_LIST(...) ELQB_ARRAY_(const elqb_expr, __VA_ARGS__, ELQB_END_)

/** Whether the expression is ELQB_NONE. */
static inline bool elqb_is_none(elqb_expr e)
{
    return e.kind == ELQB_KIND_NONE;
}

/* ----------------------------------------------------------------- leaves */

/** A parameter; elqb_val(x) makes one of any C value. */
static inline elqb_expr elqb_value(elpq_value value)
{
    elqb_expr e = elqb_leaf(ELQB_KIND_VALUE);

    e.oid = value.oid;
    e.u.value = value;
    return e;
}

/** A value that is written into the SQL text; elqb_lit(x) for any C value. */
static inline elqb_expr elqb_literal(elpq_value value)
{
    elqb_expr e = elqb_value(value);

    e.kind = ELQB_KIND_LITERAL;
    return e;
}

/** `*`, or all columns of a table: see elqb_table_star(). */
static inline elqb_expr elqb_star(void)
{
    return elqb_leaf(ELQB_KIND_STAR);
}

/** The keyword DEFAULT, in place of a value of INSERT or UPDATE. */
static inline elqb_expr elqb_default(void)
{
    return elqb_leaf(ELQB_KIND_DEFAULT);
}

/** A name that stands alone: a label in ORDER BY, a column of text(). */
static inline elqb_expr elqb_name(const char *name)
{
    elqb_expr e = elqb_leaf(ELQB_KIND_COLUMN);

    e.u.column.name = name;
    return e;
}

/**
 * A named parameter of the type with this OID.  The same name is the same $n.
 * Its value comes from elqb_params(); one that cannot be of the type, 1.5 of an
 * INT4 say, is an error, ELQB_E_BIND.
 */
static inline elqb_expr elqb_bind_oid(const char *name, uint32_t oid)
{
    elqb_expr e = elqb_leaf(ELQB_KIND_BIND);

    e.oid = oid;
    e.u.column.name = name;
    return e;
}
/** elqb_bind("who", TEXT) */
#define elqb_bind(name, TYPE) elqb_bind_oid(name, ELQB_TYPE_##TYPE)

/** The same expression, taken to be of this type; nothing is rendered. */
static inline elqb_expr elqb_typed_oid(elqb_expr e, uint32_t oid)
{
    e.oid = oid;
    if (e.kind == ELQB_KIND_VALUE || e.kind == ELQB_KIND_LITERAL)
        e.u.value.oid = oid;
    return e;
}
/** elqb_typed(expr, INT4) */
#define elqb_typed(e, TYPE) elqb_typed_oid(e, ELQB_TYPE_##TYPE)

/** NULL of a type, written into the SQL: elqb_null(INT4) is NULL::int4, and
 *  elqb_null(OTHER) is NULL alone.  elqb_val(elpq_null(oid)) is a parameter. */
#define elqb_null(TYPE) elqb_literal(elpq_null(ELQB_TYPE_##TYPE))

/** The column of the row proposed for insertion, in ON CONFLICT DO UPDATE;
 *  ELQB_NONE of anything but a column. */
ELPQ_API elqb_expr elqb_excluded(elqb_expr column);

/**
 * A value with an identity: one $n wherever it is used.  Without it each use
 * of a value is a parameter of its own.  It keeps its type whatever it meets,
 * so strings, and arrays of them, are to say what they are:
 *
 *     elqb_shared(q, elqb_typed(elqb_val(s), DATE))
 *     elqb_shared(q, elqb_typed(elqb_items(strings, n), DATE_ARRAY))
 */
ELPQ_API elqb_expr elqb_shared(elqb *q, elqb_expr value);

/** A name and its value, for elqb_text() and elqb_params(). */
typedef struct elqb_arg {
    const char *name; /**< NULL ends a list                                 */
    elqb_expr value;
} elqb_arg;

/** Values of named binds, for every later elqb_render() of the workspace;
 *  a name given again takes the new value. */
ELPQ_API void elqb_params_v(elqb *q, const elqb_arg *args);

/* -------------------------------------------------------------- operators */

/* A list skips ELQB_NONE; one term is itself; no term is ELQB_NONE. */
ELPQ_API elqb_expr elqb_and_v(elqb *q, const elqb_expr *terms);
ELPQ_API elqb_expr elqb_or_v(elqb *q, const elqb_expr *terms);
ELPQ_API elqb_expr elqb_not(elqb *q, elqb_expr a);
ELPQ_API elqb_expr elqb_concat_v(elqb *q, const elqb_expr *terms); /* || */

/* clang-format off */
#define ELQB_UNARY_(name)                                                     \
    ELPQ_API elqb_expr elqb_##name(elqb *q, elqb_expr a);
#define ELQB_BINARY_(name)                                                    \
    ELPQ_API elqb_expr elqb_##name(elqb *q, elqb_expr a, elqb_expr b);
#define ELQB_TERNARY_(name)                                                   \
    ELPQ_API elqb_expr elqb_##name(elqb *q, elqb_expr a, elqb_expr b,         \
                                   elqb_expr c);

/* elqb_eq(q, a, b) and so on: comparison.  As in SQL, what is compared with
 * NULL is never true, a value that is NULL included: for "the same, or both
 * NULL" there is elqb_is_not_distinct(). */
ELQB_BINARY_(eq) ELQB_BINARY_(ne) ELQB_BINARY_(lt) ELQB_BINARY_(le)
ELQB_BINARY_(gt) ELQB_BINARY_(ge)
ELQB_BINARY_(is_distinct) ELQB_BINARY_(is_not_distinct)
ELQB_UNARY_(is_null) ELQB_UNARY_(is_not_null)
ELQB_UNARY_(is_true) ELQB_UNARY_(is_not_true)
ELQB_UNARY_(is_false) ELQB_UNARY_(is_not_false)
ELQB_UNARY_(is_unknown) ELQB_UNARY_(is_not_unknown)
/* IS DOCUMENT of xml; IS NORMALIZED of text, IS NFD NORMALIZED ... */
ELQB_UNARY_(is_document) ELQB_UNARY_(is_not_document)
ELQB_UNARY_(is_normalized) ELQB_UNARY_(is_not_normalized)
ELQB_UNARY_(is_nfd) ELQB_UNARY_(is_not_nfd)
ELQB_UNARY_(is_nfkc) ELQB_UNARY_(is_not_nfkc)
ELQB_UNARY_(is_nfkd) ELQB_UNARY_(is_not_nfkd)
ELQB_TERNARY_(between) ELQB_TERNARY_(not_between)
ELQB_TERNARY_(between_symmetric) ELQB_TERNARY_(not_between_symmetric)
/* patterns; the _escape ones take the escape character as well */
ELQB_BINARY_(like) ELQB_BINARY_(not_like)
ELQB_BINARY_(ilike) ELQB_BINARY_(not_ilike)
ELQB_BINARY_(similar) ELQB_BINARY_(not_similar)
ELQB_TERNARY_(like_escape) ELQB_TERNARY_(not_like_escape)
ELQB_TERNARY_(ilike_escape) ELQB_TERNARY_(not_ilike_escape)
ELQB_TERNARY_(similar_escape) ELQB_TERNARY_(not_similar_escape)
ELQB_BINARY_(regex) ELQB_BINARY_(not_regex)         /*  ~    !~             */
ELQB_BINARY_(iregex) ELQB_BINARY_(not_iregex)       /*  ~*   !~*            */
ELQB_BINARY_(has_prefix)                            /*  ^@                  */
/* arithmetic, also of ranges, dates and intervals (add sub mul), of jsonb and
 * a key (sub); bits.  A string that is added to a date or time, or taken from
 * it, is an interval: elqb_sub(q, U.created_at, elqb_val("1 hour")), and so of
 * now() and date_trunc(), while other functions need elqb_typed() around them.
 * A moment says what it is: elqb_typed(elqb_val("2024-01-01"), TIMESTAMPTZ). */
ELQB_BINARY_(add) ELQB_BINARY_(sub) ELQB_BINARY_(mul) ELQB_BINARY_(div)
ELQB_BINARY_(mod) ELQB_BINARY_(pow)
ELQB_UNARY_(neg) ELQB_UNARY_(pos)                          /*  - a  + a     */
ELQB_BINARY_(bit_and) ELQB_BINARY_(bit_or) ELQB_BINARY_(bit_xor)
ELQB_BINARY_(shl) ELQB_BINARY_(shr) ELQB_UNARY_(bit_not)
/* JSON; what json_text gives is text, so a number in it needs a cast:
 * elqb_eq(q, elqb_cast(q, elqb_json_text(q, U.data, elqb_val("age")), "int4"),
 * elqb_val(3)) */
ELQB_BINARY_(json_get) ELQB_BINARY_(json_text)             /*  ->   ->>     */
ELQB_BINARY_(json_path) ELQB_BINARY_(json_path_text)       /*  #>   #>>     */
ELQB_BINARY_(json_delete_path)                             /*  #-           */
ELQB_BINARY_(has_key) ELQB_BINARY_(has_any) ELQB_BINARY_(has_all) /* ? ?| ?& */
ELQB_BINARY_(path_exists)                                  /*  @?           */
/* arrays, ranges, text search (match: also jsonb @@ jsonpath), networks; what
 * contains a number, date or timestamp may be a range as a string:
 * elqb_contained_by(q, U.age, elqb_val("[18,65)")) */
ELQB_BINARY_(contains) ELQB_BINARY_(contained_by)          /*  @>   <@      */
ELQB_BINARY_(overlaps) ELQB_BINARY_(match)                 /*  &&   @@      */
ELQB_BINARY_(range_left) ELQB_BINARY_(range_right)         /*  <<   >>      */
ELQB_BINARY_(range_not_right) ELQB_BINARY_(range_not_left) /*  &<   &>      */
ELQB_BINARY_(range_adjacent)                               /*  -|-          */
ELQB_BINARY_(subnet) ELQB_BINARY_(subnet_eq)               /*  <<   <<=     */
ELQB_BINARY_(supernet) ELQB_BINARY_(supernet_eq)           /*  >>   >>=     */
ELQB_BINARY_(ts_and) ELQB_BINARY_(ts_or)                   /*  &&   ||      */
ELQB_UNARY_(ts_not) ELQB_BINARY_(ts_phrase)                /*  !!   <->     */
ELQB_BINARY_(at_time_zone)
#undef ELQB_UNARY_
#undef ELQB_BINARY_
#undef ELQB_TERNARY_
/* clang-format on */

/** (start1, end1) OVERLAPS (start2, end2); an end may be an interval. */
ELPQ_API elqb_expr elqb_periods_overlap(elqb *q, elqb_expr start1,
                                        elqb_expr end1, elqb_expr start2,
                                        elqb_expr end2);

/**
 * LIKE with a pattern made of plain text, in which %, _ and \ stand for
 * themselves: the text at the start, at the end, or anywhere.  Those with an
 * i do not distinguish case: ILIKE.
 */
ELPQ_API elqb_expr elqb_starts_with(elqb *q, elqb_expr a, const char *text);
ELPQ_API elqb_expr elqb_ends_with(elqb *q, elqb_expr a, const char *text);
ELPQ_API elqb_expr elqb_has_text(elqb *q, elqb_expr a, const char *text);
ELPQ_API elqb_expr elqb_istarts_with(elqb *q, elqb_expr a, const char *text);
ELPQ_API elqb_expr elqb_iends_with(elqb *q, elqb_expr a, const char *text);
ELPQ_API elqb_expr elqb_ihas_text(elqb *q, elqb_expr a, const char *text);

/**
 * Plain text as a part of a pattern of LIKE, or of a regular expression: what
 * is special there gets a backslash.
 *
 *     elqb_regex(q, U.name, elqb_concat(q, elqb_val("^"),
 *                elqb_val(elqb_regex_text(q, input)), elqb_val("[0-9]*$")))
 *
 * For patterns without an ESCAPE of their own.  The result lives as long as
 * the workspace; NULL on error.
 */
ELPQ_API const char *elqb_like_text(elqb *q, const char *text);
ELPQ_API const char *elqb_regex_text(elqb *q, const char *text);

/** a IN (list).  An empty list is false for IN, true for NOT IN. */
ELPQ_API elqb_expr elqb_in_v(elqb *q, elqb_expr a, const elqb_expr *list);
ELPQ_API elqb_expr elqb_not_in_v(elqb *q, elqb_expr a, const elqb_expr *list);

/** a = ANY (array), a <> ALL (array); elqb_any_of(q, U.id, ids, n) takes a C
 *  array, which is one parameter however long it is. */
ELPQ_API elqb_expr elqb_eq_any(elqb *q, elqb_expr a, elqb_expr array);
ELPQ_API elqb_expr elqb_ne_all(elqb *q, elqb_expr a, elqb_expr array);

/**
 * Many rows as one array for each column: elqb_in_arrays(q, elqb_row(q, T.a,
 * T.b), elqb_items(as, n), elqb_items(bs, n)) is
 *
 *     ("a", "b") IN (SELECT * FROM unnest($1::int4[], $2::text[]))
 *
 * The arrays take the types of the columns, and are of the same length.  Those
 * of strings, for a type that is not known or not built in, need elqb_cast():
 * elqb_cast(q, elqb_items(moods, n), "mood[]").
 */
ELPQ_API elqb_expr elqb_in_arrays_v(elqb *q, elqb_expr row,
                                    const elqb_expr *arrays);
ELPQ_API elqb_expr elqb_not_in_arrays_v(elqb *q, elqb_expr row,
                                        const elqb_expr *arrays);

/**
 * Any operator by its spelling: elqb_op(q, a, "<->", b), op ANY, op ALL, and
 * prefix operators.  Built-in ones keep their precedence, others have that of
 * the server.  Keywords are no spellings, but for LIKE, NOT LIKE, ILIKE and
 * NOT ILIKE before ANY and ALL.  Beside a column whose type is not built in,
 * strings are left to the server: ~ and ? may be an extension's, as ltree's.
 */
ELPQ_API elqb_expr elqb_operator(elqb *q, elqb_expr a, const char *spelling,
                                 elqb_expr b);
ELPQ_API elqb_expr elqb_operator_any(elqb *q, elqb_expr a,
                                     const char *spelling, elqb_expr array);
ELPQ_API elqb_expr elqb_operator_all(elqb *q, elqb_expr a,
                                     const char *spelling, elqb_expr array);
ELPQ_API elqb_expr elqb_operator_prefix(elqb *q, const char *spelling,
                                        elqb_expr a);

/** The same of a schema: elqb_op_in(q, "app", a, "<->", b) is
 *  a OPERATOR("app".<->) b.  The server gives them all one precedence. */
ELPQ_API elqb_expr elqb_operator_in(elqb *q, const char *schema, elqb_expr a,
                                    const char *spelling, elqb_expr b);
ELPQ_API elqb_expr elqb_operator_any_in(elqb *q, const char *schema,
                                        elqb_expr a, const char *spelling,
                                        elqb_expr array);
ELPQ_API elqb_expr elqb_operator_all_in(elqb *q, const char *schema,
                                        elqb_expr a, const char *spelling,
                                        elqb_expr array);
ELPQ_API elqb_expr elqb_operator_prefix_in(elqb *q, const char *schema,
                                           const char *spelling, elqb_expr a);

/** a COLLATE "name"; the schema may be NULL. */
ELPQ_API elqb_expr elqb_collate_in(elqb *q, elqb_expr a, const char *schema,
                                   const char *name);
#define elqb_collate(q, a, name) elqb_collate_in(q, a, NULL, name)

/** An operator class, around a column of an index: see elqb_create_index() and
 *  elqb_on_conflict_update(). */
ELPQ_API elqb_expr elqb_opclass_in(elqb *q, elqb_expr a, const char *schema,
                                   const char *name);
#define elqb_opclass(q, a, name) elqb_opclass_in(q, a, NULL, name)

/** a[i], a[from:to] (either may be ELQB_NONE), (a).field, (a).* */
ELPQ_API elqb_expr elqb_subscript(elqb *q, elqb_expr a, elqb_expr i);
ELPQ_API elqb_expr elqb_slice(elqb *q, elqb_expr a, elqb_expr from,
                              elqb_expr to);
ELPQ_API elqb_expr elqb_field(elqb *q, elqb_expr a, const char *name);
ELPQ_API elqb_expr elqb_field_star(elqb *q, elqb_expr a);

/** (a, b, ...) and ARRAY[a, b, ...].  An empty array says what it is of:
 *  elqb_cast(q, elqb_array_v(q, NULL), "int4[]").  In a row elqb_table_star()
 *  is all columns of the table, as an argument of a function its row. */
ELPQ_API elqb_expr elqb_row_v(elqb *q, const elqb_expr *items);
ELPQ_API elqb_expr elqb_array_v(elqb *q, const elqb_expr *items);

/** expression AS label: only as a column of SELECT or RETURNING; elsewhere it
 *  is the expression itself.  For a label in ORDER BY see elqb_name(). */
ELPQ_API elqb_expr elqb_as(elqb *q, elqb_expr a, const char *label);

/* Order, in ORDER BY; nulls_first and nulls_last go around asc or desc. */
ELPQ_API elqb_expr elqb_asc(elqb *q, elqb_expr a);
ELPQ_API elqb_expr elqb_desc(elqb *q, elqb_expr a);
ELPQ_API elqb_expr elqb_nulls_first(elqb *q, elqb_expr a);
ELPQ_API elqb_expr elqb_nulls_last(elqb *q, elqb_expr a);
/* a USING operator, instead of asc and desc: elqb_order_using(q, a, "<") */
ELPQ_API elqb_expr elqb_order_operator(elqb *q, elqb_expr a,
                                       const char *spelling);

/* -------------------------------------------------------------- functions */

/**
 * A function by name: elqb_func(q, "lower", U.name).  The name is quoted, so
 * it is case-sensitive, except those that are grammar: coalesce, nullif,
 * greatest, least, trim, xmlconcat, current_date and its like;
 * current_timestamp and others of time take a precision, elqb_lit(3).  The
 * schema may be NULL.  What has words among its arguments may have a plain
 * twin: strpos for position, json_build_array for json_array; json_table and
 * others are for elqb_text().
 */
ELPQ_API elqb_expr elqb_func_v(elqb *q, const char *schema, const char *name,
                               const elqb_expr *args);

/** Arguments of a function: "name" => value, and VARIADIC array, which is the
 *  last.  elqb_func(q, "make_interval", elqb_named(q, "days", elqb_val(10))) */
ELPQ_API elqb_expr elqb_named(elqb *q, const char *name, elqb_expr value);
ELPQ_API elqb_expr elqb_variadic(elqb *q, elqb_expr array);

/** A call as an aggregate: count(DISTINCT x), f(x ORDER BY y), FILTER. */
ELPQ_API elqb_expr elqb_agg_distinct(elqb *q, elqb_expr call);
ELPQ_API elqb_expr elqb_agg_order_by_v(elqb *q, elqb_expr call,
                                       const elqb_expr *order);
ELPQ_API elqb_expr elqb_agg_filter(elqb *q, elqb_expr call, elqb_expr where);

/** f(x) WITHIN GROUP (ORDER BY y); for OVER see window.h. */
ELPQ_API elqb_expr elqb_agg_within_group_v(elqb *q, elqb_expr call,
                                           const elqb_expr *order);

/**
 * CASE WHEN w1 THEN t1 ... ELSE e END; pairs are w1, t1, w2, t2.  `base` is
 * the operand of CASE base WHEN ..., or ELQB_NONE; so is `otherwise`.
 */
ELPQ_API elqb_expr elqb_case_v(elqb *q, elqb_expr base,
                               const elqb_expr *pairs, elqb_expr otherwise);

/** EXTRACT(field FROM a): elqb_extract(q, "year", U.created_at) */
ELPQ_API elqb_expr elqb_extract(elqb *q, const char *field, elqb_expr a);

/** CAST(a AS type): elqb_cast(q, a, "numeric(12,2)") takes literals only. */
ELPQ_API elqb_expr elqb_cast_from_trusted_string(elqb *q, elqb_expr a,
                                                 const char *type);

/** A type, of a column or of a cast: ELQB_SQL_TYPE("numeric(12,2)"), from a
 *  literal only, or a name at run time. */
typedef struct elqb_column_type {
    const char *sql;
    const char *schema; /**< of name; NULL: none                            */
    const char *name;   /**< quoted; instead of sql                         */
    bool is_array;      /**< of name: an array of it                        */
} elqb_column_type;

/** A type by its name, an enum say; the schema may be NULL. */
static inline elqb_column_type elqb_type_named(const char *schema,
                                               const char *name)
{
    elqb_column_type type;

    type.sql = NULL;
    type.schema = schema;
    type.name = name;
    type.is_array = false;
    return type;
}

/** The type of its arrays: "name"[]. */
static inline elqb_column_type elqb_array_type_named(const char *schema,
                                                     const char *name)
{
    elqb_column_type type = elqb_type_named(schema, name);

    type.is_array = true;
    return type;
}

/** CAST(a AS type) to one whose name is no literal; its schema is translated:
 *  elqb_cast_named(q, a, elqb_type_named("app", "mood")). */
ELPQ_API elqb_expr elqb_cast_named(elqb *q, elqb_expr a, elqb_column_type type);

/* --------------------------------------------------------------- SQL text */

/**
 * SQL text with :name binds: elqb_text(q, "age > :a", ELQB_ARG("a", x)).  The
 * text is a string literal, never data.  A colon in a string, identifier,
 * comment or dollar quote, a :: cast, and a colon right after an operand
 * (slices: a[i:j]) are no binds.  Keywords count as operands: it is "LIMIT :n",
 * with the space.  Every name must have a value and every value a name.  As an
 * operand of an operator it is parenthesised; in a list (of arguments, columns)
 * it is not, so that it can be several items.  Rendered alone it is a
 * statement.  elqb_raw(q, "sql") has no binds.
 */
ELPQ_API elqb_expr elqb_text_from_trusted_string(elqb *q, const char *sql,
                                                 const elqb_arg *args);
ELPQ_API elqb_expr elqb_raw_from_trusted_string(elqb *q, const char *sql);

/* -------------------------------------------------------------- subqueries */

/* (SELECT ...), EXISTS (SELECT ...), a IN (SELECT ...), ARRAY(SELECT ...) */
ELPQ_API elqb_expr elqb_scalar(elqb *q, elqb_select *s);
ELPQ_API elqb_expr elqb_exists(elqb *q, elqb_select *s);
ELPQ_API elqb_expr elqb_in_select(elqb *q, elqb_expr a, elqb_select *s);
ELPQ_API elqb_expr elqb_not_in_select(elqb *q, elqb_expr a, elqb_select *s);
ELPQ_API elqb_expr elqb_array_select(elqb *q, elqb_select *s);

/** a < ANY (SELECT ...), a < ALL (SELECT ...), any operator: the macros
 *  elqb_op_any_select(q, a, "<", s) and elqb_op_all_select(). */
ELPQ_API elqb_expr elqb_operator_any_select(elqb *q, elqb_expr a,
                                            const char *spelling,
                                            elqb_select *s);
ELPQ_API elqb_expr elqb_operator_all_select(elqb *q, elqb_expr a,
                                            const char *spelling,
                                            elqb_select *s);

#ifdef __cplusplus
}
#endif

/* ------------------------------------------------- macros around the above */

#ifndef __cplusplus
#define elqb_val(x) elqb_value(elpq_val(x))
#define elqb_lit(x) elqb_literal(elpq_val(x))
#define ELQB_ARG_END_ { .name = NULL }
#else
/** Of any C value. */
template <class T> inline elqb_expr elqb_val(T x)
{
    return elqb_value(elpq_val(x));
}
template <class T> inline elqb_expr elqb_lit(T x)
{
    return elqb_literal(elpq_val(x));
}
#define ELQB_ARG_END_ elqb_arg()

/* An array as a temporary. */
template <class T, size_t N> struct elqb_array_ {
    T items[N];
};
template <class T, size_t... I>
inline elqb_array_<T, sizeof...(I)>
elqb_copy_array_(T (&items)[sizeof...(I)], std::index_sequence<I...>)
{
    return { { items[I]... } };
}
template <class T, size_t N>
inline elqb_array_<T, N> elqb_array_of_(T (&&items)[N])
{
    return elqb_copy_array_<T>(items, std::make_index_sequence<N>());
}
#endif

#define elqb_and(q, ...) elqb_and_v(q, ELQB_LIST(__VA_ARGS__))
#define elqb_or(q, ...) elqb_or_v(q, ELQB_LIST(__VA_ARGS__))
#define elqb_concat(q, ...) elqb_concat_v(q, ELQB_LIST(__VA_ARGS__))
#define elqb_in(q, a, ...) elqb_in_v(q, a, ELQB_LIST(__VA_ARGS__))
#define elqb_not_in(q, a, ...) elqb_not_in_v(q, a, ELQB_LIST(__VA_ARGS__))
#define elqb_in_arrays(q, row, ...)                                           \
    elqb_in_arrays_v(q, row, ELQB_LIST(__VA_ARGS__))
#define elqb_not_in_arrays(q, row, ...)                                       \
    elqb_not_in_arrays_v(q, row, ELQB_LIST(__VA_ARGS__))
#define elqb_row(q, ...) elqb_row_v(q, ELQB_LIST(__VA_ARGS__))
#define elqb_array(q, ...) elqb_array_v(q, ELQB_LIST(__VA_ARGS__))

/* Literals only: what is not one does not compile. */
#define elqb_op(q, a, spelling, b) elqb_operator(q, a, "" spelling "", b)
#define elqb_op_any(q, a, spelling, b)                                        \
    elqb_operator_any(q, a, "" spelling "", b)
#define elqb_op_all(q, a, spelling, b)                                        \
    elqb_operator_all(q, a, "" spelling "", b)
#define elqb_op_any_select(q, a, spelling, s)                                 \
    elqb_operator_any_select(q, a, "" spelling "", s)
#define elqb_op_all_select(q, a, spelling, s)                                 \
    elqb_operator_all_select(q, a, "" spelling "", s)
#define elqb_op_prefix(q, spelling, a)                                        \
    elqb_operator_prefix(q, "" spelling "", a)
#define elqb_order_using(q, a, spelling)                                      \
    elqb_order_operator(q, a, "" spelling "")
#define elqb_op_in(q, schema, a, spelling, b)                                 \
    elqb_operator_in(q, "" schema "", a, "" spelling "", b)
#define elqb_op_any_in(q, schema, a, spelling, b)                             \
    elqb_operator_any_in(q, "" schema "", a, "" spelling "", b)
#define elqb_op_all_in(q, schema, a, spelling, b)                             \
    elqb_operator_all_in(q, "" schema "", a, "" spelling "", b)
#define elqb_op_prefix_in(q, schema, spelling, a)                             \
    elqb_operator_prefix_in(q, "" schema "", "" spelling "", a)
#define elqb_cast(q, a, type) elqb_cast_from_trusted_string(q, a, "" type "")
#define elqb_raw(q, sql) elqb_raw_from_trusted_string(q, "" sql "")
#define elqb_text(q, ...)                                                     \
    elqb_text_from_trusted_string(                                            \
        q, "" ELPQ_FIRST_(__VA_ARGS__, 0) "",                                 \
        ELQB_ARRAY_(const elqb_arg,                                           \
                    ELQB_REST_(__VA_ARGS__, ELQB_ARG_END_)))
#define ELQB_ARG(name, value) ELQB_STRUCT_(elqb_arg, name, value)
#define elqb_params(q, ...)                                                   \
    elqb_params_v(q, ELQB_ARRAY_(const elqb_arg, __VA_ARGS__, ELQB_ARG_END_))

/* elqb_func(q, "now"), elqb_func_in(q, "app", "price", U.id, elqb_val(1)) */
#define elqb_func(q, ...)                                                     \
    elqb_func_v(q, NULL, "" ELPQ_FIRST_(__VA_ARGS__, 0) "",                   \
                ELQB_REST_LIST_(__VA_ARGS__))
#define elqb_func_in(q, schema, ...)                                          \
    elqb_func_v(q, "" schema "", "" ELPQ_FIRST_(__VA_ARGS__, 0) "",           \
                ELQB_REST_LIST_(__VA_ARGS__))
#define elqb_agg_order_by(q, call, ...)                                       \
    elqb_agg_order_by_v(q, call, ELQB_LIST(__VA_ARGS__))
#define elqb_agg_within_group(q, call, ...)                                   \
    elqb_agg_within_group_v(q, call, ELQB_LIST(__VA_ARGS__))
#define elqb_coalesce(q, ...)                                                 \
    elqb_func_v(q, NULL, "coalesce", ELQB_LIST(__VA_ARGS__))
#define elqb_greatest(q, ...)                                                 \
    elqb_func_v(q, NULL, "greatest", ELQB_LIST(__VA_ARGS__))
#define elqb_least(q, ...)                                                    \
    elqb_func_v(q, NULL, "least", ELQB_LIST(__VA_ARGS__))
#define elqb_nullif(q, a, b) elqb_func_v(q, NULL, "nullif", ELQB_LIST(a, b))
/* GROUPING (a, b): which of these a row of ROLLUP and its like is not of */
#define elqb_grouping(q, ...)                                                 \
    elqb_func_v(q, NULL, "grouping", ELQB_LIST(__VA_ARGS__))
#define elqb_count(q) elqb_func_v(q, NULL, "count", ELQB_LIST(elqb_star()))

/* elqb_case(q, otherwise, when1, then1, when2, then2 ...) */
#define elqb_case(q, otherwise, ...)                                          \
    elqb_case_v(q, ELQB_NONE, ELQB_LIST(__VA_ARGS__), otherwise)
#define elqb_case_of(q, base, otherwise, ...)                                 \
    elqb_case_v(q, base, ELQB_LIST(__VA_ARGS__), otherwise)

/* A C array of numbers, bools or strings as one value. */
#ifndef __cplusplus
#define elqb_items(items, count)                                              \
    elqb_value(_Generic((items),                                              \
        _Bool *: elpq_array_bool, const _Bool *: elpq_array_bool,             \
        int16_t *: elpq_array_int16, const int16_t *: elpq_array_int16,       \
        int32_t *: elpq_array_int32, const int32_t *: elpq_array_int32,       \
        int64_t *: elpq_array_int64, const int64_t *: elpq_array_int64,       \
        float *: elpq_array_float, const float *: elpq_array_float,           \
        double *: elpq_array_double, const double *: elpq_array_double,       \
        char **: elqb_array_chars, const char **: elpq_array_text,            \
        char *const *: elqb_array_chars,                                      \
        const char *const *: elpq_array_text)(items, count))
static inline elpq_value elqb_array_chars(char *const *items, size_t count)
{
    return elpq_array_text((const char *const *)items, count);
}
#else
#define ELQB_ITEMS_(name, type)                                               \
    inline elqb_expr elqb_items(type const *items, size_t count)              \
    {                                                                         \
        return elqb_value(elpq_array_##name(items, count));                   \
    }
ELQB_ITEMS_(bool, bool)
ELQB_ITEMS_(int16, int16_t)
ELQB_ITEMS_(int32, int32_t)
ELQB_ITEMS_(int64, int64_t)
ELQB_ITEMS_(float, float)
ELQB_ITEMS_(double, double)
ELQB_ITEMS_(text, char const *)
#undef ELQB_ITEMS_
#endif
#define elqb_any_of(q, a, items, count)                                       \
    elqb_eq_any(q, a, elqb_items(items, count))
#define elqb_none_of(q, a, items, count)                                      \
    elqb_ne_all(q, a, elqb_items(items, count))

#define ELQB_REST_(first, ...) __VA_ARGS__
#define ELQB_REST_LIST_(...)                                                  \
    ELQB_ARRAY_(const elqb_expr, ELQB_REST_(__VA_ARGS__, ELQB_END_))
#include "statement.h" /* ELPQ_FIRST_ */

#endif

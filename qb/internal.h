/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of the builder share: the workspace, the nodes, and how
 * constructors make them.  The renderer's part is in renderer.h.
 *
 * Invariants
 *
 *  - A node never changes once it is made.  The exception is elqb_expr.n, the
 *    renderer's note about a parameter (see elqb__put_param).
 *  - Everything a node points to is in the arena of its workspace, except
 *    names marked ELQB_STATIC_NAMES and literals.
 *  - Constructors return ELQB_NONE once the workspace has an error, so no
 *    node has a failed operand.
 */
#ifndef ELQB_INTERNAL_H
#define ELQB_INTERNAL_H

#include <stdarg.h>

/* All of elpq/qb.h but its macros, which would be in the way of what they
 * call. */
#include "elpq/compile.h"
#include "elpq/cte.h"
#include "elpq/ddl.h"
#include "elpq/dml.h"
#include "elpq/expr.h"
#include "elpq/from.h"
#include "elpq/render.h"
#include "elpq/schema.h"
#include "elpq/select.h"
#include "elpq/window.h"

#if defined(__GNUC__)
#define ELQB__PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ELQB__COLD __attribute__((cold, noinline))
#else
#define ELQB__PRINTF(f, a)
#define ELQB__COLD
#endif

/* -------------------------------------------------------------- operators */

enum elqb__level {
    LEVEL_LOWEST,
#define LEVEL(name, b_expr) LEVEL_##name,
#include "ops.def"
};

enum elqb__op {
    OP_NO,
#define OP(name, fn, spelling, level, fix, takes, gives) OP_##name,
#include "ops.def"
    OP_COUNT
};

enum elqb__fix {
    FIX_LEFT,
    FIX_NONE,
    FIX_NARY,
    FIX_PREFIX,
    FIX_POSTFIX,
    FIX_BETWEEN,
    FIX_ESCAPE,
    FIX_SPECIAL
};

enum elqb__takes {
    TAKES_PLAIN,
    TAKES_SAME,
    TAKES_RANGE,
    TAKES_NUMBER,
    TAKES_TEXT,
    TAKES_KEY,
    TAKES_COUNT,
    TAKES_CONCAT,
    TAKES_BOOL
};

enum elqb__gives {
    GIVES_OTHER,
    GIVES_BOOL,
    GIVES_TEXT,
    GIVES_OPERAND,
    GIVES_NUMBER,
    GIVES_ZONE
};

struct elqb__op_info {
    const char *function; /* without elqb_, for messages */
    const char *spelling;
    uint8_t spelling_len;
    uint8_t level;
    uint8_t fix;
    uint8_t takes;
    uint8_t gives;
};

/* A test changes the tables, to see whether the others notice. */
#ifndef ELQB__TABLE
#define ELQB__TABLE const
#endif

extern ELQB__TABLE struct elqb__op_info elqb__ops[OP_COUNT];

/* ------------------------------------------------------------------ nodes */

/* What kind of node it is, and what its members mean. */
enum elqb__node_kind {
    NODE_OPERATOR,     /* op; args; custom ones: text = spelling, more =
                          its schema                                        */
    NODE_IN,           /* op; args[0] IN (args[1] ...)                      */
    NODE_IN_ARRAYS,    /* op; args[0] IN (SELECT * FROM args[1])             */
    NODE_QUANTIFIED,   /* op; args[0] text flags (args[1]); text = spelling,
                          more = its schema                                 */
    NODE_PERIODS,      /* (args[0], args[1]) OVERLAPS (args[2], args[3])    */
    NODE_COLLATE,      /* args[0] COLLATE more.text                         */
    NODE_SUBSCRIPT,    /* args[0][args[1]]                                  */
    NODE_SLICE,        /* args[0][args[1]:args[2]], each may be none        */
    NODE_FIELD,        /* (args[0]).text; no text: (args[0]).*              */
    NODE_ROW,          /* (args)                                            */
    NODE_ARRAY,        /* ARRAY[args]                                       */
    NODE_LABEL,        /* args[0] AS text                                   */
    NODE_ORDER,        /* args[0] with flags                                */
    NODE_NAMED,        /* text => args[0]; these two: only arguments        */
    NODE_VARIADIC,     /* VARIADIC args[0]                                  */
    NODE_FUNCTION,     /* text(args); more = struct elqb__function          */
    NODE_CASE,         /* base, else, when, then ...                        */
    NODE_EXTRACT,      /* EXTRACT(text FROM args[0])                        */
    NODE_CAST,         /* CAST(args[0] AS text); no text: more = the
                          elqb_column_type                                  */
    NODE_TEXT,         /* more = struct elqb__text; args are its binds      */
    NODE_SHARED,       /* args[0] is a value, or a literal as it stands     */
    NODE_SCALAR,       /* (SELECT); these four: more = the select           */
    NODE_EXISTS,
    NODE_IN_SELECT,    /* op; args[0]                                       */
    NODE_ARRAY_SELECT,
    NODE_SUBQUERY,     /* elqb_table.source; flags: lateral                 */
    NODE_CTE,          /* the same; more = struct elqb_cte                  */
    NODE_SOURCE,       /* the same; more = struct elqb__source              */
    NODE_UNNEST,       /* unnest(args); more = their types, 0: no cast      */
    NODE_FUNCTION_AS,  /* args[0] AS (columns); more as of NODE_SOURCE      */
    NODE_USING,        /* of a join; text = alias                           */
    NODE_GROUPING,     /* flags = enum elqb__grouping                       */
    NODE_OPCLASS,      /* args[0] more.text, in an index                    */
    NODE_CURRENT_OF,   /* CURRENT OF text: a whole WHERE                    */
    NODE_KINDS
};

struct elqb_node {
    elqb *owner;
    uint8_t kind;  /* enum elqb__node_kind                                  */
    uint8_t op;    /* enum elqb__op                                         */
    uint8_t level; /* enum elqb__level of the whole                         */
    uint8_t flags;
    uint32_t count;
    elqb_expr *args;
    const char *text;
    const void *more;
};

/* elqb_expr.flags of a string in a list: it has its type only because nothing
 * else is known there, and may become what the list meets. */
enum { TYPE_IS_GUESS = 2 };

/* flags of NODE_SHARED: see elqb__share_value() */
enum { SHARED_BY_US = 1 };

/* flags of NODE_ARRAY */
enum { ARRAY_OF_VALUES = 1 };

/* flags of NODE_QUANTIFIED */
enum { QUANTIFIER_ANY, QUANTIFIER_ALL };

/* flags of NODE_ORDER */
enum {
    ORDER_ASC = 1,
    ORDER_DESC = 2,
    NULLS_FIRST = 4,
    NULLS_LAST = 8,
    ORDER_USING = 16 /* the operator in text                                */
};

enum elqb__grouping {
    GROUPING_SET,
    GROUPING_ROLLUP,
    GROUPING_CUBE,
    GROUPING_SETS
};

/* A list that only grows.  Copies may share the items: see elqb__share_list. */
struct elqb__list {
    elqb_expr *items;
    uint32_t count;
    uint32_t room;
};

struct elqb__function {
    const char *schema; /* NULL: none                                       */
    uint8_t form;       /* enum elqb__form                                  */
    uint8_t distinct;
    uint8_t within; /* order is WITHIN GROUP (ORDER BY ...)                 */
    struct elqb__list order;
    elqb_expr filter;
    const struct elqb__window *over; /* NULL: none                          */
};

/* What stands behind OVER, or in WINDOW behind AS. */
struct elqb__window {
    const char *name; /* of WINDOW, or of OVER alone                        */
    const char *extends;
    struct elqb__list partition_by;
    struct elqb__list order_by;
    elqb_bound start;
    elqb_bound end;
    uint8_t frame;   /* elqb_frame                                          */
    uint8_t exclude; /* elqb_exclude                                        */
};

static inline bool elqb__is_offset(const elqb_bound *bound)
{
    return bound->kind == ELQB_PRECEDING || bound->kind == ELQB_FOLLOWING;
}

/* How a function's name is written. */
enum elqb__form {
    FORM_QUOTED,  /* "lower"(...)                                           */
    FORM_GRAMMAR, /* COALESCE(...)                                          */
    FORM_BARE     /* CURRENT_DATE                                           */
};

/* SQL text: chunk, bind, chunk, bind, ..., chunk. */
struct elqb__chunk {
    const char *data;
    uint32_t size;
    uint32_t arg; /* of the bind after it                                   */
};

struct elqb__text {
    const struct elqb__chunk *chunks;
    uint32_t count;
};

/* Names with numbers: see names.h. */
struct elqb__names {
    struct elqb__name *entries;
    uint32_t size; /* a power of two, or 0                                  */
    uint32_t count;
};

/* -------------------------------------------------------------- workspace */

struct elqb__block {
    struct elqb__block *next;
    size_t size; /* of data                                                 */
    max_align_t data[];
};

/*
 * The place of a statement.  Unlike all else it is not given to others by the
 * next elqb_reset(), so that what is still done to the statement then can be
 * refused: see elqb__new_statement().
 */
#define ELQB_STATEMENT_SIZE 480

struct elqb__place {
    union {
        elqb *owner; /* the first member of every statement                 */
        max_align_t data[ELQB_STATEMENT_SIZE / sizeof(max_align_t)];
    } u;
    struct elqb__place *next;
    uint32_t generation; /* in which it was used last                       */
};

/* First in, first out. */
struct elqb__places {
    struct elqb__place *first;
    struct elqb__place **end; /* NULL: the list is empty                    */
};

#define ELQB_ERROR_SIZE 160

struct elqb {
    char *at; /* the free part of the current block                         */
    char *end;
    struct elqb__block *first;
    struct elqb__block *current;
    elqb_code code;
    char message[ELQB_ERROR_SIZE];
    elqb_arg *params; /* of elqb_params()                                   */
    struct elqb__names param_names;
    uint32_t nparams;
    uint32_t params_room;
    const elqb_schema_map *schemas; /* of elqb_schema_translate()           */
    uint32_t nschemas;
    size_t text_size;     /* of the last rendering: a guess for the next    */
    uint32_t value_count;
    uint32_t generation; /* counts resets; see elqb__is_ours()              */
    struct elqb__places used; /* by statements since the last reset         */
    struct elqb__places idle; /* the longest idle first                     */
    struct elqb__block *more_places;
    elqb *stale; /* the owner of statements from before the last reset      */
    elqb *stale_of; /* only stale has one: the workspace it stands for      */
};

/* error.c: if the statement's owner is elqb.stale, an error of the workspace
 * that names the function.  Nothing otherwise. */
ELQB__COLD void elqb__report_stale(const elqb *owner, const char *function);

/* Whether work in the workspace is pointless. */
static inline bool elqb__failed(const elqb *q)
{
    return !q || q->code != ELQB_OK;
}

/* The same for a call that may be the first to meet a statement from before
 * elqb_reset(), and says so. */
static inline bool elqb__failed_in(const elqb *q, const char *function)
{
    if (!elqb__failed(q))
        return false;
    elqb__report_stale(q, function);
    return true;
}

/* arena.c: NULL and an error of the workspace if out of memory. */
void *elqb__alloc_slow(elqb *q, size_t size);
char *elqb__copy_bytes(elqb *q, const char *data, size_t size);
char *elqb__copy_string(elqb *q, const char *s);

static inline void *elqb__alloc(elqb *q, size_t size)
{
    char *p = q->at;

    /* What is left is always a multiple of 8: rounding up cannot exceed it. */
    if ((size_t)(q->end - p) < size)
        return elqb__alloc_slow(q, size);
    q->at = p + ((size + 7) & ~(size_t)7);
    return p;
}

/* For what outlives a workspace; NULL if out of memory. */
void *elqb__alloc_block(size_t size);
void elqb__free_block(void *block);

/* error.c: the first one stays.  The text is for people: "elqb_eq: ...". */
ELQB__COLD void elqb__fail(elqb *q, elqb_code code, const char *format, ...)
    ELQB__PRINTF(3, 4);
ELQB__COLD void elqb__print_error(char *message, const char *format,
                                  va_list args) ELQB__PRINTF(2, 0);

/* Let an error of the renderer name the call that rendered. */
ELQB__COLD void elqb__rename_error(elqb *q, const char *function);

/* ident.c */
size_t elqb__check_utf8(const char *s, size_t size); /* size of the good part */
bool elqb__check_name(elqb *q, const char *what, const char *name);

/* Whether a server takes it as text. */
static inline bool elqb__is_text(const char *s, size_t size)
{
    return !memchr(s, '\0', size) && elqb__check_utf8(s, size) == size;
}

/* The same, and the name becomes a copy; an optional one may be NULL. */
bool elqb__keep_name(elqb *q, const char *what, const char **name);
bool elqb__keep_optional(elqb *q, const char *what, const char **name);

/* ------------------------------------------- constructors (elements.c ...) */

/* A node with room for `count` args, all else zero. */
struct elqb_node *elqb__new_node(elqb *q, enum elqb__node_kind kind,
                                 uint32_t count);

/* The node as an expression of the type. */
elqb_expr elqb__node_expr(struct elqb_node *node, uint32_t oid);

/* Whether the node is of this workspace, since its last reset; if not, an
 * error.  After a reset others lie where the node lay, so what tells is kept
 * beside the pointer. */
bool elqb__is_ours(elqb *q, const char *function,
                   const struct elqb_node *node, uint32_t generation);

/* The expression with all it points to in q's arena.  False: q failed. */
bool elqb__keep(elqb *q, const char *function, elqb_expr *e);

/* The same, refusing ELQB_NONE as well: an operand that must be there. */
bool elqb__keep_operand(elqb *q, const char *function, elqb_expr *e);

/* Copy a list into a node's args from `first` on, as operands. */
uint32_t elqb__count_list(const elqb_expr *list);
bool elqb__keep_list(elqb *q, const char *function, elqb_expr *args,
                     const elqb_expr *list, uint32_t count);

/* The same, in messages as operands from number `first` on. */
bool elqb__keep_numbered(elqb *q, const char *function, elqb_expr *args,
                         const elqb_expr *list, uint32_t count, uint32_t first);

/* unnest.c: arrays as rows of these columns.  NULL: q failed. */
struct elqb_node *elqb__new_unnest(elqb *q, const char *function,
                                   const elqb_expr *columns, uint32_t count,
                                   const elqb_expr *arrays);

/* Add to a list; ELQB_NONE is skipped by the callers that allow it. */
bool elqb__push(elqb *q, struct elqb__list *list, elqb_expr e);
struct elqb__list elqb__share_list(struct elqb__list *list);

/* Let a value whose type is settled stay one parameter wherever it is copied:
 * a leaf is known by its place, a node by itself. */
void elqb__share_value(elqb *q, elqb_expr *e);

/* Whether a value consists of others, in u.array. */
static inline bool elqb__has_items(const elpq_value *v)
{
    return v->kind == ELPQ_KIND_ARRAY ||
           (v->kind >= ELPQ_KIND_RANGE && v->kind <= ELPQ_KIND_HSTORE);
}

/* The bytes that an ELPQ_KIND_BITS has. */
static inline size_t elqb__bits_size(const elpq_value *v)
{
    return v->u.bits.count / 8 + (v->u.bits.count % 8 != 0);
}

/* A value in the arena, with the bytes that it borrows. */
bool elqb__keep_value(elqb *q, const char *function, elpq_value *v);

/* Whether it is one of the caller's, as a parameter or as a literal. */
static inline bool elqb__is_value(const elqb_expr *e)
{
    return e->kind == ELQB_KIND_VALUE || e->kind == ELQB_KIND_LITERAL;
}

/* coercions.c: which type a value is sent as. */
void elqb__take_type(elqb_expr *e, uint32_t oid);
void elqb__take_item_type(elqb_expr *e, uint32_t oid);
void elqb__type_value(elpq_value *v, uint32_t oid);
void elqb__take_array_type(elqb_expr *e, uint32_t element);

/* Strings beside what is not built in are left to the server: text[] would fit
 * no enum. */
void elqb__open_array(elqb_expr *e);
void elqb__take_text(elqb_expr *e);
void elqb__guess_type(elqb_expr *e, uint32_t oid); /* see TYPE_IS_GUESS */
void elqb__take_bool(elqb_expr *e);
void elqb__take_int8(elqb_expr *e);
void elqb__take_count(elqb_expr *e);
void elqb__take_place(elqb_expr *e);

/* operands.c: the same from the operands beside it. */
void elqb__match_types(elqb *q, enum elqb__op op, elqb_expr *args,
                       uint32_t count);

/* Every `step`th is compared with the first. */
void elqb__match_same(elqb *q, elqb_expr *args, uint32_t count, uint32_t step);

/*
 * Every `step`th of the alternatives of CASE, COALESCE, ARRAY, VALUES; absent
 * ones do not count.  Whether there are but values: then strings are text, as
 * nothing else says what they are.  `type` becomes that of the whole, 0 if
 * unsure.
 */
bool elqb__match_list(elqb *q, elqb_expr *args, uint32_t count, uint32_t step,
                      uint32_t *type);
bool elqb__is_row(const elqb_expr *e);
bool elqb__has_star(const struct elqb_node *row); /* what is where, is open */
bool elqb__is_array_of_values(const elqb_expr *e);
void elqb__take_text_in_row(elqb *q, elqb_expr *e);

/* What one other thing is beside it, of this type; 0: that the server knows. */
void elqb__match_operand(elqb *q, elqb_expr *e, uint32_t oid);

/* coercions.c again: of types */
int64_t elqb__int_at(const elpq_value *v, size_t i); /* of a C array */
bool elqb__is_text_type(uint32_t oid);
bool elqb__is_untyped_text(const elqb_expr *e);
bool elqb__is_number(const elqb_expr *e);
bool elqb__is_range(uint32_t oid);       /* or a multirange */
uint32_t elqb__range_of(uint32_t oid);   /* 0 if there is none */
uint32_t elqb__bound_of(uint32_t oid);   /* of ranges and multiranges */
uint32_t elqb__array_of(uint32_t oid);   /* 0 if not built in */
uint32_t elqb__element_of(uint32_t oid); /* 0 if no array */
uint32_t elqb__type_by_name(const char *name);
const char *elqb__type_name(uint32_t oid, bool *is_array); /* NULL: unknown */

/* Give the value the declared type of a parameter; false if it cannot have it.
 * The name of a type for messages. */
bool elqb__fit_value(elpq_value *v, uint32_t oid);
#define ELQB_TYPE_SIZE 40
const char *elqb__print_type(uint32_t oid, char text[ELQB_TYPE_SIZE]);

/* operator_types.c: the type of what an operator gives, 0 if unsure. */
uint32_t elqb__result_type(enum elqb__op op, const elqb_expr *args,
                           uint32_t count);

/* from.c: what an item is, for messages */
const char *elqb__source_name(const struct elqb_node *source);
bool elqb__takes_only(const elqb_table *t);

/* operators.c: an error that names the function if it is no operator; which one
 * a spelling is before ANY and ALL; a op ANY (array), after any check of the
 * array. */
bool elqb__check_operator(elqb *q, const char *function, const char *spelling);
enum elqb__op elqb__find_quantified(const char *spelling,
                                    const elqb_expr *left);
elqb_expr elqb__quantify(elqb *q, const char *function, elqb_expr a,
                         const char *spelling, uint8_t quantifier,
                         elqb_expr array);

/* functions.c: a copy of a call, to be changed.  NULL: q failed. */
struct elqb_node *elqb__copy_call(elqb *q, const char *function,
                                  elqb_expr call,
                                  struct elqb__function **more);

/* The changed copy as an expression; ELQB_NONE, and an error of the function,
 * if PostgreSQL refuses what it has become. */
elqb_expr elqb__finish_call(elqb *q, const char *function,
                            struct elqb_node *node, uint32_t oid);

/* functions.c: what a type consists of, in the arena; it must be one. */
bool elqb__keep_type(elqb *q, const char *function, elqb_column_type *type);

/* selectable.c: a list without its ELQB_NONE. */
void elqb__add_list(elqb *q, const char *function, struct elqb__list *to,
                    const elqb_expr *list);

/* The same of what may be the places of columns. */
void elqb__add_places(elqb *q, const char *function, struct elqb__list *to,
                      const elqb_expr *list);

/* text.c: whether a piece of SQL is whole: quotes and brackets closed. */
bool elqb__check_sql(elqb *q, const char *function, const char *sql);

/* Whether it is an elqb_text() or elqb_raw() of q. */
bool elqb__check_text(elqb *q, const char *function, elqb_expr text);

/* The end of the token that starts here, NULL if it has none. */
const char *elqb__skip_token(const char *sql);

/* A copy of checked text, with an end of line if it needs one. */
char *elqb__copy_sql(elqb *q, const char *sql);

#endif

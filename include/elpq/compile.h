/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file compile.h
 * Statements rendered once and run often.
 *
 *     elqb_where(s, elqb_eq(q, U.id, elqb_bind("id", INT4)));
 *     elqb_compiled *by_id = elqb_compile(q, s);      (NULL: elqb_error(q))
 *     elqb_free(q);
 *
 *     elqb_args a;
 *     elqb_args_init(&a, by_id);
 *     elqb_args_set(&a, "id", 42);
 *     elpq_execute(pool, elqb_args_statement(&a), NULL, on_user, app);
 *     elqb_args_clear(&a);
 *
 * A compiled statement never changes: threads may share it, and it outlives
 * the workspace it was made in.  Running it renders nothing, and allocates
 * nothing in the builder while it has at most ELQB_ARGS_FEW parameters.
 *
 * Its parameters are the named binds, each once however often it is used, and
 * all other values of the statement.  The values that the statement had, and
 * those that elqb_params() gave to binds, are the defaults; a bind without one
 * must be set for each run.
 *
 * A value takes the type of its parameter as it does in expr.h: 42 is sent as
 * numeric to a parameter of numeric.  One that cannot, text to an integer say,
 * is an error that names the parameter, since the types belong to what was
 * prepared.  A parameter of no known type (OTHER) takes any value.
 */
#ifndef ELQB_COMPILE_H
#define ELQB_COMPILE_H

#include "ddl.h"
#include "dml.h"
#include "select.h"
#include "statement.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A compiled statement: elqb_compile(q, s), in qb.h, takes any statement. */
typedef struct elqb_compiled elqb_compiled;

/** NULL means that this or an earlier call failed: see elqb_error().  The
 *  caller owns the result. */
ELPQ_API elqb_compiled *elqb_select_compile(elqb *q, const elqb_select *s);
ELPQ_API elqb_compiled *elqb_insert_compile(elqb *q, const elqb_insert *i);
ELPQ_API elqb_compiled *elqb_update_compile(elqb *q, const elqb_update *u);
ELPQ_API elqb_compiled *elqb_delete_compile(elqb *q, const elqb_delete *d);
ELPQ_API elqb_compiled *elqb_merge_compile(elqb *q, const elqb_merge *m);
ELPQ_API elqb_compiled *elqb_ddl_compile(elqb *q, const elqb_ddl *d);
/** An elqb_text() or elqb_raw() that is a whole statement. */
ELPQ_API elqb_compiled *elqb_text_compile(elqb *q, elqb_expr text);

/** Nothing may use it any more; what was submitted to the driver does not. */
ELPQ_API void elqb_compiled_free(elqb_compiled *c);

/** The SQL text; how many parameters it has; the name of $n, from 1, or NULL;
 *  the type it takes, or 0 if it takes any. */
ELPQ_API const char *elqb_compiled_sql(const elqb_compiled *c);
ELPQ_API unsigned elqb_compiled_count(const elqb_compiled *c);
ELPQ_API const char *elqb_compiled_name(const elqb_compiled *c, unsigned n);
ELPQ_API uint32_t elqb_compiled_oid(const elqb_compiled *c, unsigned n);

/** So many parameters have their place in elqb_args itself. */
#define ELQB_ARGS_FEW 16

/** The values for one run; for one thread at a time.  It is meant for the
 *  stack, its members are private.  The compiled statement must outlive it. */
typedef struct elqb_args {
    const elqb_compiled *compiled;
    elpq_value *many; /**< allocated, if they are more than few             */
    elpq_statement statement;
    unsigned unset;
    elqb_code code;
    char message[160];
    elpq_value few[ELQB_ARGS_FEW];
} elqb_args;

/** Start with the defaults.  It allocates if the parameters are many. */
ELPQ_API void elqb_args_init(elqb_args *a, const elqb_compiled *c);

/** Back to the defaults, and no error, for another run. */
ELPQ_API void elqb_args_reset(elqb_args *a);

/** Give back what elqb_args_init() allocated.  The compiled statement stays. */
ELPQ_API void elqb_args_clear(elqb_args *a);

/**
 * Set a parameter by its name, or by its number: $1 is 1.  elqb_args_set(&a,
 * "id", 42) and elqb_args_set_at(&a, 1, 42) take any C value.  What the value
 * points to is borrowed until the statement was submitted.  The first error
 * sticks, as in a workspace, and elqb_args_statement() reports it.
 */
ELPQ_API void elqb_args_set_value(elqb_args *a, const char *name,
                                  elpq_value value);
ELPQ_API void elqb_args_set_value_at(elqb_args *a, unsigned n,
                                     elpq_value value);

/** What the driver runs, NULL on an error; a parameter without a value is one.
 *  It is a part of `a`: valid until that is changed or goes out of scope. */
ELPQ_API const elpq_statement *elqb_args_statement(elqb_args *a);

/** The first error, which names the call and the parameter; "" if none. */
ELPQ_API const char *elqb_args_error(const elqb_args *a);
ELPQ_API elqb_code elqb_args_error_code(const elqb_args *a);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#define elqb_args_set(a, name, x) elqb_args_set_value(a, name, elpq_val(x))
#define elqb_args_set_at(a, n, x) elqb_args_set_value_at(a, n, elpq_val(x))
#else
template <class T>
inline void elqb_args_set(elqb_args *a, const char *name, T x)
{
    elqb_args_set_value(a, name, elpq_val(x));
}
template <class T> inline void elqb_args_set_at(elqb_args *a, unsigned n, T x)
{
    elqb_args_set_value_at(a, n, elpq_val(x));
}
#endif

#endif

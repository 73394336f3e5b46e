/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file render.h
 * From a statement to SQL text with typed values.
 *
 * elqb_render(q, s), in qb.h, takes any statement, and elqb_text() as one.
 * Its result belongs to the workspace and stays valid, whatever is done with
 * s, until elqb_reset() or elqb_free().  Values point to copies in the
 * workspace as well.  The text depends on the shape of the statement alone,
 * never on the values, so the driver prepares it once.
 *
 * NULL means that this or an earlier call failed: see elqb_error().
 */
#ifndef ELQB_RENDER_H
#define ELQB_RENDER_H

#include "ddl.h"
#include "dml.h"
#include "select.h"
#include "statement.h"

#ifdef __cplusplus
extern "C" {
#endif

ELPQ_API const elpq_statement *elqb_select_render(elqb *q,
                                                  const elqb_select *s);
ELPQ_API const elpq_statement *elqb_insert_render(elqb *q,
                                                  const elqb_insert *i);
ELPQ_API const elpq_statement *elqb_update_render(elqb *q,
                                                  const elqb_update *u);
ELPQ_API const elpq_statement *elqb_delete_render(elqb *q,
                                                  const elqb_delete *d);
ELPQ_API const elpq_statement *elqb_merge_render(elqb *q,
                                                 const elqb_merge *m);
ELPQ_API const elpq_statement *elqb_ddl_render(elqb *q, const elqb_ddl *d);
/** An elqb_text() or elqb_raw() that is a whole statement. */
ELPQ_API const elpq_statement *elqb_text_render(elqb *q, elqb_expr text);

/**
 * The statement as text for logs, every value written into it.  It starts
 * with "<debug>", which no server accepts: nobody runs it by accident.  A
 * bind without a value stands as :name.  NULL on error, as above; the text
 * lives as long as a rendered statement.
 */
ELPQ_API const char *elqb_select_debug(elqb *q, const elqb_select *s);
ELPQ_API const char *elqb_insert_debug(elqb *q, const elqb_insert *i);
ELPQ_API const char *elqb_update_debug(elqb *q, const elqb_update *u);
ELPQ_API const char *elqb_delete_debug(elqb *q, const elqb_delete *d);
ELPQ_API const char *elqb_merge_debug(elqb *q, const elqb_merge *m);
ELPQ_API const char *elqb_ddl_debug(elqb *q, const elqb_ddl *d);
ELPQ_API const char *elqb_text_debug(elqb *q, elqb_expr text);

#ifdef __cplusplus
}
#endif

#endif

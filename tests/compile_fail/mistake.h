/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the mistakes are made with: MISTAKE(name) begins a function that has a
 * thing of every kind.  The name is that of the file, as all files become one
 * source.
 */
#ifndef ELPQ_TESTS_MISTAKE_H
#define ELPQ_TESTS_MISTAKE_H

#include <elpq/elpq.h>
#include <elpq/qb.h>

#define USERS(C) C(id, INT4) C(name, TEXT)
ELQB_TABLE(users, USERS)

#define THINGS                                                                \
    users_t U, elqb *q, elqb_select *s, elqb_insert *i, elqb_update *u,       \
        elqb_delete *d, elqb_merge *m, elqb_when *w, elqb_ddl *ddl,           \
        elqb_compiled *c, elqb_args *a, elpq_pool *pool,                      \
        const char *user_input

#define MISTAKE(name)                                                         \
    void name(THINGS);                                                        \
    void name(THINGS)

#endif

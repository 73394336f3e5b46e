/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a request of the kind BATCH has besides: its statements, each a request
 * that is in no list and never ends by itself.  The batch alone has a place, a
 * deadline and an outcome.
 *
 * send.c gives them to libpq in one go; answer.c fills in what comes back.
 */
#ifndef ELPQ_LIB_BATCH_H
#define ELPQ_LIB_BATCH_H

#include "elpq/batch.h"

struct elpq__batch {
    unsigned n;
    unsigned at;     /* the statement that is being answered; n: all are  */
    unsigned failed; /* the first that failed; n: none                    */
    elpq_batch_cb each;
    elpq_request *statements[];
};

/* Whether one from `index` on up to the failed one may have committed. */
bool elpq__batch_in_doubt(const struct elpq__batch *batch, unsigned index);

#endif

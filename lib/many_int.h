/* SPDX-License-Identifier: PostgreSQL */
/*
 * What many.c and tx.c know of each other: a transaction that rows are being
 * executed in takes nothing else.
 */
#ifndef ELPQ_LIB_MANY_INT_H
#define ELPQ_LIB_MANY_INT_H

#include "conn_int.h"
#include "elpq/many.h"
#include "elpq/tx.h"

struct elpq__many;

/* tx.c: ties the rows to the transaction, or says why it takes nothing. */
int elpq__tx_occupy(elpq_tx *tx, struct elpq__many *many);
void elpq__tx_vacate(elpq_tx *tx);

/* many.c: the transaction is rolled back, and its pointer gone. */
void elpq__many_tx_ended(struct elpq__many *many);

#endif

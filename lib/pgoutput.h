/* SPDX-License-Identifier: PostgreSQL */
/*
 * The decoder of pgoutput's messages, versions 1 to 4 of its protocol.
 *
 * It knows nothing of connections: bytes in, a change out.  A change points
 * into the message and into the decoder, and is good until the next call.
 * The bytes may come from a hostile server.
 */
#ifndef ELPQ_LIB_PGOUTPUT_H
#define ELPQ_LIB_PGOUTPUT_H

#include "elpq/replication.h"
#include "list.h"
#include "result.h"

#define ELPQ__RELATION_BUCKETS 256

struct elpq__pgoutput {
    struct elpq__list relations[ELPQ__RELATION_BUCKETS]; /* by OID         */
    unsigned nrelations;
    unsigned max_relations;
    bool abort_info;      /* STREAM_ABORT has an LSN and a time            */
    bool in_stream;       /* between STREAM_START and STREAM_STOP          */
    uint32_t xid;         /* of the transaction that comes                 */
    elpq_cell *cells;     /* of both rows                                  */
    size_t room;          /* for cells                                     */
    const elpq_relation **truncated;
    size_t truncated_room;
    elpq_result *owner;   /* of what the getters convert                   */
};

void elpq__pgoutput_init(struct elpq__pgoutput *d, unsigned max_relations,
                         bool abort_info);

/* Forgets everything: the next message is the first one of a connection. */
void elpq__pgoutput_reset(struct elpq__pgoutput *d);
void elpq__pgoutput_free(struct elpq__pgoutput *d);

/*
 * Decodes one message.  It writes NUL bytes behind values, so `data` belongs
 * to it, with one byte more than `size`.  0, ELPQ_E_PROTOCOL, ELPQ_E_NOMEM or
 * ELPQ_E_LIMIT (of relations).
 */
int elpq__pgoutput_decode(struct elpq__pgoutput *d, char *data, size_t size,
                          elpq_change *out);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of the test kit share: sockets, the framing of PostgreSQL's
 * messages, and the rules of the proxy.
 */
#ifndef ELPQ_TESTS_KIT_H
#define ELPQ_TESTS_KIT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elpq/testkit.h"

/* ---------------------------------------------------------------- sockets */

/* Sockets that do not block and are closed on exec; < 0, with errno. */

/* Listens on 127.0.0.1, or in a directory; *port 0 becomes the one taken. */
int elpq__kit_listen(const char *directory, int *port);

/* Begins to connect; a refusal may also come later, as SO_ERROR. */
int elpq__kit_connect(const char *host, int port);

/* The next connection, < 0 if there is none. */
int elpq__kit_accept(int listener);

/* Closes with a reset, where the socket knows such a thing. */
void elpq__kit_reset(int fd);

/* The name of a listening Unix socket; false if it is too long. */
bool elpq__kit_socket_path(const char *directory, int port, char *path,
                           size_t size);

/* ----------------------------------------------------------------- frames */

#define KIT_CANCEL 80877102u
#define KIT_SSL 80877103u
#define KIT_GSS 80877104u

/*
 * One direction of a connection, cut into messages.  A copy of it can look
 * ahead.  A length that is none makes the rest opaque: bytes only.
 */
struct elpq__frames {
    bool startup;      /* the next message has no type                     */
    bool byte;         /* the next byte answers an SSLRequest              */
    bool opaque;       /* no messages can be told apart                    */
    char type;         /* of the message under way, 0 at startup           */
    uint8_t head[8];   /* type and length; at startup length and code      */
    unsigned have;     /* bytes of head that are there                     */
    uint64_t left;     /* bytes of the body to come                        */
    bool inside;       /* a message has begun                              */
    uint64_t bytes;
    uint64_t begun;    /* messages that began                              */
    uint64_t complete;
    uint32_t begun_of[128]; /* of each type                                */
    uint32_t code;     /* of the last startup packet                       */
};

/* Whether the next byte begins a message. */
bool elpq__frames_at_start(const struct elpq__frames *f);

/*
 * Takes bytes up to the end of a message, or up to the end of its header, or
 * all; returns how many, at least one.  *ended: a message has.
 */
size_t elpq__frames_take(struct elpq__frames *f, const uint8_t *data,
                         size_t size, bool *ended);

/* ------------------------------------------------------------------ rules */

enum elpq__action {
    ELPQ__DELAY,
    ELPQ__RATE,
    ELPQ__SPLIT,
    ELPQ__COALESCE,
    ELPQ__PAUSE,
    ELPQ__RESUME,
    ELPQ__CUT_FIN,
    ELPQ__CUT_RST,
    ELPQ__CUT_STALL,
    ELPQ__FLIP,
    ELPQ__REFUSE
};

enum elpq__place { ELPQ__NOWHERE, ELPQ__AT_BYTE, ELPQ__AT_MESSAGE };

enum { ELPQ__FROM_CLIENT, ELPQ__FROM_SERVER, ELPQ__WAYS };

struct elpq__rule {
    uint64_t session; /* 0: all                                            */
    bool cancel;
    int way;          /* ELPQ__FROM_CLIENT or so                           */
    enum elpq__action action;
    uint64_t value;   /* milliseconds, bytes, a mask                       */
    enum elpq__place place;
    uint64_t at;
    bool ahead;       /* it counts from what has passed                    */
    char type;        /* 0: any message                                    */
    struct elpq__rule *next;
};

/* Reads a rule; returns what is wrong, or NULL.  *random is the state of the
 * numbers that stand for "?N". */
const char *elpq__rule_parse(const char *text, uint64_t *random,
                             struct elpq__rule *rule);

/* Whether it is about this session, or a cancel connection (0). */
bool elpq__rule_matches(const struct elpq__rule *rule, uint64_t session);

/* Whether it takes effect in front of the next byte, of this type. */
bool elpq__rule_is_here(const struct elpq__rule *rule,
                        const struct elpq__frames *f, uint8_t next);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The script of a fakepg: sections of steps.  Written by script.c when it is
 * read, and not changed afterwards.
 */
#ifndef ELPQ_TESTS_KIT_SCRIPT_H
#define ELPQ_TESTS_KIT_SCRIPT_H

#include "kit.h"

enum elpq__op {
    ELPQ__STARTUP,
    ELPQ__EXPECT,
    ELPQ__UNTIL,
    ELPQ__SEND,
    ELPQ__SERVE,
    ELPQ__ECHO,
    ELPQ__NOTE,
    ELPQ__AWAIT,
    ELPQ__STALL,
    ELPQ__CLOSE,
    ELPQ__RESET
};

#define KIT_NO_NONCE SIZE_MAX

struct elpq__step {
    enum elpq__op op;
    unsigned line;
    char type;       /* of a message; 0: raw bytes                         */
    uint8_t *bytes;  /* of the body, or to be found in it; owned           */
    size_t size;
    size_t nonce;    /* where the client's nonce goes in                   */
    bool lies;       /* `number` is told as the length                     */
    uint64_t number; /* statements to serve, 0: all                        */
};

struct elpq__section {
    struct elpq__step *steps;
    size_t count;
    size_t room;
};

struct elpq__script {
    struct elpq__section *sessions;
    size_t nsessions;
    struct elpq__section cancel;
};

/* Returns what is wrong, with its *line, or NULL. */
const char *elpq__script_parse(const char *text, struct elpq__script *script,
                               unsigned *line);
void elpq__script_free(struct elpq__script *script);

/* Five bytes of type and length, in front of a body of this size. */
void elpq__script_header(uint8_t head[5], char type, uint64_t body);

/* ------------------------------------------------------------------- echo */

#define KIT_ECHO_MAX 1024

/* The statement at hand, as Parse and Bind told it. */
struct elpq__echo {
    bool wanted; /* it has a parameter                                     */
    bool binary; /* so its row was asked for                               */
    char text[KIT_ECHO_MAX]; /* the first parameter                        */
    size_t size;
};

/* Parse tells whether there are parameters. */
void elpq__echo_parse(struct elpq__echo *e, const uint8_t *data, size_t size);

/* Bind brings the first one, and how the row is wanted. */
void elpq__echo_bind(struct elpq__echo *e, const uint8_t *data, size_t size);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file testkit.h
 * Instruments for tests of programs that use elpq, or PostgreSQL in any other
 * way: a proxy that does to a connection what networks do, and a server that
 * follows a script.  failpoints.h has another, calls that fail when told to.
 *
 * They are a static library of their own, libelpq-testkit.a (pkg-config:
 * elpq-testkit).  They run on an event_base, the program's own or another;
 * everything of one base belongs to one thread.  Nothing here calls back: a
 * test turns the loop and looks at what its own callbacks got.  All functions
 * may be called in callbacks of the loop.
 *
 * Everything is reproducible: the same rules, script, seed and bytes from
 * both ends give the same faults.
 */
#ifndef ELPQ_TESTKIT_H
#define ELPQ_TESTKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;

/* ------------------------------------------------------------- faultproxy */

/**
 * A proxy between a client and a PostgreSQL server.  It passes everything on,
 * except for what its rules say.  It tells the messages of the protocol
 * apart, unless the connection is encrypted: then only bytes count.
 */
typedef struct elpq_faultproxy elpq_faultproxy;

/** How a proxy listens, and where it connects to; zeros are defaults. */
typedef struct elpq_faultproxy_options {
    const char *listen_dir;    /**< a directory: listens on a Unix socket
                                    there, .s.PGSQL.<port>; NULL: on TCP,
                                    127.0.0.1                              */
    int listen_port;           /**< 0: one that is free (of a Unix socket,
                                    5432)                                  */
    const char *upstream_host; /**< an IP address, or the directory of a
                                    Unix socket (begins with '/'); NULL:
                                    127.0.0.1                              */
    int upstream_port;         /**< 0: 5432                                */
    uint64_t seed;             /**< of the numbers behind '?' in rules     */
    size_t max_buffered;       /**< bytes held each way of a connection,
                                    then it stops reading; 0: 64 KiB       */
    unsigned max_sessions;     /**< at a time; one more is refused; 0: 1,000 */
    size_t max_recorded;       /**< bytes of recording kept; 0: 1 MiB      */
} elpq_faultproxy_options;

/**
 * Starts to listen.  The strings are copied.  Returns NULL if that fails;
 * errno says why.
 */
elpq_faultproxy *elpq_faultproxy_new(struct event_base *base,
                                     const elpq_faultproxy_options *options);

/** Cuts all connections, and frees the proxy; NULL is fine. */
void elpq_faultproxy_free(elpq_faultproxy *proxy);

/** The port that it listens on. */
int elpq_faultproxy_port(const elpq_faultproxy *proxy);

/**
 * Adds a rule.  Returns NULL, or what is wrong with it, static.  Rules hold
 * for connections accepted later, except for pause, resume and cut now, which
 * are done at once to all that match.  A rule that names a session holds for
 * it even if it is open.
 *
 *     [session N | cancel] [client | server] ACTION [at byte N |
 *                                                    at message N [TYPE]]
 *
 * Without a number all ordinary sessions are meant, they are counted from 1;
 * "cancel" means the connections that bring a CancelRequest.  "client" is
 * what the client sends, "server" (the default) what the server does.
 * Messages and bytes are counted from 1, separately for each direction: a
 * fault comes in front of that byte, or of that message; with a TYPE (a
 * letter of the protocol) only messages of this type count.  "at byte ?N"
 * takes a random number from 1 to N; "+N" and "+?N" count from what has
 * passed when the rule comes to the connection.  The actions:
 *
 *     delay MS         each piece is passed on so much later
 *     rate N           N bytes a second at most
 *     split N          pieces of N bytes at most, each written by itself
 *     coalesce MS      what comes within MS is passed on in one piece
 *     pause            nothing is passed on until "resume"
 *     resume           of what was paused, at once; pauses ahead are dropped
 *     cut fin          ends the connection, in order
 *     cut rst          resets it
 *     cut stall        goes on reading, and passes nothing on ever after
 *     flip MASK        the byte there is changed by exclusive or with MASK
 *     refuse           the connection is closed when it is accepted
 *
 * A place is needed by flip, forbidden with refuse and resume, and otherwise
 * means from there on; cut and pause without a place act at once.
 */
const char *elpq_faultproxy_rule(elpq_faultproxy *proxy, const char *rule);

/**
 * The client of an open session gets these bytes, which no server has sent, at
 * the next place between two messages: now, or when the message that is under
 * way has passed.  Nothing that the server sends is lost.  In an encrypted
 * session the place is here and now.  The bytes are copied.
 *
 * Returns false if the session is not open or was cut, if bytes forged before
 * wait still, or if memory is short.
 */
bool elpq_faultproxy_forge(elpq_faultproxy *proxy, uint64_t session,
                           const void *bytes, size_t size);

/** Forgets all rules; connections that have them keep them. */
void elpq_faultproxy_reset(elpq_faultproxy *proxy);

/** What a proxy has seen. */
typedef struct elpq_faultproxy_stats {
    uint64_t sessions;        /**< accepted, without those for cancel      */
    uint64_t cancels;         /**< connections with a CancelRequest        */
    uint64_t refused;
    uint64_t cuts;            /**< by a rule                               */
    uint64_t open;            /**< now                                     */
    uint64_t paused;          /**< directions of them, by a rule           */
    uint64_t client_bytes;    /**< read from clients                       */
    uint64_t server_bytes;
    uint64_t client_messages; /**< complete ones                           */
    uint64_t server_messages;
} elpq_faultproxy_stats;

void elpq_faultproxy_statistics(const elpq_faultproxy *proxy,
                                elpq_faultproxy_stats *stats);

/**
 * From now on the first session that connects is recorded: as a script which
 * elpq_fakepg_new() plays.  The recording is the proxy's, and good until the
 * next call with this proxy or turn of the loop; "" while there is none, NULL
 * if it became larger than max_recorded, or memory ran out.  It holds what
 * the server sent, in clear.
 */
void elpq_faultproxy_record(elpq_faultproxy *proxy);
const char *elpq_faultproxy_recording(const elpq_faultproxy *proxy);

/* ----------------------------------------------------------------- fakepg */

/** A server that follows a script, on 127.0.0.1. */
typedef struct elpq_fakepg elpq_fakepg;

/**
 * Starts to listen.  NULL if the script is wrong or the socket cannot be had;
 * then *error, unless error is NULL, is a static string.
 *
 * A script has one step a line; # begins a comment.  "session" begins what
 * the next ordinary connection is played, the last such section is played to
 * all that come later; "cancel" begins what is played to a connection with a
 * CancelRequest.  Steps in front of the first such line are a session's.
 *
 *     startup          waits for the StartupMessage; SSLRequest and
 *                      GSSENCRequest in front of it get 'N'
 *     expect TYPE ["TEXT"]
 *                      waits for a message; it must be of this type (a
 *                      letter), and hold these bytes
 *     until TYPE       takes messages up to and with one of this type
 *     send TYPE [length N] BODY...
 *                      sends a message; length N is told instead of the truth
 *     send raw BODY... sends bytes as they are
 *     welcome          what a server sends after authentication, from
 *                      AuthenticationOk to ReadyForQuery
 *     serve [N]        answers N statements (all, without N) as a server
 *                      would where every query is empty: up to and with
 *                      their ReadyForQuery
 *     echo [N]         the same, but a statement with parameters gives one
 *                      row: the first parameter, as a text of up to 1 KiB
 *     note             is counted, see elpq_fakepg_notes()
 *     await cancel     waits until a cancel section has ended
 *     stall            reads on, and does nothing ever after
 *     close | reset    ends the connection, in order or not
 *
 * After its last step a connection reads on until the client ends it.  BODY
 * is "text" with \xHH, \0, \n, \\ and \"; i16 N; i32 N; i64 N; hex DIGITS;
 * and "nonce", what the client sent in its SASLInitialResponse.
 */
elpq_fakepg *elpq_fakepg_new(struct event_base *base, const char *script,
                             const char **error);

/** Ends all connections, and frees the server; NULL is fine. */
void elpq_fakepg_free(elpq_fakepg *server);

int elpq_fakepg_port(const elpq_fakepg *server);

/** How many connections came; how many ran into a step "note"; what was
 *  unexpected first, or NULL: the line of the script, and what came. */
unsigned elpq_fakepg_connections(const elpq_fakepg *server);
unsigned elpq_fakepg_notes(const elpq_fakepg *server);
const char *elpq_fakepg_complaint(const elpq_fakepg *server);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What must come of each cell of the matrix, and the table of it in
 * docs/faults.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

/* Why there is no such cell: a letter of the document. */
#define SAYS_NOTHING  "-a"
#define HAS_SAID_ALL  "-b"
#define ENCRYPTED     "-c"
#define NO_CALLBACK   "-d"
#define NOTHING_ASKED "-e"
#define NO_HANDLE     "-f"

static const char *const outcomes[MANY_STATES][MANY_FAULTS] = {
    [CONNECTING_STATE] = {
        [FIN] = "CONNECT not run, retry",
        [RST] = "CONNECT not run, retry",
        [TRUNCATED] = "CONNECT not run, retry",
        [KILLED] = "CONNECT not run, retry",
        [SHUTDOWN] = "CONNECT not run, retry",
        [TERMINATED] = "CONNECT 57P01 not run, retry",
        [BLACK_HOLE] = "TIMEOUT not run",
        [STALL] = "ok",
        [STOPPED] = SAYS_NOTHING,
        [DEADLINE] = "TIMEOUT not run",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "CONNECT not run, retry",
        [OVERSIZED] = "CONNECT not run, retry",
        [INTERLEAVED] = "CONNECT not run, retry",
        [EXTRA_READY] = "CONNECT not run, retry",
        [CANCEL] = "CANCELED not run",
        [FREED] = NO_CALLBACK,
        [POOL_CLOSE] = "CLOSED not run",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [TLS_STATE] = {
        [FIN] = "CONNECT not run, retry",
        [RST] = "CONNECT not run, retry",
        [TRUNCATED] = "CONNECT not run, retry",
        [KILLED] = "CONNECT not run, retry",
        [SHUTDOWN] = "CONNECT not run, retry",
        [TERMINATED] = ENCRYPTED,
        [BLACK_HOLE] = "TIMEOUT not run",
        [STALL] = "ok",
        [STOPPED] = SAYS_NOTHING,
        [DEADLINE] = "TIMEOUT not run",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "CONNECT not run, retry",
        [OVERSIZED] = "CONNECT not run, retry",
        [INTERLEAVED] = ENCRYPTED,
        [EXTRA_READY] = ENCRYPTED,
        [CANCEL] = "CANCELED not run",
        [FREED] = NO_CALLBACK,
        [POOL_CLOSE] = "CLOSED not run",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [AUTHENTICATING] = {
        [FIN] = "CONNECT not run, retry",
        [RST] = "CONNECT not run, retry",
        [TRUNCATED] = "CONNECT not run, retry",
        [KILLED] = "CONNECT not run, retry",
        [SHUTDOWN] = "CONNECT not run, retry",
        [TERMINATED] = "CONNECT 57P01 not run, retry",
        [BLACK_HOLE] = "TIMEOUT not run",
        [STALL] = "ok",
        [STOPPED] = SAYS_NOTHING,
        [DEADLINE] = "TIMEOUT not run",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "CONNECT not run, retry",
        [OVERSIZED] = "CONNECT not run, retry",
        [INTERLEAVED] = "CONNECT not run, retry",
        [EXTRA_READY] = "CONNECT not run, retry",
        [CANCEL] = "CANCELED not run",
        [FREED] = NO_CALLBACK,
        [POOL_CLOSE] = "CLOSED not run",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [IDLE_IN_POOL] = {
        [FIN] = "ok",
        [RST] = "ok",
        [TRUNCATED] = "ok",
        [KILLED] = "ok",
        [SHUTDOWN] = "ok",
        [TERMINATED] = "ok",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT in doubt",
        [DEADLINE] = NOTHING_ASKED,
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "ok",
        [OVERSIZED] = "ok",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "ok",
        [CANCEL] = NOTHING_ASKED,
        [FREED] = "ended",
        [POOL_CLOSE] = "ended",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [SENT_STATE] = {
        [FIN] = "LOST in doubt, retry",
        [RST] = "LOST in doubt, retry",
        [TRUNCATED] = "LOST in doubt, retry",
        [KILLED] = "LOST in doubt, retry",
        [SHUTDOWN] = "LOST in doubt, retry",
        [TERMINATED] = "LOST 57P01 in doubt, retry",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT in doubt",
        [DEADLINE] = "TIMEOUT 57014",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "PROTOCOL in doubt",
        [OVERSIZED] = "LOST in doubt, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "PROTOCOL in doubt",
        [CANCEL] = "CANCELED 57014",
        [FREED] = "CLOSED in doubt",
        [POOL_CLOSE] = "CLOSED in doubt",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [HALF_A_ROW] = {
        [FIN] = "LOST in doubt, retry",
        [RST] = "LOST in doubt, retry",
        [TRUNCATED] = "LOST in doubt, retry",
        [KILLED] = "ok",
        [SHUTDOWN] = "ok",
        [TERMINATED] = "ok",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = HAS_SAID_ALL,
        [DEADLINE] = "ok",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "PROTOCOL in doubt",
        [OVERSIZED] = "LOST in doubt, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "PROTOCOL in doubt",
        [CANCEL] = "ok",
        [FREED] = "CLOSED in doubt",
        [POOL_CLOSE] = "CLOSED in doubt",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [PAUSED_STREAM] = {
        [FIN] = "LOST in doubt, retry",
        [RST] = "LOST in doubt, retry",
        [TRUNCATED] = "LOST in doubt, retry",
        [KILLED] = "LOST in doubt, retry",
        [SHUTDOWN] = "LOST in doubt, retry",
        [TERMINATED] = "LOST 57P01 in doubt, retry",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT in doubt",
        [DEADLINE] = "TIMEOUT 57014",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "PROTOCOL in doubt",
        [OVERSIZED] = "LOST in doubt, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "PROTOCOL in doubt",
        [CANCEL] = "CANCELED 57014",
        [FREED] = "CLOSED in doubt",
        [POOL_CLOSE] = "CLOSED in doubt",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [PIPELINE] = {
        [FIN] = "LOST in doubt, retry",
        [RST] = "LOST in doubt, retry",
        [TRUNCATED] = "LOST in doubt, retry",
        [KILLED] = "LOST in doubt, retry",
        [SHUTDOWN] = "LOST in doubt, retry",
        [TERMINATED] = "LOST 57P01 in doubt, retry; LOST 57P01 not run, retry",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT in doubt",
        [DEADLINE] = "TIMEOUT 57014; TIMEOUT in doubt",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "PROTOCOL in doubt; LOST in doubt, retry",
        [OVERSIZED] = "LOST in doubt, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "PROTOCOL in doubt; LOST in doubt, retry",
        [CANCEL] = "CANCELED 57014; ok",
        [FREED] = "CLOSED in doubt",
        [POOL_CLOSE] = "CLOSED in doubt",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [PIPELINE_ABORTED] = {
        [FIN] = "SERVER 22012",
        [RST] = "SERVER 22012",
        [TRUNCATED] = "SERVER 22012",
        [KILLED] = "SERVER 22012",
        [SHUTDOWN] = "SERVER 22012",
        [TERMINATED] = "SERVER 22012",
        [BLACK_HOLE] = "SERVER 22012",
        [STALL] = "SERVER 22012",
        [STOPPED] = HAS_SAID_ALL,
        [DEADLINE] = "SERVER 22012",
        [ONE_BYTE] = "SERVER 22012",
        [WRONG_TYPE] = "SERVER 22012",
        [OVERSIZED] = "SERVER 22012",
        [INTERLEAVED] = "SERVER 22012",
        [EXTRA_READY] = "SERVER 22012",
        [CANCEL] = "SERVER 22012",
        [FREED] = "SERVER 22012",
        [POOL_CLOSE] = "SERVER 22012",
        [NO_MEMORY] = "SERVER 22012",
        [NO_DESCRIPTOR] = "SERVER 22012",
    },
    [COPY_IN] = {
        [FIN] = "LOST not run, retry",
        [RST] = "LOST not run, retry",
        [TRUNCATED] = "LOST not run, retry",
        [KILLED] = "LOST not run, retry",
        [SHUTDOWN] = "LOST not run, retry",
        [TERMINATED] = "LOST 57P01 not run, retry",
        [BLACK_HOLE] = "TIMEOUT not run",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT not run",
        [DEADLINE] = "TIMEOUT 57014",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "PROTOCOL in doubt",
        [OVERSIZED] = "LOST not run, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "PROTOCOL in doubt",
        [CANCEL] = "CANCELED 57014",
        [FREED] = "CLOSED not run",
        [POOL_CLOSE] = "CLOSED not run",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [COPY_OUT] = {
        [FIN] = "LOST in doubt, retry",
        [RST] = "LOST in doubt, retry",
        [TRUNCATED] = "LOST in doubt, retry",
        [KILLED] = "LOST in doubt, retry",
        [SHUTDOWN] = "LOST in doubt, retry",
        [TERMINATED] = "LOST 57P01 in doubt, retry",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT in doubt",
        [DEADLINE] = "TIMEOUT 57014",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "PROTOCOL in doubt",
        [OVERSIZED] = "LOST in doubt, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "PROTOCOL in doubt",
        [CANCEL] = "CANCELED 57014",
        [FREED] = "CLOSED in doubt",
        [POOL_CLOSE] = "CLOSED in doubt",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [IN_TRANSACTION] = {
        [FIN] = "ROLLED_BACK not run, retry",
        [RST] = "ROLLED_BACK not run, retry",
        [TRUNCATED] = "ROLLED_BACK not run, retry",
        [KILLED] = "ROLLED_BACK not run, retry",
        [SHUTDOWN] = "ROLLED_BACK not run, retry",
        [TERMINATED] = "ROLLED_BACK not run, retry",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT in doubt",
        [DEADLINE] = NOTHING_ASKED,
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "ROLLED_BACK not run",
        [OVERSIZED] = "ROLLED_BACK not run, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "ROLLED_BACK not run",
        [CANCEL] = NOTHING_ASKED,
        [FREED] = "ended",
        [POOL_CLOSE] = "ended",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [COMMIT_SENT] = {
        [FIN] = "LOST in doubt, retry",
        [RST] = "LOST in doubt, retry",
        [TRUNCATED] = "LOST in doubt, retry",
        [KILLED] = "LOST in doubt, retry",
        [SHUTDOWN] = "LOST in doubt, retry",
        [TERMINATED] = "LOST 57P01 in doubt, retry",
        [BLACK_HOLE] = "TIMEOUT in doubt",
        [STALL] = "ok",
        [STOPPED] = "TIMEOUT in doubt",
        [DEADLINE] = "TIMEOUT 57014",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "PROTOCOL in doubt",
        [OVERSIZED] = "LOST in doubt, retry",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "PROTOCOL in doubt",
        [CANCEL] = NO_HANDLE,
        [FREED] = "CLOSED in doubt",
        [POOL_CLOSE] = "CLOSED in doubt",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [CANCEL_IN_FLIGHT] = {
        [FIN] = "CANCELED in doubt",
        [RST] = "CANCELED in doubt",
        [TRUNCATED] = "CANCELED in doubt",
        [KILLED] = "CANCELED in doubt",
        [SHUTDOWN] = "CANCELED in doubt",
        [TERMINATED] = "CANCELED 57P01 in doubt",
        [BLACK_HOLE] = "CANCELED in doubt",
        [STALL] = "CANCELED 57014",
        [STOPPED] = "CANCELED in doubt",
        [DEADLINE] = "CANCELED 57014",
        [ONE_BYTE] = "CANCELED 57014",
        [WRONG_TYPE] = "CANCELED in doubt",
        [OVERSIZED] = "CANCELED in doubt",
        [INTERLEAVED] = "CANCELED 57014",
        [EXTRA_READY] = "CANCELED in doubt",
        [CANCEL] = "CANCELED 57014",
        [FREED] = "CANCELED in doubt",
        [POOL_CLOSE] = "CANCELED in doubt",
        [NO_MEMORY] = "CANCELED 57014",
        [NO_DESCRIPTOR] = "CANCELED 57014",
    },
    [LISTENING] = {
        [FIN] = "DOWN LOST, UP, GAP",
        [RST] = "DOWN LOST, UP, GAP",
        [TRUNCATED] = "DOWN LOST, UP, GAP",
        [KILLED] = "DOWN LOST, UP, GAP",
        [SHUTDOWN] = "DOWN LOST, UP, GAP",
        [TERMINATED] = "DOWN LOST, UP, GAP",
        [BLACK_HOLE] = "DOWN TIMEOUT, UP, GAP",
        [STALL] = "ok",
        [STOPPED] = "DOWN TIMEOUT, UP, GAP",
        [DEADLINE] = NOTHING_ASKED,
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "DOWN PROTOCOL, UP, GAP",
        [OVERSIZED] = "DOWN LOST, UP, GAP",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "DOWN PROTOCOL, UP, GAP",
        [CANCEL] = NOTHING_ASKED,
        [FREED] = "ended",
        [POOL_CLOSE] = "ended",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
    [RESETTING_STATE] = {
        [FIN] = "ok",
        [RST] = "ok",
        [TRUNCATED] = "ok",
        [KILLED] = "ok or LOST in doubt, retry",
        [SHUTDOWN] = "ok or LOST in doubt, retry",
        [TERMINATED] = "ok or LOST 57P01 in doubt, retry",
        [BLACK_HOLE] = "TIMEOUT not run",
        [STALL] = "ok",
        [STOPPED] = HAS_SAID_ALL,
        [DEADLINE] = "TIMEOUT not run",
        [ONE_BYTE] = "ok",
        [WRONG_TYPE] = "ok",
        [OVERSIZED] = "ok",
        [INTERLEAVED] = "ok",
        [EXTRA_READY] = "ok",
        [CANCEL] = "CANCELED not run",
        [FREED] = "CLOSED not run",
        [POOL_CLOSE] = "CLOSED not run",
        [NO_MEMORY] = "ok",
        [NO_DESCRIPTOR] = "ok",
    },
};

const char *expected_of(enum state_id state, enum fault_id fault)
{
    const char *expected = outcomes[state][fault];

    return *expected == '-' ? NULL : expected;
}

bool is_expected(const char *outcome, const char *expected)
{
    const char *end;

    for (; (end = strstr(expected, " or ")); expected = end + strlen(" or "))
        if (strlen(outcome) == (size_t)(end - expected) &&
            strncmp(outcome, expected, strlen(outcome)) == 0)
            return true;
    return strcmp(outcome, expected) == 0;
}

/* ----------------------------------------------------------------- results */

void table_note(const struct cell *c)
{
    FILE *file = fopen(harness_env("ELPQ_TEST_RESULTS"), "a");

    ck_assert_ptr_nonnull(file);
    fprintf(file, "%d %d\n", (int)c->state, (int)c->fault);
    fclose(file);
}

/* How many cells were well, of how many; prints those that were not. */
static int count_well(const char *results, int *all)
{
    bool well[MANY_STATES][MANY_FAULTS] = { 0 };
    FILE *file = fopen(results, "r");
    int s, f, n = 0;

    while (file && fscanf(file, "%d %d", &s, &f) == 2)
        if (s >= 0 && s < MANY_STATES && f >= 0 && f < MANY_FAULTS)
            well[s][f] = true;
    if (file)
        fclose(file);
    *all = 0;
    for (s = 0; s < MANY_STATES; s++)
        for (f = 0; f < MANY_FAULTS; f++) {
            *all += expected_of((enum state_id)s, (enum fault_id)f) != NULL;
            n += well[s][f];
        }
    return n;
}

/* ---------------------------------------------------------------- the table */

/* The columns of each part; MANY_FAULTS ends it. */
static const struct {
    const char *title;
    enum fault_id first, last;
} parts[] = {
    { "The session ends", FIN, TERMINATED },
    { "Silence, and time", BLACK_HOLE, ONE_BYTE },
    { "A server that errs", WRONG_TYPE, EXTRA_READY },
    { "The user, and the machine", CANCEL, NO_DESCRIPTOR },
};
#define PARTS (int)(sizeof(parts) / sizeof(*parts))

static void print_cell(FILE *to, const char *outcome)
{
    if (*outcome == '-')
        fprintf(to, " (%c) |", outcome[1]);
    else
        fprintf(to, " %s |", outcome);
}

static void print_part(FILE *to, int part)
{
    fprintf(to, "\n### %s\n\n|", parts[part].title);
    for (int f = (int)parts[part].first; f <= (int)parts[part].last; f++)
        fprintf(to, " | %s", faults[f].name);
    fprintf(to, " |\n|---|");
    for (int f = (int)parts[part].first; f <= (int)parts[part].last; f++)
        fprintf(to, "---|");
    for (int s = 0; s < MANY_STATES; s++) {
        fprintf(to, "\n| **%s** |", states[s].name);
        for (int f = (int)parts[part].first; f <= (int)parts[part].last; f++)
            print_cell(to, outcomes[s][f]);
    }
    fprintf(to, "\n");
}

static char *table_text(void)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return NULL;
    for (int part = 0; part < PARTS; part++)
        print_part(to, part);
    fprintf(to, "\n");
    return fclose(to) == 0 ? text : NULL;
}

/* The file's text, or NULL. */
static char *read_all(const char *path)
{
    size_t size = 1 << 20, n;
    char *text = malloc(size);
    FILE *file = text ? fopen(path, "r") : NULL;

    if (!file) {
        perror(path);
        free(text);
        return NULL;
    }
    n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

#define BEGINS "<!-- the table -->\n"
#define ENDS   "<!-- end of the table -->\n"

/* Whether the document has the table; with `update` it gets it. */
static bool document_agrees(const char *path, const char *table, bool update)
{
    char *text = read_all(path);
    char *from = text ? strstr(text, BEGINS) : NULL;
    char *to = from ? strstr(from, ENDS) : NULL;
    bool agrees = false;
    FILE *file;

    if (to) {
        from += strlen(BEGINS);
        agrees = strlen(table) == (size_t)(to - from) &&
                 strncmp(table, from, strlen(table)) == 0;
    }
    if (to && update && !agrees && (file = fopen(path, "w"))) {
        fprintf(file, "%.*s%s%s", (int)(from - text), text, table, to);
        agrees = fclose(file) == 0;
    }
    free(text);
    return agrees;
}

int table_report(const char *results, const char *document, bool update)
{
    char *table = table_text();
    int all, well = count_well(results, &all);
    bool agrees;

    if (!table)
        return -1;
    if (harness_env("ELPQ_TEST_CELL") || harness_slow() > 1) {
        printf("%d of %d cells were run, and well\n", well, all);
        free(table);
        return 0;
    }
    agrees = !document || document_agrees(document, table, update);
    printf("%s\n%d of %d cells are well\n", table, well, all);
    free(table);
    if (!agrees)
        printf("%s has another table: run \"make faults\"\n", document);
    return agrees && (well == all || !harness_own_server()) ? 0 : -1;
}

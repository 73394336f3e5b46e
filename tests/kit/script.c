/* SPDX-License-Identifier: PostgreSQL */
/*
 * Reads the script of a fakepg.  The language is described in elpq/testkit.h.
 */
#include "script.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "out of memory";

/* Where in the text, and the bytes of the body that is being read. */
struct reader {
    const char *at;
    const char *end; /* of the line                                        */
    struct elpq__step *step;
    size_t room;
};

void elpq__script_header(uint8_t head[5], char type, uint64_t body)
{
    uint32_t length = htonl((uint32_t)(body + 4));

    head[0] = (uint8_t)type;
    memcpy(head + 1, &length, sizeof(length));
}

/* ------------------------------------------------------------------ words */

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

/* Takes the word if it comes next. */
static bool word(struct reader *r, const char *expected)
{
    size_t n = strlen(expected);

    skip_blanks(r);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, expected, n) != 0)
        return false;
    if (r->at + n < r->end && !isspace((unsigned char)r->at[n]))
        return false;
    r->at += n;
    return true;
}

static bool number(struct reader *r, int64_t *value)
{
    char *end;

    skip_blanks(r);
    if (r->at == r->end ||
        (!isdigit((unsigned char)*r->at) && *r->at != '-'))
        return false;
    *value = strtoll(r->at, &end, 0);
    if (end == r->at || end > r->end)
        return false;
    r->at = end;
    return true;
}

/* ------------------------------------------------------------------- body */

static bool add(struct reader *r, const void *bytes, size_t size)
{
    struct elpq__step *step = r->step;
    size_t room = r->room ? r->room : 64;
    uint8_t *bigger;

    while (room < step->size + size)
        room *= 2;
    if (room != r->room) {
        bigger = realloc(step->bytes, room);
        if (!bigger)
            return false;
        step->bytes = bigger;
        r->room = room;
    }
    memcpy(step->bytes + step->size, bytes, size);
    step->size += size;
    return true;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at;

    at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Two digits; -1 if they are none. */
static int hex_byte(struct reader *r)
{
    int high, low;

    if (r->end - r->at < 2)
        return -1;
    high = hex_digit(r->at[0]);
    low = hex_digit(r->at[1]);
    if (high < 0 || low < 0)
        return -1;
    r->at += 2;
    return high * 16 + low;
}

/* What follows a backslash; -1: nothing known. */
static int escaped(struct reader *r)
{
    char c = r->at < r->end ? *r->at++ : ' ';

    switch (c) {
    case '0':
        return 0;
    case 'n':
        return '\n';
    case '\\':
    case '"':
        return c;
    case 'x':
        return hex_byte(r);
    default:
        return -1;
    }
}

/* Behind the opening quote. */
static const char *quoted(struct reader *r)
{
    while (r->at < r->end && *r->at != '"') {
        int c = (unsigned char)*r->at++;
        uint8_t byte;

        if (c == '\\')
            c = escaped(r);
        if (c < 0)
            return "unknown escape";
        byte = (uint8_t)c;
        if (!add(r, &byte, 1))
            return no_memory;
    }
    if (r->at == r->end)
        return "a string without its end";
    r->at++;
    return NULL;
}

static const char *hex(struct reader *r)
{
    const char *wrong = "hex needs pairs of digits";
    int byte;

    skip_blanks(r);
    while ((byte = hex_byte(r)) >= 0) {
        uint8_t b = (uint8_t)byte;

        if (!add(r, &b, 1))
            return no_memory;
        wrong = NULL;
        skip_blanks(r);
    }
    return wrong;
}

static const char *integer(struct reader *r, unsigned size)
{
    uint8_t bytes[8];
    int64_t value;

    if (!number(r, &value))
        return "a number is missing";
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * (size - 1 - i)));
    return add(r, bytes, size) ? NULL : no_memory;
}

static const char *body(struct reader *r)
{
    const char *wrong = NULL;

    for (skip_blanks(r); !wrong && r->at < r->end && *r->at != '#';
         skip_blanks(r)) {
        if (*r->at == '"') {
            r->at++;
            wrong = quoted(r);
        } else if (word(r, "i16")) {
            wrong = integer(r, 2);
        } else if (word(r, "i32")) {
            wrong = integer(r, 4);
        } else if (word(r, "i64")) {
            wrong = integer(r, 8);
        } else if (word(r, "hex")) {
            wrong = hex(r);
        } else if (word(r, "nonce")) {
            r->step->nonce = r->step->size;
        } else {
            wrong = "not a part of a message";
        }
    }
    return wrong;
}

/* ------------------------------------------------------------------ steps */

static bool letter(struct reader *r, char *type)
{
    skip_blanks(r);
    if (r->at == r->end || isspace((unsigned char)*r->at) ||
        (r->at + 1 < r->end && !isspace((unsigned char)r->at[1])))
        return false;
    *type = *r->at++;
    return true;
}

static const char *parse_send(struct reader *r)
{
    int64_t length;

    r->step->op = ELPQ__SEND;
    if (!word(r, "raw") && !letter(r, &r->step->type))
        return "send needs a message type, or raw";
    if (r->step->type && word(r, "length")) {
        if (!number(r, &length))
            return "length needs a number";
        r->step->lies = true;
        r->step->number = (uint64_t)length;
    }
    return body(r);
}

static const char *parse_expect(struct reader *r, enum elpq__op op)
{
    r->step->op = op;
    if (!letter(r, &r->step->type))
        return "a message type is one letter";
    return op == ELPQ__EXPECT ? body(r) : NULL;
}

/* From AuthenticationOk to ReadyForQuery. */
static const char *parse_welcome(struct reader *r)
{
    static const char *const text =
        "hex 520000000800000000"
        " \"S\" i32 24 \"server_version\\0\" \"15.0\\0\""
        " \"S\" i32 25 \"client_encoding\\0\" \"UTF8\\0\""
        " \"S\" i32 35 \"standard_conforming_strings\\0\" \"on\\0\""
        " \"S\" i32 25 \"integer_datetimes\\0\" \"on\\0\""
        " \"S\" i32 23 \"DateStyle\\0\" \"ISO, MDY\\0\""
        " \"S\" i32 27 \"IntervalStyle\\0\" \"postgres\\0\""
        " \"K\" i32 12 i32 1 i32 2"
        " \"Z\" i32 5 \"I\"";
    struct reader own = { text, text + strlen(text), r->step, 0 };

    r->step->op = ELPQ__SEND;
    return body(&own);
}

static const char *parse_serve(struct reader *r, enum elpq__op op)
{
    int64_t n;

    r->step->op = op;
    skip_blanks(r);
    if (r->at == r->end || *r->at == '#')
        return NULL;
    if (!number(r, &n) || n < 1)
        return "serve and echo need a number from 1";
    r->step->number = (uint64_t)n;
    return NULL;
}

static const char *parse_step(struct reader *r)
{
    static const struct {
        const char *word;
        enum elpq__op op;
    } plain[] = { { "startup", ELPQ__STARTUP }, { "note", ELPQ__NOTE },
                  { "await cancel", ELPQ__AWAIT }, { "stall", ELPQ__STALL },
                  { "close", ELPQ__CLOSE }, { "reset", ELPQ__RESET } };

    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
        if (word(r, plain[i].word)) {
            r->step->op = plain[i].op;
            return NULL;
        }
    if (word(r, "expect"))
        return parse_expect(r, ELPQ__EXPECT);
    if (word(r, "until"))
        return parse_expect(r, ELPQ__UNTIL);
    if (word(r, "send"))
        return parse_send(r);
    if (word(r, "welcome"))
        return parse_welcome(r);
    if (word(r, "serve"))
        return parse_serve(r, ELPQ__SERVE);
    if (word(r, "echo"))
        return parse_serve(r, ELPQ__ECHO);
    return "no such step";
}

/* --------------------------------------------------------------- sections */

static struct elpq__step *new_step(struct elpq__section *s)
{
    struct elpq__step *step;

    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        struct elpq__step *bigger = realloc(s->steps, room * sizeof(*bigger));

        if (!bigger)
            return NULL;
        s->steps = bigger;
        s->room = room;
    }
    step = &s->steps[s->count++];
    memset(step, 0, sizeof(*step));
    step->nonce = KIT_NO_NONCE;
    return step;
}

static struct elpq__section *new_session(struct elpq__script *script)
{
    size_t n = script->nsessions + 1;
    struct elpq__section *bigger =
        realloc(script->sessions, n * sizeof(*bigger));

    if (!bigger)
        return NULL;
    script->sessions = bigger;
    script->nsessions = n;
    memset(&bigger[n - 1], 0, sizeof(*bigger));
    return &bigger[n - 1];
}

/* One line, into the section that is open; it may open another. */
static const char *parse_line(struct reader *r, struct elpq__script *script,
                              struct elpq__section **open, unsigned line)
{
    const char *wrong = NULL;

    skip_blanks(r);
    if (r->at == r->end || *r->at == '#')
        return NULL;
    if (word(r, "cancel")) {
        *open = &script->cancel;
    } else if (word(r, "session")) {
        *open = new_session(script);
    } else {
        if (!*open)
            *open = new_session(script);
        r->step = *open ? new_step(*open) : NULL;
        if (!r->step)
            return no_memory;
        r->step->line = line;
        wrong = parse_step(r);
    }
    if (!*open)
        return no_memory;
    skip_blanks(r);
    if (!wrong && r->at < r->end && *r->at != '#')
        wrong = "there is more than a step";
    return wrong;
}

const char *elpq__script_parse(const char *text, struct elpq__script *script,
                               unsigned *line)
{
    struct elpq__section *open = NULL;

    memset(script, 0, sizeof(*script));
    for (*line = 1; *text; (*line)++) {
        const char *end = text + strcspn(text, "\n");
        struct reader r = { text, end, NULL, 0 };
        const char *wrong = parse_line(&r, script, &open, *line);

        if (wrong)
            return wrong;
        text = *end ? end + 1 : end;
    }
    return script->nsessions || script->cancel.count ? NULL
                                                     : "there is no step";
}

static void free_section(struct elpq__section *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->steps[i].bytes);
    free(s->steps);
}

void elpq__script_free(struct elpq__script *script)
{
    for (size_t i = 0; i < script->nsessions; i++)
        free_section(&script->sessions[i]);
    free(script->sessions);
    free_section(&script->cancel);
    memset(script, 0, sizeof(*script));
}

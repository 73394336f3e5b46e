/* SPDX-License-Identifier: PostgreSQL */
/*
 * The rules of the proxy: their text, and where they take effect.  The
 * language is described in elpq/testkit.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"

#define RULE_MAX 200

/* Words of a rule, taken from the front. */
struct words {
    char text[RULE_MAX];
    char *next;
};

static char *word(struct words *w)
{
    return strtok_r(NULL, " \t", &w->next);
}

/* xorshift64*; the same numbers on every machine. */
static uint64_t random_to(uint64_t *state, uint64_t limit)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * 0x2545F4914F6CDD1Du >> 33) % limit + 1;
}

/* A number from 1, or one made from "?N"; 0 if it is none. */
static uint64_t number(const char *text, uint64_t *random)
{
    bool chance = random && text && *text == '?';
    char *end = NULL;
    uint64_t value;

    if (!text || text[chance] < '0' || text[chance] > '9')
        return 0;
    value = strtoull(text + chance, &end, 0);
    if (*end || value > UINT32_MAX)
        return 0;
    return chance && value ? random_to(random, value) : value;
}

static const struct {
    const char *word;
    const char *second; /* word                                            */
    enum elpq__action action;
    bool value;
} actions[] = {
    { "delay", NULL, ELPQ__DELAY, true },
    { "rate", NULL, ELPQ__RATE, true },
    { "split", NULL, ELPQ__SPLIT, true },
    { "coalesce", NULL, ELPQ__COALESCE, true },
    { "pause", NULL, ELPQ__PAUSE, false },
    { "resume", NULL, ELPQ__RESUME, false },
    { "cut", "fin", ELPQ__CUT_FIN, false },
    { "cut", "rst", ELPQ__CUT_RST, false },
    { "cut", "stall", ELPQ__CUT_STALL, false },
    { "flip", NULL, ELPQ__FLIP, true },
    { "refuse", NULL, ELPQ__REFUSE, false },
};

static bool equal(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static const char *parse_action(struct words *w, const char *first,
                                struct elpq__rule *rule)
{
    const char *second = equal(first, "cut") ? word(w) : NULL;

    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (!equal(first, actions[i].word) ||
            (actions[i].second && !equal(second, actions[i].second)))
            continue;
        rule->action = actions[i].action;
        if (!actions[i].value)
            return NULL;
        rule->value = number(word(w), NULL);
        return rule->value ? NULL : "the action needs a number";
    }
    return "no such action";
}

static const char *parse_place(struct words *w, uint64_t *random,
                               struct elpq__rule *rule)
{
    const char *at = word(w), *what = word(w), *count, *type;

    if (!at)
        return NULL;
    if (!equal(at, "at"))
        return "\"at\" is missing";
    if (equal(what, "byte"))
        rule->place = ELPQ__AT_BYTE;
    else if (equal(what, "message"))
        rule->place = ELPQ__AT_MESSAGE;
    else
        return "a place is at byte N or at message N";
    count = word(w);
    rule->ahead = count && *count == '+';
    rule->at = number(rule->ahead ? count + 1 : count, random);
    if (!rule->at)
        return "the place needs a number";
    type = word(w);
    if (!type)
        return NULL;
    if (rule->place != ELPQ__AT_MESSAGE || strlen(type) != 1 ||
        (unsigned char)*type > 127)
        return "a message type is one letter";
    rule->type = *type;
    return word(w) ? "there is more than a rule" : NULL;
}

static const char *parse_scope(struct words *w, char **first,
                               struct elpq__rule *rule)
{
    rule->way = ELPQ__FROM_SERVER;
    if (equal(*first, "session")) {
        rule->session = number(word(w), NULL);
        if (!rule->session)
            return "sessions are counted from 1";
        *first = word(w);
    } else if (equal(*first, "cancel")) {
        rule->cancel = true;
        *first = word(w);
    }
    if (equal(*first, "client") || equal(*first, "server")) {
        rule->way = equal(*first, "client") ? ELPQ__FROM_CLIENT
                                            : ELPQ__FROM_SERVER;
        *first = word(w);
    }
    return *first ? NULL : "no action";
}

const char *elpq__rule_parse(const char *text, uint64_t *random,
                             struct elpq__rule *rule)
{
    struct words w;
    const char *wrong;
    char *first;

    memset(rule, 0, sizeof(*rule));
    if (strlen(text) >= sizeof(w.text))
        return "the rule is too long";
    strcpy(w.text, text);
    first = strtok_r(w.text, " \t", &w.next);
    wrong = parse_scope(&w, &first, rule);
    if (!wrong)
        wrong = parse_action(&w, first, rule);
    if (!wrong)
        wrong = parse_place(&w, random, rule);
    if (wrong)
        return wrong;
    if (rule->action == ELPQ__FLIP &&
        (rule->place != ELPQ__AT_BYTE || rule->value > 255))
        return "flip MASK (up to 255) needs a byte";
    if ((rule->action == ELPQ__REFUSE || rule->action == ELPQ__RESUME) &&
        rule->place != ELPQ__NOWHERE)
        return "the action has no place";
    return NULL;
}

bool elpq__rule_matches(const struct elpq__rule *rule, uint64_t session)
{
    if (rule->cancel || session == 0)
        return rule->cancel && session == 0;
    return rule->session == 0 || rule->session == session;
}

bool elpq__rule_is_here(const struct elpq__rule *rule,
                        const struct elpq__frames *f, uint8_t next)
{
    if (rule->place == ELPQ__AT_BYTE)
        return f->bytes + 1 == rule->at;
    if (!elpq__frames_at_start(f) || f->byte)
        return false;
    if (!rule->type)
        return f->begun + 1 == rule->at;
    return !f->startup && next == (uint8_t)rule->type &&
           f->begun_of[next] + 1u == rule->at;
}

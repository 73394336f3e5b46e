/* SPDX-License-Identifier: PostgreSQL */
/*
 * Plain text in patterns: what LIKE and regular expressions take for special
 * is escaped by a backslash, which is the server's own rule without ESCAPE.
 *
 * The patterns are values, so they become parameters like all others.
 */
#include "internal.h"

/* A copy with a backslash before each of the special characters. */
static char *escape(elqb *q, const char *function, const char *special,
                    const char *before, const char *text, const char *after)
{
    char *pattern, *p;

    if (elqb__failed(q))
        return NULL;
    if (!text) {
        elqb__fail(q, ELQB_E_USAGE, "%s: the text is NULL", function);
        return NULL;
    }
    pattern = p = elqb__alloc(q, 2 * strlen(text) + 3);
    if (!pattern)
        return NULL;
    if (*before)
        *p++ = *before;
    for (; *text; text++) {
        if (strchr(special, *text))
            *p++ = '\\';
        *p++ = *text;
    }
    if (*after)
        *p++ = *after;
    *p = '\0';
    return pattern;
}

#define LIKE_SPECIAL "%_\\"
/* All that is special somewhere in a regular expression: in brackets, with
 * the option x, or in front. */
#define REGEX_SPECIAL "\\.^$*+?()[]{}|-#&~: \t\n\v\f\r"

const char *elqb_like_text(elqb *q, const char *text)
{
    return escape(q, "elqb_like_text", LIKE_SPECIAL, "", text, "");
}

const char *elqb_regex_text(elqb *q, const char *text)
{
    return escape(q, "elqb_regex_text", REGEX_SPECIAL, "", text, "");
}

/* clang-format off */
#define DEFINE_PLAIN(name, operator, before, after)                           \
    elqb_expr elqb_##name(elqb *q, elqb_expr a, const char *text)             \
    {                                                                         \
        const char *p = escape(q, "elqb_" #name, LIKE_SPECIAL, before, text,  \
                               after);                                        \
                                                                              \
        return elqb_##operator(q, a, elqb_value(elpq_text(p)));               \
    }
DEFINE_PLAIN(starts_with,  like,  "",  "%")
DEFINE_PLAIN(ends_with,    like,  "%", "")
DEFINE_PLAIN(has_text,     like,  "%", "%")
DEFINE_PLAIN(istarts_with, ilike, "",  "%")
DEFINE_PLAIN(iends_with,   ilike, "%", "")
DEFINE_PLAIN(ihas_text,    ilike, "%", "%")
/* clang-format on */

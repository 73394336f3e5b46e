/* SPDX-License-Identifier: PostgreSQL */
/*
 * The error of a workspace: a code and a text, in the workspace itself, so
 * that out of memory can be reported too.  The first error stays until
 * elqb_reset(), because what comes later is usually a consequence.
 *
 * Any file of the builder may call elqb__fail().
 */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

const char *elqb_error(const elqb *q)
{
    return q ? q->message : "out of memory";
}

elqb_code elqb_error_code(const elqb *q)
{
    return q ? q->code : ELQB_E_NOMEM;
}

/* Names in messages are the caller's: what is no text becomes '?'. */
static void make_printable(char *s)
{
    while (*s) {
        size_t good = elqb__check_utf8(s, strlen(s));

        for (size_t i = 0; i < good; i++)
            if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
                s[i] = '?';
        s += good;
        if (*s)
            *s++ = '?';
    }
}

void elqb__print_error(char *message, const char *format, va_list args)
{
    vsnprintf(message, ELQB_ERROR_SIZE, format, args);
    make_printable(message);
}

void elqb__fail(elqb *q, elqb_code code, const char *format, ...)
{
    va_list args;

    if (elqb__failed(q))
        return;
    q->code = code;
    va_start(args, format);
    elqb__print_error(q->message, format, args);
    va_end(args);
}

void elqb__report_stale(const elqb *owner, const char *function)
{
    if (owner && owner->stale_of)
        elqb__fail(owner->stale_of, ELQB_E_FOREIGN,
                   "%s: the statement is from before elqb_reset()", function);
}

void elqb__rename_error(elqb *q, const char *function)
{
    static const char renderer[] = "elqb_render";
    size_t size = sizeof(renderer) - 1;
    char rest[ELQB_ERROR_SIZE];

    if (strncmp(q->message, renderer, size) != 0 || q->message[size] != ':')
        return;
    strcpy(rest, q->message + size);
    snprintf(q->message, sizeof(q->message), "%s%s", function, rest);
    make_printable(q->message); /* it may have been cut within a character */
}

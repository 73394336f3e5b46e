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

void elqb__fail(elqb *q, elqb_code code, const char *format, ...)
{
    va_list args;

    if (elqb__failed(q))
        return;
    q->code = code;
    va_start(args, format);
    vsnprintf(q->message, sizeof(q->message), format, args);
    va_end(args);
    make_printable(q->message);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Identifiers and UTF-8.  A name is always written quoted, with " doubled; one
 * that the server would refuse, or silently cut at 63 bytes, is an error that
 * shows it.
 *
 * Called by constructors that take names, and by the renderer.
 */
#include "internal.h"

#include "renderer.h"

#define NAME_MAX_BYTES 63

/* The length of the UTF-8 sequence at s, 0 if it is none. */
static size_t sequence_length(const unsigned char *s, size_t left)
{
    size_t n;
    uint32_t c;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (n > left)
        return 0;
    c = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    /* Overlong forms, surrogates, and what is beyond Unicode. */
    if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
        (c >= 0xd800 && c <= 0xdfff))
        return 0;
    return n;
}

size_t elqb__check_utf8(const char *s, size_t size)
{
    size_t i = 0;

    while (i < size) {
        size_t n = sequence_length((const unsigned char *)s + i, size - i);

        if (n == 0)
            break;
        i += n;
    }
    return i;
}

bool elqb__check_name(elqb *q, const char *what, const char *name)
{
    size_t size = name ? strlen(name) : 0;

    if (size == 0)
        elqb__fail(q, ELQB_E_NAME, "%s: the name is empty", what);
    else if (size > NAME_MAX_BYTES)
        elqb__fail(q, ELQB_E_NAME, "%s: the name \"%.63s\"... is longer "
                   "than 63 bytes", what, name);
    else if (elqb__check_utf8(name, size) != size)
        elqb__fail(q, ELQB_E_NAME, "%s: the name \"%s\" is not valid UTF-8",
                   what, name);
    return !elqb__failed(q);
}

bool elqb__keep_name(elqb *q, const char *what, const char **name)
{
    return elqb__check_name(q, what, *name) &&
           (*name = elqb__copy_string(q, *name)) != NULL;
}

bool elqb__keep_optional(elqb *q, const char *what, const char **name)
{
    return !*name || elqb__keep_name(q, what, name);
}

/* The name has something other than ASCII in it, or is to be refused. */
static void put_odd_name(struct elqb__render *r, const char *name)
{
    if (!elqb__check_name(r->q, "elqb_render", name))
        return;
    elqb__put_char(r, '"');
    for (; *name; name++) {
        if (*name == '"')
            elqb__put_char(r, '"');
        elqb__put_char(r, *name);
    }
    elqb__put_char(r, '"');
}

/* Nearly all names are short and plain: copy and check in one loop. */
void elqb__put_name(struct elqb__render *r, const char *name)
{
    size_t i = 0;
    char *out;

    if (!name || !elqb__room(r, NAME_MAX_BYTES + 2)) {
        put_odd_name(r, name);
        return;
    }
    out = r->text + r->len;
    *out++ = '"';
    for (; i < NAME_MAX_BYTES; i++) {
        char c = name[i];

        if ((signed char)c <= 0 || c == '"') /* the end, or beyond ASCII */
            break;
        out[i] = c;
    }
    if (i == 0 || name[i]) {
        put_odd_name(r, name);
        return;
    }
    out[i] = '"';
    r->len += i + 2;
}

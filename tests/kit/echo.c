/* SPDX-License-Identifier: PostgreSQL */
/*
 * What an echoing fakepg keeps of a statement.  The messages are whole, but
 * what they hold may be anything.
 */
#include <arpa/inet.h>
#include <string.h>

#include "script.h"

static uint32_t length_at(const uint8_t *p)
{
    uint32_t length;

    memcpy(&length, p, sizeof(length));
    return ntohl(length);
}

/* A number of 2 bytes, or 0 behind the end; *at moves behind it. */
static size_t short_at(const uint8_t *data, size_t size, size_t *at)
{
    size_t n = 0;

    if (*at + 2 <= size)
        n = (size_t)data[*at] << 8 | data[*at + 1];
    *at += 2;
    return n;
}

/* Behind the strings that begin a message. */
static size_t behind_strings(const uint8_t *data, size_t size, int n)
{
    size_t at = 5;

    for (; n > 0 && at < size; n--)
        at += strnlen((const char *)data + at, size - at) + 1;
    return at;
}

void elpq__echo_parse(struct elpq__echo *e, const uint8_t *data, size_t size)
{
    size_t at = behind_strings(data, size, 2);

    e->wanted = short_at(data, size, &at) > 0;
}

void elpq__echo_bind(struct elpq__echo *e, const uint8_t *data, size_t size)
{
    size_t at = behind_strings(data, size, 2), n;

    at += 2 * short_at(data, size, &at);
    n = short_at(data, size, &at);
    e->wanted = n > 0;
    e->size = 0;
    for (size_t i = 0; i < n && at + 4 <= size; i++) {
        uint32_t length = length_at(data + at);

        at += 4;
        if (length > size - at) /* NULL, or a lie */
            continue;
        if (i == 0 && length <= KIT_ECHO_MAX) {
            memcpy(e->text, data + at, length);
            e->size = length;
        }
        at += length;
    }
    e->binary = short_at(data, size, &at) > 0 && short_at(data, size, &at) > 0;
}

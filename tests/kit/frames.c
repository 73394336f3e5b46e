/* SPDX-License-Identifier: PostgreSQL */
/*
 * Where PostgreSQL's messages begin and end: a type and a length that counts
 * itself; without a type before the session has started.
 */
#include <arpa/inet.h>
#include <string.h>

#include "kit.h"

#define MESSAGE_MAX 0x7fffffffu

bool elpq__frames_at_start(const struct elpq__frames *f)
{
    return !f->opaque && !f->inside;
}

static unsigned head_size(const struct elpq__frames *f)
{
    return f->startup ? 8 : 5;
}

static uint32_t word_at(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof(word));
    return ntohl(word);
}

static void begin(struct elpq__frames *f, uint8_t first)
{
    f->inside = true;
    f->have = 0;
    f->type = f->startup ? 0 : (char)(first & 0x7f);
    f->begun++;
    f->begun_of[(unsigned char)f->type]++;
}

static void end(struct elpq__frames *f)
{
    f->inside = false;
    f->have = 0;
    f->complete++;
    if (f->startup)
        f->startup = f->code == KIT_SSL || f->code == KIT_GSS;
}

/* The header is there: how long is the rest? */
static void measure(struct elpq__frames *f)
{
    uint32_t length = word_at(f->startup ? f->head : f->head + 1);
    uint32_t known = f->startup ? 8 : 4;

    if (length < known || length > MESSAGE_MAX) {
        f->opaque = true;
        f->inside = false;
        return;
    }
    if (f->startup)
        f->code = word_at(f->head + 4);
    f->left = length - known;
}

size_t elpq__frames_take(struct elpq__frames *f, const uint8_t *data,
                         size_t size, bool *ended)
{
    size_t taken;

    *ended = false;
    if (f->opaque || f->byte) {
        taken = f->opaque ? size : 1;
        f->byte = false;
        f->bytes += taken;
        return taken;
    }
    if (!f->inside)
        begin(f, *data);
    if (f->have < head_size(f)) {
        taken = head_size(f) - f->have;
        taken = taken < size ? taken : size;
        memcpy(f->head + f->have, data, taken);
        f->have += (unsigned)taken;
        if (f->have == head_size(f))
            measure(f);
    } else {
        taken = f->left < size ? (size_t)f->left : size;
        f->left -= taken;
    }
    f->bytes += taken;
    if (f->inside && f->have == head_size(f) && f->left == 0) {
        end(f);
        *ended = true;
    }
    return taken;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of what is text or bytes already: the text family, xml, "char",
 * jsonb, bytea, uuid, and what the program reads itself.
 */
#include "codec.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

/* ------------------------------------------------------------------ text */

static int text_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    (void)codec;
    elpq__buf_add(out, data, size);
    return 0;
}

/* Text, or bytes that are said to be text. */
static int text_of(const struct elpq__codec *codec, const elpq_value *v,
                   struct elpq__why *why)
{
    if (v->kind != ELPQ_KIND_TEXT && v->kind != ELPQ_KIND_BYTES)
        return ELPQ__AS_TEXT;
    if (v->u.bytes.size && memchr(v->u.bytes.data, '\0', v->u.bytes.size))
        return elpq__refuse(why, "a value of type %s has a NUL byte inside",
                            codec->name);
    return 0;
}

static int text_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    int rc = text_of(codec, v, why);

    if (!rc)
        elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    return rc;
}

const struct elpq__codec_ops elpq__text_ops = { .print = text_print,
                                                .encode = text_encode };

/* ------------------------------------------------------------------- xml */

/*
 * In binary, the server reads a document in the encoding that it declares;
 * text is in that of the connection, whatever is declared, and goes as text.
 */
static int xml_encode(const struct elpq__codec *codec, const elpq_value *v,
                      struct elpq__buf *out, struct elpq__why *why)
{
    if (v->kind != ELPQ_KIND_BYTES)
        return ELPQ__AS_TEXT;
    return text_encode(codec, v, out, why);
}

const struct elpq__codec_ops elpq__xml_ops = { .print = text_print,
                                               .encode = xml_encode };

/* ---------------------------------------------------------------- "char" */

/*
 * One byte, where zero stands for the empty string.  A byte that is no ASCII
 * would not be valid UTF-8, and is written \ooo as PostgreSQL 16 does.
 */
static int char_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    unsigned char c;

    (void)codec;
    if (size != 1)
        return ELPQ_E_DECODE;
    c = (unsigned char)*data;
    if (c & 0x80) {
        elpq__buf_add_byte(out, '\\');
        elpq__buf_add_byte(out, (char)('0' + (c >> 6)));
        elpq__buf_add_byte(out, (char)('0' + (c >> 3 & 7)));
        elpq__buf_add_byte(out, (char)('0' + (c & 7)));
    } else if (c) {
        elpq__buf_add_byte(out, (char)c);
    }
    return 0;
}

/* The server's reading of longer text as one byte is left to the server. */
static int char_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    int rc = text_of(codec, v, why);

    if (rc)
        return rc;
    if (v->u.bytes.size != 1)
        return ELPQ__AS_TEXT;
    elpq__buf_add_byte(out, *v->u.bytes.data);
    return 0;
}

const struct elpq__codec_ops elpq__char_ops = { .print = char_print,
                                                .encode = char_encode };

/* ----------------------------------------------------------------- jsonb */

#define JSONB_VERSION 1

static int jsonb_print(const struct elpq__codec *codec, const char *data,
                       size_t size, struct elpq__buf *out)
{
    (void)codec;
    if (size < 1 || *data != JSONB_VERSION)
        return ELPQ_E_DECODE;
    elpq__buf_add(out, data + 1, size - 1);
    return 0;
}

static int jsonb_encode(const struct elpq__codec *codec, const elpq_value *v,
                        struct elpq__buf *out, struct elpq__why *why)
{
    int rc = text_of(codec, v, why);

    if (rc)
        return rc;
    elpq__buf_add_byte(out, JSONB_VERSION);
    elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    return 0;
}

const struct elpq__codec_ops elpq__jsonb_ops = { .print = jsonb_print,
                                                 .encode = jsonb_encode };

/* ----------------------------------------------------------------- bytea */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int elpq__parse_hex(const char *text, uint8_t *out)
{
    int high = hex_value(text[0]);
    int low = high < 0 ? -1 : hex_value(text[1]);

    if (low < 0)
        return ELPQ_E_DECODE;
    *out = (uint8_t)(high << 4 | low);
    return 0;
}

static int parse_hex(const char *text, size_t size, struct elpq__buf *out)
{
    char *p;
    size_t i;

    if (size % 2)
        return ELPQ_E_DECODE;
    p = elpq__buf_extend(out, size / 2);
    if (!p)
        return ELPQ_E_NOMEM;
    for (i = 0; i < size; i += 2)
        if (elpq__parse_hex(text + i, (uint8_t *)p + i / 2))
            return ELPQ_E_DECODE;
    return 0;
}

/* The form of bytea_output = escape: \\ is a backslash, \ooo an octal. */
static int parse_escape(const char *text, size_t size, struct elpq__buf *out)
{
    char *p = elpq__buf_reserve(out, size);
    size_t n = 0;
    size_t i = 0;

    if (!p)
        return ELPQ_E_NOMEM;
    while (i < size) {
        if (text[i] != '\\') {
            p[n++] = text[i++];
        } else if (size - i >= 2 && text[i + 1] == '\\') {
            p[n++] = '\\';
            i += 2;
        } else if (size - i >= 4 && text[i + 1] >= '0' && text[i + 1] <= '3' &&
                   text[i + 2] >= '0' && text[i + 2] <= '7' &&
                   text[i + 3] >= '0' && text[i + 3] <= '7') {
            p[n++] = (char)((text[i + 1] - '0') << 6 |
                            (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
            i += 4;
        } else {
            return ELPQ_E_DECODE;
        }
    }
    out->size += n;
    return 0;
}

int elpq__parse_bytea(const char *text, size_t size, struct elpq__buf *out)
{
    if (size >= 2 && text[0] == '\\' && text[1] == 'x')
        return parse_hex(text + 2, size - 2, out);
    return parse_escape(text, size, out);
}

void elpq__print_bytea(struct elpq__buf *out, const char *data, size_t size)
{
    char *p;
    size_t i;

    elpq__buf_add(out, "\\x", 2);
    p = size <= SIZE_MAX / 2 ? elpq__buf_extend(out, 2 * size) : NULL;
    if (!p) {
        out->failed = true;
        return;
    }
    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        p[2 * i] = hex_digits[c >> 4];
        p[2 * i + 1] = hex_digits[c & 15];
    }
}

static int bytea_print(const struct elpq__codec *codec, const char *data,
                       size_t size, struct elpq__buf *out)
{
    (void)codec;
    elpq__print_bytea(out, data, size);
    return 0;
}

static int bytea_encode(const struct elpq__codec *codec, const elpq_value *v,
                        struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)why;
    if (v->kind != ELPQ_KIND_BYTES)
        return ELPQ__AS_TEXT;
    elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    return 0;
}

const struct elpq__codec_ops elpq__bytea_ops = { .print = bytea_print,
                                                 .encode = bytea_encode };

/* ------------------------------------------------------------------- raw */

/* Bytes that mean something to the program alone: they have no text. */
static int raw_print(const struct elpq__codec *codec, const char *data,
                     size_t size, struct elpq__buf *out)
{
    (void)codec, (void)data, (void)size, (void)out;
    return ELPQ_E_TYPE;
}

/* Bytes are its binary form, as they are of types that nobody knows. */
static int raw_encode(const struct elpq__codec *codec, const elpq_value *v,
                      struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)why;
    if (v->kind != ELPQ_KIND_BYTES && v->kind != ELPQ_KIND_RAW)
        return ELPQ__AS_TEXT;
    elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    return 0;
}

const struct elpq__codec_ops elpq__raw_ops = { .print = raw_print,
                                               .encode = raw_encode };

/* ------------------------------------------------------------------ uuid */

#define UUID_SIZE 16

static bool is_group_end(int i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void elpq__print_uuid(struct elpq__buf *out, const uint8_t uuid[16])
{
    char *p = elpq__buf_extend(out, 36);
    int i;

    for (i = 0; p && i < UUID_SIZE; i++) {
        if (is_group_end(i))
            *p++ = '-';
        *p++ = hex_digits[uuid[i] >> 4];
        *p++ = hex_digits[uuid[i] & 15];
    }
}

static int uuid_decode(const struct elpq__codec *codec, const char *data,
                       size_t size, elpq_value *out)
{
    (void)codec;
    if (size != UUID_SIZE)
        return ELPQ_E_DECODE;
    memcpy(out->u.uuid, data, UUID_SIZE);
    return 0;
}

static int uuid_parse(const struct elpq__codec *codec, const char *text,
                      size_t size, elpq_value *out)
{
    int i;

    (void)codec;
    if (size != 36)
        return ELPQ_E_DECODE;
    for (i = 0; i < UUID_SIZE; i++) {
        if (is_group_end(i) && *text++ != '-')
            return ELPQ_E_DECODE;
        if (elpq__parse_hex(text, &out->u.uuid[i]))
            return ELPQ_E_DECODE;
        text += 2;
    }
    return 0;
}

static int uuid_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    elpq_value v = elpq_null(0);
    int rc = uuid_decode(codec, data, size, &v);

    if (!rc)
        elpq__print_uuid(out, v.u.uuid);
    return rc;
}

/* Sixteen bytes are taken for a uuid's, however they came. */
static int uuid_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    if (v->kind == ELPQ_KIND_UUID) {
        elpq__buf_add(out, v->u.uuid, UUID_SIZE);
        return 0;
    }
    if (v->kind != ELPQ_KIND_BYTES)
        return ELPQ__AS_TEXT;
    if (v->u.bytes.size != UUID_SIZE)
        return elpq__refuse(why, "%zu bytes are no value of type %s",
                            v->u.bytes.size, codec->name);
    elpq__buf_add(out, v->u.bytes.data, UUID_SIZE);
    return 0;
}

const struct elpq__codec_ops elpq__uuid_ops = { .decode = uuid_decode,
                                                .parse = uuid_parse,
                                                .print = uuid_print,
                                                .encode = uuid_encode };

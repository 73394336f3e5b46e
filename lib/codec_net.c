/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of inet, cidr, macaddr and macaddr8.
 *
 * The binary form of inet and cidr:
 *     uint8  family, bits of the netmask, 1 if cidr, size of the address
 *     bytes  address
 */
#include "codec.h"

#include <arpa/inet.h>
#include <inttypes.h>

/* Not AF_INET6, which differs between systems. */
enum { FAMILY_4 = 2, FAMILY_6 = 3 };

static unsigned size_of(unsigned family)
{
    return family == 4 ? 4 : 16;
}

static bool is_valid(unsigned family, unsigned bits)
{
    return (family == 4 && bits <= 32) || (family == 6 && bits <= 128);
}

/* Whether all bits behind the netmask are zero. */
static bool is_network(const uint8_t *address, unsigned family, unsigned bits)
{
    for (unsigned i = bits; i < 8 * size_of(family); i++)
        if (address[i / 8] & (0x80u >> (i % 8)))
            return false;
    return true;
}

/* ----------------------------------------------------------- inet, cidr */

static int inet_decode(const struct elpq__codec *codec, const char *data,
                       size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    unsigned family = elpq__read_uint8(&r);
    const char *address;

    (void)codec;
    out->width = elpq__read_uint8(&r);
    elpq__read_uint8(&r);
    if (family != FAMILY_4 && family != FAMILY_6)
        return ELPQ_E_DECODE;
    out->elem = family == FAMILY_4 ? 4 : 6;
    if (elpq__read_uint8(&r) != size_of(out->elem))
        return ELPQ_E_DECODE;
    address = elpq__read_bytes(&r, size_of(out->elem));
    if (!elpq__read_done(&r) || !is_valid(out->elem, out->width))
        return ELPQ_E_DECODE;
    memset(out->u.inet, 0, sizeof(out->u.inet));
    memcpy(out->u.inet, address, size_of(out->elem));
    return 0;
}

/* The number behind the slash. */
static int parse_bits(const char *text, size_t size, elpq_value *out)
{
    uint64_t bits;

    if (elpq__parse_uint64(text, size, &bits) || bits > 128)
        return ELPQ_E_DECODE;
    out->width = (uint8_t)bits;
    return is_valid(out->elem, out->width) ? 0 : ELPQ_E_DECODE;
}

static int inet_parse(const struct elpq__codec *codec, const char *text,
                      size_t size, elpq_value *out)
{
    const char *slash = size ? memchr(text, '/', size) : NULL;
    size_t length = slash ? (size_t)(slash - text) : size;
    char address[INET6_ADDRSTRLEN];

    (void)codec;
    if (length >= sizeof(address) || memchr(text, '\0', length))
        return ELPQ_E_DECODE;
    memcpy(address, text, length);
    address[length] = '\0';
    memset(out->u.inet, 0, sizeof(out->u.inet));
    out->elem = memchr(address, ':', length) ? 6 : 4;
    out->width = out->elem == 4 ? 32 : 128;
    if (inet_pton(out->elem == 4 ? AF_INET : AF_INET6, address, out->u.inet) !=
        1)
        return ELPQ_E_DECODE;
    return slash ? parse_bits(slash + 1, size - length - 1, out) : 0;
}

int elpq__print_inet(struct elpq__buf *out, const elpq_value *v, bool cidr)
{
    char address[INET6_ADDRSTRLEN];

    if (!is_valid(v->elem, v->width))
        return ELPQ_E_RANGE;
    if (!inet_ntop(v->elem == 4 ? AF_INET : AF_INET6, v->u.inet, address,
                   sizeof(address)))
        return ELPQ_E_RANGE;
    elpq__buf_add_str(out, address);
    if (cidr || v->width != 8 * size_of(v->elem)) {
        elpq__buf_add_byte(out, '/');
        elpq__print_uint64(out, v->width);
    }
    return 0;
}

static int inet_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    elpq_value v = elpq_null(0);
    int rc = inet_decode(codec, data, size, &v);

    return rc ? rc : elpq__print_inet(out, &v, codec->oid == ELPQ_OID_CIDR);
}

static int inet_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    bool cidr = codec->oid == ELPQ_OID_CIDR;

    if (v->kind != ELPQ_KIND_INET)
        return ELPQ__AS_TEXT;
    if (!is_valid(v->elem, v->width))
        return elpq__refuse(why,
                            "an address of family %d with %d bits is no "
                            "value of type %s",
                            v->elem, v->width, codec->name);
    if (cidr && !is_network(v->u.inet, v->elem, v->width))
        return elpq__refuse(why, "a value of type cidr has bits behind its "
                                 "netmask");
    elpq__buf_add_byte(out, v->elem == 4 ? FAMILY_4 : FAMILY_6);
    elpq__buf_add_byte(out, (char)v->width);
    elpq__buf_add_byte(out, cidr);
    elpq__buf_add_byte(out, (char)size_of(v->elem));
    elpq__buf_add(out, v->u.inet, size_of(v->elem));
    return 0;
}

const struct elpq__codec_ops elpq__inet_ops = { .decode = inet_decode,
                                                .parse = inet_parse,
                                                .print = inet_print,
                                                .encode = inet_encode };

/* --------------------------------------------------- macaddr, macaddr8 */

static uint8_t macaddr_size(const struct elpq__codec *codec)
{
    return codec->oid == ELPQ_OID_MACADDR8 ? 8 : 6;
}

static int macaddr_decode(const struct elpq__codec *codec, const char *data,
                          size_t size, elpq_value *out)
{
    out->width = macaddr_size(codec);
    if (size != out->width)
        return ELPQ_E_DECODE;
    memcpy(out->u.macaddr, data, size);
    return 0;
}

static int macaddr_parse(const struct elpq__codec *codec, const char *text,
                         size_t size, elpq_value *out)
{
    int rc = 0;

    out->width = macaddr_size(codec);
    if (size != 3u * out->width - 1)
        return ELPQ_E_DECODE;
    for (unsigned i = 0; i < out->width && !rc; i++) {
        rc = elpq__parse_hex(text + 3 * i, &out->u.macaddr[i]);
        if (i > 0 && text[3 * i - 1] != ':')
            rc = ELPQ_E_DECODE;
    }
    return rc;
}

void elpq__print_macaddr(struct elpq__buf *out, const uint8_t *bytes,
                         size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, ':');
        elpq__buf_add_byte(out, digits[bytes[i] >> 4]);
        elpq__buf_add_byte(out, digits[bytes[i] & 15]);
    }
}

static int macaddr_print(const struct elpq__codec *codec, const char *data,
                         size_t size, struct elpq__buf *out)
{
    if (size != macaddr_size(codec))
        return ELPQ_E_DECODE;
    elpq__print_macaddr(out, (const uint8_t *)data, size);
    return 0;
}

/* Six bytes as eight are the server's to widen. */
static int macaddr_encode(const struct elpq__codec *codec, const elpq_value *v,
                          struct elpq__buf *out, struct elpq__why *why)
{
    if (v->kind != ELPQ_KIND_MACADDR)
        return ELPQ__AS_TEXT;
    if (v->width != 6 && v->width != 8)
        return elpq__refuse(why, "%d bytes are no value of type %s", v->width,
                            codec->name);
    if (v->width != macaddr_size(codec))
        return ELPQ__AS_TEXT;
    elpq__buf_add(out, v->u.macaddr, v->width);
    return 0;
}

const struct elpq__codec_ops elpq__macaddr_ops = { .decode = macaddr_decode,
                                                   .parse = macaddr_parse,
                                                   .print = macaddr_print,
                                                   .encode = macaddr_encode };

/* SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *kedge_hex_encode(const uint8_t *bytes, size_t size, char *text)
{
    char *at = text;
    for (size_t i = 0; i < size; i++) {
        *at++ = hex_digits[bytes[i] >> 4];
        *at++ = hex_digits[bytes[i] & 15];
    }
    *at = '\0';
    return text;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool kedge_hex_decode(const char *text, size_t length, uint8_t *bytes, size_t size)
{
    if (length % 2 != 0 || length / 2 != size)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (hex_value(text[i]) < 0)
            return false;
    }
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return true;
}

void kedge_base64_encode(struct kedge_buf *out, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    kedge_buf_reserve(out, (size + 2) / 3 * 4);
    char *at = out->data + out->size;
    for (size_t i = 0; i < size; i += 3) {
        size_t rest = size - i;
        uint32_t group = (uint32_t)in[i] << 16 | (rest > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (rest > 2 ? in[i + 2] : 0);
        *at++ = base64_standard[group >> 18];
        *at++ = base64_standard[group >> 12 & 63];
        *at++ = rest > 1 ? base64_standard[group >> 6 & 63] : '=';
        *at++ = rest > 2 ? base64_standard[group & 63] : '=';
    }
    *at = '\0';
    out->size = (size_t)(at - out->data);
}

/* 0..63, or -1. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

/* One alphabet throughout: '+' or '/' beside '-' or '_' would give one value two spellings. */
static bool is_mixed(const char *text, size_t length)
{
    bool standard = memchr(text, '+', length) || memchr(text, '/', length);
    bool url_safe = memchr(text, '-', length) || memchr(text, '_', length);
    return standard && url_safe;
}

int kedge_base64_decode(struct kedge_buf *out, const char *text, size_t length,
                        struct kedge_err *err)
{
    if (length == 0)
        return 0;
    if (length % 4 != 0)
        return kedge_err_set(err, KEDGE_INVALID, "base64 of %zu characters is not padded", length);
    if (is_mixed(text, length))
        return kedge_err_set(err, KEDGE_INVALID, "base64 mixes two alphabets");
    size_t padding = text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
    size_t digits = length - padding;
    kedge_buf_reserve(out, length / 4 * 3);
    uint8_t *at = (uint8_t *)out->data + out->size;
    uint32_t bits = 0;
    unsigned held = 0; /* bits read and not yet written */
    for (size_t i = 0; i < digits; i++) {
        int value = base64_value(text[i]);
        if (value < 0) {
            out->data[out->size] = '\0';
            return kedge_err_set(err, KEDGE_INVALID, "base64 has a foreign character at %zu", i);
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *at++ = (uint8_t)(bits >> held);
        }
    }
    if (bits & ((1u << held) - 1)) {
        out->data[out->size] = '\0';
        return kedge_err_set(err, KEDGE_INVALID, "base64 has spare bits at its end");
    }
    *at = '\0';
    out->size = (size_t)((char *)at - out->data);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "codec.h"

#include <pthread.h>
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

/* The two digits of twelve bits: half the look-ups, for what every order is written in. */
static char base64_pairs[1 << 12][2];
static pthread_once_t base64_once = PTHREAD_ONCE_INIT;

static void make_base64_pairs(void)
{
    for (size_t i = 0; i < KEDGE_COUNT(base64_pairs); i++) {
        base64_pairs[i][0] = base64_standard[i >> 6];
        base64_pairs[i][1] = base64_standard[i & 63];
    }
}

void kedge_base64_encode(struct kedge_buf *out, const void *bytes, size_t size)
{
    pthread_once(&base64_once, make_base64_pairs);
    const uint8_t *in = bytes;
    kedge_buf_reserve(out, (size + 2) / 3 * 4);
    char *at = out->data + out->size;
    size_t i = 0;
    for (; i + 3 <= size; i += 3) {
        uint32_t group = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        memcpy(at, base64_pairs[group >> 12], 2);
        memcpy(at + 2, base64_pairs[group & 0xfff], 2);
        at += 4;
    }
    if (i < size) {
        bool two = size - i == 2;
        uint32_t group = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);
        *at++ = base64_standard[group >> 18];
        *at++ = base64_standard[group >> 12 & 63];
        *at++ = two ? base64_standard[group >> 6 & 63] : '=';
        *at++ = '=';
    }
    *at = '\0';
    out->size = (size_t)(at - out->data);
}

#define FOREIGN 0x80u /* no base64 digit */

/* 0..63 of each digit of either alphabet, plus 1, so that all others are 0. */
static const uint8_t base64_digits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['-'] = 63,
    ['/'] = 64, ['_'] = 64,
};

/* 0..63, or a value with FOREIGN set. */
static uint32_t base64_value(char c)
{
    return base64_digits[(unsigned char)c] - 1u;
}

/* One alphabet throughout: '+' or '/' beside '-' or '_' would give one value two spellings. */
static bool is_mixed(const char *text, size_t length)
{
    bool standard = memchr(text, '+', length) || memchr(text, '/', length);
    bool url_safe = memchr(text, '-', length) || memchr(text, '_', length);
    return standard && url_safe;
}

static int foreign(struct kedge_buf *out, const char *text, struct kedge_err *err)
{
    size_t i = 0;
    while (!(base64_value(text[i]) & FOREIGN))
        i++;
    out->data[out->size] = '\0'; /* written over by what was decoded so far */
    return kedge_err_set(err, KEDGE_INVALID, "base64 has a foreign character at %zu", i);
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
    kedge_buf_reserve(out, length / 4 * 3);
    uint8_t *at = (uint8_t *)out->data + out->size;
    size_t whole = padding ? length - 4 : length;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t a = base64_value(text[i]), b = base64_value(text[i + 1]);
        uint32_t c = base64_value(text[i + 2]), d = base64_value(text[i + 3]);
        if ((a | b | c | d) & FOREIGN)
            return foreign(out, text, err);
        uint32_t group = a << 18 | b << 12 | c << 6 | d;
        *at++ = (uint8_t)(group >> 16);
        *at++ = (uint8_t)(group >> 8);
        *at++ = (uint8_t)group;
    }
    if (padding) {
        uint32_t a = base64_value(text[whole]), b = base64_value(text[whole + 1]);
        uint32_t c = padding == 1 ? base64_value(text[whole + 2]) : 0;
        if ((a | b | c) & FOREIGN)
            return foreign(out, text, err);
        uint32_t group = a << 18 | b << 12 | c << 6;
        if (group & (padding == 1 ? 0xff : 0xffff)) {
            out->data[out->size] = '\0';
            return kedge_err_set(err, KEDGE_INVALID, "base64 has spare bits at its end");
        }
        *at++ = (uint8_t)(group >> 16);
        if (padding == 1)
            *at++ = (uint8_t)(group >> 8);
    }
    *at = '\0';
    out->size = (size_t)((char *)at - out->data);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bech32.h"

#include <string.h>

#define CHECKSUM 6 /* characters */

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t step(uint32_t sum, uint32_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < KEDGE_COUNT(generator); i++)
        if (top >> i & 1)
            sum ^= generator[i];
    return sum;
}

static uint32_t begin_sum(const char *prefix)
{
    uint32_t sum = 1;
    for (const char *c = prefix; *c; c++)
        sum = step(sum, (unsigned char)*c >> 5);
    sum = step(sum, 0);
    for (const char *c = prefix; *c; c++)
        sum = step(sum, *c & 31);
    return sum;
}

static void put(struct kedge_buf *out, uint32_t *sum, uint32_t value)
{
    *sum = step(*sum, value);
    kedge_buf_putc(out, alphabet[value]);
}

void kedge_bech32_encode(struct kedge_buf *out, const char *prefix, const uint8_t *bytes,
                         size_t size)
{
    uint32_t sum = begin_sum(prefix), bits = 0;
    unsigned count = 0;
    kedge_buf_puts(out, prefix);
    kedge_buf_putc(out, '1');
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | bytes[i]) & 0xfff;
        for (count += 8; count >= 5; count -= 5)
            put(out, &sum, bits >> (count - 5) & 31);
    }
    if (count)
        put(out, &sum, bits << (5 - count) & 31);
    for (int i = 0; i < CHECKSUM; i++)
        sum = step(sum, 0);
    sum ^= 1;
    for (int i = CHECKSUM - 1; i >= 0; i--)
        kedge_buf_putc(out, alphabet[sum >> (5 * i) & 31]);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_one_case(const char *text)
{
    bool small = false, large = false;
    for (; *text; text++) {
        small |= *text >= 'a' && *text <= 'z';
        large |= *text >= 'A' && *text <= 'Z';
    }
    return !(small && large);
}

static bool has_prefix(const char *text, const char *prefix)
{
    while (*prefix)
        if (lower(*text++) != *prefix++)
            return false;
    return *text == '1';
}

int kedge_bech32_decode(const char *text, const char *prefix, uint8_t *bytes, size_t size,
                        struct kedge_err *err)
{
    if (!is_one_case(text) || !has_prefix(text, prefix))
        return kedge_err_set(err, KEDGE_INVALID, "it does not begin with '%s1', in one case",
                             prefix);
    const char *data = text + strlen(prefix) + 1;
    size_t digits = (8 * size + 4) / 5, done = 0;
    if (strlen(data) != digits + CHECKSUM)
        return kedge_err_set(err, KEDGE_INVALID, "it is not %zu characters long",
                             strlen(prefix) + 1 + digits + CHECKSUM);
    uint32_t sum = begin_sum(prefix), bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < digits + CHECKSUM; i++) {
        const char *at = strchr(alphabet, lower(data[i]));
        if (!at)
            return kedge_err_set(err, KEDGE_INVALID, "it has a foreign character");
        uint32_t value = (uint32_t)(at - alphabet);
        sum = step(sum, value);
        if (i >= digits)
            continue;
        bits = (bits << 5 | value) & 0xfff;
        count += 5;
        if (count >= 8) {
            count -= 8;
            bytes[done++] = (uint8_t)(bits >> count);
        }
    }
    if (sum != 1 || bits & ((1u << count) - 1))
        return kedge_err_set(err, KEDGE_INVALID, "its checksum is wrong: it was not copied whole");
    return 0;
}

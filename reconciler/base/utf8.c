/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <endian.h>
#include <string.h>

size_t kedge_utf8_character(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    if (size == 0)
        return 0;
    unsigned char lead = at[0];
    size_t need = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (need == 0 || lead > 0xf4 || need > size)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xf0 && at[1] < 0x90);
    bool surrogate = lead == 0xed && at[1] > 0x9f;
    bool beyond = lead == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : need;
}

/* Eight bytes at a time: the lowest byte of `stop` with its top bit set is not plain. A subtraction
 * borrows from the byte above only where it finds such a byte itself. */
size_t kedge_utf8_plain(const char *text, size_t size)
{
    const uint64_t each = 0x0101010101010101u;
    size_t i = 0;
    for (uint64_t word; size - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        word = le64toh(word);
        uint64_t quote = (word ^ each * '"') - each, backslash = (word ^ each * '\\') - each;
        uint64_t stop = (word | (word - each * ' ') | quote | backslash) & each * 0x80;
        if (stop)
            return i + (size_t)__builtin_ctzll(stop) / 8;
    }
    for (; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return i;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding.h"

#include <string.h>

#include "base/utf8.h"

size_t kedge_encoding_mark(struct kedge_slice data)
{
    return data.size >= 3 && memcmp(data.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool kedge_encoding_is_ascii(struct kedge_slice data)
{
    uint64_t seen = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= data.size; i += sizeof word) {
        memcpy(&word, data.data + i, sizeof word);
        seen |= word;
    }
    for (; i < data.size; i++)
        seen |= (unsigned char)data.data[i];
    return (seen & 0x8080808080808080u) == 0;
}

uint32_t kedge_encoding_decode(const char *at, size_t length)
{
    uint32_t value = (unsigned char)at[0];
    if (length > 1)
        value &= 0x7Fu >> length;
    for (size_t i = 1; i < length; i++)
        value = value << 6 | (at[i] & 0x3F);
    return value;
}

bool kedge_encoding_is_printable(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    return c < 0x7F || (c > 0x9F && c != 0xFEFF && c != 0xFFFE && c != 0xFFFF);
}

/* YAML 1.1 breaks lines at these and 1.2 does not, so two readers see two documents. */
static bool is_foreign_break(uint32_t c)
{
    return c == 0x85 || c == 0x2028 || c == 0x2029;
}

static bool is_utf16(struct kedge_slice data)
{
    return data.size >= 2 &&
           (memcmp(data.data, "\xFE\xFF", 2) == 0 || memcmp(data.data, "\xFF\xFE", 2) == 0);
}

static void refuse(uint32_t c, size_t length, size_t offset, const char *bytes,
                   struct kedge_position at, struct kedge_findings *findings)
{
    if (length == 0)
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "encoding", at, NULL,
                          "save the file as UTF-8", "byte 0x%02x at offset %zu is not UTF-8",
                          (unsigned char)*bytes, offset);
    else if (is_foreign_break(c))
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "line-separator", at, NULL,
                          "remove it, or write it as an escape in double quotes",
                          "U+%04X breaks lines for some readers of YAML and not for others", c);
    else
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "control-character", at, NULL,
                          "remove it", "character U+%04X is not allowed", c);
}

bool kedge_encoding_check(struct kedge_slice data, const char *file,
                          struct kedge_findings *findings)
{
    struct kedge_position at = {.file = file, .line = 1, .column = 1};
    if (is_utf16(data)) {
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "encoding", at, NULL,
                          "save the file as UTF-8", "the file is UTF-16");
        return false;
    }
    for (size_t i = kedge_encoding_mark(data); i < data.size;) {
        size_t length = kedge_utf8_character(data.data + i, data.size - i);
        uint32_t c = length ? kedge_encoding_decode(data.data + i, length) : 0;
        if (length == 0 || is_foreign_break(c) || !kedge_encoding_is_printable(c)) {
            refuse(c, length, i, data.data + i, at, findings);
            return false;
        }
        bool crlf = c == '\r' && i + 1 < data.size && data.data[i + 1] == '\n';
        if (c == '\n' || (c == '\r' && !crlf)) {
            at.line++;
            at.column = 1;
        } else if (!crlf) {
            at.column++;
        }
        i += length;
    }
    return true;
}

void kedge_encoding_tidy(struct kedge_buf *message)
{
    enum { LONGEST = 300 };
    for (size_t i = 0; i < message->size; i++)
        if ((unsigned char)message->data[i] < ' ')
            message->data[i] = ' ';
    if (message->size <= LONGEST)
        return;
    size_t end = LONGEST;
    while ((message->data[end] & 0xC0) == 0x80)
        end--;
    message->size = end;
    kedge_buf_puts(message, "...");
}

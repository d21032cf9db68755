/* SPDX-License-Identifier: Apache-2.0 */
#include "armor.h"

#include <string.h>

#include "codec.h"

#define COLUMNS 64
#define BEGIN   "-----BEGIN "
#define END     "-----END "
#define DASHES  "-----"

void kedge_armor_encode(struct kedge_buf *out, const char *label, const void *bytes, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf digits = {0};
    kedge_base64_encode(&digits, bytes, size);
    kedge_buf_printf(out, BEGIN "%s" DASHES "\n", label);
    for (size_t at = 0; at < digits.size; at += COLUMNS)
        kedge_buf_printf(out, "%.*s\n", COLUMNS, digits.data + at);
    kedge_buf_printf(out, END "%s" DASHES "\n", label);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct kedge_slice behind_space(struct kedge_slice text)
{
    while (text.size && is_space(*text.data))
        text = (struct kedge_slice){text.data + 1, text.size - 1};
    return text;
}

/* Takes a line without its end; the last one needs none. */
static struct kedge_slice take_line(struct kedge_slice *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    size_t size = end ? (size_t)(end - text->data) : text->size, taken = size + (end != NULL);
    struct kedge_slice line = {text->data, size};
    if (end && size && line.data[size - 1] == '\r')
        line.size--;
    *text = (struct kedge_slice){text->data + taken, text->size - taken};
    return line;
}

static bool take_text(struct kedge_slice *line, const char *text)
{
    size_t size = strlen(text);
    if (line->size < size || memcmp(line->data, text, size) != 0)
        return false;
    *line = (struct kedge_slice){line->data + size, line->size - size};
    return true;
}

static bool is_boundary(struct kedge_slice line, const char *mark, const char *label)
{
    return take_text(&line, mark) && take_text(&line, label) && take_text(&line, DASHES) &&
           line.size == 0;
}

bool kedge_armor_is(struct kedge_slice text, const char *label)
{
    text = behind_space(text);
    return take_text(&text, BEGIN) && take_text(&text, label) && take_text(&text, DASHES);
}

/* Lines up to the END line, joined. */
static int take_digits(struct kedge_slice *text, const char *label, struct kedge_buf *digits,
                       struct kedge_err *err)
{
    bool last = false;
    while (text->size) {
        struct kedge_slice line = take_line(text);
        if (is_boundary(line, END, label))
            return 0;
        if (line.size == 0 || line.size > COLUMNS || last)
            return kedge_err_set(err, KEDGE_INVALID,
                                 "its lines do not have %d characters each, the last one fewer",
                                 COLUMNS);
        last = line.size < COLUMNS;
        kedge_buf_add(digits, line.data, line.size);
    }
    return kedge_err_set(err, KEDGE_INVALID, "it has no line '" END "%s" DASHES "'", label);
}

int kedge_armor_decode(struct kedge_buf *out, struct kedge_slice text, const char *label,
                       struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf digits = {0};
    text = behind_space(text);
    int code =
        is_boundary(take_line(&text), BEGIN, label)
            ? take_digits(&text, label, &digits, err)
            : kedge_err_set(err, KEDGE_INVALID, "it has no line '" BEGIN "%s" DASHES "'", label);
    if (!code && behind_space(text).size)
        code = kedge_err_set(err, KEDGE_INVALID, "something stands behind its last line");
    if (!code && digits.size &&
        (memchr(digits.data, '-', digits.size) || memchr(digits.data, '_', digits.size)))
        code = kedge_err_set(err, KEDGE_INVALID, "it is not standard base64");
    if (!code)
        code = kedge_base64_decode(out, digits.data, digits.size, err);
    return code ? kedge_err_wrap(err, "armor") : 0;
}

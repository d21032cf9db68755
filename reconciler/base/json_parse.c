/* SPDX-License-Identifier: Apache-2.0 */
/* Text to jansson values. jansson's own reader takes a byte at a time through a callback and costs
 * five times as much, which is a third of verifying a signature for every message. */
#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "utf8.h"

struct parser {
    const char *start, *at, *end;
    unsigned depth;
    struct kedge_buf scratch; /* a string with escapes, or a number */
    int code;                 /* of the first failure */
    struct kedge_err *err;
};

/* Notes what is wrong at `at`; NULL, for the caller to return. */
static json_t *fail(struct parser *p, const char *what)
{
    unsigned line = 1;
    const char *line_start = p->start;
    for (const char *c = p->start; c < p->at; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    p->code = kedge_err_set(p->err, KEDGE_INVALID, "JSON line %u column %zu: %s", line,
                            (size_t)(p->at - line_start) + 1, what);
    return NULL;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

/* The next byte that is not white space, without taking it; 0 at the end. */
static char peek(struct parser *p)
{
    skip_space(p);
    return p->at < p->end ? *p->at : '\0';
}

static bool take(struct parser *p, char c)
{
    if (peek(p) != c)
        return false;
    p->at++;
    return true;
}

/* Four hex digits behind "\u"; -1 when they are not. */
static int take_hex4(struct parser *p)
{
    int value = 0;
    if (p->end - p->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = *p->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static void put_utf8(struct kedge_buf *out, int c)
{
    if (c < 0x80) {
        kedge_buf_putc(out, (char)c);
        return;
    }
    if (c >= 0x10000) {
        kedge_buf_putc(out, (char)(0xf0 | c >> 18));
        kedge_buf_putc(out, (char)(0x80 | (c >> 12 & 63)));
    } else if (c >= 0x800) {
        kedge_buf_putc(out, (char)(0xe0 | c >> 12));
    }
    if (c >= 0x800)
        kedge_buf_putc(out, (char)(0x80 | (c >> 6 & 63)));
    else
        kedge_buf_putc(out, (char)(0xc0 | c >> 6));
    kedge_buf_putc(out, (char)(0x80 | (c & 63)));
}

static bool take_unicode(struct parser *p)
{
    int c = take_hex4(p);
    if (c >= 0xd800 && c < 0xdc00 && p->end - p->at >= 2 && p->at[0] == '\\' && p->at[1] == 'u') {
        p->at += 2;
        int low = take_hex4(p);
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (c <= 0 || (c >= 0xd800 && c < 0xe000))
        return false; /* not hex, half a pair, or NUL, which our strings do not hold */
    put_utf8(&p->scratch, c);
    return true;
}

/* What stands behind a backslash. */
static bool take_escape(struct parser *p)
{
    static const char values[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                     ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    if (p->at == p->end)
        return false;
    unsigned char c = (unsigned char)*p->at++;
    if (c == 'u')
        return take_unicode(p);
    if (c >= sizeof values || !values[c])
        return false;
    kedge_buf_putc(&p->scratch, values[c]);
    return true;
}

/* Passes bytes that stand for themselves: to a quote, a backslash or what is not legal here. */
static void pass_plain(struct parser *p)
{
    for (;;) {
        p->at += kedge_utf8_plain(p->at, (size_t)(p->end - p->at));
        if (p->at == p->end || (unsigned char)*p->at < 0x80)
            return;
        size_t size = kedge_utf8_character(p->at, (size_t)(p->end - p->at));
        if (size == 0)
            return;
        p->at += size;
    }
}

/* The string whose opening quote was taken. *out is valid until the next string is read: most have
 * no escape and are borrowed from the text itself. */
static bool take_string(struct parser *p, struct kedge_slice *out)
{
    const char *begin = p->at;
    pass_plain(p);
    if (p->at < p->end && *p->at == '"') {
        *out = (struct kedge_slice){begin, (size_t)(p->at++ - begin)};
        return true;
    }
    kedge_buf_clear(&p->scratch);
    for (;;) {
        kedge_buf_add(&p->scratch, begin, (size_t)(p->at - begin));
        if (p->at == p->end)
            return fail(p, "the text ends within a string");
        char c = *p->at;
        if (c == '"')
            break;
        if (c != '\\')
            return fail(p, "a string holds a control character or is not UTF-8");
        p->at++;
        if (!take_escape(p))
            return fail(p, "an escape in a string is wrong");
        begin = p->at;
        pass_plain(p);
    }
    p->at++;
    *out = kedge_buf_slice(&p->scratch);
    return true;
}

static bool take_digits(struct parser *p)
{
    const char *begin = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return p->at > begin;
}

/* jansson gives NULL only without memory. */
static json_t *must(json_t *value)
{
    if (!value)
        abort();
    return value;
}

/* RFC 8259 section 6. */
static json_t *take_number(struct parser *p)
{
    const char *begin = p->at;
    bool real = false;
    if (*p->at == '-')
        p->at++;
    bool zero = p->at < p->end && *p->at == '0';
    bool good = take_digits(p);
    if (zero && p->at - begin > 1 + (*begin == '-'))
        good = false; /* a leading zero */
    if (good && p->at < p->end && *p->at == '.') {
        real = true;
        p->at++;
        good = take_digits(p);
    }
    if (good && p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        real = true;
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        good = take_digits(p);
    }
    if (!good)
        return fail(p, "a number is wrong");
    kedge_buf_clear(&p->scratch);
    kedge_buf_add(&p->scratch, begin, (size_t)(p->at - begin));
    errno = 0;
    if (!real) {
        long long integer = strtoll(p->scratch.data, NULL, 10);
        return errno ? fail(p, "an integer is too large") : must(json_integer(integer));
    }
    double number = strtod(p->scratch.data, NULL);
    return isfinite(number) ? must(json_real(number)) : fail(p, "a number is too large");
}

static json_t *take_word(struct parser *p, const char *word, json_t *value)
{
    size_t size = strlen(word);
    if ((size_t)(p->end - p->at) < size || memcmp(p->at, word, size) != 0)
        return fail(p, "no value starts like this");
    p->at += size;
    return value;
}

static json_t *take_value(struct parser *p);

/* One name and its value, into `object`. */
static bool take_member(struct parser *p, json_t *object)
{
    struct kedge_slice name;
    if (!take(p, '"'))
        return fail(p, "a member name is missing");
    const char *begin = p->at;
    if (!take_string(p, &name))
        return false;
    /* It must outlive the strings of the value, which use the same scratch. */
    kedge_auto(kedge_buf) struct kedge_buf kept = {0};
    if (name.data == p->scratch.data) {
        kedge_buf_add(&kept, name.data, name.size);
        name = kedge_buf_slice(&kept);
    }
    if (!take(p, ':'))
        return fail(p, "':' is missing");
    json_t *value = take_value(p);
    if (!value)
        return false;
    size_t before = json_object_size(object);
    if (json_object_setn_new_nocheck(object, name.data, name.size, value) < 0)
        abort(); /* out of memory */
    if (json_object_size(object) == before) {
        p->at = begin;
        return fail(p, "this member name stands here twice");
    }
    return true;
}

static json_t *take_object(struct parser *p)
{
    kedge_auto(kedge_json) json_t *object = must(json_object());
    if (!take(p, '}')) {
        do {
            if (!take_member(p, object))
                return NULL;
        } while (take(p, ','));
        if (!take(p, '}'))
            return fail(p, "',' or '}' is missing");
    }
    return json_incref(object);
}

static json_t *take_array(struct parser *p)
{
    kedge_auto(kedge_json) json_t *array = must(json_array());
    if (!take(p, ']')) {
        do {
            json_t *value = take_value(p);
            if (!value)
                return NULL;
            if (json_array_append_new(array, value) < 0)
                abort(); /* out of memory */
        } while (take(p, ','));
        if (!take(p, ']'))
            return fail(p, "',' or ']' is missing");
    }
    return json_incref(array);
}

static json_t *take_nested(struct parser *p, json_t *(*take_one)(struct parser *))
{
    if (p->depth == KEDGE_LIMIT_JSON_DEPTH) {
        p->code =
            kedge_err_set(p->err, KEDGE_LIMIT, "JSON nests deeper than %d", KEDGE_LIMIT_JSON_DEPTH);
        return NULL;
    }
    p->at++;
    p->depth++;
    json_t *value = take_one(p);
    p->depth--;
    return value;
}

static json_t *take_value(struct parser *p)
{
    struct kedge_slice text;
    char c = peek(p);
    switch (c) {
    case '{':
        return take_nested(p, take_object);
    case '[':
        return take_nested(p, take_array);
    case '"':
        p->at++;
        return take_string(p, &text) ? must(json_stringn_nocheck(text.data, text.size)) : NULL;
    case 't':
        return take_word(p, "true", json_true());
    case 'f':
        return take_word(p, "false", json_false());
    case 'n':
        return take_word(p, "null", json_null());
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return take_number(p);
        return fail(p, p->at == p->end ? "the text ends here" : "no value starts like this");
    }
}

int kedge_json_parse(const char *data, size_t size, size_t limit, json_t **out,
                     struct kedge_err *err)
{
    if (size > limit)
        return kedge_err_set(err, KEDGE_LIMIT, "JSON has %zu bytes, at most %zu are read", size,
                             limit);
    if (size == 0)
        data = "";
    struct parser p = {.start = data, .at = data, .end = data + size, .err = err};
    json_t *json = take_value(&p);
    skip_space(&p);
    if (json && p.at < p.end)
        fail(&p, "something stands behind the value");
    kedge_buf_release(&p.scratch);
    if (p.code) {
        json_decref(json);
        return p.code;
    }
    *out = json;
    return 0;
}

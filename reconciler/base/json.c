/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "utf8.h"

void kedge_json_auto(json_t **json)
{
    json_decref(*json);
}

static const char *const type_names[] = {
    [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
    [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
    [JSON_FALSE] = "false",        [JSON_NULL] = "null",
};

static int wrong_type(const char *key, const char *wanted, const json_t *found,
                      struct kedge_err *err)
{
    return kedge_err_set(err, KEDGE_INVALID, "member '%s' must be %s, not %s", key, wanted,
                         type_names[json_typeof(found)]);
}

static int missing(const char *key, struct kedge_err *err)
{
    return kedge_err_set(err, KEDGE_INVALID, "member '%s' is missing", key);
}

int kedge_json_opt_string(const json_t *object, const char *key, const char **out,
                          struct kedge_err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_string(value))
        return wrong_type(key, "a string", value, err);
    *out = json_string_value(value);
    return 0;
}

int kedge_json_opt_integer(const json_t *object, const char *key, int64_t *out,
                           struct kedge_err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_integer(value))
        return wrong_type(key, "an integer", value, err);
    const json_int_t most = 9007199254740991; /* 2^53 - 1: what every JSON reader holds exactly */
    json_int_t number = json_integer_value(value);
    if (number < -most || number > most)
        return kedge_err_set(err, KEDGE_INVALID, "member '%s' is beyond 2^53 - 1", key);
    *out = number;
    return 0;
}

int kedge_json_opt_bool(const json_t *object, const char *key, bool *out, struct kedge_err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return wrong_type(key, "true or false", value, err);
    *out = json_is_true(value);
    return 0;
}

int kedge_json_string(const json_t *object, const char *key, const char **out,
                      struct kedge_err *err)
{
    if (!json_object_get(object, key))
        return missing(key, err);
    return kedge_json_opt_string(object, key, out, err);
}

int kedge_json_integer(const json_t *object, const char *key, int64_t *out, struct kedge_err *err)
{
    if (!json_object_get(object, key))
        return missing(key, err);
    return kedge_json_opt_integer(object, key, out, err);
}

int kedge_json_object(const json_t *object, const char *key, json_t **out, struct kedge_err *err)
{
    json_t *value = json_object_get(object, key);
    if (!value)
        return missing(key, err);
    if (!json_is_object(value))
        return wrong_type(key, "an object", value, err);
    *out = value;
    return 0;
}

int kedge_json_array(const json_t *object, const char *key, json_t **out, struct kedge_err *err)
{
    json_t *value = json_object_get(object, key);
    if (!value)
        return missing(key, err);
    if (!json_is_array(value))
        return wrong_type(key, "an array", value, err);
    *out = value;
    return 0;
}

int kedge_json_base64(const json_t *object, const char *key, struct kedge_buf *out,
                      struct kedge_err *err)
{
    const char *text;
    int code = kedge_json_string(object, key, &text, err);
    if (code)
        return code;
    code = kedge_base64_decode(out, text, json_string_length(json_object_get(object, key)), err);
    return code ? kedge_err_wrap(err, "member '%s'", key) : 0;
}

static void separate(struct kedge_json_writer *w)
{
    if (w->comma)
        kedge_buf_putc(w->out, ',');
    w->comma = true;
}

static void begin(struct kedge_json_writer *w, char bracket)
{
    separate(w);
    kedge_buf_putc(w->out, bracket);
    w->comma = false;
}

static void end(struct kedge_json_writer *w, char bracket)
{
    kedge_buf_putc(w->out, bracket);
    w->comma = true;
}

void kedge_json_begin_object(struct kedge_json_writer *w)
{
    begin(w, '{');
}

void kedge_json_end_object(struct kedge_json_writer *w)
{
    end(w, '}');
}

void kedge_json_begin_array(struct kedge_json_writer *w)
{
    begin(w, '[');
}

void kedge_json_end_array(struct kedge_json_writer *w)
{
    end(w, ']');
}

static void put_escape(struct kedge_buf *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c >= 0x20) {
        kedge_buf_add(out, (char[]){'\\', (char)c}, 2);
    } else if (letters[c]) {
        kedge_buf_add(out, (char[]){'\\', letters[c]}, 2);
    } else {
        kedge_buf_add(out, (char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
    }
}

/* Text that is not UTF-8 is written with U+FFFD for each wrong byte: what leaves is always JSON. */
static void put_text(struct kedge_buf *out, const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t done = 0; /* bytes before here are written */
    kedge_buf_reserve(out, size + 2);
    kedge_buf_putc(out, '"');
    for (size_t i = kedge_utf8_plain(text, size); i < size;
         i += kedge_utf8_plain(text + i, size - i)) {
        unsigned char c = at[i];
        size_t whole = c < 0x80 ? 0 : kedge_utf8_character(text + i, size - i);
        if (whole) {
            i += whole;
            continue;
        }
        kedge_buf_add(out, text + done, i - done);
        if (c < 0x80)
            put_escape(out, c);
        else
            kedge_buf_puts(out, "\xef\xbf\xbd");
        done = ++i;
    }
    kedge_buf_add(out, text + done, size - done);
    kedge_buf_putc(out, '"');
}

void kedge_json_key(struct kedge_json_writer *w, const char *key)
{
    separate(w);
    put_text(w->out, key, strlen(key));
    kedge_buf_putc(w->out, ':');
    w->comma = false;
}

void kedge_json_put_slice(struct kedge_json_writer *w, struct kedge_slice text)
{
    separate(w);
    put_text(w->out, text.data, text.size);
}

void kedge_json_put_string(struct kedge_json_writer *w, const char *text)
{
    if (!text) {
        kedge_json_put_null(w);
        return;
    }
    separate(w);
    put_text(w->out, text, strlen(text));
}

void kedge_json_put_base64(struct kedge_json_writer *w, const void *bytes, size_t size)
{
    separate(w);
    kedge_buf_putc(w->out, '"');
    kedge_base64_encode(w->out, bytes, size);
    kedge_buf_putc(w->out, '"');
}

void kedge_json_put_integer(struct kedge_json_writer *w, int64_t value)
{
    separate(w);
    kedge_buf_put_integer(w->out, value);
}

void kedge_json_put_number(struct kedge_json_writer *w, double value)
{
    if (!isfinite(value)) {
        kedge_json_put_null(w); /* JSON has no word for it */
        return;
    }
    value += 0.0; /* -0 is 0: an integer when it is read back */
    char text[32];
    int precision = 15; /* digits that every double keeps; 17 tell any two apart */
    do {
        snprintf(text, sizeof text, "%.*g", precision++, value);
    } while (precision <= 17 && strtod(text, NULL) != value);
    separate(w);
    kedge_buf_puts(w->out, text);
}

void kedge_json_put_bool(struct kedge_json_writer *w, bool value)
{
    separate(w);
    kedge_buf_puts(w->out, value ? "true" : "false");
}

void kedge_json_put_null(struct kedge_json_writer *w)
{
    separate(w);
    kedge_buf_puts(w->out, "null");
}

void kedge_json_put_raw(struct kedge_json_writer *w, struct kedge_slice json)
{
    separate(w);
    kedge_buf_add(w->out, json.data, json.size);
}

static void put_members(struct kedge_json_writer *w, const json_t *object)
{
    json_t *members = (json_t *)(uintptr_t)object; /* iteration wants it so; nothing is changed */
    const char *key;
    json_t *value;
    kedge_json_begin_object(w);
    json_object_foreach (members, key, value) {
        kedge_json_key(w, key);
        kedge_json_put_value(w, value);
    }
    kedge_json_end_object(w);
}

void kedge_json_put_value(struct kedge_json_writer *w, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_members(w, value);
        break;
    case JSON_ARRAY:
        kedge_json_begin_array(w);
        for (size_t i = 0; i < json_array_size(value); i++)
            kedge_json_put_value(w, json_array_get(value, i));
        kedge_json_end_array(w);
        break;
    case JSON_STRING:
        kedge_json_put_slice(w, (struct kedge_slice){json_string_value(value),
                                                     json_string_length(value)});
        break;
    case JSON_INTEGER:
        kedge_json_put_integer(w, json_integer_value(value));
        break;
    case JSON_REAL:
        kedge_json_put_number(w, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        kedge_json_put_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
        kedge_json_put_null(w);
        break;
    }
}

void kedge_json_add_string(struct kedge_json_writer *w, const char *key, const char *text)
{
    if (!text)
        return;
    kedge_json_key(w, key);
    kedge_json_put_string(w, text);
}

void kedge_json_add_integer(struct kedge_json_writer *w, const char *key, int64_t value)
{
    kedge_json_key(w, key);
    kedge_json_put_integer(w, value);
}

void kedge_json_add_bool(struct kedge_json_writer *w, const char *key, bool value)
{
    kedge_json_key(w, key);
    kedge_json_put_bool(w, value);
}

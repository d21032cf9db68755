/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "lib/vectors.h"

static int parse(const char *text, size_t size)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_err err = {0};
    int code = kedge_json_parse(text, size, KEDGE_MIB(16), &json, &err);
    cr_assert_eq(code == 0, json != NULL);
    cr_assert_eq(code == 0, err.msg[0] == '\0');
    return code;
}

static int parse_text(const char *text)
{
    return parse(text, strlen(text));
}

/* JSON that RFC 8259 allows and we refuse on purpose. */
static const char *const stricter[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
};

static bool is_stricter(const char *name)
{
    for (size_t i = 0; i < KEDGE_COUNT(stricter); i++) {
        if (strcmp(name, stricter[i]) == 0)
            return true;
    }
    return false;
}

/* JSONTestSuite: y_ must be accepted, n_ refused, i_ may go either way without a crash. */
Test(json, outside_vectors)
{
    char folder[PATH_MAX];
    DIR *dir = opendir(kedge_vectors_path("json", folder));
    cr_assert_not_null(dir);
    size_t seen = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char kind = entry->d_name[0];
        if (!strchr("yni", kind) || entry->d_name[1] != '_')
            continue;
        char name[300];
        snprintf(name, sizeof name, "json/%s", entry->d_name);
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        kedge_vectors_read(name, &text);
        int code = parse(kedge_buf_slice(&text).data, text.size);
        if (kind == 'y')
            cr_expect_eq(code == 0, !is_stricter(entry->d_name), "%s", name);
        else if (kind == 'n')
            cr_expect_neq(code, 0, "%s", name);
        seen++;
    }
    closedir(dir);
    cr_assert_gt(seen, 100);
}

Test(json, refuses_what_rfc_8259_leaves_open)
{
    static const char *const bad[] = {
        "",
        " ",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "{} {}",
        "{}x",
        "[\"\\u0000\"]",
        "{\"\\u0000\":1}",
        "\"\xc0\xaf\"",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        cr_expect_eq(parse_text(bad[i]), KEDGE_INVALID, "%s", bad[i]);
    cr_assert_eq(parse("{}\0", 3), KEDGE_INVALID);
    cr_assert_eq(parse_text(" {} \n"), 0);
    cr_assert_eq(parse_text("7"), 0);
    kedge_test_no_leaks();
}

Test(json, wrong_text_is_named_with_its_place)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "JSON line 1 column 1: the text ends here"},
        {"{\n  \"a\": 1,\n  \"a\": 2}", "JSON line 3 column 4: this member name stands here twice"},
        {"[1,\n2\n3]", "JSON line 3 column 1: ',' or ']' is missing"},
        {"{\"a\" 1}", "JSON line 1 column 6: ':' is missing"},
        {"{\"a\":1,}", "JSON line 1 column 8: a member name is missing"},
        {"[01]", "JSON line 1 column 4: a number is wrong"},
        {"[1.e5]", "JSON line 1 column 4: a number is wrong"},
        {"[9223372036854775808]", "JSON line 1 column 21: an integer is too large"},
        {"[1e999]", "JSON line 1 column 7: a number is too large"},
        {"[nul]", "JSON line 1 column 2: no value starts like this"},
        {"[\"\\x\"]", "JSON line 1 column 5: an escape in a string is wrong"},
        {"[\"\\ud800\"]", "JSON line 1 column 9: an escape in a string is wrong"},
        {"[\"a\tb\"]", "JSON line 1 column 4: a string holds a control character or is not UTF-8"},
        {"\"abc", "JSON line 1 column 5: the text ends within a string"},
        {"{} {}", "JSON line 1 column 4: something stands behind the value"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_err err = {0};
        json_t *json = NULL;
        cr_expect_eq(kedge_json_parse(rows[i].text, strlen(rows[i].text), KEDGE_MIB(1), &json,
                                      &err),
                     KEDGE_INVALID);
        cr_expect_str_eq(err.msg, rows[i].message);
    }
    kedge_test_no_leaks();
}

Test(json, escapes_are_read)
{
    static const char text[] =
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00x\"]";
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_json_parse(text, strlen(text), sizeof text, &json, &err), 0, "%s", err.msg);
    cr_assert_str_eq(json_string_value(json_array_get(json, 0)),
                     "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x");
}

Test(json, size_and_depth_are_bounded_first)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err = {0};
    json_t *json = NULL;
    cr_assert_eq(kedge_json_parse("[1]", 3, 2, &json, &err), KEDGE_LIMIT);
    for (int i = 0; i < KEDGE_LIMIT_JSON_DEPTH; i++)
        kedge_buf_putc(&text, '[');
    for (int i = 0; i < KEDGE_LIMIT_JSON_DEPTH; i++)
        kedge_buf_putc(&text, ']');
    cr_assert_eq(parse(text.data, text.size), 0);
    kedge_auto(kedge_buf) struct kedge_buf deeper = {0};
    kedge_buf_printf(&deeper, "{\"a\":%s}", text.data);
    cr_assert_eq(parse(deeper.data, deeper.size), KEDGE_LIMIT);
    cr_assert_eq(parse_text(
                     "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                     "\\\"[[[[\""),
                 0, "brackets in strings do not nest");
    kedge_buf_clear(&text);
    for (int i = 0; i < 1000000; i++)
        kedge_buf_putc(&text, '[');
    cr_assert_eq(parse(text.data, text.size), KEDGE_LIMIT);
}

Test(json, members)
{
    static const char text[] = "{\"s\":\"text\",\"n\":42,\"big\":9007199254740992,"
                               "\"low\":-9007199254740991,\"r\":1.0,\"t\":true,\"z\":null,"
                               "\"o\":{},\"a\":[]}";
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_json_parse(text, sizeof text - 1, sizeof text, &json, &err), 0, "%s",
                 err.msg);
    const char *s = NULL;
    int64_t n = 0;
    bool b = false;
    json_t *part = NULL;
    cr_assert_eq(kedge_json_string(json, "s", &s, &err), 0);
    cr_assert_str_eq(s, "text");
    cr_assert_eq(kedge_json_integer(json, "n", &n, &err), 0);
    cr_assert_eq(n, 42);
    cr_assert_eq(kedge_json_integer(json, "low", &n, &err), 0);
    cr_assert_eq(n, -9007199254740991);
    cr_assert_eq(kedge_json_object(json, "o", &part, &err), 0);
    cr_assert_eq(kedge_json_array(json, "a", &part, &err), 0);
    cr_assert_eq(kedge_json_opt_bool(json, "t", &b, &err), 0);
    cr_assert(b);

    n = 7;
    part = NULL;
    cr_assert_eq(kedge_json_integer(json, "big", &n, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_integer(json, "r", &n, &err), KEDGE_INVALID);
    cr_assert_str_eq(err.msg, "member 'r' must be an integer, not a number");
    cr_assert_eq(kedge_json_string(json, "absent", &s, &err), KEDGE_INVALID);
    cr_assert_str_eq(err.msg, "member 'absent' is missing");
    cr_assert_eq(kedge_json_string(json, "z", &s, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_object(json, "a", &part, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_array(json, "o", &part, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_array(json, "absent", &part, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_object(json, "absent", &part, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_opt_bool(json, "n", &b, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_opt_string(json, "n", &s, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_opt_integer(json, "s", &n, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_json_opt_string(json, "absent", &s, &err), 0);
    cr_assert_eq(kedge_json_opt_integer(json, "absent", &n, &err), 0);
    cr_assert_eq(kedge_json_opt_bool(json, "absent", &b, &err), 0);
    cr_assert(n == 7 && b && part == NULL && strcmp(s, "text") == 0, "outputs stay on failure");
    cr_assert_eq(kedge_json_string(json_array_get(json, 0), "s", &s, &err), KEDGE_INVALID,
                 "NULL is no object");
}

Test(json, writes_canonically)
{
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    struct kedge_json_writer w = {.out = &buf};
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "name", "cam \"7\"\n\x01\\");
    kedge_json_add_string(&w, "left-out", NULL);
    kedge_json_add_integer(&w, "min", INT64_MIN);
    kedge_json_add_bool(&w, "ok", false);
    kedge_json_key(&w, "list");
    kedge_json_begin_array(&w);
    kedge_json_put_integer(&w, 0);
    kedge_json_put_string(&w, NULL);
    kedge_json_begin_object(&w);
    kedge_json_end_object(&w);
    kedge_json_begin_array(&w);
    kedge_json_end_array(&w);
    kedge_json_put_slice(&w, (struct kedge_slice){"\xc3\xa4\0b", 4});
    kedge_json_put_raw(&w, (struct kedge_slice){"[1]", 3});
    kedge_json_put_bool(&w, true);
    kedge_json_end_array(&w);
    kedge_json_add_integer(&w, "max", INT64_MAX);
    kedge_json_end_object(&w);
    cr_assert_str_eq(buf.data, "{\"name\":\"cam \\\"7\\\"\\n\\u0001\\\\\","
                               "\"min\":-9223372036854775808,\"ok\":false,"
                               "\"list\":[0,null,{},[],\"\xc3\xa4\\u0000b\",[1],true],"
                               "\"max\":9223372036854775807}");
}

/* Whatever bytes go in, JSON comes out, and valid UTF-8 comes back as it was. */
Test(json, any_bytes_make_valid_json)
{
    struct kedge_rng rng = kedge_rng_make(11);
    static const char *const pieces[] = {"a",    "\"",       "\\",           "\n",
                                         "\x7f", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (int round = 0; round < 20000; round++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0}, json_text = {0};
        bool valid = true;
        for (size_t i = kedge_rng_below(&rng, 12); i > 0; i--) {
            if (kedge_rng_chance(&rng, 20)) {
                kedge_buf_putc(&text, (char)(0x80 | kedge_rng_below(&rng, 128)));
                valid = false;
            } else {
                kedge_buf_puts(&text, pieces[kedge_rng_below(&rng, KEDGE_COUNT(pieces))]);
            }
        }
        struct kedge_json_writer w = {.out = &json_text};
        kedge_json_put_slice(&w, kedge_buf_slice(&text));
        kedge_auto(kedge_json) json_t *json = NULL;
        struct kedge_err err = {0};
        cr_assert_eq(kedge_json_parse(json_text.data, json_text.size, 1000, &json, &err), 0,
                     "%s: %s", err.msg, json_text.data);
        if (valid)
            cr_assert_str_eq(json_string_value(json), kedge_buf_slice(&text).data);
    }
}

Test(json, numbers_read_back_equal_in_the_shortest_form)
{
    static const struct {
        double value;
        const char *text;
    } known[] = {
        {0, "0"},      {1, "1"},           {-2.5, "-2.5"},
        {0.1, "0.1"},  {1e300, "1e+300"},  {0.30000000000000004, "0.30000000000000004"},
        {NAN, "null"}, {INFINITY, "null"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(known); i++) {
        kedge_auto(kedge_buf) struct kedge_buf buf = {0};
        struct kedge_json_writer w = {.out = &buf};
        kedge_json_put_number(&w, known[i].value);
        cr_assert_str_eq(buf.data, known[i].text);
    }
    struct kedge_rng rng = kedge_rng_make(13);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = kedge_rng_next(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        kedge_auto(kedge_buf) struct kedge_buf buf = {0};
        struct kedge_json_writer w = {.out = &buf};
        kedge_json_put_number(&w, value);
        cr_assert_eq(strtod(buf.data, NULL), value);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/range.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "lib/vectors.h"

/* The parsed vector file; a new reference. */
static json_t *load(const char *name)
{
    char path[PATH_MAX];
    json_t *json = json_load_file(kedge_vectors_path(name, path), 0, NULL);
    cr_assert_not_null(json);
    return json;
}

static const char *text_at(const json_t *row, size_t index)
{
    return json_string_value(json_array_get(row, index));
}

static bool matches(const char *range_text, const char *version_text)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_err err;
    struct kedge_version version;
    const struct kedge_range *range;
    cr_assert_eq(kedge_range_parse(&arena, range_text, &range, &err), 0, "%s", err.msg);
    return kedge_version_parse(&arena, version_text, &version, &err) == 0 &&
           kedge_range_match(range, &version);
}

Test(range, vectors)
{
    kedge_auto(kedge_json) json_t *include = load("semver/range-include.json");
    kedge_auto(kedge_json) json_t *exclude = load("semver/range-exclude.json");
    size_t i;
    json_t *row;
    json_array_foreach (include, i, row) {
        const char *version = text_at(row, 1);
        /* node-semver reads "v2.0.0" as a version; in a manifest it is none. */
        version += version[0] == 'v';
        cr_expect(matches(text_at(row, 0), version), "'%s' takes '%s'", text_at(row, 0), version);
    }
    json_array_foreach (exclude, i, row) {
        const char *version = text_at(row, 1);
        if (version == NULL)
            continue; /* JavaScript's `false` as a version */
        version += version[0] == 'v';
        cr_expect_not(matches(text_at(row, 0), version), "'%s' leaves '%s'", text_at(row, 0),
                      version);
    }
}

/* Checked by hand against node-semver 7.6. */
static const struct {
    const char *range, *version;
    bool matches;
} rows[] = {
    {"^0", "0.9.9", true},
    {"^0.0", "0.0.9", true},
    {"^0.0", "0.1.0", false},
    {"^0.0.3", "0.0.4", false},
    {"^1.2.3-rc.1", "1.2.3-rc.2", true},
    {"^1.2.3-rc.1", "1.3.0-rc.2", false},
    {"~1.2.3-rc.1 || 2.x", "2.9.0", true},
    {">1", "1.9.9", false},
    {">1", "2.0.0", true},
    {"<=1", "1.9.9", true},
    {"<=1", "2.0.0-0", false},
    {"<1.2", "1.2.0-rc", false},
    {">*", "1.0.0", false},
    {"<x", "0.0.0", false},
    {"1.2 - 1.4", "1.4.9", true},
    {"1.2 - 1.4", "1.5.0", false},
    {"1.2.3-a - 2", "1.2.3-b", true},
    {"v1.2.3", "1.2.3", true},
    {" 1.2.3  ", "1.2.3", true},
    {">=1.0.0   <  2.0.0", "1.5.0", true},
    {"1.x.x-rc.1", "1.5.0", true},
    {"*", "1.0.0-rc.1", false},
    {">=1.0.0-rc.1", "1.0.0-rc.2", true},
    {">=1.0.0-rc.1", "1.0.1-rc.2", false},
    {"=1.2.3+one", "1.2.3+two", true},
};

Test(range, rows)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(matches(rows[i].range, rows[i].version), rows[i].matches, "'%s' '%s'",
                     rows[i].range, rows[i].version);
}

Test(range, refuses_what_is_not_a_range)
{
    static const char *const bad[] = {
        "latest",
        ">",
        "^",
        "1.2.3.4",
        "1.2.3-",
        "1.2.3 - ",
        "- 1.2.3",
        "1.2.3 -2",
        "1,2",
        "1 | 2",
        ">=1.0.0<2",
        "01.2.3",
        "1.y",
        "1.x.3",
        "x.1",
        "1.2.3 - 2 - 3",
        "a - b",
        "1.",
        ">=1 - 2",
        "^9007199254740991",
        "9007199254740992",
        ">9007199254740991.x",
        "!1.2.3",
        "1.2-rc",
    };
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        const struct kedge_range *range;
        struct kedge_err err;
        cr_expect_eq(kedge_range_parse(&arena, bad[i], &range, &err), KEDGE_INVALID, "'%s'",
                     bad[i]);
        cr_expect_not_null(strstr(err.msg, bad[i]));
    }
    char text[1100];
    memset(text, ' ', sizeof text);
    text[sizeof text - 1] = '\0';
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_range *range;
    cr_expect_eq(kedge_range_parse(&arena, text, &range, NULL), KEDGE_INVALID);
}

Test(range, exact)
{
    static const struct {
        const char *range;
        bool exact;
    } table[] = {{"1.2.3", true}, {"=1.2.3", true},          {"= v1.2.3-rc", true},
                 {"1.2", false},  {"^1.2.3", false},         {"1.2.3 || 1.2.4", false},
                 {"*", false},    {">=1.2.3 <=1.2.3", false}};
    for (size_t i = 0; i < KEDGE_COUNT(table); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        const struct kedge_range *range;
        cr_assert_eq(kedge_range_parse(&arena, table[i].range, &range, NULL), 0);
        cr_expect_eq(kedge_range_is_exact(range), table[i].exact, "'%s'", table[i].range);
    }
}

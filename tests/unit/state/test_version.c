/* SPDX-License-Identifier: Apache-2.0 */
/* Outside vectors: node-semver's fixtures. Versions in manifests are strict SemVer 2.0, so where
 * node-semver also takes a "v" or spaces before a version, kedge refuses it; ranges take what
 * node-semver takes. */
#include "state/version.h"

#include <criterion/criterion.h>
#include <stdlib.h>
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

static bool parse(struct kedge_arena *arena, const char *text, struct kedge_version *out)
{
    struct kedge_err err;
    return kedge_version_parse(arena, text, out, &err) == 0;
}

static int compare(const char *a, const char *b)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_version left, right;
    cr_assert(parse(&arena, a, &left), "'%s'", a);
    cr_assert(parse(&arena, b, &right), "'%s'", b);
    int order = kedge_version_compare(&left, &right);
    cr_expect_eq(order > 0, kedge_version_compare(&right, &left) < 0, "'%s' '%s'", a, b);
    return order;
}

Test(version, order_of_semver_org)
{
    static const char *const rising[] = {
        "0.0.0-0",
        "0.0.0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "2.0.0",
        "2.1.0",
        "2.1.1",
        "9007199254740991.0.0-99999999999999999998",
        "9007199254740991.0.0-99999999999999999999",
        "9007199254740991.0.0-100000000000000000000",
    };
    for (size_t i = 0; i < KEDGE_COUNT(rising); i++)
        for (size_t j = 0; j < KEDGE_COUNT(rising); j++)
            cr_expect_eq(compare(rising[i], rising[j]) < 0, i < j, "'%s' '%s'", rising[i],
                         rising[j]);
}

Test(version, strict)
{
    static const char *const bad[] = {
        "",
        "1",
        "1.2",
        "v1.2.3",
        "=1.2.3",
        " 1.2.3",
        "1.2.3 ",
        "01.2.3",
        "1.02.3",
        "1.2.03",
        "1.2.3-",
        "1.2.3+",
        "1.2.3-01",
        "1.2.3-a..b",
        "1.2.3.4",
        "1.2.3-a_b",
        "1.2.3+a+b",
        "-1.2.3",
        "1.2.x",
        "9007199254740992.0.0",
        "1.2.3-\xc3\xa9",
        "1..3",
        "99999999999999999999.0.0",
    };
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        struct kedge_version version;
        struct kedge_err err;
        cr_expect_eq(kedge_version_parse(&arena, bad[i], &version, &err), KEDGE_INVALID, "'%s'",
                     bad[i]);
        cr_expect_not_null(strstr(err.msg, bad[i]));
    }
    char text[300];
    memset(text, '1', sizeof text);
    memcpy(text, "1.2.3-", 6);
    text[256] = '\0';
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_version version;
    cr_expect(parse(&arena, text, &version));
    text[256] = '1';
    text[257] = '\0';
    cr_expect_not(parse(&arena, text, &version));
}

Test(version, parts)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_version v;
    cr_assert(parse(&arena, "1.22.333-rc.1-x+build.007", &v));
    cr_expect_eq(v.major, 1);
    cr_expect_eq(v.minor, 22);
    cr_expect_eq(v.patch, 333);
    cr_expect_str_eq(v.pre, "rc.1-x");
    cr_expect_str_eq(v.build, "build.007");
    cr_assert(parse(&arena, "1.0.0", &v));
    cr_expect_null(v.pre);
    cr_expect_null(v.build);
}

Test(version, vectors)
{
    kedge_auto(kedge_json) json_t *valid = load("semver/valid-versions.json");
    kedge_auto(kedge_json) json_t *order = load("semver/comparisons.json");
    kedge_auto(kedge_json) json_t *equal = load("semver/equality.json");
    size_t i;
    json_t *row;
    json_array_foreach (valid, i, row) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        struct kedge_version v;
        const char *text = text_at(row, 0);
        bool loose = text[0] == 'v';
        cr_expect_eq(parse(&arena, text, &v), !loose, "'%s'", text);
        if (loose)
            continue;
        cr_expect_eq(v.major, json_integer_value(json_array_get(row, 1)), "'%s'", text);
        cr_expect_eq(v.minor, json_integer_value(json_array_get(row, 2)), "'%s'", text);
        cr_expect_eq(v.patch, json_integer_value(json_array_get(row, 3)), "'%s'", text);
        cr_expect_eq(v.pre == NULL, json_array_size(json_array_get(row, 4)) == 0, "'%s'", text);
        cr_expect_eq(v.build == NULL, json_array_size(json_array_get(row, 5)) == 0, "'%s'", text);
    }
    json_array_foreach (order, i, row)
        cr_expect_gt(compare(text_at(row, 0), text_at(row, 1)), 0);
    json_array_foreach (equal, i, row)
        if (text_at(row, 0)[0] != ' ')
            cr_expect_eq(compare(text_at(row, 0), text_at(row, 1)), 0);
}

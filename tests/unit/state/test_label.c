/* SPDX-License-Identifier: Apache-2.0 */
#include "state/label.h"

#include <criterion/criterion.h>
#include <string.h>

#define STRINGS(...)                                                                               \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__}, KEDGE_COUNT(((const char *const[]){__VA_ARGS__}))      \
    }

static const struct kedge_label items[] = {{"arch", "arm64"},
                                           {"empty", ""},
                                           {"site", "harbour"},
                                           {"tier", "edge"}};
static const struct kedge_labels labels = {items, KEDGE_COUNT(items)};

/* The truth table of apimachinery's Requirement.Matches. */
static const struct {
    const char *about;
    struct kedge_requirement requirement;
    bool matches;
} rows[] = {
    {"in, listed", {"site", KEDGE_SELECTOR_IN, STRINGS("yard", "harbour")}, true},
    {"in, other value", {"site", KEDGE_SELECTOR_IN, STRINGS("yard")}, false},
    {"in, no key", {"line", KEDGE_SELECTOR_IN, STRINGS("a")}, false},
    {"in, empty value", {"empty", KEDGE_SELECTOR_IN, STRINGS("")}, true},
    {"in, empty value, no key", {"line", KEDGE_SELECTOR_IN, STRINGS("")}, false},
    {"not in, listed", {"site", KEDGE_SELECTOR_NOT_IN, STRINGS("harbour")}, false},
    {"not in, other value", {"site", KEDGE_SELECTOR_NOT_IN, STRINGS("yard")}, true},
    {"not in, no key", {"line", KEDGE_SELECTOR_NOT_IN, STRINGS("a")}, true},
    {"exists", {"arch", KEDGE_SELECTOR_EXISTS, {0}}, true},
    {"exists, empty value", {"empty", KEDGE_SELECTOR_EXISTS, {0}}, true},
    {"exists, no key", {"line", KEDGE_SELECTOR_EXISTS, {0}}, false},
    {"does not exist", {"line", KEDGE_SELECTOR_DOES_NOT_EXIST, {0}}, true},
    {"does not exist, key", {"tier", KEDGE_SELECTOR_DOES_NOT_EXIST, {0}}, false},
};

Test(label, requirements_follow_kubernetes)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_selector selector = {&rows[i].requirement, 1};
        cr_expect_eq(kedge_label_match(&selector, &labels), rows[i].matches, "%s", rows[i].about);
    }
}

Test(label, all_requirements_must_hold_and_none_matches_everything)
{
    const struct kedge_requirement both[] = {rows[0].requirement, rows[1].requirement};
    const struct kedge_requirement fine[] = {rows[0].requirement, rows[6].requirement};
    cr_expect_not(kedge_label_match(&(struct kedge_selector){both, 2}, &labels));
    cr_expect(kedge_label_match(&(struct kedge_selector){fine, 2}, &labels));
    cr_expect(kedge_label_match(&(struct kedge_selector){0}, &labels));
    cr_expect(kedge_label_match(&(struct kedge_selector){0}, &(struct kedge_labels){0}));
}

Test(label, find)
{
    for (size_t i = 0; i < KEDGE_COUNT(items); i++)
        cr_expect_str_eq(kedge_label_find(&labels, items[i].key), items[i].value);
    cr_expect_null(kedge_label_find(&labels, "a"));
    cr_expect_null(kedge_label_find(&labels, "zone"));
    cr_expect_null(kedge_label_find(&(struct kedge_labels){0}, "arch"));
}

Test(label, keys_and_values)
{
    static const char *const keys[] = {"a", "A.b_c-d", "kedge.dev/site", "example.com/A", "7"};
    static const char *const bad_keys[] = {"",    "-a",      "a-",    "/a",        "a/",
                                           "a b", "A.com/x", "a/b/c", "kedge.dev/"};
    for (size_t i = 0; i < KEDGE_COUNT(keys); i++)
        cr_expect(kedge_label_key_valid(keys[i], strlen(keys[i])), "'%s'", keys[i]);
    for (size_t i = 0; i < KEDGE_COUNT(bad_keys); i++)
        cr_expect_not(kedge_label_key_valid(bad_keys[i], strlen(bad_keys[i])), "'%s'", bad_keys[i]);
    cr_expect(kedge_label_value_valid("", 0));
    cr_expect(kedge_label_value_valid("v1.2_x-Y", 8));
    cr_expect_not(kedge_label_value_valid("a/b", 3));
    cr_expect_not(kedge_label_value_valid("_a", 2));
    char text[64];
    memset(text, 'a', sizeof text);
    cr_expect(kedge_label_value_valid(text, 63));
    cr_expect_not(kedge_label_value_valid(text, 64));
}

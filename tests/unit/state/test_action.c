/* SPDX-License-Identifier: Apache-2.0 */
#include "state/action.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"
#include "lib/leak.h"

static struct kedge_desired_assignment want = {
    .assignment = {.instance = "m", .deployment = "one", .version = "1.1.0"}};

static struct kedge_change make_change(void)
{
    kedge_assignment_seal(&want.assignment);
    return (struct kedge_change){.device = "d",
                                 .instance = "m",
                                 .verb = KEDGE_VERB_UPDATE,
                                 .drift = KEDGE_DRIFT_MODIFIED,
                                 .from = "1.0.0",
                                 .to = "1.1.0",
                                 .want = &want,
                                 .reason = "because \"x\""};
}

Test(action, round_trip)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer writer = {.out = &text};
    struct kedge_change change = make_change();
    struct kedge_action a, b;
    struct kedge_err err = {0};
    kedge_action_from_change(&change, "c", &a);
    cr_expect_eq(strlen(a.id), 32);
    kedge_action_write(&a, &writer);
    {
        kedge_auto(kedge_json) json_t *json = NULL;
        cr_assert_eq(kedge_json_parse(text.data, text.size, 4096, &json, &err), 0);
        cr_assert_eq(kedge_action_read(&arena, json, &b, &err), 0, "%s", err.msg);
    }
    cr_expect_str_eq(a.id, b.id);
    cr_expect_eq(b.verb, KEDGE_VERB_UPDATE);
    cr_expect_eq(b.drift, KEDGE_DRIFT_MODIFIED);
    cr_expect_str_eq(b.instance, "m");
    cr_expect_str_eq(b.from, "1.0.0");
    cr_expect_str_eq(b.to, "1.1.0");
    cr_expect_str_eq(b.reason, "because \"x\"");
    kedge_test_no_leaks();
}

Test(action, the_id_tells_commit_device_instance_verb_and_content_apart)
{
    struct kedge_change base = make_change(), other;
    struct kedge_action a, b;
    kedge_action_from_change(&base, "c", &a);
    other = base;
    other.reason = "in other words";
    kedge_action_from_change(&other, "c", &b);
    cr_expect_str_eq(a.id, b.id);
    kedge_action_from_change(&base, "c2", &b);
    cr_expect_str_neq(a.id, b.id);
    other.device = "d2";
    kedge_action_from_change(&other, "c", &b);
    cr_expect_str_neq(a.id, b.id);
    other = base;
    other.verb = KEDGE_VERB_DEPLOY;
    kedge_action_from_change(&other, "c", &b);
    cr_expect_str_neq(a.id, b.id);
    other = base;
    other.want = NULL;
    kedge_action_from_change(&other, "c", &b);
    cr_expect_str_neq(a.id, b.id);
    /* Parts do not run into each other. */
    other = base;
    other.device = "dm";
    other.instance = "";
    kedge_action_from_change(&other, "c", &b);
    cr_expect_str_neq(a.id, b.id);
}

Test(action, refuses_bad_ids)
{
    static const char *const bad[] = {
        "{\"verb\":\"update\",\"instance\":\"m\"}",
        "{\"id\":\"00\",\"verb\":\"update\",\"instance\":\"m\"}",
        "{\"id\":\"0123456789ABCDEF0123456789abcdef\",\"verb\":\"update\",\"instance\":\"m\"}",
        "{\"id\":\"0123456789abcdef0123456789abcdef\",\"verb\":\"explode\",\"instance\":\"m\"}",
        "{\"id\":7,\"verb\":\"update\",\"instance\":\"m\"}",
    };
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_json) json_t *json = NULL;
        struct kedge_action action;
        cr_assert_eq(kedge_json_parse(bad[i], strlen(bad[i]), 4096, &json, NULL), 0);
        cr_expect_eq(kedge_action_read(&arena, json, &action, NULL), KEDGE_INVALID, "%s", bad[i]);
    }
}

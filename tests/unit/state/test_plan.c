/* SPDX-License-Identifier: Apache-2.0 */
#include "state/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"

Test(plan, json)
{
    const struct kedge_change made[] = {
        {.device = "d1",
         .instance = "m",
         .verb = KEDGE_VERB_UPDATE,
         .from = "1.0.0",
         .to = "1.1.0",
         .reason = "why"},
        {.device = "d2",
         .instance = "x",
         .verb = KEDGE_VERB_DESTROY,
         .drift = KEDGE_DRIFT_EXTRA,
         .reason = "extra"},
    };
    const struct kedge_changes changes = {
        .at = made,
        .count = 2,
        .drifted = 1,
        .devices = 2,
        .unknown = 3,
        .verbs = {[KEDGE_VERB_UPDATE] = 1, [KEDGE_VERB_DESTROY] = 1}};
    const struct kedge_step steps[] = {
        {.change = &made[0],
         .blocker = KEDGE_BLOCKER_WINDOW,
         .why = "closed",
         .frees = "at 2026-01-01T03:00:00Z",
         .until = 1767236400000,
         .wave = 2},
        {.change = &made[1], .wave = 1},
    };
    struct kedge_plan plan = {.commit = "c0ffee",
                              .steps = steps,
                              .count = 2,
                              .released = 1,
                              .held = 1,
                              .blockers = {[KEDGE_BLOCKER_WINDOW] = 1},
                              .wake = 1767236400000};
    plan.inventory.bytes[31] = plan.digest.bytes[0] = 1;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer writer = {.out = &text};
    kedge_plan_write(&plan, &changes, &writer);
    cr_expect_str_eq(
        text.data,
        "{\"format\":\"kedge.dev/plan/v1\",\"commit\":\"c0ffee\",\"inventory\":\"sha256:"
        "0000000000000000000000000000000000000000000000000000000000000001\",\"digest\":\"sha256:"
        "0100000000000000000000000000000000000000000000000000000000000000\",\"summary\":{"
        "\"verbs\":{\"update\":1,\"destroy\":1},\"drifted\":1,\"devices\":2,\"unknown\":3,"
        "\"released\":1,\"held\":1,\"blockers\":{\"window\":1},\"wake\":\"2026-01-01T03:00:00Z\"},"
        "\"changes\":[{\"device\":\"d1\",\"instance\":\"m\",\"verb\":\"update\",\"from\":\"1.0.0\","
        "\"to\":\"1.1.0\",\"reason\":\"why\",\"decision\":\"held\",\"wave\":2,\"hold\":{"
        "\"blocker\":\"window\",\"why\":\"closed\",\"frees\":\"at 2026-01-01T03:00:00Z\","
        "\"until\":\"2026-01-01T03:00:00Z\"}}],"
        "\"drift\":[{\"device\":\"d2\",\"instance\":\"x\",\"verb\":\"destroy\",\"drift\":\"extra\","
        "\"reason\":\"extra\",\"decision\":\"released\",\"wave\":1}]}");
    kedge_test_no_leaks();
}

Test(plan, every_blocker_has_its_word)
{
    cr_expect_eq(kedge_blocker_words.count, KEDGE_BLOCKER_COUNT);
    for (int i = 1; i < KEDGE_BLOCKER_COUNT; i++)
        cr_expect_not_null(kedge_blocker_words.words[i]);
    cr_expect_eq(kedge_verb_words.count, KEDGE_VERB_COUNT);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "world.h"

Test(agent, deploys_updates_and_destroys)
{
    struct world *world = world_new();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "%s", world->trace);
    cr_assert(kedge_agent_converged(world->agent));
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "2.0.0");
    cr_assert_eq(world_slots(world), 1, "the former version is removed");
    world_order(world, NULL, 0, KEDGE_VERB_DESTROY, "m");
    world_pass(world, 10000);
    cr_assert_eq(world_slots(world), 0);
    cr_assert(kedge_agent_converged(world->agent));
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, rolls_a_sick_version_back_and_does_not_try_it_again)
{
    for (int handover = KEDGE_HANDOVER_OVERLAP; handover <= KEDGE_HANDOVER_REPLACE; handover++) {
        struct world *world = world_new();
        world_deploy(world, "1.0.0", (enum kedge_handover)handover);
        world_pass(world, 10000);
        world->sick = "2.0.0";
        world_deploy(world, "2.0.0", (enum kedge_handover)handover);
        world_pass(world, 60000);
        cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "%s", world->trace);
        struct kedge_arena arena = {0};
        const struct kedge_progress *said = world_progress(world, &arena, "m");
        cr_assert_not_null(said);
        cr_assert_eq(said->state, KEDGE_ACTION_ROLLED_BACK);
        cr_assert(strstr(said->message, "probe"), "%s", said->message);
        kedge_arena_release(&arena);
        unsigned starts = world->starts;
        world_crash(world);
        world_pass(world, 600000);
        cr_assert_eq(world->starts, starts, "not tried again, also after a restart");
        world->sick = NULL;
        world_deploy(world, "2.0.0", (enum kedge_handover)handover);
        world_pass(world, 60000);
        cr_assert_str_eq(world_serving(world, "m"), "2.0.0",
                         "a newer order that names it frees it");
        world_free(world);
    }
    kedge_test_no_leaks();
}

Test(agent, rolls_back_a_version_that_exits)
{
    struct world *world = world_new();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_REPLACE);
    world_pass(world, 10000);
    world->dying = "2.0.0";
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_REPLACE);
    world_pass(world, 30000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "%s", world->trace);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, stops_and_starts)
{
    struct world *world = world_new();
    struct member member = {.instance = "m", .version = "1.0.0"};
    world_order(world, &member, 1, KEDGE_VERB_DEPLOY, "m");
    world_pass(world, 10000);
    member.state = KEDGE_RUN_STOPPED;
    world_order(world, &member, 1, KEDGE_VERB_STOP, "m");
    world_pass(world, 10000);
    cr_assert(kedge_agent_converged(world->agent));
    cr_assert_str_eq(world_serving(world, "m"), "");
    cr_assert_eq(world_slots(world), 1, "the files stay");
    member.state = KEDGE_RUN_RUNNING;
    world_order(world, &member, 1, KEDGE_VERB_START, "m");
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    cr_assert_eq(world->fetches, 1);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, keeps_a_failed_version_that_shall_stand_still)
{
    struct world *world = world_new();
    struct member member = {.instance = "m", .version = "1.0.0"};
    world->dying = "1.0.0";
    world_order(world, &member, 1, KEDGE_VERB_DEPLOY, "m");
    world_pass(world, 30000);
    cr_assert_str_eq(world_serving(world, "m"), "");
    cr_assert_not(kedge_agent_converged(world->agent));
    member.state = KEDGE_RUN_STOPPED;
    world_order(world, &member, 1, KEDGE_VERB_STOP, "m"); /* the server saw it run before it died */
    world_pass(world, 30000);
    cr_assert(kedge_agent_converged(world->agent), "%s", world->trace);
    cr_assert_eq(world_slots(world), 1);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, heals_what_drifts)
{
    struct world *world = world_new();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    struct disk_slot *slot = world_current(world, "m");
    slot->running = false;
    world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_EXITED,
                                                    .instance = "m",
                                                    .content = slot->content,
                                                    .message = "killed by signal 9"});
    world_pass(world, 20000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "started again");
    world_current(world, "m")->current = false;
    world_pass(world, 100000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "linked again");
    unsigned starts = world->starts;
    world_current(world, "m")->modified = true;
    world_pass(world, 100000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    cr_assert(!world_current(world, "m")->modified, "unpacked anew");
    cr_assert_eq(world->starts, starts + 1, "and started from the new files");
    world_drop(world_current(world, "m"));
    world_pass(world, 100000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "brought back whole");
    cr_assert(kedge_agent_converged(world->agent));
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, moves_a_bundle_as_one)
{
    struct world *world = world_new();
    struct member members[] = {
        {.instance = "app", .version = "1.0.0", .application = true},
        {.instance = "m", .version = "1.0.0", .bundle = "app"},
    };
    world_order(world, members, 2, KEDGE_VERB_DEPLOY, "app");
    world_pass(world, 20000);
    cr_assert_str_eq(world_serving(world, "app"), "1.0.0");
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    /* The model is fine, the application is not: both go back. */
    members[0].version = "2.0.0";
    members[1].version = "3.0.0";
    world->sick = "2.0.0";
    world_order(world, members, 2, KEDGE_VERB_UPDATE, "app");
    world_pass(world, 60000);
    cr_assert_str_eq(world_serving(world, "app"), "1.0.0", "%s", world->trace);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    members[0].version = "3.0.0";
    world_order(world, members, 2, KEDGE_VERB_UPDATE, "app");
    world_pass(world, 60000);
    cr_assert_str_eq(world_serving(world, "app"), "3.0.0");
    cr_assert_str_eq(world_serving(world, "m"), "3.0.0");
    cr_assert(kedge_agent_converged(world->agent));
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, refuses_orders_that_are_not_its_own)
{
    struct world *world = world_new();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    struct kedge_buf old = {0};
    kedge_buf_add(&old, world->envelope.data, world->envelope.size);
    world_pass(world, 10000);
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    world->answered = world->now - 10000;
    kedge_buf_clear(&world->envelope);
    kedge_buf_add(&world->envelope, old.data, old.size);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "2.0.0");
    struct kedge_arena arena = {0};
    const struct kedge_report *report = kedge_agent_report(world->agent, &arena, 0);
    cr_assert_not_null(report->refusal);
    cr_assert_str_eq(report->refusal->reason, "replay");
    world_crash(world);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "2.0.0", "nor after a restart");
    kedge_arena_release(&arena);
    kedge_buf_release(&old);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, serves_on_with_a_full_disk)
{
    struct world *world = world_new();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    world->disk_full = true;
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 100000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    world->disk_full = false;
    world_pass(world, 200000);
    cr_assert_str_eq(world_serving(world, "m"), "2.0.0");
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, waits_longer_and_longer_for_what_cannot_be_fetched)
{
    struct world *world = world_new();
    world->fetch = KEDGE_NOTFOUND;
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 3600000);
    cr_assert_lt(world->fetches, 6, "%u fetches", world->fetches);
    struct kedge_arena arena = {0};
    const struct kedge_progress *said = world_progress(world, &arena, "m");
    cr_assert_eq(said->state, KEDGE_ACTION_FAILED);
    cr_assert_eq(said->code, KEDGE_NOTFOUND);
    kedge_arena_release(&arena);
    world->fetch = KEDGE_OK;
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "2.0.0");
    world_free(world);
    kedge_test_no_leaks();
}

/* One crash before each effect of a deployment, an update, a roll-back and a removal, in turn. */
Test(agent, converges_after_a_crash_at_any_effect, .timeout = 120)
{
    for (int handover = KEDGE_HANDOVER_OVERLAP; handover <= KEDGE_HANDOVER_REPLACE; handover++) {
        for (int point = 0, crashed = 1; crashed; point++) {
            struct world *world = world_new();
            crashed = 0;
            const char *const versions[] = {"1.0.0", "2.0.0", "3.0.0"};
            world->crash_at = point;
            for (size_t i = 0; i < KEDGE_COUNT(versions); i++) {
                world->sick = i == 1 ? "2.0.0" : NULL;
                world_deploy(world, versions[i], (enum kedge_handover)handover);
                world_pass(world, 60000);
                cr_assert_str_eq(world_serving(world, "m"),
                                 i == 0   ? "1.0.0"
                                 : i == 1 ? "1.0.0"
                                          : "3.0.0",
                                 "crash at %d, step %zu: %s", point, i, world->trace);
                cr_assert_eq(world_slots(world), 1, "crash at %d, step %zu", point, i);
            }
            world_order(world, NULL, 0, KEDGE_VERB_DESTROY, "m");
            world_pass(world, 60000);
            cr_assert_eq(world_slots(world), 0, "crash at %d", point);
            cr_assert(kedge_agent_converged(world->agent), "crash at %d", point);
            crashed = world->crash_at < 0;
            world_free(world);
        }
    }
}

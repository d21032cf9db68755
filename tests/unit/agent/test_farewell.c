/* SPDX-License-Identifier: Apache-2.0 */
/* The last order of a device: what it does, and what it says, through crashes. */
#include <criterion/criterion.h>
#include <string.h>

#include "agent/memory.h"
#include "lib/leak.h"
#include "world.h"

static const struct member both[] = {
    {.instance = "m", .version = "1.0.0"},
    {.instance = "n", .version = "1.0.0", .state = KEDGE_RUN_STOPPED},
};

static struct world *serving(void)
{
    struct world *world = world_new();
    world_order(world, both, 2, KEDGE_VERB_DEPLOY, "m");
    world_pass(world, 60000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    return world;
}

static void send_off(struct world *world)
{
    world->last = true;
    world_order(world, NULL, 0, KEDGE_VERB_DEPLOY, NULL);
}

static bool says_erased(struct world *world)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    return kedge_agent_report(world->agent, &arena, world->now)->erased;
}

Test(farewell, everything_goes_and_then_the_device_says_so)
{
    struct world *world = serving();
    cr_expect_not(says_erased(world));
    send_off(world);
    world_pass(world, 60000);
    cr_expect_eq(world_slots(world), 0);
    cr_expect_eq(world->erased, 1);
    cr_expect(says_erased(world));
    cr_expect(kedge_agent_contact(world->agent).over);
    world_free(world);
    kedge_test_no_leaks();
}

/* Something of nobody's lies on the disk too. */
Test(farewell, what_no_order_has_put_there_goes_too)
{
    struct world *world = serving();
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        if (!world->slots[i].instance) {
            world->slots[i].instance = strdup("foreign");
            world->slots[i].content.bytes[0] = 9;
            world->slots[i].json = strdup("{}");
            break;
        }
    world_pass(world, 120000);
    send_off(world);
    world_pass(world, 180000);
    cr_expect_eq(world_slots(world), 0);
    cr_expect(says_erased(world));
    world_free(world);
}

/* Nothing is said before it is true, and the key stays until it was heard. */
Test(farewell, what_cannot_be_erased_is_not_said_to_be)
{
    struct world *world = serving();
    world->stuck = "m";
    send_off(world);
    world_pass(world, 120000);
    cr_expect_not(says_erased(world));
    cr_expect_not(kedge_agent_contact(world->agent).over);
    world->stuck = NULL;
    world_pass(world, 120000);
    cr_expect(says_erased(world));
    cr_expect(kedge_agent_contact(world->agent).over);
    world_free(world);
}

Test(farewell, it_ends_the_same_wherever_the_device_dies)
{
    for (int crash = 0; crash < 60; crash++) {
        struct world *world = serving();
        send_off(world);
        world->crash_at = crash;
        world_pass(world, 120000);
        world->crash_at = -1;
        world_pass(world, 60000); /* it may have died only just now */
        cr_expect_eq(world_slots(world), 0, "crash %d", crash);
        cr_expect(says_erased(world), "crash %d", crash);
        cr_expect(kedge_agent_contact(world->agent).over, "crash %d", crash);
        world_free(world);
    }
    kedge_test_no_leaks();
}

/* The answer to the last report was lost: the server refuses the key by now. */
Test(farewell, being_refused_after_the_last_word_is_the_end_too)
{
    struct world *world = serving();
    send_off(world);
    world_pass(world, 2000);
    kedge_buf_clear(&world->envelope); /* no answer any more */
    world_pass(world, 60000);
    cr_assert(says_erased(world));
    cr_assert_not(kedge_agent_contact(world->agent).over);
    cr_assert_neq(world->exchange, 0);
    world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                    .effect = world->exchange,
                                                    .code = KEDGE_DENIED,
                                                    .message = "decommissioned"});
    cr_expect(kedge_agent_contact(world->agent).over);
    world_free(world);
}

/* ... and before it, refusals are only refusals. */
Test(farewell, being_refused_is_no_reason_to_go)
{
    struct world *world = serving();
    kedge_buf_clear(&world->envelope);
    world_pass(world, 20000);
    cr_assert_neq(world->exchange, 0);
    world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                    .effect = world->exchange,
                                                    .code = KEDGE_DENIED,
                                                    .message = "decommissioned"});
    world_pass(world, 20000);
    cr_expect_not(kedge_agent_contact(world->agent).over);
    cr_expect_str_eq(world_serving(world, "m"), "1.0.0");
    world_free(world);
}

/* A device that bears the name of another does not obey what that one was told. */
Test(farewell, orders_of_an_earlier_life_are_refused)
{
    struct world *world = world_new();
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_memory_floor(2, &record);
    world->records[world->record_count++] = strdup(record.data);
    world_crash(world);
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_AUTO);
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_AUTO); /* generation 2 */
    world_pass(world, 60000);
    cr_expect_eq(world_slots(world), 0);
    world_compact(world);
    world_crash(world);
    world_pass(world, 60000);
    cr_expect_eq(world_slots(world), 0);
    world_deploy(world, "3.0.0", KEDGE_HANDOVER_AUTO);
    world_pass(world, 60000);
    cr_expect_str_eq(world_serving(world, "m"), "3.0.0");
    world_free(world);
    kedge_test_no_leaks();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of evidence on the device: no crash, lost answer or full disk makes it sign two links of
 * one number. */
#include <criterion/criterion.h>

#include "base/digest.h"
#include "lib/leak.h"
#include "wire/evidence.h"
#include "world.h"

/* The report on its way to the server, which is waited for. */
static struct kedge_report sent(struct world *world, struct kedge_arena *arena)
{
    const struct kedge_public_key key = kedge_key_public(world->device);
    struct kedge_report report;
    struct kedge_err err;
    for (int i = 0; i < 200 && !world->exchange; i++)
        world_pass(world, 1000);
    cr_assert(world->exchange, "nothing is sent");
    cr_assert_eq(kedge_evidence_verify(arena, kedge_buf_slice(&world->report), WORLD_DEVICE, &key,
                                       &report, &err),
                 0, "%s", err.msg);
    return report;
}

static void reply(struct world *world, enum kedge_code code)
{
    uint64_t exchange = world->exchange;
    world->exchange = 0;
    world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                    .effect = exchange,
                                                    .code = code,
                                                    .message = code ? "no" : NULL});
}

static bool is_link(const struct kedge_report *report)
{
    return kedge_digest_is_zero(&report->upholds);
}

Test(chain, a_link_is_answered_at_once_and_upheld_from_then_on)
{
    struct world *world = world_new();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_report link = sent(world, &arena);
    cr_assert(is_link(&link));
    cr_assert_eq(link.link, 1);
    cr_assert_eq(world->patience, 0);
    reply(world, KEDGE_OK);
    for (int i = 0; i < 3; i++) {
        struct kedge_report report = sent(world, &arena);
        cr_assert(!is_link(&report));
        cr_assert_eq(report.link, 1);
        cr_assert(kedge_digest_equal(&report.upholds, &link.self));
        cr_assert_gt(world->patience, 0, "this one waits for an order");
        reply(world, KEDGE_OK);
    }
    kedge_arena_release(&arena);
    world_free(world);
    kedge_test_no_leaks();
}

Test(chain, a_link_without_an_answer_is_sent_again_as_it_is)
{
    struct world *world = world_new();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_report link = sent(world, &arena);
    for (int i = 0; i < 6; i++) {
        if (i % 3 == 0)
            reply(world, KEDGE_TIMEOUT);
        if (i % 3 == 1)
            world_compact(world);
        if (i % 3 != 0)
            world_crash(world);
        struct kedge_report again = sent(world, &arena);
        cr_assert(kedge_digest_equal(&again.self, &link.self), "try %d", i);
    }
    reply(world, KEDGE_OK);
    struct kedge_report next = sent(world, &arena);
    cr_assert_eq(next.link, 1);
    cr_assert(!is_link(&next));
    cr_assert_gt(next.counter, link.counter);
    kedge_arena_release(&arena);
    world_free(world);
    kedge_test_no_leaks();
}

Test(chain, the_next_link_names_the_one_before)
{
    struct world *world = world_new();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_digest before = {0};
    for (int i = 1; i <= 4; i++) {
        struct kedge_report link = sent(world, &arena);
        cr_assert(is_link(&link));
        cr_assert_eq(link.link, i);
        cr_assert(kedge_digest_equal(&link.previous, &before));
        before = link.self;
        world->config.capacity.memory += 1 << 20; /* something is different now */
        reply(world, KEDGE_OK);
        if (i == 2)
            world_crash(world);
        if (i == 2) { /* whether it was answered is forgotten: it is asked again */
            struct kedge_report again = sent(world, &arena);
            cr_assert(kedge_digest_equal(&again.self, &before));
            reply(world, KEDGE_OK);
        }
    }
    kedge_arena_release(&arena);
    world_free(world);
    kedge_test_no_leaks();
}

Test(chain, what_is_not_durable_is_not_sent)
{
    struct world *world = world_new();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_report first = sent(world, &arena);
    world->disk_full = true;
    world->config.capacity.memory += 1 << 20;
    reply(world, KEDGE_OK);
    world_pass(world, 300000);
    cr_assert(!world->exchange, "a link that a crash would forget is out");
    world->disk_full = false;
    struct kedge_report second = sent(world, &arena);
    cr_assert(is_link(&second));
    cr_assert_eq(second.link, 2);
    cr_assert(kedge_digest_equal(&second.previous, &first.self));
    kedge_arena_release(&arena);
    world_free(world);
    kedge_test_no_leaks();
}

Test(chain, who_is_taken_for_an_old_report_answers_with_one_fresh_link)
{
    struct world *world = world_new();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_report first = sent(world, &arena);
    reply(world, KEDGE_OK);
    struct kedge_report upholding = sent(world, &arena);
    cr_assert(!is_link(&upholding));
    reply(world, KEDGE_CONFLICT);
    struct kedge_report fresh = sent(world, &arena);
    cr_assert(is_link(&fresh));
    cr_assert_eq(fresh.link, 2);
    cr_assert(kedge_digest_equal(&fresh.previous, &first.self));
    for (int i = 0; i < 3; i++) {
        reply(world, KEDGE_CONFLICT);
        struct kedge_report again = sent(world, &arena);
        cr_assert(kedge_digest_equal(&again.self, &fresh.self), "one is enough");
    }
    world_crash(world);
    struct kedge_report found = sent(world, &arena);
    cr_assert(kedge_digest_equal(&found.self, &fresh.self));
    reply(world, KEDGE_CONFLICT);
    struct kedge_report next = sent(world, &arena);
    cr_assert_eq(next.link, 3, "it was found in the journal: who knows how old it is");
    kedge_arena_release(&arena);
    world_free(world);
    kedge_test_no_leaks();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of roots on the device, and what servers may try with it. */
#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"
#include "wire/order.h"
#include "world.h"

#define EPOCH 1700000000000
#define YEAR  (365 * 86400000LL)

/* Seeds of keys: root holders, directors. */
enum { ANN = 50, BOB, EVE, ONE = 2, TWO = 3, THREE = 4, RELEASE = WORLD_RELEASE };

static struct kedge_key *key_of(int seed)
{
    return kedge_key_from_seed((const uint8_t[32]){(uint8_t)seed});
}

static struct kedge_root_signers one(int seed)
{
    struct kedge_root_signers signers = {.count = 1, .threshold = 1};
    kedge_auto(kedge_key) struct kedge_key *key = key_of(seed);
    signers.keys[0] = kedge_key_public(key);
    return signers;
}

/* Writes version `version` into `out`: held by `holder`, naming `director`, signed by `holder` and
 * by the holder of the version before. */
static void write_root(int64_t version, int holder, int before, int director, kedge_ms expires,
                       struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0}, half = {0};
    kedge_auto(kedge_key) struct kedge_key *mine = key_of(holder), *theirs = key_of(before);
    const struct kedge_root root = {.version = version,
                                    .expires = expires,
                                    .roles = {one(holder), one(director), one(RELEASE)}};
    struct kedge_root former = root;
    struct kedge_err err;
    former.version--;
    former.roles[KEDGE_ROOT_ROOT] = one(before);
    kedge_buf_clear(out);
    cr_assert_eq(kedge_root_write(&root, &file, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_root_sign(&former, kedge_buf_slice(&file), mine, &half, &err), 0);
    if (holder == before) {
        kedge_buf_add(out, half.data, half.size);
        return;
    }
    cr_assert_eq(kedge_root_sign(&former, kedge_buf_slice(&half), theirs, out, &err), 0);
}

/* The server publishes the next version, with this director. */
static void publish(struct world *world, int director)
{
    world->newest++;
    write_root(world->newest, ANN, ANN, director, EPOCH + YEAR, &world->roots[world->newest]);
    world->answered = world->now - 10000;
}

static void reboot(struct world *world, const struct kedge_root *pin)
{
    world->root = *pin;
    world->record_count = 0;
    world_crash(world);
}

/* A device that was given root version 1, with director ONE. */
static struct world *world_with_root(void)
{
    struct world *world = world_new();
    struct kedge_root pin;
    struct kedge_err err;
    publish(world, ONE);
    cr_assert_eq(kedge_root_pin(kedge_buf_slice(&world->roots[1]), NULL, &pin, &err), 0, "%s",
                 err.msg);
    for (size_t i = 0; i < world->record_count; i++)
        free(world->records[i]);
    reboot(world, &pin);
    return world;
}

static void direct_by(struct world *world, int director)
{
    kedge_key_free(world->director);
    world->director = key_of(director);
}

static int64_t version_of(struct world *world)
{
    return kedge_agent_contact(world->agent).root;
}

static bool is_refused(const struct kedge_refusal *refusal, const char *reason)
{
    return refusal && strcmp(refusal->reason, reason) == 0;
}

static bool root_refused(struct world *world, const char *reason)
{
    return is_refused(kedge_agent_contact(world->agent).root_refusal, reason);
}

static bool order_refused(struct world *world, const char *reason)
{
    return is_refused(kedge_agent_contact(world->agent).refusal, reason);
}

static void end(struct world *world)
{
    world_free(world);
    kedge_test_no_leaks();
}

Test(roots, three_rotations_missed_are_caught_up)
{
    struct world *world = world_with_root();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    publish(world, TWO);
    publish(world, THREE);
    publish(world, TWO);
    direct_by(world, TWO);
    /* The new director's order comes with the news: it waits until it can be judged. */
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 15000);
    cr_assert_eq(version_of(world), 4);
    cr_assert_str_eq(world_serving(world, "m"), "2.0.0", "%s", world->trace);
    cr_assert_null(kedge_agent_contact(world->agent).refusal);
    world_crash(world);
    cr_assert_eq(version_of(world), 4, "the journal has the chain");
    world_compact(world);
    world_crash(world);
    cr_assert_eq(version_of(world), 4, "so it has when it was compacted");
    world_pass(world, 1000);
    cr_assert(kedge_agent_converged(world->agent));
    end(world);
}

/* What a revoked order brought about stays, running or stopped; nothing more is done for it; a
 * device that was off meanwhile, or is started anew, behaves the same. */
static void check_revoked(struct world *world)
{
    cr_assert_eq(version_of(world), 2);
    cr_assert_eq(kedge_agent_contact(world->agent).generation, 0);
    cr_assert(!kedge_agent_converged(world->agent));
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "it serves on");
    cr_assert_str_eq(world_serving(world, "s"), "", "it is not started");
    cr_assert(world_current(world, "gone"), "nothing is destroyed");
    cr_assert(!strstr(world->trace, "activate"));
}

Test(roots, a_revoked_order_is_obeyed_no_further)
{
    const struct member before[] = {{.instance = "gone", .version = "1.0.0"},
                                    {.instance = "m", .version = "1.0.0"},
                                    {.instance = "s", .version = "1.0.0"}};
    struct member after[] = {{.instance = "m", .version = "1.0.0"},
                             {.instance = "n", .version = "3.0.0"},
                             {.instance = "s", .version = "1.0.0", .state = KEDGE_RUN_STOPPED}};
    struct world *world = world_with_root();
    world_order(world, before, 3, KEDGE_VERB_DEPLOY, "m");
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "s"), "1.0.0");
    world_order(
        world,
        (struct member[]){before[0],
                          before[1],
                          {.instance = "s", .version = "1.0.0", .state = KEDGE_RUN_STOPPED}},
        3, KEDGE_VERB_STOP, "s");
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "s"), "");
    cr_assert(kedge_agent_converged(world->agent));

    /* The thief's order: something new, and something taken away; and generations for good. */
    world->generation = (int64_t)1 << 40;
    world->fetch = KEDGE_UNAVAILABLE;
    world->stuck = "gone";
    world_order(world, after, 3, KEDGE_VERB_DESTROY, "gone");
    world_pass(world, 2000);
    cr_assert_eq(kedge_agent_contact(world->agent).generation, ((int64_t)1 << 40) + 1);
    kedge_buf_clear(&world->envelope);
    publish(world, TWO);
    world_pass(world, 15000);
    world->fetch = KEDGE_OK;
    world->stuck = NULL;
    world->trace[0] = '\0';
    world_pass(world, 600000);
    check_revoked(world);
    cr_assert_null(strstr(world->trace, "fetch"), "%s", world->trace);
    cr_assert_null(strstr(world->trace, "remove"), "%s", world->trace);
    world_crash(world);
    world_pass(world, 600000);
    check_revoked(world);
    world_compact(world);
    world_crash(world);
    world_pass(world, 600000);
    check_revoked(world);

    /* The new director is heard, although its generation is lower than the thief's. */
    direct_by(world, TWO);
    world->generation = 2;
    world_order(world, after, 3, KEDGE_VERB_DESTROY, "gone");
    world_pass(world, 30000);
    cr_assert_eq(kedge_agent_contact(world->agent).generation, 3, "%s", world->trace);
    cr_assert(kedge_agent_converged(world->agent));
    cr_assert_str_eq(world_serving(world, "n"), "3.0.0");
    cr_assert(!world_current(world, "gone"));
    end(world);
}

/* Each order may be a little ahead of the last, so that many of them set the device's idea of the
 * time: it is forgotten with the thief. */
Test(roots, a_thief_does_not_keep_the_clock)
{
    struct world *world = world_with_root();
    for (world->ahead = 0; world->ahead < 7200000; world->ahead += KEDGE_ORDER_SKEW_MS / 2) {
        world_order(world, NULL, 0, KEDGE_VERB_DESTROY, NULL);
        world_pass(world, 3000);
    }
    cr_assert_eq(kedge_agent_contact(world->agent).generation, world->generation);
    world->ahead = 0;
    publish(world, TWO);
    direct_by(world, TWO);
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 15000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    end(world);
}

Test(roots, an_order_of_a_director_who_stays_stays)
{
    struct world *world = world_with_root();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    int64_t generation = kedge_agent_contact(world->agent).generation;
    publish(world, ONE);
    world_pass(world, 15000);
    cr_assert_eq(version_of(world), 2);
    cr_assert_eq(kedge_agent_contact(world->agent).generation, generation);
    cr_assert(kedge_agent_converged(world->agent));
    end(world);
}

Test(roots, attack_rollback)
{
    struct world *world = world_with_root();
    publish(world, TWO);
    world_pass(world, 15000);
    cr_assert_eq(version_of(world), 2);
    /* Version 1 again, as if it were 3. */
    world->newest = 3;
    kedge_buf_add(&world->roots[3], world->roots[1].data, world->roots[1].size);
    world_pass(world, 15000);
    cr_assert_eq(version_of(world), 2);
    cr_assert(root_refused(world, "rollback"));
    /* A server that has older roots only has no news. */
    world->newest = 1;
    world_pass(world, 90000);
    cr_assert_eq(version_of(world), 2);
    end(world);
}

Test(roots, attack_gap_and_equal_version)
{
    struct world *world = world_with_root();
    world->newest = 2;
    write_root(3, ANN, ANN, TWO, EPOCH + YEAR, &world->roots[2]);
    world_pass(world, 15000);
    cr_assert(root_refused(world, "gap"));
    /* Another document of the version in force. */
    write_root(1, ANN, ANN, TWO, EPOCH + YEAR, &world->roots[2]);
    world_pass(world, 90000);
    cr_assert(root_refused(world, "rollback"));
    cr_assert_eq(version_of(world), 1);
    end(world);
}

Test(roots, attack_mix_and_match)
{
    struct world *world = world_with_root();
    /* The next version of another chain: of strangers, or one that strangers want to take over. */
    world->newest = 2;
    write_root(2, EVE, EVE, TWO, EPOCH + YEAR, &world->roots[2]);
    world_pass(world, 15000);
    cr_assert(root_refused(world, "unsigned"));
    /* The director of a version that is not in force: its order is nothing. */
    world->newest = 0;
    direct_by(world, TWO);
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 90000);
    cr_assert(order_refused(world, "wrong-key"));
    cr_assert_eq(world_slots(world), 0);
    end(world);
}

Test(roots, attack_freeze)
{
    struct world *world = world_with_root();
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    /* The server says nothing of newer roots, until the one in force has expired. */
    world->newest = 0;
    kedge_buf_clear(&world->envelope);
    world->now += YEAR;
    world_pass(world, 120000);
    cr_assert(root_refused(world, "expired"), "it is said, whatever is offered");
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "what runs goes on");
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 90000);
    cr_assert(order_refused(world, "expired-root"));
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    /* A root that is good today ends it; those between may have expired long ago. */
    write_root(2, ANN, ANN, TWO, EPOCH + YEAR, &world->roots[2]);
    write_root(3, ANN, ANN, ONE, EPOCH + 2 * YEAR, &world->roots[3]);
    world->newest = 3;
    world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 90000);
    cr_assert_eq(version_of(world), 3);
    cr_assert_str_eq(world_serving(world, "m"), "2.0.0");
    cr_assert_null(kedge_agent_contact(world->agent).root_refusal);
    end(world);
}

Test(roots, a_clock_behind_what_was_seen_does_not_bring_a_root_back)
{
    struct world *world = world_with_root();
    world->now += YEAR - 60000;
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    kedge_buf_clear(&world->envelope);
    world->skew = -YEAR / 2;
    world_pass(world, 90000);
    cr_assert_null(kedge_agent_contact(world->agent).root_refusal,
                   "what was seen is a floor, no more");
    world->skew = 0;
    world_pass(world, 90000);
    cr_assert(root_refused(world, "expired"));
    end(world);
}

Test(roots, a_root_that_is_withheld_keeps_no_order_back)
{
    struct world *world = world_with_root();
    world->newest = 7;
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 15000);
    cr_assert(root_refused(world, "withheld"));
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    end(world);
}

Test(roots, keys_named_by_hand_stay)
{
    struct world *world = world_new();
    write_root(1, EVE, EVE, TWO, EPOCH + YEAR, &world->roots[1]);
    world->newest = 1;
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 90000);
    cr_assert_eq(version_of(world), 0);
    cr_assert_null(kedge_agent_contact(world->agent).root_refusal);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0");
    end(world);
}

/* The pin is the operator's word: another chain in the journal gives way to it, with what rested
 * on it, and a newer version of the same chain is taken over. */
Test(roots, a_new_pin_counts_for_more_than_the_journal)
{
    struct world *world = world_with_root();
    struct kedge_root other, newer;
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    world_pass(world, 10000);
    publish(world, ONE);
    publish(world, ONE);
    world_pass(world, 15000);
    cr_assert_eq(version_of(world), 3);
    cr_assert_eq(kedge_root_pin(kedge_buf_slice(&world->roots[2]), NULL, &newer, NULL), 0);
    world->root = newer;
    world_crash(world);
    cr_assert_eq(version_of(world), 3);
    cr_assert_neq(kedge_agent_contact(world->agent).generation, 0);
    write_root(1, EVE, EVE, TWO, EPOCH + YEAR, &file);
    cr_assert_eq(kedge_root_pin(kedge_buf_slice(&file), NULL, &other, NULL), 0);
    world->root = other;
    world_crash(world);
    cr_assert_eq(version_of(world), 1);
    cr_assert_eq(kedge_agent_contact(world->agent).generation, 0);
    world_pass(world, 10000);
    cr_assert_str_eq(world_serving(world, "m"), "1.0.0", "what runs goes on");
    end(world);
}

/* Wherever it is cut off, it comes to the newest root and to the new director's order. */
Test(roots, rotation_survives_a_crash_at_any_effect)
{
    for (int at = 0; at < 60; at++) {
        struct world *world = world_with_root();
        world_deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
        world_pass(world, 10000);
        publish(world, TWO);
        publish(world, THREE);
        direct_by(world, THREE);
        world_deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
        world->crash_at = at;
        world_pass(world, 120000);
        cr_assert_eq(version_of(world), 3, "crash at %d", at);
        cr_assert_str_eq(world_serving(world, "m"), "2.0.0", "crash at %d: %s", at, world->trace);
        cr_assert(kedge_agent_converged(world->agent), "crash at %d", at);
        world_free(world);
    }
    kedge_test_no_leaks();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"

static const struct kedge_key *key_of(uint8_t seed)
{
    static struct kedge_key *keys[256];
    struct kedge_err err;
    if (!keys[seed] && kedge_key_init(&err) == 0)
        keys[seed] = kedge_key_from_seed((uint8_t[32]){seed});
    return keys[seed];
}

const struct kedge_key *kedge_fixture_director(void)
{
    return key_of(1);
}

const struct kedge_key *kedge_fixture_stranger(void)
{
    return key_of(2);
}

struct kedge_envelope_trust kedge_fixture_trust(void)
{
    static struct kedge_public_key director;
    director = kedge_key_public(kedge_fixture_director());
    return (struct kedge_envelope_trust){&director, 1, 1, KEDGE_ENVELOPE_IN_TOTO};
}

struct kedge_order kedge_fixture_order(void)
{
    static const struct kedge_action action = {
        .id = "00112233445566778899aabbccddeeff",
        .verb = KEDGE_VERB_UPDATE,
        .instance = "model-00",
        .from = "1.0.0",
        .to = "1.1.0",
        .reason = "version 1.1.0 is wanted, 1.0.0 is held",
    };
    return (struct kedge_order){
        .device = "press-07",
        .generation = 7,
        .plan = kedge_digest_of("plan", 4),
        .commit = "0123456789abcdef0123456789abcdef01234567",
        .source = "https://git.example/fleet.git",
        .issued = KEDGE_FIXTURE_NOW,
        .expires = KEDGE_FIXTURE_NOW + 86400000,
        .actions = &action,
        .action_count = 1,
    };
}

static void write_member(const char *instance, struct kedge_order_member *member,
                         struct kedge_buf *out)
{
    static const char *const argv[] = {"./serve", "--port", "8080"};
    struct kedge_assignment assignment = {
        .instance = instance,
        .kind = KEDGE_KIND_MODEL,
        .deployment = "everywhere",
        .version = "1.1.0",
        .artifact = {"https://models.example/a.zip", kedge_digest_of(instance, 8), 123456,
                     KEDGE_FORMAT_ZIP},
        .runtime = {.driver = KEDGE_DRIVER_PROCESS, .command = {argv, 3}, .stop_timeout = 10000},
    };
    kedge_assignment_seal(&assignment);
    struct kedge_json_writer w = {.out = out};
    kedge_assignment_write(&assignment, &w);
    *member = (struct kedge_order_member){instance, assignment.state, assignment.artifact.digest,
                                          kedge_buf_slice(out)};
}

void kedge_fixture_payload(const struct kedge_order *order, uint32_t instances,
                           struct kedge_buf *out)
{
    enum { MOST = 100 };
    struct kedge_order_member members[MOST] = {0};
    struct kedge_buf json[MOST] = {0};
    char names[MOST][16];
    if (instances > MOST)
        abort();
    for (uint32_t i = 0; i < instances; i++) {
        snprintf(names[i], sizeof names[i], "model-%02u", i % MOST);
        write_member(names[i], &members[i], &json[i]);
    }
    kedge_order_write(order, members, instances, out);
    for (uint32_t i = 0; i < instances; i++)
        kedge_buf_release(&json[i]);
}

void kedge_fixture_envelope(const struct kedge_order *order, uint32_t instances,
                            const struct kedge_key *key, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_err err;
    kedge_fixture_payload(order, instances, &payload);
    if (kedge_envelope_sign(out, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&payload), &key, 1, &err))
        abort();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, requests, rotations and replies from anybody. What is accepted of the last two was signed
 * by keys that have signed only the corpus. */
#include <stdlib.h>
#include <string.h>

#include "wire/enrol.h"
#include "wire/rotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Those of the corpus: the root document that is pinned, the request that was sent. */
static const char pin_text[] =
    "sha256:c6e595147eede0e46525aaba1a374dfd41826ce498f3524bc7890051356d8035";
static const char request_text[] =
    "sha256:14b08d84602691afd831e7d0843f9bb3bfe607eeabfbd193abaed6cb33bbbf6e";

static void check_token(const char *data, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_token token;
    struct kedge_err err = {0};
    char again[KEDGE_TOKEN_TEXT];
    kedge_buf_add(&text, data, size);
    if (size && !kedge_token_parse(text.data, &token, &err) &&
        strcmp(kedge_token_format(&token, again), text.data) != 0)
        abort();
}

static void check_request(struct kedge_arena *arena, struct kedge_slice input)
{
    struct kedge_enrol_request request;
    struct kedge_err err = {0};
    if (kedge_enrol_request_verify(arena, input, &request, &err)
            ? !err.msg[0]
            : !kedge_name_valid(request.device, strlen(request.device)))
        abort();
}

/* Seeds 5 and 7 are the device's old and new key. */
static void check_rotation(struct kedge_slice input, const struct kedge_public_key *before)
{
    static const uint8_t seed[32] = {7};
    kedge_auto(kedge_key) struct kedge_key *new_key = kedge_key_from_seed(seed);
    struct kedge_public_key after, wanted = kedge_key_public(new_key);
    struct kedge_err err = {0};
    if (kedge_rotation_verify(input, "press-07", before, &after, &err) == 0 &&
        memcmp(&after, &wanted, sizeof after) != 0)
        abort();
}

static void check_reply(struct kedge_arena *arena, struct kedge_slice input,
                        const struct kedge_public_key *device)
{
    struct kedge_enrol_request request = {.device = "press-07", .key = *device};
    struct kedge_digest pin;
    struct kedge_enrol_reply reply;
    struct kedge_err err = {0};
    if (!kedge_digest_parse(pin_text, &pin) || !kedge_digest_parse(request_text, &request.digest))
        abort();
    if (kedge_enrol_reply_verify(arena, input, &pin, &request, 0, &reply, &err) == 0 &&
        reply.root.version > 2)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32] = {5};
    struct kedge_slice input = {(const char *)data, size};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_err err = {0};
    if (kedge_key_init(&err))
        abort();
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed(seed);
    struct kedge_public_key public = kedge_key_public(key);
    check_token(input.data, size);
    check_request(&arena, input);
    check_rotation(input, &public);
    check_reply(&arena, input, &public);
    return 0;
}

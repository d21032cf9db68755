/* SPDX-License-Identifier: Apache-2.0 */
/* A signature from anybody: what is accepted was made by the release key, seed 1, which has signed
 * only the corpus (counters 3 and 4). A comment that reads is written again as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "wire/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_comment(struct kedge_arena *arena, const char *text)
{
    kedge_auto(kedge_buf) struct kedge_buf again = {0};
    struct kedge_release_claim claim;
    struct kedge_err err = {0};
    if (kedge_release_read(arena, text, &claim, &err) == 0 &&
        (kedge_release_write(&claim, &again, &err) || strcmp(again.data, text) != 0))
        abort();
}

static void check_signature(const char *text)
{
    static const uint8_t seed[32] = {1};
    static const char artifact[] = "weights";
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed(seed);
    kedge_auto(kedge_release) struct kedge_release_state *state = kedge_release_begin();
    const struct kedge_release_claim wanted = {.model = "vibration",
                                               .version = "1.4.0",
                                               .digest =
                                                   kedge_digest_of(artifact, strlen(artifact)),
                                               .size = 7};
    const struct kedge_root_signers signers = {{kedge_key_public(key)}, 1, 1};
    const struct kedge_signature signature = {.value = text};
    uint8_t hash[KEDGE_RELEASE_HASH];
    int64_t counter = 0;
    struct kedge_err err = {0};
    kedge_release_update(state, artifact, strlen(artifact));
    kedge_release_finish(state, hash);
    int code = kedge_release_check(&signers, &signature, 1, hash, &wanted, &counter, &err);
    if (code ? !err.msg[0] : counter != 3 && counter != 4)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_err err = {0};
    if (kedge_key_init(&err))
        abort();
    const char *text = kedge_arena_strndup(&arena, (const char *)data, size);
    check_comment(&arena, text);
    check_signature(text);
    return 0;
}

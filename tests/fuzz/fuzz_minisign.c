/* SPDX-License-Identifier: Apache-2.0 */
/* minisign keys and signatures. One key has signed exactly one file with exactly one comment (the
 * corpus): whatever else verifies is forged. */
#include <stdlib.h>
#include <string.h>

#include "wire/minisign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kedge_minisign_key signer(void)
{
    struct kedge_err err;
    if (kedge_key_init(&err))
        abort();
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed((uint8_t[32]){1});
    const struct kedge_public_key public = kedge_key_public(key);
    return kedge_minisign_key_of(&public);
}

static void check_key(struct kedge_slice text)
{
    kedge_auto(kedge_buf) struct kedge_buf written = {0};
    struct kedge_minisign_key key, again;
    struct kedge_err err = {0};
    if (kedge_minisign_key_parse(text, &key, &err))
        return;
    kedge_minisign_key_write(&key, &written);
    if (kedge_minisign_key_parse(kedge_buf_slice(&written), &again, &err) ||
        memcmp(&key, &again, sizeof key) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kedge_minisign_key key;
    static bool ready;
    if (!ready)
        key = signer();
    ready = true;
    const struct kedge_slice text = {(const char *)data, size};
    struct kedge_minisign signature;
    struct kedge_err err = {0};
    check_key(text);
    if (kedge_minisign_parse(text, &signature, &err) == 0 &&
        kedge_minisign_verify_data(&signature, &key, (struct kedge_slice){"weights", 7}, &err) ==
            0 &&
        (!signature.prehashed || strcmp(signature.trusted, "timestamp:1\tfile:model.zip") != 0))
        abort();
    return 0;
}

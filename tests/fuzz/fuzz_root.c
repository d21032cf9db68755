/* SPDX-License-Identifier: Apache-2.0 */
/* The input follows a root whose keys have signed only the corpus. What is accepted is the next
 * version; what can be read can be written, and reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "wire/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One root key, seed 1; director seed 2; release seed 3. */
static const struct kedge_root *current(void)
{
    static struct kedge_root root;
    struct kedge_err err;
    if (root.version || kedge_key_init(&err))
        return &root;
    root = (struct kedge_root){.version = 1, .expires = 1};
    for (uint8_t i = 0; i < KEDGE_ROOT_ROLES; i++) {
        kedge_auto(kedge_key) struct kedge_key *key =
            kedge_key_from_seed((const uint8_t[32]){(uint8_t)(i + 1)});
        root.roles[i].keys[0] = kedge_key_public(key);
        root.roles[i].count = root.roles[i].threshold = 1;
    }
    return &root;
}

static void check_round_trip(const struct kedge_root *root)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_err err = {0};
    struct kedge_root again;
    if (kedge_root_write(root, &file, &err) ||
        kedge_root_peek(kedge_buf_slice(&file), &again, &err) || again.version != root->version ||
        memcmp(again.roles, root->roles, sizeof root->roles) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kedge_slice file = {(const char *)data, size};
    struct kedge_root next, seen;
    struct kedge_err err = {0};
    enum kedge_root_refusal refusal = kedge_root_follow(current(), file, &next, &err);
    if (refusal == KEDGE_ROOT_ACCEPTED ? next.version != 2 : !err.msg[0])
        abort();
    if (kedge_root_peek(file, &seen, &err) == 0)
        check_round_trip(&seen);
    return 0;
}

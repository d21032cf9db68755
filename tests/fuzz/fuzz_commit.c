/* SPDX-License-Identifier: Apache-2.0 */
/* Commit and tag objects: nothing is made up, and nobody may sign. */
#include <stdlib.h>
#include <string.h>

#include "wire/commit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct kedge_commit *commit, size_t size)
{
    static const struct kedge_allowed nobody;
    kedge_auto(kedge_buf) struct kedge_buf principals = {0};
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    struct kedge_err err = {0};
    const char *payload = commit->payload.data;
    if (commit->payload.size + commit->signature.size > size || commit->signature.size == 0 ||
        commit->at < 0 || commit->email.data < payload ||
        commit->email.data + commit->email.size > payload + commit->payload.size)
        abort();
    if (kedge_commit_verify(commit, &nobody, (struct kedge_slice){"", 0}, &principals, fingerprint,
                            &err) == 0 ||
        !err.msg[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct kedge_slice object = {(const char *)data, size};
    kedge_auto(kedge_commit) struct kedge_commit commit = {0}, tag = {0};
    struct kedge_err err = {0};
    if (kedge_key_init(&err))
        abort();
    if (kedge_commit_parse(object, &commit, &err) == 0)
        check(&commit, size);
    else if (!err.msg[0])
        abort();
    if (kedge_commit_parse_tag(object, &tag, &err) == 0)
        check(&tag, size);
    return 0;
}

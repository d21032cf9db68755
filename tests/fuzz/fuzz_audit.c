/* SPDX-License-Identifier: Apache-2.0 */
/* Exported chains of evidence: whatever the lines say, each device gets a verdict with a reason. */
#include <stdlib.h>

#include "cli/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_audit) struct kedge_audit audit = {0};
    struct kedge_audit_key given = {.device = "press-07"};
    const struct kedge_audit_keys keys = {.given = &given, .given_count = 1};
    struct kedge_err err = {0};
    if (kedge_key_init(&err))
        abort();
    struct kedge_key *key = kedge_key_from_seed((uint8_t[32]){1});
    given.key = kedge_key_public(key);
    kedge_key_free(key);
    if (kedge_audit_file((struct kedge_slice){(const char *)data, size}, &keys, &audit, &err)) {
        if (!err.msg[0])
            abort();
        return 0;
    }
    size_t broken = 0;
    for (size_t i = 0; i < audit.count; i++) {
        const struct kedge_chain_walk *walk = &audit.at[i].walk;
        broken += walk->flaw != KEDGE_CHAIN_WHOLE;
        if ((walk->flaw && !walk->why[0]) || (!walk->flaw && !walk->links))
            abort();
    }
    if (broken != audit.broken)
        abort();
    return 0;
}

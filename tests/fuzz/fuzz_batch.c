/* SPDX-License-Identifier: Apache-2.0 */
/* The director has signed one batch of seven statements (its members are the corpus): whatever else
 * is accepted is forged. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kedge_public_key director(void)
{
    struct kedge_err err;
    if (kedge_key_init(&err))
        abort();
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed((uint8_t[32]){1});
    return kedge_key_public(key);
}

/* "statement 0" to "statement 6". */
static bool is_leaf(const struct kedge_buf *payload)
{
    static const char prefix[] = "statement ";
    size_t size = strlen(prefix);
    return payload->size == size + 1 && memcmp(payload->data, prefix, size) == 0 &&
           payload->data[size] >= '0' && payload->data[size] <= '6';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kedge_public_key key;
    static bool ready;
    if (!ready)
        key = director();
    ready = true;
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    const struct kedge_envelope_trust trust = {&key, 1, 1, KEDGE_ENVELOPE_IN_TOTO};
    struct kedge_err err = {0};
    int code = kedge_batch_verify((const char *)data, size, KEDGE_MIB(1), &trust, &payload, &err);
    /* The root's own envelope passes too: it is signed, and no order. */
    bool root = payload.size && strstr(payload.data, KEDGE_BATCH_PREDICATE);
    if (code == 0 ? !is_leaf(&payload) && !root : payload.size > 0 || !err.msg[0])
        abort();
    return 0;
}

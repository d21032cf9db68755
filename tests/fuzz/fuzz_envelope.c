/* SPDX-License-Identifier: Apache-2.0 */
/* Two keys have signed exactly the payloads below (the envelopes are the corpus): whatever else is
 * accepted is forged. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const signed_payloads[] = {"", "{}", "{\"_type\":\"x\",\"n\":[1,2,3]}"};

static struct kedge_public_key keys[2];

static void init(void)
{
    struct kedge_err err;
    if (kedge_key_init(&err))
        abort();
    for (uint8_t i = 0; i < 2; i++) {
        kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed((uint8_t[32]){i + 1});
        keys[i] = kedge_key_public(key);
    }
}

static bool is_signed(const struct kedge_buf *payload)
{
    for (size_t i = 0; i < KEDGE_COUNT(signed_payloads); i++) {
        if (payload->size == strlen(signed_payloads[i]) &&
            memcmp(payload->data ? payload->data : "", signed_payloads[i], payload->size) == 0)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready)
        init();
    ready = true;
    for (unsigned threshold = 1; threshold <= 2; threshold++) {
        kedge_auto(kedge_buf) struct kedge_buf payload = {0};
        const struct kedge_envelope_trust trust = {keys, 2, threshold, KEDGE_ENVELOPE_IN_TOTO};
        struct kedge_err err = {0};
        int code =
            kedge_envelope_verify((const char *)data, size, KEDGE_MIB(1), &trust, &payload, &err);
        if (code == 0 ? !is_signed(&payload) : payload.size > 0 || (int)err.code != code)
            abort();
    }
    return 0;
}

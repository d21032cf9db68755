/* SPDX-License-Identifier: Apache-2.0 */
/* Report statements that the device has signed. */
#include <stdlib.h>
#include <string.h>

#include "wire/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kedge_key *device(void)
{
    static struct kedge_key *key;
    struct kedge_err err;
    if (!key && kedge_key_init(&err) == 0)
        key = kedge_key_from_seed((uint8_t[32]){1});
    return key;
}

/* What was read is written and read back the same. */
static void check_again(const struct kedge_report *report, const struct kedge_key *key,
                        const struct kedge_public_key *public)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf first = {0}, second = {0};
    struct kedge_report read;
    struct kedge_err err;
    if (kedge_evidence_sign(report, key, &first, &err) ||
        kedge_evidence_verify(&arena, kedge_buf_slice(&first), report->device, public, &read,
                              &err) ||
        kedge_evidence_sign(&read, key, &second, &err) || strcmp(first.data, second.data) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    const struct kedge_key *key = device();
    const struct kedge_public_key public = kedge_key_public(key);
    struct kedge_report report;
    struct kedge_err err = {0};
    if (kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO,
                            (struct kedge_slice){(const char *)data, size}, &key, 1, &err))
        abort();
    int code = kedge_evidence_verify(&arena, kedge_buf_slice(&envelope), "press-07", &public,
                                     &report, &err);
    if (code == 0)
        check_again(&report, key, &public);
    else if (!err.msg[0])
        abort();
    return 0;
}

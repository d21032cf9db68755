/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed secrets. One was sealed for this key (the corpus): whatever else opens is forged. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "wire/age.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kedge_age_identity *device(void)
{
    struct kedge_age_identity *identity;
    struct kedge_err err;
    if (kedge_key_init(&err))
        abort();
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed((uint8_t[32]){1});
    if (kedge_age_identity_of(key, &identity, &err))
        abort();
    return identity;
}

/* References lie in the configuration, one behind the other. */
static void check_references(struct kedge_slice config)
{
    struct kedge_sealed_reference reference;
    const char *end = config.data + config.size;
    while (kedge_sealed_next(config, &reference)) {
        const char *behind = reference.whole.data + reference.whole.size;
        if (reference.whole.data < config.data || behind > end ||
            reference.name.data + reference.name.size + 2 != behind)
            abort();
        config = (struct kedge_slice){behind, (size_t)(end - behind)};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kedge_age_identity *identity;
    if (!identity)
        identity = device();
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    struct kedge_err err = {0};
    char *secret;
    size_t length;
    check_references((struct kedge_slice){(const char *)data, size});
    if (kedge_sealed_parse((struct kedge_slice){(const char *)data, size}, &sealed, &err))
        return 0;
    if (kedge_sealed_recipients(&sealed) == 0)
        abort();
    if (kedge_age_open(&sealed, identity, &secret, &length, &err))
        return 0;
    if (strcmp(secret, "hunter2") != 0 || length != strlen(secret))
        abort();
    kedge_secret_free(secret);
    return 0;
}

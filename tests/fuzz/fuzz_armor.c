/* SPDX-License-Identifier: Apache-2.0 */
/* Armor: what is read is written back, and reads the same again. */
#include <stdlib.h>
#include <string.h>

#include "base/armor.h"

#define LABEL "AGE ENCRYPTED FILE"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf read = {0}, text = {0}, again = {0};
    const struct kedge_slice input = {(const char *)data, size};
    struct kedge_err err = {0};
    if (kedge_armor_decode(&read, input, LABEL, &err))
        return 0;
    kedge_armor_encode(&text, LABEL, read.data, read.size);
    if (!kedge_armor_is(input, LABEL) ||
        kedge_armor_decode(&again, kedge_buf_slice(&text), LABEL, &err) ||
        again.size != read.size || (read.size && memcmp(again.data, read.data, read.size) != 0))
        abort();
    return 0;
}

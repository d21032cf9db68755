/* SPDX-License-Identifier: Apache-2.0 */
/* Bech32: each value has one spelling in small letters, and one in capitals. */
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf written = {0};
    struct kedge_err err = {0};
    uint8_t bytes[64];
    if (kedge_bech32_decode(text, "age", bytes, size, &err))
        return;
    kedge_bech32_encode(&written, "age", bytes, size);
    if (strcasecmp(written.data, text) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_add(&text, data, size);
    kedge_buf_putc(&text, '\0');
    check(text.data, 32);
    check(text.data, size % 64);
    return 0;
}

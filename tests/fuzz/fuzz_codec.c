/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 and hex: what decodes, encodes to one spelling. */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0}, again = {0};
    struct kedge_err err = {0};
    if (kedge_base64_decode(&bytes, text, size, &err) == 0) {
        kedge_base64_encode(&again, bytes.data, bytes.size);
        for (size_t i = 0; i < size; i++) {
            char expected = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
            if (again.size != size || again.data[i] != expected)
                abort();
        }
    }
    uint8_t raw[32];
    char hex[2 * sizeof raw + 1];
    if (kedge_hex_decode(text, size, raw, sizeof raw) &&
        memcmp(kedge_hex_encode(raw, sizeof raw, hex), text, size) != 0)
        abort();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A signature put into any file, at any of its first lines: what comes out holds it, so that putting
 * it there once more says so. The edit itself proves that nothing else has changed. */
#include <stdlib.h>

#include "manifest/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kedge_signature signature = {.key_id = "AA", .value = "one\ntwo \"\\\n"};
    const struct kedge_slice text = {(const char *)data, size};
    for (uint32_t line = 1; line <= LINES; line++) {
        kedge_auto(kedge_buf) struct kedge_buf out = {0}, again = {0};
        struct kedge_err err = {0};
        int code = kedge_edit_sign(text, line, &signature, &out, &err);
        if ((code == 0) != (out.size > 0))
            abort();
        if (code == 0 &&
            kedge_edit_sign(kedge_buf_slice(&out), line, &signature, &again, &err) != KEDGE_EXISTS)
            abort();
    }
    return 0;
}

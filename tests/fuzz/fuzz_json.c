/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the parser accepts, the writer's escape gives back. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_err err = {0};
    if (kedge_json_parse((const char *)data, size, KEDGE_MIB(1), &json, &err) && !err.msg[0])
        abort();

    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer w = {.out = &text};
    kedge_json_put_slice(&w, (struct kedge_slice){(const char *)data, size});
    kedge_auto(kedge_json) json_t *back = NULL;
    int code = kedge_json_parse(text.data, text.size, SIZE_MAX, &back, &err);
    if (code != 0 && !memchr(data, 0, size)) /* an escaped NUL is valid JSON that we refuse */
        abort();
    return 0;
}

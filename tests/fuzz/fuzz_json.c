/* SPDX-License-Identifier: Apache-2.0 */
/* The parser agrees with jansson's own in verdict and value; whatever is written as a string reads
 * back. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ours is stricter in depth, and jansson takes a NUL behind a number for the end. */
static void compare(const char *data, size_t size)
{
    kedge_auto(kedge_json) json_t *json = NULL, *theirs = NULL;
    struct kedge_err err = {0};
    int code = kedge_json_parse(data, size, KEDGE_MIB(1), &json, &err);
    if ((code == 0) != (json != NULL) || (int)err.code != code)
        abort();
    if (code == KEDGE_LIMIT || size == 0 || memchr(data, '\0', size))
        return;
    theirs = json_loadb(data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if ((json != NULL) != (theirs != NULL) || (json && !json_equal(json, theirs)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    compare((const char *)data, size);

    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer w = {.out = &text};
    kedge_json_put_slice(&w, (struct kedge_slice){(const char *)data, size});
    kedge_auto(kedge_json) json_t *back = NULL;
    struct kedge_err err;
    int code = kedge_json_parse(text.data, text.size, SIZE_MAX, &back, &err);
    if (code != 0 && !memchr(data, 0, size)) /* an escaped NUL is valid JSON that we refuse */
        abort();
    return 0;
}

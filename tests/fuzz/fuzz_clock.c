/* SPDX-License-Identifier: Apache-2.0 */
/* A time that parses is within its years, and formats to text that parses to the same second. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf input = {0};
    kedge_buf_reserve(&input, size + 1);
    kedge_buf_add(&input, data, size);
    kedge_ms at, back;
    if (!kedge_clock_parse(input.data, &at))
        return 0;
    char text[KEDGE_TIME_TEXT];
    if (at < 0 || !kedge_clock_parse(kedge_clock_format(at, text), &back) ||
        back != at / 1000 * 1000)
        abort();
    return 0;
}

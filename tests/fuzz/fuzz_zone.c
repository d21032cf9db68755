/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "state/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read as a zone answers for any time with an offset that a zone can have. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const kedge_ms instants[] = {INT64_MIN, -1, 0, 1792890000000, 32503680000000, INT64_MAX};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_zone *zone;
    struct kedge_slice bytes = {(const char *)data, size};
    if (kedge_zone_parse(&arena, bytes, &zone, NULL) != 0)
        return 0;
    for (size_t i = 0; i < KEDGE_COUNT(instants); i++) {
        int offset = kedge_zone_offset(zone, instants[i]);
        if (offset <= -26 * 3600 || offset >= 26 * 3600)
            abort();
    }
    kedge_zone_instant(zone, 1792890000000);
    return 0;
}

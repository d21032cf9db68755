/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "state/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read as a schedule goes on, or ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const kedge_ms from = 1767225600000;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_zone *zone;
    struct kedge_cron cron;
    const char *text = kedge_arena_strndup(&arena, (const char *)data, size);
    if (kedge_cron_parse(text, &cron, NULL) != 0 ||
        kedge_zone_load(&arena, "UTC", &zone, NULL) != 0)
        return 0;
    kedge_ms next = kedge_cron_next(&cron, zone, from);
    if (next != 0 && (next <= from || next % 60000 != 0))
        abort();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "state/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A range that can only name one version matches that version, and no other near it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const char *text = kedge_arena_strndup(&arena, (const char *)data, size);
    const struct kedge_range *range;
    struct kedge_version version;
    if (kedge_range_parse(&arena, text, &range, NULL) != 0)
        return 0;
    bool exact = kedge_range_is_exact(range);
    if (kedge_version_parse(&arena, text, &version, NULL) != 0) {
        version = (struct kedge_version){.major = 1, .pre = "0"};
        kedge_range_match(range, &version);
        return 0;
    }
    struct kedge_version next = version;
    next.patch++;
    next.pre = NULL;
    if (!exact || !kedge_range_match(range, &version) || kedge_range_match(range, &next))
        abort();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One manifest file, from bytes to tables; then the same file as an edit of the revision it made. */
#include <stdlib.h>

#include "manifest/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kedge_tree_entry entry = {.path = "a.yaml", .data = (const char *)data, .size = size};
    struct kedge_tree tree = {.commit = "one", .entries = &entry, .count = 1};
    struct kedge_arena pool = {0};
    struct kedge_findings findings = {0};
    const struct kedge_specs *specs = NULL, *again = NULL;
    struct kedge_err err;
    if (kedge_load_specs(&pool, NULL, &tree, &findings, &specs, &err) < 0) {
        if (findings.errors == 0)
            abort(); /* refused without a word */
    } else {
        struct kedge_tree_entry other = {.path = "b.yaml",
                                         .data = (const char *)data,
                                         .size = size};
        struct kedge_tree edit = {.base = "one", .commit = "two", .entries = &other, .count = 1};
        if (kedge_load_specs(&pool, specs, &edit, &findings, &again, &err) == 0)
            abort(); /* every name comes twice now */
        other = (struct kedge_tree_entry){.path = "a.yaml"};
        if (kedge_load_specs(&pool, specs, &edit, &findings, &again, &err) == 0)
            abort(); /* nothing is left */
    }
    kedge_findings_release(&findings);
    kedge_arena_release(&pool);
    return 0;
}

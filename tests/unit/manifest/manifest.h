/* SPDX-License-Identifier: Apache-2.0 */
/* A revision from texts, for the tests of manifest/. */
#pragma once

#include "manifest/load.h"

struct revision {
    struct kedge_arena pool;
    struct kedge_findings findings;
    const struct kedge_specs *specs; /* NULL: refused */
    struct kedge_err err;
};

/* Reads one file, "input.yaml". */
static inline struct revision revision_of(const char *data, size_t size)
{
    struct revision r = {0};
    struct kedge_tree_entry entry = {.path = "input.yaml", .data = data, .size = size};
    struct kedge_tree tree = {.entries = &entry, .count = 1};
    if (kedge_load_specs(&r.pool, NULL, &tree, &r.findings, &r.specs, &r.err) < 0)
        r.specs = NULL;
    return r;
}

static inline void revision_auto(struct revision *r)
{
    kedge_arena_release(&r->pool);
    kedge_findings_release(&r->findings);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a head brings: every commit that it reaches and a base does not, for whoever judges them one
 * by one. */
#pragma once

#include "git.h"

struct kedge_range_commit {
    const char *id;
    /* Those of its parents that are the base or were made on top of it. None: it branched off
     * before the base, or from somewhere else. */
    const char *const *elders;
    uint32_t elder_count;
    kedge_ms parents_at; /* the latest time that any of its parents claims; 0: it has none */
};

/* All-zero is empty: the base has everything. */
struct kedge_range {
    const struct kedge_range_commit *at; /* parents before their children; the head is the last */
    size_t count;
};

/* Merged side branches are walked too. Everything lives in `arena`. KEDGE_NOTFOUND: a commit is not
 * here. KEDGE_LIMIT: more than KEDGE_LIMIT_GIT_RANGE of them. KEDGE_CORRUPT. */
int kedge_range_read(struct kedge_git *git, const char *base, const char *head,
                     struct kedge_arena *arena, struct kedge_range *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;

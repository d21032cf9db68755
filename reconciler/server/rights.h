/* SPDX-License-Identifier: Apache-2.0 */
/* Who may change what, along the history of a repository: the commits that judge.h is asked about, and
 * what of it survives a restart.
 *
 * Judged is the trunk: from a head to its first parent that was made on top of what is in force, and
 * so on. What a merge brings is its own change, for whoever signs the merge answers for it; commits
 * that it merges, made on top of the trunk, count as further signatures of the files that come into
 * force as they stand in them.
 * Rules bind while signatures are required (trust.h): without, nobody is known.
 *
 * What is held follows from history alone: the store keeps the last commit of which nothing was held,
 * and the ids of the trunk since. They are judged again at each start. */
#pragma once

#include "judge.h"
#include "server.h"

/* git ─▶ tree ─▶ specs ─▶ desired of one commit, sharing with `previous` where that is not NULL, in the
 * walk's pool. KEDGE_INVALID: its manifests have errors. */
typedef int kedge_rights_load(void *payload, const char *commit,
                              const struct kedge_desired *previous,
                              const struct kedge_desired **out, struct kedge_err *err);

struct kedge_rights_walk {
    kedge_rights_load *load;
    void *payload;
    struct kedge_arena *pool;
    const struct kedge_judgement *judged; /* to go on from; NULL: all over again. Then the last */
    struct kedge_buf trunk;               /* for _record; the caller's to release */
    bool denied; /* it failed because a commit changes who may sign, and may not */
};

/* Takes what the store remembers. */
int kedge_rights_open(struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Judges every commit up to `head`. KEDGE_DENIED: one changes who may sign, and no rule lets its
 * signer. KEDGE_LIMIT: something is held for too long. Or as `load`. */
int kedge_rights_walk(struct kedge_server *server, const char *head, struct kedge_rights_walk *walk,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* In the transaction that brings the last commit of `trunk` into force. */
int kedge_rights_record(struct kedge_server *server, const struct kedge_buf *trunk,
                        struct kedge_err *err) KEDGE_MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server works: its store, its mirror of the repository, its key, opened from options. */
#pragma once

#include "serve.h"

enum kedge_site_use {
    KEDGE_SITE_READ,      /* look, beside whoever works: nothing is written or locked */
    KEDGE_SITE_DELIVER,   /* hand out what is stored; somebody else may decide meanwhile */
    KEDGE_SITE_RECONCILE, /* decide: one process at a time */
};

struct kedge_site {
    enum kedge_site_use use;
    struct kedge_store *store;
    struct kedge_git *git; /* NULL until it is needed, where it is only read */
    struct kedge_key *director;
    struct kedge_server *server;
    struct kedge_arena arena; /* of the strings */
    struct kedge_buf allowed; /* the operator's file of allowed signers */
    const char *repository, *path, *revision, *mirror;
    struct kedge_cron cron;
    const struct kedge_zone *zone;
    int decides; /* the lock of who decides; -1: not held */
};

/* Fills all of `site`, which is then not moved. KEDGE_INVALID: an option is wrong or missing.
 * KEDGE_CONFLICT: another process decides for this store, or has the mirror. */
int kedge_site_open(struct kedge_site *site, const struct kedge_serve_options *options,
                    enum kedge_site_use use, struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_site_close(struct kedge_site *site);
/* Takes the lock `<store>.<role>`, or names the process that has it. *out is -1 for a store that is
 * no file. */
int kedge_site_lock(const char *store, const char *role, int *out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;

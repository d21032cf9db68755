/* SPDX-License-Identifier: Apache-2.0 */
/* A revision read for one command: its files, manifests, desired state and findings. */
#pragma once

#include "source/git.h"
#include "state/desired.h"

/* All-zero is empty. `specs` and `desired` live in `pool`. */
struct kedge_revision {
    struct kedge_arena pool;
    struct kedge_tree tree;
    struct kedge_findings findings;      /* sorted */
    const struct kedge_specs *specs;     /* NULL: invalid */
    const struct kedge_desired *desired; /* NULL: invalid */
};

/* Where a folder stands in the repository that holds it. */
struct kedge_revision_place {
    struct kedge_buf top;   /* the repository's top folder */
    struct kedge_buf below; /* from there to the folder, "" or ending with '/' */
};

/* Reads the manifests of the folder (or the one file) at `path` as they are on the disk. An invalid
 * revision is a success: `findings` has errors and `desired` is NULL. */
int kedge_revision_read(const char *path, struct kedge_revision *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* Reads commit `commit` below folder `root`. With `previous`, which must be valid and outlive *out,
 * only what differs is read. */
int kedge_revision_checkout(struct kedge_git *git, const struct kedge_revision *previous,
                            const char *commit, const char *root, struct kedge_revision *out,
                            struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_NOTFOUND when `path` is in no Git repository. */
int kedge_revision_locate(const char *path, struct kedge_revision_place *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* Adds an error for each version of a model that `before` had with another artifact: a version is
 * immutable once it is merged. */
void kedge_revision_check_immutable(const struct kedge_specs *before,
                                    const struct kedge_specs *after,
                                    struct kedge_findings *findings);

void kedge_revision_release(struct kedge_revision *revision);
void kedge_revision_auto(struct kedge_revision *revision);
void kedge_revision_place_auto(struct kedge_revision_place *place);

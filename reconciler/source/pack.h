/* SPDX-License-Identifier: Apache-2.0 */
/* The packs of a mirror: copied from a repository on this machine, kept few, swept after a crash. */
#pragma once

#include "handle.h"

/* Copies what `commit` needs from the local repository git->url.path, as one pack, without what
 * the mirror's references hold already, and the annotated `tag` (or NULL) with those that lead on.
 * libgit2's own local transport would copy every branch. */
int kedge_pack_copy(struct kedge_git *git, struct kedge_connect *connect, const git_oid *commit,
                    const git_oid *tag, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Each fetch adds a pack and each pack makes every look-up slower: more than KEDGE_LIMIT_GIT_PACKS
 * become one, which holds what the mirror's references reach. */
int kedge_pack_tidy(struct kedge_git *git, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Removes locks, temporary files and half packs that a killed process left in the mirror at
 * `path`; its lock is held. */
void kedge_pack_sweep(const char *path);

/* SPDX-License-Identifier: Apache-2.0 */
/* The same work by libgit2 alone, as little as can be: what ours is held against. */
#pragma once

#include <stddef.h>

/* Walks the tree of a commit and reads every blob by git_odb_read, on one thread; `visit` (may be
 * NULL) gets the bytes. Opening the repository counts. Returns how many. */
typedef void bare_git_visit(const char *data, size_t size, void *payload);
size_t bare_git_read(const char *repository, const char *commit, bare_git_visit *visit,
                     void *payload);
/* How many blobs differ between two commits, by walking both trees and entering only folders whose
 * ids differ. The repository stays open between calls. */
size_t bare_git_differ(const char *repository, const char *before, const char *after);
/* Connects to `url` and lists its references; how many. */
size_t bare_git_list(const char *url);

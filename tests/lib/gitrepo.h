/* SPDX-License-Identifier: Apache-2.0 */
/* Real repositories, made by the ordinary git client: what people push is what is tested. */
#pragma once

#include "base/buf.h"
#include "state/tree.h"

/* A work tree at `path`; all-zero is none. */
struct kedge_gitrepo {
    char path[256];
    unsigned commits; /* made so far: each is a second later than the one before */
};

/* An empty work tree on branch "main" at `path`; fails the test when git is not there. */
struct kedge_gitrepo kedge_gitrepo_make(const char *path);
/* Writes (makes its folders) or, with NULL, removes a file of the work tree. */
void kedge_gitrepo_write(const struct kedge_gitrepo *repo, const char *file, const char *text);
/* Adds everything and commits, also when nothing changed; `id` may be NULL. */
void kedge_gitrepo_commit(struct kedge_gitrepo *repo, const char *message,
                          char id[KEDGE_COMMIT_TEXT]);
/* Runs `git -C path ...`, arguments up to a NULL; fails the test when git does. */
#define kedge_gitrepo_run(repo, ...)                                                               \
    kedge_gitrepo_run_list((repo), (const char *const[]){__VA_ARGS__, NULL})
void kedge_gitrepo_run_list(const struct kedge_gitrepo *repo, const char *const *arguments);
/* As _run; appends what git printed, without the last newline. `input` (may be NULL) is its
 * standard input. */
#define kedge_gitrepo_ask(repo, input, out, ...)                                                   \
    kedge_gitrepo_ask_list((repo), (input), (out), (const char *const[]){__VA_ARGS__, NULL})
void kedge_gitrepo_ask_list(const struct kedge_gitrepo *repo, const struct kedge_buf *input,
                            struct kedge_buf *out, const char *const *arguments);

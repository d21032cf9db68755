/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: an open repository, and libgit2's errors as ours. */
#pragma once

#include <git2.h>

#include "connect.h"
#include "git.h"

#define KEDGE_REF_HEAD    "refs/kedge/head" /* what the configured revision was when last fetched */
#define KEDGE_REF_TRUSTED "refs/kedge/trusted" /* what the reconciler trusts */

struct kedge_git {
    git_repository *repo;
    char *path; /* of the repository's own folder */
    int lock;   /* held on the mirror; -1: not a mirror */
    /* A mirror only. */
    struct kedge_url url;
    struct kedge_git_options options; /* strings are owned */
    char *tag_name;                   /* of the annotated tag that was fetched last, or NULL */
    struct kedge_buf tag;             /* its bytes */
};

/* Fills `err` from libgit2's last error and its return code: "<text>: <libgit2's text>". */
int kedge_handle_fail(struct kedge_err *err, int rc, const char *format, ...) KEDGE_PRINTF(3, 4);
/* As _fail where the object must be there: a missing or unreadable one is KEDGE_CORRUPT, with what
 * to do about it. */
int kedge_handle_broken(const struct kedge_git *git, const git_oid *id, int rc,
                        struct kedge_err *err);
/* Reads one object of type `type`, its size checked against `limit` first: KEDGE_LIMIT. */
int kedge_handle_object(struct kedge_git *git, const git_oid *id, git_object_t type, size_t limit,
                        git_object **out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Reads the commit of a full id. KEDGE_INVALID: it is none. KEDGE_NOTFOUND: it is not here. */
int kedge_handle_commit(struct kedge_git *git, const char *text, git_commit **out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* A commit may claim any second; later ones than we can write are the last we can. */
kedge_ms kedge_handle_moment(git_time_t at);
/* Opens git->path (again): packs that went away are let go. */
int kedge_handle_reopen(struct kedge_git *git, struct kedge_err *err) KEDGE_MUST_CHECK;

void kedge_oid_format(const git_oid *id, char text[KEDGE_COMMIT_TEXT]);

/* libgit2's own, for kedge_auto. */
void git_object_auto(git_object **object);
void git_commit_auto(git_commit **commit);
void git_tree_auto(git_tree **tree);
void git_reference_auto(git_reference **reference);
void git_revwalk_auto(git_revwalk **walk);
void git_packbuilder_auto(git_packbuilder **builder);
void git_repository_auto(git_repository **repository);
void git_remote_auto(git_remote **remote);

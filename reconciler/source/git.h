/* SPDX-License-Identifier: Apache-2.0 */
/* Git as a source of trees: a mirror is fetched, a commit is found, its manifests become a value.
 *
 *     kedge_git_mirror ─▶ _fetch ─▶ _follows(trusted) ─▶ _tree(trusted, head) ─▶ ... ─▶
 * _trust(head)
 *
 * Nothing is ever checked out and nothing in a repository is executed: libgit2 reads objects, the
 * user's and the system's Git configuration (aliases of URLs, proxies, credential helpers) are not
 * read. Commit ids are 40 lower-case hex digits. One handle belongs to one thread at a time. */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "kedge/err.h"
#include "state/tree.h"

struct kedge_git;

/* How a remote is reached. All-zero is valid: the remote's HEAD, no credentials, default limits. */
struct kedge_git_options {
    /* "main", "v1.2", "refs/heads/main" or a full commit id; a branch wins over a tag of the same
     * name. NULL: the branch that the remote's HEAD names. */
    const char *revision;
    const char *ssh_key;       /* private key file; NULL: the agent, or what ssh_config says */
    const char *known_hosts;   /* NULL: the user's and the system's; an unknown host is refused */
    const char *username;      /* https; NULL with a password: "git" */
    const char *password;      /* https: password or token; sent to the host of the URL only */
    const char *ca_file;       /* https: PEM file of trusted authorities; NULL: the system's */
    kedge_ms timeout;          /* of a whole fetch; 0: KEDGE_LIMIT_GIT_TIMEOUT_MS */
    size_t receive_limit;      /* bytes of one fetch; 0: KEDGE_LIMIT_GIT_RECEIVE */
    const atomic_bool *cancel; /* set by another thread to end a fetch within 0.2 s; NULL: never */
};

/* Opens the bare mirror of `url` in folder `dir`, made when absent. `url` is a path, file:, ssh:
 * (also user@host:path) or https:. A local repository is mirrored too: what was trusted must
 * survive a force push and a gc over there. The folder is locked until _free: KEDGE_CONFLICT when
 * another process has it. Nothing is fetched yet and no network is touched. `options` and its
 * strings are copied (`cancel` is borrowed). KEDGE_UNSUPPORTED for another scheme, KEDGE_INVALID
 * for a password in the URL. */
int kedge_git_mirror(const char *url, const char *dir, const struct kedge_git_options *options,
                     struct kedge_git **out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Opens the repository that holds `path` (bare, or a work tree's), to read commits as they are: no
 * lock, no fetch. KEDGE_NOTFOUND when there is none. */
int kedge_git_open(const char *path, struct kedge_git **out,
                   struct kedge_err *err) KEDGE_MUST_CHECK;
/* NULL is fine. */
void kedge_git_free(struct kedge_git *git);
void kedge_git_auto(struct kedge_git **git);

/* Asks the remote what the configured revision is and fetches it when the mirror lacks it; an
 * unchanged head costs one listing of the remote's references and nothing else, a full commit id
 * that the mirror holds costs no network at all. Blocks, at most for the time-out. A mirror only.
 * KEDGE_NOTFOUND: no such revision, or an empty repository. KEDGE_UNAVAILABLE: unreachable.
 * KEDGE_TIMEOUT. KEDGE_DENIED: credentials, host key or certificate refused. KEDGE_LIMIT: more
 * bytes than allowed. KEDGE_UNSUPPORTED: a shallow remote. After any failure the mirror holds what
 * it held before. */
int kedge_git_fetch(struct kedge_git *git, char commit[KEDGE_COMMIT_TEXT],
                    struct kedge_err *err) KEDGE_MUST_CHECK;

/* The annotated tag that the last kedge_git_fetch went through to its commit, itself or through
 * further tags, which it names by their hashes; false where a branch, a light-weight tag or an id led
 * there. Both are borrowed until the next one: `name` without "refs/tags/", `object` the bytes that
 * Git hashes, as wire/commit.h reads them. */
bool kedge_git_tag(const struct kedge_git *git, const char **name, struct kedge_slice *object);

/* Was `head` made on top of `base`? Equal ids are. KEDGE_CONFLICT naming both when history was
 * rewritten: keep the last good one. KEDGE_NOTFOUND when a commit is not here. */
int kedge_git_follows(struct kedge_git *git, const char *base, const char *head,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* Pins `commit` as the last trusted one (refs/kedge/trusted), so that it and its history stay
 * whatever the remote does. A mirror only. Durable on return. */
int kedge_git_trust(struct kedge_git *git, const char *commit,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* The commit pinned last. KEDGE_NOTFOUND when none is. */
int kedge_git_trusted(struct kedge_git *git, char commit[KEDGE_COMMIT_TEXT],
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* The commit that `revision` names in this repository: anything `git rev-parse` takes (a branch, a
 * tag, "HEAD~1", a unique short id), peeled to a commit. KEDGE_NOTFOUND, KEDGE_INVALID (ambiguous,
 * or no commit). */
int kedge_git_resolve(struct kedge_git *git, const char *revision, char commit[KEDGE_COMMIT_TEXT],
                      struct kedge_err *err) KEDGE_MUST_CHECK;

/* Who made a commit, and what it says. The text is as the author wrote it, cut to its limit on a
 * UTF-8 boundary and with bytes that are not UTF-8 replaced by U+FFFD; it can hold control
 * characters: escape it before showing it. */
struct kedge_git_commit {
    const char *author;    /* "Name <mail>" */
    const char *committer; /* "Name <mail>" */
    const char *subject;   /* first paragraph on one line; "" when the message is empty */
    kedge_ms authored, committed;
};
/* Strings live in `arena`. KEDGE_NOTFOUND, KEDGE_CORRUPT, KEDGE_LIMIT. */
int kedge_git_commit(struct kedge_git *git, const char *commit, struct kedge_arena *arena,
                     struct kedge_git_commit *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* Appends the bytes of a commit that Git hashes, without the "commit <size>" before them, as
 * wire/commit.h reads them. KEDGE_NOTFOUND, KEDGE_CORRUPT, KEDGE_LIMIT. */
int kedge_git_raw(struct kedge_git *git, const char *commit, struct kedge_buf *out,
                  struct kedge_err *err) KEDGE_MUST_CHECK;
/* A commit or an annotated tag as the bytes that Git hashes, without their "commit <size>" head. */
struct kedge_git_object {
    bool tag;
    char id[KEDGE_COMMIT_TEXT];
    struct kedge_buf data;
};
/* Reads what `revision` names (as kedge_git_resolve, but a tag stays one), whether it is well-formed
 * or not where that is a full id. `out` is filled anew. KEDGE_NOTFOUND, KEDGE_INVALID (ambiguous, or
 * neither), KEDGE_LIMIT, KEDGE_CORRUPT (damaged, or its bytes are not what its id says). */
int kedge_git_object(struct kedge_git *git, const char *revision, struct kedge_git_object *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_git_object_auto(struct kedge_git_object *object);
/* Appends one file of `commit`, at most `limit` bytes. KEDGE_NOTFOUND: there is none at `path`, or
 * it is a link or a folder. KEDGE_CORRUPT, KEDGE_LIMIT. */
int kedge_git_file(struct kedge_git *git, const char *commit, const char *path, size_t limit,
                   struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* Reads the manifests below folder `root` ("" or NULL: the top) of `commit`: all of them, or with
 * `base` only the paths that differ from that commit (gone ones have neither data nor a reason);
 * the work is then in proportion to the folders that differ. Files that may not be read (larger
 * than KEDGE_LIMIT_MANIFEST, links, submodules, paths that are too long or no clean UTF-8) are
 * entries with `refused` set; the path of the last kind is shown with its bad bytes as \xNN.
 * KEDGE_NOTFOUND: a commit or `root` is not there. KEDGE_INVALID: a malformed tree object.
 * KEDGE_CORRUPT: an object is missing or damaged. KEDGE_LIMIT: too many files, bytes or levels. */
int kedge_git_tree(struct kedge_git *git, const char *base, const char *commit, const char *root,
                   struct kedge_tree *out, struct kedge_err *err) KEDGE_MUST_CHECK;

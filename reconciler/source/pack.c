/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <dirent.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/limits.h"

static const char *const ours[] = {KEDGE_REF_HEAD, KEDGE_REF_TRUSTED};

static void git_odb_auto(git_odb **odb)
{
    git_odb_free(*odb);
}

static int on_stage(int stage, uint32_t current, uint32_t total, void *payload)
{
    (void)stage;
    (void)current;
    (void)total;
    return kedge_connect_check(payload);
}

struct copying {
    git_odb_writepack *writer;
    git_indexer_progress progress;
    struct kedge_connect *connect;
};

static int on_bytes(void *data, size_t size, void *payload)
{
    struct copying *copying = payload;
    if (kedge_connect_count(copying->connect, size) < 0)
        return -1;
    return copying->writer->append(copying->writer, data, size, &copying->progress);
}

/* Commits of `from` below `commit` that the mirror does not hold. */
static int list_missing(struct kedge_git *git, git_odb *mirror, git_repository *from,
                        const git_oid *commit, git_revwalk **walk)
{
    int rc = git_revwalk_new(walk, from);
    if (rc == 0)
        rc = git_revwalk_push(*walk, commit);
    for (size_t i = 0; rc == 0 && i < KEDGE_COUNT(ours); i++) {
        git_oid have;
        bool here = git_reference_name_to_id(&have, git->repo, ours[i]) == 0 &&
                    git_odb_exists(mirror, &have);
        if (here)
            (void)git_revwalk_hide(*walk, &have); /* it may be gone over there */
    }
    return rc;
}

/* What a commit brings: walked beside its first parent, which the mirror has or gets too. libgit2's
 * own way marks every object of what the mirror has, which costs the whole repository. */
struct filling {
    git_packbuilder *builder;
    git_repository *from;
    size_t visited;
};

static int insert_difference(struct filling *filling, const git_oid *before, const git_oid *after,
                             unsigned depth);

static int insert_entry(struct filling *filling, const git_tree_entry *old,
                        const git_tree_entry *new, unsigned depth)
{
    const git_oid *id = git_tree_entry_id(new);
    git_object_t type = git_tree_entry_type(new);
    if (type == GIT_OBJECT_COMMIT || (old && git_oid_equal(git_tree_entry_id(old), id)))
        return 0;
    if (type != GIT_OBJECT_TREE)
        return git_packbuilder_insert(filling->builder, id, git_tree_entry_name(new));
    bool both = old && git_tree_entry_type(old) == GIT_OBJECT_TREE;
    return insert_difference(filling, both ? git_tree_entry_id(old) : NULL, id, depth + 1);
}

static int insert_difference(struct filling *filling, const git_oid *before, const git_oid *after,
                             unsigned depth)
{
    if (!before)
        return git_packbuilder_insert_tree(filling->builder, after);
    if (git_oid_equal(before, after))
        return 0;
    kedge_auto(git_tree) git_tree *old = NULL, *new = NULL;
    int rc = git_tree_lookup(&old, filling->from, before);
    if (rc == 0)
        rc = git_tree_lookup(&new, filling->from, after);
    if (rc == 0)
        rc = git_packbuilder_insert(filling->builder, after, NULL);
    size_t count = rc == 0 ? git_tree_entrycount(new) : 0;
    filling->visited += count;
    if (filling->visited > KEDGE_LIMIT_GIT_ENTRIES || depth > KEDGE_LIMIT_GIT_DEPTH) {
        git_error_set_str(GIT_ERROR_TREE, "a commit changes too many folders");
        return GIT_ERROR;
    }
    for (size_t i = 0; i < count && rc == 0; i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(new, i);
        rc = insert_entry(filling, git_tree_entry_byname(old, git_tree_entry_name(entry)), entry,
                          depth);
    }
    return rc;
}

static int insert_commit(struct filling *filling, const git_oid *id)
{
    kedge_auto(git_commit) git_commit *commit = NULL, *parent = NULL;
    int rc = git_commit_lookup(&commit, filling->from, id);
    if (rc == 0 && git_commit_parentcount(commit) > 0)
        rc = git_commit_parent(&parent, commit, 0);
    if (rc == 0)
        rc = git_packbuilder_insert(filling->builder, id, NULL);
    if (rc < 0)
        return rc;
    filling->visited = 0;
    return insert_difference(filling, parent ? git_commit_tree_id(parent) : NULL,
                             git_commit_tree_id(commit), 0);
}

static int fill(struct filling *filling, git_revwalk *walk)
{
    git_oid id;
    int rc = git_revwalk_next(&id, walk);
    while (rc == 0) {
        rc = insert_commit(filling, &id);
        if (rc == 0)
            rc = git_revwalk_next(&id, walk);
    }
    return rc == GIT_ITEROVER ? 0 : rc;
}

/* A tag, and those that it leads through. */
static int insert_tags(const struct filling *filling, const git_oid *id)
{
    git_tag *tag = NULL;
    git_oid at = *id;
    int rc = 0;
    for (unsigned depth = 0; rc == 0 && depth < KEDGE_LIMIT_GIT_DEPTH; depth++) {
        if (git_tag_lookup(&tag, filling->from, &at) < 0)
            return 0;
        rc = git_packbuilder_insert(filling->builder, &at, NULL);
        at = *git_tag_target_id(tag);
        git_tag_free(tag);
    }
    return rc;
}

static int copy(struct kedge_git *git, git_repository *from, struct kedge_connect *connect,
                const git_oid *commit, const git_oid *tag)
{
    kedge_auto(git_revwalk) git_revwalk *walk = NULL;
    kedge_auto(git_packbuilder) git_packbuilder *builder = NULL;
    kedge_auto(git_odb) git_odb *odb = NULL;
    struct copying copying = {.connect = connect};
    int rc = git_repository_odb(&odb, git->repo);
    if (rc == 0)
        rc = list_missing(git, odb, from, commit, &walk);
    if (rc == 0)
        rc = git_packbuilder_new(&builder, from);
    if (rc == 0)
        rc = git_packbuilder_set_callbacks(builder, on_stage, connect);
    if (rc == 0)
        git_packbuilder_set_threads(builder, 0);
    struct filling filling = {.builder = builder, .from = from};
    if (rc == 0)
        rc = fill(&filling, walk);
    if (rc == 0 && tag)
        rc = insert_tags(&filling, tag);
    if (rc == 0)
        rc = git_odb_write_pack(&copying.writer, odb, NULL, NULL);
    if (rc == 0)
        rc = git_packbuilder_foreach(builder, on_bytes, &copying);
    if (rc == 0)
        rc = copying.writer->commit(copying.writer, &copying.progress);
    if (copying.writer)
        copying.writer->free(copying.writer);
    return rc;
}

int kedge_pack_copy(struct kedge_git *git, struct kedge_connect *connect, const git_oid *commit,
                    const git_oid *tag, struct kedge_err *err)
{
    kedge_auto(git_repository) git_repository *from = NULL;
    git_object_t type = GIT_OBJECT_INVALID;
    size_t size;
    const char *path = git->url.path;
    int rc = git_repository_open_ext(&from, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    if (rc < 0) {
        kedge_handle_fail(err, rc, "repository '%s' does not open", path);
        return err->code = KEDGE_UNAVAILABLE;
    }
    if (git_repository_is_shallow(from) == 1)
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "repository '%s' is a shallow clone: run git fetch --unshallow there",
                             path);
    kedge_auto(git_odb) git_odb *odb = NULL;
    rc = git_repository_odb(&odb, from);
    if (rc == 0)
        rc = git_odb_read_header(&size, &type, odb, commit);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "repository '%s'", path);
    if (type != GIT_OBJECT_COMMIT)
        return kedge_err_set(err, KEDGE_INVALID, "repository '%s': the revision is a %s, no commit",
                             path, git_object_type2string(type));
    rc = copy(git, from, connect, commit, tag);
    if (connect->stop.code) {
        kedge_err_set(err, connect->stop.code, "%s", connect->stop.msg);
        return kedge_err_wrap(err, "repository '%s'", path);
    }
    if (rc == GIT_ENOTFOUND) {
        kedge_handle_fail(err, rc, "repository '%s' lacks objects: run git fsck there", path);
        return err->code = KEDGE_CORRUPT;
    }
    return rc < 0 ? kedge_handle_fail(err, rc, "repository '%s' cannot be copied", path) : 0;
}

static bool ends_with(const char *name, const char *end)
{
    size_t a = strlen(name), b = strlen(end);
    return a >= b && strcmp(name + a - b, end) == 0;
}

/* Calls `visit` for each file of folder `path`/`below`. */
static void each_file(const char *path, const char *below,
                      void (*visit)(int dir, const char *name, void *payload), void *payload)
{
    kedge_auto(kedge_buf) struct kedge_buf folder = {0};
    kedge_buf_printf(&folder, "%s/%s", path, below);
    DIR *dir = opendir(folder.data);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        visit(dirfd(dir), entry->d_name, payload);
    if (dir)
        closedir(dir);
}

static void count_pack(int dir, const char *name, void *payload)
{
    (void)dir;
    *(size_t *)payload += ends_with(name, ".pack");
}

/* Removes every pack but the one named; an index goes first, so that no index is without its pack
 * at any moment. */
static void drop_index(int dir, const char *name, void *payload)
{
    if (ends_with(name, ".idx") && !strstr(name, payload))
        unlinkat(dir, name, 0);
}

static void drop_pack(int dir, const char *name, void *payload)
{
    if (ends_with(name, ".pack") && !strstr(name, payload))
        unlinkat(dir, name, 0);
}

static int repack(struct kedge_git *git, char name[KEDGE_COMMIT_TEXT])
{
    kedge_auto(git_revwalk) git_revwalk *walk = NULL;
    kedge_auto(git_packbuilder) git_packbuilder *builder = NULL;
    int rc = git_revwalk_new(&walk, git->repo);
    for (size_t i = 0; rc == 0 && i < KEDGE_COUNT(ours); i++) {
        git_oid id;
        if (git_reference_name_to_id(&id, git->repo, ours[i]) == 0)
            rc = git_revwalk_push(walk, &id);
    }
    if (rc == 0)
        rc = git_packbuilder_new(&builder, git->repo);
    if (rc == 0)
        git_packbuilder_set_threads(builder, 0);
    if (rc == 0)
        rc = git_packbuilder_insert_walk(builder, walk);
    if (rc == 0)
        rc = git_packbuilder_write(builder, NULL, 0, NULL, NULL);
    if (rc == 0)
        snprintf(name, KEDGE_COMMIT_TEXT, "%s", git_packbuilder_name(builder));
    return rc;
}

int kedge_pack_tidy(struct kedge_git *git, struct kedge_err *err)
{
    char name[KEDGE_COMMIT_TEXT];
    size_t packs = 0;
    each_file(git->path, "objects/pack", count_pack, &packs);
    if (packs <= KEDGE_LIMIT_GIT_PACKS)
        return 0;
    int rc = repack(git, name);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot pack the mirror '%s'", git->path);
    each_file(git->path, "objects/pack", drop_index, name);
    each_file(git->path, "objects/pack", drop_pack, name);
    return kedge_handle_reopen(git, err);
}

static void sweep_lock(int dir, const char *name, void *payload)
{
    (void)payload;
    if (ends_with(name, ".lock"))
        unlinkat(dir, name, 0);
}

static void sweep_pack(int dir, const char *name, void *payload)
{
    char other[NAME_MAX + 1];
    size_t stem = strlen(name) - strlen(".pack");
    bool half = false;
    (void)payload;
    if (ends_with(name, ".pack") && stem + sizeof ".idx" <= sizeof other) {
        memcpy(other, name, stem);
        memcpy(other + stem, ".idx", sizeof ".idx");
        half = faccessat(dir, other, F_OK, 0) < 0;
    }
    if (half || ends_with(name, ".lock") || strstr(name, "_git2_"))
        unlinkat(dir, name, 0);
}

void kedge_pack_sweep(const char *path)
{
    each_file(path, ".", sweep_lock, NULL);
    each_file(path, "refs/kedge", sweep_lock, NULL);
    each_file(path, "objects/pack", sweep_pack, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_git.h"

#include <git2.h>

#include "bench.h"

static void check(int rc)
{
    bench_check(rc == 0, rc < 0 && git_error_last() ? git_error_last()->message : "libgit2");
}

static git_tree *tree_of(git_repository *repo, const char *commit)
{
    git_object *object;
    git_tree *tree;
    check(git_revparse_single(&object, repo, commit));
    check(git_commit_tree(&tree, (git_commit *)object));
    git_object_free(object);
    return tree;
}

struct reading {
    git_odb *odb;
    git_repository *repo;
    bare_git_visit *visit;
    void *payload;
    size_t count;
};

static void read_tree(struct reading *reading, const git_tree *tree)
{
    for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
            git_tree *below;
            check(git_tree_lookup(&below, reading->repo, git_tree_entry_id(entry)));
            read_tree(reading, below);
            git_tree_free(below);
            continue;
        }
        git_odb_object *object;
        check(git_odb_read(&object, reading->odb, git_tree_entry_id(entry)));
        if (reading->visit)
            reading->visit(git_odb_object_data(object), git_odb_object_size(object),
                           reading->payload);
        git_odb_object_free(object);
        reading->count++;
    }
}

size_t bare_git_read(const char *repository, const char *commit, bare_git_visit *visit,
                     void *payload)
{
    struct reading reading = {.visit = visit, .payload = payload};
    git_libgit2_init();
    check(git_repository_open(&reading.repo, repository));
    check(git_repository_odb(&reading.odb, reading.repo));
    git_tree *tree = tree_of(reading.repo, commit);
    read_tree(&reading, tree);
    git_tree_free(tree);
    git_odb_free(reading.odb);
    git_repository_free(reading.repo);
    git_libgit2_shutdown();
    return reading.count;
}

static size_t differ(git_repository *repo, const git_oid *before, const git_oid *after)
{
    git_tree *a, *b;
    size_t count = 0;
    check(git_tree_lookup(&a, repo, before));
    check(git_tree_lookup(&b, repo, after));
    for (size_t i = 0; i < git_tree_entrycount(b); i++) {
        const git_tree_entry *new = git_tree_entry_byindex(b, i);
        const git_tree_entry *old = git_tree_entry_byindex(a, i); /* same names on both sides */
        if (git_oid_equal(git_tree_entry_id(old), git_tree_entry_id(new)))
            continue;
        count += git_tree_entry_type(new) == GIT_OBJECT_TREE
                     ? differ(repo, git_tree_entry_id(old), git_tree_entry_id(new))
                     : 1;
    }
    git_tree_free(a);
    git_tree_free(b);
    return count;
}

size_t bare_git_differ(const char *repository, const char *before, const char *after)
{
    static git_repository *repo;
    if (!repo) {
        git_libgit2_init();
        check(git_repository_open(&repo, repository));
    }
    git_tree *a = tree_of(repo, before), *b = tree_of(repo, after);
    size_t count = differ(repo, git_tree_id(a), git_tree_id(b));
    git_tree_free(a);
    git_tree_free(b);
    return count;
}

size_t bare_git_list(const char *url)
{
    git_remote *remote;
    const git_remote_head **heads;
    size_t count;
    git_libgit2_init();
    check(git_remote_create_detached(&remote, url));
    check(git_remote_connect(remote, GIT_DIRECTION_FETCH, NULL, NULL, NULL));
    check(git_remote_ls(&heads, &count, remote));
    git_remote_free(remote);
    git_libgit2_shutdown();
    return count;
}

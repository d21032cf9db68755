/* SPDX-License-Identifier: Apache-2.0 */
#include "range.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "handle.h"

/* A commit of the range while it is made. */
struct member {
    git_oid id;
    struct kedge_range_commit *commit;
    bool follows; /* made on top of the base */
};

struct making {
    struct kedge_git *git;
    struct kedge_arena *arena;
    git_oid base;
    struct member *members; /* by id */
    size_t count;
};

static int compare_ids(const void *a, const void *b)
{
    return git_oid_cmp(&((const struct member *)a)->id, &((const struct member *)b)->id);
}

static struct member *find_member(const struct making *making, const git_oid *id)
{
    const struct member key = {.id = *id};
    return bsearch(&key, making->members, making->count, sizeof key, compare_ids);
}

static char *format(struct kedge_arena *arena, const git_oid *id)
{
    char *text = kedge_arena_alloc(arena, KEDGE_COMMIT_TEXT);
    kedge_oid_format(id, text);
    return text;
}

/* The ids, parents first. */
static int walk(struct making *making, const git_oid *head, git_oid *ids, struct kedge_err *err)
{
    kedge_auto(git_revwalk) git_revwalk *walk = NULL;
    int rc = git_revwalk_new(&walk, making->git->repo);
    if (rc == 0)
        rc = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
    if (rc == 0)
        rc = git_revwalk_push(walk, head);
    if (rc == 0)
        rc = git_revwalk_hide(walk, &making->base);
    git_oid id;
    while (rc == 0 && (rc = git_revwalk_next(&id, walk)) == 0) {
        if (making->count == KEDGE_LIMIT_GIT_RANGE)
            return kedge_err_set(err, KEDGE_LIMIT, "more than %d commits", KEDGE_LIMIT_GIT_RANGE);
        ids[making->count++] = id;
    }
    return rc == GIT_ITEROVER ? 0 : kedge_handle_fail(err, rc, "history cannot be walked");
}

/* Elders and times of a commit whose parents in the range are done. */
static int describe(const struct making *making, struct member *member, struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *commit = NULL;
    struct kedge_range_commit *out = member->commit;
    int rc = kedge_handle_object(making->git, &member->id, GIT_OBJECT_COMMIT,
                                 KEDGE_LIMIT_GIT_COMMIT, (git_object **)&commit, err);
    if (rc < 0)
        return rc;
    unsigned int parents = git_commit_parentcount(commit);
    const char **elders = kedge_arena_array(making->arena, parents, sizeof *elders);
    for (unsigned int i = 0; i < parents; i++) {
        kedge_auto(git_commit) git_commit *parent = NULL;
        const git_oid *id = git_commit_parent_id(commit, i);
        rc = kedge_handle_object(making->git, id, GIT_OBJECT_COMMIT, KEDGE_LIMIT_GIT_COMMIT,
                                 (git_object **)&parent, err);
        if (rc < 0)
            return rc;
        kedge_ms at = kedge_handle_moment(git_commit_time(parent));
        if (at > out->parents_at)
            out->parents_at = at;
        const struct member *known = find_member(making, id);
        if (git_oid_equal(id, &making->base) || (known && known->follows))
            elders[out->elder_count++] = known ? known->commit->id : format(making->arena, id);
    }
    out->id = format(making->arena, &member->id);
    out->elders = elders;
    member->follows = out->elder_count > 0;
    return 0;
}

static int make(struct making *making, const git_oid *head, struct kedge_range *out,
                struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena scratch = {0};
    git_oid *ids = kedge_arena_array(&scratch, KEDGE_LIMIT_GIT_RANGE, sizeof *ids);
    int rc = walk(making, head, ids, err);
    if (rc < 0)
        return rc;
    struct kedge_range_commit *commits =
        kedge_arena_array(making->arena, making->count, sizeof *commits);
    making->members = kedge_arena_array(&scratch, making->count, sizeof *making->members);
    for (size_t i = 0; i < making->count; i++)
        making->members[i] = (struct member){.id = ids[i], .commit = &commits[i]};
    if (making->count)
        qsort(making->members, making->count, sizeof *making->members, compare_ids);
    for (size_t i = 0; i < making->count && rc == 0; i++)
        rc = describe(making, find_member(making, &ids[i]), err);
    if (rc == 0)
        *out = (struct kedge_range){commits, making->count};
    return rc;
}

int kedge_range_read(struct kedge_git *git, const char *base, const char *head,
                     struct kedge_arena *arena, struct kedge_range *out, struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *older = NULL, *newer = NULL;
    int rc = kedge_handle_commit(git, base, &older, err);
    if (rc == 0)
        rc = kedge_handle_commit(git, head, &newer, err);
    if (rc < 0)
        return rc;
    struct making making = {.git = git, .arena = arena, .base = *git_commit_id(older)};
    if (make(&making, git_commit_id(newer), out, err) < 0)
        return kedge_err_wrap(err, "commits from %s to %s", base, head);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "source/range.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "lib/gitrepo.h"
#include "lib/leak.h"
#include "lib/tempdir.h"

static struct kedge_git *open_at(const char *path)
{
    struct kedge_git *git = NULL;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_git_open(path, &git, &err), 0, "%s", err.msg);
    return git;
}

static const struct kedge_range_commit *find(const struct kedge_range *range, const char *id)
{
    for (size_t i = 0; i < range->count; i++)
        if (strcmp(range->at[i].id, id) == 0)
            return &range->at[i];
    return NULL;
}

static void merge(struct kedge_gitrepo *repo, const char *branch, char id[KEDGE_COMMIT_TEXT])
{
    kedge_auto(kedge_buf) struct kedge_buf head = {0};
    repo->commits++;
    kedge_gitrepo_run(repo, "merge", "-q", "--no-ff", "-m", "merge", branch);
    kedge_gitrepo_ask(repo, NULL, &head, "rev-parse", "HEAD");
    memcpy(id, head.data, KEDGE_COMMIT_TEXT);
}

/*  old ── base ── one ── m1 ── m2
 *   │       └──── side ──┘      │
 *   └──────────── stale ────────┘ */
Test(range, every_commit_with_what_it_stands_on)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    char old[KEDGE_COMMIT_TEXT], base[KEDGE_COMMIT_TEXT], one[KEDGE_COMMIT_TEXT];
    char side[KEDGE_COMMIT_TEXT], stale[KEDGE_COMMIT_TEXT];
    char m1[KEDGE_COMMIT_TEXT], m2[KEDGE_COMMIT_TEXT];
    struct kedge_range range;
    struct kedge_err err = {0};
    kedge_gitrepo_commit(&repo, "old", old);
    kedge_gitrepo_run(&repo, "branch", "stale");
    kedge_gitrepo_commit(&repo, "base", base);
    kedge_gitrepo_run(&repo, "branch", "side");
    kedge_gitrepo_commit(&repo, "one", one);
    kedge_gitrepo_run(&repo, "checkout", "-q", "side");
    kedge_gitrepo_commit(&repo, "side", side);
    kedge_gitrepo_run(&repo, "checkout", "-q", "stale");
    kedge_gitrepo_commit(&repo, "stale", stale);
    kedge_gitrepo_run(&repo, "checkout", "-q", "main");
    merge(&repo, "side", m1);
    merge(&repo, "stale", m2);

    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_range_read(git, base, m2, &arena, &range, &err), 0, "%s", err.msg);
    cr_assert_eq(range.count, 5);
    cr_expect_str_eq(range.at[4].id, m2);
    const struct {
        const char *id, *elders[2];
        int parent; /* which commit of the test was its youngest parent */
    } rows[] = {
        {one, {base}, 2},     {side, {base}, 2}, {stale, {NULL}, 1},
        {m1, {one, side}, 4}, {m2, {m1}, 6},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        const struct kedge_range_commit *commit = find(&range, rows[i].id);
        cr_assert_not_null(commit, "row %zu", i);
        uint32_t wanted = (rows[i].elders[0] != NULL) + (rows[i].elders[1] != NULL);
        cr_assert_eq(commit->elder_count, wanted, "row %zu", i);
        for (uint32_t k = 0; k < wanted; k++)
            cr_expect_str_eq(commit->elders[k], rows[i].elders[k], "row %zu", i);
        cr_expect_eq(commit->parents_at, (1772366400 + rows[i].parent) * 1000LL, "row %zu", i);
        for (uint32_t k = 0; k < commit->elder_count; k++) {
            const struct kedge_range_commit *elder = find(&range, commit->elders[k]);
            cr_expect(!elder || elder < commit, "parents come first");
        }
    }
}

Test(range, nothing_new_and_nothing_there)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    char old[KEDGE_COMMIT_TEXT], head[KEDGE_COMMIT_TEXT];
    struct kedge_range range;
    struct kedge_err err = {0};
    kedge_gitrepo_commit(&repo, "old", old);
    kedge_gitrepo_commit(&repo, "head", head);
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_range_read(git, head, head, &arena, &range, &err), 0, "%s", err.msg);
    cr_expect_eq(range.count, 0);
    cr_assert_eq(kedge_range_read(git, head, old, &arena, &range, &err), 0, "%s", err.msg);
    cr_expect_eq(range.count, 0);
    cr_expect_eq(kedge_range_read(git, "0123456789012345678901234567890123456789", head, &arena,
                                  &range, &err),
                 KEDGE_NOTFOUND);
    cr_expect_eq(kedge_range_read(git, "main", head, &arena, &range, &err), KEDGE_INVALID);
}

/* A chain longer than is judged at once, as fast-import writes it. */
Test(range, is_bounded)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf stream = {0}, base = {0}, head = {0}, none = {0};
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    struct kedge_range range;
    struct kedge_err err = {0};
    for (int i = 0; i < KEDGE_LIMIT_GIT_RANGE + 2; i++)
        kedge_buf_printf(&stream, "commit refs/heads/main\ncommitter C <c@x> %d +0000\ndata 1\nx\n",
                         1772366400 + i);
    kedge_gitrepo_ask(&repo, &stream, &none, "fast-import", "--quiet");
    kedge_gitrepo_ask(&repo, NULL, &head, "rev-parse", "main");
    kedge_gitrepo_ask(&repo, NULL, &base, "rev-list", "--max-parents=0", "main");
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_range_read(git, base.data, head.data, &arena, &range, &err), KEDGE_LIMIT);
    cr_expect_not_null(strstr(err.msg, "more than 10000 commits"), "%s", err.msg);
    kedge_buf_clear(&head);
    kedge_gitrepo_ask(&repo, NULL, &head, "rev-parse", "main~1");
    cr_assert_eq(kedge_range_read(git, base.data, head.data, &arena, &range, &err), 0, "%s",
                 err.msg);
    cr_expect_eq(range.count, KEDGE_LIMIT_GIT_RANGE);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "source/git.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

Test(git, opens_from_a_folder_inside)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    kedge_auto(kedge_buf) struct kedge_buf inside = {0};
    kedge_gitrepo_write(&repo, "deep/er/a.yaml", "a");
    kedge_buf_printf(&inside, "%s/deep/er", tmp.path);
    kedge_auto(kedge_git) struct kedge_git *git = open_at(inside.data);
    cr_expect_not_null(git);
}

Test(git, refuses_a_folder_that_is_in_no_repository)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_git *git = NULL;
    struct kedge_err err = {0};
    cr_expect_eq(kedge_git_open(tmp.path, &git, &err), KEDGE_NOTFOUND);
    cr_expect_null(git);
    cr_expect_not_null(strstr(err.msg, "is in no git repository"), "%s", err.msg);
}

Test(git, resolves_revisions)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    char first[KEDGE_COMMIT_TEXT], second[KEDGE_COMMIT_TEXT], found[KEDGE_COMMIT_TEXT];
    struct kedge_err err = {0};
    kedge_gitrepo_write(&repo, "a.yaml", "1");
    kedge_gitrepo_commit(&repo, "one", first);
    kedge_gitrepo_run(&repo, "tag", "-a", "-m", "release", "v1");
    kedge_gitrepo_run(&repo, "tag", "data", "HEAD:a.yaml");
    kedge_gitrepo_commit(&repo, "two", second);
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    const struct {
        const char *revision, *id;
    } rows[] = {{"main", second}, {"HEAD~1", first}, {"v1", first}, {first, first}};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        cr_assert_eq(kedge_git_resolve(git, rows[i].revision, found, &err), 0, "%s", err.msg);
        cr_expect_str_eq(found, rows[i].id, "%s", rows[i].revision);
    }
    cr_expect_eq(kedge_git_resolve(git, "nowhere", found, &err), KEDGE_NOTFOUND);
    cr_expect_eq(kedge_git_resolve(git, "data", found, &err), KEDGE_INVALID, "%s", err.msg);
    cr_expect_eq(kedge_git_resolve(git, "main~x^", found, &err), KEDGE_INVALID, "%s", err.msg);
}

Test(git, tells_a_rewritten_history)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    char base[KEDGE_COMMIT_TEXT], ours[KEDGE_COMMIT_TEXT], theirs[KEDGE_COMMIT_TEXT];
    struct kedge_err err = {0};
    kedge_gitrepo_commit(&repo, "base", base);
    kedge_gitrepo_commit(&repo, "ours", ours);
    kedge_gitrepo_run(&repo, "reset", "-q", "--hard", base);
    kedge_gitrepo_commit(&repo, "theirs", theirs);
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_expect_eq(kedge_git_follows(git, base, base, &err), 0);
    cr_expect_eq(kedge_git_follows(git, base, ours, &err), 0);
    cr_expect_eq(kedge_git_follows(git, base, theirs, &err), 0);
    cr_expect_eq(kedge_git_follows(git, ours, base, &err), KEDGE_CONFLICT);
    cr_expect_eq(kedge_git_follows(git, ours, theirs, &err), KEDGE_CONFLICT);
    cr_expect(strstr(err.msg, ours) && strstr(err.msg, theirs), "%s", err.msg);
    cr_expect_eq(kedge_git_follows(git, "0123456789012345678901234567890123456789", ours, &err),
                 KEDGE_NOTFOUND);
    cr_expect_eq(kedge_git_follows(git, "main", ours, &err), KEDGE_INVALID);
}

Test(git, tells_who_made_a_commit)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_git_commit commit;
    struct kedge_err err = {0};
    char id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_commit(&repo, "Roll out\nthe detector\n\nbody", id);
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_git_commit(git, id, &arena, &commit, &err), 0, "%s", err.msg);
    cr_expect_str_eq(commit.author, "Ada Quist <ada@example.org>");
    cr_expect_str_eq(commit.committer, "Bo Lind <bo@example.org>");
    cr_expect_str_eq(commit.subject, "Roll out the detector");
    cr_expect_eq(commit.committed, 1772366401000);
}

/* A commit object may hold anything: bytes that are no text, and times that no calendar has. */
Test(git, bounds_a_hostile_commit)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    kedge_auto(kedge_buf) struct kedge_buf raw = {0}, tree = {0}, id = {0};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_git_commit commit;
    struct kedge_err err = {0};
    kedge_gitrepo_ask(&repo, &raw, &tree, "mktree");
    kedge_buf_printf(&raw, "tree %s\nauthor \xff\x1b[31m <x> 9223372036854775807 +0000\n",
                     tree.data);
    kedge_buf_puts(&raw, "committer c <y> 0 +0000\n\n");
    for (int i = 0; i < 4000; i++)
        kedge_buf_puts(&raw, "\xc3\xa9");
    kedge_gitrepo_ask(&repo, &raw, &id, "hash-object", "-t", "commit", "-w", "--stdin",
                      "--literally");
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_git_commit(git, id.data, &arena, &commit, &err), 0, "%s", err.msg);
    cr_expect_eq(strncmp(commit.author, "\xef\xbf\xbd\x1b[31m", 8), 0, "%s", commit.author);
    cr_expect_leq(commit.authored, 253402300799000);
    cr_expect_eq(strlen(commit.subject), KEDGE_LIMIT_GIT_TEXT);
}

Test(git, refuses_a_huge_commit)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    kedge_auto(kedge_buf) struct kedge_buf raw = {0}, tree = {0}, id = {0};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_git_commit commit;
    struct kedge_err err = {0};
    kedge_gitrepo_ask(&repo, &raw, &tree, "mktree");
    kedge_buf_printf(&raw, "tree %s\nauthor a <x> 0 +0000\ncommitter c <y> 0 +0000\n\n", tree.data);
    for (size_t i = 0; i <= KEDGE_LIMIT_GIT_COMMIT / 8; i++)
        kedge_buf_puts(&raw, "12345678");
    kedge_gitrepo_ask(&repo, &raw, &id, "hash-object", "-t", "commit", "-w", "--stdin");
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_expect_eq(kedge_git_commit(git, id.data, &arena, &commit, &err), KEDGE_LIMIT, "%s", err.msg);
}

Test(git, reads_a_commits_bytes_and_single_files)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    kedge_auto(kedge_buf) struct kedge_buf raw = {0}, shown = {0}, file = {0};
    struct kedge_err err = {0};
    char id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_write(&repo, "deep/list", "one\ntwo\n");
    cr_assert_eq(symlinkat("list", tmp.fd, "deep/link"), 0);
    kedge_gitrepo_commit(&repo, "first", id);
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_git_raw(git, id, &raw, &err), 0, "%s", err.msg);
    kedge_gitrepo_ask(&repo, NULL, &shown, "cat-file", "commit", id);
    cr_assert_eq(raw.size, shown.size + 1, "all but the last newline");
    cr_expect_arr_eq(raw.data, shown.data, shown.size);
    cr_expect_eq(kedge_git_raw(git, "0123456789012345678901234567890123456789", &raw, &err),
                 KEDGE_NOTFOUND);

    cr_assert_eq(kedge_git_file(git, id, "deep/list", 8, &file, &err), 0, "%s", err.msg);
    cr_expect_str_eq(file.data, "one\ntwo\n");
    cr_expect_eq(kedge_git_file(git, id, "deep/list", 7, &file, &err), KEDGE_LIMIT);
    static const char *const none[] = {"deep/other", "deep", "deep/link", "list/deep"};
    for (size_t i = 0; i < KEDGE_COUNT(none); i++)
        cr_expect_eq(kedge_git_file(git, id, none[i], 8, &file, &err), KEDGE_NOTFOUND, "%s",
                     none[i]);
    cr_expect_eq(file.size, 8, "what fails appends nothing");
}

Test(git, gives_objects_as_they_are)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    kedge_auto(kedge_buf) struct kedge_buf commit = {0}, tag = {0}, id = {0};
    kedge_auto(kedge_git_object) struct kedge_git_object raw = {0};
    char first[KEDGE_COMMIT_TEXT];
    struct kedge_err err = {0};
    kedge_gitrepo_commit(&repo, "one", first);
    kedge_gitrepo_run(&repo, "tag", "-a", "-m", "release", "v1");
    kedge_gitrepo_ask(&repo, NULL, &commit, "cat-file", "commit", "HEAD");
    kedge_gitrepo_ask(&repo, NULL, &tag, "cat-file", "tag", "v1");
    kedge_gitrepo_ask(&repo, NULL, &id, "rev-parse", "v1");
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_git_object(git, "main", &raw, &err), 0, "%s", err.msg);
    cr_expect(!raw.tag);
    cr_expect_str_eq(raw.id, first);
    cr_expect_eq(strncmp(raw.data.data, commit.data, commit.size), 0);
    cr_assert_eq(kedge_git_object(git, "v1", &raw, &err), 0, "%s", err.msg);
    cr_expect(raw.tag);
    cr_expect_str_eq(raw.id, id.data);
    cr_expect_eq(strncmp(raw.data.data, tag.data, tag.size), 0);
    cr_expect_eq(kedge_git_object(git, "main^{tree}", &raw, &err), KEDGE_INVALID, "%s", err.msg);
    cr_expect_eq(kedge_git_object(git, "nowhere", &raw, &err), KEDGE_NOTFOUND, "%s", err.msg);
    first[0] = first[0] == '0' ? '1' : '0';
    cr_expect_eq(kedge_git_object(git, first, &raw, &err), KEDGE_NOTFOUND, "%s", err.msg);
}

Test(git, gives_an_object_that_is_no_real_commit)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_gitrepo repo = kedge_gitrepo_make(tmp.path);
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, id = {0};
    kedge_auto(kedge_git_object) struct kedge_git_object raw = {0};
    struct kedge_err err = {0};
    kedge_buf_puts(&text, "nothing of a commit");
    kedge_gitrepo_ask(&repo, &text, &id, "hash-object", "-t", "commit", "-w", "--stdin",
                      "--literally");
    kedge_auto(kedge_git) struct kedge_git *git = open_at(tmp.path);
    cr_assert_eq(kedge_git_object(git, id.data, &raw, &err), 0, "%s", err.msg);
    cr_expect_str_eq(raw.data.data, text.data);
    while (text.size <= KEDGE_LIMIT_GIT_COMMIT)
        kedge_buf_puts(&text, "12345678");
    kedge_buf_clear(&id);
    kedge_gitrepo_ask(&repo, &text, &id, "hash-object", "-t", "commit", "-w", "--stdin",
                      "--literally");
    cr_expect_eq(kedge_git_object(git, id.data, &raw, &err), KEDGE_LIMIT, "%s", err.msg);
}

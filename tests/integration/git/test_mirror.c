/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors of repositories on this machine, pushed to with the ordinary git client. */
#include "source/git.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "lib/gitrepo.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "lib/tempdir.h"

struct fixture {
    struct kedge_tempdir tmp;
    struct kedge_gitrepo repo;
    char mirror[250];
    struct kedge_git *git;
    struct kedge_err err;
    char commit[KEDGE_COMMIT_TEXT]; /* what the last fetch found */
};

static struct fixture set_up(void)
{
    struct fixture f = {.tmp = kedge_tempdir_make()};
    char path[300];
    snprintf(path, sizeof path, "%s/upstream", f.tmp.path);
    int size = snprintf(f.mirror, sizeof f.mirror, "%s/state/mirror", f.tmp.path);
    cr_assert_lt(size, (int)sizeof f.mirror);
    f.repo = kedge_gitrepo_make(path);
    return f;
}

static void fixture_auto(struct fixture *f)
{
    kedge_git_free(f->git);
    kedge_tempdir_auto(&f->tmp);
}

static int open_mirror(struct fixture *f, const struct kedge_git_options *options)
{
    kedge_git_free(f->git);
    f->git = NULL;
    return kedge_git_mirror(f->repo.path, f->mirror, options, &f->git, &f->err);
}

static void must_open(struct fixture *f, const char *revision)
{
    struct kedge_git_options options = {.revision = revision};
    cr_assert_eq(open_mirror(f, &options), 0, "%s", f->err.msg);
}

static int fetch(struct fixture *f)
{
    return kedge_git_fetch(f->git, f->commit, &f->err);
}

static void expect_file(struct fixture *f, const char *commit, const char *path, const char *text)
{
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    cr_assert_eq(kedge_git_tree(f->git, NULL, commit, "", &tree, &f->err), 0, "%s", f->err.msg);
    for (size_t i = 0; i < tree.count; i++) {
        if (strcmp(tree.entries[i].path, path) == 0) {
            cr_assert_not_null(tree.entries[i].data);
            cr_expect_str_eq(tree.entries[i].data, text);
            return;
        }
    }
    cr_expect_fail("no file '%s'", path);
}

static size_t count_files(const struct fixture *f, const char *folder, const char *contains)
{
    char path[400];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", f->mirror, folder);
    DIR *dir = opendir(path);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        count += strstr(e->d_name, contains) != NULL;
    if (dir)
        closedir(dir);
    return count;
}

Test(mirror, follows_a_branch)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char first[KEDGE_COMMIT_TEXT], second[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_write(&f.repo, "a.yaml", "one");
    kedge_gitrepo_commit(&f.repo, "one", first);
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, first);
    expect_file(&f, first, "a.yaml", "one");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, first);
    cr_expect_eq(count_files(&f, "objects/pack", ".pack"), 1, "nothing new, yet fetched");
    kedge_gitrepo_write(&f.repo, "a.yaml", "two");
    kedge_gitrepo_commit(&f.repo, "two", second);
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, second);
    expect_file(&f, second, "a.yaml", "two");
    expect_file(&f, first, "a.yaml", "one");
    cr_expect_eq(kedge_git_follows(f.git, first, second, &f.err), 0, "%s", f.err.msg);
    kedge_test_no_leaks();
}

Test(mirror, takes_the_default_branch)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_run(&f.repo, "checkout", "-q", "-b", "fleet");
    kedge_gitrepo_commit(&f.repo, "one", id);
    must_open(&f, NULL);
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, id);
}

Test(mirror, keeps_what_was_trusted_when_history_is_rewritten)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char base[KEDGE_COMMIT_TEXT], ours[KEDGE_COMMIT_TEXT], theirs[KEDGE_COMMIT_TEXT];
    char trusted[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_commit(&f.repo, "base", base);
    kedge_gitrepo_write(&f.repo, "a.yaml", "ours");
    kedge_gitrepo_commit(&f.repo, "ours", ours);
    must_open(&f, "main");
    cr_expect_eq(kedge_git_trusted(f.git, trusted, &f.err), KEDGE_NOTFOUND);
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_assert_eq(kedge_git_trust(f.git, ours, &f.err), 0, "%s", f.err.msg);
    kedge_gitrepo_run(&f.repo, "reset", "-q", "--hard", base);
    kedge_gitrepo_write(&f.repo, "a.yaml", "theirs");
    kedge_gitrepo_commit(&f.repo, "theirs", theirs);
    kedge_gitrepo_run(&f.repo, "reflog", "expire", "--expire=now", "--all");
    kedge_gitrepo_run(&f.repo, "gc", "-q", "--prune=now");
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, theirs);
    cr_assert_eq(kedge_git_trusted(f.git, trusted, &f.err), 0, "%s", f.err.msg);
    cr_expect_str_eq(trusted, ours);
    cr_expect_eq(kedge_git_follows(f.git, trusted, f.commit, &f.err), KEDGE_CONFLICT);
    expect_file(&f, trusted, "a.yaml", "ours");
    expect_file(&f, theirs, "a.yaml", "theirs");
}

Test(mirror, tells_a_deleted_branch)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_commit(&f.repo, "one", id);
    kedge_gitrepo_run(&f.repo, "branch", "fleet");
    must_open(&f, "fleet");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    kedge_gitrepo_run(&f.repo, "branch", "-q", "-D", "fleet");
    cr_expect_eq(fetch(&f), KEDGE_NOTFOUND);
    cr_expect_not_null(strstr(f.err.msg, "'fleet'"), "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "deleted or renamed"), "%s", f.err.msg);
    cr_expect_eq(kedge_git_trust(f.git, id, &f.err), 0, "%s", f.err.msg);
}

/* The annotated tag that the last fetch went through, or NULL. */
static void expect_tag(struct fixture *f, const char *name)
{
    kedge_auto(kedge_buf) struct kedge_buf theirs = {0};
    const char *known;
    struct kedge_slice object;
    cr_assert_eq(kedge_git_tag(f->git, &known, &object), name != NULL, "%s", name);
    if (!name)
        return;
    cr_expect_str_eq(known, name);
    kedge_gitrepo_ask(&f->repo, NULL, &theirs, "cat-file", "tag", name);
    cr_assert_leq(theirs.size, object.size);
    cr_expect_arr_eq(object.data, theirs.data, theirs.size);
}

Test(mirror, takes_tags)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_write(&f.repo, "a.yaml", "tagged");
    kedge_gitrepo_commit(&f.repo, "one", id);
    kedge_gitrepo_run(&f.repo, "tag", "light");
    kedge_gitrepo_run(&f.repo, "tag", "-a", "-m", "release", "v1");
    kedge_gitrepo_run(&f.repo, "config", "advice.nestedTag", "false");
    kedge_gitrepo_run(&f.repo, "tag", "-a", "-m", "again", "nested", "v1");
    kedge_gitrepo_run(&f.repo, "tag", "file", "HEAD:a.yaml");
    kedge_gitrepo_commit(&f.repo, "two", NULL);
    static const struct {
        const char *revision, *tag;
    } rows[] = {{"light", NULL},        {"v1", "v1"},   {"nested", "nested"},
                {"refs/tags/v1", "v1"}, {"main", NULL}, {"nested", "nested"}};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        must_open(&f, rows[i].revision);
        cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
        if (strcmp(rows[i].revision, "main") != 0)
            cr_expect_str_eq(f.commit, id, "%s", rows[i].revision);
        expect_tag(&f, rows[i].tag);
        cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
        expect_tag(&f, rows[i].tag);
    }
    must_open(&f, "v1");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    kedge_gitrepo_run(&f.repo, "tag", "-f", "-a", "-m", "the same commit again", "v1", id);
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    expect_tag(&f, "v1");
    expect_file(&f, id, "a.yaml", "tagged");
    must_open(&f, "file");
    cr_expect_eq(fetch(&f), KEDGE_INVALID, "%s", f.err.msg);
}

Test(mirror, a_commit_that_is_here_needs_no_remote)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_write(&f.repo, "a.yaml", "old");
    kedge_gitrepo_commit(&f.repo, "one", id);
    kedge_gitrepo_commit(&f.repo, "two", NULL);
    must_open(&f, id);
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_assert_eq(kedge_fs_remove(AT_FDCWD, f.repo.path, &f.err), 0, "%s", f.err.msg);
    must_open(&f, id);
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, id);
    expect_file(&f, id, "a.yaml", "old");
    must_open(&f, "0123456789012345678901234567890123456789");
    cr_expect_eq(fetch(&f), KEDGE_UNAVAILABLE, "%s", f.err.msg);
}

Test(mirror, takes_only_what_is_wanted)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    char wanted[KEDGE_COMMIT_TEXT], other[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_commit(&f.repo, "one", wanted);
    kedge_gitrepo_run(&f.repo, "checkout", "-q", "-b", "other");
    kedge_gitrepo_write(&f.repo, "b.yaml", "other");
    kedge_gitrepo_commit(&f.repo, "two", other);
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, wanted);
    cr_expect_eq(kedge_git_tree(f.git, NULL, other, "", &tree, &f.err), KEDGE_NOTFOUND);
}

Test(mirror, tells_an_empty_repository)
{
    kedge_auto(fixture) struct fixture f = set_up();
    must_open(&f, NULL);
    cr_expect_eq(fetch(&f), KEDGE_NOTFOUND);
    cr_expect_not_null(strstr(f.err.msg, "is empty: push a first commit"), "%s", f.err.msg);
    must_open(&f, "main");
    cr_expect_eq(fetch(&f), KEDGE_NOTFOUND);
}

Test(mirror, tells_a_default_branch_that_does_not_exist)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_gitrepo_commit(&f.repo, "one", NULL);
    kedge_gitrepo_run(&f.repo, "symbolic-ref", "HEAD", "refs/heads/nowhere");
    must_open(&f, NULL);
    cr_expect_eq(fetch(&f), KEDGE_NOTFOUND);
    cr_expect_not_null(strstr(f.err.msg, "default branch"), "%s", f.err.msg);
}

Test(mirror, waits_for_a_repository_that_comes_later)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char there[300], away[300], id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_commit(&f.repo, "one", id);
    snprintf(there, sizeof there, "%s", f.repo.path);
    snprintf(away, sizeof away, "%s.away", f.repo.path);
    cr_assert_eq(rename(there, away), 0);
    must_open(&f, "main");
    cr_expect_eq(fetch(&f), KEDGE_UNAVAILABLE, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, there), "%s", f.err.msg);
    cr_assert_eq(rename(away, there), 0);
    cr_expect_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_expect_str_eq(f.commit, id);
}

Test(mirror, refuses_a_shallow_repository)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char url[400], shallow[400];
    kedge_gitrepo_commit(&f.repo, "one", NULL);
    kedge_gitrepo_commit(&f.repo, "two", NULL);
    snprintf(url, sizeof url, "file://%s", f.repo.path);
    snprintf(shallow, sizeof shallow, "%s/shallow", f.tmp.path);
    kedge_gitrepo_run(&f.repo, "clone", "-q", "--depth=1", url, shallow);
    memcpy(f.repo.path, shallow, sizeof f.repo.path);
    must_open(&f, "main");
    cr_expect_eq(fetch(&f), KEDGE_UNSUPPORTED, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "--unshallow"), "%s", f.err.msg);
}

/* CI clones with --depth=1: what is there is read, what is not is told. */
Test(mirror, reads_a_shallow_clone_as_far_as_it_goes)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    char url[400], shallow[400], id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_commit(&f.repo, "one", NULL);
    kedge_gitrepo_write(&f.repo, "a.yaml", "two");
    kedge_gitrepo_commit(&f.repo, "two", NULL);
    snprintf(url, sizeof url, "file://%s", f.repo.path);
    snprintf(shallow, sizeof shallow, "%s/shallow", f.tmp.path);
    kedge_gitrepo_run(&f.repo, "clone", "-q", "--depth=1", url, shallow);
    cr_assert_eq(kedge_git_open(shallow, &f.git, &f.err), 0, "%s", f.err.msg);
    cr_assert_eq(kedge_git_resolve(f.git, "HEAD", id, &f.err), 0, "%s", f.err.msg);
    cr_expect_eq(kedge_git_tree(f.git, NULL, id, "", &tree, &f.err), 0, "%s", f.err.msg);
    cr_expect_eq(kedge_git_resolve(f.git, "HEAD~1", id, &f.err), KEDGE_NOTFOUND);
    cr_expect_not_null(strstr(f.err.msg, "--unshallow"), "%s", f.err.msg);
}

Test(mirror, reads_loose_and_packed_alike)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char id[KEDGE_COMMIT_TEXT], name[32];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "d%d/f%d.yaml", i % 7, i);
        kedge_gitrepo_write(&f.repo, name, name);
    }
    kedge_gitrepo_commit(&f.repo, "loose", id);
    kedge_auto(kedge_tree) struct kedge_tree loose = {0}, packed = {0};
    for (int turn = 0; turn < 2; turn++) {
        struct kedge_tree *tree = turn ? &packed : &loose;
        cr_assert_eq(kedge_git_open(f.repo.path, &f.git, &f.err), 0, "%s", f.err.msg);
        cr_assert_eq(kedge_git_tree(f.git, NULL, id, "", tree, &f.err), 0, "%s", f.err.msg);
        kedge_git_free(f.git);
        f.git = NULL;
        kedge_gitrepo_run(&f.repo, "gc", "-q");
        kedge_gitrepo_run(&f.repo, "prune-packed");
    }
    cr_assert_eq(loose.count, 50);
    cr_assert_eq(packed.count, 50);
    for (size_t i = 0; i < 50; i++) {
        cr_expect_str_eq(loose.entries[i].path, packed.entries[i].path);
        cr_expect_str_eq(loose.entries[i].data, packed.entries[i].data);
    }
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

Test(mirror, never_reads_a_huge_file, .timeout = 120)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    char path[400], id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_run(&f.repo, "config", "core.compression", "1");
    kedge_gitrepo_write(&f.repo, "huge.yaml", "");
    snprintf(path, sizeof path, "%s/huge.yaml", f.repo.path);
    cr_assert_eq(truncate(path, (off_t)KEDGE_GIB(1)), 0);
    kedge_gitrepo_commit(&f.repo, "huge", id);
    cr_assert_eq(kedge_git_open(f.repo.path, &f.git, &f.err), 0, "%s", f.err.msg);
    long before = peak_kib();
    cr_assert_eq(kedge_git_tree(f.git, NULL, id, "", &tree, &f.err), 0, "%s", f.err.msg);
    cr_assert_eq(tree.count, 1);
    cr_expect_str_eq(tree.entries[0].refused, "the file is larger than 1 MiB");
    cr_expect_lt(peak_kib() - before, 65536, "%ld KiB were used", peak_kib() - before);
}

Test(mirror, stops_at_the_byte_limit)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char id[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_commit(&f.repo, "one", id);
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    kedge_auto(kedge_buf) struct kedge_buf noise = {0};
    struct kedge_rng rng = kedge_rng_make(7);
    for (int i = 0; i < 4000; i++)
        kedge_buf_printf(&noise, "%016lx", kedge_rng_next(&rng));
    kedge_gitrepo_write(&f.repo, "a.yaml", noise.data);
    kedge_gitrepo_commit(&f.repo, "large", NULL);
    struct kedge_git_options small = {.revision = "main", .receive_limit = 10000};
    cr_assert_eq(open_mirror(&f, &small), 0, "%s", f.err.msg);
    cr_expect_eq(fetch(&f), KEDGE_LIMIT, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "10000 bytes"), "%s", f.err.msg);
    cr_expect_eq(kedge_git_trust(f.git, id, &f.err), 0, "%s", f.err.msg);
    must_open(&f, "main");
    cr_expect_eq(fetch(&f), 0, "%s", f.err.msg);
}

Test(mirror, can_be_cancelled)
{
    kedge_auto(fixture) struct fixture f = set_up();
    atomic_bool cancel = true;
    kedge_gitrepo_commit(&f.repo, "one", NULL);
    struct kedge_git_options options = {.revision = "main", .cancel = &cancel};
    cr_assert_eq(open_mirror(&f, &options), 0, "%s", f.err.msg);
    cr_expect_eq(fetch(&f), KEDGE_UNAVAILABLE);
    cr_expect_not_null(strstr(f.err.msg, "cancelled"), "%s", f.err.msg);
    cancel = false;
    cr_expect_eq(fetch(&f), 0, "%s", f.err.msg);
}

Test(mirror, belongs_to_one_process)
{
    kedge_auto(fixture) struct fixture f = set_up();
    struct kedge_git *second = NULL;
    must_open(&f, "main");
    cr_expect_eq(kedge_git_mirror(f.repo.path, f.mirror, NULL, &second, &f.err), KEDGE_CONFLICT,
                 "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "another process"), "%s", f.err.msg);
    cr_expect_null(second);
}

Test(mirror, refuses_options_that_mean_something_to_others)
{
    kedge_auto(fixture) struct fixture f = set_up();
    static const struct kedge_git_options rows[] = {{.revision = "main..other"},
                                                    {.revision = ""},
                                                    {.revision = "-x y"},
                                                    {.revision = "+refs/heads/*:refs/heads/*"},
                                                    {.ssh_key = "/a/%h"},
                                                    {.known_hosts = "/a\" ProxyCommand=\"x"},
                                                    {.ca_file = "/does/not/exist"}};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(open_mirror(&f, &rows[i]), KEDGE_INVALID, "%zu: %s", i, f.err.msg);
    struct kedge_git *git = NULL;
    cr_expect_eq(kedge_git_mirror("https://u:secret@h/x", f.mirror, NULL, &git, &f.err),
                 KEDGE_INVALID);
    cr_expect_null(strstr(f.err.msg, "secret"), "%s", f.err.msg);
}

static void expect_sound(const struct fixture *f)
{
    struct kedge_gitrepo mirror = {0};
    snprintf(mirror.path, sizeof mirror.path, "%s", f->mirror);
    kedge_gitrepo_run(&mirror, "fsck", "--strict", "--full", "--no-progress");
}

Test(mirror, is_whole_after_merges)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char text[16];
    kedge_gitrepo_write(&f.repo, "base/a.yaml", "base");
    kedge_gitrepo_commit(&f.repo, "base", NULL);
    must_open(&f, "main");
    for (int i = 0; i < 6; i++) {
        snprintf(text, sizeof text, "side-%d", i);
        kedge_gitrepo_run(&f.repo, "checkout", "-q", "-b", text);
        kedge_gitrepo_write(&f.repo, text, text);
        kedge_gitrepo_write(&f.repo, "base/deep/er/side.yaml", text);
        kedge_gitrepo_commit(&f.repo, text, NULL);
        kedge_gitrepo_run(&f.repo, "checkout", "-q", "main");
        kedge_gitrepo_write(&f.repo, "base/a.yaml", text);
        kedge_gitrepo_commit(&f.repo, "main", NULL);
        kedge_gitrepo_run(&f.repo, "merge", "-q", "--no-edit", text);
        if (i % 2 == 0)
            continue; /* two merges come at once */
        cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
        expect_sound(&f);
        expect_file(&f, f.commit, "base/deep/er/side.yaml", text);
    }
}

Test(mirror, keeps_its_packs_few, .timeout = 120)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char first[KEDGE_COMMIT_TEXT], text[16];
    kedge_gitrepo_write(&f.repo, "a.yaml", "first");
    kedge_gitrepo_commit(&f.repo, "first", first);
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    cr_assert_eq(kedge_git_trust(f.git, first, &f.err), 0, "%s", f.err.msg);
    kedge_gitrepo_run(&f.repo, "checkout", "-q", "--orphan", "fresh");
    kedge_gitrepo_commit(&f.repo, "no parent", NULL);
    kedge_gitrepo_run(&f.repo, "branch", "-q", "-M", "main");
    for (int i = 0; i <= KEDGE_LIMIT_GIT_PACKS; i++) {
        snprintf(text, sizeof text, "%d", i);
        kedge_gitrepo_write(&f.repo, "a.yaml", text);
        kedge_gitrepo_commit(&f.repo, text, NULL);
        cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
        cr_assert_leq(count_files(&f, "objects/pack", ".pack"), KEDGE_LIMIT_GIT_PACKS);
    }
    cr_expect_lt(count_files(&f, "objects/pack", ".pack"), 5);
    expect_sound(&f);
    expect_file(&f, f.commit, "a.yaml", text);
    expect_file(&f, first, "a.yaml", "first");
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    expect_file(&f, f.commit, "a.yaml", text);
    kedge_test_no_leaks();
}

Test(mirror, sweeps_what_a_crash_left)
{
    kedge_auto(fixture) struct fixture f = set_up();
    static const char *const left[] = {"refs/kedge/head.lock", "packed-refs.lock", "HEAD.lock",
                                       "objects/pack/pack_git2_a1b2c3",
                                       "objects/pack/pack-0000.pack"};
    char path[400];
    kedge_gitrepo_commit(&f.repo, "one", NULL);
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    for (size_t i = 0; i < KEDGE_COUNT(left); i++) {
        snprintf(path, sizeof path, "%s/%s", f.mirror, left[i]);
        fclose(fopen(path, "w"));
    }
    kedge_gitrepo_commit(&f.repo, "two", NULL);
    must_open(&f, "main");
    cr_expect_eq(fetch(&f), 0, "%s", f.err.msg);
    for (size_t i = 0; i < KEDGE_COUNT(left); i++) {
        snprintf(path, sizeof path, "%s/%s", f.mirror, left[i]);
        cr_expect_neq(access(path, F_OK), 0, "%s", left[i]);
    }
}

Test(mirror, heals_when_its_packs_are_gone)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char path[400];
    kedge_gitrepo_write(&f.repo, "a.yaml", "one");
    kedge_gitrepo_commit(&f.repo, "one", NULL);
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    snprintf(path, sizeof path, "%s/objects/pack", f.mirror);
    cr_assert_eq(kedge_fs_remove(AT_FDCWD, path, &f.err), 0, "%s", f.err.msg);
    cr_assert_eq(kedge_fs_mkdirs(AT_FDCWD, path, 0755, &f.err), 0, "%s", f.err.msg);
    must_open(&f, "main");
    cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
    expect_file(&f, f.commit, "a.yaml", "one");
}

Test(mirror, survives_kill_at_any_moment, .timeout = 120)
{
    kedge_auto(fixture) struct fixture f = set_up();
    struct kedge_rng rng = kedge_rng_make(99);
    char text[16];
    for (int i = 0; i < 30; i++) {
        snprintf(text, sizeof text, "%d", i);
        kedge_gitrepo_write(&f.repo, "a.yaml", text);
        kedge_gitrepo_commit(&f.repo, text, NULL);
        pid_t child = fork();
        if (child == 0) {
            must_open(&f, "main");
            _exit(fetch(&f) == 0 ? 0 : 1);
        }
        usleep((useconds_t)kedge_rng_below(&rng, 20000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        if (i % 3 == 2) {
            must_open(&f, "main");
            cr_assert_eq(fetch(&f), 0, "%s", f.err.msg);
            expect_file(&f, f.commit, "a.yaml", text);
            kedge_git_free(f.git);
            f.git = NULL;
        }
    }
}

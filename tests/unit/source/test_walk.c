/* SPDX-License-Identifier: Apache-2.0 */
#include "source/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "lib/gitrepo.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "lib/tempdir.h"

struct fixture {
    struct kedge_tempdir tmp;
    struct kedge_gitrepo repo;
    struct kedge_git *git;
    char commit[KEDGE_COMMIT_TEXT];
};

static struct fixture set_up(void)
{
    struct fixture f = {.tmp = kedge_tempdir_make()};
    f.repo = kedge_gitrepo_make(f.tmp.path);
    return f;
}

static void fixture_auto(struct fixture *f)
{
    kedge_git_free(f->git);
    kedge_tempdir_auto(&f->tmp);
}

static int read_at(struct fixture *f, const char *base, const char *root, struct kedge_tree *tree,
                   struct kedge_err *err)
{
    if (!f->git)
        cr_assert_eq(kedge_git_open(f->tmp.path, &f->git, err), 0, "%s", err->msg);
    return kedge_git_tree(f->git, base, f->commit, root, tree, err);
}

static const struct kedge_tree_entry *find(const struct kedge_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->entries[i].path, path) == 0)
            return &tree->entries[i];
    }
    return NULL;
}

static void expect_paths(const struct kedge_tree *tree, const char *paths)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_puts(&text, "");
    for (size_t i = 0; i < tree->count; i++)
        kedge_buf_printf(&text, "%s%s", i ? " " : "", tree->entries[i].path);
    cr_expect_str_eq(text.data ? text.data : "", paths);
}

Test(walk, lists_manifests_in_order)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err = {0};
    static const char *const files[] = {"b.yaml",  "a/x.yml",         "a-b/y.yaml",
                                        "a.yaml",  "a.yaml.d/z.yaml", "README.md",
                                        ".ci.yml", ".github/w.yaml",  "c/.hidden/q.yaml",
                                        "noext",   "c/yaml",          ".yaml"};
    for (size_t i = 0; i < KEDGE_COUNT(files); i++)
        kedge_gitrepo_write(&f.repo, files[i], files[i]);
    kedge_gitrepo_commit(&f.repo, "files", f.commit);
    cr_assert_eq(read_at(&f, NULL, NULL, &tree, &err), 0, "%s", err.msg);
    expect_paths(&tree, "a-b/y.yaml a.yaml a.yaml.d/z.yaml a/x.yml b.yaml");
    cr_expect_eq(tree.files, 5);
    cr_expect_str_eq(tree.base, "");
    cr_expect_str_eq(tree.commit, f.commit);
    for (size_t i = 0; i < tree.count; i++)
        cr_expect_str_eq(tree.entries[i].data, tree.entries[i].path);
}

Test(walk, reads_below_a_root)
{
    kedge_auto(fixture) struct fixture f = set_up();
    struct kedge_err err = {0};
    kedge_gitrepo_write(&f.repo, "sites/north/a.yaml", "a");
    kedge_gitrepo_write(&f.repo, "sites/south/b.yaml", "b");
    kedge_gitrepo_commit(&f.repo, "sites", f.commit);
    static const char *const roots[] = {"sites/north", "/sites//north/", "./sites/./north"};
    for (size_t i = 0; i < KEDGE_COUNT(roots); i++) {
        kedge_auto(kedge_tree) struct kedge_tree tree = {0};
        cr_assert_eq(read_at(&f, NULL, roots[i], &tree, &err), 0, "%s", err.msg);
        expect_paths(&tree, "a.yaml");
    }
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    cr_expect_eq(read_at(&f, NULL, "sites/east", &tree, &err), KEDGE_NOTFOUND);
    cr_expect_not_null(strstr(err.msg, "sites/east"), "%s", err.msg);
    cr_expect_eq(read_at(&f, NULL, "sites/north/a.yaml", &tree, &err), KEDGE_NOTFOUND);
    cr_expect_eq(read_at(&f, NULL, "../etc", &tree, &err), KEDGE_INVALID);
    cr_expect_eq(tree.count, 0);
}

Test(walk, a_root_that_is_new_is_whole)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err = {0};
    char base[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_write(&f.repo, "x.yaml", "x");
    kedge_gitrepo_commit(&f.repo, "one", base);
    kedge_gitrepo_write(&f.repo, "fleet/a.yaml", "a");
    kedge_gitrepo_commit(&f.repo, "two", f.commit);
    cr_assert_eq(read_at(&f, base, "fleet", &tree, &err), 0, "%s", err.msg);
    expect_paths(&tree, "a.yaml");
}

Test(walk, an_empty_tree_has_no_files)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err = {0};
    kedge_gitrepo_commit(&f.repo, "nothing", f.commit);
    cr_assert_eq(read_at(&f, NULL, "", &tree, &err), 0, "%s", err.msg);
    cr_expect_eq(tree.count, 0);
    cr_expect_eq(tree.files, 0);
}

Test(walk, keeps_bytes_as_they_are)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf content = {0}, blob = {0}, list = {0}, id = {0};
    struct kedge_err err = {0};
    kedge_buf_add(&content, "a\0b\r\n\xff", 6);
    kedge_gitrepo_ask(&f.repo, &content, &blob, "hash-object", "-w", "--stdin");
    kedge_buf_printf(&list, "100755 blob %s\tbin.yaml\n", blob.data);
    kedge_gitrepo_ask(&f.repo, &list, &id, "mktree");
    blob = (kedge_buf_release(&blob), (struct kedge_buf){0});
    kedge_gitrepo_ask(&f.repo, NULL, &blob, "commit-tree", "-m", "bytes", id.data);
    memcpy(f.commit, blob.data, sizeof f.commit);
    cr_assert_eq(read_at(&f, NULL, "", &tree, &err), 0, "%s", err.msg);
    cr_assert_eq(tree.count, 1);
    cr_expect_eq(tree.entries[0].size, 6);
    cr_expect_eq(memcmp(tree.entries[0].data, content.data, 6), 0);
}

Test(walk, tells_what_changed)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err = {0};
    char base[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_write(&f.repo, "same/a.yaml", "a");
    kedge_gitrepo_write(&f.repo, "edit/b.yaml", "b");
    kedge_gitrepo_write(&f.repo, "gone/c.yaml", "c");
    kedge_gitrepo_write(&f.repo, "turn.yaml", "d");
    kedge_gitrepo_write(&f.repo, "notes.txt", "e");
    kedge_gitrepo_write(&f.repo, "mode.yaml", "f");
    kedge_gitrepo_commit(&f.repo, "one", base);
    kedge_gitrepo_write(&f.repo, "edit/b.yaml", "bb");
    kedge_gitrepo_write(&f.repo, "gone", NULL);
    kedge_gitrepo_write(&f.repo, "turn.yaml", NULL);
    kedge_gitrepo_write(&f.repo, "turn.yaml/in.yaml", "folder now");
    kedge_gitrepo_write(&f.repo, "new/g.yaml", "g");
    kedge_gitrepo_write(&f.repo, "notes.txt", "ee");
    kedge_gitrepo_run(&f.repo, "update-index", "--chmod=+x", "mode.yaml");
    kedge_gitrepo_commit(&f.repo, "two", f.commit);
    cr_assert_eq(read_at(&f, base, "", &tree, &err), 0, "%s", err.msg);
    expect_paths(&tree, "edit/b.yaml gone/c.yaml new/g.yaml turn.yaml turn.yaml/in.yaml");
    cr_expect_str_eq(find(&tree, "edit/b.yaml")->data, "bb");
    cr_expect_null(find(&tree, "gone/c.yaml")->data);
    cr_expect_null(find(&tree, "gone/c.yaml")->refused);
    cr_expect_null(find(&tree, "turn.yaml")->data);
    cr_expect_str_eq(find(&tree, "turn.yaml/in.yaml")->data, "folder now");
    cr_expect_str_eq(tree.base, base);
}

Test(walk, refuses_what_is_no_plain_file)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    struct kedge_err err = {0};
    char other[KEDGE_COMMIT_TEXT];
    kedge_gitrepo_write(&f.repo, "good.yaml", "good");
    kedge_gitrepo_commit(&f.repo, "one", other);
    kedge_buf_printf(&path, "%s/link.yaml", f.tmp.path);
    cr_assert_eq(symlink("/etc/passwd", path.data), 0);
    path.size = 0;
    kedge_buf_printf(&path, "160000,%s,sub.yaml", other);
    kedge_gitrepo_run(&f.repo, "add", "link.yaml");
    kedge_gitrepo_run(&f.repo, "update-index", "--add", "--cacheinfo", path.data);
    kedge_gitrepo_run(&f.repo, "commit", "-q", "-m", "two");
    path.size = 0;
    kedge_gitrepo_ask(&f.repo, NULL, &path, "rev-parse", "HEAD");
    memcpy(f.commit, path.data, sizeof f.commit);
    cr_assert_eq(read_at(&f, NULL, "", &tree, &err), 0, "%s", err.msg);
    expect_paths(&tree, "good.yaml link.yaml sub.yaml");
    cr_expect_str_eq(find(&tree, "link.yaml")->refused, "a symbolic link is not read");
    cr_expect_null(find(&tree, "link.yaml")->data);
    cr_expect_str_eq(find(&tree, "sub.yaml")->refused, "a submodule is not read");
    cr_expect_str_eq(find(&tree, "good.yaml")->data, "good");
}

Test(walk, refuses_large_files)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err = {0};
    for (size_t i = 0; i < KEDGE_LIMIT_MANIFEST; i++)
        kedge_buf_putc(&text, 'x');
    kedge_gitrepo_write(&f.repo, "most.yaml", text.data);
    kedge_buf_putc(&text, 'x');
    kedge_gitrepo_write(&f.repo, "more.yaml", text.data);
    kedge_gitrepo_commit(&f.repo, "sizes", f.commit);
    cr_assert_eq(read_at(&f, NULL, "", &tree, &err), 0, "%s", err.msg);
    cr_expect_eq(find(&tree, "most.yaml")->size, KEDGE_LIMIT_MANIFEST);
    cr_expect_str_eq(find(&tree, "more.yaml")->refused, "the file is larger than 1 MiB");
    cr_expect_null(find(&tree, "more.yaml")->data);
}

Test(walk, shows_bad_paths)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err = {0};
    kedge_gitrepo_write(&f.repo, "\xff/a.yaml", "latin");
    kedge_gitrepo_write(&f.repo, "b\x1b[2J.yaml", "escape");
    kedge_gitrepo_write(&f.repo, "caf\xc3\xa9.yaml", "fine");
    kedge_gitrepo_commit(&f.repo, "paths", f.commit);
    cr_assert_eq(read_at(&f, NULL, "", &tree, &err), 0, "%s", err.msg);
    expect_paths(&tree, "\\xff/a.yaml b\\x1b[2J.yaml caf\xc3\xa9.yaml");
    cr_expect_str_eq(tree.entries[0].refused, "the path is not UTF-8");
    cr_expect_str_eq(tree.entries[1].refused, "the path holds control characters");
    cr_expect_str_eq(tree.entries[2].data, "fine");
}

/* Tree objects as only an attacker makes them, written past git's checks. */
static void commit_raw_tree(struct fixture *f, const struct kedge_buf *raw)
{
    kedge_auto(kedge_buf) struct kedge_buf tree = {0}, commit = {0};
    kedge_gitrepo_ask(&f->repo, raw, &tree, "hash-object", "-t", "tree", "-w", "--stdin",
                      "--literally");
    kedge_gitrepo_ask(&f->repo, NULL, &commit, "commit-tree", "-m", "raw", tree.data);
    memcpy(f->commit, commit.data, sizeof f->commit);
}

static void add_raw(struct kedge_buf *raw, const char *mode, const char *name, const uint8_t id[20])
{
    kedge_buf_printf(raw, "%s %s", mode, name);
    kedge_buf_putc(raw, '\0');
    kedge_buf_add(raw, id, 20);
}

Test(walk, refuses_malformed_trees)
{
    static const uint8_t id[20] = {1};
    static const struct {
        const char *names[2];
        const char *mode, *what;
    } rows[] = {
        {{"b.yaml", "a.yaml"}, "100644", "out of order"},
        {{"a.yaml", "a.yaml"}, "100644", "out of order"},
        {{"..", "z.md"}, "100644", "no names"},
        {{"a/../../etc.md", "z.md"}, "100644", "no names"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(fixture) struct fixture f = set_up();
        kedge_auto(kedge_tree) struct kedge_tree tree = {0};
        kedge_auto(kedge_buf) struct kedge_buf raw = {0};
        struct kedge_err err = {0};
        add_raw(&raw, rows[i].mode, rows[i].names[0], id);
        add_raw(&raw, rows[i].mode, rows[i].names[1], id);
        commit_raw_tree(&f, &raw);
        cr_expect_eq(read_at(&f, NULL, "", &tree, &err), KEDGE_INVALID, "%zu: %s", i, err.msg);
        cr_expect_not_null(strstr(err.msg, rows[i].what), "%s", err.msg);
    }
}

Test(walk, refuses_a_file_without_an_id)
{
    static const uint8_t id[20];
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf raw = {0};
    struct kedge_err err = {0};
    add_raw(&raw, "100644", "a.yaml", id);
    commit_raw_tree(&f, &raw);
    cr_assert_eq(read_at(&f, NULL, "", &tree, &err), 0, "%s", err.msg);
    cr_expect_str_eq(tree.entries[0].refused, "the file has no id");
}

Test(walk, tells_a_missing_object)
{
    static const uint8_t id[20] = {0xde, 0xad};
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf raw = {0};
    struct kedge_err err = {0};
    add_raw(&raw, "100644", "a.yaml", id);
    commit_raw_tree(&f, &raw);
    cr_expect_eq(read_at(&f, NULL, "", &tree, &err), KEDGE_CORRUPT, "%s", err.msg);
    cr_expect_not_null(strstr(err.msg, "'a.yaml'"), "%s", err.msg);
    cr_expect_not_null(strstr(err.msg, "dead0000"), "%s", err.msg);
    cr_expect_not_null(strstr(err.msg, "git fsck"), "%s", err.msg);
}

Test(walk, tells_a_damaged_object)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf id = {0}, path = {0};
    struct kedge_err err = {0};
    kedge_gitrepo_write(&f.repo, "a.yaml", "some text");
    kedge_gitrepo_commit(&f.repo, "one", f.commit);
    kedge_gitrepo_ask(&f.repo, NULL, &id, "rev-parse", "HEAD:a.yaml");
    kedge_buf_printf(&path, "%s/.git/objects/%.2s/%s", f.tmp.path, id.data, id.data + 2);
    cr_assert_eq(chmod(path.data, 0600), 0);
    FILE *file = fopen(path.data, "r+");
    cr_assert_not_null(file);
    fseek(file, -3, SEEK_END);
    fputs("\x55\x55\x55", file);
    fclose(file);
    cr_expect_eq(read_at(&f, NULL, "", &tree, &err), KEDGE_CORRUPT, "%s", err.msg);
    cr_expect_not_null(strstr(err.msg, "damaged"), "%s", err.msg);
}

/* Ten trees, each holding the next one ten times: ten thousand million files in 4 KB. */
Test(walk, refuses_a_tree_bomb)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf list = {0}, id = {0};
    struct kedge_err err = {0};
    kedge_buf_puts(&list, "x");
    kedge_gitrepo_ask(&f.repo, &list, &id, "hash-object", "-w", "--stdin");
    for (int level = 0; level < 11; level++) {
        list.size = 0;
        for (int i = 0; i < 10; i++)
            kedge_buf_printf(&list, "%s %s\t%d%s\n", level ? "040000 tree" : "100644 blob", id.data,
                             i, level ? "" : ".md");
        id.size = 0;
        kedge_gitrepo_ask(&f.repo, &list, &id, "mktree");
    }
    list.size = 0;
    kedge_gitrepo_ask(&f.repo, NULL, &list, "commit-tree", "-m", "bomb", id.data);
    memcpy(f.commit, list.data, sizeof f.commit);
    cr_expect_eq(read_at(&f, NULL, "", &tree, &err), KEDGE_LIMIT, "%s", err.msg);
}

Test(walk, refuses_deep_folders)
{
    kedge_auto(fixture) struct fixture f = set_up();
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    struct kedge_err err = {0};
    for (int i = 0; i <= KEDGE_LIMIT_GIT_DEPTH; i++)
        kedge_buf_puts(&path, "d/");
    kedge_buf_puts(&path, "a.yaml");
    kedge_gitrepo_write(&f.repo, path.data, "deep");
    kedge_gitrepo_commit(&f.repo, "deep", f.commit);
    cr_expect_eq(read_at(&f, NULL, "", &tree, &err), KEDGE_LIMIT, "%s", err.msg);
    cr_assert_eq(read_at(&f, NULL, "d", &tree, &err), 0, "%s", err.msg);
}

/* Whole tree of the base, with the difference applied, is the whole tree of the commit. */
static void expect_difference(const struct kedge_tree *base, const struct kedge_tree *change,
                              const struct kedge_tree *whole, uint64_t seed)
{
    size_t changed = 0, at = 0;
    for (size_t i = 0, j = 0; i < base->count || j < whole->count;) {
        int order = i == base->count    ? 1
                    : j == whole->count ? -1
                                        : strcmp(base->entries[i].path, whole->entries[j].path);
        const struct kedge_tree_entry *old = order <= 0 ? &base->entries[i++] : NULL;
        const struct kedge_tree_entry *new = order >= 0 ? &whole->entries[j++] : NULL;
        if (old && new &&memcmp(old->blob, new->blob, sizeof old->blob) == 0)
            continue;
        changed++;
        cr_assert_lt(at, change->count, "seed %lu", seed);
        const struct kedge_tree_entry *told = &change->entries[at++];
        cr_assert_str_eq(told->path, (new ? new : old)->path, "seed %lu", seed);
        if (new)
            cr_assert_str_eq(told->data, new->data, "seed %lu", seed);
        else
            cr_assert(!told->data && !told->refused, "seed %lu", seed);
    }
    cr_assert_eq(change->count, changed, "seed %lu", seed);
}

static void random_edit(struct kedge_rng *rng, const struct kedge_gitrepo *repo)
{
    static const char *const names[] = {"a", "a.yaml", "a-b", "b", "c.yaml", "d.yml", "e.md"};
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, full = {0};
    struct stat info;
    for (size_t depth = 1 + kedge_rng_below(rng, 3); depth > 0; depth--) {
        if (path.size > 0)
            kedge_buf_putc(&path, '/');
        kedge_buf_puts(&path, names[kedge_rng_below(rng, KEDGE_COUNT(names))]);
        full.size = 0;
        kedge_buf_printf(&full, "%s/%s", repo->path, path.data);
        if (depth > 1 && stat(full.data, &info) == 0 && !S_ISDIR(info.st_mode))
            kedge_gitrepo_write(repo, path.data, NULL); /* a file becomes a folder */
    }
    kedge_gitrepo_write(repo, path.data, NULL);
    if (kedge_rng_chance(rng, 65))
        kedge_gitrepo_write(repo, path.data, kedge_rng_chance(rng, 50) ? "one" : "two");
}

Test(walk, difference_is_what_differs_between_whole_trees, .timeout = 120)
{
    uint64_t seed = 20260301;
    struct kedge_rng rng = kedge_rng_make(seed);
    kedge_auto(fixture) struct fixture f = set_up();
    struct kedge_err err = {0};
    enum { COMMITS = 12 };
    char ids[COMMITS][KEDGE_COMMIT_TEXT];
    for (size_t i = 0; i < COMMITS; i++) {
        for (size_t edits = kedge_rng_below(&rng, 12); edits > 0; edits--)
            random_edit(&rng, &f.repo);
        kedge_gitrepo_commit(&f.repo, "random", ids[i]);
    }
    for (size_t i = 0; i < COMMITS; i++) {
        for (size_t j = 0; j < COMMITS; j++) {
            kedge_auto(kedge_tree) struct kedge_tree base = {0}, whole = {0}, change = {0};
            memcpy(f.commit, ids[i], sizeof f.commit);
            cr_assert_eq(read_at(&f, NULL, "", &base, &err), 0, "%s", err.msg);
            memcpy(f.commit, ids[j], sizeof f.commit);
            cr_assert_eq(read_at(&f, NULL, "", &whole, &err), 0, "%s", err.msg);
            cr_assert_eq(read_at(&f, ids[i], "", &change, &err), 0, "%s", err.msg);
            expect_difference(&base, &change, &whole, seed);
        }
    }
    kedge_test_no_leaks();
}

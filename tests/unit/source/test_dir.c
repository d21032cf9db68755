/* SPDX-License-Identifier: Apache-2.0 */
#include "source/dir.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"

static void write_file(const struct kedge_tempdir *dir, const char *path, const char *data)
{
    struct kedge_err err;
    cr_assert_eq(kedge_fs_write(dir->fd, path, data, strlen(data), 0644, &err), 0, "%s", err.msg);
}

static void make_folder(const struct kedge_tempdir *dir, const char *path)
{
    cr_assert_eq(mkdirat(dir->fd, path, 0755), 0);
}

Test(dir, reads_manifests_in_order)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    make_folder(&dir, "b");
    make_folder(&dir, ".git");
    write_file(&dir, "z.yaml", "z");
    write_file(&dir, "a.yml", "a");
    write_file(&dir, "b/c.yaml", "c");
    write_file(&dir, "b-.yaml", "");
    write_file(&dir, "README.md", "no");
    write_file(&dir, ".hidden.yaml", "no");
    write_file(&dir, ".git/x.yaml", "no");
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_dir_read(dir.path, &tree, &err), 0, "%s", err.msg);
    static const char *const paths[] = {"a.yml", "b-.yaml", "b/c.yaml", "z.yaml"};
    cr_assert_eq(tree.count, KEDGE_COUNT(paths));
    for (size_t i = 0; i < tree.count; i++) {
        cr_expect_str_eq(tree.entries[i].path, paths[i]);
        cr_expect_not_null(tree.entries[i].data);
        cr_expect_null(tree.entries[i].refused);
    }
    cr_expect_str_eq(tree.entries[2].data, "c");
    cr_expect_eq(tree.entries[1].size, 0);
    cr_expect_eq(tree.files, tree.count);
    cr_expect_str_empty(tree.base);
    cr_expect_str_empty(tree.commit);
    cr_expect_neq(memcmp(tree.entries[0].blob, tree.entries[2].blob, KEDGE_COMMIT_SIZE), 0);
}

Test(dir, nothing_outside_is_read)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    kedge_auto(kedge_tempdir) struct kedge_tempdir outside = kedge_tempdir_make();
    write_file(&outside, "secret.yaml", "secret");
    kedge_auto(kedge_buf) struct kedge_buf target = {0};
    kedge_buf_printf(&target, "%s/secret.yaml", outside.path);
    cr_assert_eq(symlinkat(target.data, dir.fd, "linked.yaml"), 0);
    cr_assert_eq(symlinkat(outside.path, dir.fd, "folder"), 0);
    cr_assert_eq(mkfifoat(dir.fd, "pipe.yaml", 0600), 0);
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_dir_read(dir.path, &tree, &err), 0, "%s", err.msg);
    cr_assert_eq(tree.count, 2);
    cr_expect_str_eq(tree.entries[0].path, "linked.yaml");
    cr_expect_null(tree.entries[0].data);
    cr_expect_str_eq(tree.entries[0].refused, "the file is a symbolic link");
    cr_expect_str_eq(tree.entries[1].refused, "it is not a regular file");
}

Test(dir, sizes_and_depths_are_bounded)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    write_file(&dir, "large.yaml", "");
    kedge_auto(kedge_fd) int large = openat(dir.fd, "large.yaml", O_WRONLY);
    cr_assert_eq(ftruncate(large, (off_t)KEDGE_GIB(1)), 0);
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_dir_read(dir.path, &tree, &err), 0, "%s", err.msg);
    cr_assert_eq(tree.count, 1);
    cr_expect_str_eq(tree.entries[0].refused, "the file is larger than 1 MiB");

    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_puts(&path, "d");
    for (int i = 0; i < 70; i++) {
        make_folder(&dir, path.data);
        kedge_buf_puts(&path, "/d");
    }
    struct kedge_tree deep = {0};
    cr_expect_eq(kedge_dir_read(dir.path, &deep, &err), KEDGE_LIMIT);
    cr_expect_null(deep.entries);
}

Test(dir, refusals)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    struct kedge_tree tree = {0};
    struct kedge_err err;
    cr_expect_eq(kedge_dir_read("/nonexistent/folder", &tree, &err), KEDGE_NOTFOUND);
    write_file(&dir, "\x1b[2J.yaml", "x");
    cr_expect_eq(kedge_dir_read(dir.path, &tree, &err), KEDGE_INVALID);
    kedge_test_no_leaks();
}

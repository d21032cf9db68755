/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"

static void write_ok(int dir, const char *path, const char *text)
{
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_write(dir, path, text, strlen(text), 0644, &err), 0, "%s", err.msg);
}

static void assert_holds(int dir, const char *path, const char *text)
{
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_read(dir, path, 1000, &buf, &err), 0, "%s", err.msg);
    cr_assert_str_eq(kedge_buf_slice(&buf).data, text);
}

static bool exists(int dir, const char *path)
{
    return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Test(fs, write_replaces_whole_and_sets_mode)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    write_ok(tmp.fd, "state", "old and longer");
    umask(077);
    cr_assert_eq(kedge_fs_write(tmp.fd, "state", "new", 3, 0640, &err), 0, "%s", err.msg);
    assert_holds(tmp.fd, "state", "new");
    struct stat st;
    cr_assert_eq(fstatat(tmp.fd, "state", &st, 0), 0);
    cr_assert_eq(st.st_mode & 07777, 0640, "the mode is exact, whatever the umask");
    write_ok(tmp.fd, "empty", "");
    assert_holds(tmp.fd, "empty", "");
}

Test(fs, write_refuses_what_is_no_file)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    static const char *const bad[] = {"", "folder/", ".", "..", "a/.."};
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        cr_assert_eq(kedge_fs_write(tmp.fd, bad[i], "x", 1, 0600, &err), KEDGE_INVALID, "'%s'",
                     bad[i]);
    cr_assert_eq(kedge_fs_write(tmp.fd, "absent/file", "x", 1, 0600, &err), KEDGE_NOTFOUND);
    cr_assert_eq(mkdirat(tmp.fd, "folder", 0700), 0);
    cr_assert_lt(kedge_fs_write(tmp.fd, "folder", "x", 1, 0600, &err), 0);
    cr_assert_eq(unlinkat(tmp.fd, "folder", AT_REMOVEDIR), 0);
    cr_assert_eq(rmdir(tmp.path), 0, "a failed write leaves nothing");
}

Test(fs, write_goes_over_a_link_not_through_it)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    write_ok(tmp.fd, "outside", "untouched");
    cr_assert_eq(symlinkat("outside", tmp.fd, "entry"), 0);
    write_ok(tmp.fd, "entry", "mine");
    assert_holds(tmp.fd, "outside", "untouched");
    assert_holds(tmp.fd, "entry", "mine");
}

Test(fs, read_appends_and_is_bounded)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    struct kedge_err err = {0};
    write_ok(tmp.fd, "file", "12345");
    kedge_buf_puts(&buf, "0");
    cr_assert_eq(kedge_fs_read(tmp.fd, "file", 5, &buf, &err), 0, "%s", err.msg);
    cr_assert_str_eq(buf.data, "012345");
    cr_assert_eq(kedge_fs_read(tmp.fd, "file", 4, &buf, &err), KEDGE_LIMIT);
    cr_assert_str_eq(buf.data, "012345", "nothing is added on failure");
    cr_assert_eq(kedge_fs_read(tmp.fd, "absent", 4, &buf, &err), KEDGE_NOTFOUND);
    cr_assert_eq(err.sys, ENOENT);
    cr_assert_eq(kedge_fs_read(tmp.fd, ".", 4, &buf, &err), KEDGE_INVALID);
    cr_assert_eq(mkfifoat(tmp.fd, "fifo", 0600), 0);
    cr_assert_eq(kedge_fs_read(tmp.fd, "fifo", 4, &buf, &err), KEDGE_INVALID);
}

/* A file whose size says 0 but which has bytes: the bound holds for what is read. */
Test(fs, read_does_not_trust_the_size)
{
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_read(AT_FDCWD, "/proc/self/status", KEDGE_MIB(1), &buf, &err), 0, "%s",
                 err.msg);
    cr_assert_gt(buf.size, 100);
    kedge_buf_clear(&buf);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, "/proc/self/status", 10, &buf, &err), KEDGE_LIMIT);
    cr_assert_eq(buf.size, 0);
}

Test(fs, link_switches_in_one_step)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    char target[16] = {0};
    cr_assert_eq(kedge_fs_link(tmp.fd, "current", "v1", &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_fs_link(tmp.fd, "current", "v2", &err), 0, "%s", err.msg);
    cr_assert_eq(readlinkat(tmp.fd, "current", target, sizeof target), 2);
    cr_assert_str_eq(target, "v2");
    cr_assert_eq(kedge_fs_link(tmp.fd, "absent/current", "v2", &err), KEDGE_NOTFOUND);
}

Test(fs, mkdirs)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_mkdirs(tmp.fd, "a/b//c/", 0700, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_fs_mkdirs(tmp.fd, "a/b/c", 0700, &err), 0, "again is fine: %s", err.msg);
    cr_assert(exists(tmp.fd, "a/b/c"));
    write_ok(tmp.fd, "a/file", "");
    cr_assert_eq(kedge_fs_mkdirs(tmp.fd, "a/file", 0700, &err), KEDGE_EXISTS);
    cr_assert_lt(kedge_fs_mkdirs(tmp.fd, "a/file/b", 0700, &err), 0);
    char absolute[300];
    snprintf(absolute, sizeof absolute, "%s/x/y", tmp.path);
    cr_assert_eq(kedge_fs_mkdirs(AT_FDCWD, absolute, 0700, &err), 0, "%s", err.msg);
    cr_assert(exists(tmp.fd, "x/y"));
}

Test(fs, remove_takes_trees_and_leaves_what_links_point_to)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_mkdirs(tmp.fd, "keep/inner", 0700, &err), 0);
    write_ok(tmp.fd, "keep/inner/file", "kept");
    cr_assert_eq(kedge_fs_mkdirs(tmp.fd, "tree/a/b", 0700, &err), 0);
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/a/%d", i);
        cr_assert_geq(mknodat(tmp.fd, name, S_IFREG | 0600, 0), 0);
    }
    cr_assert_eq(symlinkat("../keep", tmp.fd, "tree/out"), 0);
    cr_assert_eq(symlinkat("../../../keep", tmp.fd, "tree/a/b/out"), 0);
    cr_assert_eq(mkfifoat(tmp.fd, "tree/a/fifo", 0600), 0);
    cr_assert_eq(fchmodat(tmp.fd, "tree/a/b", 0555, 0), 0);
    cr_assert_eq(kedge_fs_remove(tmp.fd, "tree", &err), 0, "%s", err.msg);
    cr_assert_not(exists(tmp.fd, "tree"));
    cr_assert_eq(symlinkat("keep", tmp.fd, "link"), 0);
    cr_assert_eq(kedge_fs_remove(tmp.fd, "link", &err), 0, "%s", err.msg);
    assert_holds(tmp.fd, "keep/inner/file", "kept");
    cr_assert_eq(kedge_fs_remove(tmp.fd, "keep/inner/file", &err), 0);
    cr_assert_eq(kedge_fs_remove(tmp.fd, "keep/inner/file", &err), 0, "absent is success");
    cr_assert_eq(kedge_fs_remove(tmp.fd, "absent/file", &err), 0);
}

Test(fs, remove_is_bounded_in_depth)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_putc(&path, 'd');
    for (int i = 0; i < KEDGE_LIMIT_REMOVE_DEPTH; i++)
        kedge_buf_puts(&path, "/d");
    cr_assert_eq(kedge_fs_mkdirs(tmp.fd, path.data, 0700, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_fs_remove(tmp.fd, "d", &err), KEDGE_LIMIT);
    cr_assert_eq(kedge_fs_remove(tmp.fd, "d/d", &err), 0, "%s", err.msg);
}

Test(fs, lock_is_exclusive_between_processes)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    kedge_auto(kedge_fd) int lock = -1;
    cr_assert_eq(kedge_fs_lock(tmp.fd, "lock", &lock, &err), 0, "%s", err.msg);
    pid_t child = fork();
    if (child == 0) {
        int mine = -1;
        int code = kedge_fs_lock(tmp.fd, "lock", &mine, &err);
        _exit(code == KEDGE_CONFLICT && mine == -1 ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "the other process got the lock too");
    close(lock);
    lock = -1;
    cr_assert_eq(kedge_fs_lock(tmp.fd, "lock", &lock, &err), 0, "free again: %s", err.msg);
}

Test(fs, sync)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_sync(tmp.fd, ".", &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_fs_sync(tmp.fd, "absent", &err), KEDGE_NOTFOUND);
}

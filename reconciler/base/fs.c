/* SPDX-License-Identifier: Apache-2.0 */
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "limits.h"

void kedge_fd_auto(int *fd)
{
    int kept = errno;
    if (*fd >= 0)
        close(*fd);
    errno = kept;
}

static void dir_auto(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

int kedge_fs_read(int dir, const char *path, size_t limit, struct kedge_buf *out,
                  struct kedge_err *err)
{
    /* O_NONBLOCK: a FIFO in the place of a file must not hold us. */
    kedge_auto(kedge_fd) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot open '%s'", path);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot stat '%s'", path);
    if (!S_ISREG(st.st_mode))
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is not a regular file", path);
    if ((uint64_t)st.st_size > limit)
        return kedge_err_set(err, KEDGE_LIMIT, "'%s' has %lld bytes, at most %zu are read", path,
                             (long long)st.st_size, limit);

    size_t start = out->size;
    kedge_buf_reserve(out, (size_t)st.st_size + 1);
    for (;;) {
        size_t room = out->capacity - out->size - 1;
        ssize_t got = read(fd, out->data + out->size, room);
        if (got < 0 && errno == EINTR)
            continue;
        int code = 0;
        if (got < 0)
            code = kedge_err_sys(err, errno, "cannot read '%s'", path);
        else if ((size_t)got > limit - (out->size - start))
            code = kedge_err_set(err, KEDGE_LIMIT, "'%s' grew beyond %zu bytes", path, limit);
        else
            out->size += (size_t)got;
        if (code)
            out->size = start;
        out->data[out->size] = '\0';
        if (code || got == 0)
            return code;
        kedge_buf_reserve(out, 1);
    }
}

/* Opens the folder that holds the last segment of `path`; *name points at that segment. */
static int open_parent(int dir, const char *path, const char **name, struct kedge_err *err)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (**name == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' does not name a file", path);
    struct kedge_buf parent = {0};
    kedge_buf_add(&parent, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    int fd = openat(dir, parent.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 ? kedge_err_sys(err, errno, "cannot open folder '%s'", parent.data) : fd;
    kedge_buf_release(&parent);
    return code;
}

#define TEMPORARY_NAME 32

/* Not derived from the final name, which may use all 255 bytes of a segment already. */
static const char *temporary_name(char text[TEMPORARY_NAME])
{
    static const char prefix[] = ".kedge-";
    uint8_t random[8];
    randombytes_buf(random, sizeof random);
    memcpy(text, prefix, sizeof prefix);
    kedge_hex_encode(random, sizeof random, text + sizeof prefix - 1);
    return text;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        size -= (size_t)put;
    }
    return true;
}

/* Moves the finished temporary to `name` (`flags` of renameat2) and makes that last; removes it
 * when that fails. */
static int move_into_place(int parent, const char *temporary, const char *name, const char *path,
                           unsigned flags, struct kedge_err *err)
{
    if (renameat2(parent, temporary, parent, name, flags) < 0) {
        int sys = errno;
        unlinkat(parent, temporary, 0);
        return kedge_err_sys(err, sys, "cannot %s '%s'", flags ? "create" : "replace", path);
    }
    if (fsync(parent) < 0)
        return kedge_err_sys(err, errno, "cannot sync the folder of '%s'", path);
    return 0;
}

static int write_file(int dir, const char *path, const void *data, size_t size, unsigned mode,
                      unsigned flags, struct kedge_err *err)
{
    const char *name;
    kedge_auto(kedge_fd) int parent = open_parent(dir, path, &name, err);
    if (parent < 0)
        return parent;
    char temporary[TEMPORARY_NAME];
    temporary_name(temporary);
    kedge_auto(kedge_fd) int fd =
        openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot create a file beside '%s'", path);
    if (!write_all(fd, data, size) || fchmod(fd, (mode_t)mode) < 0 || fsync(fd) < 0) {
        int sys = errno;
        unlinkat(parent, temporary, 0);
        return kedge_err_sys(err, sys, "cannot write '%s'", path);
    }
    return move_into_place(parent, temporary, name, path, flags, err);
}

int kedge_fs_write(int dir, const char *path, const void *data, size_t size, unsigned mode,
                   struct kedge_err *err)
{
    return write_file(dir, path, data, size, mode, 0, err);
}

int kedge_fs_create(int dir, const char *path, const void *data, size_t size, unsigned mode,
                    struct kedge_err *err)
{
    return write_file(dir, path, data, size, mode, RENAME_NOREPLACE, err);
}

int kedge_fs_link(int dir, const char *path, const char *target, struct kedge_err *err)
{
    const char *name;
    kedge_auto(kedge_fd) int parent = open_parent(dir, path, &name, err);
    if (parent < 0)
        return parent;
    char temporary[TEMPORARY_NAME];
    if (symlinkat(target, parent, temporary_name(temporary)) < 0)
        return kedge_err_sys(err, errno, "cannot create a link beside '%s'", path);
    return move_into_place(parent, temporary, name, path, 0, err);
}

int kedge_fs_mkdirs(int dir, const char *path, unsigned mode, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf part = {0};
    for (const char *at = path; *at;) {
        size_t length = strspn(at, "/");
        length += strcspn(at + length, "/");
        kedge_buf_add(&part, at, length);
        at += length;
        if (mkdirat(dir, part.data, (mode_t)mode) < 0 && errno != EEXIST)
            return kedge_err_sys(err, errno, "cannot create folder '%s'", part.data);
    }
    struct stat st;
    if (fstatat(dir, path, &st, 0) < 0)
        return kedge_err_sys(err, errno, "cannot stat '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return kedge_err_set(err, KEDGE_EXISTS, "'%s' exists and is not a folder", path);
    return 0;
}

static int remove_at(int dir, const char *name, unsigned depth, struct kedge_err *err);

/* Removes what `folder` holds; *removed says whether there was anything. */
static int empty_folder(DIR *folder, unsigned depth, bool *removed, struct kedge_err *err)
{
    *removed = false;
    rewinddir(folder);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            return errno ? kedge_err_sys(err, errno, "cannot list a folder") : 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int code = remove_at(dirfd(folder), entry->d_name, depth + 1, err);
        if (code)
            return code;
        *removed = true;
    }
}

static int remove_folder(int dir, const char *name, unsigned depth, struct kedge_err *err)
{
    if (depth >= KEDGE_LIMIT_REMOVE_DEPTH)
        return kedge_err_set(err, KEDGE_LIMIT, "folders nest deeper than %d",
                             KEDGE_LIMIT_REMOVE_DEPTH);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : kedge_err_sys(err, errno, "cannot open folder '%s'", name);
    kedge_auto(dir) DIR *folder = fdopendir(fd);
    if (!folder) {
        int sys = errno;
        close(fd);
        return kedge_err_sys(err, sys, "cannot list folder '%s'", name);
    }
    /* Unpacked models are read-only; their owner may still remove them. Where this is refused, so
     * is the removal, and that says why. */
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
        (void)!fchmod(fd, st.st_mode | S_IRWXU);
    /* A file system may skip entries while others go: read again until nothing is left. */
    bool removed;
    do {
        int code = empty_folder(folder, depth, &removed, err);
        if (code)
            return kedge_err_wrap(err, "in '%s'", name);
    } while (removed);
    if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return kedge_err_sys(err, errno, "cannot remove folder '%s'", name);
    return 0;
}

static int remove_at(int dir, const char *name, unsigned depth, struct kedge_err *err)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    /* Linux says EISDIR, POSIX EPERM, for a folder. */
    if (errno == EISDIR || errno == EPERM) {
        struct stat st;
        int sys = errno;
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
            return remove_folder(dir, name, depth, err);
        errno = sys;
    }
    return kedge_err_sys(err, errno, "cannot remove '%s'", name);
}

int kedge_fs_remove(int dir, const char *path, struct kedge_err *err)
{
    return remove_at(dir, path, 0, err);
}

int kedge_fs_sync(int dir, const char *path, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot open folder '%s'", path);
    if (fsync(fd) < 0)
        return kedge_err_sys(err, errno, "cannot sync folder '%s'", path);
    return 0;
}

int kedge_fs_lock(int dir, const char *path, int *out, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd =
        openat(dir, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot open lock '%s'", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return kedge_err_set(err, KEDGE_CONFLICT, "another process holds the lock '%s'", path);
        return kedge_err_sys(err, errno, "cannot lock '%s'", path);
    }
    *out = fd;
    fd = -1;
    return 0;
}

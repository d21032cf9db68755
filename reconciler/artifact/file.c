/* SPDX-License-Identifier: Apache-2.0 */
/* "file:/path" and "file:///path": a file of this machine, such as a mounted stick. */
#include "drivers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"

struct file {
    struct kedge_artifact base;
    int fd;
};

static int file_open(const struct kedge_artifact_origin *origin, int64_t *offset,
                     struct kedge_artifact **out, struct kedge_err *err)
{
    const char *path = origin->url + strlen("file:");
    if (strncmp(path, "//", 2) == 0)
        path += 2;
    if (path[0] != '/')
        return kedge_err_set(err, KEDGE_INVALID, "'%.200s' does not name an absolute path",
                             origin->url);
    kedge_auto(kedge_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot open '%.200s'", path);
    if (!S_ISREG(st.st_mode))
        return kedge_err_set(err, KEDGE_INVALID, "'%.200s' is not a regular file", path);
    if (*offset > st.st_size)
        return kedge_err_set(err, KEDGE_CORRUPT, "the source is smaller than what was fetched");
    if (lseek(fd, *offset, SEEK_SET) < 0)
        return kedge_err_sys(err, errno, "cannot read '%.200s' from byte %lld", path,
                             (long long)*offset);
    struct file *file = kedge_alloc_zeroed(sizeof *file);
    file->base.ops = &kedge_artifact_file_ops;
    file->fd = fd;
    fd = -1;
    *out = &file->base;
    return 0;
}

static int file_read(struct kedge_artifact *self, void *data, size_t size, size_t *got,
                     struct kedge_err *err)
{
    ssize_t count;
    do
        count = read(((struct file *)self)->fd, data, size);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return kedge_err_sys(err, errno, "cannot read the artifact");
    *got = (size_t)count;
    return 0;
}

static void file_close(struct kedge_artifact *self)
{
    close(((struct file *)self)->fd);
    free(self);
}

const struct kedge_artifact_ops kedge_artifact_file_ops = {
    .scheme = "file",
    .open = file_open,
    .read = file_read,
    .close = file_close,
};

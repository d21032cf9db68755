/* SPDX-License-Identifier: Apache-2.0 */
/* Files: bounded reads, durable writes, removal of trees. Paths are relative to `dir` (AT_FDCWD for
 * the process's). */
#pragma once

#include <fcntl.h>

#include "buf.h"
#include "kedge/err.h"

void kedge_fd_auto(int *fd); /* for `kedge_auto(kedge_fd) int fd = -1;`; keeps errno */

/* Appends the whole regular file; KEDGE_LIMIT when larger than `limit`, KEDGE_NOTFOUND when absent.
 */
int kedge_fs_read(int dir, const char *path, size_t limit, struct kedge_buf *out,
                  struct kedge_err *err) KEDGE_MUST_CHECK;
/* Temporary file in the same folder, fsync, rename over `path`, fsync of the folder: old bytes or
 * new, never a mix. */
int kedge_fs_write(int dir, const char *path, const void *data, size_t size, unsigned mode,
                   struct kedge_err *err) KEDGE_MUST_CHECK;
/* As _write, but KEDGE_EXISTS rather than replace what is there. */
int kedge_fs_create(int dir, const char *path, const void *data, size_t size, unsigned mode,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* As _write, but a symbolic link to `target`. */
int kedge_fs_link(int dir, const char *path, const char *target,
                  struct kedge_err *err) KEDGE_MUST_CHECK;
/* Creates each missing folder of `path` with `mode`. */
int kedge_fs_mkdirs(int dir, const char *path, unsigned mode,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* Removes a file or a whole tree without following links; absent is success. */
int kedge_fs_remove(int dir, const char *path, struct kedge_err *err) KEDGE_MUST_CHECK;
/* fsync of a folder. */
int kedge_fs_sync(int dir, const char *path, struct kedge_err *err) KEDGE_MUST_CHECK;
/* An exclusive lock held while the returned descriptor is open; KEDGE_CONFLICT when another process
 * has it. */
int kedge_fs_lock(int dir, const char *path, int *out, struct kedge_err *err) KEDGE_MUST_CHECK;

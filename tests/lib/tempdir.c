/* SPDX-License-Identifier: Apache-2.0 */
#include "tempdir.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"

struct kedge_tempdir kedge_tempdir_make(void)
{
    struct kedge_tempdir tempdir;
    const char *parent = getenv("TMPDIR");
    int length = snprintf(tempdir.path, sizeof tempdir.path, "%s/kedge-test-XXXXXX",
                          parent && *parent == '/' ? parent : "/tmp");
    cr_assert(length > 0 && (size_t)length < sizeof tempdir.path, "TMPDIR is too long");
    cr_assert_not_null(mkdtemp(tempdir.path), "cannot make %s", tempdir.path);
    tempdir.fd = open(tempdir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(tempdir.fd, 0);
    return tempdir;
}

void kedge_tempdir_auto(struct kedge_tempdir *tempdir)
{
    struct kedge_err err = {0};
    close(tempdir->fd);
    cr_expect_eq(kedge_fs_remove(AT_FDCWD, tempdir->path, &err), 0, "%s", err.msg);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"

const char *kedge_vectors_path(const char *name, char path[PATH_MAX])
{
    const char *folder = getenv("KEDGE_VECTORS");
    const char *root = getenv("KEDGE_SOURCE_ROOT");
    int length = folder && *folder
                     ? snprintf(path, PATH_MAX, "%s/%s", folder, name)
                     : snprintf(path, PATH_MAX, "%s/../shared/vectors/%s", root ? root : ".", name);
    cr_assert(length > 0 && length < PATH_MAX);
    if (access(path, R_OK) != 0)
        cr_skip_test("no vectors at %s", path);
    return path;
}

void kedge_vectors_read(const char *name, struct kedge_buf *out)
{
    char path[PATH_MAX];
    struct kedge_err err = {0};
    kedge_vectors_path(name, path);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, path, KEDGE_MIB(64), out, &err), 0, "%s", err.msg);
}

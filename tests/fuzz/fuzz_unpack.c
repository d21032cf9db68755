/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the format, the rest is the archive. What is refused leaves nothing; what
 * is accepted is regular files with plain names below the folder. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kedge/unpack.h"
#include "state/workload.h"
#include "base/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int folder, const struct kedge_unpacked *unpacked)
{
    for (uint32_t i = 0; i < unpacked->count; i++) {
        struct stat st;
        const struct kedge_unpacked_file *file = &unpacked->files[i];
        if (!kedge_unpack_name_valid(file->path) ||
            fstatat(folder, file->path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
            st.st_size != file->size || (st.st_mode & 07022))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum kedge_format formats[] = {KEDGE_FORMAT_ZIP, KEDGE_FORMAT_TAR,
                                                KEDGE_FORMAT_TAR_GZ, KEDGE_FORMAT_TAR_ZST,
                                                KEDGE_FORMAT_FILE};
    static char path[] = "/dev/shm/kedge-fuzz-XXXXXX";
    static int root = -1;
    if (root < 0 && mkdtemp(path))
        root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        abort();
    if (!size)
        return 0;
    kedge_auto(kedge_fd) int fd = memfd_create("archive", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
        abort();
    kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
    struct kedge_err err = {0};
    int code = kedge_unpack_run(fd, formats[data[0] % KEDGE_COUNT(formats)], "model", root, "out",
                                &unpacked, &err);
    kedge_auto(kedge_fd) int folder = openat(root, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (code ? folder >= 0 || (int)err.code != code : folder < 0)
        abort();
    if (!code)
        check(folder, &unpacked);
    if (kedge_fs_remove(root, "out", NULL))
        abort();
    return 0;
}

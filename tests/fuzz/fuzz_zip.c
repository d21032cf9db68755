/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes: an answer, no crash, and the descriptor's bytes alone decide. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "artifact/zip.h"
#include "base/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_fd) int fd = memfd_create("zip", MFD_CLOEXEC);
    struct kedge_err err = {0};
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    int first = kedge_zip_check(fd, &err);
    if (first > 0 || first != kedge_zip_check(fd, NULL) || (first && (int)err.code != first))
        abort();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files of public keys: what is accepted has one spelling per form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory that key files are read from. */
static const char *memory_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    struct kedge_err err;
    if (fd < 0) {
        fd = memfd_create("key", MFD_CLOEXEC);
        if (fd < 0 || fchmod(fd, 0600) < 0 || kedge_key_init(&err))
            abort();
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

static void check_public(const struct kedge_public_key *key)
{
    struct kedge_err err;
    struct kedge_public_key again;
    char text[KEDGE_KEY_TEXT];
    if (kedge_public_key_parse(kedge_public_key_format(key, text), &again, &err) ||
        memcmp(&again, key, sizeof again) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kedge_err err = {0};
    const char *path = memory_file(data, size);
    struct kedge_public_key public;
    if (kedge_public_key_load(path, &public, &err) == 0)
        check_public(&public);
    return 0;
}

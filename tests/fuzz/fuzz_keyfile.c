/* SPDX-License-Identifier: Apache-2.0 */
/* Files of private keys: what is accepted signs, and is saved as it was read. Programs outside are
 * not run, and costly passphrases not tried. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/keyfile.h"

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

/* The passphrase of the corpus, when it costs little to try. */
static int ask(const void *cheap, const char *source, char text[KEDGE_KEYFILE_PASSPHRASE],
               struct kedge_err *err)
{
    if (!*(const bool *)cheap)
        return kedge_err_set(err, KEDGE_DENIED, "no passphrase for '%s'", source);
    memcpy(text, "anchor", sizeof "anchor");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char cheap_prefix[] = "ed25519-sealed:1:8:";
    struct kedge_err err = {0};
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    bool cheap =
        size > strlen(cheap_prefix) && memcmp(data, cheap_prefix, strlen(cheap_prefix)) == 0;
    int code = kedge_keyfile_load(memory_file(data, size), ask, &cheap, &key, &err);
    if ((code == 0) != (key != NULL) || (code && !err.msg[0]))
        abort();
    if (key && kedge_key_seed(key)) {
        uint8_t signature[KEDGE_KEY_SIGNATURE];
        struct kedge_public_key public = kedge_key_public(key);
        if (kedge_key_sign(key, data, size, signature, &err) ||
            !kedge_public_key_verify(&public, data, size, signature))
            abort();
    }
    return 0;
}

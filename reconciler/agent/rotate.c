/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/secret.h"
#include "errand.h"
#include "post.h"
#include "wire/rotation.h"

#define ANSWER_LIMIT KEDGE_KIB(4)

static bool is_file(const char *source)
{
    return strncmp(source, "exec:", 5) != 0;
}

int kedge_errand_load(const struct kedge_errand *errand, const char *path, struct kedge_key **out,
                      struct kedge_err *err)
{
    return kedge_keyfile_load(path, errand->passphrase_file ? kedge_keyfile_passphrase : NULL,
                              errand->passphrase_file, out, err);
}

bool kedge_errand_has_key(const char *path)
{
    return !is_file(path) || access(path, F_OK) == 0;
}

int kedge_errand_make(const struct kedge_errand *errand, const char *path, struct kedge_key **out,
                      struct kedge_err *err)
{
    const char *file = errand->passphrase_file;
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_generate();
    char *passphrase = file ? kedge_secret_alloc(KEDGE_KEYFILE_PASSPHRASE) : NULL;
    int code = file ? kedge_keyfile_passphrase(file, path, passphrase, err) : 0;
    if (!code)
        code = kedge_keyfile_save(key, passphrase, path, err);
    kedge_secret_free(passphrase);
    if (code)
        return code;
    *out = key;
    key = NULL;
    return 0;
}

static int tell_server(const struct kedge_errand *errand, const struct kedge_key *before,
                       const struct kedge_key *after, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, path = {0}, answer = {0};
    int status;
    int code =
        kedge_rotation_sign(errand->device, before, after, kedge_clock_wall(), &envelope, err);
    kedge_buf_printf(&path, "/v1/devices/%s/key", errand->device);
    return code ? code
                : kedge_post(errand, path.data, kedge_buf_slice(&envelope), ANSWER_LIMIT, &status,
                             &answer, err);
}

static void next_path(const struct kedge_errand *errand, struct kedge_buf *out)
{
    kedge_errand_key_path(errand, out);
    kedge_buf_puts(out, KEDGE_ERRAND_NEXT);
}

/* In one step, and for good. */
int kedge_errand_settle(const struct kedge_errand *errand, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, next = {0}, folder = {0};
    kedge_errand_key_path(errand, &path);
    next_path(errand, &next);
    const char *slash = strrchr(path.data, '/');
    kedge_buf_printf(&folder, "%.*s", slash ? (int)(slash - path.data + 1) : 1,
                     slash ? path.data : ".");
    if (rename(next.data, path.data) < 0)
        return errno == ENOENT
                   ? 0
                   : kedge_err_sys(err, errno, "cannot put the new key in place as '%s'",
                                   path.data);
    return kedge_fs_sync(AT_FDCWD, folder.data, err);
}

int kedge_errand_other(const struct kedge_errand *errand, const struct kedge_public_key *current,
                       struct kedge_key **out, bool *next, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, beside = {0};
    kedge_errand_key_path(errand, &path);
    next_path(errand, &beside);
    const char *const files[] = {path.data, beside.data};
    *out = NULL;
    for (size_t i = 0; i < KEDGE_COUNT(files); i++) {
        kedge_auto(kedge_key) struct kedge_key *key = NULL;
        if (access(files[i], F_OK) < 0)
            continue;
        int code = kedge_errand_load(errand, files[i], &key, err);
        if (code)
            return code;
        struct kedge_public_key public = kedge_key_public(key);
        if (memcmp(&public, current, sizeof public) == 0)
            continue;
        *out = key;
        key = NULL;
        *next = i == 1;
        return 0;
    }
    return 0;
}

bool kedge_errand_has_other(const struct kedge_errand *errand, const struct kedge_key *current)
{
    const struct kedge_public_key public = kedge_key_public(current);
    kedge_auto(kedge_key) struct kedge_key *other = NULL;
    struct kedge_err err;
    bool next;
    return kedge_errand_other(errand, &public, &other, &next, &err) == 0 && other;
}

int kedge_errand_rotate(const struct kedge_errand *errand, char fingerprint[KEDGE_KEY_PRINT],
                        struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, next = {0};
    kedge_auto(kedge_key) struct kedge_key *before = NULL, *after = NULL;
    kedge_errand_key_path(errand, &path);
    next_path(errand, &next);
    if (!is_file(path.data))
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "this device's key is held by a signer: rotate it there, and enrol "
                             "again");
    int code = kedge_errand_load(errand, path.data, &before, err);
    /* Durable before anybody hears of it; one that a rotation before has left goes on. It stays when
     * the server refuses: who stands between could say so too. */
    if (!code)
        code = kedge_errand_has_key(next.data) ? kedge_errand_load(errand, next.data, &after, err)
                                               : kedge_errand_make(errand, next.data, &after, err);
    if (!code)
        code = tell_server(errand, before, after, err);
    if (!code)
        code = kedge_errand_settle(errand, err);
    if (code)
        return code;
    struct kedge_public_key public = kedge_key_public(after);
    kedge_public_key_fingerprint(&public, fingerprint);
    return 0;
}

int kedge_errand_forget(const struct kedge_errand *errand, int state, struct kedge_err *err)
{
    static const char *const files[] = {KEDGE_ERRAND_CONF, "journal"};
    kedge_auto(kedge_buf) struct kedge_buf key = {0}, next = {0};
    kedge_errand_key_path(errand, &key);
    next_path(errand, &next);
    int code = kedge_fs_remove(AT_FDCWD, next.data, err);
    if (!code)
        code = kedge_fs_remove(AT_FDCWD, key.data, err);
    for (size_t i = 0; !code && i < KEDGE_COUNT(files); i++)
        code = kedge_fs_remove(state, files[i], err);
    return code ? code : kedge_fs_sync(state, ".", err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keyfile.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "signer.h"

#define PLAIN_PREFIX  "ed25519-private:"
#define SEALED_PREFIX "ed25519-sealed:"
/* Argon2id as libsodium's "moderate": 0.7 s and 256 MiB on a desktop of 2017. */
#define PASSES 3
#define MEMORY KEDGE_MIB(256)

/* What the base64 of a sealed key holds. */
struct sealed {
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t nonce[crypto_secretbox_NONCEBYTES];
    uint8_t box[crypto_secretbox_MACBYTES + crypto_sign_SEEDBYTES];
};
_Static_assert(sizeof(struct sealed) == 88, "bytes only, no padding");
_Static_assert(KEDGE_KEYFILE_PASSPHRASE == KEDGE_LIMIT_KEY_PASSPHRASE + 1, "its NUL");

static void *guarded(size_t size)
{
    void *memory = sodium_malloc(size);
    if (!memory)
        abort();
    return memory;
}

static void guarded_auto(char **memory)
{
    sodium_free(*memory); /* wipes */
}

static int check_owner(const char *path, const struct stat *st, struct kedge_err *err)
{
    if (!S_ISREG(st->st_mode))
        return kedge_err_set(err, KEDGE_DENIED, "'%s' is not a regular file", path);
    if (st->st_uid != geteuid())
        return kedge_err_set(err, KEDGE_DENIED,
                             "'%s' belongs to user %u, not to user %u who reads it: chown it", path,
                             st->st_uid, geteuid());
    if (st->st_mode & (S_IRWXG | S_IRWXO))
        return kedge_err_set(err, KEDGE_DENIED,
                             "'%s' has mode %04o, others may use it: chmod 600 it", path,
                             st->st_mode & 07777);
    return 0;
}

/* Reads the only line of a guarded file, without its line feed, into `text` of `room` bytes and
 * leaves no copy elsewhere. */
static int read_line(const char *path, char *text, size_t room, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot open '%s'", path);
    if (fstat(fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot stat '%s'", path);
    int code = check_owner(path, &st, err);
    if (code)
        return code;
    if ((uint64_t)st.st_size >= room)
        return kedge_err_set(err, KEDGE_LIMIT, "'%s' is longer than %zu bytes", path, room - 1);
    ssize_t got = read(fd, text, room - 1);
    if (got < 0)
        return kedge_err_sys(err, errno, "cannot read '%s'", path);
    size_t size = (size_t)got;
    if (size && text[size - 1] == '\n')
        size--;
    text[size] = '\0';
    if (strlen(text) != size || strchr(text, '\n'))
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is not one line of text", path);
    return 0;
}

int kedge_keyfile_passphrase(const void *self, const char *source,
                             char text[KEDGE_KEYFILE_PASSPHRASE], struct kedge_err *err)
{
    int code = read_line(self, text, KEDGE_KEYFILE_PASSPHRASE, err);
    return code ? kedge_err_wrap(err, "passphrase of key '%s'", source) : 0;
}

/* Exactly `size` bytes of padded base64. libsodium's decoder leaves no copy behind, but takes some
 * bytes beyond ASCII for digits. */
static bool decode(const char *text, void *bytes, size_t size)
{
    size_t got;
    const char *end;
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at > '~')
            return false;
    }
    return sodium_base642bin(bytes, size, text, strlen(text), NULL, &got, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == size && !*end;
}

static int load_plain(const char *text, struct kedge_key **out, struct kedge_err *err)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    int code = 0;
    if (decode(text, seed, sizeof seed))
        *out = kedge_key_from_seed(seed);
    else
        code = kedge_err_set(err, KEDGE_INVALID, "not '" PLAIN_PREFIX "<base64 of 32 bytes>'");
    sodium_memzero(seed, sizeof seed);
    return code;
}

/* A decimal number without leading zeros, ended by ':'. */
static const char *read_number(const char *text, uint64_t *value)
{
    *value = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 10; digits++)
        *value = *value * 10 + (uint64_t)(text[digits] - '0');
    return digits && text[0] != '0' && text[digits] == ':' ? text + digits + 1 : NULL;
}

static int read_sealed(const char *text, uint64_t *passes, uint64_t *memory, struct sealed *out,
                       struct kedge_err *err)
{
    uint64_t kib;
    const char *rest = read_number(text, passes);
    if (rest)
        rest = read_number(rest, &kib);
    if (!rest || !decode(rest, out, sizeof *out))
        return kedge_err_set(err, KEDGE_INVALID, "not '" SEALED_PREFIX "<passes>:<KiB>:<base64>'");
    *memory = kib << 10;
    if (*memory < crypto_pwhash_MEMLIMIT_MIN)
        return kedge_err_set(err, KEDGE_INVALID, "Argon2id with %llu KiB, at least 8 are needed",
                             (unsigned long long)kib);
    if (*passes > KEDGE_LIMIT_KEY_PASSES || *memory > KEDGE_LIMIT_KEY_MEMORY)
        return kedge_err_set(
            err, KEDGE_LIMIT,
            "Argon2id with %llu passes over %llu KiB, at most %d over %zu are done",
            (unsigned long long)*passes, (unsigned long long)kib, KEDGE_LIMIT_KEY_PASSES,
            KEDGE_LIMIT_KEY_MEMORY >> 10);
    return 0;
}

static int derive(const char *passphrase, const struct sealed *sealed, uint64_t passes,
                  uint64_t memory, uint8_t key[crypto_secretbox_KEYBYTES], struct kedge_err *err)
{
    if (crypto_pwhash(key, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase), sealed->salt,
                      passes, memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "no %llu MiB of memory for its passphrase: free some",
                             (unsigned long long)(memory >> 20));
    return 0;
}

static int open_sealed(const struct sealed *sealed, uint64_t passes, uint64_t memory,
                       const char *passphrase, struct kedge_key **out, struct kedge_err *err)
{
    uint8_t key[crypto_secretbox_KEYBYTES], seed[crypto_sign_SEEDBYTES];
    int code = derive(passphrase, sealed, passes, memory, key, err);
    if (!code &&
        crypto_secretbox_open_easy(seed, sealed->box, sizeof sealed->box, sealed->nonce, key) != 0)
        code = kedge_err_set(err, KEDGE_DENIED, "the passphrase is wrong, or the file was changed");
    if (!code)
        *out = kedge_key_from_seed(seed);
    sodium_memzero(key, sizeof key);
    sodium_memzero(seed, sizeof seed);
    return code;
}

static int load_sealed(const char *source, const char *text, kedge_keyfile_ask *ask,
                       const void *self, struct kedge_key **out, struct kedge_err *err)
{
    struct sealed sealed;
    uint64_t passes = 0, memory = 0;
    int code = read_sealed(text, &passes, &memory, &sealed, err);
    if (code)
        return code;
    if (!ask)
        return kedge_err_set(err, KEDGE_DENIED,
                             "it is sealed and no passphrase is at hand: give --passphrase-file or "
                             "KEDGE_PASSPHRASE_FILE");
    kedge_auto(guarded) char *passphrase = guarded(KEDGE_KEYFILE_PASSPHRASE);
    memset(passphrase, 0, KEDGE_KEYFILE_PASSPHRASE);
    code = ask(self, source, passphrase, err);
    return code ? code : open_sealed(&sealed, passes, memory, passphrase, out, err);
}

static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static int load_line(const char *source, const char *line, kedge_keyfile_ask *ask, const void *self,
                     struct kedge_key **out, struct kedge_err *err)
{
    const char *rest;
    if ((rest = behind(line, PLAIN_PREFIX)))
        return load_plain(rest, out, err);
    if ((rest = behind(line, SEALED_PREFIX)))
        return load_sealed(source, rest, ask, self, out, err);
    if (behind(line, KEDGE_SIGNER_SCHEME))
        return kedge_signer_open(line, KEDGE_LIMIT_SIGNER_MS, out, err);
    return kedge_err_set(err, KEDGE_INVALID,
                         "not one line '" PLAIN_PREFIX "..', '" SEALED_PREFIX
                         "..' or '" KEDGE_SIGNER_SCHEME "..': make one with 'kedge key generate'");
}

int kedge_keyfile_load(const char *source, kedge_keyfile_ask *ask, const void *self,
                       struct kedge_key **out, struct kedge_err *err)
{
    if (behind(source, KEDGE_SIGNER_SCHEME))
        return kedge_signer_open(source, KEDGE_LIMIT_SIGNER_MS, out, err);
    kedge_auto(guarded) char *line = guarded(KEDGE_LIMIT_KEY_FILE);
    int code = read_line(source, line, KEDGE_LIMIT_KEY_FILE, err);
    if (code)
        return kedge_err_wrap(err, "private key");
    code = load_line(source, line, ask, self, out, err);
    return code ? kedge_err_wrap(err, "private key '%s'", source) : 0;
}

static int seal(const uint8_t *seed, const char *passphrase, char *line, size_t room,
                struct kedge_err *err)
{
    struct sealed sealed;
    uint8_t key[crypto_secretbox_KEYBYTES];
    if (!*passphrase || strlen(passphrase) > KEDGE_LIMIT_KEY_PASSPHRASE)
        return kedge_err_set(err, KEDGE_INVALID, "a passphrase has 1 to %d bytes",
                             KEDGE_LIMIT_KEY_PASSPHRASE);
    randombytes_buf(sealed.salt, sizeof sealed.salt);
    randombytes_buf(sealed.nonce, sizeof sealed.nonce);
    int code = derive(passphrase, &sealed, PASSES, MEMORY, key, err);
    if (code)
        return code;
    crypto_secretbox_easy(sealed.box, seed, crypto_sign_SEEDBYTES, sealed.nonce, key);
    sodium_memzero(key, sizeof key);
    int prefix = snprintf(line, room, SEALED_PREFIX "%d:%zu:", PASSES, MEMORY >> 10);
    sodium_bin2base64(line + prefix, room - (size_t)prefix, (const uint8_t *)&sealed, sizeof sealed,
                      sodium_base64_VARIANT_ORIGINAL);
    return 0;
}

int kedge_keyfile_save(const struct kedge_key *key, const char *passphrase, const char *path,
                       struct kedge_err *err)
{
    const uint8_t *seed = kedge_key_seed(key);
    if (!seed)
        return kedge_err_set(err, KEDGE_UNSUPPORTED, "key '%.8s' is held elsewhere",
                             kedge_key_id(key));
    const size_t room = 256;
    kedge_auto(guarded) char *line = guarded(room);
    if (passphrase) {
        int code = seal(seed, passphrase, line, room, err);
        if (code)
            return kedge_err_wrap(err, "private key '%s'", path);
    } else {
        memcpy(line, PLAIN_PREFIX, sizeof PLAIN_PREFIX);
        sodium_bin2base64(line + strlen(line), room - strlen(line), seed, crypto_sign_SEEDBYTES,
                          sodium_base64_VARIANT_ORIGINAL);
    }
    size_t length = strlen(line);
    line[length] = '\n';
    return kedge_fs_create(AT_FDCWD, path, line, length + 1, 0600, err);
}

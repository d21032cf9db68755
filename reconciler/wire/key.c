/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"

#define PUBLIC_PREFIX  "ed25519:"
#define PRIVATE_PREFIX "ed25519-private:"
#define KEY_FILE       128 /* longest key file that is read; ours have 61 and 53 bytes */

struct kedge_key {
    uint8_t secret[crypto_sign_SECRETKEYBYTES]; /* seed, then public key */
    char id[KEDGE_KEY_ID_TEXT];
};

int kedge_key_init(struct kedge_err *err)
{
    if (sodium_init() < 0)
        return kedge_err_set(err, KEDGE_INTERNAL, "cannot initialise libsodium");
    return 0;
}

/* Guarded memory that is still writable. */
static struct kedge_key *new_key(void)
{
    struct kedge_key *key = sodium_malloc(sizeof *key);
    if (!key)
        abort();
    return key;
}

/* Completes a key whose seed is in place, and makes it read-only. */
static struct kedge_key *seal_key(struct kedge_key *key)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    struct kedge_public_key public;
    memcpy(seed, key->secret, sizeof seed);
    crypto_sign_seed_keypair(public.bytes, key->secret, seed);
    sodium_memzero(seed, sizeof seed);
    kedge_public_key_id(&public, key->id);
    sodium_mprotect_readonly(key);
    return key;
}

struct kedge_key *kedge_key_generate(void)
{
    struct kedge_key *key = new_key();
    randombytes_buf(key->secret, crypto_sign_SEEDBYTES);
    return seal_key(key);
}

struct kedge_key *kedge_key_from_seed(const uint8_t seed[32])
{
    struct kedge_key *key = new_key();
    memcpy(key->secret, seed, crypto_sign_SEEDBYTES);
    return seal_key(key);
}

void kedge_key_free(struct kedge_key *key)
{
    sodium_free(key); /* wipes */
}

void kedge_key_auto(struct kedge_key **key)
{
    kedge_key_free(*key);
}

/* Reads at most KEY_FILE - 1 bytes without leaving a copy in any buffer but `text`. */
static int read_private(const char *path, char text[KEY_FILE], struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot open key '%s'", path);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot stat key '%s'", path);
    if (!S_ISREG(st.st_mode))
        return kedge_err_set(err, KEDGE_DENIED, "key '%s' is not a regular file", path);
    if (st.st_uid != geteuid())
        return kedge_err_set(err, KEDGE_DENIED,
                             "key '%s' belongs to user %u, not to user %u who reads it: chown it",
                             path, st.st_uid, geteuid());
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return kedge_err_set(err, KEDGE_DENIED,
                             "key '%s' has mode %04o, others may use it: chmod 600 it", path,
                             st.st_mode & 07777);
    ssize_t got = read(fd, text, KEY_FILE - 1);
    if (got < 0)
        return kedge_err_sys(err, errno, "cannot read key '%s'", path);
    if (memchr(text, '\0', (size_t)got))
        return kedge_err_set(err, KEDGE_INVALID, "key '%s' holds a NUL byte", path);
    text[got] = '\0';
    return 0;
}

int kedge_key_load(const char *path, struct kedge_key **out, struct kedge_err *err)
{
    char text[KEY_FILE];
    int code = read_private(path, text, err);
    if (code)
        return code;
    struct kedge_key *key = new_key();
    size_t prefix = strlen(PRIVATE_PREFIX);
    size_t size = 0;
    const char *end = text;
    bool good =
        strncmp(text, PRIVATE_PREFIX, prefix) == 0 &&
        sodium_base642bin(key->secret, crypto_sign_SEEDBYTES, text + prefix, strlen(text + prefix),
                          NULL, &size, &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
        size == crypto_sign_SEEDBYTES && (!*end || strcmp(end, "\n") == 0);
    sodium_memzero(text, sizeof text);
    if (!good) {
        kedge_key_free(key);
        return kedge_err_set(err, KEDGE_INVALID,
                             "key '%s' is not one line '" PRIVATE_PREFIX "<base64>'", path);
    }
    *out = seal_key(key);
    return 0;
}

int kedge_key_save(const struct kedge_key *key, const char *path, struct kedge_err *err)
{
    char text[KEY_FILE] = PRIVATE_PREFIX;
    size_t prefix = strlen(PRIVATE_PREFIX);
    sodium_bin2base64(text + prefix, sizeof text - prefix, key->secret, crypto_sign_SEEDBYTES,
                      sodium_base64_VARIANT_ORIGINAL);
    strncat(text, "\n", sizeof text - strlen(text) - 1);
    int code = kedge_fs_create(AT_FDCWD, path, text, strlen(text), 0600, err);
    sodium_memzero(text, sizeof text);
    return code;
}

struct kedge_public_key kedge_key_public(const struct kedge_key *key)
{
    struct kedge_public_key public;
    memcpy(public.bytes, key->secret + crypto_sign_SEEDBYTES, sizeof public.bytes);
    return public;
}

const char *kedge_key_id(const struct kedge_key *key)
{
    return key->id;
}

int kedge_key_sign(const struct kedge_key *key, const void *message, size_t size,
                   uint8_t signature[KEDGE_KEY_SIGNATURE], struct kedge_err *err)
{
    if (crypto_sign_detached(signature, NULL, message, size, key->secret) != 0)
        return kedge_err_set(err, KEDGE_INTERNAL, "key '%.8s' cannot sign", key->id);
    return 0;
}

const char *kedge_public_key_format(const struct kedge_public_key *key, char text[KEDGE_KEY_TEXT])
{
    memcpy(text, PUBLIC_PREFIX, sizeof PUBLIC_PREFIX);
    sodium_bin2base64(text + strlen(PUBLIC_PREFIX), KEDGE_KEY_TEXT - strlen(PUBLIC_PREFIX),
                      key->bytes, sizeof key->bytes, sodium_base64_VARIANT_ORIGINAL);
    return text;
}

/* A canonical encoding of a point on the curve whose order is not 1, 2, 4 or 8. libsodium's own
 * test also refuses points outside the main subgroup, which its verification accepts; here the two
 * agree. */
static bool is_sound_point(const uint8_t point[KEDGE_KEY_PUBLIC])
{
    static const uint8_t identity[KEDGE_KEY_PUBLIC] = {1};
    uint8_t again[KEDGE_KEY_PUBLIC];
    if (crypto_core_ed25519_add(again, point, identity) != 0 ||
        memcmp(again, point, sizeof again) != 0)
        return false;
    for (int doubling = 0; doubling < 3; doubling++)
        crypto_core_ed25519_add(again, again, again);
    return memcmp(again, identity, sizeof again) != 0;
}

static bool parse_base64(const char *text, struct kedge_public_key *out)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    struct kedge_err ignored;
    if (strlen(text) > KEDGE_KEY_TEXT ||
        kedge_base64_decode(&bytes, text, strlen(text), &ignored) ||
        bytes.size != sizeof out->bytes)
        return false;
    memcpy(out->bytes, bytes.data, sizeof out->bytes);
    return true;
}

int kedge_public_key_parse(const char *text, struct kedge_public_key *out, struct kedge_err *err)
{
    struct kedge_public_key key;
    size_t prefix = strlen(PUBLIC_PREFIX);
    bool good = strncmp(text, PUBLIC_PREFIX, prefix) == 0
                    ? parse_base64(text + prefix, &key)
                    : kedge_hex_decode(text, strlen(text), key.bytes, sizeof key.bytes);
    if (!good)
        return kedge_err_set(err, KEDGE_INVALID,
                             "public key '%.80s' is neither '" PUBLIC_PREFIX
                             "<base64>' nor 64 lower-case hex digits",
                             text);
    if (!is_sound_point(key.bytes))
        return kedge_err_set(err, KEDGE_DENIED,
                             "public key '%.80s' is not a safe point of the curve: nobody can "
                             "hold its private half alone",
                             text);
    *out = key;
    return 0;
}

int kedge_public_key_load(const char *path, struct kedge_public_key *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_fs_read(AT_FDCWD, path, KEY_FILE, &text, err);
    if (code)
        return code;
    if (text.size && text.data[text.size - 1] == '\n')
        text.data[--text.size] = '\0';
    if (memchr(text.data, '\0', text.size))
        return kedge_err_set(err, KEDGE_INVALID, "'%s' holds a NUL byte", path);
    code = kedge_public_key_parse(text.data, out, err);
    return code ? kedge_err_wrap(err, "'%s'", path) : 0;
}

bool kedge_public_key_verify(const struct kedge_public_key *key, const void *message, size_t size,
                             const uint8_t signature[KEDGE_KEY_SIGNATURE])
{
    return crypto_sign_verify_detached(signature, message, size, key->bytes) == 0;
}

const char *kedge_public_key_id(const struct kedge_public_key *key, char text[KEDGE_KEY_ID_TEXT])
{
    static const char before[] = "{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"";
    static const char after[] = "\"},\"scheme\":\"ed25519\"}";
    char json[sizeof before + 2 * KEDGE_KEY_PUBLIC + sizeof after];
    memcpy(json, before, sizeof before);
    kedge_hex_encode(key->bytes, sizeof key->bytes, json + strlen(before));
    memcpy(json + strlen(before) + 2 * KEDGE_KEY_PUBLIC, after, sizeof after);
    struct kedge_digest digest = kedge_digest_of(json, strlen(json));
    return kedge_hex_encode(digest.bytes, sizeof digest.bytes, text);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"

#define PUBLIC_PREFIX "ed25519:"
#define PUBLIC_FILE   128 /* longest file of a public key that is read; ours have 53 bytes */

struct kedge_key {
    uint8_t secret[crypto_sign_SECRETKEYBYTES]; /* seed, then public key */
    struct kedge_key_signer signer;             /* where `sign` is set: instead of the seed */
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
    key->signer = (struct kedge_key_signer){0};
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

struct kedge_key *kedge_key_outside(const struct kedge_public_key *public,
                                    const struct kedge_key_signer *signer)
{
    struct kedge_key *key = new_key();
    memset(key->secret, 0, crypto_sign_SEEDBYTES);
    memcpy(key->secret + crypto_sign_SEEDBYTES, public->bytes, sizeof public->bytes);
    key->signer = *signer;
    kedge_public_key_id(public, key->id);
    sodium_mprotect_readonly(key);
    return key;
}

void kedge_key_free(struct kedge_key *key)
{
    if (key && key->signer.free)
        key->signer.free(key->signer.self);
    sodium_free(key); /* wipes */
}

void kedge_key_auto(struct kedge_key **key)
{
    kedge_key_free(*key);
}

struct kedge_public_key kedge_key_public(const struct kedge_key *key)
{
    struct kedge_public_key public;
    memcpy(public.bytes, key->secret + crypto_sign_SEEDBYTES, sizeof public.bytes);
    return public;
}

const uint8_t *kedge_key_seed(const struct kedge_key *key)
{
    return key->signer.sign ? NULL : key->secret;
}

const char *kedge_key_id(const struct kedge_key *key)
{
    return key->id;
}

static int sign_outside(const struct kedge_key *key, const void *message, size_t size,
                        uint8_t signature[KEDGE_KEY_SIGNATURE], struct kedge_err *err)
{
    uint8_t answer[KEDGE_KEY_SIGNATURE];
    struct kedge_public_key public = kedge_key_public(key);
    char text[KEDGE_KEY_TEXT];
    int code = key->signer.sign(key->signer.self, message, size, answer, err);
    if (code)
        return code;
    if (!kedge_public_key_verify(&public, message, size, answer))
        return kedge_err_set(
            err, KEDGE_DENIED,
            "the signer's answer is no signature by '%s': it holds another key, or "
            "does not sign the bytes as they are (pure Ed25519)",
            kedge_public_key_format(&public, text));
    memcpy(signature, answer, sizeof answer);
    return 0;
}

int kedge_key_sign(const struct kedge_key *key, const void *message, size_t size,
                   uint8_t signature[KEDGE_KEY_SIGNATURE], struct kedge_err *err)
{
    if (key->signer.sign)
        return sign_outside(key, message, size, signature, err);
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

int kedge_public_key_check(const struct kedge_public_key *key, struct kedge_err *err)
{
    if (!is_sound_point(key->bytes))
        return kedge_err_set(err, KEDGE_DENIED,
                             "it is not a safe point of the curve: nobody can hold its private "
                             "half alone");
    return 0;
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
    if (kedge_public_key_check(&key, err))
        return kedge_err_wrap(err, "public key '%.80s'", text);
    *out = key;
    return 0;
}

int kedge_public_key_load(const char *path, struct kedge_public_key *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_fs_read(AT_FDCWD, path, PUBLIC_FILE, &text, err);
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

const char *kedge_public_key_fingerprint(const struct kedge_public_key *key,
                                         char text[KEDGE_KEY_PRINT])
{
    /* RFC 8709: string "ssh-ed25519", string key. */
    static const char before[] = "\0\0\0\x0bssh-ed25519\0\0\0 ";
    uint8_t blob[sizeof before - 1 + KEDGE_KEY_PUBLIC];
    memcpy(blob, before, sizeof before - 1);
    memcpy(blob + sizeof before - 1, key->bytes, sizeof key->bytes);
    struct kedge_digest digest = kedge_digest_of(blob, sizeof blob);
    memcpy(text, "SHA256:", sizeof "SHA256:");
    sodium_bin2base64(text + strlen(text), KEDGE_KEY_PRINT - strlen(text), digest.bytes,
                      sizeof digest.bytes, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "age.h"

#include <sodium.h>
#include <string.h>

#include "base/armor.h"
#include "base/bech32.h"
#include "base/codec.h"
#include "base/secret.h"

#define PREFIX   "age"
#define INFO     "age-encryption.org/v1/X25519"
#define FILE_KEY 16 /* bytes */

_Static_assert(FILE_KEY + crypto_aead_chacha20poly1305_IETF_ABYTES == KEDGE_SEALED_KEY, "");
_Static_assert(crypto_aead_chacha20poly1305_IETF_ABYTES == KEDGE_SEALED_TAG, "");

struct kedge_age_identity {
    uint8_t scalar[KEDGE_SEALED_KEY];
    struct kedge_age_recipient recipient;
};

/* What is derived on the way; wiped when it is left. */
struct keys {
    uint8_t file[FILE_KEY];
    uint8_t ephemeral[KEDGE_SEALED_KEY];
    uint8_t shared[KEDGE_SEALED_KEY];
    uint8_t derived[KEDGE_SEALED_KEY];
};

static void keys_auto(struct keys *keys)
{
    sodium_memzero(keys, sizeof *keys);
}

/* --- keys --- */

int kedge_age_recipient_of(const struct kedge_public_key *key, struct kedge_age_recipient *out,
                           struct kedge_err *err)
{
    struct kedge_age_recipient recipient;
    int code = kedge_public_key_check(key, err);
    if (code)
        return code;
    if (crypto_sign_ed25519_pk_to_curve25519(recipient.bytes, key->bytes) != 0)
        return kedge_err_set(err, KEDGE_DENIED,
                             "its point is not in the main group of the curve: no secret can be "
                             "sealed for it");
    *out = recipient;
    return 0;
}

const char *kedge_age_recipient_format(const struct kedge_age_recipient *recipient,
                                       char text[KEDGE_AGE_TEXT])
{
    kedge_auto(kedge_buf) struct kedge_buf written = {0};
    kedge_bech32_encode(&written, PREFIX, recipient->bytes, sizeof recipient->bytes);
    return memcpy(text, written.data, KEDGE_AGE_TEXT);
}

int kedge_age_recipient_parse(const char *text, struct kedge_age_recipient *out,
                              struct kedge_err *err)
{
    struct kedge_age_recipient recipient;
    if (strncmp(text, PREFIX "1pq1", 6) == 0 || strncmp(text, "ssh-", 4) == 0)
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "recipient '%.20s...' is of a kind that devices do not have: theirs "
                             "are X25519, 'age1...'",
                             text);
    if (kedge_bech32_decode(text, PREFIX, recipient.bytes, sizeof recipient.bytes, err))
        return kedge_err_wrap(err, "recipient '%.80s'", text);
    *out = recipient;
    return 0;
}

struct kedge_age_identity *kedge_age_identity_new(const uint8_t scalar[KEDGE_SEALED_KEY])
{
    struct kedge_age_identity *identity = kedge_secret_alloc(sizeof *identity);
    memcpy(identity->scalar, scalar, sizeof identity->scalar);
    crypto_scalarmult_base(identity->recipient.bytes, identity->scalar);
    sodium_mprotect_readonly(identity);
    return identity;
}

int kedge_age_identity_of(const struct kedge_key *key, struct kedge_age_identity **out,
                          struct kedge_err *err)
{
    uint8_t public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t scalar[KEDGE_SEALED_KEY];
    const uint8_t *seed = kedge_key_seed(key);
    if (!seed)
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "the key is held by a signer, which cannot open what is sealed for "
                             "it: use a key file");
    crypto_sign_seed_keypair(public, secret, seed);
    crypto_sign_ed25519_sk_to_curve25519(scalar, secret);
    *out = kedge_age_identity_new(scalar);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(scalar, sizeof scalar);
    return 0;
}

struct kedge_age_recipient kedge_age_identity_recipient(const struct kedge_age_identity *identity)
{
    return identity->recipient;
}

void kedge_age_identity_free(struct kedge_age_identity *identity)
{
    kedge_secret_free(identity);
}

void kedge_age_identity_auto(struct kedge_age_identity **identity)
{
    kedge_age_identity_free(*identity);
}

/* --- derivation --- */

static void hmac(uint8_t mac[KEDGE_SEALED_MAC], const uint8_t *key, size_t key_size,
                 const void *data, size_t size)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_size);
    crypto_auth_hmacsha256_update(&state, data, size);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof state);
}

/* HKDF-SHA-256 (RFC 5869) of 32 bytes, which is one round of its expansion. */
static void derive(uint8_t out[KEDGE_SEALED_KEY], const uint8_t *key, size_t size,
                   const uint8_t *salt, size_t salt_size, const char *info)
{
    uint8_t extracted[KEDGE_SEALED_MAC], round[64];
    size_t info_size = strlen(info);
    memcpy(round, info, info_size);
    round[info_size] = 1;
    hmac(extracted, salt, salt_size, key, size);
    hmac(out, extracted, sizeof extracted, round, info_size + 1);
    sodium_memzero(extracted, sizeof extracted);
}

/* What wraps the file key: `ours` with `theirs`, one of which is `recipient`'s. False when the
 * other side's key makes a secret that everybody knows. */
static bool derive_wrap(struct keys *keys, const uint8_t ours[KEDGE_SEALED_KEY],
                        const uint8_t theirs[KEDGE_SEALED_KEY],
                        const uint8_t share[KEDGE_SEALED_KEY],
                        const struct kedge_age_recipient *recipient)
{
    uint8_t salt[2 * KEDGE_SEALED_KEY];
    if (crypto_scalarmult(keys->shared, ours, theirs) != 0)
        return false;
    memcpy(salt, share, KEDGE_SEALED_KEY);
    memcpy(salt + KEDGE_SEALED_KEY, recipient->bytes, KEDGE_SEALED_KEY);
    derive(keys->derived, keys->shared, sizeof keys->shared, salt, sizeof salt, INFO);
    return true;
}

static const uint8_t zero_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
/* A secret is one chunk, the first and the last. */
static const uint8_t chunk_nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES] = {[11] = 1};

static void header_mac(struct keys *keys, const char *header, size_t size,
                       uint8_t mac[KEDGE_SEALED_MAC])
{
    derive(keys->derived, keys->file, sizeof keys->file, (const uint8_t *)"", 0, "header");
    hmac(mac, keys->derived, sizeof keys->derived, header, size);
}

/* --- opening --- */

static int unwrap(const struct kedge_sealed *sealed, const struct kedge_age_identity *identity,
                  struct keys *keys, struct kedge_err *err)
{
    const struct kedge_sealed_stanza *stanzas =
        (const struct kedge_sealed_stanza *)sealed->stanzas.data;
    for (uint32_t i = 0; i < kedge_sealed_recipients(sealed); i++) {
        const struct kedge_sealed_stanza *stanza = &stanzas[i];
        if (!derive_wrap(keys, identity->scalar, stanza->share, stanza->share,
                         &identity->recipient))
            return kedge_err_set(err, KEDGE_INVALID,
                                 "a stanza holds a key of low order: it was not sealed honestly");
        if (crypto_aead_chacha20poly1305_ietf_decrypt(keys->file, NULL, NULL, stanza->body,
                                                      sizeof stanza->body, NULL, 0, zero_nonce,
                                                      keys->derived) == 0)
            return 0;
    }
    char text[KEDGE_AGE_TEXT];
    return kedge_err_set(err, KEDGE_DENIED, "it is not sealed for '%s'",
                         kedge_age_recipient_format(&identity->recipient, text));
}

int kedge_age_open(const struct kedge_sealed *sealed, const struct kedge_age_identity *identity,
                   char **out, size_t *size, struct kedge_err *err)
{
    kedge_auto(keys) struct keys keys = {0};
    uint8_t mac[KEDGE_SEALED_MAC];
    int code = unwrap(sealed, identity, &keys, err);
    if (code)
        return code;
    header_mac(&keys, sealed->authentic.data, sealed->authentic.size, mac);
    const uint8_t *payload = (const uint8_t *)sealed->payload.data;
    size_t sealed_size = sealed->payload.size - KEDGE_SEALED_NONCE;
    derive(keys.derived, keys.file, sizeof keys.file, payload, KEDGE_SEALED_NONCE, "payload");
    char *secret = kedge_secret_alloc(sealed_size - KEDGE_SEALED_TAG + 1);
    if (sodium_memcmp(mac, sealed->mac, sizeof mac) != 0 ||
        crypto_aead_chacha20poly1305_ietf_decrypt((uint8_t *)secret, NULL, NULL,
                                                  payload + KEDGE_SEALED_NONCE, sealed_size, NULL,
                                                  0, chunk_nonce, keys.derived) != 0) {
        kedge_secret_free(secret);
        return kedge_err_set(err, KEDGE_CORRUPT,
                             "it was changed since it was sealed: seal it again");
    }
    *out = secret;
    *size = sealed_size - KEDGE_SEALED_TAG;
    return 0;
}

/* --- sealing --- */

/* Unpadded base64. */
static void put_bytes(struct kedge_buf *out, const uint8_t bytes[KEDGE_SEALED_KEY])
{
    kedge_base64_encode(out, bytes, KEDGE_SEALED_KEY);
    out->data[--out->size] = '\0'; /* 32 bytes leave one '=' */
}

static int put_stanza(struct keys *keys, const struct kedge_age_recipient *recipient,
                      struct kedge_buf *out, struct kedge_err *err)
{
    uint8_t share[KEDGE_SEALED_KEY], body[KEDGE_SEALED_KEY];
    randombytes_buf(keys->ephemeral, sizeof keys->ephemeral);
    crypto_scalarmult_base(share, keys->ephemeral);
    if (!derive_wrap(keys, keys->ephemeral, recipient->bytes, share, recipient))
        return kedge_err_set(err, KEDGE_DENIED,
                             "a recipient is of low order: everybody could open what is sealed "
                             "for it");
    crypto_aead_chacha20poly1305_ietf_encrypt(body, NULL, keys->file, sizeof keys->file, NULL, 0,
                                              NULL, zero_nonce, keys->derived);
    kedge_buf_puts(out, "-> X25519 ");
    put_bytes(out, share);
    kedge_buf_putc(out, '\n');
    put_bytes(out, body);
    kedge_buf_putc(out, '\n');
    return 0;
}

static void put_payload(struct keys *keys, const void *secret, size_t size, struct kedge_buf *out)
{
    uint8_t nonce[KEDGE_SEALED_NONCE];
    randombytes_buf(nonce, sizeof nonce);
    derive(keys->derived, keys->file, sizeof keys->file, nonce, sizeof nonce, "payload");
    kedge_buf_add(out, nonce, sizeof nonce);
    kedge_buf_reserve(out, size + KEDGE_SEALED_TAG);
    crypto_aead_chacha20poly1305_ietf_encrypt((uint8_t *)out->data + out->size, NULL, secret, size,
                                              NULL, 0, NULL, chunk_nonce, keys->derived);
    out->size += size + KEDGE_SEALED_TAG;
    out->data[out->size] = '\0';
}

int kedge_age_seal(const struct kedge_age_recipient *recipients, size_t count, const void *secret,
                   size_t size, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(keys) struct keys keys;
    kedge_auto(kedge_buf) struct kedge_buf file = {0}, text = {0};
    uint8_t mac[KEDGE_SEALED_MAC];
    if (size > KEDGE_LIMIT_SECRET)
        return kedge_err_set(err, KEDGE_LIMIT, "a secret has at most %zu bytes",
                             KEDGE_LIMIT_SECRET);
    randombytes_buf(keys.file, sizeof keys.file);
    kedge_buf_puts(&file, "age-encryption.org/v1\n");
    for (size_t i = 0; i < count && file.size <= KEDGE_LIMIT_STRING; i++) {
        int code = put_stanza(&keys, &recipients[i], &file, err);
        if (code)
            return code;
    }
    kedge_buf_puts(&file, "---");
    header_mac(&keys, file.data, file.size, mac);
    kedge_buf_putc(&file, ' ');
    put_bytes(&file, mac);
    kedge_buf_putc(&file, '\n');
    put_payload(&keys, secret, size, &file);
    kedge_armor_encode(&text, KEDGE_SEALED_LABEL, file.data, file.size);
    if (text.size > KEDGE_LIMIT_STRING)
        return kedge_err_set(err, KEDGE_LIMIT,
                             "sealed for %zu recipients it is larger than the %zu bytes that a "
                             "manifest holds: seal it for fewer, in several deployments",
                             count, KEDGE_LIMIT_STRING);
    kedge_buf_add(out, text.data, text.size);
    return 0;
}

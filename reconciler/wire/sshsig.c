/* SPDX-License-Identifier: Apache-2.0 */
#include "sshsig.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/limits.h"

#define BEGIN   "-----BEGIN SSH SIGNATURE-----\n"
#define END     "\n-----END SSH SIGNATURE-----"
#define MAGIC   "SSHSIG"
#define VERSION 1

static const char *const hash_names[] = {
    [KEDGE_SSHSIG_SHA256] = "sha256",
    [KEDGE_SSHSIG_SHA512] = "sha512",
};

static bool is_word(struct kedge_slice text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

/* As isspace() of the C locale, which OpenSSH asks. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool take_text(struct kedge_slice *from, const char *text)
{
    size_t size = strlen(text);
    if (from->size < size || memcmp(from->data, text, size) != 0)
        return false;
    *from = (struct kedge_slice){from->data + size, from->size - size};
    return true;
}

/* Appends the bytes within the armor. As OpenSSH, lines may be of any length; a CR LF behind BEGIN is
 * refused, as by OpenSSH before 9.5. */
static int remove_armor(struct kedge_slice armor, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf base64 = {0};
    if (armor.size > KEDGE_LIMIT_SSHSIG)
        return kedge_err_set(err, KEDGE_LIMIT, "it has %zu bytes, at most %zu are read", armor.size,
                             KEDGE_LIMIT_SSHSIG);
    if (!take_text(&armor, BEGIN))
        return kedge_err_set(err, KEDGE_INVALID, "it does not start with a line '%.*s'",
                             (int)strlen(BEGIN) - 1, BEGIN);
    const char *end = armor.size ? memmem(armor.data, armor.size, END, strlen(END)) : NULL;
    if (!end)
        return kedge_err_set(err, KEDGE_INVALID, "it is cut short: no '%s'", END + 1);
    for (const char *c = end + strlen(END); c < armor.data + armor.size; c++) {
        if (!is_space(*c))
            return kedge_err_set(err, KEDGE_INVALID, "something stands behind it");
    }
    for (const char *c = armor.data; c < end; c++) {
        if (*c == '-' || *c == '_')
            return kedge_err_set(err, KEDGE_INVALID, "its base64 has a foreign character");
        if (!is_space(*c))
            kedge_buf_putc(&base64, *c);
    }
    return kedge_base64_decode(out, base64.data, base64.size, err);
}

static int read_hash(struct kedge_slice name, enum kedge_sshsig_hash *out, struct kedge_err *err)
{
    for (size_t i = 0; i < KEDGE_COUNT(hash_names); i++) {
        if (is_word(name, hash_names[i])) {
            *out = (enum kedge_sshsig_hash)i;
            return 0;
        }
    }
    return kedge_err_set(err, KEDGE_INVALID, "its hash is neither sha256 nor sha512");
}

static int read_signature(struct kedge_slice blob, struct kedge_sshsig *out, struct kedge_err *err)
{
    const char *type = kedge_sshkey_name(out->key.type);
    struct kedge_slice name, bytes;
    if (!kedge_sshkey_take_string(&blob, &name) || !kedge_sshkey_take_string(&blob, &bytes) ||
        bytes.size != sizeof out->signature || !is_word(name, type))
        return kedge_err_set(err, KEDGE_INVALID, "it does not hold a signature by a '%s'", type);
    memcpy(out->signature, bytes.data, bytes.size);
    if (out->key.type == KEDGE_SSHKEY_SK_ED25519) {
        if (blob.size < 1)
            return kedge_err_set(err, KEDGE_INVALID, "its flags are missing");
        out->flags = (uint8_t)blob.data[0];
        blob = (struct kedge_slice){blob.data + 1, blob.size - 1};
        if (!kedge_sshkey_take_u32(&blob, &out->counter))
            return kedge_err_set(err, KEDGE_INVALID, "its counter is missing");
    }
    if (blob.size)
        return kedge_err_set(err, KEDGE_INVALID, "something stands behind the signature in it");
    return 0;
}

/* The bytes within the armor. "reserved" may hold anything, and is not signed (as in OpenSSH). */
static int read_blob(struct kedge_slice blob, struct kedge_sshsig *out, struct kedge_err *err)
{
    struct kedge_slice key, reserved, hash, signature;
    uint32_t version;
    if (!take_text(&blob, MAGIC) || !kedge_sshkey_take_u32(&blob, &version))
        return kedge_err_set(err, KEDGE_INVALID, "it is not an SSH signature");
    if (version != VERSION)
        return kedge_err_set(err, KEDGE_UNSUPPORTED, "it is of version %u", version);
    if (!kedge_sshkey_take_string(&blob, &key) ||
        !kedge_sshkey_take_string(&blob, &out->name_space) ||
        !kedge_sshkey_take_string(&blob, &reserved) || !kedge_sshkey_take_string(&blob, &hash) ||
        !kedge_sshkey_take_string(&blob, &signature) || blob.size)
        return kedge_err_set(err, KEDGE_INVALID, "it is not a whole SSH signature");
    if (out->name_space.size == 0)
        return kedge_err_set(err, KEDGE_INVALID, "its namespace is empty");
    int code = kedge_sshcert_is(key) ? kedge_sshcert_read(key, &out->key, &out->certificate, err)
                                     : kedge_sshkey_read(key, &out->key, err);
    if (!code)
        code = read_hash(hash, &out->hash, err);
    if (!code)
        code = read_signature(signature, out, err);
    return code;
}

int kedge_sshsig_parse(struct kedge_slice armor, struct kedge_sshsig *out, struct kedge_err *err)
{
    struct kedge_sshsig signature = {0};
    int code = remove_armor(armor, &signature.blob, err);
    if (!code)
        code = read_blob(kedge_buf_slice(&signature.blob), &signature, err);
    if (code) {
        kedge_sshsig_release(&signature);
        return kedge_err_wrap(err, "SSH signature");
    }
    *out = signature;
    return 0;
}

void kedge_sshsig_release(struct kedge_sshsig *signature)
{
    kedge_buf_release(&signature->blob);
    *signature = (struct kedge_sshsig){0};
}

void kedge_sshsig_auto(struct kedge_sshsig *signature)
{
    kedge_sshsig_release(signature);
}

/* PROTOCOL.sshsig "Signed Data". */
static void add_signed_data(const struct kedge_sshsig *signature, struct kedge_slice message,
                            struct kedge_buf *out)
{
    const char *hash = hash_names[signature->hash];
    kedge_buf_puts(out, MAGIC);
    kedge_sshkey_put_string(out, signature->name_space.data, signature->name_space.size);
    kedge_sshkey_put_string(out, "", 0);
    kedge_sshkey_put_string(out, hash, strlen(hash));
    if (signature->hash == KEDGE_SSHSIG_SHA256) {
        struct kedge_digest digest = kedge_digest_of(message.data, message.size);
        kedge_sshkey_put_string(out, digest.bytes, sizeof digest.bytes);
    } else {
        uint8_t digest[crypto_hash_sha512_BYTES];
        crypto_hash_sha512(digest, (const uint8_t *)message.data, message.size);
        kedge_sshkey_put_string(out, digest, sizeof digest);
    }
}

/* PROTOCOL.u2f: a security key signs digests with what it has to say between them. */
static void wrap_for_security_key(const struct kedge_sshsig *signature, struct kedge_buf *data)
{
    const struct kedge_slice *application = &signature->key.application;
    struct kedge_digest who = kedge_digest_of(application->data, application->size);
    struct kedge_digest what = kedge_digest_of(data->data, data->size);
    const uint8_t said[] = {signature->flags, (uint8_t)(signature->counter >> 24),
                            (uint8_t)(signature->counter >> 16), (uint8_t)(signature->counter >> 8),
                            (uint8_t)signature->counter};
    kedge_buf_clear(data);
    kedge_buf_add(data, who.bytes, sizeof who.bytes);
    kedge_buf_add(data, said, sizeof said);
    kedge_buf_add(data, what.bytes, sizeof what.bytes);
}

int kedge_sshsig_verify(const struct kedge_sshsig *signature, const char *name_space,
                        struct kedge_slice message, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf data = {0};
    bool security_key = signature->key.type == KEDGE_SSHKEY_SK_ED25519;
    if (!is_word(signature->name_space, name_space))
        return kedge_err_set(err, KEDGE_DENIED,
                             "SSH signature: it is for another namespace than '%s'", name_space);
    add_signed_data(signature, message, &data);
    if (security_key)
        wrap_for_security_key(signature, &data);
    if (!kedge_public_key_verify(&signature->key.key, data.data, data.size, signature->signature))
        return kedge_err_set(err, KEDGE_DENIED, "SSH signature: it is not over this text");
    if (security_key && !(signature->flags & KEDGE_SSHSIG_TOUCHED))
        return kedge_err_set(err, KEDGE_DENIED, "SSH signature: nobody touched the security key");
    return 0;
}

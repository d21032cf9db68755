/* SPDX-License-Identifier: Apache-2.0 */
#include "sshkey.h"

#include <string.h>

#include "base/codec.h"
#include "base/digest.h"

static const char *const names[] = {
    [KEDGE_SSHKEY_ED25519] = "ssh-ed25519",
    [KEDGE_SSHKEY_SK_ED25519] = "sk-ssh-ed25519@openssh.com",
};

/* Types that OpenSSH knows and kedge does not verify. */
static const char *const foreign_names[] = {
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-mldsa44-ed25519@openssh.com",
};
/* How the names of certificates end, which are no plain keys (sshcert.h). */
static const char certificate[] = "-cert-v01@openssh.com";

static bool is_word(struct kedge_slice text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

const char *kedge_sshkey_name(enum kedge_sshkey_type type)
{
    return names[type];
}

/* Index into `names`, or -1. */
static int find_type(struct kedge_slice name)
{
    for (size_t i = 0; i < KEDGE_COUNT(names); i++) {
        if (is_word(name, names[i]))
            return (int)i;
    }
    return -1;
}

bool kedge_sshkey_is_name(struct kedge_slice text)
{
    size_t suffix = strlen(certificate);
    if (find_type(text) >= 0 ||
        (text.size > suffix && memcmp(text.data + text.size - suffix, certificate, suffix) == 0))
        return true;
    for (size_t i = 0; i < KEDGE_COUNT(foreign_names); i++) {
        if (is_word(text, foreign_names[i]))
            return true;
    }
    return false;
}

bool kedge_sshkey_take_u32(struct kedge_slice *from, uint32_t *out)
{
    if (from->size < 4)
        return false;
    const uint8_t *at = (const uint8_t *)from->data;
    *out = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    *from = (struct kedge_slice){from->data + 4, from->size - 4};
    return true;
}

bool kedge_sshkey_take_string(struct kedge_slice *from, struct kedge_slice *out)
{
    struct kedge_slice rest = *from;
    uint32_t size;
    if (!kedge_sshkey_take_u32(&rest, &size) || size > rest.size)
        return false;
    *out = (struct kedge_slice){rest.data, size};
    *from = (struct kedge_slice){rest.data + size, rest.size - size};
    return true;
}

void kedge_sshkey_put_string(struct kedge_buf *out, const void *data, size_t size)
{
    const uint8_t length[4] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                               (uint8_t)size};
    kedge_buf_add(out, length, sizeof length);
    kedge_buf_add(out, data, size);
}

int kedge_sshkey_read(struct kedge_slice blob, struct kedge_sshkey *out, struct kedge_err *err)
{
    struct kedge_sshkey key = {0};
    struct kedge_slice name, point;
    if (!kedge_sshkey_take_string(&blob, &name))
        return kedge_err_set(err, KEDGE_INVALID, "the key is cut short");
    int type = find_type(name);
    if (type < 0)
        return kedge_err_set(err, KEDGE_UNSUPPORTED, "unsupported key type '%.*s'",
                             (int)(name.size < 64 ? name.size : 64), name.data);
    key.type = (enum kedge_sshkey_type)type;
    if (!kedge_sshkey_take_string(&blob, &point) || point.size != sizeof key.key.bytes ||
        (type == KEDGE_SSHKEY_SK_ED25519 && !kedge_sshkey_take_string(&blob, &key.application)) ||
        blob.size)
        return kedge_err_set(err, KEDGE_INVALID, "the key is not a whole '%s'", names[type]);
    memcpy(key.key.bytes, point.data, point.size);
    int code = kedge_public_key_check(&key.key, err);
    if (!code)
        *out = key;
    return code;
}

bool kedge_sshkey_equal(const struct kedge_sshkey *a, const struct kedge_sshkey *b)
{
    return a->type == b->type && memcmp(&a->key, &b->key, sizeof a->key) == 0 &&
           a->application.size == b->application.size &&
           (a->application.size == 0 ||
            memcmp(a->application.data, b->application.data, a->application.size) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes the bytes up to the next white space, and that. */
static struct kedge_slice take_word(struct kedge_slice *text)
{
    struct kedge_slice word = {text->data, 0};
    while (word.size < text->size && !is_space(text->data[word.size]))
        word.size++;
    size_t taken = word.size;
    while (taken < text->size && is_space(text->data[taken]))
        taken++;
    *text = (struct kedge_slice){text->data + taken, text->size - taken};
    return word;
}

int kedge_sshkey_take_blob(struct kedge_slice *text, struct kedge_slice *name,
                           struct kedge_buf *blob, struct kedge_slice *bytes, struct kedge_err *err)
{
    struct kedge_slice rest = *text;
    struct kedge_slice word = take_word(&rest);
    struct kedge_slice base64 = take_word(&rest);
    size_t start = blob->size;
    if (base64.size == 0 || memchr(base64.data, '-', base64.size) ||
        memchr(base64.data, '_', base64.size))
        return kedge_err_set(err, KEDGE_INVALID, "the key is not base64");
    int code = kedge_base64_decode(blob, base64.data, base64.size, err);
    if (code)
        return code;
    *name = word;
    *bytes = (struct kedge_slice){blob->data + start, blob->size - start};
    *text = rest;
    return 0;
}

int kedge_sshkey_take(struct kedge_slice *text, struct kedge_buf *blob, struct kedge_sshkey *out,
                      struct kedge_err *err)
{
    struct kedge_slice rest = *text, ahead = *text, bytes;
    struct kedge_slice name = take_word(&ahead);
    struct kedge_sshkey key;
    if (find_type(name) < 0)
        return kedge_err_set(err, KEDGE_UNSUPPORTED, "unsupported key type '%.*s'",
                             (int)(name.size < 64 ? name.size : 64), name.data);
    int code = kedge_sshkey_take_blob(&rest, &name, blob, &bytes, err);
    if (!code)
        code = kedge_sshkey_read(bytes, &key, err);
    if (!code && find_type(name) != (int)key.type)
        code = kedge_err_set(err, KEDGE_INVALID, "the key is not a '%s' as it says",
                             names[find_type(name)]);
    if (code)
        return code;
    *out = key;
    *text = rest;
    return 0;
}

const char *kedge_sshkey_fingerprint(const struct kedge_sshkey *key,
                                     char text[KEDGE_SSHKEY_FINGERPRINT])
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0}, out = {0};
    const char *name = names[key->type];
    kedge_sshkey_put_string(&blob, name, strlen(name));
    kedge_sshkey_put_string(&blob, key->key.bytes, sizeof key->key.bytes);
    if (key->type == KEDGE_SSHKEY_SK_ED25519)
        kedge_sshkey_put_string(&blob, key->application.data, key->application.size);
    struct kedge_digest digest = kedge_digest_of(blob.data, blob.size);
    kedge_buf_puts(&out, "SHA256:");
    kedge_base64_encode(&out, digest.bytes, sizeof digest.bytes);
    out.data[out.size - 1] = '\0'; /* 32 bytes end in one '=', which ssh-keygen leaves out */
    memcpy(text, out.data, out.size);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sshcert.h"

#include <string.h>

#include "base/limits.h"

/* By the type of the key within. */
static const char *const names[] = {
    [KEDGE_SSHKEY_ED25519] = "ssh-ed25519-cert-v01@openssh.com",
    [KEDGE_SSHKEY_SK_ED25519] = "sk-ssh-ed25519-cert-v01@openssh.com",
};

/* Critical options that say something about logins only. */
static const char *const known_options[] = {"force-command", "source-address"};

static bool is_word(struct kedge_slice text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
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

bool kedge_sshcert_is_name(struct kedge_slice name)
{
    return find_type(name) >= 0;
}

bool kedge_sshcert_is(struct kedge_slice blob)
{
    struct kedge_slice name;
    return kedge_sshkey_take_string(&blob, &name) && kedge_sshcert_is_name(name);
}

static bool take_u64(struct kedge_slice *from, uint64_t *out)
{
    uint32_t high, low;
    if (!kedge_sshkey_take_u32(from, &high) || !kedge_sshkey_take_u32(from, &low))
        return false;
    *out = (uint64_t)high << 32 | low;
    return true;
}

/* Takes a text as OpenSSH does: it may end in one NUL, which is no part of it. */
static bool take_text(struct kedge_slice *from, struct kedge_slice *out)
{
    struct kedge_slice text;
    if (!kedge_sshkey_take_string(from, &text))
        return false;
    if (text.size && text.data[text.size - 1] == '\0')
        text.size--;
    *out = text;
    return text.size == 0 || !memchr(text.data, '\0', text.size);
}

/* Takes what stands up to the serial number. */
static int take_key(struct kedge_slice *from, struct kedge_sshkey *out, struct kedge_err *err)
{
    struct kedge_sshkey key = {0};
    struct kedge_slice name, nonce, point;
    int type = kedge_sshkey_take_string(from, &name) ? find_type(name) : -1;
    if (type < 0)
        return kedge_err_set(err, KEDGE_INVALID, "it is no certificate of an Ed25519 key");
    key.type = (enum kedge_sshkey_type)type;
    if (!kedge_sshkey_take_string(from, &nonce) || !kedge_sshkey_take_string(from, &point) ||
        point.size != sizeof key.key.bytes ||
        (type == KEDGE_SSHKEY_SK_ED25519 && !kedge_sshkey_take_string(from, &key.application)))
        return kedge_err_set(err, KEDGE_INVALID, "the certificate is not a whole '%s'",
                             names[type]);
    memcpy(key.key.bytes, point.data, point.size);
    int code = kedge_public_key_check(&key.key, err);
    if (!code)
        *out = key;
    return code;
}

static int check_principals(struct kedge_slice principals, struct kedge_err *err)
{
    size_t count = 0;
    for (struct kedge_slice one; principals.size; count++) {
        if (count == KEDGE_LIMIT_PRINCIPALS)
            return kedge_err_set(err, KEDGE_LIMIT, "the certificate has more than %d principals",
                                 KEDGE_LIMIT_PRINCIPALS);
        if (!take_text(&principals, &one))
            return kedge_err_set(err, KEDGE_INVALID, "the certificate's principals are no texts");
    }
    return 0;
}

static bool is_known_option(struct kedge_slice name)
{
    for (size_t i = 0; i < KEDGE_COUNT(known_options); i++) {
        if (is_word(name, known_options[i]))
            return true;
    }
    return false;
}

/* Names and their values; *unknown becomes the first name that is not known. */
static int check_options(struct kedge_slice options, struct kedge_slice *unknown,
                         struct kedge_err *err)
{
    while (options.size) {
        struct kedge_slice name, value;
        if (!kedge_sshkey_take_string(&options, &name) ||
            !kedge_sshkey_take_string(&options, &value))
            return kedge_err_set(err, KEDGE_INVALID, "the certificate's options are cut short");
        if (!unknown->data && !is_known_option(name))
            *unknown = name;
    }
    return 0;
}

/* Takes what stands between the key and the signature. */
static int take_body(struct kedge_slice *from, struct kedge_sshcert *out, struct kedge_err *err)
{
    struct kedge_slice id, critical, extensions, reserved, authority, ignored = {0};
    uint64_t serial;
    uint32_t kind;
    if (!take_u64(from, &serial) || !kedge_sshkey_take_u32(from, &kind) || !take_text(from, &id) ||
        !kedge_sshkey_take_string(from, &out->principals) || !take_u64(from, &out->after) ||
        !take_u64(from, &out->before) || !kedge_sshkey_take_string(from, &critical) ||
        !kedge_sshkey_take_string(from, &extensions) ||
        !kedge_sshkey_take_string(from, &reserved) || !kedge_sshkey_take_string(from, &authority))
        return kedge_err_set(err, KEDGE_INVALID, "the certificate is cut short");
    if (kind != KEDGE_SSHCERT_USER && kind != KEDGE_SSHCERT_HOST)
        return kedge_err_set(err, KEDGE_INVALID,
                             "the certificate is neither a user's nor a host's");
    out->kind = (enum kedge_sshcert_kind)kind;
    int code = check_principals(out->principals, err);
    if (!code)
        code = check_options(critical, &out->unknown, err);
    if (!code)
        code = check_options(extensions, &ignored, err);
    if (!code && kedge_sshkey_read(authority, &out->authority, err))
        code = kedge_err_wrap(err, "the certificate's authority");
    if (!code && out->authority.type != KEDGE_SSHKEY_ED25519)
        code = kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "the certificate's authority: unsupported key type '%s'",
                             kedge_sshkey_name(out->authority.type));
    return code;
}

int kedge_sshcert_read(struct kedge_slice blob, struct kedge_sshkey *key, struct kedge_sshcert *out,
                       struct kedge_err *err)
{
    struct kedge_slice rest = blob, signature, name, bytes;
    struct kedge_sshcert certificate = {0};
    struct kedge_sshkey certified;
    int code = take_key(&rest, &certified, err);
    if (!code)
        code = take_body(&rest, &certificate, err);
    if (code)
        return code;
    size_t signed_size = blob.size - rest.size;
    if (!kedge_sshkey_take_string(&rest, &signature) || rest.size ||
        !kedge_sshkey_take_string(&signature, &name) ||
        !kedge_sshkey_take_string(&signature, &bytes) || signature.size ||
        bytes.size != KEDGE_KEY_SIGNATURE ||
        !is_word(name, kedge_sshkey_name(KEDGE_SSHKEY_ED25519)))
        return kedge_err_set(err, KEDGE_INVALID, "the certificate does not end in a signature");
    if (!kedge_public_key_verify(&certificate.authority.key, blob.data, signed_size,
                                 (const uint8_t *)bytes.data))
        return kedge_err_set(err, KEDGE_DENIED, "the certificate is not signed by its authority");
    *key = certified;
    *out = certificate;
    return 0;
}

int kedge_sshcert_take_key(struct kedge_slice *text, struct kedge_buf *blob,
                           struct kedge_sshkey *out, struct kedge_err *err)
{
    struct kedge_slice rest = *text, name, bytes;
    struct kedge_sshkey key;
    int code = kedge_sshkey_take_blob(&rest, &name, blob, &bytes, err);
    if (!code)
        code = take_key(&bytes, &key, err);
    if (!code && !is_word(name, names[key.type]))
        code = kedge_err_set(err, KEDGE_INVALID, "the certificate is not a '%.*s' as it says",
                             (int)(name.size < 64 ? name.size : 64), name.data);
    if (code)
        return code;
    *out = key;
    *text = rest;
    return 0;
}

bool kedge_sshcert_take_principal(struct kedge_slice *from, struct kedge_slice *out)
{
    return take_text(from, out);
}

static bool names_principal(const struct kedge_sshcert *certificate, const char *principal)
{
    struct kedge_slice rest = certificate->principals;
    for (struct kedge_slice one; kedge_sshcert_take_principal(&rest, &one);) {
        if (is_word(one, principal))
            return true;
    }
    return false;
}

const char *kedge_sshcert_objection(const struct kedge_sshcert *certificate, const char *principal,
                                    kedge_ms at)
{
    uint64_t second = at > 0 ? (uint64_t)at / 1000 : 0;
    if (certificate->kind != KEDGE_SSHCERT_USER)
        return "its certificate is a host's";
    if (certificate->unknown.data)
        return "its certificate has a critical option that is not known here";
    if (second < certificate->after)
        return "its certificate was not valid yet";
    if (second >= certificate->before)
        return "its certificate was not valid any more";
    if (certificate->principals.size == 0)
        return "its certificate names no principal";
    if (principal && !names_principal(certificate, principal))
        return "its certificate does not name this principal";
    return NULL;
}

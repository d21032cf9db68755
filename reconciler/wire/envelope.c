/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <string.h>

#include "base/limits.h"

void kedge_envelope_pae(struct kedge_buf *out, const char *type, size_t type_size, const void *body,
                        size_t size)
{
    kedge_buf_reserve(out, type_size + size + 64);
    kedge_buf_puts(out, "DSSEv1 ");
    kedge_buf_put_integer(out, (int64_t)type_size);
    kedge_buf_putc(out, ' ');
    kedge_buf_add(out, type, type_size);
    kedge_buf_putc(out, ' ');
    kedge_buf_put_integer(out, (int64_t)size);
    kedge_buf_putc(out, ' ');
    kedge_buf_add(out, body, size);
}

/* Everything up to the first signature. */
static void begin_envelope(struct kedge_json_writer *w, const char *type, struct kedge_slice body)
{
    kedge_json_begin_object(w);
    kedge_json_key(w, "payload");
    kedge_json_put_base64(w, body.data, body.size);
    kedge_json_add_string(w, "payloadType", type);
    kedge_json_key(w, "signatures");
    kedge_json_begin_array(w);
}

/* Appends one member of "signatures". */
static int add_signature(struct kedge_json_writer *w, const struct kedge_buf *pae,
                         const struct kedge_key *key, struct kedge_err *err)
{
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    int code = kedge_key_sign(key, pae->data, pae->size, signature, err);
    if (code)
        return code;
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "keyid", kedge_key_id(key));
    kedge_json_key(w, "sig");
    kedge_json_put_base64(w, signature, sizeof signature);
    kedge_json_end_object(w);
    return 0;
}

int kedge_envelope_sign(struct kedge_buf *out, const char *type, struct kedge_slice body,
                        const struct kedge_key *const *keys, size_t key_count,
                        struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf pae = {0};
    kedge_envelope_pae(&pae, type, strlen(type), body.data, body.size);
    struct kedge_json_writer w = {.out = out};
    size_t start = out->size;
    kedge_buf_reserve(out, body.size / 3 * 4 + key_count * 192 + 128);
    begin_envelope(&w, type, body);
    for (size_t i = 0; i < key_count; i++) {
        int code = add_signature(&w, &pae, keys[i], err);
        if (code) {
            out->size = start;
            out->data[start] = '\0';
            return kedge_err_wrap(err, "envelope");
        }
    }
    kedge_json_end_array(&w);
    kedge_json_end_object(&w);
    return 0;
}

/* One member of "signatures". */
struct signature {
    bool usable; /* has the size of an Ed25519 signature */
    uint8_t bytes[KEDGE_KEY_SIGNATURE];
    const char *text;   /* base64 as it came */
    const char *key_id; /* or NULL */
    /* Who signed, where `key_id` names a trusted key: only that one is tried. */
    const struct kedge_public_key *claimed;
};

struct parts {
    const char *type;
    struct kedge_buf body;
    struct signature signatures[KEDGE_LIMIT_SIGNATURES];
    size_t signature_count;
};

static void parts_auto(struct parts *parts)
{
    kedge_buf_release(&parts->body);
}

/* A signature of another size is some other algorithm's: it counts for nothing, but does no harm.
 */
static int read_signature(const json_t *json, struct signature *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    int code = kedge_json_base64(json, "sig", &bytes, err);
    if (!code)
        code = kedge_json_string(json, "sig", &out->text, err);
    if (!code)
        code = kedge_json_opt_string(json, "keyid", &out->key_id, err);
    if (code)
        return code;
    out->usable = bytes.size == sizeof out->bytes;
    if (out->usable)
        memcpy(out->bytes, bytes.data, sizeof out->bytes);
    return 0;
}

/* Everything borrowed from `json`. Unknown members are ignored (envelope.md). */
static int read_parts(const json_t *json, struct parts *out, struct kedge_err *err)
{
    json_t *signatures;
    int code = kedge_json_string(json, "payloadType", &out->type, err);
    if (!code)
        code = kedge_json_base64(json, "payload", &out->body, err);
    if (!code)
        code = kedge_json_array(json, "signatures", &signatures, err);
    if (code)
        return code;
    size_t count = json_array_size(signatures);
    if (count > KEDGE_LIMIT_SIGNATURES)
        return kedge_err_set(err, KEDGE_LIMIT, "%zu signatures, at most %d are read", count,
                             KEDGE_LIMIT_SIGNATURES);
    for (size_t i = 0; i < count; i++) {
        code = read_signature(json_array_get(signatures, i), &out->signatures[i], err);
        if (code)
            return kedge_err_wrap(err, "signature %zu", i + 1);
    }
    out->signature_count = count;
    return 0;
}

static int parse(struct kedge_slice envelope, size_t limit, json_t **json, struct parts *out,
                 struct kedge_err *err)
{
    int code = kedge_json_parse(envelope.data, envelope.size, limit, json, err);
    return code ? code : read_parts(*json, out, err);
}

int kedge_envelope_peek(struct kedge_slice envelope, size_t limit, struct kedge_buf *payload,
                        struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    kedge_auto(parts) struct parts parts = {0};
    if (parse(envelope, limit, &json, &parts, err))
        return kedge_err_wrap(err, "envelope");
    kedge_buf_add(payload, parts.body.data, parts.body.size);
    return 0;
}

static int check_new_signer(const struct parts *parts, const struct kedge_key *key,
                            struct kedge_err *err)
{
    for (size_t i = 0; i < parts->signature_count; i++) {
        const char *id = parts->signatures[i].key_id;
        if (id && strcmp(id, kedge_key_id(key)) == 0)
            return kedge_err_set(err, KEDGE_EXISTS, "key '%.8s' has signed already",
                                 kedge_key_id(key));
    }
    if (parts->signature_count == KEDGE_LIMIT_SIGNATURES)
        return kedge_err_set(err, KEDGE_LIMIT, "it has %d signatures, more are not read",
                             KEDGE_LIMIT_SIGNATURES);
    return 0;
}

/* Writes `parts` again with a signature by `key`. */
static int write_signed(struct kedge_buf *out, const struct parts *parts,
                        const struct kedge_key *key, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf pae = {0};
    kedge_envelope_pae(&pae, parts->type, strlen(parts->type), parts->body.data, parts->body.size);
    struct kedge_json_writer w = {.out = out};
    begin_envelope(&w, parts->type, kedge_buf_slice(&parts->body));
    for (size_t i = 0; i < parts->signature_count; i++) {
        kedge_json_begin_object(&w);
        kedge_json_add_string(&w, "keyid", parts->signatures[i].key_id);
        kedge_json_add_string(&w, "sig", parts->signatures[i].text);
        kedge_json_end_object(&w);
    }
    int code = add_signature(&w, &pae, key, err);
    kedge_json_end_array(&w);
    kedge_json_end_object(&w);
    return code;
}

int kedge_envelope_countersign(struct kedge_buf *out, struct kedge_slice envelope, size_t limit,
                               const struct kedge_key *key, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    kedge_auto(parts) struct parts parts = {0};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = parse(envelope, limit, &json, &parts, err);
    if (!code)
        code = check_new_signer(&parts, key, err);
    if (!code)
        code = write_signed(&text, &parts, key, err);
    if (code)
        return kedge_err_wrap(err, "envelope");
    kedge_buf_add(out, text.data, text.size);
    return 0;
}

/* The first trusted key with these bytes stands for all its repetitions. */
static bool is_repeated(const struct kedge_envelope_trust *trust, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (memcmp(&trust->keys[i], &trust->keys[index], sizeof trust->keys[i]) == 0)
            return true;
    }
    return false;
}

static void resolve_claims(const struct kedge_envelope_trust *trust, struct parts *parts)
{
    for (size_t i = trust->key_count; i-- > 0;) {
        char id[KEDGE_KEY_ID_TEXT];
        kedge_public_key_id(&trust->keys[i], id);
        for (size_t j = 0; j < parts->signature_count; j++) {
            struct signature *signature = &parts->signatures[j];
            if (signature->key_id && strcmp(signature->key_id, id) == 0)
                signature->claimed = &trust->keys[i];
        }
    }
}

static bool has_signed(const struct kedge_public_key *key, const struct parts *parts,
                       const struct kedge_buf *pae)
{
    for (size_t i = 0; i < parts->signature_count; i++) {
        const struct signature *signature = &parts->signatures[i];
        if (signature->usable && (!signature->claimed || signature->claimed == key) &&
            kedge_public_key_verify(key, pae->data, pae->size, signature->bytes))
            return true;
    }
    return false;
}

static int check_signatures(const struct kedge_envelope_trust *trust, struct parts *parts,
                            struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf pae = {0};
    kedge_envelope_pae(&pae, parts->type, strlen(parts->type), parts->body.data, parts->body.size);
    if (trust->key_count > 1)
        resolve_claims(trust, parts);
    unsigned needed = trust->threshold ? trust->threshold : 1;
    unsigned signers = 0;
    for (size_t i = 0; i < trust->key_count && signers < needed; i++) {
        if (!is_repeated(trust, i) && has_signed(&trust->keys[i], parts, &pae))
            signers++;
    }
    if (signers < needed)
        return kedge_err_set(err, KEDGE_DENIED,
                             "%zu signatures, of which %u by trusted keys, %u are needed",
                             parts->signature_count, signers, needed);
    return 0;
}

int kedge_envelope_verify_json(const json_t *json, const struct kedge_envelope_trust *trust,
                               struct kedge_buf *payload, struct kedge_err *err)
{
    kedge_auto(parts) struct parts parts = {0};
    int code = read_parts(json, &parts, err);
    if (!code)
        code = check_signatures(trust, &parts, err);
    if (!code && strcmp(parts.type, trust->payload_type) != 0)
        code = kedge_err_set(err, KEDGE_UNSUPPORTED, "payload type '%.80s', '%s' is wanted",
                             parts.type, trust->payload_type);
    if (code)
        return kedge_err_wrap(err, "envelope");
    kedge_buf_add(payload, parts.body.data, parts.body.size);
    return 0;
}

int kedge_envelope_verify(const char *data, size_t size, size_t limit,
                          const struct kedge_envelope_trust *trust, struct kedge_buf *payload,
                          struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    int code = kedge_json_parse(data, size, limit, &json, err);
    if (code)
        return kedge_err_wrap(err, "envelope");
    return kedge_envelope_verify_json(json, trust, payload, err);
}

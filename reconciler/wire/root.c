/* SPDX-License-Identifier: Apache-2.0 */
#include "root.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "statement.h"

const struct kedge_words kedge_root_role_words =
    KEDGE_WORDS([KEDGE_ROOT_ROOT] = "root", [KEDGE_ROOT_DIRECTOR] = "director",
                [KEDGE_ROOT_RELEASE] = "release");

const struct kedge_words kedge_root_refusal_words =
    KEDGE_WORDS([KEDGE_ROOT_ACCEPTED] = "accepted", [KEDGE_ROOT_MALFORMED] = "malformed",
                [KEDGE_ROOT_ROLLBACK] = "rollback", [KEDGE_ROOT_GAP] = "gap",
                [KEDGE_ROOT_UNSIGNED] = "unsigned", [KEDGE_ROOT_SELF_UNSIGNED] = "self-unsigned",
                [KEDGE_ROOT_EXPIRED] = "expired");

/* The key that `keys` gives under this id; an id that is not the key's own would let two ids stand
 * for one key. */
static int read_key(const json_t *keys, const char *id, struct kedge_public_key *out,
                    struct kedge_err *err)
{
    char own[KEDGE_KEY_ID_TEXT];
    int code = kedge_statement_key(keys, id, out, err);
    if (!code && strcmp(kedge_public_key_id(out, own), id) != 0)
        code = kedge_err_set(err, KEDGE_INVALID, "key '%.80s' has another id: %s", id, own);
    return code;
}

static bool names(const struct kedge_root_signers *signers, const struct kedge_public_key *key)
{
    for (uint32_t i = 0; i < signers->count; i++) {
        if (memcmp(&signers->keys[i], key, sizeof *key) == 0)
            return true;
    }
    return false;
}

static int read_signers(const json_t *role, const json_t *keys, struct kedge_root_signers *out,
                        struct kedge_err *err)
{
    json_t *ids;
    int64_t threshold;
    int code = kedge_json_array(role, "keyids", &ids, err);
    if (!code)
        code = kedge_json_integer(role, "threshold", &threshold, err);
    if (code)
        return code;
    size_t count = json_array_size(ids);
    if (count > KEDGE_LIMIT_ROOT_KEYS)
        return kedge_err_set(err, KEDGE_LIMIT, "%zu keys, at most %d are read", count,
                             KEDGE_LIMIT_ROOT_KEYS);
    for (size_t i = 0; i < count; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        struct kedge_public_key key;
        if (!id)
            return kedge_err_set(err, KEDGE_INVALID, "keyid %zu is not a string", i + 1);
        code = read_key(keys, id, &key, err);
        if (code)
            return code;
        if (names(out, &key))
            return kedge_err_set(err, KEDGE_INVALID, "key '%s' is listed twice", id);
        out->keys[out->count++] = key;
    }
    if (threshold < 1 || threshold > out->count)
        return kedge_err_set(err, KEDGE_INVALID, "threshold %lld of %u keys", (long long)threshold,
                             out->count);
    out->threshold = (uint32_t)threshold;
    return 0;
}

/* Members and roles that this version of kedge does not know are ignored: they can only grant more
 * to those who know them. */
static int read_predicate(const json_t *json, struct kedge_root *out, struct kedge_err *err)
{
    json_t *keys, *roles, *role;
    int code = kedge_json_integer(json, "version", &out->version, err);
    if (!code)
        code = kedge_statement_time(json, "expires", &out->expires, err);
    if (!code)
        code = kedge_json_object(json, "keys", &keys, err);
    if (!code)
        code = kedge_json_object(json, "roles", &roles, err);
    if (code)
        return code;
    if (out->version < 1)
        return kedge_err_set(err, KEDGE_INVALID, "version %lld is not positive",
                             (long long)out->version);
    for (int i = 0; i < KEDGE_ROOT_ROLES; i++) {
        const char *name = kedge_word_name(&kedge_root_role_words, i);
        code = kedge_json_object(roles, name, &role, err);
        if (!code)
            code = read_signers(role, keys, &out->roles[i], err);
        if (code)
            return kedge_err_wrap(err, "role '%s'", name);
    }
    return 0;
}

static int read_statement(const struct kedge_buf *payload, struct kedge_root *out,
                          struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    json_t *predicate;
    struct kedge_root root = {0};
    int code = kedge_statement_read(kedge_buf_slice(payload), KEDGE_LIMIT_ROOT,
                                    KEDGE_ROOT_PREDICATE, &json, &predicate, err);
    if (!code)
        code = read_predicate(predicate, &root, err);
    if (code)
        return kedge_err_wrap(err, "root");
    root.digest = kedge_digest_of(payload->data, payload->size);
    *out = root;
    return 0;
}

int kedge_root_peek(struct kedge_slice file, struct kedge_root *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    int code = kedge_envelope_peek(file, KEDGE_LIMIT_ROOT, &payload, err);
    return code ? kedge_err_wrap(err, "root") : read_statement(&payload, out, err);
}

struct kedge_envelope_trust kedge_root_trust(const struct kedge_root *root,
                                             enum kedge_root_role role)
{
    const struct kedge_root_signers *signers = &root->roles[role];
    return (struct kedge_envelope_trust){signers->keys, signers->count, signers->threshold,
                                         KEDGE_ENVELOPE_IN_TOTO};
}

void kedge_root_by_hand(struct kedge_root *root, enum kedge_root_role role,
                        const struct kedge_public_key *keys, uint32_t count)
{
    struct kedge_root_signers *signers = &root->roles[role];
    root->version = 0;
    root->expires = INT64_MAX;
    memcpy(signers->keys, keys, count * sizeof *keys);
    signers->count = count;
    signers->threshold = 1;
}

/* Has the threshold of `judge`'s root keys signed? Appends the verified payload. */
static int check_signed(const struct kedge_root *judge, struct kedge_slice file,
                        struct kedge_buf *payload, struct kedge_err *err)
{
    const struct kedge_envelope_trust trust = kedge_root_trust(judge, KEDGE_ROOT_ROOT);
    int code = kedge_envelope_verify(file.data, file.size, KEDGE_LIMIT_ROOT, &trust, payload, err);
    if (code == KEDGE_DENIED)
        return kedge_err_set(err, code,
                             "root keys of version %lld: %s; who holds one signs it with 'kedge "
                             "root sign'",
                             (long long)judge->version, err->msg);
    return code ? kedge_err_wrap(err, "root keys of version %lld", (long long)judge->version) : 0;
}

int kedge_root_pin(struct kedge_slice file, const struct kedge_digest *pin, struct kedge_root *out,
                   struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_root claimed;
    int code = kedge_root_peek(file, &claimed, err);
    if (code)
        return code;
    if (pin && !kedge_digest_equal(pin, &claimed.digest)) {
        char found[KEDGE_DIGEST_TEXT], wanted[KEDGE_DIGEST_TEXT];
        return kedge_err_set(err, KEDGE_DENIED, "root has digest %s, %s is pinned",
                             kedge_digest_format(&claimed.digest, found),
                             kedge_digest_format(pin, wanted));
    }
    code = check_signed(&claimed, file, &payload, err);
    return code ? code : read_statement(&payload, out, err);
}

/* The version is looked at before the signatures, so that an old root is called old. Whoever forges
 * it gets another word of refusal, no more. */
static enum kedge_root_refusal judge(const struct kedge_root *current, struct kedge_slice file,
                                     struct kedge_root *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0}, again = {0};
    struct kedge_root claimed;
    if (kedge_root_peek(file, &claimed, err))
        return KEDGE_ROOT_MALFORMED;
    if (current->version < 1) {
        kedge_err_set(err, KEDGE_DENIED, "keys named by hand have no successor");
        return KEDGE_ROOT_GAP;
    }
    if (claimed.version != current->version + 1) {
        kedge_err_set(err, KEDGE_DENIED, "root version %lld, only %lld can follow version %lld",
                      (long long)claimed.version, (long long)current->version + 1,
                      (long long)current->version);
        return claimed.version <= current->version ? KEDGE_ROOT_ROLLBACK : KEDGE_ROOT_GAP;
    }
    if (check_signed(current, file, &payload, err))
        return KEDGE_ROOT_UNSIGNED;
    if (check_signed(&claimed, file, &again, err))
        return KEDGE_ROOT_SELF_UNSIGNED;
    return read_statement(&payload, out, err) ? KEDGE_ROOT_MALFORMED : KEDGE_ROOT_ACCEPTED;
}

enum kedge_root_refusal kedge_root_follow(const struct kedge_root *current, struct kedge_slice file,
                                          struct kedge_root *out, struct kedge_err *err)
{
    enum kedge_root_refusal refusal = judge(current, file, out, err);
    if (refusal)
        kedge_err_wrap(err, "%s", kedge_word_name(&kedge_root_refusal_words, (int)refusal));
    return refusal;
}

enum kedge_root_refusal kedge_root_fresh(const struct kedge_root *root, kedge_ms now,
                                         struct kedge_err *err)
{
    if (now < root->expires)
        return KEDGE_ROOT_ACCEPTED;
    char text[KEDGE_TIME_TEXT];
    kedge_err_set(err, KEDGE_DENIED,
                  "expired: root version %lld ended at %s: publish a newer one, or mend the clock",
                  (long long)root->version, kedge_clock_format(root->expires, text));
    return KEDGE_ROOT_EXPIRED;
}

enum kedge_root_refusal kedge_root_walk(struct kedge_root *root, const struct kedge_slice *files,
                                        size_t count, kedge_ms now, struct kedge_err *err)
{
    for (size_t i = 0; i < count; i++) {
        enum kedge_root_refusal refusal = kedge_root_follow(root, files[i], root, err);
        if (refusal)
            return refusal;
    }
    return kedge_root_fresh(root, now, err);
}

bool kedge_root_names(const struct kedge_root *root, enum kedge_root_role role,
                      const struct kedge_public_key *key)
{
    return names(&root->roles[role], key);
}

bool kedge_root_revokes(const struct kedge_root *before, const struct kedge_root *after,
                        enum kedge_root_role role)
{
    const struct kedge_root_signers *old = &before->roles[role];
    for (uint32_t i = 0; i < old->count; i++) {
        if (!kedge_root_names(after, role, &old->keys[i]))
            return true;
    }
    return false;
}

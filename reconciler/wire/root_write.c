/* SPDX-License-Identifier: Apache-2.0 */
/* Making and signing root documents: the offline half of root.h. */
#include <string.h>

#include "root.h"
#include "statement.h"

static int check_signers(const struct kedge_root_signers *signers, struct kedge_err *err)
{
    if (signers->count > KEDGE_LIMIT_ROOT_KEYS)
        return kedge_err_set(err, KEDGE_INVALID, "%u keys, at most %d can be named", signers->count,
                             KEDGE_LIMIT_ROOT_KEYS);
    if (signers->threshold < 1 || signers->threshold > signers->count)
        return kedge_err_set(err, KEDGE_INVALID, "threshold %u of %u keys", signers->threshold,
                             signers->count);
    for (uint32_t i = 0; i < signers->count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (memcmp(&signers->keys[i], &signers->keys[j], sizeof signers->keys[i]) == 0)
                return kedge_err_set(err, KEDGE_INVALID, "key %u is listed twice", i + 1);
        }
    }
    return 0;
}

static int check_root(const struct kedge_root *root, struct kedge_err *err)
{
    if (root->version < 1)
        return kedge_err_set(err, KEDGE_INVALID, "root version %lld is not positive",
                             (long long)root->version);
    for (int i = 0; i < KEDGE_ROOT_ROLES; i++) {
        if (check_signers(&root->roles[i], err))
            return kedge_err_wrap(err, "root role '%s'",
                                  kedge_word_name(&kedge_root_role_words, i));
    }
    return 0;
}

/* The keys of all roles, each once, in the order of the roles. */
struct keys {
    const struct kedge_public_key *at[KEDGE_ROOT_ROLES * KEDGE_LIMIT_ROOT_KEYS];
    size_t count;
};

static void add_key(struct keys *keys, const struct kedge_public_key *key)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->at[i], key, sizeof *key) == 0)
            return;
    }
    keys->at[keys->count++] = key;
}

static struct keys collect(const struct kedge_root *root)
{
    struct keys keys = {0};
    for (int i = 0; i < KEDGE_ROOT_ROLES; i++) {
        for (uint32_t j = 0; j < root->roles[i].count; j++)
            add_key(&keys, &root->roles[i].keys[j]);
    }
    return keys;
}

/* A statement needs subjects, and what a root speaks of is its keys: a key's id is a SHA-256. */
static void write_subjects(struct kedge_json_writer *w, const struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        char text[KEDGE_KEY_TEXT];
        struct kedge_digest digest = kedge_statement_key_digest(keys->at[i]);
        kedge_statement_subject(w, kedge_public_key_format(keys->at[i], text), &digest);
    }
}

static void write_signers(struct kedge_json_writer *w, const struct kedge_root_signers *signers)
{
    char id[KEDGE_KEY_ID_TEXT];
    kedge_json_begin_object(w);
    kedge_json_key(w, "keyids");
    kedge_json_begin_array(w);
    for (uint32_t i = 0; i < signers->count; i++)
        kedge_json_put_string(w, kedge_public_key_id(&signers->keys[i], id));
    kedge_json_end_array(w);
    kedge_json_add_integer(w, "threshold", signers->threshold);
    kedge_json_end_object(w);
}

static void write_predicate(struct kedge_json_writer *w, const struct kedge_root *root,
                            const struct keys *keys)
{
    char id[KEDGE_KEY_ID_TEXT];
    kedge_json_begin_object(w);
    kedge_json_add_integer(w, "version", root->version);
    kedge_statement_add_time(w, "expires", root->expires);
    kedge_json_key(w, "keys");
    kedge_json_begin_object(w);
    for (size_t i = 0; i < keys->count; i++)
        kedge_statement_add_key(w, kedge_public_key_id(keys->at[i], id), keys->at[i]);
    kedge_json_end_object(w);
    kedge_json_key(w, "roles");
    kedge_json_begin_object(w);
    for (int i = 0; i < KEDGE_ROOT_ROLES; i++) {
        kedge_json_key(w, kedge_word_name(&kedge_root_role_words, i));
        write_signers(w, &root->roles[i]);
    }
    kedge_json_end_object(w);
    kedge_json_end_object(w);
}

int kedge_root_write(const struct kedge_root *root, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_json_writer w = {.out = &payload};
    int code = check_root(root, err);
    if (code)
        return code;
    struct keys keys = collect(root);
    kedge_statement_begin(&w);
    write_subjects(&w, &keys);
    kedge_statement_predicate(&w, KEDGE_ROOT_PREDICATE);
    write_predicate(&w, root, &keys);
    kedge_statement_end(&w);
    return kedge_envelope_sign(out, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&payload), NULL, 0,
                               err);
}

int kedge_root_sign(const struct kedge_root *current, struct kedge_slice file,
                    const struct kedge_key *key, struct kedge_buf *out, struct kedge_err *err)
{
    struct kedge_root root;
    struct kedge_public_key public = kedge_key_public(key);
    int code = kedge_root_peek(file, &root, err);
    if (code)
        return code;
    if (current && root.version != current->version + 1)
        return kedge_err_set(err, KEDGE_INVALID, "root version %lld does not follow version %lld",
                             (long long)root.version, (long long)current->version);
    if (!kedge_root_names(&root, KEDGE_ROOT_ROOT, &public) &&
        !(current && kedge_root_names(current, KEDGE_ROOT_ROOT, &public)))
        return kedge_err_set(err, KEDGE_DENIED,
                             "key '%.8s' is no root key of version %lld%s: its signature would "
                             "count for nothing",
                             kedge_key_id(key), (long long)root.version,
                             current            ? " or of the one before it"
                             : root.version > 1 ? "; the one before it is not at hand (--root)"
                                                : "");
    code = kedge_envelope_countersign(out, file, KEDGE_LIMIT_ROOT, key, err);
    return code ? kedge_err_wrap(err, "root") : 0;
}

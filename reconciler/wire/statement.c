/* SPDX-License-Identifier: Apache-2.0 */
#include "statement.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"

void kedge_statement_begin(struct kedge_json_writer *writer)
{
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "_type", STATEMENT_TYPE);
    kedge_json_key(writer, "subject");
    kedge_json_begin_array(writer);
}

void kedge_statement_subject(struct kedge_json_writer *writer, const char *name,
                             const struct kedge_digest *digest)
{
    char hex[KEDGE_DIGEST_HEX];
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "name", name);
    kedge_json_key(writer, "digest");
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "sha256",
                          kedge_hex_encode(digest->bytes, sizeof digest->bytes, hex));
    kedge_json_end_object(writer);
    kedge_json_end_object(writer);
}

void kedge_statement_predicate(struct kedge_json_writer *writer, const char *predicate_type)
{
    kedge_json_end_array(writer);
    kedge_json_add_string(writer, "predicateType", predicate_type);
    kedge_json_key(writer, "predicate");
}

void kedge_statement_end(struct kedge_json_writer *writer)
{
    kedge_json_end_object(writer);
}

void kedge_statement_add_time(struct kedge_json_writer *writer, const char *key, kedge_ms at)
{
    char text[KEDGE_TIME_TEXT];
    kedge_json_add_string(writer, key, kedge_clock_format(at, text));
}

int kedge_statement_time(const json_t *json, const char *key, kedge_ms *out, struct kedge_err *err)
{
    const char *text;
    int code = kedge_json_string(json, key, &text, err);
    if (!code && !kedge_clock_parse(text, out))
        code = kedge_err_set(err, KEDGE_INVALID, "member '%s' is not a time: '%.40s'", key, text);
    return code;
}

void kedge_statement_add_key(struct kedge_json_writer *writer, const char *key,
                             const struct kedge_public_key *value)
{
    char text[KEDGE_KEY_TEXT];
    kedge_json_add_string(writer, key, kedge_public_key_format(value, text));
}

int kedge_statement_key(const json_t *json, const char *key, struct kedge_public_key *out,
                        struct kedge_err *err)
{
    const char *text;
    int code = kedge_json_string(json, key, &text, err);
    if (code)
        return code;
    return kedge_public_key_parse(text, out, err) ? kedge_err_wrap(err, "member '%s'", key) : 0;
}

struct kedge_digest kedge_statement_key_digest(const struct kedge_public_key *key)
{
    char id[KEDGE_KEY_ID_TEXT];
    struct kedge_digest digest = {0};
    kedge_public_key_id(key, id);
    kedge_hex_decode(id, strlen(id), digest.bytes, sizeof digest.bytes);
    return digest;
}

static int check_word(const json_t *json, const char *key, const char *wanted,
                      struct kedge_err *err)
{
    const char *found;
    int code = kedge_json_string(json, key, &found, err);
    if (!code && strcmp(found, wanted) != 0)
        code =
            kedge_err_set(err, KEDGE_UNSUPPORTED, "%s '%.80s', '%s' is wanted", key, found, wanted);
    return code;
}

static int check_subjects(const json_t *json, struct kedge_err *err)
{
    json_t *subjects, *digest;
    int code = kedge_json_array(json, "subject", &subjects, err);
    if (code)
        return code;
    size_t count = json_array_size(subjects);
    if (count == 0)
        return kedge_err_set(err, KEDGE_INVALID, "no subject");
    for (size_t i = 0; i < count; i++) {
        code = kedge_json_object(json_array_get(subjects, i), "digest", &digest, err);
        if (!code && json_object_size(digest) == 0)
            code = kedge_err_set(err, KEDGE_INVALID, "member 'digest' is empty");
        if (code)
            return kedge_err_wrap(err, "subject %zu", i + 1);
    }
    return 0;
}

int kedge_statement_read(struct kedge_slice payload, size_t limit, const char *predicate_type,
                         json_t **out, json_t **predicate, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    int code = kedge_json_parse(payload.data, payload.size, limit, &json, err);
    if (!code)
        code = check_word(json, "_type", STATEMENT_TYPE, err);
    if (!code)
        code = check_word(json, "predicateType", predicate_type, err);
    if (!code)
        code = check_subjects(json, err);
    if (!code)
        code = kedge_json_object(json, "predicate", predicate, err);
    if (code)
        return kedge_err_wrap(err, "statement");
    *out = json;
    json = NULL;
    return 0;
}

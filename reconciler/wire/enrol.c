/* SPDX-License-Identifier: Apache-2.0 */
#include "enrol.h"

#include <string.h>

#include "base/codec.h"
#include "statement.h"

int kedge_enrol_request_sign(const struct kedge_enrol_request *request, const struct kedge_key *key,
                             struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_json_writer w = {.out = &payload};
    struct kedge_public_key public = kedge_key_public(key);
    struct kedge_digest subject = kedge_statement_key_digest(&public);
    kedge_statement_begin(&w);
    kedge_statement_subject(&w, request->device, &subject);
    kedge_statement_predicate(&w, KEDGE_ENROL_REQUEST);
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", request->device);
    kedge_json_add_string(&w, "hardware", request->hardware);
    kedge_statement_add_key(&w, "publicKey", &public);
    kedge_statement_add_time(&w, "issuedAt", request->issued);
    if (!kedge_digest_is_zero(&request->root)) {
        char root[KEDGE_DIGEST_TEXT];
        kedge_json_add_string(&w, "root", kedge_digest_format(&request->root, root));
    }
    if (request->has_token) {
        kedge_json_key(&w, "token");
        kedge_json_put_base64(&w, request->secret, sizeof request->secret);
    }
    kedge_json_end_object(&w);
    kedge_statement_end(&w);
    int code =
        kedge_envelope_sign(out, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&payload), &key, 1, err);
    return code ? kedge_err_wrap(err, "enrolment request") : 0;
}

/* A printable text of at most KEDGE_LIMIT_NAME bytes: it will be shown to an operator. */
static bool is_hardware(const char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return size > 0 && size <= KEDGE_LIMIT_NAME;
}

static int read_token(const json_t *json, struct kedge_enrol_request *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf secret = {0};
    if (!json_object_get(json, "token"))
        return 0;
    int code = kedge_json_base64(json, "token", &secret, err);
    if (!code && secret.size != sizeof out->secret)
        code = kedge_err_set(err, KEDGE_INVALID, "member 'token' has %zu bytes, %zu are needed",
                             secret.size, sizeof out->secret);
    if (code)
        return code;
    out->has_token = true;
    memcpy(out->secret, secret.data, sizeof out->secret);
    return 0;
}

static int read_request(struct kedge_arena *arena, const struct kedge_buf *payload,
                        struct kedge_enrol_request *out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    json_t *predicate;
    const char *device, *hardware = NULL, *root = NULL;
    int code = kedge_statement_read(kedge_buf_slice(payload), KEDGE_LIMIT_ENROL,
                                    KEDGE_ENROL_REQUEST, &json, &predicate, err);
    if (!code)
        code = kedge_json_string(predicate, "device", &device, err);
    if (!code)
        code = kedge_json_opt_string(predicate, "hardware", &hardware, err);
    if (!code)
        code = kedge_statement_key(predicate, "publicKey", &out->key, err);
    if (!code)
        code = kedge_statement_time(predicate, "issuedAt", &out->issued, err);
    if (!code)
        code = kedge_json_opt_string(predicate, "root", &root, err);
    if (!code)
        code = read_token(predicate, out, err);
    if (code)
        return code;
    if (!kedge_name_valid(device, strlen(device)))
        return kedge_err_set(err, KEDGE_INVALID, "'%.80s' is not a device name", device);
    if (hardware && !is_hardware(hardware))
        return kedge_err_set(err, KEDGE_INVALID,
                             "member 'hardware' is not 1 to %d printable "
                             "characters without spaces",
                             KEDGE_LIMIT_NAME);
    if (root && !kedge_digest_parse(root, &out->root))
        return kedge_err_set(err, KEDGE_INVALID, "member 'root' is not a digest: '%.80s'", root);
    out->device = kedge_arena_strdup(arena, device);
    out->hardware = hardware ? kedge_arena_strdup(arena, hardware) : NULL;
    return 0;
}

/* The key is inside: it is looked up there, has to verify the whole, and only then the verified
 * bytes are read. */
static int open_request(struct kedge_arena *arena, struct kedge_slice envelope,
                        struct kedge_enrol_request *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf claimed = {0}, payload = {0};
    struct kedge_enrol_request claim = {0};
    int code = kedge_envelope_peek(envelope, KEDGE_LIMIT_ENROL, &claimed, err);
    if (!code)
        code = read_request(arena, &claimed, &claim, err);
    if (code)
        return code;
    const struct kedge_envelope_trust trust = {&claim.key, 1, 1, KEDGE_ENVELOPE_IN_TOTO};
    code = kedge_envelope_verify(envelope.data, envelope.size, KEDGE_LIMIT_ENROL, &trust, &payload,
                                 err);
    return code ? code : read_request(arena, &payload, out, err);
}

int kedge_enrol_request_verify(struct kedge_arena *arena, struct kedge_slice envelope,
                               struct kedge_enrol_request *out, struct kedge_err *err)
{
    struct kedge_enrol_request request = {0};
    if (open_request(arena, envelope, &request, err))
        return kedge_err_wrap(err, "enrolment request");
    request.digest = kedge_digest_of(envelope.data, envelope.size);
    *out = request;
    return 0;
}

static void write_record(const struct kedge_enrol_request *request, int64_t generation,
                         kedge_ms now, struct kedge_buf *out)
{
    struct kedge_json_writer w = {.out = out};
    struct kedge_digest subject = kedge_statement_key_digest(&request->key);
    char digest[KEDGE_DIGEST_TEXT];
    kedge_statement_begin(&w);
    kedge_statement_subject(&w, request->device, &subject);
    kedge_statement_predicate(&w, KEDGE_ENROL_RECORD);
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", request->device);
    kedge_json_add_string(&w, "hardware", request->hardware);
    kedge_statement_add_key(&w, "publicKey", &request->key);
    kedge_json_add_string(&w, "request", kedge_digest_format(&request->digest, digest));
    kedge_json_add_integer(&w, "generation", generation);
    kedge_statement_add_time(&w, "issuedAt", now);
    kedge_json_end_object(&w);
    kedge_statement_end(&w);
}

int kedge_enrol_reply_sign(const struct kedge_enrol_request *request,
                           const struct kedge_slice *roots, size_t root_count, int64_t generation,
                           kedge_ms now, const struct kedge_key *const *directors,
                           size_t director_count, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0}, record = {0};
    write_record(request, generation, now, &payload);
    int code = kedge_envelope_sign(&record, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&payload),
                                   directors, director_count, err);
    if (code)
        return kedge_err_wrap(err, "enrolment record");
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_object(&w);
    kedge_json_key(&w, "roots");
    kedge_json_begin_array(&w);
    for (size_t i = 0; i < root_count; i++)
        kedge_json_put_base64(&w, roots[i].data, roots[i].size);
    kedge_json_end_array(&w);
    kedge_json_key(&w, "record");
    kedge_json_put_raw(&w, kedge_buf_slice(&record));
    kedge_json_end_object(&w);
    return 0;
}

static int read_roots(struct kedge_arena *arena, const json_t *json, struct kedge_enrol_reply *out,
                      struct kedge_err *err)
{
    json_t *list;
    int code = kedge_json_array(json, "roots", &list, err);
    if (code)
        return code;
    size_t count = json_array_size(list);
    if (count == 0 || count > KEDGE_LIMIT_ROOTS)
        return kedge_err_set(err, KEDGE_INVALID, "%zu roots, 1 to %d are read", count,
                             KEDGE_LIMIT_ROOTS);
    struct kedge_slice *roots = kedge_arena_array(arena, count, sizeof *roots);
    for (size_t i = 0; i < count; i++) {
        kedge_auto(kedge_buf) struct kedge_buf file = {0};
        const json_t *text = json_array_get(list, i);
        if (!json_is_string(text))
            return kedge_err_set(err, KEDGE_INVALID, "root %zu is not a string", i + 1);
        code = kedge_base64_decode(&file, json_string_value(text), json_string_length(text), err);
        if (code)
            return kedge_err_wrap(err, "root %zu", i + 1);
        roots[i] =
            (struct kedge_slice){kedge_arena_strndup(arena, file.data, file.size), file.size};
    }
    out->roots = roots;
    out->root_count = (uint32_t)count;
    return 0;
}

static int follow_roots(const struct kedge_digest *pin, kedge_ms now, struct kedge_enrol_reply *out,
                        struct kedge_err *err)
{
    int code = kedge_root_pin(out->roots[0], pin, &out->root, err);
    if (code)
        return code;
    if (kedge_root_walk(&out->root, out->roots + 1, out->root_count - 1, now, err))
        return kedge_err_wrap(err, "root");
    return 0;
}

/* The record speaks of this request, or of nothing. */
static int check_record(const json_t *predicate, const struct kedge_enrol_request *request,
                        struct kedge_enrol_reply *out, struct kedge_err *err)
{
    const char *device, *answered;
    struct kedge_public_key key;
    char digest[KEDGE_DIGEST_TEXT];
    int code = kedge_json_string(predicate, "device", &device, err);
    if (!code)
        code = kedge_statement_key(predicate, "publicKey", &key, err);
    if (!code)
        code = kedge_json_string(predicate, "request", &answered, err);
    if (!code)
        code = kedge_statement_time(predicate, "issuedAt", &out->issued, err);
    if (!code)
        code = kedge_json_opt_integer(predicate, "generation", &out->generation, err);
    if (code)
        return code;
    if (out->generation < 0)
        return kedge_err_set(err, KEDGE_INVALID, "generation %lld is negative",
                             (long long)out->generation);
    if (strcmp(device, request->device) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "it is for device '%.80s', not for '%s'", device,
                             request->device);
    if (memcmp(&key, &request->key, sizeof key) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "it is for another key than this device's");
    if (strcmp(answered, kedge_digest_format(&request->digest, digest)) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "it answers another request");
    return 0;
}

static int open_record(const json_t *json, const struct kedge_enrol_request *request,
                       struct kedge_enrol_reply *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    kedge_auto(kedge_json) json_t *statement = NULL;
    json_t *record, *predicate;
    const struct kedge_envelope_trust trust = kedge_root_trust(&out->root, KEDGE_ROOT_DIRECTOR);
    int code = kedge_json_object(json, "record", &record, err);
    if (!code)
        code = kedge_envelope_verify_json(record, &trust, &payload, err);
    if (!code)
        code = kedge_statement_read(kedge_buf_slice(&payload), KEDGE_LIMIT_ENROL,
                                    KEDGE_ENROL_RECORD, &statement, &predicate, err);
    if (!code)
        code = check_record(predicate, request, out, err);
    return code ? kedge_err_wrap(err, "record") : 0;
}

int kedge_enrol_reply_verify(struct kedge_arena *arena, struct kedge_slice reply,
                             const struct kedge_digest *pin,
                             const struct kedge_enrol_request *request, kedge_ms now,
                             struct kedge_enrol_reply *out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_enrol_reply found = {0};
    int code = kedge_json_parse(reply.data, reply.size, KEDGE_LIMIT_ENROL_REPLY, &json, err);
    if (!code)
        code = read_roots(arena, json, &found, err);
    if (!code)
        code = follow_roots(pin, now, &found, err);
    if (!code)
        code = open_record(json, request, &found, err);
    if (code)
        return kedge_err_wrap(err, "enrolment reply");
    *out = found;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "rotation.h"

#include <string.h>

#include "base/limits.h"
#include "statement.h"

int kedge_rotation_sign(const char *device, const struct kedge_key *before,
                        const struct kedge_key *after, kedge_ms now, struct kedge_buf *out,
                        struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_json_writer w = {.out = &payload};
    struct kedge_public_key old = kedge_key_public(before), new = kedge_key_public(after);
    struct kedge_digest subject = kedge_statement_key_digest(&new);
    const struct kedge_key *const keys[] = {before, after};
    kedge_statement_begin(&w);
    kedge_statement_subject(&w, device, &subject);
    kedge_statement_predicate(&w, KEDGE_ROTATION_PREDICATE);
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", device);
    kedge_statement_add_key(&w, "before", &old);
    kedge_statement_add_key(&w, "after", &new);
    kedge_statement_add_time(&w, "issuedAt", now);
    kedge_json_end_object(&w);
    kedge_statement_end(&w);
    int code = kedge_envelope_sign(out, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&payload), keys,
                                   KEDGE_COUNT(keys), err);
    return code ? kedge_err_wrap(err, "key rotation") : 0;
}

static int read_rotation(const struct kedge_buf *payload, const char *device,
                         const struct kedge_public_key *before, struct kedge_public_key *after,
                         struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    json_t *predicate;
    const char *named;
    struct kedge_public_key old, new;
    int code = kedge_statement_read(kedge_buf_slice(payload), KEDGE_LIMIT_ENROL,
                                    KEDGE_ROTATION_PREDICATE, &json, &predicate, err);
    if (!code)
        code = kedge_json_string(predicate, "device", &named, err);
    if (!code)
        code = kedge_statement_key(predicate, "before", &old, err);
    if (!code)
        code = kedge_statement_key(predicate, "after", &new, err);
    if (code)
        return code;
    if (strcmp(named, device) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "it is for device '%.80s', not for '%s'", named,
                             device);
    if (memcmp(&old, before, sizeof old) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "it replaces a key that is not the device's now");
    if (memcmp(&new, before, sizeof new) == 0)
        return kedge_err_set(err, KEDGE_DENIED, "the new key is the old one");
    *after = new;
    return 0;
}

/* Two distinct keys of two must have signed: the old one that is known, the new one that is
 * claimed. */
static int open_rotation(struct kedge_slice envelope, const char *device,
                         const struct kedge_public_key *before, struct kedge_public_key *after,
                         struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf claimed = {0}, payload = {0};
    struct kedge_public_key claim;
    int code = kedge_envelope_peek(envelope, KEDGE_LIMIT_ENROL, &claimed, err);
    if (!code)
        code = read_rotation(&claimed, device, before, &claim, err);
    if (code)
        return code;
    const struct kedge_public_key keys[] = {*before, claim};
    const struct kedge_envelope_trust trust = {keys, 2, 2, KEDGE_ENVELOPE_IN_TOTO};
    code = kedge_envelope_verify(envelope.data, envelope.size, KEDGE_LIMIT_ENROL, &trust, &payload,
                                 err);
    return code ? code : read_rotation(&payload, device, before, after, err);
}

int kedge_rotation_verify(struct kedge_slice envelope, const char *device,
                          const struct kedge_public_key *before, struct kedge_public_key *after,
                          struct kedge_err *err)
{
    int code = open_rotation(envelope, device, before, after, err);
    return code ? kedge_err_wrap(err, "key rotation") : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "statement.h"

void kedge_evidence_write(const struct kedge_report *report, const struct kedge_public_key *key,
                          struct kedge_buf *out)
{
    struct kedge_json_writer w = {.out = out};
    kedge_statement_begin(&w);
    for (uint32_t i = 0; i < report->instance_count; i++)
        kedge_statement_subject(&w, report->instances[i].instance, &report->instances[i].content);
    if (report->instance_count == 0) {
        struct kedge_digest self = kedge_digest_of(key->bytes, sizeof key->bytes);
        kedge_statement_subject(&w, report->device, &self);
    }
    kedge_statement_predicate(&w, KEDGE_EVIDENCE_PREDICATE);
    kedge_report_write(report, &w);
    kedge_statement_end(&w);
}

int kedge_evidence_seal(struct kedge_slice statement, const struct kedge_key *key,
                        struct kedge_buf *out, struct kedge_err *err)
{
    return kedge_envelope_sign(out, KEDGE_ENVELOPE_IN_TOTO, statement, &key, 1, err);
}

int kedge_evidence_sign(const struct kedge_report *report, const struct kedge_key *key,
                        struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    struct kedge_public_key public = kedge_key_public(key);
    kedge_evidence_write(report, &public, &statement);
    return kedge_evidence_seal(kedge_buf_slice(&statement), key, out, err);
}

int kedge_evidence_read(struct kedge_arena *arena, struct kedge_slice statement, const char *device,
                        struct kedge_report *out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    json_t *predicate;
    struct kedge_report report = {0};
    int code = kedge_statement_read(statement, KEDGE_LIMIT_REPORT, KEDGE_EVIDENCE_PREDICATE, &json,
                                    &predicate, err);
    if (!code)
        code = kedge_report_read(arena, predicate, &report, err);
    if (!code && strcmp(report.device, device) != 0)
        code = kedge_err_set(err, KEDGE_DENIED, "it speaks for device '%s'", report.device);
    if (code)
        return kedge_err_wrap(err, "report of device '%s'", device);
    report.self = kedge_digest_of(statement.data, statement.size);
    *out = report;
    return 0;
}

int kedge_evidence_verify(struct kedge_arena *arena, struct kedge_slice envelope,
                          const char *device, const struct kedge_public_key *key,
                          struct kedge_report *out, struct kedge_err *err)
{
    const struct kedge_envelope_trust trust = {.keys = key,
                                               .key_count = 1,
                                               .threshold = 1,
                                               .payload_type = KEDGE_ENVELOPE_IN_TOTO};
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    if (kedge_envelope_verify(envelope.data, envelope.size, KEDGE_LIMIT_REPORT, &trust, &statement,
                              err))
        return kedge_err_wrap(err, "report of device '%s'", device);
    return kedge_evidence_read(arena, kedge_buf_slice(&statement), device, out, err);
}

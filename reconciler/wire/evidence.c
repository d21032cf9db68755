/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "statement.h"

int kedge_evidence_sign(const struct kedge_report *report, const struct kedge_key *key,
                        struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_json_writer w = {.out = &payload};
    kedge_statement_begin(&w);
    for (uint32_t i = 0; i < report->instance_count; i++)
        kedge_statement_subject(&w, report->instances[i].instance, &report->instances[i].content);
    if (report->instance_count == 0) {
        struct kedge_public_key public = kedge_key_public(key);
        struct kedge_digest self = kedge_digest_of(public.bytes, sizeof public.bytes);
        kedge_statement_subject(&w, report->device, &self);
    }
    kedge_statement_predicate(&w, KEDGE_EVIDENCE_PREDICATE);
    kedge_report_write(report, &w);
    kedge_statement_end(&w);
    return kedge_envelope_sign(out, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&payload), &key, 1,
                               err);
}

int kedge_evidence_verify(struct kedge_arena *arena, struct kedge_slice envelope,
                          const char *device, const struct kedge_public_key *key,
                          struct kedge_report *out, struct kedge_err *err)
{
    const struct kedge_envelope_trust trust = {.keys = key,
                                               .key_count = 1,
                                               .threshold = 1,
                                               .payload_type = KEDGE_ENVELOPE_IN_TOTO};
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    kedge_auto(kedge_json) json_t *statement = NULL;
    json_t *predicate;
    struct kedge_report report = {0};
    int code = kedge_envelope_verify(envelope.data, envelope.size, KEDGE_LIMIT_REPORT, &trust,
                                     &payload, err);
    if (!code)
        code = kedge_statement_read(kedge_buf_slice(&payload), KEDGE_LIMIT_REPORT,
                                    KEDGE_EVIDENCE_PREDICATE, &statement, &predicate, err);
    if (!code)
        code = kedge_report_read(arena, predicate, &report, err);
    if (!code && strcmp(report.device, device) != 0)
        code = kedge_err_set(err, KEDGE_DENIED, "it speaks for device '%s'", report.device);
    if (code)
        return kedge_err_wrap(err, "report of device '%s'", device);
    *out = report;
    return 0;
}

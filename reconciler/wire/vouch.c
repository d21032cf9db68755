/* SPDX-License-Identifier: Apache-2.0 */
#include "vouch.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

int kedge_vouch_read(const char *value, const struct kedge_release_claim *wanted,
                     struct kedge_vouch *out, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_minisign parsed;
    struct kedge_release_claim claim;
    int code = kedge_minisign_parse((struct kedge_slice){value, strlen(value)}, &parsed, err);
    if (!code && !parsed.prehashed)
        code = kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "it is of minisign's older form: sign with 'minisign -S'");
    if (!code)
        code = kedge_release_read(&arena, parsed.trusted, &claim, err);
    if (!code)
        code = kedge_release_match(&claim, wanted, err);
    if (code)
        return code;
    kedge_minisign_id_format(parsed.id, out->key_id);
    out->counter = claim.counter;
    return 0;
}

/* What bears signatures: a version of `model`, or an application of that name. */
struct bearer {
    const char *kind, *name, *model;
    const struct kedge_release *release;
    struct kedge_findings *findings;
};

static void find(const struct bearer *bearer, uint32_t index, const char *rule, const char *remedy,
                 const char *what)
{
    const struct kedge_signature *signature = &bearer->release->signatures[index];
    char field[64];
    snprintf(field, sizeof field, "spec.signatures[%u]", index);
    kedge_finding_add(bearer->findings, KEDGE_SEVERITY_ERROR, rule, signature->at, field, remedy,
                      "release signature of %s '%s': %s", bearer->kind, bearer->name, what);
}

static bool is_repeated(const struct kedge_release *release, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (strcmp(release->signatures[i].key_id, release->signatures[index].key_id) == 0)
            return true;
    return false;
}

static void check_one(const struct bearer *bearer, uint32_t index)
{
    const struct kedge_release *release = bearer->release;
    const struct kedge_signature *signature = &release->signatures[index];
    const struct kedge_release_claim wanted = {
        .model = bearer->model,
        .version = release->version_text,
        .digest = release->artifact.digest,
        .size = release->artifact.size,
        .runtime = kedge_assignment_runtime(release->artifact.format, &release->runtime),
    };
    struct kedge_vouch vouch;
    struct kedge_err err;
    int code = kedge_vouch_read(signature->value, &wanted, &vouch, &err);
    if (code == KEDGE_DENIED)
        find(bearer, index, "signature-claim", "sign this version: 'kedge model sign'", err.msg);
    else if (code)
        find(bearer, index, "signature-form", "write it by 'kedge model sign'", err.msg);
    else if (strcmp(signature->key_id, vouch.key_id) != 0)
        find(bearer, index, "signature-key", "write the id that is in the signature",
             "its key has another id than 'keyId'");
    else if (is_repeated(release, index))
        find(bearer, index, "signature-twice", "remove one of them", "its key has signed twice");
}

static void check(const struct bearer *bearer, struct kedge_position at)
{
    const struct kedge_release *release = bearer->release;
    if (release->signature_count == 0)
        return;
    if (!release->artifact.url)
        kedge_finding_add(bearer->findings, KEDGE_SEVERITY_ERROR, "signature-form",
                          release->signatures[0].at, "spec.signatures", "remove them",
                          "%s '%s' has signatures and no artifact", bearer->kind, bearer->name);
    else if (release->signature_count > KEDGE_LIMIT_SIGNATURES)
        kedge_finding_add(bearer->findings, KEDGE_SEVERITY_ERROR, "signature-form", at,
                          "spec.signatures", "remove those of keys that no longer sign",
                          "%s '%s' has %u signatures, at most %d are read", bearer->kind,
                          bearer->name, release->signature_count, KEDGE_LIMIT_SIGNATURES);
    else
        for (uint32_t i = 0; i < release->signature_count; i++)
            check_one(bearer, i);
}

static void see_version(const void *before, const void *after, void *payload)
{
    const struct kedge_model_version *version = after;
    (void)before;
    if (version)
        check(&(struct bearer){"ModelVersion", version->object.name, version->model,
                               &version->release, payload},
              version->object.at);
}

static void see_application(const void *before, const void *after, void *payload)
{
    const struct kedge_application *application = after;
    (void)before;
    if (application)
        check(&(struct bearer){"Application", application->object.name, application->object.name,
                               &application->release, payload},
              application->object.at);
}

void kedge_vouch_check(const struct kedge_specs *before, const struct kedge_specs *specs,
                       struct kedge_findings *findings)
{
    static const struct kedge_specs none;
    if (!before)
        before = &none;
    kedge_table_diff(before->kinds[KEDGE_KIND_MODEL_VERSION],
                     specs->kinds[KEDGE_KIND_MODEL_VERSION], see_version, findings);
    kedge_table_diff(before->kinds[KEDGE_KIND_APPLICATION], specs->kinds[KEDGE_KIND_APPLICATION],
                     see_application, findings);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "judged.h"

#include <string.h>

#include "server/judge.h"

/* One sort of change that is held, and on how many devices. */
struct sort {
    const struct kedge_desired_refusal *refusal;
    const char *device; /* the first */
    size_t devices;
};

static struct kedge_rights_signer signer_of(const char *principal)
{
    bool fingerprint = strncmp(principal, "SHA256:", strlen("SHA256:")) == 0;
    return (struct kedge_rights_signer){.principals = fingerprint ? NULL : principal,
                                        .fingerprint = fingerprint ? principal : NULL};
}

static const struct kedge_object *find_object(const struct kedge_judgement *judged,
                                              const struct kedge_judge_object *held)
{
    const struct kedge_object *now = kedge_spec_find(judged->git->specs, held->kind, held->name);
    return now ? now : kedge_spec_find(judged->desired->specs, held->kind, held->name);
}

static void tell_objects(const struct kedge_judgement *judged, struct kedge_findings *findings)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_judge_object *held;
    while ((held = kedge_table_next(judged->objects, &iter)))
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "policy", find_object(judged, held)->at,
                          NULL, "have it signed by somebody whom a policy lets change it", "%s",
                          held->hold.why);
}

static void count(struct kedge_buf *sorts, const struct kedge_desired_refusal *refusal,
                  const char *device)
{
    struct sort *at = (struct sort *)sorts->data;
    for (size_t i = 0; i < sorts->size / sizeof *at; i++) {
        if (strcmp(at[i].refusal->why, refusal->why) != 0 ||
            strcmp(at[i].refusal->instance, refusal->instance) != 0)
            continue;
        at[i].devices++;
        return;
    }
    const struct sort sort = {refusal, device, 1};
    kedge_buf_add(sorts, &sort, sizeof sort);
}

static void tell_devices(const struct kedge_judgement *judged, struct kedge_findings *findings)
{
    kedge_auto(kedge_buf) struct kedge_buf sorts = {0};
    struct kedge_table_iter iter = {0};
    const struct kedge_desired_refused *row;
    while ((row = kedge_table_next(judged->desired->refused, &iter)))
        for (uint32_t i = 0; i < row->count; i++)
            count(&sorts, &row->at[i], row->name);
    const struct sort *at = (const struct sort *)sorts.data;
    for (size_t i = 0; i < sorts.size / sizeof *at; i++) {
        const struct kedge_desired_refusal *refusal = at[i].refusal;
        const struct kedge_desired_assignment *of =
            refusal->wanted ? refusal->wanted : refusal->kept;
        kedge_auto(kedge_buf) struct kedge_buf more = {0};
        if (at[i].devices > 1)
            kedge_buf_printf(&more, " and %zu more", at[i].devices - 1);
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "policy", of->deployment->object.at, NULL,
                          "have it signed by somebody whom a policy lets do it",
                          "'%s' on device '%s'%s would be held: %s", refusal->instance,
                          at[i].device, more.size ? more.data : "", refusal->why);
    }
}

void kedge_judged_check(const struct kedge_revision *before, const struct kedge_revision *after,
                        const char *principal, struct kedge_findings *findings)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_rights_signer signer = signer_of(principal);
    const struct kedge_judge_step step = {.commit = after->desired->specs->commit,
                                          .git = after->desired,
                                          .party.authors = {&signer, 1}};
    const struct kedge_judgement *judged =
        kedge_judge_next(&arena, kedge_judge_begin(&arena, before->desired), &step);
    tell_objects(judged, findings);
    tell_devices(judged, findings);
    kedge_finding_sort(findings);
}

void kedge_judged_check_file(const struct kedge_revision *before, const char *path,
                             const char *principal, struct kedge_findings *findings)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_rights_signer signer = signer_of(principal);
    const struct kedge_rights_party party = {.authors = {&signer, 1}};
    const struct kedge_specs *specs = before->desired->specs;
    struct kedge_rights_verdict verdict = kedge_rights_file(specs, &party, path);
    if (kedge_rights_bind(specs) && !verdict.allowed)
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "policy",
                          (struct kedge_position){.file = path}, NULL,
                          "the whole commit would be refused: leave it out",
                          "'%s' may not change '%s': %s", principal, path,
                          kedge_rights_explain(&arena, &verdict));
}

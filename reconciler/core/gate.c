/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <string.h>

struct kedge_gates kedge_gate_find(const struct kedge_specs *specs)
{
    struct kedge_gates gates = {0};
    struct kedge_table_iter iter = {0};
    const struct kedge_policy *policy;
    while ((policy = kedge_table_next(specs->kinds[KEDGE_KIND_POLICY], &iter)) != NULL) {
        gates.ready |= policy->require_ready;
        gates.scanned |= policy->require_scanned;
        gates.validated |= policy->require_validated;
        uint32_t keys = policy->release_keys > 0 ? policy->release_keys : policy->require_signed;
        gates.release_keys = keys > gates.release_keys ? keys : gates.release_keys;
    }
    return gates;
}

static const struct kedge_model_version *version_of(const struct kedge_desired_assignment *want)
{
    return want->assignment.kind == KEDGE_KIND_MODEL
               ? (const struct kedge_model_version *)want->source
               : NULL;
}

const char *kedge_gate_unscanned(struct kedge_arena *arena,
                                 const struct kedge_desired_assignment *want)
{
    const struct kedge_model_version *version = version_of(want);
    if (version == NULL)
        return NULL;
    const char *verdict = version->scan.verdict;
    if (verdict == NULL)
        return kedge_arena_printf(arena, "no scan of version %s is recorded, and policy wants one",
                                  want->assignment.version);
    return strcmp(verdict, "clean") == 0
               ? NULL
               : kedge_arena_printf(arena,
                                    "the scan of version %s says '%s', and policy wants it clean",
                                    want->assignment.version, verdict);
}

static bool is_on(const struct kedge_evaluation *evaluation,
                  const struct kedge_objective *objective)
{
    const char *metric = kedge_word_name(&kedge_objective_metric_words, (int)objective->metric);
    if (strcmp(evaluation->metric, metric) != 0)
        return false;
    return objective->dataset == NULL ||
           (evaluation->dataset != NULL && strcmp(evaluation->dataset, objective->dataset) == 0);
}

/* What is recorded of one objective: nothing, something within its bound, or beyond. */
static const char *judge(struct kedge_arena *arena, const struct kedge_model_version *version,
                         const struct kedge_sla *sla, const struct kedge_objective *objective)
{
    const char *metric = kedge_word_name(&kedge_objective_metric_words, (int)objective->metric);
    bool found = objective->metric != KEDGE_METRIC_ACCURACY;
    for (uint32_t i = 0; i < version->evaluation_count; i++) {
        const struct kedge_evaluation *evaluation = &version->evaluations[i];
        if (!is_on(evaluation, objective))
            continue;
        found = true;
        if (objective->has_min ? evaluation->value < objective->bound
                               : evaluation->value > objective->bound)
            return kedge_arena_printf(arena,
                                      "the evaluation of version %s says %s %g, and SLA '%s' wants "
                                      "at %s %g",
                                      version->release.version_text, metric, evaluation->value,
                                      sla->object.name, objective->has_min ? "least" : "most",
                                      objective->bound);
    }
    if (found)
        return NULL;
    return kedge_arena_printf(arena,
                              "no evaluation of version %s is recorded for %s%s%s of SLA '%s'",
                              version->release.version_text, metric,
                              objective->dataset != NULL ? " on data set " : "",
                              objective->dataset != NULL ? objective->dataset : "",
                              sla->object.name);
}

const char *kedge_gate_unvalidated(struct kedge_arena *arena, const struct kedge_specs *specs,
                                   const struct kedge_desired_assignment *want)
{
    const struct kedge_model_version *version = version_of(want);
    if (version == NULL)
        return NULL;
    const struct kedge_sla *sla = want->assignment.sla != NULL
                                      ? kedge_spec_find(specs, KEDGE_KIND_SLA, want->assignment.sla)
                                      : NULL;
    for (uint32_t i = 0; sla != NULL && i < sla->objective_count; i++) {
        const char *why = judge(arena, version, sla, &sla->objectives[i]);
        if (why != NULL)
            return why;
    }
    if (version->evaluation_count > 0)
        return NULL;
    return kedge_arena_printf(arena,
                              "no evaluation of version %s is recorded, and policy wants one",
                              version->release.version_text);
}

static uint32_t count_signers(const struct kedge_assignment *assignment)
{
    const struct kedge_signature *at = assignment->signatures;
    uint32_t count = 0;
    for (uint32_t i = 0; assignment->artifact.url != NULL && i < assignment->signature_count; i++) {
        uint32_t k = 0;
        while (k < i && strcmp(at[k].key_id, at[i].key_id) != 0)
            k++;
        count += k == i;
    }
    return count;
}

const char *kedge_gate_unsigned(struct kedge_arena *arena,
                                const struct kedge_assignment *assignment)
{
    uint32_t signers = assignment->release_keys > 0 ? count_signers(assignment) : 0;
    if (signers >= assignment->release_keys)
        return NULL;
    return kedge_arena_printf(arena,
                              "version %s has signatures of %u release keys, and policy wants %u",
                              assignment->version, signers, assignment->release_keys);
}

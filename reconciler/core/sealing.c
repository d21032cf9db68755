/* SPDX-License-Identifier: Apache-2.0 */
#include "sealing.h"

#include <string.h>

#include "base/buf.h"

static void count_device(const struct kedge_device *device, void *payload)
{
    (void)device;
    ++*(uint32_t *)payload;
}

void kedge_sealing_warn(const struct kedge_specs *specs, const struct kedge_deployment *deployment,
                        struct kedge_findings *findings)
{
    uint32_t devices = 0;
    if (deployment->secret_count > 0)
        kedge_spec_targets(specs, &deployment->targets, count_device, &devices);
    for (uint32_t i = 0; i < deployment->secret_count; i++) {
        const struct kedge_secret *secret = &deployment->secrets[i];
        if (secret->recipients < devices)
            kedge_finding_add(findings, KEDGE_SEVERITY_WARNING, "few-recipients",
                              deployment->object.at, "spec.secrets",
                              "seal it again with 'kedge secret seal --deployment'",
                              "secret '%s' of deployment '%s' is sealed for %u recipient%s, and %u "
                              "devices need it: the others will refuse to start",
                              secret->name, deployment->object.name, secret->recipients,
                              secret->recipients == 1 ? "" : "s", devices);
    }
}

/* Hooks and probes get secrets too. */
static bool runs_something(const struct kedge_runtime_spec *runtime)
{
    return runtime->driver != KEDGE_DRIVER_FILES || runtime->before_start.command.count > 0 ||
           runtime->after_stop.command.count > 0 || runtime->probe.kind == KEDGE_PROBE_EXEC;
}

static void check_names(const struct kedge_assignment *assignment,
                        const struct kedge_object *deployment, struct kedge_findings *findings)
{
    for (uint32_t i = 0; i < assignment->secret_count; i++)
        if (kedge_label_find(&assignment->runtime.env, assignment->secrets[i].name) != NULL)
            kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "variable-twice", deployment->at,
                              "spec.secrets", "give one of them another name",
                              "secret '%s' of deployment '%s' is a variable in 'runtime.env' of "
                              "'%s' version %s too",
                              assignment->secrets[i].name, deployment->name, assignment->instance,
                              assignment->version);
}

void kedge_sealing_check(const struct kedge_desired_deployment *row,
                         struct kedge_findings *findings)
{
    const struct kedge_deployment *deployment = row->deployment;
    bool used = deployment->secret_count == 0;
    for (uint32_t i = 0; i < row->count; i++) {
        const struct kedge_assignment *assignment = &row->assignments[i].assignment;
        used |= assignment->secret_count > 0 && runs_something(&assignment->runtime);
        check_names(assignment, &deployment->object, findings);
    }
    if (!used)
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "unused-secret", deployment->object.at,
                          "spec.secrets", "remove the secrets, or deploy what runs by itself",
                          "nothing that deployment '%s' brings would get its secrets: '%s' has "
                          "nothing of its own that runs",
                          deployment->object.name, deployment->target);
}

/* Both sides are sorted by name. */
const char *kedge_sealing_news(struct kedge_arena *arena, const struct kedge_assignment *before,
                               const struct kedge_assignment *after)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    for (uint32_t b = 0, a = 0; b < before->secret_count || a < after->secret_count;) {
        const struct kedge_secret *old = b < before->secret_count ? &before->secrets[b] : NULL;
        const struct kedge_secret *now = a < after->secret_count ? &after->secrets[a] : NULL;
        int order = old == NULL ? 1 : now == NULL ? -1 : strcmp(old->name, now->name);
        if (order != 0 || strcmp(old->sealed, now->sealed) != 0)
            kedge_buf_printf(&text, "%ssecret '%s' %s", text.size > 0 ? ", " : "",
                             order < 0 ? old->name : now->name,
                             order < 0   ? "removed"
                             : order > 0 ? "added"
                                         : "changed");
        b += order <= 0;
        a += order >= 0;
    }
    return text.size > 0 ? kedge_arena_strndup(arena, text.data, text.size) : NULL;
}

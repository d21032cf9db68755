/* SPDX-License-Identifier: Apache-2.0 */
#include "claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "gate.h"
#include "sealing.h"

/* The versions of one model, highest first. */
struct releases {
    const struct kedge_model_version *const *at;
    size_t count;
};

struct claims {
    struct kedge_arena *arena;
    const struct kedge_specs *specs;
    const struct kedge_desired *previous;
    struct kedge_findings *findings;
    struct releases releases; /* of all models, by model */
    uint32_t release_keys;    /* that policy wants to have signed */
};

/* One assignment to be: what was chosen for it. */
struct choice {
    const char *instance;
    const struct kedge_model *model;
    const struct kedge_model_version *version;   /* of a model */
    const struct kedge_application *application; /* the application itself, when version is NULL */
    const char *bundle; /* of a model: the application it came with, or NULL */
};

static int compare_releases(const void *left, const void *right)
{
    const struct kedge_model_version *a = *(const struct kedge_model_version *const *)left;
    const struct kedge_model_version *b = *(const struct kedge_model_version *const *)right;
    int order = strcmp(a->model, b->model);
    if (order == 0)
        order = kedge_version_compare(&b->release.version, &a->release.version);
    return order != 0 ? order : strcmp(a->object.name, b->object.name);
}

static struct releases all_releases(struct kedge_arena *arena, const struct kedge_specs *specs)
{
    const struct kedge_table *table = specs->kinds[KEDGE_KIND_MODEL_VERSION];
    size_t count = kedge_table_count(table);
    const struct kedge_model_version **at = kedge_arena_array(arena, count, sizeof(*at));
    struct kedge_table_iter iter = {0};
    for (size_t i = 0; i < count; i++)
        at[i] = kedge_table_next(table, &iter);
    if (count > 1)
        qsort(at, count, sizeof(*at), compare_releases);
    return (struct releases){at, count};
}

static struct releases releases_of(const struct releases *all, const char *model)
{
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(all->at[middle]->model, model) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < all->count && strcmp(all->at[end]->model, model) == 0)
        end++;
    return (struct releases){all->at + low, end - low};
}

static bool in_range(const struct kedge_range *range, const struct kedge_version *version)
{
    return range == NULL ? version->pre == NULL : kedge_range_match(range, version);
}

/* The highest version that is in range and ready; a draft only where the range names it. */
static const struct kedge_model_version *choose(const struct releases *releases,
                                                const struct kedge_range *range)
{
    bool drafts = range != NULL && kedge_range_is_exact(range);
    for (size_t i = 0; i < releases->count; i++) {
        const struct kedge_model_version *version = releases->at[i];
        if ((version->stage == KEDGE_STAGE_READY || drafts) &&
            in_range(range, &version->release.version))
            return version;
    }
    return NULL;
}

/* What there is instead, so that the reader need not look. */
static void describe(const struct releases *releases, struct kedge_buf *out)
{
    enum { SHOWN = 5 };
    if (releases->count == 0)
        kedge_buf_puts(out, "add a ModelVersion; there is none");
    for (size_t i = 0; i < releases->count && i < SHOWN; i++)
        kedge_buf_printf(out, "%s%s%s", i == 0 ? "choose from " : ", ",
                         releases->at[i]->release.version_text,
                         releases->at[i]->stage == KEDGE_STAGE_DRAFT ? " (draft)" : "");
    if (releases->count > SHOWN)
        kedge_buf_printf(out, " and %zu older", releases->count - SHOWN);
}

static void refuse_range(struct claims *c, const struct kedge_deployment *deployment,
                         struct kedge_position at, const char *field, const char *model,
                         const char *range)
{
    struct releases releases = releases_of(&c->releases, model);
    kedge_auto(kedge_buf) struct kedge_buf remedy = {0};
    describe(&releases, &remedy);
    kedge_finding_add(c->findings, KEDGE_SEVERITY_ERROR, "no-version", at, field, remedy.data,
                      "deployment '%s' finds no ready version of model '%s' in range '%s'",
                      deployment->object.name, model, range == NULL ? "*" : range);
}

static void add_choice(struct kedge_buf *choices, struct choice choice)
{
    kedge_buf_add(choices, &choice, sizeof choice);
}

static bool choose_model(struct claims *c, const struct kedge_deployment *deployment,
                         struct kedge_buf *choices)
{
    struct releases releases = releases_of(&c->releases, deployment->target);
    const struct kedge_model_version *version = choose(&releases, deployment->range);
    if (version == NULL) {
        refuse_range(c, deployment, deployment->object.at, "spec.version", deployment->target,
                     deployment->range_text);
        return false;
    }
    add_choice(choices,
               (struct choice){
                   .instance = deployment->target,
                   .model = kedge_spec_find(c->specs, KEDGE_KIND_MODEL, deployment->target),
                   .version = version,
               });
    return true;
}

/* An application without anything of its own to run is a bundle of models. */
static bool has_body(const struct kedge_application *application)
{
    const struct kedge_release *release = &application->release;
    return release->artifact.url != NULL || release->runtime.driver != KEDGE_DRIVER_FILES;
}

static bool choose_application(struct claims *c, const struct kedge_deployment *deployment,
                               struct kedge_buf *choices)
{
    const char *name = deployment->target;
    const struct kedge_application *application =
        kedge_spec_find(c->specs, KEDGE_KIND_APPLICATION, name);
    if (application == NULL || !in_range(deployment->range, &application->release.version)) {
        kedge_finding_add(
            c->findings, KEDGE_SEVERITY_ERROR, "no-version", deployment->object.at, "spec.version",
            "name the version that is declared, or widen the range",
            "deployment '%s' wants application '%s' in range '%s', and %s is declared",
            deployment->object.name, name,
            deployment->range_text == NULL ? "*" : deployment->range_text,
            application == NULL ? "none" : application->release.version_text);
        return false;
    }
    bool complete = true;
    if (has_body(application))
        add_choice(choices, (struct choice){.instance = name, .application = application});
    for (uint32_t i = 0; i < application->model_count; i++) {
        const struct kedge_application_model *need = &application->models[i];
        struct releases releases = releases_of(&c->releases, need->model);
        const struct kedge_model_version *version = choose(&releases, need->range);
        if (version == NULL) {
            refuse_range(c, deployment, need->at, "spec.models", need->model, need->range_text);
            complete = false;
            continue;
        }
        add_choice(choices, (struct choice){
                                .instance = need->model,
                                .model = kedge_spec_find(c->specs, KEDGE_KIND_MODEL, need->model),
                                .version = version,
                                .bundle = name,
                            });
    }
    return complete;
}

static int compare_choices(const void *left, const void *right)
{
    const struct choice *a = left, *b = right;
    return strcmp(a->instance, b->instance);
}

static bool is_unique(struct claims *c, const struct kedge_deployment *deployment,
                      const struct choice *choices, size_t count)
{
    bool unique = true;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(choices[i - 1].instance, choices[i].instance) != 0)
            continue;
        unique = false;
        kedge_finding_add(c->findings, KEDGE_SEVERITY_ERROR, "claimed-twice", deployment->object.at,
                          NULL, "name the model once, and the application unlike its models",
                          "application '%s' brings '%s' twice", deployment->target,
                          choices[i].instance);
    }
    return unique;
}

static const struct kedge_object *source_of(const struct choice *choice)
{
    return choice->version != NULL ? &choice->version->object : &choice->application->object;
}

/* The row of `previous`, when nothing that went into it has changed. */
static const struct kedge_desired_deployment *reuse(const struct claims *c,
                                                    const struct kedge_deployment *deployment,
                                                    const struct choice *choices, size_t count)
{
    const struct kedge_desired_deployment *old =
        kedge_table_find(c->previous->deployments, deployment->object.name);
    if (old == NULL || old->deployment != deployment || old->count != count)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (old->assignments[i].source != source_of(&choices[i]) ||
            old->assignments[i].model != choices[i].model ||
            old->assignments[i].assignment.release_keys != c->release_keys)
            return NULL;
    return old;
}

static void make_assignment(const struct claims *c, const struct kedge_deployment *deployment,
                            const struct choice *choice, struct kedge_desired_assignment *out)
{
    const struct kedge_model_version *version = choice->version;
    const struct kedge_release *release =
        version != NULL ? &version->release : &choice->application->release;
    /* An application's configuration and secrets are its own, not its models'. */
    bool configured = version == NULL || deployment->target_kind == KEDGE_KIND_MODEL;
    *out = (struct kedge_desired_assignment){
        .assignment =
            {
                .instance = choice->instance,
                .kind = version != NULL ? KEDGE_KIND_MODEL : KEDGE_KIND_APPLICATION,
                .deployment = deployment->object.name,
                .bundle = choice->bundle,
                .version = release->version_text,
                .state = deployment->state,
                .artifact = release->artifact,
                .runtime = release->runtime,
                .sla = deployment->sla,
                .arch = release->requires.arch,
                .signatures = release->signatures,
                .signature_count = release->signature_count,
                .release_keys = c->release_keys,
            },
        .deployment = deployment,
        .source = source_of(choice),
        .model = choice->model,
        .requires = &release->requires,
        .stage = version != NULL ? version->stage : KEDGE_STAGE_READY,
    };
    if (configured) {
        out->assignment.config = deployment->config;
        out->assignment.secrets = deployment->secrets;
        out->assignment.secret_count = deployment->secret_count;
    }
    if (choice->model != NULL)
        out->assignment.access = choice->model->access;
    kedge_assignment_seal(&out->assignment);
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer writer = {.out = &text};
    kedge_assignment_write(&out->assignment, &writer);
    out->json.data = kedge_arena_strndup(c->arena, text.data, text.size);
    out->json.size = text.size;
}

/* What the row before has to say of an assignment of the same version. */
static void compare_with_before(const struct claims *c, const char *deployment,
                                struct kedge_desired_assignment *made)
{
    const struct kedge_desired_deployment *old =
        kedge_table_find(c->previous->deployments, deployment);
    for (uint32_t i = 0; old != NULL && i < old->count; i++) {
        const struct kedge_assignment *before = &old->assignments[i].assignment;
        if (strcmp(before->instance, made->assignment.instance) != 0 ||
            strcmp(before->version, made->assignment.version) != 0)
            continue;
        made->news = kedge_sealing_news(c->arena, before, &made->assignment);
        made->before = before->content;
    }
}

/* The gate holds it until it is signed; here it is found before it is pushed. */
static void warn_unsigned(struct claims *c, const struct kedge_desired_deployment *row)
{
    for (uint32_t i = 0; i < row->count; i++) {
        kedge_auto(kedge_arena) struct kedge_arena scratch = {0};
        const struct kedge_desired_assignment *assignment = &row->assignments[i];
        const char *why = kedge_gate_unsigned(&scratch, &assignment->assignment);
        if (why != NULL)
            kedge_finding_add(c->findings, KEDGE_SEVERITY_WARNING, "unsigned",
                              assignment->source->at, "spec.signatures",
                              "sign it: 'kedge model sign'", "deployment '%s' of '%s' is held: %s",
                              row->name, assignment->assignment.instance, why);
    }
}

static const struct kedge_desired_deployment *claim(struct claims *c,
                                                    const struct kedge_deployment *deployment)
{
    kedge_auto(kedge_buf) struct kedge_buf buffer = {0};
    bool complete = deployment->target_kind == KEDGE_KIND_MODEL
                        ? choose_model(c, deployment, &buffer)
                        : choose_application(c, deployment, &buffer);
    struct choice *choices = (struct choice *)buffer.data;
    size_t count = buffer.size / sizeof *choices;
    if (count > 1)
        qsort(choices, count, sizeof *choices, compare_choices);
    if (!is_unique(c, deployment, choices, count) || !complete)
        return NULL;
    const struct kedge_desired_deployment *old = reuse(c, deployment, choices, count);
    if (old != NULL)
        return old;
    struct kedge_desired_assignment *assignments =
        kedge_arena_array(c->arena, count, sizeof *assignments);
    for (size_t i = 0; i < count; i++) {
        make_assignment(c, deployment, &choices[i], &assignments[i]);
        compare_with_before(c, deployment->object.name, &assignments[i]);
    }
    struct kedge_desired_deployment *row =
        kedge_arena_new(c->arena, struct kedge_desired_deployment);
    *row = (struct kedge_desired_deployment){
        .name = deployment->object.name,
        .deployment = deployment,
        .count = (uint32_t)count,
        .assignments = assignments,
    };
    kedge_sealing_check(row, c->findings);
    warn_unsigned(c, row);
    return row;
}

/* Do the manifests that claims are made from differ? */
static bool is_unchanged(const struct kedge_specs *specs, const struct kedge_desired *previous)
{
    static const enum kedge_kind kinds[] = {KEDGE_KIND_DEPLOYMENT, KEDGE_KIND_MODEL,
                                            KEDGE_KIND_MODEL_VERSION, KEDGE_KIND_APPLICATION,
                                            KEDGE_KIND_POLICY};
    if (previous->specs == NULL)
        return false;
    for (size_t i = 0; i < KEDGE_COUNT(kinds); i++)
        if (specs->kinds[kinds[i]] != previous->specs->kinds[kinds[i]])
            return false;
    return true;
}

static void warn_without_targets(const struct kedge_specs *specs,
                                 const struct kedge_deployment *deployment,
                                 struct kedge_findings *findings)
{
    if (!kedge_spec_has_target(specs, &deployment->targets))
        kedge_finding_add(findings, KEDGE_SEVERITY_WARNING, "no-target", deployment->object.at,
                          "spec.targets", "check the selector against the labels of the devices",
                          "deployment '%s' has no target: no device is named or matches",
                          deployment->object.name);
}

const struct kedge_table *kedge_claim_deployments(struct kedge_arena *arena,
                                                  const struct kedge_specs *specs,
                                                  const struct kedge_desired *previous,
                                                  struct kedge_findings *findings)
{
    const struct kedge_table *table = specs->kinds[KEDGE_KIND_DEPLOYMENT];
    bool unchanged = is_unchanged(specs, previous);
    kedge_auto(kedge_arena) struct kedge_arena scratch = {0};
    struct claims c = {.arena = arena, .specs = specs, .previous = previous, .findings = findings};
    if (!unchanged) {
        c.releases = all_releases(&scratch, specs);
        c.release_keys = kedge_gate_find(specs).release_keys;
    }
    kedge_auto(kedge_buf) struct kedge_buf rows = {0};
    struct kedge_table_iter iter = {0};
    const struct kedge_deployment *deployment;
    while ((deployment = kedge_table_next(table, &iter)) != NULL) {
        warn_without_targets(specs, deployment, findings);
        kedge_sealing_warn(specs, deployment, findings);
        const struct kedge_desired_deployment *row = unchanged ? NULL : claim(&c, deployment);
        if (row != NULL)
            kedge_buf_add(&rows, &row, sizeof(row));
    }
    if (unchanged)
        return previous->deployments;
    return kedge_table_build(arena, (const void *const *)rows.data, rows.size / sizeof(void *));
}

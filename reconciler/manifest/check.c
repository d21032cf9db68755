/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/digest.h"
#include "field.h"

/* --- references --- */

/* The name in `table` nearest to `name`, for a slip of the pen; NULL when none is near. */
static const char *nearest(const struct kedge_table *table, const char *name)
{
    enum { MANY = 1000 }; /* a fleet's names are too many and too alike to guess from */
    size_t count = kedge_table_count(table);
    if (count == 0 || count > MANY)
        return NULL;
    const char **names = kedge_alloc_array(count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = ((const struct kedge_object *)kedge_table_at(table, i))->name;
    const char *near = kedge_field_suggest(names, count, name);
    free(names);
    return near;
}

static void check_reference(const struct kedge_specs *specs,
                            const struct kedge_reference *reference,
                            struct kedge_findings *findings)
{
    const struct kedge_table *table = specs->kinds[reference->kind];
    if (kedge_table_find(table, reference->name))
        return;
    const char *kind = kedge_word_name(&kedge_kind_words, (int)reference->kind);
    const char *near = nearest(table, reference->name);
    kedge_auto(kedge_buf) struct kedge_buf remedy = {0};
    if (near)
        kedge_buf_printf(&remedy, "did you mean '%s'?", near);
    else
        kedge_buf_printf(&remedy, "declare it, or remove the reference");
    kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "dangling-reference", reference->at,
                      reference->field, remedy.data, "there is no %s '%s'", kind, reference->name);
}

static void check_references(const struct kedge_specs *specs, struct kedge_findings *findings)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_references *references;
    while ((references = kedge_table_next(specs->references, &iter)))
        for (uint32_t i = 0; i < references->count; i++)
            check_reference(specs, &references->at[i], findings);
}

/* --- versions --- */

/* All versions, by model, then by version, then by place. */
struct versions {
    const struct kedge_model_version **at;
    size_t count;
};

/* Text, because build metadata takes no part in precedence but makes another version. */
static int compare_identity(const struct kedge_model_version *a,
                            const struct kedge_model_version *b)
{
    int order = strcmp(a->model, b->model);
    return order ? order : strcmp(a->release.version_text, b->release.version_text);
}

static int compare_versions(const void *left, const void *right)
{
    const struct kedge_model_version *a = *(const struct kedge_model_version *const *)left;
    const struct kedge_model_version *b = *(const struct kedge_model_version *const *)right;
    int order = compare_identity(a, b);
    if (order == 0)
        order = strcmp(a->object.at.file, b->object.at.file);
    return order ? order : a->object.at.line < b->object.at.line ? -1 : 1;
}

static struct versions list_versions(const struct kedge_specs *specs)
{
    const struct kedge_table *table = specs->kinds[KEDGE_KIND_MODEL_VERSION];
    struct versions versions = {
        .at = kedge_alloc_array(kedge_table_count(table) + 1, sizeof *versions.at)};
    struct kedge_table_iter iter = {0};
    const struct kedge_model_version *version;
    while ((version = kedge_table_next(table, &iter)))
        if (version->model && version->release.version_text) /* else it has findings already */
            versions.at[versions.count++] = version;
    qsort(versions.at, versions.count, sizeof *versions.at, compare_versions);
    return versions;
}

static void check_duplicates(const struct versions *versions, struct kedge_findings *findings)
{
    for (size_t i = 1; i < versions->count; i++) {
        const struct kedge_model_version *first = versions->at[i - 1], *again = versions->at[i];
        if (compare_identity(first, again) == 0)
            kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "duplicate-version", again->object.at,
                              "spec.version", "give it the next version",
                              "version '%s' of model '%s' is declared twice, also at %s:%u:%u",
                              again->release.version_text, again->model, first->object.at.file,
                              first->object.at.line, first->object.at.column);
    }
}

/* --- drafts --- */

struct drafts {
    const struct kedge_specs *specs;
    const struct versions *versions;
    struct kedge_findings *findings;
    const struct kedge_policy *policy; /* that demands ready versions, or NULL */
};

static size_t first_of_model(const struct versions *versions, const char *model)
{
    size_t low = 0, high = versions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(versions->at[middle]->model, model) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A range never chooses a draft; an exact version may. */
static void check_draft(const struct drafts *d, const char *model, const struct kedge_range *range,
                        struct kedge_position at)
{
    if (!model || !range || !kedge_range_is_exact(range))
        return;
    const struct versions *versions = d->versions;
    for (size_t i = first_of_model(versions, model); i < versions->count; i++) {
        const struct kedge_model_version *version = versions->at[i];
        if (strcmp(version->model, model) != 0)
            return;
        if (version->stage != KEDGE_STAGE_DRAFT ||
            !kedge_range_match(range, &version->release.version))
            continue;
        if (d->policy)
            kedge_finding_add(d->findings, KEDGE_SEVERITY_ERROR, "draft-deployed", at,
                              "spec.version", "set its stage to ready, or choose a ready version",
                              "version '%s' of model '%s' is a draft, and policy '%s' demands "
                              "ready versions",
                              version->release.version_text, model, d->policy->object.name);
        else
            kedge_finding_add(d->findings, KEDGE_SEVERITY_WARNING, "draft-deployed", at,
                              "spec.version", "set its stage to ready when it is",
                              "version '%s' of model '%s' is a draft",
                              version->release.version_text, model);
    }
}

static const struct kedge_policy *find_gate(const struct kedge_specs *specs)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_policy *policy;
    while ((policy = kedge_table_next(specs->kinds[KEDGE_KIND_POLICY], &iter)))
        if (policy->require_ready)
            return policy;
    return NULL;
}

static void check_drafts(const struct kedge_specs *specs, const struct versions *versions,
                         struct kedge_findings *findings)
{
    struct drafts d = {specs, versions, findings, find_gate(specs)};
    struct kedge_table_iter iter = {0};
    const struct kedge_deployment *deployment;
    while ((deployment = kedge_table_next(specs->kinds[KEDGE_KIND_DEPLOYMENT], &iter)))
        if (deployment->target_kind == KEDGE_KIND_MODEL)
            check_draft(&d, deployment->target, deployment->range, deployment->object.at);
    const struct kedge_application *application;
    iter = (struct kedge_table_iter){0};
    while ((application = kedge_table_next(specs->kinds[KEDGE_KIND_APPLICATION], &iter)))
        for (uint32_t i = 0; i < application->model_count; i++)
            check_draft(&d, application->models[i].model, application->models[i].range,
                        application->models[i].at);
}

/* --- dependsOn --- */

/* Depth-first over the deployments, with the way in hand: a chain may be long, so no recursion. */
struct walk {
    const struct kedge_table *deployments;
    struct place {
        const struct kedge_deployment *deployment;
        enum { UNSEEN, OPEN, DONE } state;
        uint32_t next; /* dependency to follow */
    } * places;        /* by name */
    size_t *way;       /* open places, outermost first */
    size_t depth, count;
    struct kedge_findings *findings;
};

/* The index of a deployment, or SIZE_MAX. */
static size_t place_of(const struct walk *w, const char *name)
{
    size_t low = 0, high = w->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(w->places[middle].deployment->object.name, name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

static void add_cycle(struct walk *w, size_t first)
{
    enum { SHOWN = 8 };
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    size_t start = w->depth;
    while (w->way[--start] != first)
        continue;
    for (size_t i = start; i < w->depth; i++) {
        if (i - start == SHOWN) {
            kedge_buf_printf(&path, "... (%zu more) -> ", w->depth - i);
            break;
        }
        kedge_buf_printf(&path, "%s -> ", w->places[w->way[i]].deployment->object.name);
    }
    kedge_buf_puts(&path, w->places[first].deployment->object.name);
    kedge_finding_add(w->findings, KEDGE_SEVERITY_ERROR, "dependency-cycle",
                      w->places[first].deployment->object.at, "spec.dependsOn",
                      "remove one of these dependencies", "deployments wait for each other: %s",
                      path.data);
}

static void open_place(struct walk *w, size_t index)
{
    w->places[index].state = OPEN;
    w->way[w->depth++] = index;
}

static void walk_from(struct walk *w, size_t first)
{
    open_place(w, first);
    while (w->depth) {
        struct place *place = &w->places[w->way[w->depth - 1]];
        const struct kedge_strings *needs = &place->deployment->depends_on;
        if (place->next == needs->count) {
            place->state = DONE;
            w->depth--;
            continue;
        }
        const char *name = needs->at[place->next++];
        size_t index = name ? place_of(w, name) : SIZE_MAX;
        if (index == SIZE_MAX)
            continue; /* dangling, and found as such */
        if (w->places[index].state == OPEN)
            add_cycle(w, index);
        else if (w->places[index].state == UNSEEN)
            open_place(w, index);
    }
}

static void check_cycles(const struct kedge_specs *specs, struct kedge_findings *findings)
{
    const struct kedge_table *table = specs->kinds[KEDGE_KIND_DEPLOYMENT];
    struct walk w = {.deployments = table, .count = kedge_table_count(table), .findings = findings};
    w.places = kedge_alloc_array(w.count + 1, sizeof *w.places);
    w.way = kedge_alloc_array(w.count + 1, sizeof *w.way);
    struct kedge_table_iter iter = {0};
    for (size_t i = 0; i < w.count; i++)
        w.places[i].deployment = kedge_table_next(table, &iter);
    for (size_t i = 0; i < w.count; i++)
        if (w.places[i].state == UNSEEN)
            walk_from(&w, i);
    free(w.places);
    free(w.way);
}

void kedge_check_specs(const struct kedge_specs *specs, struct kedge_findings *findings)
{
    struct versions versions = list_versions(specs);
    check_references(specs, findings);
    check_duplicates(&versions, findings);
    check_drafts(specs, &versions, findings);
    check_cycles(specs, findings);
    free(versions.at);
}

/* --- immutable versions --- */

struct comparison {
    struct versions before;
    struct kedge_findings *findings;
};

static int compare_key(const void *key, const void *item)
{
    return compare_identity(key, *(const struct kedge_model_version *const *)item);
}

static void visit_version(const void *before, const void *after, void *payload)
{
    struct comparison *c = payload;
    const struct kedge_model_version *now = after;
    (void)before;
    if (!now || !now->model || !now->release.version_text)
        return;
    const struct kedge_model_version **found =
        bsearch(now, c->before.at, c->before.count, sizeof *c->before.at, compare_key);
    if (!found ||
        kedge_digest_equal(&(*found)->release.artifact.digest, &now->release.artifact.digest))
        return;
    kedge_finding_add(c->findings, KEDGE_SEVERITY_ERROR, "version-changed", now->object.at,
                      "spec.artifact.digest", "declare a new version",
                      "version '%s' of model '%s' has another artifact than before: what a "
                      "version names never changes",
                      now->release.version_text, now->model);
}

void kedge_check_immutable(const struct kedge_specs *before, const struct kedge_specs *after,
                           struct kedge_findings *findings)
{
    struct comparison c = {list_versions(before), findings};
    kedge_table_diff(before->kinds[KEDGE_KIND_MODEL_VERSION],
                     after->kinds[KEDGE_KIND_MODEL_VERSION], visit_version, &c);
    free(c.before.at);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

static const char *const keys[] = {"arch", "site", "tier"};
static const char *const values[] = {"a", "b", "c"};
static const char *const version_texts[WORLD_VERSIONS] = {"1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0"};
static const char *const ranges[] = {"*", "^1", "1.0.0", ">=1.1", "^1 || ^2", "2.0.0-rc.1"};

static size_t below(struct world *w, size_t limit)
{
    return kedge_rng_below(&w->rng, limit);
}

static bool chance(struct world *w, unsigned percent)
{
    return kedge_rng_chance(&w->rng, percent);
}

static const struct kedge_device *make_device(struct world *w, size_t index)
{
    struct kedge_device *device = kedge_arena_new(&w->arena, struct kedge_device);
    struct kedge_label *labels = kedge_arena_array(&w->arena, KEDGE_COUNT(keys), sizeof *labels);
    device->object.name = kedge_arena_printf(&w->arena, "d%02zu", index);
    device->object.labels.at = labels;
    for (size_t k = 0; k < KEDGE_COUNT(keys); k++)
        if (chance(w, 70))
            labels[device->object.labels.count++] =
                (struct kedge_label){keys[k], values[below(w, KEDGE_COUNT(values))]};
    device->public_key[0] = !chance(w, 10);
    if (chance(w, 5)) {
        struct kedge_suspend *suspend = kedge_arena_new(&w->arena, struct kedge_suspend);
        *suspend = (struct kedge_suspend){"audit", "ann", chance(w, 50) ? 5000 : 0};
        device->suspend = suspend;
    }
    return device;
}

static const struct kedge_range *parse_range(struct world *w, const char *text)
{
    const struct kedge_range *range = NULL;
    cr_assert_eq(kedge_range_parse(&w->arena, text, &range, NULL), 0);
    return range;
}

static struct kedge_release make_release(struct world *w, const char *text)
{
    struct kedge_release release = {
        .version_text = text,
        .artifact = {"hub:", kedge_digest_of(text, strlen(text)), (int64_t)below(w, 1000),
                     KEDGE_FORMAT_ZIP},
        .runtime = {.driver = KEDGE_DRIVER_PROCESS},
    };
    cr_assert_eq(kedge_version_parse(&w->arena, text, &release.version, NULL), 0);
    if (chance(w, 20)) {
        release.requires.arch.at = values;
        release.requires.arch.count = 2;
    }
    return release;
}

static const struct kedge_model *make_model(struct world *w, size_t index)
{
    struct kedge_model *model = kedge_arena_new(&w->arena, struct kedge_model);
    model->object.name = kedge_arena_printf(&w->arena, "m%zu", index);
    if (chance(w, 50))
        model->access = (struct kedge_strings){values, 1 + (uint32_t)below(w, 2)};
    return model;
}

static const struct kedge_model_version *make_version(struct world *w, size_t index)
{
    struct kedge_model_version *version = kedge_arena_new(&w->arena, struct kedge_model_version);
    const char *text = version_texts[index % WORLD_VERSIONS];
    version->model = kedge_arena_printf(&w->arena, "m%zu", index / WORLD_VERSIONS);
    version->object.name = kedge_arena_printf(&w->arena, "%s-%s", version->model, text);
    version->release = make_release(w, text);
    /* 1.x is always ready, so that every range but two has something to choose. */
    version->stage =
        index % WORLD_VERSIONS < 2 || chance(w, 60) ? KEDGE_STAGE_READY : KEDGE_STAGE_DRAFT;
    return version;
}

/* Applications bring the last models, which no deployment names itself. */
static const struct kedge_application *make_application(struct world *w, size_t index)
{
    struct kedge_application *application = kedge_arena_new(&w->arena, struct kedge_application);
    struct kedge_application_model *need =
        kedge_arena_new(&w->arena, struct kedge_application_model);
    application->object.name = kedge_arena_printf(&w->arena, "app%zu", index);
    application->release = make_release(w, "3.0.0");
    if (chance(w, 30))
        application->release.artifact = (struct kedge_artifact_ref){0};
    need->model = kedge_arena_printf(&w->arena, "m%zu", WORLD_MODELS - 1 - index);
    need->range_text = ranges[below(w, 2)];
    need->range = parse_range(w, need->range_text);
    application->models = need;
    application->model_count = 1;
    return application;
}

static struct kedge_targets make_targets(struct world *w)
{
    struct kedge_targets targets = {.has_selector = chance(w, 85)};
    uint32_t count = (uint32_t)below(w, 3);
    struct kedge_requirement *at = kedge_arena_array(&w->arena, count, sizeof *at);
    for (uint32_t i = 0; i < count; i++) {
        at[i].key = keys[below(w, KEDGE_COUNT(keys))];
        at[i].op = (enum kedge_selector_operator)below(w, 4);
        if (at[i].op == KEDGE_SELECTOR_IN || at[i].op == KEDGE_SELECTOR_NOT_IN)
            at[i].values = (struct kedge_strings){values + below(w, 2), 2};
    }
    targets.selector = (struct kedge_selector){at, count};
    if (chance(w, 40)) {
        const char **names = kedge_arena_array(&w->arena, 3, sizeof *names);
        for (size_t i = 0; i < 3; i++)
            names[i] = kedge_arena_printf(&w->arena, "d%02zu", below(w, WORLD_DEVICES));
        targets.devices = (struct kedge_strings){names, 3};
    }
    return targets;
}

static const struct kedge_deployment *make_deployment(struct world *w, size_t index)
{
    struct kedge_deployment *deployment = kedge_arena_new(&w->arena, struct kedge_deployment);
    deployment->object.name = kedge_arena_printf(&w->arena, "deploy%zu", index);
    deployment->object.at = (struct kedge_position){"fleet.yaml", (uint32_t)index + 1, 1};
    bool application = index >= WORLD_DEPLOYMENTS - WORLD_APPLICATIONS;
    size_t target = application ? index - (WORLD_DEPLOYMENTS - WORLD_APPLICATIONS) : index;
    if (!application)
        target = w->conflicts ? target % 3 : target % (WORLD_MODELS - WORLD_APPLICATIONS);
    deployment->target_kind = application ? KEDGE_KIND_APPLICATION : KEDGE_KIND_MODEL;
    deployment->target = kedge_arena_printf(&w->arena, application ? "app%zu" : "m%zu", target);
    deployment->range_text = application ? "*" : ranges[below(w, KEDGE_COUNT(ranges) - 1)];
    deployment->range = parse_range(w, deployment->range_text);
    deployment->targets = make_targets(w);
    deployment->state = chance(w, 80) ? KEDGE_RUN_RUNNING : KEDGE_RUN_STOPPED;
    deployment->prune = chance(w, 85);
    if (chance(w, 30)) {
        const char **names = kedge_arena_array(&w->arena, 1, sizeof *names);
        names[0] = kedge_arena_printf(&w->arena, "deploy%zu", below(w, WORLD_DEPLOYMENTS));
        deployment->depends_on = (struct kedge_strings){names, 1};
    }
    return deployment;
}

static const struct kedge_policy *make_policy(struct world *w)
{
    struct kedge_policy *policy = kedge_arena_new(&w->arena, struct kedge_policy);
    policy->object.name = "guard";
    policy->require_ready = chance(w, 50);
    policy->has_destroy_budget = chance(w, 70);
    policy->destroy_budget = (int64_t)below(w, 30);
    policy->destroy_budget_percent = chance(w, 50);
    return policy;
}

static const struct kedge_window *make_window(struct world *w)
{
    struct kedge_window *window = kedge_arena_new(&w->arena, struct kedge_window);
    window->object.name = "night";
    window->deny = chance(w, 50);
    window->duration = 3600000;
    window->targets = make_targets(w);
    cr_assert_eq(kedge_cron_parse(chance(w, 50) ? "0 * * * *" : "0 3 * * *", &window->cron, NULL),
                 0);
    cr_assert_eq(kedge_zone_load(&w->arena, "UTC", &window->zone, NULL), 0);
    return window;
}

struct world world_make(uint64_t seed)
{
    struct world w = {.rng = kedge_rng_make(seed)};
    for (size_t i = 0; i < WORLD_DEVICES; i++)
        w.devices[i] = chance(&w, 90) ? make_device(&w, i) : NULL;
    for (size_t i = 0; i < WORLD_MODELS; i++)
        w.models[i] = make_model(&w, i);
    for (size_t i = 0; i < WORLD_MODELS * WORLD_VERSIONS; i++)
        w.versions[i] = make_version(&w, i);
    for (size_t i = 0; i < WORLD_APPLICATIONS; i++)
        w.applications[i] = make_application(&w, i);
    /* Without conflicts: as many deployments of models as there are models of their own. */
    for (size_t i = 0; i < WORLD_DEPLOYMENTS; i++)
        if (i < WORLD_MODELS - WORLD_APPLICATIONS || i >= WORLD_DEPLOYMENTS - WORLD_APPLICATIONS)
            w.deployments[i] = make_deployment(&w, i);
    if (chance(&w, 60))
        w.policy = make_policy(&w);
    if (chance(&w, 60))
        w.window = make_window(&w);
    return w;
}

void world_release(struct world *world)
{
    kedge_arena_release(&world->arena);
}

static void edit_deployment(struct world *w)
{
    size_t index = below(w, WORLD_DEPLOYMENTS);
    bool spare = index >= WORLD_MODELS - WORLD_APPLICATIONS &&
                 index < WORLD_DEPLOYMENTS - WORLD_APPLICATIONS;
    if (spare && !w->conflicts)
        return;
    w->deployments[index] =
        w->deployments[index] != NULL && chance(w, 30) ? NULL : make_deployment(w, index);
}

void world_edit(struct world *w)
{
    size_t index;
    switch (below(w, 8)) {
    case 0:
        index = below(w, WORLD_MODELS * WORLD_VERSIONS);
        w->versions[index] = make_version(w, index);
        break;
    case 1:
        index = below(w, WORLD_MODELS);
        w->models[index] = make_model(w, index);
        break;
    case 2:
        index = below(w, WORLD_APPLICATIONS);
        w->applications[index] = make_application(w, index);
        break;
    case 3:
    case 4:
        edit_deployment(w);
        break;
    default:
        index = below(w, WORLD_DEVICES);
        w->devices[index] =
            w->devices[index] != NULL && chance(w, 30) ? NULL : make_device(w, index);
    }
}

static const struct kedge_table *build(struct world *w, const void *objects, size_t count)
{
    const struct kedge_object *const *from = objects;
    const struct kedge_object **there = kedge_arena_array(&w->arena, count, sizeof(*there));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (from[i] != NULL)
            there[kept++] = from[i];
    for (size_t i = 1; i < kept; i++) /* names were given in order, but for versions */
        for (size_t k = i; k > 0 && strcmp(there[k - 1]->name, there[k]->name) > 0; k--) {
            const struct kedge_object *swap = there[k];
            there[k] = there[k - 1];
            there[k - 1] = swap;
        }
    return kedge_table_build(&w->arena, (const void *const *)there, kept);
}

static const struct kedge_posting *make_posting(struct world *w, const char *key, const char *value)
{
    const struct kedge_device *found[WORLD_DEVICES] = {0};
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        const char *has =
            w->devices[i] != NULL ? kedge_label_find(&w->devices[i]->object.labels, key) : NULL;
        if (has != NULL && (value == NULL || strcmp(has, value) == 0))
            found[i] = w->devices[i];
    }
    struct kedge_posting *posting = kedge_arena_new(&w->arena, struct kedge_posting);
    posting->name = value == NULL ? key : kedge_arena_printf(&w->arena, "%s=%s", key, value);
    posting->devices = build(w, found, WORLD_DEVICES);
    return posting;
}

const struct kedge_specs *world_specs(struct world *w)
{
    struct kedge_specs *specs = kedge_arena_new(&w->arena, struct kedge_specs);
    const struct kedge_table **kinds = specs->kinds;
    kinds[KEDGE_KIND_DEVICE] = build(w, w->devices, WORLD_DEVICES);
    kinds[KEDGE_KIND_MODEL] = build(w, w->models, WORLD_MODELS);
    kinds[KEDGE_KIND_MODEL_VERSION] = build(w, w->versions, WORLD_MODELS * WORLD_VERSIONS);
    kinds[KEDGE_KIND_APPLICATION] = build(w, w->applications, WORLD_APPLICATIONS);
    kinds[KEDGE_KIND_DEPLOYMENT] = build(w, w->deployments, WORLD_DEPLOYMENTS);
    kinds[KEDGE_KIND_POLICY] = build(w, &w->policy, 1);
    kinds[KEDGE_KIND_MAINTENANCE_WINDOW] = build(w, &w->window, 1);
    const void *postings[KEDGE_COUNT(keys) * (KEDGE_COUNT(values) + 1)];
    size_t count = 0;
    for (size_t k = 0; k < KEDGE_COUNT(keys); k++) {
        postings[count++] = make_posting(w, keys[k], NULL);
        for (size_t v = 0; v < KEDGE_COUNT(values); v++)
            postings[count++] = make_posting(w, keys[k], values[v]);
    }
    specs->postings = kedge_table_build(&w->arena, postings, count);
    memset(specs->commit, 'c', KEDGE_COMMIT_TEXT - 1);
    return specs;
}

/* Room for every instance a change may add. */
static struct kedge_reported *room(struct kedge_actual_device *row)
{
    enum { ROOM = 64 };
    if (row->report.instances == NULL)
        row->report.instances = kedge_arena_array(&row->arena, ROOM, sizeof *row->report.instances);
    cr_assert_lt(row->report.instance_count, (uint32_t)ROOM);
    return row->report.instances;
}

static void put(struct kedge_actual_device *row, struct kedge_reported held)
{
    struct kedge_reported *at = room(row);
    uint32_t i = 0, count = row->report.instance_count;
    while (i < count && strcmp(at[i].instance, held.instance) < 0)
        i++;
    if (i == count || strcmp(at[i].instance, held.instance) != 0) {
        memmove(at + i + 1, at + i, (count - i) * sizeof *at);
        row->report.instance_count++;
    }
    at[i] = held;
}

static void drop(struct kedge_actual_device *row, const char *instance)
{
    struct kedge_reported *at = row->report.instances;
    uint32_t i = 0;
    while (strcmp(at[i].instance, instance) != 0)
        i++;
    row->report.instance_count--;
    memmove(at + i, at + i + 1, (row->report.instance_count - i) * sizeof *at);
}

static struct kedge_reported as_wanted(const struct kedge_assignment *want)
{
    return (struct kedge_reported){
        .instance = want->instance,
        .deployment = want->deployment,
        .version = want->version,
        .content = want->content,
        .state = want->state,
        .health = KEDGE_HEALTH_HEALTHY,
        .verified = want->state == KEDGE_RUN_RUNNING,
    };
}

static struct kedge_actual_device *random_row(struct world *w, const char *name,
                                              const struct kedge_desired_device *desired)
{
    struct kedge_actual_device *row = kedge_actual_device_new(name);
    for (uint32_t i = 0; desired != NULL && i < desired->count; i++) {
        struct kedge_reported held = as_wanted(&desired->assignments[i]->assignment);
        if (chance(w, 20))
            continue;
        if (chance(w, 15))
            held.content = kedge_digest_of("old", 3);
        if (chance(w, 15))
            held.state = held.state == KEDGE_RUN_RUNNING ? KEDGE_RUN_STOPPED : KEDGE_RUN_RUNNING;
        if (chance(w, 15))
            held.integrity = (enum kedge_integrity)below(w, 3);
        put(row, held);
    }
    if (chance(w, 20))
        put(row,
            (struct kedge_reported){.instance = "foreign", .integrity = KEDGE_INTEGRITY_EXTRA});
    if (chance(w, 30))
        put(row, (struct kedge_reported){.instance = "gone",
                                         .deployment = chance(w, 50) ? "deploy1" : "deleted",
                                         .version = "0.9.0",
                                         .content = kedge_digest_of("gone", 4),
                                         .verified = true});
    row->report.capacity.arch = chance(w, 50) ? values[below(w, KEDGE_COUNT(values))] : NULL;
    row->report.disk_free = (int64_t)below(w, 3000);
    kedge_actual_device_seal(row);
    return row;
}

void world_actual(struct world *w, const struct kedge_desired *desired, struct kedge_actual *actual)
{
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        const char *name = kedge_arena_printf(&w->arena, "d%02zu", i);
        if (chance(w, 80))
            kedge_actual_put(actual, random_row(w, name, kedge_table_find(desired->devices, name)));
    }
}

void world_apply(struct kedge_actual *actual, const struct kedge_change *change)
{
    struct kedge_actual_device *row = kedge_actual_find(actual, change->device);
    if (row == NULL)
        row = kedge_actual_device_new(change->device);
    if (change->verb == KEDGE_VERB_DESTROY)
        drop(row, change->instance);
    else
        put(row, as_wanted(&change->want->assignment));
    kedge_actual_device_seal(row);
    kedge_actual_put(actual, row);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "census.h"
#include "inside.h"
#include "view_write.h"

/* A model or an application by name. */
struct subject {
    enum kedge_kind kind;
    const struct kedge_object *object;
};

static bool is_release_of(const struct kedge_model_version *version, const struct subject *subject)
{
    return subject->kind == KEDGE_KIND_MODEL && strcmp(version->model, subject->object->name) == 0;
}

/* An application is its own one release; a model has those that name it. */
static size_t count_releases(const struct kedge_specs *specs, const struct subject *subject,
                             const char **latest)
{
    const struct kedge_model_version *version, *newest = NULL;
    struct kedge_table_iter it = {0};
    size_t count = 0;
    if (subject->kind == KEDGE_KIND_APPLICATION) {
        *latest =
            ((const struct kedge_application *)(const void *)subject->object)->release.version_text;
        return 1;
    }
    while ((version = kedge_table_next(specs->kinds[KEDGE_KIND_MODEL_VERSION], &it))) {
        if (!is_release_of(version, subject))
            continue;
        count++;
        if (!newest ||
            kedge_version_compare(&version->release.version, &newest->release.version) > 0)
            newest = version;
    }
    *latest = newest ? newest->release.version_text : NULL;
    return count;
}

static bool places(const struct kedge_deployment *deployment, const struct subject *subject)
{
    return deployment->target_kind == subject->kind &&
           strcmp(deployment->target, subject->object->name) == 0;
}

static int64_t count_deployments(const struct kedge_specs *specs, const struct subject *subject)
{
    const struct kedge_deployment *deployment;
    struct kedge_table_iter it = {0};
    int64_t count = 0;
    while ((deployment = kedge_table_next(specs->kinds[KEDGE_KIND_DEPLOYMENT], &it)))
        count += places(deployment, subject);
    return count;
}

/* The members of MODEL. */
static void add_model(struct kedge_view_job *job, const struct subject *subject)
{
    static const struct kedge_census_instance nowhere;
    struct kedge_json_writer *w = &job->w;
    const struct kedge_specs *specs = job->server->desired->specs;
    const struct kedge_census_instance *counted =
        kedge_census_find(kedge_census_take(job->server, job->now), subject->object->name);
    const char *latest, *title = NULL;
    if (!counted)
        counted = &nowhere;
    if (subject->kind == KEDGE_KIND_MODEL)
        title = ((const struct kedge_model *)(const void *)subject->object)->title;
    size_t releases = count_releases(specs, subject, &latest);
    kedge_json_add_string(w, "name", subject->object->name);
    kedge_view_add_word(job, "kind", &kedge_kind_words, (int)subject->kind);
    kedge_json_add_string(w, "title", title);
    kedge_json_add_integer(w, "versions", (int64_t)releases);
    kedge_json_add_string(w, "latest", latest);
    kedge_json_add_integer(w, "deployments", count_deployments(specs, subject));
    kedge_json_add_integer(w, "devices", (int64_t)counted->devices);
    kedge_json_add_integer(w, "synced", (int64_t)counted->sync[KEDGE_SYNC_SYNCED]);
    kedge_json_add_integer(w, "outOfSync", (int64_t)counted->sync[KEDGE_SYNC_OUT_OF_SYNC]);
    kedge_json_add_integer(w, "unknown", (int64_t)counted->sync[KEDGE_SYNC_UNKNOWN]);
}

/* Models and applications merged by name; of two with one name the model comes first. */
struct merge {
    const struct kedge_specs *specs;
    struct kedge_table_iter models, applications;
    const struct kedge_object *model, *application;
};

static struct merge begin(const struct kedge_specs *specs)
{
    struct merge merge = {.specs = specs};
    merge.model = kedge_table_next(specs->kinds[KEDGE_KIND_MODEL], &merge.models);
    merge.application = kedge_table_next(specs->kinds[KEDGE_KIND_APPLICATION], &merge.applications);
    return merge;
}

static bool next(struct merge *merge, struct subject *out)
{
    if (!merge->model && !merge->application)
        return false;
    if (!merge->application ||
        (merge->model && strcmp(merge->model->name, merge->application->name) <= 0)) {
        *out = (struct subject){KEDGE_KIND_MODEL, merge->model};
        merge->model = kedge_table_next(merge->specs->kinds[KEDGE_KIND_MODEL], &merge->models);
    } else {
        *out = (struct subject){KEDGE_KIND_APPLICATION, merge->application};
        merge->application =
            kedge_table_next(merge->specs->kinds[KEDGE_KIND_APPLICATION], &merge->applications);
    }
    return true;
}

int kedge_view_write_models(struct kedge_view_job *job, struct kedge_err *err)
{
    (void)err;
    struct merge merge = begin(job->server->desired->specs);
    struct subject subject, last = {0};
    uint32_t count = 0;
    bool more = false;
    kedge_json_begin_object(&job->w);
    kedge_json_key(&job->w, "items");
    kedge_json_begin_array(&job->w);
    while (next(&merge, &subject)) {
        if (job->query->after && strcmp(subject.object->name, job->query->after) <= 0)
            continue;
        more = count == job->limit;
        if (more)
            break;
        kedge_json_begin_object(&job->w);
        add_model(job, &subject);
        kedge_json_end_object(&job->w);
        last = subject;
        count++;
    }
    kedge_json_end_array(&job->w);
    if (more)
        kedge_json_add_string(&job->w, "next", last.object->name);
    kedge_json_end_object(&job->w);
    return 0;
}

static void add_release(struct kedge_view_job *job, const struct kedge_object *object,
                        const struct kedge_release *release, const char *stage, const char *comment)
{
    struct kedge_json_writer *w = &job->w;
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "version", release->version_text);
    kedge_json_add_string(w, "stage", stage);
    if (release->artifact.url) {
        kedge_json_add_string(w, "url", release->artifact.url);
        kedge_view_add_digest(job, "digest", &release->artifact.digest);
        kedge_json_add_integer(w, "size", release->artifact.size);
    }
    kedge_view_add_word(job, "driver", &kedge_driver_words, (int)release->runtime.driver);
    kedge_view_add_place(job, "at", &object->at);
    kedge_json_add_string(w, "comment", comment);
    kedge_json_end_object(w);
}

static void add_releases(struct kedge_view_job *job, const struct subject *subject)
{
    const struct kedge_specs *specs = job->server->desired->specs;
    kedge_json_key(&job->w, "releases");
    kedge_json_begin_array(&job->w);
    if (subject->kind == KEDGE_KIND_APPLICATION) {
        const struct kedge_application *application = (const void *)subject->object;
        add_release(job, &application->object, &application->release, NULL, NULL);
    }
    const struct kedge_model_version *version;
    struct kedge_table_iter it = {0};
    while ((version = kedge_table_next(specs->kinds[KEDGE_KIND_MODEL_VERSION], &it)))
        if (is_release_of(version, subject))
            add_release(job, &version->object, &version->release,
                        kedge_word_name(&kedge_stage_words, (int)version->stage), version->comment);
    kedge_json_end_array(&job->w);
}

static void count_target(const struct kedge_device *device, void *payload)
{
    (void)device;
    ++*(int64_t *)payload;
}

static void add_placements(struct kedge_view_job *job, const struct subject *subject)
{
    struct kedge_json_writer *w = &job->w;
    const struct kedge_specs *specs = job->server->desired->specs;
    const struct kedge_deployment *deployment;
    struct kedge_table_iter it = {0};
    kedge_json_key(w, "placements");
    kedge_json_begin_array(w);
    while ((deployment = kedge_table_next(specs->kinds[KEDGE_KIND_DEPLOYMENT], &it))) {
        int64_t devices = 0;
        if (!places(deployment, subject))
            continue;
        kedge_spec_targets(specs, &deployment->targets, count_target, &devices);
        kedge_json_begin_object(w);
        kedge_json_add_string(w, "deployment", deployment->object.name);
        kedge_json_add_string(w, "range", deployment->range_text);
        kedge_view_add_word(job, "state", &kedge_run_state_words, (int)deployment->state);
        kedge_json_add_integer(w, "devices", devices);
        kedge_view_add_place(job, "at", &deployment->object.at);
        kedge_json_end_object(w);
    }
    kedge_json_end_array(w);
}

static void add_strings(struct kedge_view_job *job, const char *key,
                        const struct kedge_strings *strings)
{
    kedge_json_key(&job->w, key);
    kedge_json_begin_array(&job->w);
    for (uint32_t i = 0; i < strings->count; i++)
        kedge_json_put_string(&job->w, strings->at[i]);
    kedge_json_end_array(&job->w);
}

static bool find_subject(const struct kedge_specs *specs, const char *name, struct subject *out)
{
    static const enum kedge_kind kinds[] = {KEDGE_KIND_MODEL, KEDGE_KIND_APPLICATION};
    for (size_t i = 0; i < KEDGE_COUNT(kinds); i++) {
        out->kind = kinds[i];
        out->object = kedge_spec_find(specs, kinds[i], name);
        if (out->object)
            return true;
    }
    return false;
}

int kedge_view_write_model(struct kedge_view_job *job, struct kedge_err *err)
{
    struct subject subject;
    struct kedge_json_writer *w = &job->w;
    const struct kedge_specs *specs = job->server->desired->specs;
    if (!find_subject(specs, job->query->instance, &subject))
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "there is no model or application '%s' in commit %.12s",
                             job->query->instance, job->server->commit);
    kedge_json_begin_object(w);
    add_model(job, &subject);
    if (subject.kind == KEDGE_KIND_MODEL) {
        const struct kedge_model *model = (const void *)subject.object;
        kedge_json_add_string(w, "description", model->description);
        kedge_json_add_string(w, "licence", model->licence);
        add_strings(job, "owners", &model->owners);
    } else {
        const struct kedge_application *application = (const void *)subject.object;
        kedge_json_add_string(w, "description", application->description);
    }
    add_releases(job, &subject);
    add_placements(job, &subject);
    kedge_json_end_object(w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

const struct kedge_words kedge_kind_words = KEDGE_WORDS(
    [KEDGE_KIND_MODEL] = "Model", [KEDGE_KIND_MODEL_VERSION] = "ModelVersion",
    [KEDGE_KIND_DATASET] = "Dataset", [KEDGE_KIND_APPLICATION] = "Application",
    [KEDGE_KIND_DEVICE] = "Device", [KEDGE_KIND_SLA] = "SLA",
    [KEDGE_KIND_DEPLOYMENT] = "Deployment", [KEDGE_KIND_MAINTENANCE_WINDOW] = "MaintenanceWindow",
    [KEDGE_KIND_POLICY] = "Policy");

const struct kedge_words kedge_stage_words =
    KEDGE_WORDS([KEDGE_STAGE_DRAFT] = "draft", [KEDGE_STAGE_READY] = "ready");

const struct kedge_words kedge_objective_metric_words = KEDGE_WORDS(
    [KEDGE_METRIC_LATENCY_P50] = "latencyP50", [KEDGE_METRIC_LATENCY_P95] = "latencyP95",
    [KEDGE_METRIC_LATENCY_P99] = "latencyP99", [KEDGE_METRIC_ERROR_RATE] = "errorRate",
    [KEDGE_METRIC_AVAILABILITY] = "availability", [KEDGE_METRIC_THROUGHPUT] = "throughput",
    [KEDGE_METRIC_MEMORY] = "memory", [KEDGE_METRIC_ACCURACY] = "accuracy");

const struct kedge_words kedge_on_breach_words =
    KEDGE_WORDS([KEDGE_ON_BREACH_ROLLBACK] = "rollback", [KEDGE_ON_BREACH_PAUSE] = "pause",
                [KEDGE_ON_BREACH_REPORT] = "report");

const struct kedge_words kedge_right_words = KEDGE_WORDS(
    [KEDGE_RIGHT_DEPLOY] = "deploy", [KEDGE_RIGHT_UPDATE] = "update",
    [KEDGE_RIGHT_ROLLBACK] = "rollback", [KEDGE_RIGHT_DESTROY] = "destroy",
    [KEDGE_RIGHT_START] = "start", [KEDGE_RIGHT_STOP] = "stop", [KEDGE_RIGHT_DECLARE] = "declare");

const struct kedge_words kedge_run_state_words =
    KEDGE_WORDS([KEDGE_RUN_RUNNING] = "running", [KEDGE_RUN_STOPPED] = "stopped");

const void *kedge_spec_find(const struct kedge_specs *specs, enum kedge_kind kind, const char *name)
{
    return kedge_table_find(specs->kinds[kind], name);
}

bool kedge_spec_is_target(const struct kedge_targets *targets, const struct kedge_device *device)
{
    for (uint32_t i = 0; i < targets->devices.count; i++)
        if (strcmp(targets->devices.at[i], device->object.name) == 0)
            return true;
    return targets->has_selector && kedge_label_match(&targets->selector, &device->object.labels);
}

/* Devices found so far; in name order and free of doubles while they come from one table. */
struct gathering {
    struct kedge_buf devices; /* const struct kedge_device * */
    int sources;
};

static void gather(struct gathering *g, const struct kedge_device *device)
{
    kedge_buf_add(&g->devices, &device, sizeof device);
}

static const struct kedge_table *posting(const struct kedge_specs *specs, const char *key,
                                         const char *value)
{
    kedge_auto(kedge_buf) struct kedge_buf name = {0};
    kedge_buf_puts(&name, key);
    if (value != NULL) {
        kedge_buf_putc(&name, '=');
        kedge_buf_puts(&name, value);
    }
    const struct kedge_posting *found = kedge_table_find(specs->postings, name.data);
    return found == NULL ? NULL : found->devices;
}

/* Devices on the lists of a requirement; SIZE_MAX when it has none, because it also holds where the
 * label is absent. */
static size_t posting_count(const struct kedge_specs *specs,
                            const struct kedge_requirement *requirement)
{
    if (requirement->op == KEDGE_SELECTOR_EXISTS)
        return kedge_table_count(posting(specs, requirement->key, NULL));
    if (requirement->op != KEDGE_SELECTOR_IN)
        return SIZE_MAX;
    size_t count = 0;
    for (uint32_t i = 0; i < requirement->values.count; i++)
        count += kedge_table_count(posting(specs, requirement->key, requirement->values.at[i]));
    return count;
}

/* The lists that together hold every device a selector can match: those of its rarest requirement,
 * or the whole fleet. */
struct sources {
    const struct kedge_requirement *rarest; /* NULL: the fleet */
    uint32_t count;
};

static struct sources find_sources(const struct kedge_specs *specs,
                                   const struct kedge_selector *selector)
{
    struct sources found = {.count = 1};
    size_t fewest = SIZE_MAX;
    for (uint32_t i = 0; i < selector->count; i++) {
        size_t count = posting_count(specs, &selector->at[i]);
        if (count < fewest) {
            fewest = count;
            found.rarest = &selector->at[i];
        }
    }
    if (found.rarest != NULL && found.rarest->op == KEDGE_SELECTOR_IN)
        found.count = found.rarest->values.count;
    return found;
}

static const struct kedge_table *source_at(const struct kedge_specs *specs,
                                           const struct sources *sources, uint32_t index)
{
    const struct kedge_requirement *rarest = sources->rarest;
    if (rarest == NULL)
        return specs->kinds[KEDGE_KIND_DEVICE];
    return posting(specs, rarest->key,
                   rarest->op == KEDGE_SELECTOR_IN ? rarest->values.at[index] : NULL);
}

/* The next device of the table that the selector matches. */
static const struct kedge_device *next_match(const struct kedge_table *table,
                                             struct kedge_table_iter *iter,
                                             const struct kedge_selector *selector)
{
    const struct kedge_device *device;
    while ((device = kedge_table_next(table, iter)) != NULL)
        if (kedge_label_match(selector, &device->object.labels))
            break;
    return device;
}

static void gather_selected(struct gathering *g, const struct kedge_specs *specs,
                            const struct kedge_selector *selector)
{
    struct sources sources = find_sources(specs, selector);
    for (uint32_t i = 0; i < sources.count; i++) {
        const struct kedge_table *table = source_at(specs, &sources, i);
        struct kedge_table_iter iter = {0};
        const struct kedge_device *device;
        while ((device = next_match(table, &iter, selector)) != NULL)
            gather(g, device);
        g->sources++;
    }
}

static void gather_named(struct gathering *g, const struct kedge_specs *specs,
                         const struct kedge_strings *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        const struct kedge_device *device = kedge_spec_find(specs, KEDGE_KIND_DEVICE, names->at[i]);
        if (device != NULL)
            gather(g, device);
        g->sources++;
    }
}

static int compare_devices(const void *left, const void *right)
{
    const struct kedge_device *a = *(const struct kedge_device *const *)left;
    const struct kedge_device *b = *(const struct kedge_device *const *)right;
    return strcmp(a->object.name, b->object.name);
}

void kedge_spec_targets(const struct kedge_specs *specs, const struct kedge_targets *targets,
                        kedge_spec_visit *visit, void *payload)
{
    struct gathering g = {0};
    if (targets->has_selector)
        gather_selected(&g, specs, &targets->selector);
    gather_named(&g, specs, &targets->devices);
    const struct kedge_device **devices = (const struct kedge_device **)g.devices.data;
    size_t count = g.devices.size / sizeof(*devices);
    if (g.sources > 1 && count > 1)
        qsort(devices, count, sizeof(*devices), compare_devices);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || devices[i] != devices[i - 1])
            visit(devices[i], payload);
    kedge_buf_release(&g.devices);
}

bool kedge_spec_has_target(const struct kedge_specs *specs, const struct kedge_targets *targets)
{
    for (uint32_t i = 0; i < targets->devices.count; i++)
        if (kedge_spec_find(specs, KEDGE_KIND_DEVICE, targets->devices.at[i]) != NULL)
            return true;
    if (!targets->has_selector)
        return false;
    struct sources sources = find_sources(specs, &targets->selector);
    for (uint32_t i = 0; i < sources.count; i++) {
        struct kedge_table_iter iter = {0};
        if (next_match(source_at(specs, &sources, i), &iter, &targets->selector) != NULL)
            return true;
    }
    return false;
}

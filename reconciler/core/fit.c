/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"

#include <string.h>

#include "base/buf.h"
#include "state/quantity.h"

static bool is_listed(const struct kedge_strings *list, const char *text)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], text) == 0)
            return true;
    return false;
}

static const char *join(struct kedge_arena *arena, const struct kedge_strings *list)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    for (uint32_t i = 0; i < list->count; i++)
        kedge_buf_printf(&text, "%s%s", i > 0 ? " or " : "", list->at[i]);
    return kedge_arena_strndup(arena, text.data, text.size);
}

/* What the device reports, or else what its manifest says. */
static const struct kedge_capacity *capacity_of(const struct kedge_device *device,
                                                const struct kedge_actual_device *actual)
{
    if (actual != NULL && (actual->report.capacity.arch != NULL || device == NULL))
        return &actual->report.capacity;
    return &device->capacity;
}

static const char *lack_of_hardware(struct kedge_arena *arena,
                                    const struct kedge_requires *requires,
                                    const struct kedge_capacity *capacity)
{
    if (requires->arch.count > 0 && capacity->arch != NULL &&
        !is_listed(&requires->arch, capacity->arch))
        return kedge_arena_printf(arena, "needs arch %s, the device has %s",
                                  join(arena, &requires->arch), capacity->arch);
    if (capacity->memory > 0 && requires->memory > capacity->memory) {
        char needed[KEDGE_QUANTITY_TEXT], has[KEDGE_QUANTITY_TEXT];
        return kedge_arena_printf(arena, "needs %s of memory, the device has %s",
                                  kedge_quantity_format(requires->memory, needed),
                                  kedge_quantity_format(capacity->memory, has));
    }
    /* A capacity that names its arch names its accelerators too. */
    for (uint32_t i = 0; capacity->arch != NULL && i < requires->accelerators.count; i++)
        if (!is_listed(&capacity->accelerators, requires->accelerators.at[i]))
            return kedge_arena_printf(arena, "needs accelerator '%s', the device has none",
                                      requires->accelerators.at[i]);
    return NULL;
}

/* A device that lists nothing but the agent's drivers says nothing about what else it has. */
static bool names_software(const struct kedge_strings *runtimes)
{
    int driver;
    for (uint32_t i = 0; i < runtimes->count; i++)
        if (!kedge_word_parse(&kedge_driver_words, runtimes->at[i], &driver))
            return true;
    return false;
}

static const char *lack_of_software(struct kedge_arena *arena,
                                    const struct kedge_desired_assignment *want,
                                    const struct kedge_report *report)
{
    const struct kedge_requires *requires = want->requires;
    const char *driver = kedge_word_name(&kedge_driver_words, (int)want->assignment.runtime.driver);
    if (report->runtimes.count > 0 && !is_listed(&report->runtimes, driver))
        return kedge_arena_printf(arena, "needs the '%s' runtime, which the agent does not have",
                                  driver);
    for (uint32_t i = 0; names_software(&report->runtimes) && i < requires->runtimes.count; i++)
        if (!is_listed(&report->runtimes, requires->runtimes.at[i]))
            return kedge_arena_printf(arena, "needs runtime '%s', which the device does not have",
                                      requires->runtimes.at[i]);
    struct kedge_version agent;
    if (requires->agent != NULL && report->agent != NULL &&
        (kedge_version_parse(arena, report->agent, &agent, NULL) != 0 ||
         !kedge_range_match(requires->agent, &agent)))
        return kedge_arena_printf(arena, "needs another agent than version %s", report->agent);
    return NULL;
}

const char *kedge_fit_lack(struct kedge_arena *arena, const struct kedge_desired_assignment *want,
                           const struct kedge_device *device,
                           const struct kedge_actual_device *actual)
{
    const char *lack = lack_of_hardware(arena, want->requires, capacity_of(device, actual));
    if (lack == NULL && actual != NULL)
        lack = lack_of_software(arena, want, &actual->report);
    return lack;
}

int64_t kedge_fit_disk(const struct kedge_desired_assignment *want)
{
    int64_t total;
    if (__builtin_add_overflow(want->assignment.artifact.size, want->requires->disk, &total))
        return INT64_MAX;
    return total;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "print.h"

#define NAMED 8 /* devices of a group that are named */

static const struct {
    const char *verb, *mark;
    enum kedge_print_style style;
} marks[] = {
    {"deploy", "+", KEDGE_PRINT_GREEN}, {"update", "~", KEDGE_PRINT_YELLOW},
    {"destroy", "-", KEDGE_PRINT_RED},  {"start", ">", KEDGE_PRINT_CYAN},
    {"stop", "s", KEDGE_PRINT_CYAN},
};

void kedge_changes_add(struct kedge_changes_list *list, const struct kedge_changes_line *line)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->at = kedge_alloc_grow(list->at, list->capacity * sizeof *list->at);
    }
    list->at[list->count++] = *line;
}

void kedge_changes_list_auto(struct kedge_changes_list *list)
{
    free(list->at);
}

static const char *deployment_of(const struct kedge_change *change)
{
    if (change->want)
        return change->want->assignment.deployment;
    return change->have ? change->have->deployment : NULL;
}

void kedge_changes_add_diff(struct kedge_changes_list *list, const struct kedge_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct kedge_change *change = &changes->at[i];
        kedge_changes_add(list, &(struct kedge_changes_line){
                                    .device = change->device,
                                    .instance = change->instance,
                                    .deployment = deployment_of(change),
                                    .verb = kedge_word_name(&kedge_verb_words, (int)change->verb),
                                    .drift = kedge_drift_words.words[change->drift],
                                    .from = change->from,
                                    .to = change->to,
                                    .reason = change->reason,
                                });
    }
}

static const char *member(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

void kedge_changes_add_json(struct kedge_changes_list *list, const json_t *items)
{
    size_t i;
    const json_t *item;
    json_array_foreach (items, i, item) {
        const json_t *hold = json_object_get(item, "hold");
        kedge_changes_add(list, &(struct kedge_changes_line){
                                    .device = member(item, "device"),
                                    .instance = member(item, "instance"),
                                    .deployment = member(item, "deployment"),
                                    .verb = member(item, "verb"),
                                    .drift = member(item, "drift"),
                                    .from = member(item, "from"),
                                    .to = member(item, "to"),
                                    .reason = member(item, "reason"),
                                    .blocker = member(hold, "blocker"),
                                    .why = member(hold, "why"),
                                    .frees = member(hold, "frees"),
                                });
    }
}

/* NULL sorts first. */
static int order(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Same heading: instance and deployment. */
static int compare_heading(const struct kedge_changes_line *a, const struct kedge_changes_line *b)
{
    int by = order(a->instance, b->instance);
    return by ? by : order(a->deployment, b->deployment);
}

/* Of an update to the same version: what else is other. */
static const char *settings_of(const struct kedge_changes_line *line)
{
    bool same = line->from && line->to && strcmp(line->from, line->to) == 0;
    return same && !line->drift && order(line->verb, "update") == 0 ? line->reason : NULL;
}

/* Same group: what happens, and why it does not. Other reasons may name the device, so they do not
 * count. */
static int compare_group(const struct kedge_changes_line *a, const struct kedge_changes_line *b)
{
    int by = compare_heading(a, b);
    by = by ? by : order(a->verb, b->verb);
    by = by ? by : order(a->drift, b->drift);
    by = by ? by : order(a->from, b->from);
    by = by ? by : order(a->to, b->to);
    by = by ? by : order(settings_of(a), settings_of(b));
    by = by ? by : order(a->blocker, b->blocker);
    return by ? by : order(a->frees, b->frees);
}

static int compare_line(const void *a, const void *b)
{
    int by = compare_group(a, b);
    return by ? by
              : order(((const struct kedge_changes_line *)a)->device,
                      ((const struct kedge_changes_line *)b)->device);
}

static void sort_list(struct kedge_changes_list *list)
{
    if (list->count)
        qsort(list->at, list->count, sizeof *list->at, compare_line);
}

/* Number of lines from `first` on that make one group. */
static size_t group_size(const struct kedge_changes_list *list, size_t first)
{
    size_t n = 1;
    while (first + n < list->count && compare_group(&list->at[first], &list->at[first + n]) == 0)
        n++;
    return n;
}

/* Both versions differ: from one to the other. */
static bool has_two_versions(const struct kedge_changes_line *line)
{
    return line->from && line->to && strcmp(line->from, line->to) != 0;
}

/* The version that is there afterwards, or the one that goes. */
static const char *last_version(const struct kedge_changes_line *line)
{
    return line->to ? line->to : line->from;
}

static size_t mark_of(const char *verb)
{
    size_t i = 0;
    while (i + 1 < KEDGE_COUNT(marks) && order(marks[i].verb, verb) != 0)
        i++;
    return i;
}

static void write_devices(const struct kedge_changes_list *list, size_t first, size_t count,
                          struct kedge_buf *out)
{
    size_t shown = list->all || count <= NAMED ? count : NAMED;
    kedge_buf_printf(out, "%zu device%s: ", count, count == 1 ? "" : "s");
    for (size_t i = 0; i < shown; i++) {
        kedge_buf_puts(out, i ? ", " : "");
        kedge_print_text(out, list->at[first + i].device);
    }
    if (shown < count)
        kedge_buf_printf(out, " and %zu more (--all names them)", count - shown);
    kedge_buf_putc(out, '\n');
}

static void write_hold(const struct kedge_changes_list *list, const struct kedge_changes_line *line,
                       struct kedge_buf *out)
{
    kedge_buf_puts(out, "      ");
    kedge_print_styled(out, list->color, KEDGE_PRINT_YELLOW, "held");
    kedge_buf_puts(out, " by ");
    kedge_print_text(out, line->blocker);
    kedge_buf_puts(out, ": ");
    kedge_print_text(out, line->why);
    kedge_buf_puts(out, line->frees ? "; what frees it: " : "");
    kedge_print_text(out, line->frees);
    kedge_buf_putc(out, '\n');
}

static void write_group(const struct kedge_changes_list *list, size_t first, size_t count,
                        struct kedge_buf *out)
{
    const struct kedge_changes_line *line = &list->at[first];
    size_t mark = mark_of(line->verb);
    char action[16];
    snprintf(action, sizeof action, "%s %-7s", marks[mark].mark, line->verb ? line->verb : "");
    kedge_buf_puts(out, "  ");
    kedge_print_styled(out, list->color, marks[mark].style, action);
    size_t start = out->size;
    kedge_buf_putc(out, ' ');
    if (has_two_versions(line)) {
        kedge_print_text(out, line->from);
        kedge_buf_puts(out, " -> ");
    }
    kedge_print_text(out, last_version(line));
    if (line->drift) {
        kedge_buf_puts(out, " (drift: ");
        kedge_print_text(out, line->drift);
        kedge_buf_putc(out, ')');
    }
    size_t width = out->size - start;
    kedge_buf_printf(out, "%*s  ", width < 18 ? (int)(18 - width) : 0, "");
    write_devices(list, first, count, out);
    if (settings_of(line)) {
        kedge_buf_puts(out, "      ");
        kedge_print_text(out, settings_of(line));
        kedge_buf_putc(out, '\n');
    }
    if (line->blocker)
        write_hold(list, line, out);
}

static int by_text(const void *a, const void *b)
{
    return order(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_devices(const struct kedge_changes_list *list)
{
    const char **names = kedge_alloc_array(list->count + 1, sizeof *names);
    size_t distinct = 0;
    for (size_t i = 0; i < list->count; i++)
        names[i] = list->at[i].device;
    qsort(names, list->count, sizeof *names, by_text);
    for (size_t i = 0; i < list->count; i++)
        distinct += i == 0 || order(names[i - 1], names[i]) != 0;
    free((void *)names);
    return distinct;
}

/* "1 to deploy, 3 to update, ... on 4 devices" */
static void write_totals(const struct kedge_changes_list *list, struct kedge_buf *out)
{
    size_t verbs[KEDGE_COUNT(marks)] = {0}, held = 0;
    for (size_t i = 0; i < list->count; i++) {
        verbs[mark_of(list->at[i].verb)]++;
        held += list->at[i].blocker != NULL;
    }
    for (size_t i = 0; i < KEDGE_COUNT(marks); i++)
        kedge_buf_printf(out, "%s%zu to %s", i ? ", " : "", verbs[i], marks[i].verb);
    size_t devices = count_devices(list);
    kedge_buf_printf(out, ", on %zu device%s", devices, devices == 1 ? "" : "s");
    if (held)
        kedge_buf_printf(out, "; %zu of them held", held);
}

void kedge_changes_text(struct kedge_changes_list *list, struct kedge_buf *out)
{
    sort_list(list);
    for (size_t i = 0; i < list->count;) {
        const struct kedge_changes_line *line = &list->at[i];
        size_t count = group_size(list, i);
        if (i == 0 || compare_heading(&list->at[i - 1], line) != 0) {
            kedge_print_styled(out, list->color, KEDGE_PRINT_BOLD, line->instance);
            if (line->deployment) {
                kedge_buf_puts(out, "  (deployment ");
                kedge_print_text(out, line->deployment);
                kedge_buf_putc(out, ')');
            }
            kedge_buf_putc(out, '\n');
        }
        write_group(list, i, count, out);
        i += count;
    }
    if (!list->count) {
        kedge_buf_puts(out, "No changes.\n");
        return;
    }
    kedge_buf_putc(out, '\n');
    write_totals(list, out);
    kedge_buf_puts(out, ".\n");
}

/* A cell of a Markdown table: nothing in it is markup. */
static void write_cell(const char *text, struct kedge_buf *out)
{
    struct kedge_buf safe = {0};
    kedge_print_text(&safe, text);
    for (size_t i = 0; i < safe.size; i++) {
        if (strchr("\\`*_[]<>#|~@&:", safe.data[i]))
            kedge_buf_printf(out, "&#%d;", safe.data[i]);
        else
            kedge_buf_putc(out, safe.data[i]);
    }
    kedge_buf_release(&safe);
}

static void write_row(const struct kedge_changes_list *list, size_t first, size_t count,
                      struct kedge_buf *out)
{
    const struct kedge_changes_line *line = &list->at[first];
    size_t shown = list->all || count <= NAMED ? count : NAMED;
    kedge_buf_puts(out, "| ");
    write_cell(line->verb, out);
    kedge_buf_puts(out, line->drift ? ", " : "");
    write_cell(line->drift, out);
    kedge_buf_puts(out, " | ");
    write_cell(line->instance, out);
    kedge_buf_puts(out, " | ");
    write_cell(line->deployment, out);
    kedge_buf_puts(out, " | ");
    if (has_two_versions(line)) {
        write_cell(line->from, out);
        kedge_buf_puts(out, " → ");
    }
    write_cell(last_version(line), out);
    kedge_buf_printf(out, " | %zu: ", count);
    for (size_t d = 0; d < shown; d++) {
        kedge_buf_puts(out, d ? ", " : "");
        write_cell(list->at[first + d].device, out);
    }
    kedge_buf_puts(out, shown < count ? ", … |\n" : " |\n");
}

void kedge_changes_markdown(struct kedge_changes_list *list, struct kedge_buf *out)
{
    sort_list(list);
    if (!list->count) {
        kedge_buf_puts(out, "**No changes.**\n");
        return;
    }
    kedge_buf_puts(out, "**");
    write_totals(list, out);
    kedge_buf_puts(out, "**\n\n| | instance | deployment | version | devices |\n"
                        "|---|---|---|---|---|\n");
    for (size_t i = 0; i < list->count;) {
        size_t count = group_size(list, i);
        write_row(list, i, count, out);
        i += count;
    }
}

static void write_list(const struct kedge_changes_list *list, struct kedge_json_writer *writer)
{
    kedge_json_begin_array(writer);
    for (size_t i = 0; i < list->count; i++) {
        const struct kedge_changes_line *line = &list->at[i];
        kedge_json_begin_object(writer);
        kedge_json_add_string(writer, "device", line->device);
        kedge_json_add_string(writer, "instance", line->instance);
        kedge_json_add_string(writer, "deployment", line->deployment);
        kedge_json_add_string(writer, "verb", line->verb);
        kedge_json_add_string(writer, "drift", line->drift);
        kedge_json_add_string(writer, "from", line->from);
        kedge_json_add_string(writer, "to", line->to);
        kedge_json_add_string(writer, "reason", line->reason);
        kedge_json_end_object(writer);
    }
    kedge_json_end_array(writer);
}

static void write_summary(const struct kedge_changes *changes, struct kedge_json_writer *writer)
{
    kedge_json_begin_object(writer);
    for (int verb = 0; verb < KEDGE_VERB_COUNT; verb++)
        kedge_json_add_integer(writer, kedge_word_name(&kedge_verb_words, verb),
                               (int64_t)changes->verbs[verb]);
    kedge_json_add_integer(writer, "drifted", (int64_t)changes->drifted);
    kedge_json_add_integer(writer, "devices", (int64_t)changes->devices);
    kedge_json_add_integer(writer, "unknown", (int64_t)changes->unknown);
    kedge_json_end_object(writer);
}

void kedge_changes_document(const struct kedge_changes *changes, const char *base, const char *head,
                            struct kedge_buf *out)
{
    kedge_auto(kedge_changes_list) struct kedge_changes_list list = {0};
    struct kedge_json_writer writer = {.out = out};
    kedge_changes_add_diff(&list, changes);
    kedge_json_begin_object(&writer);
    kedge_json_add_string(&writer, "format", "kedge.dev/diff/v1");
    kedge_json_add_string(&writer, "base", base[0] ? base : NULL);
    kedge_json_add_string(&writer, "head", head[0] ? head : NULL);
    kedge_json_key(&writer, "summary");
    write_summary(changes, &writer);
    kedge_json_key(&writer, "changes");
    write_list(&list, &writer);
    kedge_json_end_object(&writer);
    kedge_buf_putc(out, '\n');
}

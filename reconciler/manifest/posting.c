/* SPDX-License-Identifier: Apache-2.0 */
#include "posting.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

/* --- all devices: count, then fill --- */

/* One label as the decoder keeps it: equal pointers are equal labels. Different pointers may be
 * equal too, because each worker interns for itself; such lists are joined by name at the end. */
struct label_slot {
    const char *key, *value; /* key NULL: free; value NULL: the list of the key alone */
    uint32_t list, key_list;
};

struct list {
    const char *name;
    uint32_t joined; /* index of the list of that name, which holds its devices */
    uint32_t count;  /* devices */
    const void **devices;
};

#define END UINT32_MAX

struct build {
    struct kedge_arena *arena;
    struct label_slot *slots;
    size_t mask, used;
    struct kedge_buf lists;  /* struct list */
    struct kedge_buf labels; /* uint32_t: in device order the lists of each, then END */
};

static size_t slot_of(const struct label_slot *slots, size_t mask, const char *key,
                      const char *value)
{
    uint64_t hash = ((uintptr_t)key ^ ((uintptr_t)value << 1)) * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (hash >> 20) & mask;
    while (slots[at].key && (slots[at].key != key || slots[at].value != value))
        at = (at + 1) & mask;
    return at;
}

static void grow(struct build *b)
{
    size_t mask = b->mask ? b->mask * 2 + 1 : 255;
    struct label_slot *slots = kedge_alloc_array(mask + 1, sizeof *slots);
    for (size_t i = 0; b->mask && i <= b->mask; i++)
        if (b->slots[i].key)
            slots[slot_of(slots, mask, b->slots[i].key, b->slots[i].value)] = b->slots[i];
    free(b->slots);
    b->slots = slots;
    b->mask = mask;
}

static uint32_t new_list(struct build *b, const char *key, const char *value)
{
    struct list list = {.name = value ? kedge_arena_printf(b->arena, "%s=%s", key, value) : key};
    kedge_buf_add(&b->lists, &list, sizeof list);
    return (uint32_t)(b->lists.size / sizeof list) - 1;
}

static struct label_slot *find_label(struct build *b, const char *key, const char *value)
{
    if (b->used * 2 >= b->mask)
        grow(b);
    size_t at = slot_of(b->slots, b->mask, key, value);
    if (!b->slots[at].key) {
        uint32_t key_list = value ? find_label(b, key, NULL)->list : 0;
        at = slot_of(b->slots, b->mask, key, value); /* it may have grown */
        b->slots[at] = (struct label_slot){key, value, new_list(b, key, value), key_list};
        b->used++;
    }
    return &b->slots[at];
}

static void count_labels(struct build *b, const struct kedge_table *devices)
{
    const uint32_t end = END;
    struct kedge_table_iter iter = {0};
    const struct kedge_device *device;
    while ((device = kedge_table_next(devices, &iter))) {
        for (uint32_t i = 0; i < device->object.labels.count; i++) {
            const struct kedge_label *label = &device->object.labels.at[i];
            const struct label_slot *slot = find_label(b, label->key, label->value);
            uint32_t numbers[] = {slot->list, slot->key_list};
            struct list *lists = (struct list *)b->lists.data;
            lists[slot->list].count++;
            lists[slot->key_list].count++;
            kedge_buf_add(&b->labels, numbers, sizeof numbers);
        }
        kedge_buf_add(&b->labels, &end, sizeof end);
    }
}

static int compare_lists(const void *a, const void *b)
{
    return strcmp((*(struct list *const *)a)->name, (*(struct list *const *)b)->name);
}

/* Gives lists of one name to the first of them, and room to that. */
static void join_lists(struct list *lists, struct list **sorted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sorted[i] = &lists[i];
    qsort(sorted, count, sizeof *sorted, compare_lists);
    struct list *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (first && strcmp(first->name, sorted[i]->name) == 0)
            first->count += sorted[i]->count;
        else
            first = sorted[i];
        sorted[i]->joined = (uint32_t)(first - lists);
    }
    for (size_t i = 0; i < count; i++) {
        if (&lists[lists[i].joined] != &lists[i])
            continue;
        lists[i].devices = kedge_alloc_array(lists[i].count, sizeof *lists[i].devices);
        lists[i].count = 0;
    }
}

static void fill_lists(struct build *b, struct list *lists, const struct kedge_table *devices)
{
    const uint32_t *number = (const uint32_t *)b->labels.data;
    struct kedge_table_iter iter = {0};
    const void *device; /* not looked at: a fleet does not fit the cache */
    while ((device = kedge_table_next(devices, &iter))) {
        for (; *number != END; number++) {
            struct list *list = &lists[lists[*number].joined];
            list->devices[list->count++] = device;
        }
        number++;
    }
}

static const struct kedge_posting *new_posting(struct kedge_arena *arena, const char *name,
                                               const struct kedge_table *devices)
{
    struct kedge_posting *posting = kedge_arena_new(arena, struct kedge_posting);
    *posting = (struct kedge_posting){name, devices};
    return posting;
}

const struct kedge_table *kedge_posting_build(struct kedge_arena *arena,
                                              const struct kedge_table *devices)
{
    struct build b = {.arena = arena};
    count_labels(&b, devices);
    struct list *lists = (struct list *)b.lists.data;
    size_t count = b.lists.size / sizeof *lists, kept = 0;
    struct list **sorted = kedge_alloc_array(count + 1, sizeof *sorted);
    const void **postings = kedge_alloc_array(count + 1, sizeof *postings);
    join_lists(lists, sorted, count);
    fill_lists(&b, lists, devices);
    for (size_t i = 0; i < count; i++) {
        struct list *list = sorted[i];
        if (&lists[list->joined] != list)
            continue;
        postings[kept++] =
            new_posting(arena, list->name, kedge_table_build(arena, list->devices, list->count));
        free(list->devices);
    }
    const struct kedge_table *table = kedge_table_build(arena, postings, kept);
    free(postings);
    free(sorted);
    free(b.slots);
    kedge_buf_release(&b.lists);
    kedge_buf_release(&b.labels);
    return table;
}

/* --- a few devices --- */

struct step {
    const char *list; /* of which posting */
    struct kedge_table_edit edit;
};

struct edit {
    struct kedge_arena *scratch; /* names of lists */
    struct kedge_buf steps;      /* struct step */
};

static void add_steps(struct edit *e, const struct kedge_device *device, const void *value)
{
    for (uint32_t i = 0; device && i < device->object.labels.count; i++) {
        const struct kedge_label *label = &device->object.labels.at[i];
        struct step step = {label->key, {device->object.name, value}};
        kedge_buf_add(&e->steps, &step, sizeof step);
        step.list = kedge_arena_printf(e->scratch, "%s=%s", label->key, label->value);
        kedge_buf_add(&e->steps, &step, sizeof step);
    }
}

static void visit_device(const void *before, const void *after, void *payload)
{
    add_steps(payload, before, NULL);
    add_steps(payload, after, after);
}

/* By list, then by device; what a device leaves before what it joins. */
static int compare_steps(const void *left, const void *right)
{
    const struct step *a = left, *b = right;
    int order = strcmp(a->list, b->list);
    if (order == 0)
        order = strcmp(a->edit.name, b->edit.name);
    return order ? order : (a->edit.value != NULL) - (b->edit.value != NULL);
}

/* The edits of one list from the steps at `at`, at most one a device; moves `at` behind them. */
static size_t take_edits(const struct step *steps, size_t count, size_t *at,
                         struct kedge_table_edit *edits)
{
    size_t made = 0;
    const char *list = steps[*at].list;
    for (; *at < count && strcmp(steps[*at].list, list) == 0; ++*at) {
        const struct kedge_table_edit *edit = &steps[*at].edit;
        if (made && strcmp(edits[made - 1].name, edit->name) == 0)
            made--; /* it left and joined: the join stands */
        edits[made++] = *edit;
    }
    return made;
}

const struct kedge_table *kedge_posting_edit(struct kedge_arena *arena,
                                             const struct kedge_table *postings,
                                             const struct kedge_table *before,
                                             const struct kedge_table *after)
{
    kedge_auto(kedge_arena) struct kedge_arena scratch = {0};
    struct edit e = {.scratch = &scratch};
    kedge_table_diff(before, after, visit_device, &e);
    struct step *steps = (struct step *)e.steps.data;
    size_t count = e.steps.size / sizeof *steps, changed = 0;
    if (count)
        qsort(steps, count, sizeof *steps, compare_steps);
    struct kedge_table_edit *edits = kedge_alloc_array(count + 1, sizeof *edits);
    struct kedge_table_edit *lists = kedge_alloc_array(count + 1, sizeof *lists);
    for (size_t i = 0; i < count;) {
        const char *name = steps[i].list;
        size_t made = take_edits(steps, count, &i, edits);
        const struct kedge_posting *old = kedge_table_find(postings, name);
        const struct kedge_table *devices =
            kedge_table_edit(arena, old ? old->devices : NULL, edits, made);
        name = old ? old->name : kedge_arena_strdup(arena, name);
        lists[changed++] =
            (struct kedge_table_edit){name, devices ? new_posting(arena, name, devices) : NULL};
    }
    postings = kedge_table_edit(arena, postings, lists, changed);
    free(edits);
    free(lists);
    kedge_buf_release(&e.steps);
    return postings;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "claim.h"
#include "roster.h"

/* One assignment of a deployment that changed, and whom it goes to. */
struct offer {
    const struct kedge_desired_assignment *assignment;
    uint32_t deployment; /* index in `changed` */
};

/* A deployment that changed, with its targets. */
struct changed {
    const struct kedge_desired_deployment *row; /* as it is now */
    size_t first, count;                        /* in `targets` */
};

struct conflict {
    const struct kedge_desired_assignment *a, *b; /* a's deployment sorts first */
    const struct kedge_device *device;
};

struct pass {
    struct kedge_arena *arena; /* of the result */
    struct kedge_arena scratch;
    const struct kedge_specs *specs;
    const struct kedge_desired *previous; /* all-zero: none */
    const struct kedge_table *deployments;
    struct kedge_roster roster; /* devices whose rows may change */
    struct kedge_buf changed;   /* struct changed */
    struct kedge_buf targets;   /* uint32_t: places in the roster */
    struct kedge_buf stale;     /* const char *: deployments whose old claims are void, sorted */
    struct kedge_buf gone;      /* const char *: devices that left, sorted */
    uint32_t *starts;           /* offers of place p: taken[starts[p]] up to starts[p + 1] */
    const struct kedge_desired_assignment **taken;
    struct kedge_buf row;       /* the row in the making */
    struct kedge_buf set;       /* its bytes for the set digest */
    struct kedge_buf edits;     /* struct kedge_table_edit */
    struct kedge_buf conflicts; /* struct conflict */
    size_t assignments;
};

static void release(struct pass *pass)
{
    struct kedge_buf *const buffers[] = {&pass->changed, &pass->targets,  &pass->stale,
                                         &pass->gone,    &pass->row,      &pass->set,
                                         &pass->edits,   &pass->conflicts};
    for (size_t i = 0; i < KEDGE_COUNT(buffers); i++)
        kedge_buf_release(buffers[i]);
    kedge_roster_release(&pass->roster);
    kedge_arena_release(&pass->scratch);
}

/* What changed: devices first, so that of a fresh fleet the roster comes out in name order. */

static void see_device(const void *before, const void *after, void *payload)
{
    struct pass *pass = payload;
    const struct kedge_device *old = before;
    if (after != NULL)
        kedge_roster_add(&pass->roster, after, true);
    else
        kedge_buf_add(&pass->gone, &old->object.name, sizeof old->object.name);
}

static void see_old_target(const struct kedge_device *device, void *payload)
{
    struct pass *pass = payload;
    const struct kedge_device *now =
        kedge_spec_find(pass->specs, KEDGE_KIND_DEVICE, device->object.name);
    if (now != NULL)
        kedge_roster_add(&pass->roster, now, false);
}

static void see_target(const struct kedge_device *device, void *payload)
{
    struct pass *pass = payload;
    uint32_t place = kedge_roster_add(&pass->roster, device, false);
    kedge_buf_add(&pass->targets, &place, sizeof place);
}

static void see_deployment(const void *before, const void *after, void *payload)
{
    struct pass *pass = payload;
    const struct kedge_desired_deployment *old = before, *now = after;
    if (old != NULL) {
        kedge_buf_add(&pass->stale, &old->name, sizeof old->name);
        kedge_spec_targets(pass->previous->specs, &old->deployment->targets, see_old_target, pass);
    }
    if (now != NULL) {
        struct changed changed = {now, pass->targets.size / sizeof(uint32_t), 0};
        kedge_spec_targets(pass->specs, &now->deployment->targets, see_target, pass);
        changed.count = pass->targets.size / sizeof(uint32_t) - changed.first;
        kedge_buf_add(&pass->changed, &changed, sizeof changed);
    }
}

static void find_changes(struct pass *pass)
{
    const struct kedge_specs *old = pass->previous->specs;
    kedge_table_diff(old != NULL ? old->kinds[KEDGE_KIND_DEVICE] : NULL,
                     pass->specs->kinds[KEDGE_KIND_DEVICE], see_device, pass);
    kedge_table_diff(pass->previous->deployments, pass->deployments, see_deployment, pass);
}

/* Who is offered what: one list for all places, filled in the order of instances, so that each
 * place's part is sorted. */

static int compare_offers(const void *left, const void *right)
{
    const struct kedge_assignment *a = &((const struct offer *)left)->assignment->assignment;
    const struct kedge_assignment *b = &((const struct offer *)right)->assignment->assignment;
    int order = strcmp(a->instance, b->instance);
    return order != 0 ? order : strcmp(a->deployment, b->deployment);
}

static struct offer *sorted_offers(struct pass *pass, size_t *count)
{
    const struct changed *changed = (const struct changed *)pass->changed.data;
    size_t changed_count = pass->changed.size / sizeof *changed;
    size_t total = 0, next = 0;
    for (size_t i = 0; i < changed_count; i++)
        total += changed[i].row->count;
    struct offer *offers = kedge_arena_array(&pass->scratch, total, sizeof *offers);
    for (size_t i = 0; i < changed_count; i++)
        for (uint32_t k = 0; k < changed[i].row->count; k++)
            offers[next++] = (struct offer){&changed[i].row->assignments[k], (uint32_t)i};
    if (total > 1)
        qsort(offers, total, sizeof *offers, compare_offers);
    *count = total;
    return offers;
}

static void distribute_offers(struct pass *pass)
{
    size_t count, places = pass->roster.count;
    const struct offer *offers = sorted_offers(pass, &count);
    const struct changed *changed = (const struct changed *)pass->changed.data;
    const uint32_t *targets = (const uint32_t *)pass->targets.data;
    /* starts[p + 1] counts, then ends, place p; filling moves starts[p + 1] from p's start to its
     * end. */
    uint32_t *starts = kedge_arena_array(&pass->scratch, places + 2, sizeof *starts);
    for (size_t i = 0; i < count; i++) {
        const struct changed *c = &changed[offers[i].deployment];
        for (size_t t = c->first; t < c->first + c->count; t++)
            starts[targets[t] + 2]++;
    }
    for (size_t p = 2; p < places + 2; p++)
        starts[p] += starts[p - 1];
    pass->taken = kedge_arena_array(&pass->scratch, starts[places + 1], sizeof(*pass->taken));
    for (size_t i = 0; i < count; i++) {
        const struct changed *c = &changed[offers[i].deployment];
        for (size_t t = c->first; t < c->first + c->count; t++)
            pass->taken[starts[targets[t] + 1]++] = offers[i].assignment;
    }
    pass->starts = starts;
}

/* Rows. */

static void take(struct pass *pass, const struct kedge_desired_assignment *assignment)
{
    kedge_buf_add(&pass->row, &assignment, sizeof(assignment));
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool is_stale(const struct pass *pass, const char *deployment)
{
    size_t count = pass->stale.size / sizeof(const char *);
    return count > 0 && bsearch(&deployment, pass->stale.data, count, sizeof(const char *),
                                compare_names) != NULL;
}

/* The device is as it was: so are the claims of all deployments that are as they were. */
static void take_kept(struct pass *pass, const struct kedge_desired_device *old)
{
    for (uint32_t i = 0; old != NULL && i < old->count; i++)
        if (!is_stale(pass, old->assignments[i]->assignment.deployment))
            take(pass, old->assignments[i]);
}

/* The device is new or has new labels: ask every deployment that is as it was. */
static void take_unchanged(struct pass *pass, const struct kedge_device *device)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_desired_deployment *row;
    while ((row = kedge_table_next(pass->previous->deployments, &iter)) != NULL) {
        if (is_stale(pass, row->name) || !kedge_spec_is_target(&row->deployment->targets, device))
            continue;
        for (uint32_t i = 0; i < row->count; i++)
            take(pass, &row->assignments[i]);
    }
}

static int compare_assignments(const void *left, const void *right)
{
    const struct kedge_desired_assignment *a =
        *(const struct kedge_desired_assignment *const *)left;
    const struct kedge_desired_assignment *b =
        *(const struct kedge_desired_assignment *const *)right;
    int order = strcmp(a->assignment.instance, b->assignment.instance);
    return order != 0 ? order : strcmp(a->assignment.deployment, b->assignment.deployment);
}

/* Most rows are sorted already; qsort would look at all of them again. */
static void sort_row(const struct kedge_desired_assignment **row, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_assignments(&row[i - 1], &row[i]) > 0) {
            qsort(row, count, sizeof(*row), compare_assignments);
            return;
        }
    }
}

static void find_conflicts(struct pass *pass, const struct kedge_device *device,
                           const struct kedge_desired_assignment *const *row, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (strcmp(row[i - 1]->assignment.instance, row[i]->assignment.instance) == 0) {
            struct conflict conflict = {row[i - 1], row[i], device};
            kedge_buf_add(&pass->conflicts, &conflict, sizeof conflict);
        }
    }
}

static const struct kedge_desired_device *make_row(
    struct pass *pass, const struct kedge_device *device,
    const struct kedge_desired_assignment *const *row, size_t count)
{
    struct kedge_desired_device *made =
        kedge_arena_alloc(pass->arena, sizeof *made + count * sizeof(*row));
    made->name = device->object.name;
    made->device = device;
    made->count = (uint32_t)count;
    kedge_buf_clear(&pass->set);
    for (size_t i = 0; i < count; i++) {
        const struct kedge_assignment *assignment = &row[i]->assignment;
        made->assignments[i] = row[i];
        kedge_assignment_set_add(&pass->set, assignment->instance, &assignment->content,
                                 assignment->state);
    }
    made->set = kedge_digest_of(pass->set.data, pass->set.size);
    return made;
}

static bool is_same_row(const struct kedge_desired_device *old, const struct kedge_device *device,
                        const struct kedge_desired_assignment *const *row, size_t count)
{
    return old != NULL && old->device == device && old->count == count &&
           (count == 0 || memcmp(old->assignments, row, count * sizeof(*row)) == 0);
}

static void resolve_device(struct pass *pass, const struct kedge_roster_entry *entry)
{
    const struct kedge_device *device = entry->device;
    const struct kedge_desired_device *old =
        kedge_table_find(pass->previous->devices, device->object.name);
    kedge_buf_clear(&pass->row);
    if (entry->fresh)
        take_unchanged(pass, device);
    else
        take_kept(pass, old);
    for (uint32_t i = pass->starts[entry->place]; i < pass->starts[entry->place + 1]; i++)
        take(pass, pass->taken[i]);
    const struct kedge_desired_assignment **row =
        (const struct kedge_desired_assignment **)pass->row.data;
    size_t count = pass->row.size / sizeof(*row);
    sort_row(row, count);
    find_conflicts(pass, device, row, count);
    if (is_same_row(old, device, row, count))
        return;
    pass->assignments += count - (old != NULL ? old->count : 0);
    struct kedge_table_edit edit = {device->object.name, make_row(pass, device, row, count)};
    kedge_buf_add(&pass->edits, &edit, sizeof edit);
}

static void remove_device(struct pass *pass, const char *name)
{
    const struct kedge_desired_device *old = kedge_table_find(pass->previous->devices, name);
    struct kedge_table_edit edit = {.name = name};
    pass->assignments -= old->count;
    kedge_buf_add(&pass->edits, &edit, sizeof edit);
}

static int compare_edits(const void *left, const void *right)
{
    return strcmp(((const struct kedge_table_edit *)left)->name,
                  ((const struct kedge_table_edit *)right)->name);
}

static void resolve_devices(struct pass *pass)
{
    kedge_roster_sort(&pass->roster);
    for (size_t i = 0; i < pass->roster.count; i++)
        resolve_device(pass, &pass->roster.at[i]);
    const char *const *gone = (const char *const *)pass->gone.data;
    size_t gone_count = pass->gone.size / sizeof(*gone);
    for (size_t i = 0; i < gone_count; i++)
        remove_device(pass, gone[i]);
    if (gone_count > 0)
        qsort(pass->edits.data, pass->edits.size / sizeof(struct kedge_table_edit),
              sizeof(struct kedge_table_edit), compare_edits);
}

/* Conflicts, told once for two deployments and an instance. */

static int compare_conflicts(const void *left, const void *right)
{
    const struct conflict *a = left, *b = right;
    int order = compare_assignments(&a->a, &b->a);
    if (order == 0)
        order = compare_assignments(&a->b, &b->b);
    return order != 0 ? order : strcmp(a->device->object.name, b->device->object.name);
}

static void tell_conflict(const struct conflict *conflict, size_t devices,
                          struct kedge_findings *findings)
{
    char more[64] = "";
    if (devices > 1)
        snprintf(more, sizeof more, " and %zu more", devices - 1);
    kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "conflict",
                      conflict->b->deployment->object.at, "spec.targets",
                      "narrow the targets of one of them",
                      "deployments '%s' and '%s' both claim '%s' on device '%s'%s",
                      conflict->a->assignment.deployment, conflict->b->assignment.deployment,
                      conflict->a->assignment.instance, conflict->device->object.name, more);
}

static void tell_conflicts(struct pass *pass, struct kedge_findings *findings)
{
    struct conflict *conflicts = (struct conflict *)pass->conflicts.data;
    size_t count = pass->conflicts.size / sizeof *conflicts;
    if (count > 1)
        qsort(conflicts, count, sizeof *conflicts, compare_conflicts);
    for (size_t first = 0, next; first < count; first = next) {
        next = first + 1;
        while (next < count && conflicts[next].a == conflicts[first].a &&
               conflicts[next].b == conflicts[first].b)
            next++;
        tell_conflict(&conflicts[first], next - first, findings);
    }
}

int kedge_resolve_desired(struct kedge_arena *arena, const struct kedge_specs *specs,
                          const struct kedge_desired *previous, struct kedge_findings *findings,
                          const struct kedge_desired **out, struct kedge_err *err)
{
    static const struct kedge_desired none;
    size_t errors = findings->errors;
    struct pass pass = {.arena = arena,
                        .specs = specs,
                        .previous = previous != NULL ? previous : &none};
    pass.assignments = pass.previous->assignments;
    pass.deployments = kedge_claim_deployments(arena, specs, pass.previous, findings);
    find_changes(&pass);
    distribute_offers(&pass);
    resolve_devices(&pass);
    tell_conflicts(&pass, findings);
    errors = findings->errors - errors;
    if (errors == 0) {
        struct kedge_desired *desired = kedge_arena_new(arena, struct kedge_desired);
        desired->specs = specs;
        desired->deployments = pass.deployments;
        desired->devices = kedge_table_edit(arena, pass.previous->devices,
                                            (const struct kedge_table_edit *)pass.edits.data,
                                            pass.edits.size / sizeof(struct kedge_table_edit));
        desired->assignments = pass.assignments;
        *out = desired;
    }
    release(&pass);
    if (errors > 0)
        return kedge_err_set(err, KEDGE_INVALID,
                             "the manifests ask for what cannot be: %zu error%s", errors,
                             errors == 1 ? "" : "s");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "judge_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "state/version.h"

/* Objects that can have caused what becomes of an instance: of both sides deployment, source, model
 * and bundle, and the device. */
#define MOST_CAUSES 9

struct side {
    const struct kedge_desired_assignment *held, *wanted;
};

struct pass {
    const struct kedge_judge_rows *job;
    struct kedge_buf edits; /* struct kedge_table_edit, by device */
    struct kedge_buf row;   /* struct kedge_judge_instance of the row in the making */
    struct kedge_buf holds; /* const struct kedge_judge_hold *: of this act */
    const char *last;       /* the reason given last: mostly it is the next one too */
    struct kedge_rights_verdict last_verdict;
    const char *last_verb, *last_instance;
};

static int compare_objects(const void *left, const void *right)
{
    const struct kedge_rights_object *a = left, *b = right;
    const struct kedge_object *one = a->after ? a->after : a->before;
    const struct kedge_object *other = b->after ? b->after : b->before;
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(one->name, other->name);
}

const struct kedge_rights_object *kedge_judge_rows_find(const struct kedge_judge_act *act,
                                                        enum kedge_kind kind, const char *name)
{
    const struct kedge_object object = {.name = name};
    const struct kedge_rights_object key = {.kind = kind, .after = &object};
    if (!name || act->count == 0)
        return NULL;
    return bsearch(&key, act->changes, act->count, sizeof key, compare_objects);
}

/* --- what an instance is made of --- */

struct names {
    struct name {
        enum kedge_kind kind;
        const char *name;
    } at[MOST_CAUSES];
    uint32_t count;
};

static void add_name(struct names *names, enum kedge_kind kind, const char *name)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (names->at[i].kind == kind && strcmp(names->at[i].name, name) == 0)
            return;
    names->at[names->count++] = (struct name){kind, name};
}

static void add_assignment(struct names *names, const struct kedge_desired_assignment *of)
{
    if (!of)
        return;
    const struct kedge_deployment *deployment = of->deployment;
    bool model = of->assignment.kind == KEDGE_KIND_MODEL;
    add_name(names, KEDGE_KIND_DEPLOYMENT, deployment->object.name);
    add_name(names, model ? KEDGE_KIND_MODEL_VERSION : KEDGE_KIND_APPLICATION, of->source->name);
    if (of->model)
        add_name(names, KEDGE_KIND_MODEL, of->model->object.name);
    if (deployment->target_kind == KEDGE_KIND_APPLICATION)
        add_name(names, KEDGE_KIND_APPLICATION, deployment->target);
}

static struct names names_of(const struct side *side, const char *device)
{
    struct names names = {.count = 0};
    add_assignment(&names, side->held);
    add_assignment(&names, side->wanted);
    add_name(&names, KEDGE_KIND_DEVICE, device);
    return names;
}

static uint32_t find_causes(const struct kedge_judge_act *act, const struct side *side,
                            const char *device,
                            const struct kedge_rights_object *causes[MOST_CAUSES])
{
    const struct names names = names_of(side, device);
    uint32_t count = 0;
    for (uint32_t i = 0; i < names.count; i++) {
        const struct kedge_rights_object *cause =
            kedge_judge_rows_find(act, names.at[i].kind, names.at[i].name);
        if (cause)
            causes[count++] = cause;
    }
    return count;
}

/* --- one instance --- */

static bool is_same(const struct kedge_desired_assignment *a,
                    const struct kedge_desired_assignment *b)
{
    if (!a || !b)
        return a == b;
    return kedge_digest_equal(&a->assignment.content, &b->assignment.content) &&
           a->assignment.state == b->assignment.state;
}

static bool is_lower(const char *version, const char *than)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_version a, b;
    struct kedge_err ignored;
    return kedge_version_parse(&arena, version, &a, &ignored) == 0 &&
           kedge_version_parse(&arena, than, &b, &ignored) == 0 &&
           kedge_version_compare(&a, &b) < 0;
}

/* What becomes of it: two things when settings and run state change together. */
static uint32_t find_verbs(const struct side *side, enum kedge_right verbs[2])
{
    if (!side->held || !side->wanted) {
        verbs[0] = side->held ? KEDGE_RIGHT_DESTROY : KEDGE_RIGHT_DEPLOY;
        return 1;
    }
    const struct kedge_assignment *held = &side->held->assignment;
    const struct kedge_assignment *wanted = &side->wanted->assignment;
    uint32_t count = 0;
    if (!kedge_digest_equal(&held->content, &wanted->content))
        verbs[count++] =
            is_lower(wanted->version, held->version) ? KEDGE_RIGHT_ROLLBACK : KEDGE_RIGHT_UPDATE;
    if (held->state != wanted->state)
        verbs[count++] = wanted->state == KEDGE_RUN_RUNNING ? KEDGE_RIGHT_START : KEDGE_RIGHT_STOP;
    return count;
}

/* An instance whose deployment stays and does not prune is left where it is. */
static bool is_left(const struct kedge_judge_rows *job, const struct side *side)
{
    if (side->wanted || !job->lawful)
        return false;
    const struct kedge_deployment *deployment =
        kedge_spec_find(job->lawful->specs, KEDGE_KIND_DEPLOYMENT,
                        side->held->deployment->object.name);
    return deployment && !deployment->prune;
}

/* True when it may not; the verdict says why, of `verb`. */
static bool refuses(const struct kedge_judge_rows *job, const struct kedge_device *before,
                    const struct kedge_device *after, const struct side *side,
                    struct kedge_rights_verdict *verdict, enum kedge_right *verb)
{
    const struct kedge_desired_assignment *some = side->wanted ? side->wanted : side->held;
    const struct kedge_rights_object *causes[MOST_CAUSES];
    enum kedge_right verbs[2];
    uint32_t count = find_verbs(side, verbs);
    if (is_left(job, side))
        return false;
    struct kedge_rights_effect effect = {
        .instance = some->assignment.instance,
        .bundle = some->assignment.bundle,
        .before = before,
        .after = after,
        .causes = causes,
        .cause_count = find_causes(job->act, side, (before ? before : after)->object.name, causes),
    };
    for (uint32_t i = 0; i < count; i++) {
        effect.verb = verbs[i];
        *verdict = kedge_rights_effect(job->rules, &job->act->party, &effect);
        *verb = verbs[i];
        if (!verdict->allowed)
            return true;
    }
    return false;
}

const char *kedge_judge_rows_why(struct kedge_arena *arena, const struct kedge_judge_act *act,
                                 const struct kedge_rights_verdict *verdict, const char *what)
{
    const struct kedge_rights_signer *signer = verdict->signer;
    const char *name = signer && signer->principals    ? signer->principals
                       : signer && signer->fingerprint ? signer->fingerprint
                                                       : "somebody unknown";
    const char *explained = kedge_rights_explain(arena, verdict);
    if (!act->commit[0])
        return kedge_arena_printf(arena, "'%s' may not %s: %s", name, what, explained);
    return kedge_arena_printf(arena, "'%s' may not %s: %s (commit %.12s)", name, what, explained,
                              act->commit);
}

const char *kedge_judge_rows_refuse(const struct kedge_judge_rows *job,
                                    const struct kedge_device *before,
                                    const struct kedge_device *after,
                                    const struct kedge_desired_assignment *held,
                                    const struct kedge_desired_assignment *wanted)
{
    const struct side side = {held, wanted};
    struct kedge_rights_verdict verdict;
    enum kedge_right verb;
    if (!refuses(job, before, after, &side, &verdict, &verb))
        return NULL;
    const char *what = kedge_arena_printf(job->arena, "%s '%s' on device '%s'",
                                          kedge_word_name(&kedge_right_words, (int)verb),
                                          (held ? held : wanted)->assignment.instance,
                                          (before ? before : after)->object.name);
    return kedge_judge_rows_why(job->arena, job->act, &verdict, what);
}

/* --- rows of what is held --- */

static bool is_told(const struct pass *pass, const struct kedge_rights_verdict *verdict,
                    const char *verb, const char *instance)
{
    const struct kedge_rights_verdict *last = &pass->last_verdict;
    return pass->last && pass->last_verb == verb && last->signer == verdict->signer &&
           last->policy == verdict->policy && last->rule == verdict->rule &&
           last->lacks == verdict->lacks && last->have == verdict->have &&
           strcmp(pass->last_instance, instance) == 0;
}

/* In the words used before where they fit: a fleet has few reasons, and many devices. */
static const struct kedge_judge_hold *make_hold(struct pass *pass,
                                                const struct kedge_rights_verdict *verdict,
                                                enum kedge_right right, const char *instance)
{
    const struct kedge_judge_rows *job = pass->job;
    const char *verb = kedge_word_name(&kedge_right_words, (int)right);
    const struct kedge_judge_hold **holds = (const struct kedge_judge_hold **)pass->holds.data;
    size_t count = pass->holds.size / sizeof(*holds);
    if (count && is_told(pass, verdict, verb, instance))
        return holds[count - 1];
    const char *what = kedge_arena_printf(job->arena, "%s '%s' here", verb, instance);
    struct kedge_judge_hold *hold = kedge_arena_new(job->arena, struct kedge_judge_hold);
    *hold = (struct kedge_judge_hold){
        .act = job->act,
        .why = kedge_judge_rows_why(job->arena, job->act, verdict, what),
        .frees = kedge_arena_printf(job->arena,
                                    "a commit, or an approval of %.12s, by somebody whom a policy "
                                    "lets %s '%s' here",
                                    job->act->commit, verb, instance),
    };
    kedge_buf_add(&pass->holds, &(const struct kedge_judge_hold *){hold}, sizeof(hold));
    pass->last = hold->why;
    pass->last_verdict = *verdict;
    pass->last_verb = verb;
    pass->last_instance = instance;
    return hold;
}

/* One instance of a device, all that is known of it. */
struct instance {
    const char *name;
    const struct kedge_desired_assignment *was, *is; /* lawful */
    const struct kedge_judge_instance *held;         /* that it was held, or NULL */
    const struct kedge_device *before, *after;
};

/* Does this commit say anything about it? */
static bool is_touched(const struct kedge_judge_rows *job, const struct instance *instance)
{
    const struct kedge_rights_object *causes[MOST_CAUSES];
    const struct kedge_judge_instance *held = instance->held;
    if (!is_same(instance->was, instance->is))
        return true;
    if (!held)
        return false;
    if (job->approving)
        return strcmp(held->hold->act->commit, job->act->commit) == 0;
    const struct side side = {held->kept, instance->is};
    return find_causes(job->act, &side, instance->after->object.name, causes) > 0;
}

/* For the objects that brought it about: was it let through, or why not? */
static void note_outcome(const struct kedge_judge_rows *job, const struct side *side,
                         const char *device, const char *refused)
{
    const struct kedge_rights_object *causes[MOST_CAUSES];
    uint32_t count = find_causes(job->act, side, device, causes);
    for (uint32_t i = 0; i < count && job->outcomes; i++) {
        struct kedge_judge_outcome *outcome = &job->outcomes[causes[i] - job->act->changes];
        outcome->let |= !refused;
        if (!outcome->refused)
            outcome->refused = refused;
    }
}

static void judge_instance(struct pass *pass, const struct instance *instance)
{
    const struct kedge_judge_instance *held = instance->held;
    const struct side side = {held ? held->kept : instance->was, instance->is};
    struct kedge_rights_verdict verdict;
    enum kedge_right verb;
    if (is_same(side.held, side.wanted))
        return; /* what is in force is wanted again */
    if (!is_touched(pass->job, instance)) {
        if (held)
            kedge_buf_add(&pass->row, held, sizeof *held);
        return;
    }
    if (!refuses(pass->job, instance->before, instance->after, &side, &verdict, &verb)) {
        note_outcome(pass->job, &side, instance->after->object.name, NULL);
        return;
    }
    struct kedge_judge_instance kept = {instance->name, side.held,
                                        make_hold(pass, &verdict, verb, instance->name)};
    note_outcome(pass->job, &side, instance->after->object.name, kept.hold->why);
    kedge_buf_add(&pass->row, &kept, sizeof kept);
}

static const char *first_name(const char *a, const char *b)
{
    return !a ? b : !b ? a : strcmp(a, b) <= 0 ? a : b;
}

static bool is_next(const char *name, const char *next)
{
    return name && strcmp(name, next) == 0;
}

/* Each instance that was or is wanted on the device, or is held there. */
static void judge_instances(struct pass *pass, const struct kedge_desired_device *was,
                            const struct kedge_desired_device *is,
                            const struct kedge_judge_row *held)
{
    uint32_t w = 0, i = 0, h = 0;
    uint32_t wanted = was ? was->count : 0, kept = held ? held->count : 0;
    while (w < wanted || i < is->count || h < kept) {
        const char *a = w < wanted ? was->assignments[w]->assignment.instance : NULL;
        const char *b = i < is->count ? is->assignments[i]->assignment.instance : NULL;
        const char *c = h < kept ? held->at[h].instance : NULL;
        struct instance instance = {.name = first_name(first_name(a, b), c),
                                    .before = was ? was->device : NULL,
                                    .after = is->device};
        if (is_next(a, instance.name))
            instance.was = was->assignments[w++];
        if (is_next(b, instance.name))
            instance.is = is->assignments[i++];
        if (is_next(c, instance.name))
            instance.held = &held->at[h++];
        judge_instance(pass, &instance);
    }
}

static bool is_same_row(const struct kedge_judge_row *row, const struct kedge_buf *made)
{
    size_t size = row ? row->count * sizeof row->at[0] : 0;
    return size == made->size && (size == 0 || memcmp(row->at, made->data, size) == 0);
}

static void see_row(const void *before, const void *after, void *payload)
{
    struct pass *pass = payload;
    const struct kedge_desired_device *was = before, *is = after;
    const char *name = is ? is->name : was->name;
    const struct kedge_judge_row *held = kedge_table_find(pass->job->before->rows, name);
    struct kedge_judge_row *row = NULL;
    kedge_buf_clear(&pass->row);
    if (is)
        judge_instances(pass, was, is, held);
    if (is_same_row(held, &pass->row))
        return;
    if (pass->row.size) {
        row = kedge_arena_alloc(pass->job->arena, sizeof *row + pass->row.size);
        row->name = name;
        row->count = (uint32_t)(pass->row.size / sizeof row->at[0]);
        memcpy(row->at, pass->row.data, pass->row.size);
    }
    kedge_buf_add(&pass->edits, &(struct kedge_table_edit){name, row},
                  sizeof(struct kedge_table_edit));
}

static int compare_edits(const void *left, const void *right)
{
    const struct kedge_table_edit *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Rows on which something is held that may be let go, though their devices did not change. */
static void see_held_rows(struct pass *pass)
{
    const struct kedge_judge_rows *job = pass->job;
    struct kedge_table_iter iter = {0};
    const struct kedge_judge_row *row;
    while ((row = kedge_table_next(job->before->rows, &iter))) {
        const void *was = kedge_table_find(job->before->lawful->devices, row->name);
        const void *is = kedge_table_find(job->lawful->devices, row->name);
        if (was == is)
            see_row(was, is, pass);
    }
    if (pass->edits.size)
        qsort(pass->edits.data, pass->edits.size / sizeof(struct kedge_table_edit),
              sizeof(struct kedge_table_edit), compare_edits);
}

const struct kedge_table *kedge_judge_rows_next(const struct kedge_judge_rows *job)
{
    struct pass pass = {.job = job};
    kedge_table_diff(job->before->lawful->devices, job->lawful->devices, see_row, &pass);
    if (job->approving)
        see_held_rows(&pass);
    const struct kedge_table *rows =
        kedge_table_edit(job->arena, job->before->rows,
                         (const struct kedge_table_edit *)pass.edits.data,
                         pass.edits.size / sizeof(struct kedge_table_edit));
    kedge_buf_release(&pass.edits);
    kedge_buf_release(&pass.row);
    kedge_buf_release(&pass.holds);
    return rows;
}

/* --- what is in force --- */

static const struct kedge_desired_device *merge_row(struct kedge_arena *arena,
                                                    const struct kedge_desired_device *lawful,
                                                    const struct kedge_judge_row *held)
{
    struct kedge_desired_device *row =
        kedge_arena_alloc(arena,
                          sizeof *row + (lawful->count + held->count) * sizeof(*row->assignments));
    kedge_auto(kedge_buf) struct kedge_buf set = {0};
    row->name = lawful->name;
    row->device = lawful->device;
    for (uint32_t i = 0, h = 0; i < lawful->count || h < held->count;) {
        const char *name = i < lawful->count ? lawful->assignments[i]->assignment.instance : NULL;
        int order = !name ? 1 : h == held->count ? -1 : strcmp(name, held->at[h].instance);
        const struct kedge_desired_assignment *next =
            order < 0 ? lawful->assignments[i] : held->at[h].kept;
        i += order <= 0;
        h += order >= 0;
        if (!next)
            continue;
        row->assignments[row->count++] = next;
        kedge_assignment_set_add(&set, next->assignment.instance, &next->assignment.content,
                                 next->assignment.state);
    }
    row->set = kedge_digest_of(set.data, set.size);
    return row;
}

struct kedge_desired *kedge_judge_rows_apply(const struct kedge_judge_rows *job,
                                             const struct kedge_table *rows)
{
    const struct kedge_judgement *before = job->before;
    struct kedge_desired *desired = kedge_arena_new(job->arena, struct kedge_desired);
    kedge_auto(kedge_buf) struct kedge_buf edits = {0};
    struct kedge_table_iter iter = {0};
    const struct kedge_judge_row *held;
    *desired = *job->lawful;
    while ((held = kedge_table_next(rows, &iter))) {
        const struct kedge_desired_device *lawful =
            kedge_table_find(job->lawful->devices, held->name);
        bool as_before = kedge_table_find(before->rows, held->name) == held &&
                         kedge_table_find(before->lawful->devices, held->name) == lawful;
        struct kedge_table_edit edit = {held->name,
                                        as_before
                                            ? kedge_table_find(before->desired->devices, held->name)
                                            : merge_row(job->arena, lawful, held)};
        kedge_buf_add(&edits, &edit, sizeof edit);
        desired->assignments +=
            ((const struct kedge_desired_device *)edit.value)->count - lawful->count;
    }
    desired->devices = kedge_table_edit(job->arena, job->lawful->devices,
                                        (const struct kedge_table_edit *)edits.data,
                                        edits.size / sizeof(struct kedge_table_edit));
    return desired;
}

/* --- what the repository says beyond it --- */

struct refusing {
    struct kedge_arena *arena;
    const struct kedge_judgement *judged;
    const struct kedge_table *before;
    struct kedge_buf row;  /* struct kedge_desired_refusal */
    struct kedge_buf rows; /* const struct kedge_desired_refused * */
};

/* An instance differs because it is held itself, or because something is that it is made of. */
static const struct kedge_judge_hold *find_hold(const struct refusing *r, const struct side *side,
                                                const char *device, const char *instance)
{
    const struct kedge_judge_row *row = kedge_table_find(r->judged->rows, device);
    for (uint32_t i = 0; row && i < row->count; i++)
        if (strcmp(row->at[i].instance, instance) == 0)
            return row->at[i].hold;
    const struct names names = names_of(side, device);
    kedge_auto(kedge_buf) struct kedge_buf key = {0};
    for (uint32_t i = 0; i < names.count; i++) {
        kedge_buf_clear(&key);
        kedge_buf_printf(&key, "%s/%s", kedge_word_name(&kedge_kind_words, (int)names.at[i].kind),
                         names.at[i].name);
        const struct kedge_judge_object *object = kedge_table_find(r->judged->objects, key.data);
        if (object)
            return &object->hold;
    }
    return NULL;
}

static void refuse_instance(struct refusing *r, const char *device, const struct side *side)
{
    if (is_same(side->held, side->wanted))
        return;
    const char *instance = (side->held ? side->held : side->wanted)->assignment.instance;
    const struct kedge_judge_hold *hold = find_hold(r, side, device, instance);
    struct kedge_desired_refusal refusal = {
        instance, side->held, side->wanted,
        hold ? hold->why : "it follows from manifests that policy holds",
        hold ? hold->frees : "a commit, or an approval, by somebody who may change them"};
    kedge_buf_add(&r->row, &refusal, sizeof refusal);
}

static const struct kedge_desired_refused *keep_row(struct refusing *r, const char *device)
{
    const struct kedge_desired_refused *old = kedge_table_find(r->before, device);
    if (old && old->count * sizeof old->at[0] == r->row.size &&
        memcmp(old->at, r->row.data, r->row.size) == 0)
        return old;
    struct kedge_desired_refused *row = kedge_arena_alloc(r->arena, sizeof *row + r->row.size);
    row->name = device;
    row->count = (uint32_t)(r->row.size / sizeof row->at[0]);
    memcpy(row->at, r->row.data, r->row.size);
    return row;
}

/* A device that only the repository knows is not there yet: its manifest is what is held. */
static void see_difference(const void *before, const void *after, void *payload)
{
    struct refusing *r = payload;
    const struct kedge_desired_device *force = before, *git = after;
    uint32_t wanted = git ? git->count : 0;
    if (!force || (git && kedge_digest_equal(&force->set, &git->set)))
        return;
    kedge_buf_clear(&r->row);
    for (uint32_t f = 0, g = 0; f < force->count || g < wanted;) {
        const struct kedge_desired_assignment *held =
            f < force->count ? force->assignments[f] : NULL;
        const struct kedge_desired_assignment *want = g < wanted ? git->assignments[g] : NULL;
        int order = !held   ? 1
                    : !want ? -1
                            : strcmp(held->assignment.instance, want->assignment.instance);
        const struct side side = {order <= 0 ? held : NULL, order >= 0 ? want : NULL};
        refuse_instance(r, force->name, &side);
        f += order <= 0;
        g += order >= 0;
    }
    if (r->row.size) {
        const struct kedge_desired_refused *row = keep_row(r, force->name);
        kedge_buf_add(&r->rows, &row, sizeof row);
    }
}

const struct kedge_table *kedge_judge_rows_refused(struct kedge_arena *arena,
                                                   const struct kedge_judgement *judged,
                                                   const struct kedge_table *before)
{
    struct refusing r = {.arena = arena, .judged = judged, .before = before};
    kedge_table_diff(judged->desired->devices, judged->git->devices, see_difference, &r);
    const struct kedge_table *refused =
        kedge_table_build(arena, (const void *const *)r.rows.data, r.rows.size / sizeof(void *));
    kedge_buf_release(&r.row);
    kedge_buf_release(&r.rows);
    return refused;
}

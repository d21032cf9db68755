/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "core/resolve.h"
#include "judge_rows.h"
#include "manifest/overlay.h"
#include "manifest/same.h"

/* One commit in court. */
struct judging {
    struct kedge_arena *arena;
    const struct kedge_judgement *before;
    const struct kedge_specs *git;    /* of the commit */
    const struct kedge_specs *lawful; /* before it: its policies judge, its objects stay */
    struct kedge_judge_act *act;
    bool approving;
    enum kedge_kind kind;     /* that is looked at */
    struct kedge_buf changes; /* struct kedge_rights_object */
    const char **silent;      /* of each change: nothing that it does to devices may be, and why */
    struct kedge_judge_outcome *outcomes; /* of each change of the act */
    bool whole;                           /* the commit is held whole */
    struct kedge_buf edits;               /* struct kedge_overlay_edit: what comes into force */
    struct kedge_buf held;                /* struct kedge_table_edit of `before->objects` */
};

static void judging_auto(struct judging *judging)
{
    free(judging->silent);
    free(judging->outcomes);
    kedge_buf_release(&judging->changes);
    kedge_buf_release(&judging->edits);
    kedge_buf_release(&judging->held);
}

static const char *key_of(struct kedge_arena *arena, enum kedge_kind kind, const char *name)
{
    return kedge_arena_printf(arena, "%s/%s", kedge_word_name(&kedge_kind_words, (int)kind), name);
}

static const struct kedge_judge_object *find_held(const struct judging *judging, const char *name)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    if (!judging->before->objects)
        return NULL;
    return kedge_table_find(judging->before->objects, key_of(&arena, judging->kind, name));
}

/* Where an object stands is part of what rules are about. */
static bool is_same(enum kedge_kind kind, const struct kedge_object *a,
                    const struct kedge_object *b)
{
    return a && b ? strcmp(a->at.file, b->at.file) == 0 && kedge_same_object(kind, a, b) : a == b;
}

static const char *name_of(const struct kedge_rights_object *change)
{
    return change->after ? change->after->name : change->before->name;
}

/* The object comes into force as the repository has it. */
static void let(struct judging *judging, const struct kedge_rights_object *change, const char *name)
{
    struct kedge_overlay_edit edit = {change->kind, change->before, change->after};
    if (edit.before != edit.after)
        kedge_buf_add(&judging->edits, &edit, sizeof edit);
    judging->kind = change->kind;
    const struct kedge_judge_object *known = find_held(judging, name);
    if (known)
        kedge_buf_add(&judging->held, &(struct kedge_table_edit){.name = known->key},
                      sizeof(struct kedge_table_edit));
}

static void hold(struct judging *judging, const struct kedge_rights_object *change, const char *why)
{
    struct kedge_judge_object *object = kedge_arena_new(judging->arena, struct kedge_judge_object);
    const char *kind = kedge_word_name(&kedge_kind_words, (int)change->kind);
    *object = (struct kedge_judge_object){
        .key = key_of(judging->arena, change->kind, name_of(change)),
        .kind = change->kind,
        .name = name_of(change),
        .hold = {.act = judging->act,
                 .why = why,
                 .frees =
                     kedge_arena_printf(judging->arena,
                                        "a commit, or an approval of %.12s, by somebody whom a "
                                        "policy lets change %s '%s'",
                                        judging->act->commit, kind, name_of(change))},
    };
    kedge_buf_add(&judging->held, &(struct kedge_table_edit){object->key, object},
                  sizeof(struct kedge_table_edit));
}

/* An object that was read anew. */
static void see_object(const void *old, const void *new, void *payload)
{
    struct judging *judging = payload;
    const struct kedge_object *before = old, *after = new;
    enum kedge_kind kind = judging->kind;
    const char *name = after ? after->name : before->name;
    struct kedge_rights_object change = {kind, kedge_spec_find(judging->lawful, kind, name), after};
    if (is_same(kind, before, after) && find_held(judging, name))
        return; /* this commit leaves it alone */
    if (is_same(kind, change.before, after))
        let(judging, &change, name);
    else
        kedge_buf_add(&judging->changes, &change, sizeof change);
}

/* What the commit changes, against what is in force. */
static void find_changes(struct judging *judging)
{
    const struct kedge_specs *was = judging->before->git->specs;
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++) {
        judging->kind = (enum kedge_kind)kind;
        kedge_table_diff(was->kinds[kind], judging->git->kinds[kind], see_object, judging);
    }
    size_t count = judging->changes.size / sizeof(struct kedge_rights_object);
    struct kedge_rights_object *changes = kedge_arena_array(judging->arena, count, sizeof *changes);
    if (count)
        memcpy(changes, judging->changes.data, judging->changes.size);
    judging->act->changes = changes;
    judging->act->count = count;
}

/* What an earlier commit changed and is still held. */
static void find_held_changes(struct judging *judging)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_judge_object *object;
    while ((object = kedge_table_next(judging->before->objects, &iter))) {
        if (strcmp(object->hold.act->commit, judging->act->commit) != 0)
            continue;
        struct kedge_rights_object change = {
            object->kind, kedge_spec_find(judging->lawful, object->kind, object->name),
            kedge_spec_find(judging->git, object->kind, object->name)};
        kedge_buf_add(&judging->changes, &change, sizeof change);
    }
}

static struct kedge_judge_rows rows_of(const struct judging *judging,
                                       const struct kedge_desired *lawful)
{
    return (struct kedge_judge_rows){.arena = judging->arena,
                                     .before = judging->before,
                                     .rules = judging->lawful,
                                     .act = judging->act,
                                     .lawful = lawful,
                                     .approving = judging->approving,
                                     .outcomes = judging->outcomes};
}

/* With a device goes all that it holds. */
static const char *refuse_removal(const struct judging *judging,
                                  const struct kedge_rights_object *change)
{
    if (change->kind != KEDGE_KIND_DEVICE || change->after)
        return NULL;
    const struct kedge_device *device = (const struct kedge_device *)change->before;
    const struct kedge_judge_rows rows = rows_of(judging, NULL);
    const struct kedge_desired_device *row =
        kedge_table_find(judging->before->desired->devices, change->before->name);
    const char *why = NULL;
    for (uint32_t i = 0; row && i < row->count && !why; i++)
        why = kedge_judge_rows_refuse(&rows, device, NULL, row->assignments[i], NULL);
    return why;
}

static size_t index_of(const struct judging *judging, const struct kedge_rights_object *change)
{
    return (size_t)(change -
                    (const struct kedge_rights_object *)(const void *)judging->changes.data);
}

static struct kedge_rights_verdict ask(const struct judging *judging,
                                       const struct kedge_rights_object *change)
{
    return kedge_rights_object(judging->lawful, &judging->act->party, change,
                               !judging->silent[index_of(judging, change)]);
}

static const char *refuse_object(const struct judging *judging,
                                 const struct kedge_rights_object *change)
{
    struct kedge_rights_verdict verdict = ask(judging, change);
    if (verdict.allowed)
        return refuse_removal(judging, change);
    const char *silent = judging->silent[index_of(judging, change)];
    if (silent && *silent)
        return silent;
    const char *what = !change->before ? "add" : !change->after ? "remove" : "change";
    what =
        kedge_arena_printf(judging->arena, "%s %s '%s'", what,
                           kedge_word_name(&kedge_kind_words, (int)change->kind), name_of(change));
    return kedge_judge_rows_why(judging->arena, judging->act, &verdict, what);
}

static void judge_objects(struct judging *judging)
{
    const struct kedge_rights_object *changes = (const void *)judging->changes.data;
    for (size_t i = 0; i < judging->changes.size / sizeof *changes; i++) {
        const char *why = refuse_object(judging, &changes[i]);
        if (why)
            hold(judging, &changes[i], why);
        else
            let(judging, &changes[i], name_of(&changes[i]));
    }
}

static int compare_held(const void *left, const void *right)
{
    const struct kedge_table_edit *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static const struct kedge_table *hold_objects(struct judging *judging)
{
    size_t count = judging->held.size / sizeof(struct kedge_table_edit);
    if (count == 0)
        return judging->before->objects;
    qsort(judging->held.data, count, sizeof(struct kedge_table_edit), compare_held);
    return kedge_table_edit(judging->arena, judging->before->objects,
                            (const struct kedge_table_edit *)judging->held.data, count);
}

/* Nothing of the commit comes into force: what may would not stand without what may not. */
static void hold_all(struct judging *judging, const struct kedge_findings *findings)
{
    const struct kedge_rights_object *changes = (const void *)judging->changes.data;
    const char *first = "";
    for (size_t i = 0; i < findings->count && !*first; i++)
        if (findings->at[i].severity == KEDGE_SEVERITY_ERROR)
            first = findings->at[i].message;
    const char *why = kedge_arena_printf(judging->arena,
                                         "what policy lets through of commit %.12s does not stand "
                                         "without the rest: %s",
                                         judging->act->commit, first);
    judging->whole = true;
    kedge_buf_clear(&judging->edits);
    kedge_buf_clear(&judging->held);
    for (size_t i = 0; i < judging->changes.size / sizeof *changes; i++) {
        const char *refused = refuse_object(judging, &changes[i]);
        hold(judging, &changes[i], refused ? refused : why);
    }
}

/* As before, and yet of this commit. */
static const struct kedge_desired *stay(struct judging *judging)
{
    struct kedge_specs *specs = kedge_arena_new(judging->arena, struct kedge_specs);
    struct kedge_desired *desired = kedge_arena_new(judging->arena, struct kedge_desired);
    *specs = *judging->lawful;
    memcpy(specs->commit, judging->git->commit, sizeof specs->commit);
    *desired = *judging->before->lawful;
    desired->specs = specs;
    return desired;
}

/* The objects that are in force from now on, resolved. */
static const struct kedge_desired *make_lawful(struct judging *judging,
                                               const struct kedge_desired *git)
{
    const struct kedge_judgement *before = judging->before;
    const struct kedge_specs *specs;
    const struct kedge_desired *lawful = NULL;
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    struct kedge_err err;
    if (before->lawful == before->git && judging->held.size == 0)
        return git;
    const struct kedge_overlay_edit *edits = (const void *)judging->edits.data;
    if (kedge_overlay_specs(judging->arena, judging->lawful, judging->git->commit, edits,
                            judging->edits.size / sizeof *edits, &findings, &specs, &err) == 0 &&
        kedge_resolve_desired(judging->arena, specs, before->lawful, &findings, &lawful, &err) == 0)
        return lawful;
    hold_all(judging, &findings);
    return stay(judging);
}

/* Finds changes that were let through for the sake of what they do to devices, and do nothing that
 * may be. */
static bool find_silent(struct judging *judging)
{
    const struct kedge_rights_object *changes = (const void *)judging->changes.data;
    bool found = false;
    for (size_t i = 0; i < judging->changes.size / sizeof *changes && !judging->whole; i++) {
        const struct kedge_rights_object *cause =
            kedge_judge_rows_find(judging->act, changes[i].kind, name_of(&changes[i]));
        const struct kedge_judge_outcome *outcome =
            cause ? &judging->outcomes[cause - judging->act->changes] : NULL;
        struct kedge_rights_verdict verdict = ask(judging, &changes[i]);
        if (!verdict.only_effects || (outcome && outcome->let))
            continue;
        judging->silent[i] = outcome && outcome->refused ? outcome->refused : "";
        found = true;
    }
    return found;
}

static const struct kedge_judgement *finish(struct judging *judging,
                                            const struct kedge_desired *git,
                                            const struct kedge_judge_rows *rows,
                                            const struct kedge_table *held)
{
    const struct kedge_desired *lawful = rows->lawful;
    struct kedge_judgement *next = kedge_arena_new(judging->arena, struct kedge_judgement);
    *next = (struct kedge_judgement){
        .git = git,
        .lawful = lawful,
        .objects = hold_objects(judging),
        .rows = held,
    };
    if (kedge_judge_settled(next) || !kedge_rights_bind(lawful->specs))
        return kedge_judge_begin(judging->arena, git);
    struct kedge_desired *desired = kedge_judge_rows_apply(rows, held);
    next->desired = desired;
    desired->refused =
        kedge_judge_rows_refused(judging->arena, next, judging->before->desired->refused);
    return next;
}

static const struct kedge_judgement *judge(struct judging *judging, const struct kedge_desired *git)
{
    judging->git = git->specs;
    judging->lawful = judging->before->lawful->specs;
    if (judging->approving)
        find_held_changes(judging);
    else
        find_changes(judging);
    const size_t edits = judging->edits.size, held = judging->held.size;
    const size_t count = judging->changes.size / sizeof(struct kedge_rights_object);
    judging->silent = kedge_alloc_array(count + 1, sizeof *judging->silent);
    judging->outcomes = kedge_alloc_array(judging->act->count + 1, sizeof *judging->outcomes);
    for (;;) {
        memset(judging->outcomes, 0, judging->act->count * sizeof *judging->outcomes);
        judge_objects(judging);
        struct kedge_judge_rows rows = rows_of(judging, make_lawful(judging, git));
        const struct kedge_table *kept = kedge_judge_rows_next(&rows);
        if (!find_silent(judging))
            return finish(judging, git, &rows, kept);
        judging->edits.size = edits;
        judging->held.size = held;
    }
}

const struct kedge_judgement *kedge_judge_begin(struct kedge_arena *arena,
                                                const struct kedge_desired *git)
{
    struct kedge_judgement *judged = kedge_arena_new(arena, struct kedge_judgement);
    *judged = (struct kedge_judgement){.git = git, .lawful = git, .desired = git};
    return judged;
}

bool kedge_judge_settled(const struct kedge_judgement *judged)
{
    return kedge_table_count(judged->objects) == 0 && kedge_table_count(judged->rows) == 0;
}

/* An act that still holds something, or NULL. */
static const struct kedge_judge_act *find_act(const struct kedge_judgement *judged,
                                              const char *commit)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_judge_object *object;
    const struct kedge_judge_row *row;
    while ((object = kedge_table_next(judged->objects, &iter)))
        if (strcmp(object->hold.act->commit, commit) == 0)
            return object->hold.act;
    iter = (struct kedge_table_iter){0};
    while ((row = kedge_table_next(judged->rows, &iter)))
        for (uint32_t i = 0; i < row->count; i++)
            if (strcmp(row->at[i].hold->act->commit, commit) == 0)
                return row->at[i].hold->act;
    return NULL;
}

static const struct kedge_judgement *approve(struct kedge_arena *arena,
                                             const struct kedge_judgement *before,
                                             const struct kedge_judge_approval *approval)
{
    const struct kedge_judge_act *act = find_act(before, approval->commit);
    if (!act)
        return before;
    struct kedge_judge_act *again = kedge_arena_new(arena, struct kedge_judge_act);
    const struct kedge_rights_signers *known = &act->party.approvers;
    struct kedge_rights_signer *approvers =
        kedge_arena_array(arena, known->count + 1, sizeof *approvers);
    if (known->count)
        memcpy(approvers, known->at, known->count * sizeof *approvers);
    approvers[known->count] = approval->signer;
    *again = *act;
    again->party.approvers = (struct kedge_rights_signers){approvers, known->count + 1};
    kedge_auto(judging) struct judging judging = {.arena = arena,
                                                  .before = before,
                                                  .act = again,
                                                  .approving = true};
    return judge(&judging, before->git);
}

const struct kedge_judgement *kedge_judge_next(struct kedge_arena *arena,
                                               const struct kedge_judgement *before,
                                               const struct kedge_judge_step *step)
{
    for (uint32_t i = 0; i < step->approval_count; i++)
        before = approve(arena, before, &step->approvals[i]);
    if (!kedge_rights_bind(before->lawful->specs))
        return kedge_judge_begin(arena, step->git);
    struct kedge_judge_act *act = kedge_arena_new(arena, struct kedge_judge_act);
    memcpy(act->commit, step->commit, sizeof act->commit);
    act->party = step->party;
    kedge_auto(judging) struct judging judging = {.arena = arena, .before = before, .act = act};
    return judge(&judging, step->git);
}

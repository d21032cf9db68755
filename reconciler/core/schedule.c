/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "fit.h"
#include "gate.h"
#include "state/quantity.h"
#include "wave.h"
#include "window.h"

/* What the rules know. Changes come sorted by device, so facts of one device are found once. */
struct pass {
    struct kedge_arena *arena;
    const struct kedge_desired *desired;
    const struct kedge_identities *identities;
    kedge_ms now;
    struct kedge_gates gates; /* that some policy demands */
    struct kedge_windows windows;
    struct kedge_waves waves;
    const char *device;                        /* the facts below are of this one */
    const struct kedge_window_state *blocking; /* its window, or NULL */
    int64_t disk_taken;                        /* by steps released for it */
};

/* Verbs that a rule asks about. */
enum {
    DEPLOY = 1 << KEDGE_VERB_DEPLOY,
    UPDATE = 1 << KEDGE_VERB_UPDATE,
    DESTROY = 1 << KEDGE_VERB_DESTROY,
    START = 1 << KEDGE_VERB_START,
    STOP = 1 << KEDGE_VERB_STOP,
    INSTALL = DEPLOY | UPDATE,
    RUN = INSTALL | START,
    ALL = RUN | DESTROY | STOP,
};

static const char *at_time(struct pass *pass, kedge_ms at)
{
    char text[KEDGE_TIME_TEXT];
    return kedge_arena_printf(pass->arena, "at %s", kedge_clock_format(at, text));
}

static const struct kedge_device *device_of(const struct kedge_change *change)
{
    return change->desired != NULL ? change->desired->device : NULL;
}

/* The deployment that wants the change, or that wanted what is to go. */
static const struct kedge_deployment *deployment_of(const struct pass *pass,
                                                    const struct kedge_change *change)
{
    if (change->want != NULL)
        return change->want->deployment;
    if (change->refused != NULL)
        return change->refused->kept->deployment;
    if (change->have->deployment == NULL)
        return NULL;
    return kedge_spec_find(pass->desired->specs, KEDGE_KIND_DEPLOYMENT, change->have->deployment);
}

/* Rules: each says whether it holds the step, and then why and what frees it. */

static bool held_policy(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_desired_refusal *refused = step->change->refused;
    (void)pass;
    if (refused == NULL)
        return false;
    step->why = refused->why;
    step->frees = refused->frees;
    return true;
}

static bool is_suspended(struct pass *pass, const struct kedge_suspend *suspend, const char *kind,
                         const char *name, struct kedge_step *step)
{
    if (suspend == NULL || (suspend->until != 0 && suspend->until <= pass->now))
        return false;
    step->why = kedge_arena_printf(pass->arena, "%s '%s' is suspended by %s: %s", kind, name,
                                   suspend->by != NULL ? suspend->by : "somebody",
                                   suspend->reason != NULL ? suspend->reason : "no reason given");
    step->until = suspend->until;
    step->frees = suspend->until != 0 ? at_time(pass, suspend->until)
                                      : "a commit that removes the suspension";
    return true;
}

static bool held_suspended(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_device *device = device_of(step->change);
    const struct kedge_deployment *deployment = deployment_of(pass, step->change);
    if (device != NULL && is_suspended(pass, device->suspend, "device", device->object.name, step))
        return true;
    return deployment != NULL &&
           is_suspended(pass, deployment->suspend, "deployment", deployment->object.name, step);
}

/* Is it on the device as it is wanted, and well? */
static bool is_healthy(const struct kedge_actual_device *actual,
                       const struct kedge_desired_assignment *want)
{
    const struct kedge_reported *have =
        actual != NULL ? kedge_report_find(&actual->report, want->assignment.instance) : NULL;
    if (have == NULL || have->integrity != KEDGE_INTEGRITY_INTACT ||
        have->state != want->assignment.state ||
        !kedge_digest_equal(&have->content, &want->assignment.content))
        return false;
    return have->state == KEDGE_RUN_STOPPED ||
           (have->verified && have->health != KEDGE_HEALTH_DEGRADED &&
            have->health != KEDGE_HEALTH_MISSING);
}

/* A deployment that is not for this device is nothing to wait for. */
static bool held_dependency(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_change *change = step->change;
    const struct kedge_strings *needs = &change->want->deployment->depends_on;
    for (uint32_t i = 0; i < needs->count; i++) {
        for (uint32_t k = 0; k < change->desired->count; k++) {
            const struct kedge_desired_assignment *needed = change->desired->assignments[k];
            if (strcmp(needed->assignment.deployment, needs->at[i]) != 0 ||
                is_healthy(change->actual, needed))
                continue;
            step->why =
                kedge_arena_printf(pass->arena,
                                   "it depends on deployment '%s', whose '%s' is not healthy here",
                                   needs->at[i], needed->assignment.instance);
            step->frees = kedge_arena_printf(pass->arena, "when '%s' is healthy on the device",
                                             needed->assignment.instance);
            return true;
        }
    }
    return false;
}

static bool held_requirement(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_change *change = step->change;
    const char *lack = kedge_fit_lack(pass->arena, change->want, device_of(change), change->actual);
    if (lack == NULL)
        return false;
    step->why = kedge_arena_printf(pass->arena, "version %s %s", change->to, lack);
    step->frees = "a commit that chooses another version or other devices";
    return true;
}

static bool held_disk(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_actual_device *actual = step->change->actual;
    if (actual == NULL || (actual->report.disk_free == 0 && actual->report.capacity.disk == 0))
        return false;
    int64_t needed = kedge_fit_disk(step->change->want);
    int64_t left = actual->report.disk_free - pass->disk_taken;
    if (needed <= left)
        return false;
    char wants[KEDGE_QUANTITY_TEXT], has[KEDGE_QUANTITY_TEXT];
    step->why =
        kedge_arena_printf(pass->arena, "it takes %s of disk beside what is held, and %s are left",
                           kedge_quantity_format(needed, wants), kedge_quantity_format(left, has));
    step->frees = "when the device reports enough free disk";
    return true;
}

static bool held_entitlement(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_device *device = device_of(step->change);
    if (device->entitlement == NULL || device->entitled_until == 0 ||
        pass->now < device->entitled_until)
        return false;
    char text[KEDGE_TIME_TEXT];
    step->why =
        kedge_arena_printf(pass->arena, "entitlement '%s' of the device ended at %s",
                           device->entitlement, kedge_clock_format(device->entitled_until, text));
    step->frees = "a commit that renews the entitlement";
    return true;
}

static bool held_stage(struct pass *pass, struct kedge_step *step)
{
    if (!pass->gates.ready || step->change->want->stage == KEDGE_STAGE_READY)
        return false;
    step->why = kedge_arena_printf(pass->arena, "version %s is a draft and policy wants it ready",
                                   step->change->to);
    step->frees = "a commit that sets its stage to ready";
    return true;
}

static bool held_unscanned(struct pass *pass, struct kedge_step *step)
{
    if (!pass->gates.scanned)
        return false;
    step->why = kedge_gate_unscanned(pass->arena, step->change->want);
    if (step->why == NULL)
        return false;
    step->frees = "a commit that records a clean scan in spec.scan of the version";
    return true;
}

static bool held_unvalidated(struct pass *pass, struct kedge_step *step)
{
    if (!pass->gates.validated)
        return false;
    step->why = kedge_gate_unvalidated(pass->arena, pass->desired->specs, step->change->want);
    if (step->why == NULL)
        return false;
    step->frees = "a commit that records evaluations within the SLA in spec.evaluations";
    return true;
}

/* What the device says of a release that it does not install; until the manifests bring other
 * signatures there is no use in ordering it again. */
static const struct kedge_progress *find_denial(const struct kedge_step *step,
                                                enum kedge_denial denial)
{
    const struct kedge_change *change = step->change;
    const struct kedge_assignment *want = &change->want->assignment;
    for (uint32_t i = 0; change->actual != NULL && i < change->actual->report.progress_count; i++) {
        const struct kedge_progress *progress = &change->actual->report.progress[i];
        if (progress->denial != denial || strcmp(progress->instance, change->instance) != 0 ||
            !kedge_digest_equal(&progress->content, &want->content))
            continue;
        struct kedge_digest vouchers = kedge_assignment_vouchers(want);
        return kedge_digest_equal(&progress->vouchers, &vouchers) ? progress : NULL;
    }
    return NULL;
}

static bool is_denied(struct pass *pass, struct kedge_step *step, enum kedge_denial denial,
                      const char *frees)
{
    const struct kedge_progress *progress = find_denial(step, denial);
    if (progress == NULL)
        return false;
    step->why =
        kedge_arena_printf(pass->arena, "the device refuses version %s: %s", step->change->to,
                           progress->message != NULL ? progress->message
                                                     : kedge_code_name(progress->code));
    step->frees = frees;
    return true;
}

static bool held_unsigned(struct pass *pass, struct kedge_step *step)
{
    step->why = kedge_gate_unsigned(pass->arena, &step->change->want->assignment);
    if (step->why != NULL) {
        step->frees = "a commit that adds signatures ('kedge model sign')";
        return true;
    }
    return is_denied(pass, step, KEDGE_DENIAL_UNSIGNED,
                     "a commit that adds signatures ('kedge model sign'), or a root document that "
                     "trusts those there are");
}

static bool held_rollback(struct pass *pass, struct kedge_step *step)
{
    return is_denied(pass, step, KEDGE_DENIAL_ROLLBACK,
                     "a commit that chooses a newer version, or signs this one with a higher "
                     "counter");
}

static bool held_window(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_window_state *state = pass->blocking;
    if (state == NULL)
        return false;
    const char *name = state->window->object.name;
    step->why =
        kedge_arena_printf(pass->arena,
                           state->window->deny ? "maintenance window '%s' denies changes"
                                               : "no maintenance window is open; '%s' opens next",
                           name);
    step->until = state->turns;
    step->frees = state->turns != 0 ? at_time(pass, state->turns)
                                    : "a commit that changes the window's schedule";
    return true;
}

static bool held_failed(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_change *change = step->change;
    const struct kedge_report *report = change->actual != NULL ? &change->actual->report : NULL;
    if (change->want->assignment.state == KEDGE_RUN_STOPPED)
        return false; /* what does not run cannot fail, and what runs in its place must stop */
    for (uint32_t i = 0; report != NULL && i < report->progress_count; i++) {
        const struct kedge_progress *progress = &report->progress[i];
        if ((progress->state != KEDGE_ACTION_FAILED &&
             progress->state != KEDGE_ACTION_ROLLED_BACK) ||
            progress->denial != KEDGE_DENIAL_NONE ||
            strcmp(progress->instance, change->instance) != 0 ||
            !kedge_digest_equal(&progress->content, &change->want->assignment.content))
            continue;
        step->why =
            kedge_arena_printf(pass->arena, "version %s failed on this device: %s", change->to,
                               progress->message != NULL ? progress->message
                                                         : kedge_code_name(progress->code));
        step->frees = progress->code == KEDGE_LIMIT
                          ? "room on the device, which tries again by itself"
                          : "a commit that chooses another version or other settings";
        return true;
    }
    return false;
}

static bool held_key(struct pass *pass, struct kedge_step *step)
{
    static const struct {
        const char *why, *frees;
    } words[] = {
        [KEDGE_KEY_NONE] = {"the device has no public key: it is not enrolled",
                            "'kedge device enroll', or a commit that adds its public key"},
        [KEDGE_KEY_REFUSED] = {"the device's key is refused: it was decommissioned",
                               "'kedge device enroll', which makes it a fresh device"},
    };
    const struct kedge_device *device = device_of(step->change);
    enum kedge_key_origin origin;
    if (device == NULL) {
        step->why = "the device has left the manifests, and its key with it";
        step->frees = "a commit that declares the device again";
        return true;
    }
    if (kedge_identity_key(pass->identities, device, &origin) != NULL)
        return false;
    step->why = words[origin].why;
    step->frees = words[origin].frees;
    return true;
}

static bool held_identity(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_identity *row = kedge_identity_find(pass->identities, step->change->device);
    if (row == NULL || row->hold == NULL)
        return false;
    step->why = row->hold;
    step->frees = row->frees;
    return true;
}

static bool held_offline(struct pass *pass, struct kedge_step *step)
{
    (void)pass;
    if (step->change->actual != NULL)
        return false;
    step->why = "the device has never reported";
    step->frees = "when it reports: the change is sent then";
    return true;
}

/* In the order they are asked. The budget is not here: it counts what all of them let through. */
static const struct rule {
    enum kedge_blocker blocker;
    unsigned verbs;
    bool (*holds)(struct pass *pass, struct kedge_step *step);
} rules[] = {
    {KEDGE_BLOCKER_POLICY, ALL, held_policy},
    {KEDGE_BLOCKER_SUSPENDED, ALL, held_suspended},
    {KEDGE_BLOCKER_DEPENDENCY, RUN, held_dependency},
    {KEDGE_BLOCKER_REQUIREMENT, INSTALL, held_requirement},
    {KEDGE_BLOCKER_DISK, INSTALL, held_disk},
    {KEDGE_BLOCKER_ENTITLEMENT, RUN, held_entitlement},
    {KEDGE_BLOCKER_STAGE, RUN, held_stage},
    {KEDGE_BLOCKER_UNSCANNED, RUN, held_unscanned},
    {KEDGE_BLOCKER_UNVALIDATED, RUN, held_unvalidated},
    {KEDGE_BLOCKER_UNSIGNED, RUN, held_unsigned},
    {KEDGE_BLOCKER_ROLLBACK, RUN, held_rollback},
    {KEDGE_BLOCKER_WINDOW, ALL, held_window},
    {KEDGE_BLOCKER_FAILED, RUN, held_failed},
    {KEDGE_BLOCKER_KEY, ALL, held_key},
    {KEDGE_BLOCKER_IDENTITY, ALL, held_identity},
    {KEDGE_BLOCKER_OFFLINE, ALL, held_offline},
};

static void enter_device(struct pass *pass, const struct kedge_change *change)
{
    const struct kedge_device *device = device_of(change);
    pass->device = change->device;
    pass->disk_taken = 0;
    pass->blocking = device != NULL ? kedge_window_blocking(&pass->windows, device) : NULL;
}

static void decide(struct pass *pass, struct kedge_step *step)
{
    const struct kedge_change *change = step->change;
    if (change->device != pass->device)
        enter_device(pass, change);
    const struct kedge_deployment *deployment = deployment_of(pass, change);
    step->wave = deployment != NULL ? kedge_wave_of(&pass->waves, deployment->object.name) : 1;
    for (size_t i = 0; i < KEDGE_COUNT(rules); i++) {
        if ((rules[i].verbs >> change->verb & 1) && rules[i].holds(pass, step)) {
            step->blocker = rules[i].blocker;
            return;
        }
    }
    if (INSTALL >> change->verb & 1)
        pass->disk_taken += kedge_fit_disk(change->want);
}

/* The destroy budget: a guard against the one commit that empties a fleet, so when more would be
 * destroyed than it allows, nothing is until a person has looked. */

struct budget {
    const struct kedge_policy *policy; /* NULL: there is none */
    size_t limit;
};

static struct budget find_budget(const struct pass *pass, const struct kedge_actual *actual)
{
    size_t held = 0;
    for (size_t i = 0; i < actual->count; i++)
        held += actual->at[i]->report.instance_count;
    struct budget budget = {0};
    struct kedge_table_iter iter = {0};
    const struct kedge_policy *policy;
    while ((policy = kedge_table_next(pass->desired->specs->kinds[KEDGE_KIND_POLICY], &iter))) {
        if (!policy->has_destroy_budget)
            continue;
        size_t limit = (size_t)policy->destroy_budget;
        if (policy->destroy_budget_percent)
            limit = held * limit / 100;
        if (budget.policy == NULL || limit < budget.limit)
            budget = (struct budget){policy, limit};
    }
    return budget;
}

static bool is_released_destroy(const struct kedge_step *step)
{
    return step->blocker == KEDGE_BLOCKER_NONE && step->change->verb == KEDGE_VERB_DESTROY;
}

static void keep_budget(struct pass *pass, struct kedge_step *steps, size_t count,
                        const struct kedge_actual *actual)
{
    size_t destroys = 0;
    for (size_t i = 0; i < count; i++)
        destroys += is_released_destroy(&steps[i]);
    if (destroys == 0)
        return;
    struct budget budget = find_budget(pass, actual);
    if (budget.policy == NULL || destroys <= budget.limit)
        return;
    const char *why =
        kedge_arena_printf(pass->arena,
                           "%zu instances would be destroyed, and policy '%s' allows %zu at once",
                           destroys, budget.policy->object.name, budget.limit);
    for (size_t i = 0; i < count; i++) {
        if (!is_released_destroy(&steps[i]))
            continue;
        steps[i].blocker = KEDGE_BLOCKER_BUDGET;
        steps[i].why = why;
        steps[i].frees = "a commit that destroys less or raises spec.destroyBudget";
    }
}

static void count_steps(struct kedge_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct kedge_step *step = &plan->steps[i];
        if (step->blocker == KEDGE_BLOCKER_NONE) {
            plan->released++;
            continue;
        }
        plan->held++;
        plan->blockers[step->blocker]++;
        if (step->until != 0 && (plan->wake == 0 || step->until < plan->wake))
            plan->wake = step->until;
    }
}

/* Digests: bytes are gathered and fed in large pieces. */

enum { PIECE = 65536 };

static void feed(struct kedge_digest_state *state, struct kedge_buf *bytes, size_t least)
{
    if (bytes->size < least)
        return;
    kedge_digest_update(state, bytes->data, bytes->size);
    kedge_buf_clear(bytes);
}

static void add_text(struct kedge_buf *bytes, const char *text)
{
    kedge_buf_add(bytes, text, strlen(text) + 1);
}

static void add_step(struct kedge_buf *bytes, const struct kedge_step *step)
{
    static const struct kedge_digest none;
    const struct kedge_change *change = step->change;
    const struct kedge_digest *content =
        change->want != NULL ? &change->want->assignment.content : &none;
    const char words[] = {(char)change->verb, (char)change->drift, (char)step->blocker};
    add_text(bytes, change->device);
    add_text(bytes, change->instance);
    kedge_buf_add(bytes, words, sizeof words);
    kedge_buf_add(bytes, content->bytes, sizeof content->bytes);
}

static struct kedge_digest digest_of(const struct kedge_plan *plan)
{
    kedge_auto(kedge_digest) struct kedge_digest_state *state = kedge_digest_begin();
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    add_text(&bytes, plan->commit);
    kedge_buf_add(&bytes, plan->inventory.bytes, KEDGE_DIGEST_SIZE);
    for (size_t i = 0; i < plan->count; i++) {
        add_step(&bytes, &plan->steps[i]);
        feed(state, &bytes, PIECE);
    }
    feed(state, &bytes, 1);
    return kedge_digest_finish(state);
}

const struct kedge_plan *kedge_schedule_plan(struct kedge_arena *arena,
                                             const struct kedge_changes *changes,
                                             const struct kedge_desired *desired,
                                             const struct kedge_actual *actual, kedge_ms now)
{
    struct pass pass = {
        .arena = arena,
        .desired = desired,
        .identities = &actual->identities,
        .now = now,
        .gates = kedge_gate_find(desired->specs),
    };
    if (changes->count > 0) {
        pass.windows = kedge_window_states(arena, desired->specs, now);
        pass.waves = kedge_wave_depths(arena, desired->specs);
    }
    struct kedge_plan *plan = kedge_arena_new(arena, struct kedge_plan);
    struct kedge_step *steps = kedge_arena_array(arena, changes->count, sizeof *steps);
    for (size_t i = 0; i < changes->count; i++) {
        steps[i].change = &changes->at[i];
        decide(&pass, &steps[i]);
    }
    keep_budget(&pass, steps, changes->count, actual);
    memcpy(plan->commit, desired->specs->commit, sizeof plan->commit);
    plan->steps = steps;
    plan->count = changes->count;
    plan->inventory = kedge_actual_inventory(actual);
    count_steps(plan);
    plan->digest = digest_of(plan);
    return plan;
}

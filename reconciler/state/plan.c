/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include "base/clock.h"
#include "base/digest.h"

const struct kedge_words kedge_blocker_words = KEDGE_WORDS(
    [KEDGE_BLOCKER_NONE] = NULL, [KEDGE_BLOCKER_POLICY] = "policy",
    [KEDGE_BLOCKER_SUSPENDED] = "suspended", [KEDGE_BLOCKER_DEPENDENCY] = "dependency",
    [KEDGE_BLOCKER_REQUIREMENT] = "requirement", [KEDGE_BLOCKER_DISK] = "disk",
    [KEDGE_BLOCKER_ENTITLEMENT] = "entitlement", [KEDGE_BLOCKER_STAGE] = "stage",
    [KEDGE_BLOCKER_UNSCANNED] = "unscanned", [KEDGE_BLOCKER_UNVALIDATED] = "unvalidated",
    [KEDGE_BLOCKER_UNSIGNED] = "unsigned", [KEDGE_BLOCKER_ROLLBACK] = "release-rollback",
    [KEDGE_BLOCKER_WINDOW] = "window", [KEDGE_BLOCKER_BUDGET] = "budget",
    [KEDGE_BLOCKER_FAILED] = "failed", [KEDGE_BLOCKER_KEY] = "key",
    [KEDGE_BLOCKER_IDENTITY] = "identity", [KEDGE_BLOCKER_OFFLINE] = "offline");

static void add_digest(struct kedge_json_writer *writer, const char *key,
                       const struct kedge_digest *digest)
{
    char text[KEDGE_DIGEST_TEXT];
    kedge_json_add_string(writer, key, kedge_digest_format(digest, text));
}

static void add_time(struct kedge_json_writer *writer, const char *key, kedge_ms at)
{
    char text[KEDGE_TIME_TEXT];
    if (at != 0)
        kedge_json_add_string(writer, key, kedge_clock_format(at, text));
}

/* "key":{"word":n,..}, words without a count left out. */
static void add_counts(struct kedge_json_writer *writer, const char *key,
                       const struct kedge_words *words, const size_t *counts)
{
    kedge_json_key(writer, key);
    kedge_json_begin_object(writer);
    for (int i = 0; i < words->count; i++)
        if (words->words[i] != NULL && counts[i] > 0)
            kedge_json_add_integer(writer, words->words[i], (int64_t)counts[i]);
    kedge_json_end_object(writer);
}

static void write_summary(const struct kedge_plan *plan, const struct kedge_changes *changes,
                          struct kedge_json_writer *writer)
{
    kedge_json_key(writer, "summary");
    kedge_json_begin_object(writer);
    add_counts(writer, "verbs", &kedge_verb_words, changes->verbs);
    kedge_json_add_integer(writer, "drifted", (int64_t)changes->drifted);
    kedge_json_add_integer(writer, "devices", (int64_t)changes->devices);
    kedge_json_add_integer(writer, "unknown", (int64_t)changes->unknown);
    kedge_json_add_integer(writer, "released", (int64_t)plan->released);
    kedge_json_add_integer(writer, "held", (int64_t)plan->held);
    add_counts(writer, "blockers", &kedge_blocker_words, plan->blockers);
    add_time(writer, "wake", plan->wake);
    kedge_json_end_object(writer);
}

static void write_hold(const struct kedge_step *step, struct kedge_json_writer *writer)
{
    kedge_json_key(writer, "hold");
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "blocker",
                          kedge_word_name(&kedge_blocker_words, (int)step->blocker));
    kedge_json_add_string(writer, "why", step->why);
    kedge_json_add_string(writer, "frees", step->frees);
    add_time(writer, "until", step->until);
    kedge_json_end_object(writer);
}

static void write_step(const struct kedge_step *step, struct kedge_json_writer *writer)
{
    const struct kedge_change *change = step->change;
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "device", change->device);
    kedge_json_add_string(writer, "instance", change->instance);
    kedge_json_add_string(writer, "verb", kedge_word_name(&kedge_verb_words, (int)change->verb));
    kedge_json_add_string(writer, "drift", kedge_drift_words.words[change->drift]);
    kedge_json_add_string(writer, "from", change->from);
    kedge_json_add_string(writer, "to", change->to);
    kedge_json_add_string(writer, "reason", change->reason);
    kedge_json_add_string(writer, "decision",
                          step->blocker == KEDGE_BLOCKER_NONE ? "released" : "held");
    kedge_json_add_integer(writer, "wave", step->wave);
    if (step->blocker != KEDGE_BLOCKER_NONE)
        write_hold(step, writer);
    kedge_json_end_object(writer);
}

static void write_steps(const struct kedge_plan *plan, const char *key, bool drift,
                        struct kedge_json_writer *writer)
{
    kedge_json_key(writer, key);
    kedge_json_begin_array(writer);
    for (size_t i = 0; i < plan->count; i++)
        if ((plan->steps[i].change->drift != KEDGE_DRIFT_NONE) == drift)
            write_step(&plan->steps[i], writer);
    kedge_json_end_array(writer);
}

void kedge_plan_write(const struct kedge_plan *plan, const struct kedge_changes *changes,
                      struct kedge_json_writer *writer)
{
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "format", KEDGE_PLAN_FORMAT);
    if (plan->commit[0] != '\0')
        kedge_json_add_string(writer, "commit", plan->commit);
    add_digest(writer, "inventory", &plan->inventory);
    add_digest(writer, "digest", &plan->digest);
    write_summary(plan, changes, writer);
    write_steps(plan, "changes", false, writer);
    write_steps(plan, "drift", true, writer);
    kedge_json_end_object(writer);
}

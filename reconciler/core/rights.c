/* SPDX-License-Identifier: Apache-2.0 */
#include "rights.h"

#include <string.h>

/* Patterns. */

/* Where a star may stand for one character more. The last of each sort is enough: what an earlier one
 * could take, this one can; and what stays within a folder cannot help where the folder ended. */
struct retry {
    const char *pattern, *text; /* behind the star; NULL: none yet */
    bool folders;               /* "**" and '/': for whole folders only */
};

static bool step_on(struct retry *retry, const char **pattern, const char **path)
{
    if (!retry->pattern || !*retry->text)
        return false;
    retry->text += retry->folders ? strcspn(retry->text, "/") : 0;
    if (!*retry->text)
        return false;
    *pattern = retry->pattern;
    *path = ++retry->text;
    return true;
}

bool kedge_rights_glob(const char *pattern, const char *path)
{
    struct retry narrow = {0}, wide = {0};
    const char *begin = pattern;
    for (;;) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            pattern += strspn(pattern, "*");
            pattern += *pattern == '/';
            wide = (struct retry){pattern, path, pattern[-1] == '/'};
            narrow = (struct retry){0};
        } else if (*pattern == '*') {
            narrow = (struct retry){++pattern, path, false};
        } else if (*path && (*pattern == *path || (*pattern == '?' && *path != '/'))) {
            pattern++;
            path++;
        } else if (!*pattern && (!*path || (pattern > begin && pattern[-1] == '/'))) {
            return true;
        } else if (!narrow.pattern || *narrow.text == '/' || !step_on(&narrow, &pattern, &path)) {
            narrow = (struct retry){0};
            if (!step_on(&wide, &pattern, &path))
                return false;
        }
    }
}

/* Of names, in which '/' is nothing special: '*' and '?' alone. */
static bool matches(const char *pattern, const char *text, size_t size)
{
    const char *star = NULL;
    size_t at = 0, from = 0;
    while (at < size || *pattern) {
        if (*pattern == '*') {
            star = ++pattern;
            from = at;
        } else if (at < size && *pattern && (*pattern == '?' || *pattern == text[at])) {
            pattern++;
            at++;
        } else if (star && from < size) {
            pattern = star;
            at = ++from;
        } else {
            return false;
        }
    }
    return true;
}

static bool matches_path(const struct kedge_strings *patterns, const char *path)
{
    for (uint32_t i = 0; i < patterns->count; i++)
        if (kedge_rights_glob(patterns->at[i], path))
            return true;
    return patterns->count == 0;
}

static bool matches_name(const struct kedge_strings *patterns, const char *name)
{
    for (uint32_t i = 0; name && i < patterns->count; i++)
        if (matches(patterns->at[i], name, strlen(name)))
            return true;
    return patterns->count == 0;
}

static bool names_word(const struct kedge_strings *list, const char *word)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], word) == 0)
            return true;
    return false;
}

/* Signers. */

/* The next principal of a list; false at its end. */
static bool next_principal(const char **list, const char **name, size_t *size)
{
    while (**list) {
        *name = *list;
        *size = strcspn(*list, ",");
        *list += *size + ((*list)[*size] == ',');
        if (*size && **name != '!')
            return true;
    }
    return false;
}

static bool names_signer(const struct kedge_policy_rule *rule,
                         const struct kedge_rights_signer *signer)
{
    const char *list, *name;
    size_t size;
    for (uint32_t i = 0; i < rule->signers.count; i++) {
        const char *pattern = rule->signers.at[i];
        if (signer->fingerprint && strcmp(pattern, signer->fingerprint) == 0)
            return true;
        for (list = signer->principals ? signer->principals : "";
             next_principal(&list, &name, &size);)
            if (matches(pattern, name, size))
                return true;
    }
    return false;
}

static bool shares_principal(const char *a, const char *b)
{
    const char *one, *other;
    size_t length, size;
    while (a && b && next_principal(&a, &one, &length))
        for (const char *list = b; next_principal(&list, &other, &size);)
            if (length == size && memcmp(one, other, size) == 0)
                return true;
    return false;
}

/* One key is one person, whatever it is called; so is one name, however many keys it has. */
static bool is_same_person(const struct kedge_rights_signer *a, const struct kedge_rights_signer *b)
{
    return (a->fingerprint && b->fingerprint && strcmp(a->fingerprint, b->fingerprint) == 0) ||
           shares_principal(a->principals, b->principals);
}

static bool has_seen(const struct kedge_rights_signer *signer, const char *path)
{
    return !signer->seen || !path || (signer->seen->count && names_word(signer->seen, path));
}

/* Questions: an object, an effect through one cause, or a file. */

struct question {
    const char *verb; /* NULL: of an object */
    const char *paths[2];
    const char *kind; /* NULL: no object */
    const char *models[3];
    uint32_t model_count;
    bool apart;     /* its effects are judged device by device */
    bool effective; /* and there are some */
    const struct kedge_labels *labels[2];
    uint32_t label_count;
};

static bool allows_models(const struct kedge_policy_rule *rule, const struct question *q)
{
    if (rule->models.count == 0)
        return true;
    /* Of an object each name counts, before and after; an instance has one name, or its bundle's. */
    bool any = false, all = q->model_count > 0;
    for (uint32_t i = 0; i < q->model_count; i++) {
        bool match = matches_name(&rule->models, q->models[i]);
        any |= match;
        all &= match;
    }
    return q->verb ? any : all;
}

static bool allows_devices(const struct kedge_policy_rule *rule, const struct question *q)
{
    if (rule->devices.count == 0 || q->apart)
        return true;
    bool all = q->label_count > 0;
    for (uint32_t i = 0; i < q->label_count; i++)
        all &= kedge_label_match(&rule->devices, q->labels[i]);
    return all;
}

static bool allows_verb(const struct kedge_policy_rule *rule, const struct question *q)
{
    const char *verb = q->verb ? q->verb : kedge_right_words.words[KEDGE_RIGHT_DECLARE];
    return rule->verbs.count == 0 || names_word(&rule->verbs, verb) || (q->apart && q->effective);
}

/* The first member of the rule that does not allow it, or NULL. */
static const char *find_lack(const struct kedge_policy_rule *rule, const struct question *q)
{
    if (rule->kinds.count && (!q->kind || !names_word(&rule->kinds, q->kind)))
        return "kinds";
    for (size_t i = 0; i < KEDGE_COUNT(q->paths); i++)
        if (q->paths[i] && !matches_path(&rule->paths, q->paths[i]))
            return "paths";
    if (!allows_models(rule, q))
        return "models";
    if (!allows_verb(rule, q))
        return "verbs";
    return allows_devices(rule, q) ? NULL : "devices";
}

/* Does the rule allow an object for its effects alone? They are counted where they are judged. */
static bool is_for_effects(const struct kedge_policy_rule *rule, const struct question *q)
{
    return !q->verb && rule->verbs.count &&
           !names_word(&rule->verbs, kedge_right_words.words[KEDGE_RIGHT_DECLARE]);
}

static uint32_t needed(const struct kedge_policy_rule *rule, const struct question *q)
{
    return !is_for_effects(rule, q) && rule->min_signatures > 1 ? rule->min_signatures : 1;
}

enum { MOST = 64 }; /* signers that are told apart: more than any rule may ask for */

struct crowd {
    const struct kedge_rights_signer *at[MOST];
    uint32_t count;
};

static void gather(struct crowd *crowd, const struct kedge_rights_signers *signers,
                   const struct kedge_policy_rule *rule, const struct question *q)
{
    for (uint32_t i = 0; i < signers->count; i++) {
        const struct kedge_rights_signer *signer = &signers->at[i];
        bool known = !names_signer(rule, signer) || !has_seen(signer, q->paths[0]) ||
                     !has_seen(signer, q->paths[1]);
        for (uint32_t k = 0; k < crowd->count && !known; k++)
            known = is_same_person(crowd->at[k], signer);
        if (!known && crowd->count < MOST)
            crowd->at[crowd->count++] = signer;
    }
}

/* Different people whom the rule names and who signed. */
static uint32_t count_people(const struct kedge_policy_rule *rule,
                             const struct kedge_rights_party *party, const struct question *q)
{
    struct crowd crowd = {.count = 0};
    gather(&crowd, &party->authors, rule, q);
    gather(&crowd, &party->approvers, rule, q);
    gather(&crowd, &party->witnesses, rule, q);
    return crowd.count;
}

/* How near a rule came, by what it lacks: in the order that find_lack asks. */
static int nearness(const char *lacks)
{
    static const char *const order[] = {"kinds", "paths",   "models",
                                        "verbs", "devices", "minSignatures"};
    int found = 0;
    for (int i = 0; i < (int)KEDGE_COUNT(order); i++)
        if (strcmp(order[i], lacks) == 0)
            found = i;
    return found;
}

static bool try_rule(const struct kedge_policy *policy, uint32_t index,
                     const struct kedge_rights_party *party, const struct question *q,
                     const struct kedge_rights_signer *signer, struct kedge_rights_verdict *best)
{
    const struct kedge_policy_rule *rule = &policy->rules[index];
    if (!names_signer(rule, signer))
        return false;
    struct kedge_rights_verdict verdict = {.signer = signer,
                                           .policy = policy,
                                           .rule = index + 1,
                                           .lacks = find_lack(rule, q),
                                           .need = needed(rule, q)};
    if (!verdict.lacks && verdict.need > 1) {
        verdict.have = count_people(rule, party, q);
        if (verdict.have < verdict.need)
            verdict.lacks = "minSignatures";
    }
    verdict.allowed = !verdict.lacks;
    verdict.only_effects = verdict.allowed && is_for_effects(rule, q);
    bool nearer =
        verdict.allowed || !best->lacks || nearness(verdict.lacks) > nearness(best->lacks);
    if (nearer && !best->allowed)
        *best = verdict;
    if (verdict.allowed && !verdict.only_effects)
        *best = verdict;
    return verdict.allowed && !verdict.only_effects;
}

static struct kedge_rights_verdict ask_one(const struct kedge_specs *specs,
                                           const struct kedge_rights_party *party,
                                           const struct question *q,
                                           const struct kedge_rights_signer *signer)
{
    struct kedge_rights_verdict best = {.signer = signer};
    struct kedge_table_iter iter = {0};
    const struct kedge_policy *policy;
    while ((policy = kedge_table_next(specs->kinds[KEDGE_KIND_POLICY], &iter)))
        for (uint32_t i = 0; i < policy->rule_count; i++)
            if (try_rule(policy, i, party, q, signer, &best))
                return best;
    return best;
}

/* One approver who may is enough, or else every author. */
static struct kedge_rights_verdict ask(const struct kedge_specs *specs,
                                       const struct kedge_rights_party *party,
                                       const struct question *q)
{
    struct kedge_rights_verdict verdict = {0};
    bool only_effects = false;
    for (uint32_t i = 0; i < party->approvers.count; i++) {
        verdict = ask_one(specs, party, q, &party->approvers.at[i]);
        if (verdict.allowed)
            return verdict;
    }
    for (uint32_t i = 0; i < party->authors.count; i++) {
        verdict = ask_one(specs, party, q, &party->authors.at[i]);
        if (!verdict.allowed)
            return verdict;
        only_effects |= verdict.only_effects;
    }
    verdict.only_effects = only_effects;
    return verdict;
}

bool kedge_rights_bind(const struct kedge_specs *specs)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_policy *policy;
    while ((policy = kedge_table_next(specs->kinds[KEDGE_KIND_POLICY], &iter)))
        if (policy->rule_count)
            return true;
    return false;
}

bool kedge_rights_count(const struct kedge_specs *specs)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_policy *policy;
    while ((policy = kedge_table_next(specs->kinds[KEDGE_KIND_POLICY], &iter)))
        for (uint32_t i = 0; i < policy->rule_count; i++)
            if (policy->rules[i].min_signatures > 1)
                return true;
    return false;
}

static void add_model(struct question *q, const char *name)
{
    if (name && q->model_count < KEDGE_COUNT(q->models))
        q->models[q->model_count++] = name;
}

/* What an object is about. */
static const char *model_of(enum kedge_kind kind, const struct kedge_object *object)
{
    switch (kind) {
    case KEDGE_KIND_MODEL:
    case KEDGE_KIND_APPLICATION:
        return object->name;
    case KEDGE_KIND_MODEL_VERSION:
        return ((const struct kedge_model_version *)object)->model;
    case KEDGE_KIND_DEPLOYMENT:
        return ((const struct kedge_deployment *)object)->target;
    default:
        return NULL;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_suspend(const struct kedge_suspend *a, const struct kedge_suspend *b)
{
    return a && b
               ? same_text(a->reason, b->reason) && same_text(a->by, b->by) && a->until == b->until
               : a == b;
}

static bool same_strings(const struct kedge_strings *a, const struct kedge_strings *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = strcmp(a->at[i], b->at[i]) == 0;
    return same;
}

static bool same_rollout(const struct kedge_rollout *a, const struct kedge_rollout *b)
{
    return a && b ? same_strings(&a->waves, &b->waves) &&
                        same_text(a->success_threshold, b->success_threshold) &&
                        same_text(a->error_threshold, b->error_threshold) &&
                        same_text(a->max_unavailable, b->max_unavailable) && a->bake == b->bake &&
                        a->timeout == b->timeout
                  : a == b;
}

/* Does what changed of a deployment bear on all its devices alike? */
static bool changes_conduct(const struct kedge_rights_object *change)
{
    const struct kedge_deployment *a = (const struct kedge_deployment *)change->before;
    const struct kedge_deployment *b = (const struct kedge_deployment *)change->after;
    return a && b &&
           (!same_suspend(a->suspend, b->suspend) || a->prune != b->prune ||
            !same_strings(&a->depends_on, &b->depends_on) || !same_rollout(a->rollout, b->rollout));
}

/* What prune has left behind on devices goes, once it does not hold any more: no manifest says
 * where that is. */
static bool sweeps(const struct kedge_rights_object *change)
{
    const struct kedge_deployment *a = (const struct kedge_deployment *)change->before;
    const struct kedge_deployment *b = (const struct kedge_deployment *)change->after;
    return change->kind == KEDGE_KIND_DEPLOYMENT && a && !a->prune && (!b || b->prune);
}

static struct question about_object(const struct kedge_rights_object *change)
{
    const struct kedge_object *sides[] = {change->before, change->after};
    struct question q = {.kind = kedge_word_name(&kedge_kind_words, (int)change->kind)};
    for (int i = 0; i < 2; i++) {
        if (!sides[i])
            continue;
        q.paths[i] = sides[i]->at.file;
        add_model(&q, model_of(change->kind, sides[i]));
        if (change->kind == KEDGE_KIND_DEVICE)
            q.labels[q.label_count++] = &sides[i]->labels;
    }
    q.apart = change->kind == KEDGE_KIND_MODEL || change->kind == KEDGE_KIND_MODEL_VERSION ||
              change->kind == KEDGE_KIND_APPLICATION ||
              (change->kind == KEDGE_KIND_DEPLOYMENT && !changes_conduct(change));
    return q;
}

struct kedge_rights_verdict kedge_rights_object(const struct kedge_specs *specs,
                                                const struct kedge_rights_party *party,
                                                const struct kedge_rights_object *change,
                                                bool effective)
{
    struct question q = about_object(change);
    q.effective = effective;
    struct kedge_rights_verdict verdict = ask(specs, party, &q);
    if (!verdict.allowed || !sweeps(change))
        return verdict;
    q.verb = kedge_word_name(&kedge_right_words, KEDGE_RIGHT_DESTROY);
    q.apart = false; /* on whichever device */
    return ask(specs, party, &q);
}

struct kedge_rights_verdict kedge_rights_effect(const struct kedge_specs *specs,
                                                const struct kedge_rights_party *party,
                                                const struct kedge_rights_effect *effect)
{
    struct question q = {.verb = kedge_word_name(&kedge_right_words, (int)effect->verb)};
    add_model(&q, effect->instance);
    add_model(&q, effect->bundle);
    if (effect->before)
        q.labels[q.label_count++] = &effect->before->object.labels;
    if (effect->after && effect->after != effect->before)
        q.labels[q.label_count++] = &effect->after->object.labels;
    struct kedge_rights_verdict verdict = {0};
    for (uint32_t i = 0; i < effect->cause_count; i++) {
        const struct kedge_rights_object *cause = effect->causes[i];
        q.kind = kedge_word_name(&kedge_kind_words, (int)cause->kind);
        q.paths[0] = cause->before ? cause->before->at.file : NULL;
        q.paths[1] = cause->after ? cause->after->at.file : NULL;
        verdict = ask(specs, party, &q);
        if (!verdict.allowed)
            return verdict;
    }
    return effect->cause_count ? verdict : ask(specs, party, &q);
}

struct kedge_rights_verdict kedge_rights_file(const struct kedge_specs *specs,
                                              const struct kedge_rights_party *party,
                                              const char *path)
{
    const struct question q = {.paths = {path}};
    return ask(specs, party, &q);
}

const char *kedge_rights_explain(struct kedge_arena *arena,
                                 const struct kedge_rights_verdict *verdict)
{
    if (!verdict->signer)
        return "nobody is known to have signed it";
    if (!verdict->rule)
        return "no rule of any policy names them";
    const char *policy = verdict->policy->object.name;
    if (strcmp(verdict->lacks, "minSignatures") == 0)
        return kedge_arena_printf(arena,
                                  "rule %u of policy '%s' asks for %u signers, and %u signed",
                                  verdict->rule, policy, verdict->need, verdict->have);
    return kedge_arena_printf(arena, "rule %u of policy '%s' does not allow it by its %s",
                              verdict->rule, policy, verdict->lacks);
}

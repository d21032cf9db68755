/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rights.h"

#include <criterion/criterion.h>
#include <string.h>

Test(rights, patterns_of_paths)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } cases[] = {
        {"devices/a.yaml", "devices/a.yaml", true},
        {"devices/*.yaml", "devices/a.yaml", true},
        {"devices/*.yaml", "devices/x/a.yaml", false},
        {"devices/**", "devices/x/a.yaml", true},
        {"devices/", "devices/x/a.yaml", true},
        {"devices/", "devices", false},
        {"devices", "devices/a.yaml", false},
        {"**/a.yaml", "a.yaml", true},
        {"**/a.yaml", "x/y/a.yaml", true},
        {"**/a.yaml", "x/ya.yaml", false},
        {"x/**/a.yaml", "x/a.yaml", true},
        {"x/**/a.yaml", "x/y/z/a.yaml", true},
        {"x/**/b/**/a.yaml", "x/b/c/b/a.yaml", true},
        {"x/**/b/**/a.yaml", "x/c/a.yaml", false},
        {"x/*/a?.yaml", "x/y/ab.yaml", true},
        {"x/*/a?.yaml", "x/y/z/ab.yaml", false},
        {"?", "/", false},
        {"*", "a/b", false},
        {"*a*b*", "xaxbx", true},
        {"*ab", "aab", true},
        {"*/*b", "a/ab", true},
        {"**", "", true},
        {"", "a", false},
        {".kedge/**", ".kedge/allowed_signers", true},
        {"**x**y**z", "a/x/b/y/c/z", true},
        {"**x**y**z", "a/x/b/z/c/y", false},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++)
        cr_expect_eq(kedge_rights_glob(cases[i].pattern, cases[i].path), cases[i].match,
                     "'%s' and '%s'", cases[i].pattern, cases[i].path);
}

Test(rights, a_hostile_pattern_costs_no_more_than_both_lengths, .timeout = 10)
{
    char pattern[1000], path[4000];
    for (size_t i = 0; i + 4 < sizeof pattern; i += 4)
        memcpy(pattern + i, "**/a", 5);
    memset(path, 'a', sizeof path);
    for (size_t i = 1; i < sizeof path; i += 2)
        path[i] = '/';
    path[sizeof path - 2] = 'b';
    path[sizeof path - 1] = '\0';
    cr_assert_not(kedge_rights_glob(pattern, path));
}

/* A world of one policy, one device and a deployment of one model. */
static struct kedge_object *name_of(struct kedge_object *object, const char *name, const char *file)
{
    object->name = name;
    object->at.file = file;
    return object;
}

static const struct kedge_specs *specs_of(struct kedge_arena *arena,
                                          const struct kedge_policy_rule *rules, uint32_t count)
{
    struct kedge_policy *policy = kedge_arena_new(arena, struct kedge_policy);
    policy->object.name = "roles";
    policy->rules = rules;
    policy->rule_count = count;
    struct kedge_specs *specs = kedge_arena_new(arena, struct kedge_specs);
    specs->kinds[KEDGE_KIND_POLICY] = kedge_table_build(arena, (const void *const[]){policy}, 1);
    return specs;
}

#define LIST(...)                                                                                  \
    {                                                                                              \
        .at = (const char *const[]){__VA_ARGS__},                                                  \
        .count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)                       \
    }
#define ONE(signer) ((struct kedge_rights_signers){(signer), 1})

static const struct kedge_rights_signer ann = {"ann@x,ann@home", "SHA256:ann", NULL};
static const struct kedge_rights_signer bob = {"bob@x", "SHA256:bob", NULL};
static const struct kedge_rights_signer eve = {"eve@x,!ann@x", "SHA256:eve", NULL};

Test(rights, who_is_named)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    static const struct {
        const char *pattern;
        bool ann, eve;
    } cases[] = {
        {"ann@x", true, false},      {"ann@home", true, false},   {"*@x", true, true},
        {"an?@x", true, false},      {"SHA256:ann", true, false}, {"SHA256:*", false, false},
        {"SHA256:eve", false, true}, {"ann", false, false},       {"*", true, true},
    };
    struct kedge_device device = {.object = {.name = "d", .at.file = "d.yaml"}};
    const struct kedge_rights_object change = {KEDGE_KIND_DEVICE, NULL, &device.object};
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        const struct kedge_policy_rule rule = {.signers = {&cases[i].pattern, 1}};
        const struct kedge_specs *specs = specs_of(&arena, &rule, 1);
        const struct kedge_rights_party one = {.authors = ONE(&ann)}, two = {.authors = ONE(&eve)};
        cr_expect_eq(kedge_rights_object(specs, &one, &change, false).allowed, cases[i].ann, "%s",
                     cases[i].pattern);
        cr_expect_eq(kedge_rights_object(specs, &two, &change, false).allowed, cases[i].eve, "%s",
                     cases[i].pattern);
    }
    const struct kedge_policy_rule rule = {.signers = LIST("*")};
    const struct kedge_rights_party nobody = {.authors = ONE(&(struct kedge_rights_signer){0})};
    cr_assert_not(kedge_rights_object(specs_of(&arena, &rule, 1), &nobody, &change, false).allowed,
                  "a signer who is not known is nobody, whatever the pattern");
    const struct kedge_rights_party none = {0};
    cr_assert_not(kedge_rights_object(specs_of(&arena, &rule, 1), &none, &change, false).allowed);
}

static bool may(struct kedge_arena *arena, struct kedge_policy_rule rule,
                struct kedge_rights_object change, const char *lacks)
{
    rule.signers = (struct kedge_strings)LIST("ann@x");
    const struct kedge_policy_rule rules[] = {rule};
    const struct kedge_rights_party party = {.authors = ONE(&ann)};
    struct kedge_rights_verdict verdict =
        kedge_rights_object(specs_of(arena, rules, 1), &party, &change, true);
    if (lacks)
        cr_expect_str_eq(verdict.lacks ? verdict.lacks : "", lacks);
    return verdict.allowed;
}

Test(rights, objects_by_each_member)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_label plant1 = {"site", "p1"}, plant2 = {"site", "p2"};
    struct kedge_device one = {.object = {.labels = {&plant1, 1}}};
    struct kedge_device two = {.object = {.labels = {&plant2, 1}}};
    struct kedge_policy policy = {0};
    struct kedge_deployment old = {.target_kind = KEDGE_KIND_MODEL, .target = "m", .prune = true};
    name_of(&one.object, "d", "devices/d.yaml");
    name_of(&two.object, "d", "other/d.yaml");
    name_of(&policy.object, "p", "p.yaml");
    name_of(&old.object, "all", "deployments/all.yaml");
    const struct kedge_rights_object add = {KEDGE_KIND_DEVICE, NULL, &one.object};
    const struct kedge_rights_object move = {KEDGE_KIND_DEVICE, &one.object, &two.object};
    const struct kedge_rights_object grant = {KEDGE_KIND_POLICY, NULL, &policy.object};
    const struct kedge_rights_object deploy = {KEDGE_KIND_DEPLOYMENT, NULL, &old.object};
    struct kedge_policy_rule paths = {.paths = LIST("devices/**")};
    cr_assert(may(&arena, paths, add, NULL));
    cr_assert_not(may(&arena, paths, move, "paths"), "a file is left for another");
    cr_assert_not(
        may(&arena, (struct kedge_policy_rule){.kinds = LIST("Deployment")}, add, "kinds"));

    const char *const values[] = {"p1"};
    const struct kedge_requirement site = {"site", KEDGE_SELECTOR_IN, {values, 1}};
    struct kedge_policy_rule devices = {.devices = {&site, 1}};
    cr_assert(may(&arena, devices, add, NULL));
    cr_assert_not(may(&arena, devices, move, "devices"), "the label it gets is another's");
    cr_assert_not(may(&arena, devices, grant, "devices"), "a policy is on no device");
    cr_assert(may(&arena, devices, deploy, NULL), "where it goes is judged there");
    cr_assert_not(may(&arena, (struct kedge_policy_rule){.models = LIST("*")}, grant, "models"));
    cr_assert(may(&arena, (struct kedge_policy_rule){.models = LIST("m*")}, deploy, NULL));
    cr_assert_not(may(&arena, (struct kedge_policy_rule){.models = LIST("x*")}, deploy, "models"));

    struct kedge_deployment paused = old, other = old;
    paused.suspend = &(struct kedge_suspend){.reason = "r"};
    other.target = "x";
    const struct kedge_rights_object pause = {KEDGE_KIND_DEPLOYMENT, &old.object, &paused.object};
    const struct kedge_rights_object turn = {KEDGE_KIND_DEPLOYMENT, &old.object, &other.object};
    cr_assert_not(may(&arena, devices, pause, "devices"), "a suspension is everywhere");
    cr_assert(may(&arena, (struct kedge_policy_rule){0}, pause, NULL));
    cr_assert_not(may(&arena, (struct kedge_policy_rule){.models = LIST("m")}, turn, "models"),
                  "both models count");
}

Test(rights, without_declare_a_rule_allows_objects_for_their_effects_alone)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_deployment all = {.target_kind = KEDGE_KIND_MODEL, .target = "m"};
    struct kedge_policy policy = {0};
    name_of(&all.object, "all", "a.yaml");
    name_of(&policy.object, "p", "p.yaml");
    const struct kedge_rights_object deploy = {KEDGE_KIND_DEPLOYMENT, NULL, &all.object};
    const struct kedge_rights_object grant = {KEDGE_KIND_POLICY, NULL, &policy.object};
    const struct kedge_policy_rule rules[] = {{.signers = LIST("ann@x"), .verbs = LIST("deploy")}};
    const struct kedge_policy_rule wide[] = {rules[0],
                                             {.signers = LIST("ann@x"),
                                              .verbs = LIST("declare"),
                                              .kinds = LIST("Deployment")}};
    const struct kedge_rights_party party = {.authors = ONE(&ann)};
    const struct kedge_specs *specs = specs_of(&arena, rules, 1),
                             *wider = specs_of(&arena, wide, 2);
    struct kedge_rights_verdict verdict = kedge_rights_object(specs, &party, &deploy, true);
    cr_assert(verdict.allowed && verdict.only_effects);
    cr_assert_not(kedge_rights_object(specs, &party, &deploy, false).allowed);
    cr_assert_not(kedge_rights_object(specs, &party, &grant, true).allowed);
    verdict = kedge_rights_object(wider, &party, &deploy, true);
    cr_assert(verdict.allowed && !verdict.only_effects,
              "one rule that allows it outright is enough");
}

Test(rights, what_was_left_behind_needs_the_right_to_destroy)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_deployment kept = {.target_kind = KEDGE_KIND_MODEL, .target = "m"}, prunes = kept;
    name_of(&kept.object, "all", "a.yaml");
    name_of(&prunes.object, "all", "a.yaml");
    prunes.prune = true;
    const struct kedge_rights_object changes[] = {
        {KEDGE_KIND_DEPLOYMENT, &kept.object, &prunes.object},
        {KEDGE_KIND_DEPLOYMENT, &kept.object, NULL},
    };
    for (size_t i = 0; i < KEDGE_COUNT(changes); i++) {
        cr_assert_not(may(&arena, (struct kedge_policy_rule){.verbs = LIST("declare", "update")},
                          changes[i], "verbs"));
        cr_assert(may(&arena, (struct kedge_policy_rule){.verbs = LIST("declare", "destroy")},
                      changes[i], NULL));
    }
}

static struct kedge_rights_verdict destroy(struct kedge_arena *arena,
                                           const struct kedge_rights_party *party, uint32_t need)
{
    const struct kedge_policy_rule rules[] = {
        {.signers = LIST("*@x"), .verbs = LIST("destroy"), .min_signatures = need}};
    struct kedge_device device = {.object = {.name = "d"}};
    struct kedge_deployment gone = {.target = "m"};
    name_of(&gone.object, "all", "a.yaml");
    const struct kedge_rights_object cause = {KEDGE_KIND_DEPLOYMENT, &gone.object, NULL};
    const struct kedge_rights_effect effect = {.verb = KEDGE_RIGHT_DESTROY,
                                               .instance = "m",
                                               .before = &device,
                                               .after = &device,
                                               .causes =
                                                   (const struct kedge_rights_object *const[]){
                                                       &cause},
                                               .cause_count = 1};
    return kedge_rights_effect(specs_of(arena, rules, 1), party, &effect);
}

Test(rights, signatures_are_counted_by_person)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_rights_signer twin = {"bob@x", "SHA256:ann", NULL};     /* ann's key */
    const struct kedge_rights_signer spare = {"ann@x", "SHA256:second", NULL}; /* ann's name */
    const char *const other[] = {"b.yaml"}, *const this[] = {"a.yaml"};
    const struct kedge_strings elsewhere = {other, 1}, here = {this, 1};
    struct kedge_rights_signer saw = bob, looked_away = bob;
    saw.seen = &here;
    looked_away.seen = &elsewhere;
    static const struct kedge_rights_signer stranger = {"cy@y", "SHA256:cy", NULL};
    const struct {
        struct kedge_rights_signer second;
        bool enough;
    } cases[] = {{bob, true}, {twin, false},        {spare, false},   {ann, false},
                 {saw, true}, {looked_away, false}, {stranger, false}};
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        const struct kedge_rights_party merged = {.authors = ONE(&ann),
                                                  .witnesses = ONE(&cases[i].second)};
        struct kedge_rights_verdict verdict = destroy(&arena, &merged, 2);
        cr_expect_eq(verdict.allowed, cases[i].enough, "case %zu", i);
        if (!cases[i].enough)
            cr_expect_str_eq(kedge_rights_explain(&arena, &verdict),
                             "rule 1 of policy 'roles' asks for 2 signers, and 1 signed");
    }
    const struct kedge_rights_party witnessed = {.authors = ONE(&stranger), .witnesses = ONE(&bob)};
    cr_assert_not(destroy(&arena, &witnessed, 1).allowed, "a witness gives nobody rights");
    const struct kedge_rights_party approved = {.authors = ONE(&stranger), .approvers = ONE(&bob)};
    cr_assert(destroy(&arena, &approved, 1).allowed);
    const struct kedge_rights_signer pair[] = {ann, stranger};
    const struct kedge_rights_party both = {.authors = {pair, 2}};
    cr_assert_not(destroy(&arena, &both, 1).allowed, "each author must be allowed");
}

Test(rights, the_file_of_signers_is_of_no_kind)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_rights_party party = {.authors = ONE(&ann)};
    const struct kedge_policy_rule kinds[] = {{.signers = LIST("*"), .kinds = LIST("Policy")}};
    const struct kedge_policy_rule paths[] = {{.signers = LIST("*"), .paths = LIST(".kedge/*")}};
    const char *file = ".kedge/allowed_signers";
    cr_assert_not(kedge_rights_file(specs_of(&arena, kinds, 1), &party, file).allowed);
    cr_assert(kedge_rights_file(specs_of(&arena, paths, 1), &party, file).allowed);
}

Test(rights, the_nearest_rule_is_named)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_policy_rule rules[] = {
        {.signers = LIST("bob@x")},
        {.signers = LIST("ann@x"), .kinds = LIST("Model")},
        {.signers = LIST("ann@x"), .models = LIST("other")},
    };
    struct kedge_deployment deployment = {.target = "m"};
    name_of(&deployment.object, "all", "a.yaml");
    const struct kedge_rights_object change = {KEDGE_KIND_DEPLOYMENT, NULL, &deployment.object};
    const struct kedge_rights_party party = {.authors = ONE(&ann)},
                                    stranger = {.authors = ONE(&eve)};
    const struct kedge_specs *specs = specs_of(&arena, rules, 3);
    struct kedge_rights_verdict verdict = kedge_rights_object(specs, &party, &change, false);
    cr_assert_str_eq(kedge_rights_explain(&arena, &verdict),
                     "rule 3 of policy 'roles' does not allow it by its models");
    verdict = kedge_rights_object(specs, &stranger, &change, false);
    cr_assert_str_eq(kedge_rights_explain(&arena, &verdict), "no rule of any policy names them");
}

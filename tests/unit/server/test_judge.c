/* SPDX-License-Identifier: Apache-2.0 */
#include "server/judge.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "core/resolve.h"
#include "lib/leak.h"
#include "manifest/load.h"

/* A repository of a few files, commit after commit. */
enum { FILES = 12 };

struct scene {
    struct kedge_arena arena;
    struct {
        const char *path, *text;
    } files[FILES];
    unsigned commits;
    const char *head;
    const struct kedge_desired *git;
    const struct kedge_judgement *judged;
};

static void set(struct scene *scene, const char *path, const char *text)
{
    size_t i = 0;
    while (i < FILES && scene->files[i].path && strcmp(scene->files[i].path, path) < 0)
        i++;
    cr_assert_lt(i, FILES);
    bool known = scene->files[i].path && strcmp(scene->files[i].path, path) == 0;
    if (!known)
        memmove(&scene->files[i + 1], &scene->files[i], (FILES - 1 - i) * sizeof scene->files[0]);
    scene->files[i].path = path;
    scene->files[i].text = text ? kedge_arena_strdup(&scene->arena, text) : NULL;
}

/* An object in flow style. */
static const char *object(struct scene *scene, const char *kind, const char *name,
                          const char *labels, const char *spec)
{
    return kedge_arena_printf(&scene->arena,
                              "---\napiVersion: kedge.dev/v1alpha1\nkind: %s\n"
                              "metadata: {name: %s, labels: {%s}}\nspec: %s\n",
                              kind, name, labels, spec);
}

static void put(struct scene *scene, const char *path, const char *kind, const char *name,
                const char *spec)
{
    set(scene, path, object(scene, kind, name, "", spec));
}

static void put_version(struct scene *scene, const char *version, const char *stage)
{
    char digit = version[0];
    char digest[65] = "";
    memset(digest, digit, 64);
    put(scene, kedge_arena_printf(&scene->arena, "models/m-%s.yaml", version), "ModelVersion",
        kedge_arena_printf(&scene->arena, "m-%s", version),
        kedge_arena_printf(&scene->arena,
                           "{model: m, version: %s, stage: %s, artifact: {url: 'https://h/m', "
                           "digest: 'sha256:%s', size: 1, format: file}, runtime: {driver: files}}",
                           version, stage, digest));
}

static void put_device(struct scene *scene, const char *name, const char *site)
{
    set(scene, kedge_arena_printf(&scene->arena, "devices/%s.yaml", name),
        object(scene, "Device", name, kedge_arena_printf(&scene->arena, "site: %s", site), "{}"));
}

static bool load(struct scene *scene)
{
    struct kedge_tree tree = {0};
    struct kedge_err err;
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_specs *specs;
    snprintf(tree.commit, sizeof tree.commit, "%040x", ++scene->commits);
    tree.entries = kedge_arena_array(&tree.arena, FILES, sizeof *tree.entries);
    for (size_t i = 0; i < FILES; i++) {
        if (!scene->files[i].text)
            continue;
        struct kedge_tree_entry *entry = &tree.entries[tree.count++];
        entry->path = scene->files[i].path;
        entry->data = scene->files[i].text;
        entry->size = strlen(entry->data);
        struct kedge_digest digest = kedge_digest_of(entry->data, entry->size);
        memcpy(entry->blob, digest.bytes, sizeof entry->blob);
    }
    scene->head = kedge_arena_strdup(&scene->arena, tree.commit);
    int code = kedge_load_specs(&scene->arena, scene->git ? scene->git->specs : NULL, &tree,
                                &findings, &specs, &err);
    if (code == 0)
        code =
            kedge_resolve_desired(&scene->arena, specs, scene->git, &findings, &scene->git, &err);
    kedge_arena_release(&tree.arena);
    cr_assert_eq(code, 0, "%s", findings.count ? findings.at[0].message : err.msg);
    return true;
}

static struct kedge_rights_signer *signer_of(struct scene *scene, const char *who)
{
    struct kedge_rights_signer *signer = kedge_arena_new(&scene->arena, struct kedge_rights_signer);
    *signer = (struct kedge_rights_signer){.principals = kedge_arena_strdup(&scene->arena, who),
                                           .fingerprint =
                                               kedge_arena_printf(&scene->arena, "SHA256:%s", who)};
    return signer;
}

static void commit_with(struct scene *scene, const char *who, const char *approves)
{
    load(scene);
    if (!scene->judged) {
        scene->judged = kedge_judge_begin(&scene->arena, scene->git);
        return;
    }
    const struct kedge_rights_signer *signer = signer_of(scene, who);
    struct kedge_judge_approval approval = {approves, *signer};
    struct kedge_judge_step step = {.commit = scene->head,
                                    .git = scene->git,
                                    .party.authors = {signer, 1},
                                    .approvals = &approval,
                                    .approval_count = approves ? 1 : 0};
    scene->judged = kedge_judge_next(&scene->arena, scene->judged, &step);
    cr_assert_str_eq(scene->judged->desired->specs->commit, scene->head);
}

static void commit(struct scene *scene, const char *who)
{
    commit_with(scene, who, NULL);
}

/* What of `instance` is in force on a device, or "". */
static const char *in_force(const struct scene *scene, const char *device, const char *instance)
{
    const struct kedge_desired_device *row =
        kedge_table_find(scene->judged->desired->devices, device);
    for (uint32_t i = 0; row && i < row->count; i++)
        if (strcmp(row->assignments[i]->assignment.instance, instance) == 0)
            return row->assignments[i]->assignment.version;
    return "";
}

static const char *why_refused(const struct scene *scene, const char *device, const char *instance)
{
    const struct kedge_desired_refused *row =
        kedge_table_find(scene->judged->desired->refused, device);
    for (uint32_t i = 0; row && i < row->count; i++)
        if (strcmp(row->at[i].instance, instance) == 0)
            return row->at[i].why;
    return "";
}

static const char *why_held(const struct scene *scene, const char *key)
{
    const struct kedge_judge_object *object = kedge_table_find(scene->judged->objects, key);
    return object ? object->hold.why : "";
}

static void expect_settled(const struct scene *scene)
{
    cr_assert(kedge_judge_settled(scene->judged));
    cr_assert_eq(scene->judged->desired, scene->judged->git);
}

#define RULES                                                                                      \
    "{rules: ["                                                                                    \
    "{signers: [root@x]}, "                                                                        \
    "{signers: [sci@x], kinds: [Model, ModelVersion, Dataset], verbs: [declare]}, "                \
    "{signers: [ops1@x], kinds: [Device, Deployment, ModelVersion], "                              \
    "devices: {matchLabels: {site: p1}}, verbs: [declare, deploy, update, start, stop]}, "         \
    "{signers: [ops@x], paths: ['deployments/**', 'devices/**'], "                                 \
    "verbs: [declare, deploy, update, rollback, start, stop]}, "                                   \
    "{signers: ['*@x'], kinds: [Deployment, Device], verbs: [destroy], minSignatures: 2}]}"

#define EVERYWHERE "targets: {selector: {matchExpressions: [{key: site, operator: Exists}]}}"

static void deploy(struct scene *scene, const char *range, const char *more)
{
    put(scene, "deployments/all.yaml", "Deployment", "all",
        kedge_arena_printf(&scene->arena, "{model: m, version: '%s', %s" EVERYWHERE "}", range,
                           more));
}

/* Two plants, a model in version 1.0.0 everywhere, and roles. */
static void begin(struct scene *scene)
{
    *scene = (struct scene){0};
    put(scene, "models/m.yaml", "Model", "m", "{}");
    put_version(scene, "1.0.0", "ready");
    put_device(scene, "a1", "p1");
    put_device(scene, "b2", "p2");
    deploy(scene, "^1.0.0 || ^2.0.0", "");
    put(scene, "policy.yaml", "Policy", "roles", RULES);
    commit(scene, "root@x");
    cr_assert_str_eq(in_force(scene, "a1", "m"), "1.0.0");
}

static void end(struct scene *scene)
{
    kedge_arena_release(&scene->arena);
    kedge_test_no_leaks();
}

Test(judge, without_rules_everything_is_in_force)
{
    struct scene scene = {0};
    put_device(&scene, "a1", "p1");
    commit(&scene, "root@x");
    put_device(&scene, "b2", "p2");
    commit(&scene, "anybody@y");
    expect_settled(&scene);
    end(&scene);
}

Test(judge, a_commit_of_somebody_who_may_is_in_force_as_it_is)
{
    struct scene scene;
    begin(&scene);
    put_version(&scene, "2.0.0", "draft");
    commit(&scene, "sci@x");
    expect_settled(&scene);
    put_version(&scene, "2.0.0", "ready");
    commit(&scene, "root@x");
    expect_settled(&scene);
    cr_assert_str_eq(in_force(&scene, "b2", "m"), "2.0.0");
    end(&scene);
}

Test(judge, a_version_that_a_range_takes_up_is_an_update_by_who_added_it)
{
    struct scene scene;
    begin(&scene);
    put_version(&scene, "2.0.0", "ready");
    commit(&scene, "sci@x");
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");
    cr_assert_str_eq(why_refused(&scene, "a1", "m"),
                     "'sci@x' may not update 'm' here: rule 2 of policy 'roles' does not allow it "
                     "by its verbs (commit 000000000000)");
    cr_assert_eq(kedge_table_count(scene.judged->objects), 0, "the version itself is declared");
    cr_assert_not_null(
        kedge_spec_find(scene.judged->desired->specs, KEDGE_KIND_MODEL_VERSION, "m-2.0.0"));

    /* Others who do not touch it do not free it. */
    put_device(&scene, "c1", "p1");
    commit(&scene, "ops@x");
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");
    cr_assert_str_eq(in_force(&scene, "c1", "m"), "2.0.0", "who adds it deploys what is declared");
    cr_assert_str_eq(why_refused(&scene, "c1", "m"), "");

    /* Somebody who may names it in the deployment. */
    deploy(&scene, "2.0.0", "");
    commit(&scene, "ops@x");
    expect_settled(&scene);
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "2.0.0");
    end(&scene);
}

Test(judge, a_comment_frees_nothing)
{
    struct scene scene;
    begin(&scene);
    put_version(&scene, "2.0.0", "ready");
    commit(&scene, "sci@x");
    deploy(&scene, "^1.0.0 || ^2.0.0", "  ");
    commit(&scene, "ops@x");
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");
    cr_assert_not(kedge_judge_settled(scene.judged));
    end(&scene);
}

Test(judge, each_device_for_itself)
{
    struct scene scene;
    begin(&scene);
    deploy(&scene, "1.0.0", "state: stopped, ");
    commit(&scene, "ops1@x");
    cr_assert_str_eq(why_refused(&scene, "a1", "m"), "");
    cr_assert_neq(strstr(why_refused(&scene, "b2", "m"), "'ops1@x' may not stop 'm' here: rule 3"),
                  NULL, "%s", why_refused(&scene, "b2", "m"));
    const struct kedge_desired_device *one = kedge_table_find(scene.judged->desired->devices, "a1");
    const struct kedge_desired_device *two = kedge_table_find(scene.judged->desired->devices, "b2");
    cr_assert_eq(one->assignments[0]->assignment.state, KEDGE_RUN_STOPPED);
    cr_assert_eq(two->assignments[0]->assignment.state, KEDGE_RUN_RUNNING);

    /* What is in force is said again: nothing is held any more. */
    deploy(&scene, "^1.0.0 || ^2.0.0", "");
    commit(&scene, "ops1@x");
    expect_settled(&scene);
    end(&scene);
}

Test(judge, an_update_hides_no_stop)
{
    struct scene scene;
    begin(&scene);
    put_version(&scene, "2.0.0", "draft");
    commit(&scene, "sci@x");
    set(&scene, "policy.yaml",
        object(&scene, "Policy", "roles", "",
               "{rules: [{signers: [root@x]}, {signers: [ops@x], verbs: [update]}]}"));
    commit(&scene, "root@x");
    deploy(&scene, "2.0.0", "state: stopped, ");
    commit(&scene, "ops@x");
    cr_assert_not_null(strstr(why_refused(&scene, "a1", "m"), "may not stop"));
    deploy(&scene, "2.0.0", "");
    commit(&scene, "ops@x");
    expect_settled(&scene);
    /* And back is no update. */
    deploy(&scene, "1.0.0", "");
    commit(&scene, "ops@x");
    cr_assert_not_null(strstr(why_refused(&scene, "a1", "m"), "may not rollback"));
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "2.0.0");
    end(&scene);
}

Test(judge, nobody_grants_themselves_anything)
{
    struct scene scene;
    begin(&scene);
    put(&scene, "policy.yaml", "Policy", "roles", "{rules: [{signers: ['*']}]}");
    deploy(&scene, "1.0.0", "state: stopped, ");
    commit(&scene, "sci@x");
    cr_assert_neq(*why_held(&scene, "Policy/roles"), '\0');
    cr_assert_neq(*why_refused(&scene, "a1", "m"), '\0');

    /* Nor by a second commit: what is held never judges. */
    put(&scene, "policy.yaml", "Policy", "more", "{rules: [{signers: ['*']}]}");
    deploy(&scene, "1.0.0", "state: stopped, config: {a: 1}, ");
    commit(&scene, "sci@x");
    cr_assert_neq(*why_held(&scene, "Policy/more"), '\0');
    cr_assert_not_null(kedge_spec_find(scene.judged->desired->specs, KEDGE_KIND_POLICY, "roles"));
    cr_assert_null(kedge_spec_find(scene.judged->desired->specs, KEDGE_KIND_POLICY, "more"));
    cr_assert_not_null(strstr(why_held(&scene, "Policy/roles"), "may not remove Policy 'roles'"));

    /* A new policy of root takes its place, and with no rule left everything is let go. */
    put(&scene, "policy.yaml", "Policy", "roles", "{require: {ready: true}}");
    commit(&scene, "root@x");
    expect_settled(&scene);
    end(&scene);
}

Test(judge, a_moved_object_is_changed_in_both_files)
{
    struct scene scene;
    begin(&scene);
    set(&scene, "deployments/all.yaml", NULL);
    put(&scene, "mine/all.yaml", "Deployment", "all",
        "{model: m, version: '^1.0.0 || ^2.0.0', " EVERYWHERE "}");
    commit(&scene, "ops@x");
    cr_assert_neq(*why_held(&scene, "Deployment/all"), '\0');
    const struct kedge_object *kept =
        kedge_spec_find(scene.judged->desired->specs, KEDGE_KIND_DEPLOYMENT, "all");
    cr_assert_str_eq(kept->at.file, "deployments/all.yaml");

    /* Changed over there it is still the same object, from the same file. */
    put(&scene, "mine/all.yaml", "Deployment", "all",
        "{model: m, version: '^1.0.0', " EVERYWHERE "}");
    commit(&scene, "ops@x");
    cr_assert_neq(*why_held(&scene, "Deployment/all"), '\0');
    set(&scene, "mine/all.yaml", NULL);
    deploy(&scene, "^1.0.0", "");
    commit(&scene, "ops@x");
    expect_settled(&scene);
    end(&scene);
}

Test(judge, one_file_is_taken_in_part)
{
    struct scene scene;
    begin(&scene);
    const char *allowed =
        object(&scene, "ModelVersion", "m-1.0.0", "",
               "{model: m, version: 1.0.0, stage: ready, comment: checked, "
               "artifact: {url: 'https://h/m', digest: 'sha256:"
               "1111111111111111111111111111111111111111111111111111111111111111',"
               " size: 1, format: file}, runtime: {driver: files}}");
    set(&scene, "models/m-1.0.0.yaml",
        kedge_arena_printf(&scene.arena, "%s%s", allowed,
                           object(&scene, "Device", "c9", "site: p1", "{}")));
    commit(&scene, "sci@x");
    const struct kedge_specs *specs = scene.judged->desired->specs;
    const struct kedge_model_version *version =
        kedge_spec_find(specs, KEDGE_KIND_MODEL_VERSION, "m-1.0.0");
    cr_assert_str_eq(version->comment, "checked");
    cr_assert_null(kedge_spec_find(specs, KEDGE_KIND_DEVICE, "c9"));
    cr_assert_neq(*why_held(&scene, "Device/c9"), '\0');
    end(&scene);
}

Test(judge, labels_make_no_devices_ones_own)
{
    struct scene scene;
    begin(&scene);
    put_device(&scene, "b2", "p1");
    commit(&scene, "ops1@x");
    cr_assert_not_null(strstr(why_held(&scene, "Device/b2"), "by its devices"), "%s",
                       why_held(&scene, "Device/b2"));
    deploy(&scene, "1.0.0", "state: stopped, ");
    commit(&scene, "ops1@x");
    cr_assert_not_null(strstr(why_refused(&scene, "b2", "m"), "may not stop"));
    end(&scene);
}

Test(judge, a_device_goes_only_with_all_it_holds)
{
    struct scene scene;
    begin(&scene);
    set(&scene, "devices/b2.yaml", NULL);
    commit(&scene, "ops@x");
    cr_assert_not_null(strstr(why_held(&scene, "Device/b2"), "may not destroy 'm' on device 'b2'"));
    cr_assert_str_eq(in_force(&scene, "b2", "m"), "1.0.0");
    cr_assert_neq(*why_refused(&scene, "b2", "m"), '\0');
    end(&scene);
}

Test(judge, a_deployment_that_goes_destroys)
{
    struct scene scene;
    begin(&scene);
    set(&scene, "deployments/all.yaml", NULL);
    commit(&scene, "ops@x");
    const char *first = scene.head;
    cr_assert_not_null(strstr(why_refused(&scene, "a1", "m"), "asks for 2 signers, and 1 signed"),
                       "%s", why_refused(&scene, "a1", "m"));
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");

    /* Who approves their own commit is no second; somebody else is. */
    commit_with(&scene, "ops@x", first);
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");
    commit_with(&scene, "mallory@y", first);
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");
    commit_with(&scene, "sci@x", first);
    expect_settled(&scene);
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "");
    end(&scene);
}

Test(judge, an_approval_is_of_one_change_alone)
{
    struct scene scene;
    begin(&scene);
    deploy(&scene, "1.0.0", "config: {a: 1}, ");
    commit(&scene, "sci@x");
    const char *first = scene.head;
    deploy(&scene, "1.0.0", "config: {a: 2}, ");
    commit(&scene, "sci@x");
    commit_with(&scene, "root@x", first);
    cr_assert_neq(*why_refused(&scene, "a1", "m"), '\0', "it was changed since");
    commit_with(&scene, "root@x", "0000000000000000000000000000000000000003");
    expect_settled(&scene);
    end(&scene);
}

Test(judge, what_cannot_stand_alone_is_held_whole)
{
    struct scene scene;
    begin(&scene);
    put(&scene, "models/n.yaml", "Model", "n", "{}");
    put(&scene, "models/n-1.yaml", "ModelVersion", "n-1",
        "{model: n, version: 1.0.0, stage: ready, artifact: {url: 'https://h/n', digest: 'sha256:"
        "2222222222222222222222222222222222222222222222222222222222222222', size: 1, format: "
        "file}, "
        "runtime: {driver: files}}");
    put(&scene, "deployments/n.yaml", "Deployment", "n",
        "{model: n, version: 1.0.0, " EVERYWHERE "}");
    put_device(&scene, "c1", "p1");
    commit(&scene, "ops@x"); /* may deploy, but not add a model */
    cr_assert_not_null(strstr(why_held(&scene, "Model/n"), "by its paths"));
    cr_assert_not_null(strstr(why_held(&scene, "Deployment/n"), "does not stand without the rest"),
                       "%s", why_held(&scene, "Deployment/n"));
    cr_assert_neq(*why_held(&scene, "Device/c1"), '\0');
    cr_assert_null(kedge_table_find(scene.judged->desired->devices, "c1"));
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");
    cr_assert_neq(*why_refused(&scene, "a1", "n"), '\0');
    commit_with(&scene, "root@x", scene.head);
    expect_settled(&scene);
    cr_assert_str_eq(in_force(&scene, "c1", "n"), "1.0.0");
    end(&scene);
}

Test(judge, a_revert_is_judged_as_any_change)
{
    struct scene scene;
    begin(&scene);
    deploy(&scene, "1.0.0", "config: {a: 1}, ");
    commit(&scene, "ops@x");
    expect_settled(&scene);
    deploy(&scene, "^1.0.0 || ^2.0.0", "");
    commit(&scene, "sci@x");
    cr_assert_neq(*why_refused(&scene, "a1", "m"), '\0');
    end(&scene);
}

Test(judge, replayed_it_comes_out_the_same)
{
    struct scene scene;
    begin(&scene);
    const struct kedge_judgement *first = scene.judged;
    put_version(&scene, "2.0.0", "ready");
    commit(&scene, "sci@x");
    const struct kedge_desired *second = scene.git;
    const char *why = why_refused(&scene, "a1", "m");
    struct kedge_judge_step step = {.commit = scene.head,
                                    .git = second,
                                    .party.authors = {signer_of(&scene, "sci@x"), 1}};
    scene.judged = kedge_judge_next(&scene.arena, first, &step);
    cr_assert_str_eq(why_refused(&scene, "a1", "m"), why);
    cr_assert_str_eq(in_force(&scene, "a1", "m"), "1.0.0");
    end(&scene);
}

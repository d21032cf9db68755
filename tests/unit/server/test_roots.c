/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "lib/leak.h"

#define YEAR (365 * 86400000LL)
#define HEAD "---\napiVersion: kedge.dev/v1alpha1\n"

static const char models[] =
    HEAD "kind: Model\nmetadata: {name: m}\nspec: {}\n" HEAD
         "kind: ModelVersion\nmetadata: {name: m-1}\n"
         "spec:\n  model: m\n  version: 1.0.0\n  stage: ready\n"
         "  artifact: {url: \"hub:\", size: 10, format: zip, digest: \"sha256:"
         "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}\n"
         "  runtime: {driver: process, command: [./serve]}\n";
static const char deployment[] =
    HEAD "kind: Deployment\nmetadata: {name: d}\nspec:\n  model: m\n  version: \"1.0.0\"\n"
         "  targets: {selector: {matchLabels: {site: a}}}\n";

/* Seeds of keys. */
enum { ANN = 50, EVE, RELEASE };

struct scene {
    struct fixture fx;
    struct fixture_device press;
    char *device;
    struct kedge_key *old, *new; /* directors */
    struct kedge_slice roots[1];
    struct kedge_buf first;
};

static struct kedge_root_signers one(const struct kedge_key *key)
{
    struct kedge_root_signers signers = {.count = 1, .threshold = 1};
    signers.keys[0] = kedge_key_public(key);
    return signers;
}

static void write_root(int64_t version, int holder, const struct kedge_key *director,
                       kedge_ms expires, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    kedge_auto(kedge_key) struct kedge_key *mine =
        kedge_key_from_seed((const uint8_t[32]){(uint8_t)holder});
    kedge_auto(kedge_key) struct kedge_key *release =
        kedge_key_from_seed((const uint8_t[32]){RELEASE});
    const struct kedge_root root = {.version = version,
                                    .expires = expires,
                                    .roles = {one(mine), one(director), one(release)}};
    struct kedge_err err;
    cr_assert_eq(kedge_root_write(&root, &file, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_root_sign(NULL, kedge_buf_slice(&file), mine, out, &err), 0, "%s", err.msg);
}

static void publish(struct scene *scene, int64_t version, int holder,
                    const struct kedge_key *director)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    write_root(version, holder, director, scene->fx.now + YEAR, &file);
    kedge_server_replies_release(&scene->fx.replies);
    const struct kedge_server_message in = {.kind = KEDGE_SERVER_PUBLISH,
                                            .evidence = kedge_buf_slice(&file)};
    kedge_server_step(scene->fx.server, &in, 1, scene->fx.now, &scene->fx.replies);
}

/* The server has root version 1, which names its key; a device holds what is wanted. */
static struct scene *scene_make(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    fixture_device_make(&scene->press, "press", 7);
    scene->press.root = 1;
    scene->device = fixture_device_yaml(&scene->press, "site: a");
    fixture_make(&scene->fx);
    scene->old = scene->fx.director;
    scene->new = kedge_key_from_seed((const uint8_t[32]){99});
    write_root(1, ANN, scene->old, FIXTURE_START + YEAR, &scene->first);
    scene->roots[0] = kedge_buf_slice(&scene->first);
    scene->fx.options.roots = scene->roots;
    scene->fx.options.root_count = 1;
    fixture_restart(&scene->fx);
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, scene->device, deployment));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    const struct kedge_server_reply *reply = fixture_sync(&scene->fx, &scene->press, 0);
    cr_assert_not_null(reply);
    cr_assert_null(reply->type);
    cr_assert_eq(reply->root, 1, "every answer tells the newest version");
    return scene;
}

static void scene_free(struct scene *scene)
{
    scene->fx.director = scene->old;
    fixture_release(&scene->fx);
    fixture_device_release(&scene->press);
    kedge_key_free(scene->new);
    kedge_buf_release(&scene->first);
    free(scene->device);
    free(scene);
    kedge_test_no_leaks();
}

static json_t *status(struct scene *scene)
{
    return fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_STATUS});
}

static const json_t *of_root(const json_t *status, const char *key)
{
    return json_object_get(json_object_get(status, "root"), key);
}

static int64_t asked_for(struct scene *scene, int64_t version)
{
    const struct kedge_server_message in = {.kind = KEDGE_SERVER_ROOT,
                                            .from = ++scene->fx.asked,
                                            .version = version};
    kedge_auto(kedge_server_replies) struct kedge_server_replies replies = {0};
    struct kedge_root root = {0};
    kedge_server_step(scene->fx.server, &in, 1, scene->fx.now, &replies);
    for (size_t i = 0; i < replies.count; i++)
        if (replies.at[i].from == in.from && replies.at[i].code == KEDGE_OK)
            cr_assert_eq(kedge_root_peek(kedge_buf_slice(&replies.at[i].body), &root, NULL), 0);
    return root.version;
}

/* The server is started again with the other director's key. */
static void change_director(struct scene *scene)
{
    scene->fx.options.director = scene->fx.director = scene->new;
    fixture_restart(&scene->fx);
}

/* What a device does that has followed the new root: the old order binds it no longer. */
static void follow(struct scene *scene, int64_t version)
{
    scene->press.root = version;
    scene->press.generation = 0;
    scene->press.envelope = (struct kedge_digest){0};
}

Test(roots, the_chain_is_handed_out)
{
    struct scene *scene = scene_make();
    publish(scene, 2, ANN, scene->old);
    publish(scene, 3, ANN, scene->old);
    for (int64_t version = 1; version <= 3; version++)
        cr_expect_eq(asked_for(scene, version), version);
    cr_expect_eq(asked_for(scene, 0), 3, "the newest");
    cr_expect_eq(asked_for(scene, 4), 0);
    cr_expect_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ROOT_PUBLISHED), 3);
    scene_free(scene);
}

Test(roots, news_end_every_wait)
{
    struct scene *scene = scene_make();
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 60000), "it is held");
    uint64_t waiting = scene->fx.asked;
    publish(scene, 2, ANN, scene->old);
    const struct kedge_server_reply *reply = fixture_reply(&scene->fx, waiting);
    cr_assert_not_null(reply, "and let go");
    cr_assert_eq(reply->root, 2);
    cr_assert_not_null(fixture_sync(&scene->fx, &scene->press, 60000), "it is behind: no wait");
    struct kedge_refusal refusal = {.generation = 2,
                                    .code = KEDGE_DENIED,
                                    .reason = "unsigned",
                                    .message = "not by those I know",
                                    .at = scene->fx.now};
    scene->press.root_refusal = &refusal;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 60000), "it has refused: it waits");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ROOT_REFUSED), 1);
    scene->press.root_refusal = NULL;
    scene->press.root = 2;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 60000));
    scene_free(scene);
}

Test(roots, what_does_not_follow_is_refused_and_shown)
{
    struct scene *scene = scene_make();
    publish(scene, 2, EVE, scene->new);
    cr_assert_eq(kedge_server_root(scene->fx.server), 1);
    kedge_auto(kedge_json) json_t *shown = status(scene);
    cr_assert_str_eq(json_string_value(json_object_get(of_root(shown, "refused"), "reason")),
                     "unsigned");
    const struct kedge_server_message gone = {.kind = KEDGE_SERVER_WITHDRAW};
    kedge_server_step(scene->fx.server, &gone, 1, scene->fx.now, &scene->fx.replies);
    kedge_auto(kedge_json) json_t *withdrawn = status(scene);
    cr_assert_null(of_root(withdrawn, "refused"), "it is there no more");
    publish(scene, 2, EVE, scene->new);
    publish(scene, 2, ANN, scene->old);
    kedge_auto(kedge_json) json_t *again = status(scene);
    cr_assert_eq(json_integer_value(of_root(again, "version")), 2);
    cr_assert_null(of_root(again, "refused"));
    cr_assert_null(of_root(again, "warning"));
    scene_free(scene);
}

/* A key that the newest root does not name signs nothing, and says so; once another signs, whoever
 * is bound by nothing gets its set anew although nothing has changed in it. */
Test(roots, a_revoked_director_is_replaced)
{
    struct scene *scene = scene_make();
    publish(scene, 2, ANN, scene->new);
    kedge_auto(kedge_json) json_t *shown = status(scene);
    cr_assert(strstr(json_string_value(of_root(shown, "warning")), "does not name"));
    follow(scene, 2);
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, scene->device, NULL));
    const struct kedge_server_reply *reply = fixture_sync(&scene->fx, &scene->press, 0);
    cr_assert_null(reply->type, "neither the old order nor a new one");

    change_director(scene);
    publish(scene, 2, ANN, scene->new);
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, scene->device, deployment));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(scene->press.count, 1);
    cr_assert_gt(scene->press.generation, 1);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 20000), "and that is that");
    kedge_auto(kedge_json) json_t *after = status(scene);
    cr_assert_null(of_root(after, "warning"));
    scene_free(scene);
}

/* While both are named, one takes over from the other without a new order. */
Test(roots, a_director_who_is_still_named_is_not_replaced)
{
    struct scene *scene = scene_make();
    kedge_auto(kedge_buf) struct kedge_buf file = {0}, half = {0};
    struct kedge_root root;
    struct kedge_err err;
    kedge_auto(kedge_key) struct kedge_key *ann = kedge_key_from_seed((const uint8_t[32]){ANN});
    cr_assert_eq(kedge_root_peek(scene->roots[0], &root, &err), 0);
    root.version = 2;
    root.roles[KEDGE_ROOT_DIRECTOR].keys[1] = kedge_key_public(scene->new);
    root.roles[KEDGE_ROOT_DIRECTOR].count = 2;
    cr_assert_eq(kedge_root_write(&root, &half, &err), 0);
    cr_assert_eq(kedge_root_sign(NULL, kedge_buf_slice(&half), ann, &file, &err), 0);
    scene->fx.options.roots = (const struct kedge_slice[]){scene->roots[0], kedge_buf_slice(&file)};
    scene->fx.options.root_count = 2;
    change_director(scene);
    scene->press.root = 2;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 20000), "nothing to say");
    cr_assert_eq(kedge_server_root(scene->fx.server), 2);
    scene_free(scene);
}

Test(roots, expiry_is_warned_of)
{
    struct scene *scene = scene_make();
    scene->fx.now += YEAR - 20 * 86400000LL;
    kedge_auto(kedge_json) json_t *soon = status(scene);
    cr_assert(strstr(json_string_value(of_root(soon, "warning")), "expires in 19 days") ||
              strstr(json_string_value(of_root(soon, "warning")), "expires in 20 days"));
    scene->fx.now += 30 * 86400000LL;
    kedge_auto(kedge_json) json_t *over = status(scene);
    cr_assert(strstr(json_string_value(of_root(over, "warning")), "expired"));
    scene_free(scene);
}

Test(roots, a_server_does_not_start_with_a_bad_first_root)
{
    struct scene *scene = scene_make();
    struct kedge_server *server = NULL;
    struct kedge_err err;
    scene->fx.options.roots = &(const struct kedge_slice){"{}", 2};
    cr_assert_neq(kedge_server_new(&scene->fx.options, scene->fx.now, &server, &err), 0);
    cr_assert_null(server);
    scene_free(scene);
}

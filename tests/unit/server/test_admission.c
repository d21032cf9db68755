/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "fixture.h"
#include "lib/leak.h"
#include "server/ledger.h"
#include "wire/rotation.h"

#define HEAD "---\napiVersion: kedge.dev/v1alpha1\n"
#define DAY  86400000LL

static const char press[] =
    HEAD "kind: Device\nmetadata: {name: press, labels: {site: a}}\nspec: {}\n";
static const char models[] =
    HEAD "kind: Model\nmetadata: {name: m}\nspec: {}\n" HEAD
         "kind: ModelVersion\nmetadata: {name: m-1.0.0}\nspec:\n  model: m\n  version: 1.0.0\n"
         "  stage: ready\n  artifact: {url: \"hub:\", size: 10, format: zip, digest: \"sha256:"
         "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}\n"
         "  runtime: {driver: process, command: [./serve]}\n" HEAD
         "kind: Deployment\nmetadata: {name: d}\nspec:\n  model: m\n  version: \"1.0.0\"\n"
         "  targets: {selector: {matchLabels: {site: a}}}\n";

/* A declared device without a key, a fleet with one root, and whoever comes by. */
struct scene {
    struct fixture fx;
    struct fixture_device press, thief;
    struct kedge_key *root_key;
    struct kedge_buf file;
    struct kedge_slice files[1];
    struct kedge_root root;
    struct kedge_arena arena;
    struct kedge_enrol_request asked; /* the last one */
    struct kedge_enrol_reply reply;
};

static struct scene *scene_make(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf bare = {0};
    fixture_device_make(&scene->press, "press", 7);
    fixture_device_make(&scene->thief, "press", 8);
    fixture_make(&scene->fx);
    scene->root_key = kedge_key_from_seed((uint8_t[32]){3});
    struct kedge_root_signers root = {{kedge_key_public(scene->root_key)}, 1, 1};
    struct kedge_root_signers director = {{kedge_key_public(scene->fx.director)}, 1, 1};
    struct kedge_root value = {1, FIXTURE_START + 900 * DAY, {root, director, root}, {{0}}};
    cr_assert_eq(kedge_root_write(&value, &bare, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_root_sign(NULL, kedge_buf_slice(&bare), scene->root_key, &scene->file, &err),
                 0, "%s", err.msg);
    scene->files[0] = kedge_buf_slice(&scene->file);
    cr_assert_eq(kedge_root_pin(scene->files[0], NULL, &scene->root, &err), 0, "%s", err.msg);
    scene->fx.options.roots = scene->files;
    scene->fx.options.root_count = 1;
    fixture_restart(&scene->fx);
    fixture_head(&scene->fx, fixture_commit(&scene->fx, press, models, NULL));
    return scene;
}

static void scene_free(struct scene *scene)
{
    fixture_release(&scene->fx);
    fixture_device_release(&scene->press);
    fixture_device_release(&scene->thief);
    kedge_key_free(scene->root_key);
    kedge_buf_release(&scene->file);
    kedge_arena_release(&scene->arena);
    free(scene);
    kedge_test_no_leaks();
}

static struct kedge_token issue(struct scene *scene, const char *device, const char *hardware)
{
    struct kedge_token token = {{0}, {{0}}};
    struct kedge_err err;
    const struct kedge_enrolment_token what = {device, hardware, scene->fx.now + DAY, "ann"};
    cr_assert_eq(kedge_enrolment_issue(scene->fx.store, &what, &scene->root.digest, scene->fx.now,
                                       &token, &err),
                 0, "%s", err.msg);
    return token;
}

static const struct kedge_server_reply *send(struct scene *scene,
                                             enum kedge_server_message_kind kind,
                                             const char *device, struct kedge_slice evidence)
{
    struct fixture *fx = &scene->fx;
    kedge_server_replies_release(&fx->replies);
    fx->now++;
    fx->asked++;
    const struct kedge_server_message message = {.kind = kind,
                                                 .from = fx->asked,
                                                 .device = device,
                                                 .evidence = evidence};
    kedge_server_step(fx->server, &message, 1, fx->now, &fx->replies);
    const struct kedge_server_reply *reply = fixture_reply(fx, fx->asked);
    cr_assert_not_null(reply);
    return reply;
}

/* Asks; what the server says is in the scene where it lets the device in. */
static const struct kedge_server_reply *ask(struct scene *scene,
                                            const struct fixture_device *device,
                                            const struct kedge_token *token, const char *hardware)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_err err;
    scene->asked = (struct kedge_enrol_request){.device = device->name,
                                                .hardware = hardware,
                                                .issued = scene->fx.now,
                                                .key = kedge_key_public(device->key),
                                                .has_token = token != NULL,
                                                .root = scene->root.digest};
    if (token)
        memcpy(scene->asked.secret, token->secret, sizeof scene->asked.secret);
    cr_assert_eq(kedge_enrol_request_sign(&scene->asked, device->key, &envelope, &err), 0);
    scene->asked.digest = kedge_digest_of(envelope.data, envelope.size);
    const struct kedge_server_reply *reply =
        send(scene, KEDGE_SERVER_ENROL, NULL, kedge_buf_slice(&envelope));
    if (!reply->code && !reply->waits)
        cr_assert_eq(kedge_enrol_reply_verify(&scene->arena, kedge_buf_slice(&reply->body),
                                              &scene->root.digest, &scene->asked, scene->fx.now,
                                              &scene->reply, &err),
                     0, "%s", err.msg);
    return reply;
}

static void refused(const struct kedge_server_reply *reply, enum kedge_code code, const char *says)
{
    cr_assert_eq(reply->code, code, "%s", reply->body.data);
    cr_assert_not_null(strstr(reply->body.data, says), "no '%s' in %s", says, reply->body.data);
}

static void admitted(const struct kedge_server_reply *reply)
{
    cr_assert_eq(reply->code, KEDGE_OK, "%s", reply->body.data);
    cr_assert_not(reply->waits);
}

static char *print_of(const struct fixture_device *device, char print[KEDGE_KEY_PRINT])
{
    struct kedge_public_key public = kedge_key_public(device->key);
    return (char *)kedge_public_key_fingerprint(&public, print);
}

/* What the operator types. */
static int approve(struct scene *scene, const char *print, bool ahead, bool *waited)
{
    struct kedge_err err;
    return kedge_enrolment_approve(scene->fx.store, "press", print, ahead, "ann", scene->fx.now,
                                   waited, &err);
}

static int dismiss(struct scene *scene, bool at_once)
{
    struct kedge_err err;
    const struct kedge_desired *desired = kedge_server_desired(scene->fx.server);
    int code =
        kedge_enrolment_dismiss(scene->fx.store, &kedge_server_actual(scene->fx.server)->identities,
                                kedge_spec_find(desired->specs, KEDGE_KIND_DEVICE, "press"),
                                at_once, "ann", scene->fx.now, &err);
    scene->fx.server->written = -1; /* as when another process has written */
    return code;
}

static void look_again(struct scene *scene)
{
    scene->fx.server->written = -1;
    fixture_wait(&scene->fx, 1);
}

Test(admission, a_token_lets_one_key_in_once)
{
    struct scene *scene = scene_make();
    struct kedge_token token = issue(scene, "press", NULL);
    refused(fixture_sync(&scene->fx, &scene->press, 0), KEDGE_DENIED, "was not enrolled");
    admitted(ask(scene, &scene->press, &token, NULL));
    cr_assert_eq(scene->reply.generation, 0);
    kedge_ms first = scene->reply.issued;
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(scene->press.count, 1);

    /* The answer was lost: the same key gets the same record again. */
    admitted(ask(scene, &scene->press, &token, NULL));
    cr_assert_eq(scene->reply.issued, first);
    /* Somebody has read the token from the operator's screen. */
    refused(ask(scene, &scene->thief, &token, NULL), KEDGE_DENIED, "was used at");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_ENROLLED), 1);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ENROLMENT_REFUSED), 1);
    fixture_restart(&scene->fx);
    refused(ask(scene, &scene->thief, &token, NULL), KEDGE_DENIED, "was used at");
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    scene_free(scene);
}

Test(admission, a_token_is_for_its_device_its_hardware_and_its_day)
{
    struct scene *scene = scene_make();
    struct kedge_token other = issue(scene, "other", NULL), old = issue(scene, "press", NULL);
    struct kedge_token token = issue(scene, "press", "SN-1");
    refused(ask(scene, &scene->press, &other, "SN-1"), KEDGE_DENIED, "is none for device 'press'");
    refused(ask(scene, &scene->press, &old, "SN-1"), KEDGE_DENIED, "a newer one has replaced it");
    refused(ask(scene, &scene->press, &token, "SN-2"), KEDGE_DENIED, "is for hardware 'SN-1'");
    refused(ask(scene, &scene->press, &token, NULL), KEDGE_DENIED, "is for hardware 'SN-1'");
    scene->fx.now += DAY;
    refused(ask(scene, &scene->press, &token, "SN-1"), KEDGE_DENIED, "expired at");
    scene->fx.now -= DAY;
    admitted(ask(scene, &scene->press, &token, "SN-1"));
    /* Once a minute history hears of who knocks. */
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ENROLMENT_REFUSED), 2);
    scene_free(scene);
}

Test(admission, the_store_holds_no_token)
{
    struct scene *scene = scene_make();
    struct kedge_token token = issue(scene, "press", NULL);
    char hash[KEDGE_TOKEN_HASH], *row;
    struct kedge_err err;
    size_t size;
    cr_assert_eq(kedge_store_get_item(scene->fx.store, "token", "press", &row, &size, &err), 0);
    cr_assert_not_null(strstr(row, kedge_token_hash(token.secret, hash)));
    cr_assert_null(memmem(row, size, token.secret, sizeof token.secret));
    free(row);
    scene_free(scene);
}

Test(admission, a_server_that_cannot_answer_uses_no_token_up)
{
    struct scene *scene = scene_make();
    struct kedge_token token = issue(scene, "press", NULL);
    scene->fx.options.root_count = 0;
    fixture_restart(&scene->fx);
    refused(ask(scene, &scene->press, &token, NULL), KEDGE_UNAVAILABLE, "no root document");
    scene->fx.options.roots = scene->files;
    scene->fx.options.root_count = 1;
    fixture_restart(&scene->fx);
    struct kedge_digest known = scene->root.digest;
    scene->root.digest.bytes[0] ^= 1; /* the device was told of another fleet's */
    refused(ask(scene, &scene->press, &token, NULL), KEDGE_NOTFOUND, "none of this fleet's");
    scene->root.digest = known;
    admitted(ask(scene, &scene->press, &token, NULL));
    scene_free(scene);
}

static const struct kedge_server_reply *rotate(struct scene *scene, const struct kedge_key *before,
                                               const struct kedge_key *after)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_rotation_sign("press", before, after, scene->fx.now, &envelope, &err), 0);
    return send(scene, KEDGE_SERVER_ROTATE, "press", kedge_buf_slice(&envelope));
}

static const struct kedge_store_ops *good;

static int refuse_commit(struct kedge_store *self, struct kedge_err *err)
{
    good->rollback(self);
    return kedge_err_set(err, KEDGE_LIMIT, "the disk is full");
}

/* Who asks is not told that the request is too large, but to come again. */
Test(admission, a_full_disk_uses_no_token_up_and_changes_no_key)
{
    struct scene *scene = scene_make();
    struct kedge_store_ops full = *scene->fx.store->ops;
    kedge_auto(kedge_key) struct kedge_key *next = kedge_key_from_seed((uint8_t[32]){9});
    const struct kedge_token token = issue(scene, "press", NULL);
    good = scene->fx.store->ops;
    full.commit = refuse_commit;
    scene->fx.store->ops = &full;
    refused(ask(scene, &scene->press, &token, NULL), KEDGE_UNAVAILABLE, "the disk is full");
    scene->fx.store->ops = good;
    admitted(ask(scene, &scene->press, &token, NULL));
    scene->fx.store->ops = &full;
    refused(rotate(scene, scene->press.key, next), KEDGE_UNAVAILABLE, "send it again");
    scene->fx.store->ops = good;
    admitted(rotate(scene, scene->press.key, next));
    scene_free(scene);
}

Test(admission, who_has_no_token_waits_for_an_operator)
{
    struct scene *scene = scene_make();
    char print[KEDGE_KEY_PRINT], other[KEDGE_KEY_PRINT];
    bool waited = false;
    print_of(&scene->press, print);
    print_of(&scene->thief, other);
    cr_assert_eq(approve(scene, print, false, &waited), KEDGE_NOTFOUND);
    const struct kedge_server_reply *reply = ask(scene, &scene->press, NULL, "SN-1");
    cr_assert(reply->waits);
    cr_assert_not_null(strstr(reply->body.data, print));
    /* A stranger who comes second neither shows nor pushes anybody out. */
    cr_assert(ask(scene, &scene->thief, NULL, NULL)->waits);
    cr_assert_eq(approve(scene, other, false, &waited), KEDGE_DENIED);
    cr_assert(ask(scene, &scene->press, NULL, "SN-1")->waits);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ENROLMENT_REQUESTED), 1);
    json_t *view = fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_DEVICES});
    cr_assert_eq(json_array_size(json_object_get(view, "waiting")), 1);
    json_decref(view);
    cr_assert_eq(approve(scene, print, false, &waited), 0);
    cr_assert(waited);
    look_again(scene);
    admitted(ask(scene, &scene->press, NULL, "SN-1"));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    cr_assert(ask(scene, &scene->thief, NULL, NULL)->waits);
    scene_free(scene);
}

/* Whoever blocks the place in the queue blocks nobody. */
Test(admission, a_fingerprint_may_be_approved_ahead)
{
    struct scene *scene = scene_make();
    char print[KEDGE_KEY_PRINT];
    bool waited = true;
    cr_assert(ask(scene, &scene->thief, NULL, NULL)->waits);
    cr_assert_eq(approve(scene, print_of(&scene->press, print), true, &waited), 0);
    cr_assert_not(waited);
    admitted(ask(scene, &scene->press, NULL, NULL));
    scene_free(scene);
}

Test(admission, strangers_leave_nothing_behind)
{
    struct scene *scene = scene_make();
    struct fixture_device stranger;
    fixture_device_make(&stranger, "stranger", 9);
    refused(ask(scene, &stranger, NULL, NULL), KEDGE_NOTFOUND, "add a Device manifest");
    refused(send(scene, KEDGE_SERVER_ENROL, NULL, (struct kedge_slice){"{}", 2}), KEDGE_INVALID,
            "enrolment request");
    cr_assert_null(kedge_peer_find(&scene->fx.server->peers, "stranger"));
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ENROLMENT_REFUSED), 0);
    /* What waits is forgotten after a day, and then the next in line is shown. */
    cr_assert(ask(scene, &scene->thief, NULL, NULL)->waits);
    scene->fx.now += KEDGE_ENROLMENT_PATIENCE + 1;
    cr_assert(ask(scene, &scene->press, NULL, NULL)->waits);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ENROLMENT_REQUESTED), 2);
    fixture_device_release(&stranger);
    scene_free(scene);
}

/* However many ask: the store stays small, and nobody who waits is pushed out. */
Test(admission, only_so_many_wait)
{
    struct scene *scene = scene_make();
    const struct kedge_ledger_request row = {
        .key = "ed25519:1jEpSckCdfU9CTVQ1slLxtIBdKj7rbPJr7kwzYjTmW4=", .at = scene->fx.now};
    struct kedge_err err;
    char name[16];
    for (int i = 0; i < KEDGE_LIMIT_PENDING; i++) {
        snprintf(name, sizeof name, "d%d", i);
        cr_assert_eq(kedge_ledger_put(scene->fx.store, &kedge_ledger_requests, name, &row, &err),
                     0);
    }
    refused(ask(scene, &scene->press, NULL, NULL), KEDGE_UNAVAILABLE, "wait for approval already");
    scene->fx.now += KEDGE_ENROLMENT_PATIENCE;
    cr_assert(ask(scene, &scene->press, NULL, NULL)->waits);
    char *bytes;
    cr_assert_eq(kedge_store_get_item(scene->fx.store, "request", "d1", &bytes, NULL, &err),
                 KEDGE_NOTFOUND, "who has waited for a day is still there");
    scene_free(scene);
}

Test(admission, the_repository_s_key_comes_first)
{
    struct scene *scene = scene_make();
    char *declared = fixture_device_yaml(&scene->thief, "site: a");
    struct kedge_token token = issue(scene, "press", NULL);
    admitted(ask(scene, &scene->press, &token, NULL));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    fixture_head(&scene->fx, fixture_commit(&scene->fx, declared, models, NULL));
    /* What the enrolled key has signed proves nothing any more, also over a restart. */
    cr_assert_null(kedge_actual_find(kedge_server_actual(scene->fx.server), "press"));
    refused(fixture_sync(&scene->fx, &scene->press, 0), KEDGE_DENIED, "by trusted keys");
    token = issue(scene, "press", NULL);
    refused(ask(scene, &scene->press, &token, NULL), KEDGE_CONFLICT, "names another key");
    fixture_restart(&scene->fx);
    cr_assert_null(kedge_actual_find(kedge_server_actual(scene->fx.server), "press"));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->thief, 0)->code, KEDGE_OK);
    json_t *view = fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_DEVICE,
                                                                      .device = "press"});
    const json_t *identity = json_object_get(view, "identity");
    cr_assert_str_eq(json_string_value(json_object_get(identity, "key")), "manifest");
    cr_assert_not_null(json_object_get(identity, "enrolledWith"));
    json_decref(view);
    /* A device whose key the repository names may fetch the roots in the same way. */
    admitted(ask(scene, &scene->thief, NULL, NULL));
    free(declared);
    scene_free(scene);
}

Test(admission, a_rotation_replaces_the_enrolled_key)
{
    struct scene *scene = scene_make();
    kedge_auto(kedge_key) struct kedge_key *next = kedge_key_from_seed((uint8_t[32]){20});
    kedge_auto(kedge_key) struct kedge_key *third = kedge_key_from_seed((uint8_t[32]){21});
    struct kedge_token token = issue(scene, "press", "SN-1");
    refused(rotate(scene, scene->press.key, next), KEDGE_DENIED, "was not enrolled");
    admitted(ask(scene, &scene->press, &token, "SN-1"));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    refused(rotate(scene, scene->thief.key, next), KEDGE_DENIED, "not the device's now");
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 30000));
    uint64_t waiting = scene->fx.asked;
    admitted(rotate(scene, scene->press.key, next));
    cr_assert_not_null(fixture_reply(&scene->fx, waiting), "it waits on with the old key");
    admitted(rotate(scene, scene->press.key, next)); /* the answer was lost */
    refused(rotate(scene, scene->press.key, third), KEDGE_DENIED, "not the device's now");
    refused(fixture_sync(&scene->fx, &scene->press, 0), KEDGE_DENIED, "by trusted keys");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_KEY_ROTATED), 1);
    struct kedge_key *old = scene->press.key;
    scene->press.key = next;
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    fixture_restart(&scene->fx);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    admitted(rotate(scene, old, next)); /* over the restart too */
    scene->press.key = old;
    scene_free(scene);
}

Test(admission, a_key_of_the_repository_is_changed_there)
{
    struct scene *scene = scene_make();
    char *declared = fixture_device_yaml(&scene->press, "site: a");
    kedge_auto(kedge_key) struct kedge_key *next = kedge_key_from_seed((uint8_t[32]){20});
    fixture_head(&scene->fx, fixture_commit(&scene->fx, declared, models, NULL));
    refused(rotate(scene, scene->press.key, next), KEDGE_DENIED,
            "change spec.publicKey at 0.yaml:");
    free(declared);
    scene_free(scene);
}

static const char *standing_of(struct scene *scene)
{
    const struct kedge_identity *row =
        kedge_identity_find(&kedge_server_actual(scene->fx.server)->identities, "press");
    const char *word = row ? kedge_standing_words.words[row->standing] : NULL;
    return word ? word : "member";
}

static bool is_held(struct scene *scene)
{
    return kedge_peer_find(&scene->fx.server->peers, "press")->held != 0;
}

static void enter(struct scene *scene)
{
    struct kedge_token token = issue(scene, "press", NULL);
    admitted(ask(scene, &scene->press, &token, NULL));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(scene->press.count, 1);
}

/* The order that says so, as the device obeys it. */
static void take_farewell(struct scene *scene, const struct kedge_server_reply *reply)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_err err;
    cr_assert_not_null(reply);
    cr_assert_eq(kedge_envelope_peek(kedge_buf_slice(&reply->body), reply->body.size, &payload,
                                     &err),
                 0);
    cr_assert_not_null(strstr(payload.data, "\"decommission\":true"));
    fixture_take(&scene->fx, &scene->press, reply);
    cr_assert_eq(scene->press.count, 0);
}

/* Its report says that all is erased, or does not. */
static const struct kedge_server_reply *report(struct scene *scene, bool erased)
{
    scene->press.erased = erased;
    return fixture_sync(&scene->fx, &scene->press, 0);
}

Test(admission, a_device_is_sent_off_in_order)
{
    struct scene *scene = scene_make();
    enter(scene);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 30000));
    uint64_t waiting = scene->fx.asked;
    cr_assert_eq(dismiss(scene, false), 0);
    cr_assert_eq(dismiss(scene, false), KEDGE_EXISTS);
    look_again(scene);
    cr_assert_str_eq(standing_of(scene), "decommissioning");
    take_farewell(scene, fixture_reply(&scene->fx, waiting));
    /* Nothing is wanted of it any more, and nothing is held for it. */
    json_t *view = fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_STATUS});
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(view, "assignments"), "total")),
                 0);
    cr_assert_eq(json_integer_value(
                     json_object_get(json_object_get(view, "devices"), "decommissioned")),
                 1);
    json_decref(view);
    /* Accepting is not erasing. */
    cr_assert_eq(report(scene, false)->code, KEDGE_OK);
    cr_assert_str_eq(standing_of(scene), "decommissioning");
    fixture_restart(&scene->fx);
    const struct kedge_server_reply *last = report(scene, true);
    cr_assert_eq(last->code, KEDGE_OK);
    cr_assert_null(last->type);
    cr_assert_str_eq(last->grant, "");
    cr_assert_str_eq(standing_of(scene), "decommissioned");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_DECOMMISSIONED), 1);
    refused(report(scene, true), KEDGE_DENIED, "was decommissioned");
    struct kedge_token token;
    fixture_restart(&scene->fx);
    refused(report(scene, true), KEDGE_DENIED, "was decommissioned");
    token = issue(scene, "press", NULL);
    refused(ask(scene, &scene->press, &token, NULL), KEDGE_DENIED, "was decommissioned");

    /* With another key it is a fresh device, for which no earlier order counts. */
    admitted(ask(scene, &scene->thief, &token, NULL));
    cr_assert_eq(scene->reply.generation, scene->press.generation);
    cr_assert_str_eq(standing_of(scene), "member");
    fixture_restart(&scene->fx);
    fixture_take(&scene->fx, &scene->thief, fixture_sync(&scene->fx, &scene->thief, 0));
    cr_assert_gt(scene->thief.generation, scene->press.generation);
    cr_assert_eq(scene->thief.count, 1);
    scene_free(scene);
}

/* Only the device can say that it has erased everything, and only under the order that told it. */
Test(admission, erased_is_believed_of_nobody_who_was_not_told)
{
    struct scene *scene = scene_make();
    enter(scene);
    cr_assert_eq(report(scene, true)->code, KEDGE_OK);
    cr_assert_str_eq(standing_of(scene), "member");
    cr_assert_eq(dismiss(scene, false), 0);
    look_again(scene);
    /* It has not seen the order yet: it gets it. */
    take_farewell(scene, report(scene, true));
    cr_assert_str_eq(standing_of(scene), "decommissioning");
    scene_free(scene);
}

Test(admission, a_stolen_device_is_refused_at_once)
{
    struct scene *scene = scene_make();
    enter(scene);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 30000));
    uint64_t waiting = scene->fx.asked;
    cr_assert(is_held(scene));
    cr_assert_eq(dismiss(scene, true), 0);
    look_again(scene);
    refused(fixture_reply(&scene->fx, waiting), KEDGE_DENIED, "was decommissioned");
    cr_assert_not(is_held(scene));
    refused(fixture_sync(&scene->fx, &scene->press, 0), KEDGE_DENIED, "was decommissioned");
    kedge_auto(kedge_key) struct kedge_key *next = kedge_key_from_seed((uint8_t[32]){20});
    refused(rotate(scene, scene->press.key, next), KEDGE_DENIED, "was decommissioned");
    cr_assert_eq(dismiss(scene, true), KEDGE_EXISTS);
    scene_free(scene);
}

/* The repository may still name the key: it is refused all the same, until it names another. */
Test(admission, a_refused_key_is_refused_in_the_repository_too)
{
    struct scene *scene = scene_make();
    char *declared = fixture_device_yaml(&scene->press, "site: a");
    char *other = fixture_device_yaml(&scene->thief, "site: a");
    fixture_head(&scene->fx, fixture_commit(&scene->fx, declared, models, NULL));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(dismiss(scene, true), 0);
    look_again(scene);
    refused(fixture_sync(&scene->fx, &scene->press, 0), KEDGE_DENIED, "was decommissioned");
    fixture_head(&scene->fx, fixture_commit(&scene->fx, other, models, NULL));
    cr_assert_str_eq(standing_of(scene), "member");
    cr_assert_eq(fixture_sync(&scene->fx, &scene->thief, 0)->code, KEDGE_OK);
    fixture_restart(&scene->fx);
    cr_assert_str_eq(standing_of(scene), "member");
    free(declared);
    free(other);
    scene_free(scene);
}

/* An order of an earlier life lies in the store of a server that has not heard of a commit yet. */
Test(admission, an_order_of_an_earlier_life_is_void)
{
    struct scene *scene = scene_make();
    enter(scene);
    cr_assert_eq(dismiss(scene, true), 0);
    struct kedge_err err;
    cr_assert_eq(kedge_store_put(scene->fx.store, "commit",
                                 "ffffffffffffffffffffffffffffffffffffffff", &err),
                 0);
    fixture_restart(&scene->fx);
    cr_assert_null(kedge_server_desired(scene->fx.server));
    struct kedge_token token = issue(scene, "press", NULL);
    admitted(ask(scene, &scene->thief, &token, NULL));
    cr_assert_eq(scene->reply.generation, 1);
    scene_free(scene);
}

/* A device without a key cannot say anything: it is gone at once. */
Test(admission, a_device_that_never_came_is_gone_at_once)
{
    struct scene *scene = scene_make();
    struct kedge_token token = issue(scene, "press", NULL);
    cr_assert_eq(dismiss(scene, false), 0);
    look_again(scene);
    cr_assert_str_eq(standing_of(scene), "decommissioned");
    refused(ask(scene, &scene->press, &token, NULL), KEDGE_DENIED, "is none for device");
    scene_free(scene);
}

Test(admission, nobody_comes_while_he_is_told_to_go)
{
    struct scene *scene = scene_make();
    enter(scene);
    cr_assert_eq(dismiss(scene, false), 0);
    look_again(scene);
    const struct kedge_enrolment_token what = {"press", NULL, scene->fx.now + DAY, "ann"};
    struct kedge_token token;
    struct kedge_err err;
    cr_assert_eq(kedge_enrolment_issue(scene->fx.store, &what, &scene->root.digest, scene->fx.now,
                                       &token, &err),
                 KEDGE_CONFLICT);
    refused(ask(scene, &scene->thief, NULL, NULL), KEDGE_CONFLICT, "is being decommissioned");
    scene_free(scene);
}

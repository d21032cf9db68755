/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "lib/leak.h"
#include "server/inventory.h"

#define HEAD "---\napiVersion: kedge.dev/v1alpha1\n"
#define RELEASE(version)                                                                           \
    HEAD "kind: ModelVersion\nmetadata: {name: m-" version "}\n"                                   \
         "spec:\n  model: m\n  version: " version "\n  stage: ready\n"                             \
         "  artifact: {url: \"hub:\", size: 10, format: zip, digest: \"sha256:"                    \
         "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}\n"                   \
         "  runtime: {driver: process, command: [./serve]}\n"
#define DEPLOYMENT(range, more)                                                                    \
    HEAD "kind: Deployment\nmetadata: {name: d}\nspec:\n  model: m\n  version: \"" range "\"\n"    \
         "  targets: {selector: {matchLabels: {site: a}}}\n" more

static const char models[] =
    HEAD "kind: Model\nmetadata: {name: m}\nspec: {}\n" RELEASE("1.0.0") RELEASE("1.1.0");
static const char one[] = DEPLOYMENT("1.0.0", "");
static const char two[] = DEPLOYMENT("1.1.0", "");
static const char stopped[] = DEPLOYMENT("1.0.0", "  state: stopped\n");
static const char suspended[] = DEPLOYMENT("1.1.0", "  suspend: {reason: audit, by: ann}\n");
static const char broken[] = DEPLOYMENT("1.0.0", "  colour: red\n");

/* One device that is told by label to hold model m. */
struct scene {
    struct fixture fx;
    struct fixture_device press;
    char *device;
};

static struct scene *scene_make(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    fixture_device_make(&scene->press, "press", 7);
    scene->device = fixture_device_yaml(&scene->press, "site: a");
    fixture_make(&scene->fx);
    return scene;
}

static void scene_free(struct scene *scene)
{
    fixture_release(&scene->fx);
    fixture_device_release(&scene->press);
    free(scene->device);
    free(scene);
    kedge_test_no_leaks();
}

static const char *commit(struct scene *scene, const char *deployment)
{
    return fixture_commit(&scene->fx, models, scene->device, deployment);
}

/* The device holds what `deployment` of the first commit wants. */
static struct scene *scene_converged(void)
{
    struct scene *scene = scene_make();
    fixture_head(&scene->fx, commit(scene, one));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    const struct kedge_server_reply *reply = fixture_sync(&scene->fx, &scene->press, 0);
    cr_assert_not_null(reply);
    cr_assert_null(reply->type, "%s", reply->body.data);
    return scene;
}

static const char *text_at(const json_t *json, const char *object, const char *key)
{
    return json_string_value(json_object_get(object ? json_object_get(json, object) : json, key));
}

static json_t *explain(struct scene *scene)
{
    return fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_EXPLAIN,
                                                              .device = "press",
                                                              .instance = "m"});
}

Test(server, asks_for_the_head_and_says_when_to_wake_it)
{
    struct scene *scene = scene_make();
    fixture_wait(&scene->fx, 0);
    cr_assert_eq(scene->fx.replies.count, 1);
    cr_assert_eq(scene->fx.replies.at[0].kind, KEDGE_SERVER_FETCH);
    fixture_wait(&scene->fx, 3600000);
    cr_assert_eq(scene->fx.replies.count, 0, "one fetch is out at most");
    fixture_head(&scene->fx, commit(scene, one));
    kedge_ms wake = kedge_server_wake(scene->fx.server);
    cr_assert_leq(wake, scene->fx.now + KEDGE_SERVER_INTERVAL + KEDGE_SERVER_INTERVAL / 10);
    fixture_wait(&scene->fx, 2 * KEDGE_SERVER_INTERVAL);
    cr_assert_eq(scene->fx.replies.count, 1);
    scene_free(scene);
}

Test(server, a_commit_converges)
{
    struct scene *scene = scene_converged();
    cr_assert_eq(scene->press.count, 1);
    cr_assert_str_eq(scene->press.instances[0].version, "1.0.0");
    cr_assert_str_eq(scene->fx.trusted, scene->fx.commits[0].id);

    kedge_auto(kedge_json) json_t *why = explain(scene);
    cr_assert_str_eq(text_at(why, NULL, "sync"), "Synced");
    cr_assert_str_eq(text_at(why, NULL, "health"), "Healthy");
    cr_assert_str_eq(text_at(why, NULL, "connection"), "Online");
    cr_assert_str_eq(text_at(why, NULL, "action"), "Succeeded");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_REVISION_RECONCILED), 1);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_ISSUED), 1);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_SUCCEEDED), 1);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_ONLINE), 1);
    scene_free(scene);
}

Test(server, a_waiting_device_is_woken_by_a_commit)
{
    struct scene *scene = scene_converged();
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 60000), "it is held");
    uint64_t waiting = scene->fx.asked;
    fixture_head(&scene->fx, commit(scene, two));
    fixture_take(&scene->fx, &scene->press, fixture_reply(&scene->fx, waiting));
    cr_assert_str_eq(scene->press.instances[0].version, "1.1.0");
    cr_assert_eq(scene->press.generation, 2);
    cr_assert_eq(scene->fx.whole_reads, 1);
    cr_assert_eq(scene->fx.delta_reads, 1);
    scene_free(scene);
}

/* More devices than are signed for one by one. */
Test(server, a_commit_for_many_devices_is_signed_once)
{
    enum { FLEET = 100 };
    struct scene *scene = scene_make();
    struct fixture_device *fleet = calloc(FLEET, sizeof *fleet);
    char(*names)[16] = calloc(FLEET, sizeof *names);
    kedge_auto(kedge_buf) struct kedge_buf devices = {0};
    for (int i = 0; i < FLEET; i++) {
        snprintf(names[i], sizeof names[i], "device-%02d", i);
        fixture_device_make(&fleet[i], names[i], (uint8_t)(i + 1));
        char *manifest = fixture_device_yaml(&fleet[i], "site: a");
        kedge_buf_puts(&devices, manifest);
        free(manifest);
    }
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, devices.data, one));
    for (int i = 0; i < FLEET; i++)
        fixture_take(&scene->fx, &fleet[i], fixture_sync(&scene->fx, &fleet[i], 0));
    for (int i = 0; i < FLEET; i++)
        cr_assert_null(fixture_sync(&scene->fx, &fleet[i], 0)->type);
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, devices.data, two));
    for (int i = 0; i < FLEET; i++) {
        const struct kedge_server_reply *reply = fixture_sync(&scene->fx, &fleet[i], 0);
        cr_assert_not_null(strstr(reply->body.data, "\"proof\""), "it is a member of a batch");
        fixture_take(&scene->fx, &fleet[i], reply);
        cr_assert_str_eq(fleet[i].instances[0].version, "1.1.0");
    }
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, devices.data, suspended));
    cr_assert_null(fixture_sync(&scene->fx, &fleet[0], 0)->type);
    for (int i = 0; i < FLEET; i++)
        fixture_device_release(&fleet[i]);
    free(fleet);
    free(names);
    scene_free(scene);
}

Test(server, a_wait_ends_with_nothing)
{
    struct scene *scene = scene_converged();
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 20000));
    uint64_t waiting = scene->fx.asked;
    cr_assert_leq(kedge_server_wake(scene->fx.server), scene->fx.now + 20000);
    fixture_wait(&scene->fx, 19999);
    cr_assert_null(fixture_reply(&scene->fx, waiting));
    fixture_wait(&scene->fx, 200);
    const struct kedge_server_reply *reply = fixture_reply(&scene->fx, waiting);
    cr_assert_not_null(reply);
    cr_assert_null(reply->type);
    cr_assert_neq(reply->grant[0], '\0');
    scene_free(scene);
}

Test(server, a_second_wait_ends_the_first)
{
    struct scene *scene = scene_converged();
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 20000));
    uint64_t first = scene->fx.asked;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 20000));
    cr_assert_not_null(fixture_reply(&scene->fx, first));
    scene_free(scene);
}

Test(server, drain_answers_everybody)
{
    struct scene *scene = scene_converged();
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 20000));
    kedge_server_replies_release(&scene->fx.replies);
    kedge_server_drain(scene->fx.server, &scene->fx.replies);
    cr_assert_not_null(fixture_reply(&scene->fx, scene->fx.asked));
    scene_free(scene);
}

Test(server, a_bad_commit_leaves_the_last_good_one_in_force)
{
    struct scene *scene = scene_converged();
    const char *bad = commit(scene, broken);
    for (int i = 0; i < 3; i++)
        fixture_head(&scene->fx, bad);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_REVISION_REFUSED), 1);
    cr_assert_eq(scene->fx.delta_reads, 1, "it is not read again");

    kedge_auto(kedge_json) json_t *status =
        fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_STATUS});
    cr_assert_str_eq(text_at(status, "revision", "commit"), scene->fx.commits[0].id);
    cr_assert_str_eq(text_at(status, "refused", "commit"), bad);
    cr_assert_str_eq(text_at(status, "refused", "reason"), "invalid");
    kedge_auto(kedge_json) json_t *findings =
        fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_FINDINGS});
    const json_t *finding = json_array_get(json_object_get(findings, "items"), 0);
    cr_assert_str_eq(text_at(finding, NULL, "file"), "2.yaml");
    cr_assert_gt(json_integer_value(json_object_get(finding, "line")), 1);

    fixture_restart(&scene->fx);
    fixture_head(&scene->fx, bad);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_REVISION_REFUSED), 1,
                 "nor is it told again after a restart");
    fixture_head(&scene->fx, commit(scene, two));
    cr_assert_not_null(fixture_sync(&scene->fx, &scene->press, 0)->type, "the next one is taken");
    scene_free(scene);
}

Test(server, an_emptied_repository_destroys_nothing)
{
    struct scene *scene = scene_converged();
    fixture_head(&scene->fx, fixture_commit(&scene->fx, NULL, NULL, NULL));
    cr_assert_str_eq(scene->fx.server->commit, scene->fx.commits[0].id);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type);
    scene_free(scene);
}

Test(server, rewritten_history_is_refused_until_it_is_accepted)
{
    struct scene *scene = scene_converged();
    const char *rewritten = commit(scene, two);
    scene->fx.commits[1].detached = true;
    fixture_head(&scene->fx, rewritten);
    cr_assert_str_eq(scene->fx.server->commit, scene->fx.commits[0].id);
    cr_assert_str_eq(scene->fx.server->refused.reason, "rewritten");
    cr_assert_not_null(strstr(scene->fx.server->refused.err.msg, "--accept-rewrite"));
    scene->fx.options.accept_rewrite = true;
    fixture_restart(&scene->fx);
    fixture_head(&scene->fx, rewritten);
    cr_assert_str_eq(scene->fx.server->commit, rewritten);
    cr_assert_null(scene->fx.server->refused.reason);
    scene_free(scene);
}

Test(server, an_unreachable_repository_is_told_once)
{
    struct scene *scene = scene_converged();
    for (int i = 0; i < 3; i++)
        fixture_unreachable(&scene->fx, "no route to host");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_SOURCE_UNREACHABLE), 1);
    kedge_auto(kedge_json) json_t *status =
        fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_STATUS});
    cr_assert_str_eq(text_at(status, "source", "message"), "no route to host");
    fixture_head(&scene->fx, scene->fx.commits[0].id);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_SOURCE_RECOVERED), 1);
    scene_free(scene);
}

Test(server, only_the_devices_own_fresh_reports_count)
{
    struct scene *scene = scene_converged();
    struct fixture_device thief;
    kedge_auto(kedge_buf) struct kedge_buf old = {0}, fresh = {0}, forged = {0};
    fixture_device_make(&thief, "press", 99);
    thief.counter = 1000;
    fixture_report(&scene->press, scene->fx.now, &old);
    fixture_report(&scene->press, scene->fx.now, &fresh);
    fixture_report(&thief, scene->fx.now, &forged);

    const struct kedge_server_reply *reply =
        fixture_send(&scene->fx, "press", kedge_buf_slice(&old), 0);
    cr_assert_eq(reply->code, KEDGE_OK);
    reply = fixture_send(&scene->fx, "press", kedge_buf_slice(&fresh), 0);
    cr_assert_eq(reply->code, KEDGE_OK);
    reply = fixture_send(&scene->fx, "press", kedge_buf_slice(&fresh), 0);
    cr_assert_eq(reply->code, KEDGE_OK, "the same bytes again are no replay");
    reply = fixture_send(&scene->fx, "press", kedge_buf_slice(&old), 0);
    cr_assert_eq(reply->code, KEDGE_CONFLICT);
    reply = fixture_send(&scene->fx, "press", kedge_buf_slice(&forged), 0);
    cr_assert_eq(reply->code, KEDGE_DENIED);
    cr_assert_not_null(strstr(reply->body.data, "\"code\":\"denied\""));
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_REPORT_REFUSED), 1,
                 "once a minute is enough");
    reply = fixture_send(&scene->fx, "nobody", kedge_buf_slice(&fresh), 0);
    cr_assert_eq(reply->code, KEDGE_NOTFOUND);
    fixture_device_release(&thief);
    scene_free(scene);
}

/* A store whose disk is full: commits fail. */
static const struct kedge_store_ops *good;

static int refuse_commit(struct kedge_store *self, struct kedge_err *err)
{
    good->rollback(self);
    return kedge_err_set(err, KEDGE_LIMIT, "the disk is full");
}

Test(server, a_report_that_cannot_be_stored_was_never_there)
{
    struct scene *scene = scene_converged();
    struct kedge_store_ops full = *scene->fx.store->ops;
    kedge_auto(kedge_buf) struct kedge_buf report = {0};
    good = scene->fx.store->ops;
    full.commit = refuse_commit;
    int64_t before = scene->press.counter;
    scene->press.instances[0].integrity = KEDGE_INTEGRITY_MODIFIED;
    fixture_report(&scene->press, scene->fx.now, &report);

    scene->fx.store->ops = &full;
    const struct kedge_server_reply *reply =
        fixture_send(&scene->fx, "press", kedge_buf_slice(&report), 0);
    cr_assert_eq(reply->code, KEDGE_UNAVAILABLE);
    cr_assert_not_null(strstr(reply->body.data, "the disk is full"));
    const struct kedge_actual_device *row =
        kedge_actual_find(kedge_server_actual(scene->fx.server), "press");
    cr_assert_eq(row->report.counter, before);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DRIFT_DETECTED), 0);

    scene->fx.store->ops = good;
    reply = fixture_send(&scene->fx, "press", kedge_buf_slice(&report), 0);
    cr_assert_eq(reply->code, KEDGE_OK, "the same report is welcome once there is room");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DRIFT_DETECTED), 1);
    scene_free(scene);
}

Test(server, an_order_that_cannot_be_stored_is_issued_later)
{
    struct scene *scene = scene_converged();
    struct kedge_store_ops full = *scene->fx.store->ops;
    const char *next = commit(scene, two);
    good = scene->fx.store->ops;
    full.commit = refuse_commit;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 60000));
    uint64_t waiting = scene->fx.asked;
    scene->fx.store->ops = &full;
    kedge_log_set_level(KEDGE_LOG_ERROR);
    fixture_head(&scene->fx, next);
    cr_assert_null(fixture_reply(&scene->fx, waiting));
    cr_assert_str_eq(scene->fx.server->commit, scene->fx.commits[0].id);
    scene->fx.store->ops = good;
    fixture_head(&scene->fx, next);
    fixture_take(&scene->fx, &scene->press, fixture_reply(&scene->fx, waiting));
    scene_free(scene);
}

Test(server, an_inventory_is_read_back_and_verified)
{
    struct scene *scene = scene_converged();
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_view_query query = {.view = KEDGE_VIEW_INVENTORY};
    struct kedge_actual copy = {0};
    struct kedge_err err;
    size_t left_out;
    const struct kedge_specs *specs = kedge_server_desired(scene->fx.server)->specs;
    cr_assert_eq(kedge_server_query(scene->fx.server, &query, scene->fx.now, &file, &err), 0);
    cr_assert_eq(kedge_inventory_read(kedge_buf_slice(&file), specs, &copy, &left_out, &err), 0,
                 "%s", err.msg);
    const struct kedge_actual_device *row = kedge_actual_find(&copy, "press");
    const struct kedge_actual_device *original =
        kedge_actual_find(kedge_server_actual(scene->fx.server), "press");
    cr_assert_eq(left_out, 0);
    cr_assert(kedge_digest_equal(&row->set, &original->set));
    cr_assert_eq(row->generation, 1);
    cr_assert_eq(row->authorised.count, 1);
    kedge_actual_release(&copy);

    char *evidence = strstr(file.data, "\"evidence\":");
    char *payload = strstr(evidence, "payload\\\":\\\"");
    cr_assert_not_null(payload, "%s", evidence);
    payload[20] = payload[20] == 'A' ? 'B' : 'A';
    cr_assert_eq(kedge_inventory_read(kedge_buf_slice(&file), specs, &copy, &left_out, &err), 0);
    cr_assert_eq(left_out, 1, "what was tampered with counts for nothing");
    cr_assert_eq(copy.count, 0);
    kedge_actual_release(&copy);
    scene_free(scene);
}

Test(server, a_new_key_starts_a_new_life)
{
    struct scene *scene = scene_converged();
    struct fixture_device reborn;
    fixture_device_make(&reborn, "press", 8);
    char *manifest = fixture_device_yaml(&reborn, "site: a");
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, manifest, one));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_DENIED);
    fixture_take(&scene->fx, &reborn, fixture_sync(&scene->fx, &reborn, 0));
    cr_assert_eq(reborn.generation, 1, "the order that lies ready is good for it");
    fixture_device_release(&reborn);
    free(manifest);
    scene_free(scene);
}

Test(server, what_is_held_says_why_and_is_left_alone)
{
    struct scene *scene = scene_converged();
    fixture_head(&scene->fx, commit(scene, suspended));
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type);
    kedge_auto(kedge_json) json_t *why = explain(scene);
    cr_assert_str_eq(text_at(why, NULL, "action"), "Held");
    cr_assert_str_eq(text_at(why, NULL, "sync"), "OutOfSync");
    cr_assert_str_eq(text_at(why, "hold", "blocker"), "suspended");
    cr_assert_str_eq(text_at(why, "wanted", "version"), "1.1.0");
    cr_assert_str_eq(text_at(why, "held", "version"), "1.0.0");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_HELD), 1);
    fixture_wait(&scene->fx, 2 * KEDGE_SERVER_AUDIT);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_HELD), 1);
    fixture_head(&scene->fx, commit(scene, two));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_str_eq(scene->press.instances[0].version, "1.1.0");
    scene_free(scene);
}

Test(server, a_restart_goes_on_where_it_was)
{
    struct scene *scene = scene_converged();
    fixture_head(&scene->fx, commit(scene, two));
    fixture_restart(&scene->fx);
    fixture_head(&scene->fx, scene->fx.commits[1].id);
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(scene->press.generation, 2, "the stored order is delivered, not another one");
    fixture_restart(&scene->fx);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_ISSUED), 2);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_ONLINE), 1);
    scene_free(scene);
}

Test(server, an_order_that_expired_undelivered_is_signed_again)
{
    struct scene *scene = scene_converged();
    fixture_head(&scene->fx, commit(scene, two));
    fixture_wait(&scene->fx, KEDGE_SERVER_LIFETIME + 1);
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_geq(scene->press.generation, 3);
    scene_free(scene);
}

Test(server, a_refused_order_is_not_thrown_at_the_device_again)
{
    struct scene *scene = scene_converged();
    fixture_head(&scene->fx, commit(scene, two));
    struct kedge_refusal refusal = {.generation = 2,
                                    .code = KEDGE_DENIED,
                                    .reason = "not-yet",
                                    .message = "issued in the future",
                                    .at = scene->fx.now};
    scene->press.refusal = &refusal;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 20000), "it is held");
    uint64_t waiting = scene->fx.asked;
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ENVELOPE_REFUSED), 1);
    fixture_wait(&scene->fx, 21000);
    fixture_take(&scene->fx, &scene->press, fixture_reply(&scene->fx, waiting));
    scene_free(scene);
}

Test(server, a_device_that_goes_silent_is_offline)
{
    struct scene *scene = scene_converged();
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 10000));
    fixture_wait(&scene->fx, 10100);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_OFFLINE), 0);
    fixture_wait(&scene->fx, 20000);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_OFFLINE), 1);
    kedge_auto(kedge_json) json_t *why = explain(scene);
    cr_assert_str_eq(text_at(why, NULL, "connection"), "Offline");
    cr_assert_str_eq(text_at(why, NULL, "sync"), "Synced", "that is another axis");
    scene_free(scene);
}

Test(server, drift_is_told_and_needs_no_new_order)
{
    struct scene *scene = scene_converged();
    scene->press.instances[0].integrity = KEDGE_INTEGRITY_MODIFIED;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type,
                   "the device heals by the order it has");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DRIFT_DETECTED), 1);
    kedge_auto(kedge_json) json_t *drift =
        fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_DRIFT});
    const json_t *item = json_array_get(json_object_get(drift, "items"), 0);
    cr_assert_str_eq(text_at(item, NULL, "drift"), "modified");
    scene->press.instances[0].integrity = KEDGE_INTEGRITY_INTACT;
    fixture_sync(&scene->fx, &scene->press, 0);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DRIFT_HEALED), 1);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_SUCCEEDED), 1);
    scene_free(scene);
}

Test(server, stop_and_destroy)
{
    struct scene *scene = scene_converged();
    fixture_head(&scene->fx, commit(scene, stopped));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(scene->press.instances[0].state, KEDGE_RUN_STOPPED);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type);
    fixture_head(&scene->fx, commit(scene, NULL));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(scene->press.count, 0);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_SUCCEEDED), 3);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DRIFT_DETECTED), 0);
    scene_free(scene);
}

Test(server, a_failed_version_is_told_and_held)
{
    struct scene *scene = scene_converged();
    fixture_head(&scene->fx, commit(scene, two));
    const struct kedge_desired_device *wanted =
        kedge_table_find(kedge_server_desired(scene->fx.server)->devices, "press");
    struct kedge_reported old = scene->press.instances[0];
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    struct kedge_progress failed = {.instance = "m",
                                    .content = wanted->assignments[0]->assignment.content,
                                    .state = KEDGE_ACTION_ROLLED_BACK,
                                    .code = KEDGE_TIMEOUT,
                                    .message = "its probe never passed"};
    scene->press.instances[0] = old;
    scene->press.progress = &failed;
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_ACTION_ROLLED_BACK), 1);
    kedge_auto(kedge_json) json_t *why = explain(scene);
    cr_assert_str_eq(text_at(why, NULL, "action"), "RolledBack");
    cr_assert_str_eq(text_at(why, "hold", "blocker"), "failed");
    cr_assert_str_eq(text_at(why, NULL, "health"), "Healthy", "the old one serves");
    scene_free(scene);
}

Test(server, manual_mode_delivers_what_others_decided)
{
    struct scene *scene = scene_converged();
    struct kedge_server *decider = scene->fx.server;
    scene->fx.server = NULL;
    scene->fx.options.manual = true;
    fixture_restart(&scene->fx);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type);
    fixture_wait(&scene->fx, 3600000);
    cr_assert_eq(scene->fx.replies.count, 0, "it asks for nothing");
    kedge_server_free(decider);
    scene_free(scene);
}

Test(server, a_commit_that_cannot_be_read_is_waited_for)
{
    struct scene *scene = scene_converged();
    size_t commits = scene->fx.commit_count;
    scene->fx.commit_count = 0; /* the mirror is gone */
    fixture_restart(&scene->fx);
    cr_assert_null(kedge_server_desired(scene->fx.server));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_UNAVAILABLE);
    scene->fx.commit_count = commits;
    fixture_head(&scene->fx, scene->fx.commits[0].id);
    cr_assert_null(fixture_sync(&scene->fx, &scene->press, 0)->type, "nothing was lost");
    scene_free(scene);
}

Test(server, every_view_is_json)
{
    struct scene *scene = scene_converged();
    for (int view = 0; view < KEDGE_VIEW_COUNT; view++) {
        if (view == KEDGE_VIEW_METRICS)
            continue;
        json_decref(
            fixture_view(&scene->fx, (struct kedge_view_query){.view = (enum kedge_view)view,
                                                               .device = "press",
                                                               .instance = "m"}));
    }
    scene_free(scene);
}

Test(server, metrics_are_openmetrics)
{
    struct scene *scene = scene_converged();
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    struct kedge_view_query query = {.view = KEDGE_VIEW_METRICS};
    cr_assert_eq(kedge_server_query(scene->fx.server, &query, scene->fx.now, &text, &err), 0);
    cr_assert_not_null(strstr(text.data, "\nkedge_devices{connection=\"Online\"} 1\n"));
    cr_assert_not_null(strstr(text.data, "\nkedge_assignments{sync=\"Synced\"} 1\n"));
    cr_assert_not_null(
        strstr(text.data, "\nkedge_actions_total{verb=\"deploy\",result=\"succeeded\"} 1\n"));
    cr_assert_str_eq(text.data + text.size - 6, "# EOF\n");
    scene_free(scene);
}

Test(server, questions_without_an_answer_say_so)
{
    struct scene *scene = scene_make();
    static const struct {
        struct kedge_view_query query;
        int code;
    } early[] = {{{.view = KEDGE_VIEW_PLAN}, KEDGE_UNAVAILABLE},
                 {{.view = KEDGE_VIEW_READY}, KEDGE_UNAVAILABLE},
                 {{.view = KEDGE_VIEW_DEVICE}, KEDGE_INVALID}},
      late[] = {{{.view = KEDGE_VIEW_DEVICE, .device = "x"}, KEDGE_NOTFOUND},
                {{.view = KEDGE_VIEW_MODEL, .instance = "x"}, KEDGE_NOTFOUND},
                {{.view = KEDGE_VIEW_EXPLAIN, .device = "press", .instance = "x"}, KEDGE_NOTFOUND},
                {{.view = KEDGE_VIEW_EXPLAIN, .device = "press"}, KEDGE_INVALID}};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    for (size_t i = 0; i < KEDGE_COUNT(early); i++)
        cr_assert_eq(kedge_server_query(scene->fx.server, &early[i].query, scene->fx.now, &text,
                                        &err),
                     early[i].code);
    fixture_head(&scene->fx, commit(scene, one));
    for (size_t i = 0; i < KEDGE_COUNT(late); i++)
        cr_assert_eq(kedge_server_query(scene->fx.server, &late[i].query, scene->fx.now, &text,
                                        &err),
                     late[i].code);
    cr_assert_eq(text.size, 0, "nothing is written of what is refused");
    scene_free(scene);
}

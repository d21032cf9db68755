/* SPDX-License-Identifier: Apache-2.0 */
#include "server/proof.h"

#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "lib/leak.h"

#define HEAD   "---\napiVersion: kedge.dev/v1alpha1\n"
#define DIGEST "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define RELEASE(version)                                                                           \
    HEAD "kind: ModelVersion\nmetadata: {name: m-" version "}\nspec:\n  model: m\n"                \
         "  version: " version "\n  stage: ready\n"                                                \
         "  artifact: {url: \"https://example.test/m\", digest: \"" DIGEST "\", size: 7}\n"        \
         "  runtime: {driver: files}\n"
#define DEPLOYMENT(version)                                                                        \
    HEAD "kind: Deployment\nmetadata: {name: d}\nspec: {model: m, version: \"" version             \
         "\", targets: {devices: [press]}}\n"

static const char models[] =
    HEAD "kind: Model\nmetadata: {name: m}\nspec: {}\n" RELEASE("1.0.0") RELEASE("1.1.0");

/* A device that holds version 1.0.0, and a copy of it as it was then. */
struct scene {
    struct fixture fx;
    struct fixture_device press, twin;
    char *device;
};

static struct scene *scene_make(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    fixture_device_make(&scene->press, "press", 7);
    scene->device = fixture_device_yaml(&scene->press, "");
    fixture_make(&scene->fx);
    fixture_head(&scene->fx,
                 fixture_commit(&scene->fx, models, scene->device, DEPLOYMENT("1.0.0")));
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    scene->twin = scene->press; /* key and strings stay the original's */
    scene->twin.arena = (struct kedge_arena){0};
    return scene;
}

static void scene_free(struct scene *scene)
{
    fixture_release(&scene->fx);
    kedge_arena_release(&scene->twin.arena);
    fixture_device_release(&scene->press);
    free(scene->device);
    free(scene);
    kedge_test_no_leaks();
}

static enum kedge_code uphold(struct scene *scene, struct fixture_device *device)
{
    kedge_auto(kedge_buf) struct kedge_buf report = {0};
    fixture_uphold(device, scene->fx.now, &report);
    return fixture_send(&scene->fx, "press", kedge_buf_slice(&report), 0)->code;
}

static int count(const struct kedge_store_evidence *evidence, void *payload)
{
    (void)evidence;
    ++*(size_t *)payload;
    return 0;
}

static size_t links(struct scene *scene)
{
    size_t found = 0;
    cr_assert_eq(kedge_store_each_evidence(scene->fx.store, "press", count, &found, NULL), 0);
    return found;
}

static const struct kedge_identity *hold(struct scene *scene)
{
    const struct kedge_identity *row =
        kedge_identity_find(&kedge_server_actual(scene->fx.server)->identities, "press");
    return row && row->hold ? row : NULL;
}

Test(proof, only_links_are_kept)
{
    struct scene *scene = scene_make();
    cr_assert_eq(links(scene), 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(uphold(scene, &scene->press), KEDGE_OK);
    cr_assert_eq(links(scene), 2);
    scene->press.instances[0].integrity = KEDGE_INTEGRITY_MODIFIED;
    cr_assert_eq(uphold(scene, &scene->press), KEDGE_INVALID, "it says other than its link");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DRIFT_DETECTED), 0);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    cr_assert_eq(links(scene), 3);
    scene_free(scene);
}

Test(proof, old_reports_prove_nothing_and_hold_nobody)
{
    struct scene *scene = scene_make();
    kedge_auto(kedge_buf) struct kedge_buf link = {0}, upheld = {0}, last = {0};
    fixture_report(&scene->press, scene->fx.now, &link);
    cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&link), 0)->code, KEDGE_OK);
    fixture_uphold(&scene->press, scene->fx.now, &upheld);
    cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&upheld), 0)->code, KEDGE_OK);
    fixture_report(&scene->press, scene->fx.now, &last);
    cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&last), 0)->code, KEDGE_OK);
    cr_assert_eq(uphold(scene, &scene->press), KEDGE_OK);
    for (int restarts = 0; restarts < 2; restarts++) {
        cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&link), 0)->code,
                     KEDGE_CONFLICT);
        cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&upheld), 0)->code,
                     KEDGE_CONFLICT);
        /* The last link again is what a device sends that lost the answer: fine, and no more. */
        const struct kedge_server_reply *reply =
            fixture_send(&scene->fx, "press", kedge_buf_slice(&last), 60000);
        cr_assert_eq(reply->code, KEDGE_OK);
        cr_assert_null(reply->type);
        cr_assert_str_empty(reply->grant, "nothing is granted to who can only play it again");
        fixture_restart(&scene->fx);
    }
    cr_assert_null(hold(scene));
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_CLONED), 0);
    cr_assert_eq(uphold(scene, &scene->press), KEDGE_OK);
    scene_free(scene);
}

/* The envelope's keyid is only a hint, and nobody has signed it: whoever changes it on the way must
 * not make two links of one. */
Test(proof, an_envelope_changed_on_its_way_breaks_no_chain)
{
    struct scene *scene = scene_make();
    kedge_auto(kedge_buf) struct kedge_buf link = {0}, changed = {0};
    fixture_report(&scene->press, scene->fx.now, &link);
    kedge_buf_add(&changed, link.data, link.size);
    char *hint = strstr(changed.data, "\"keyid\":\"");
    cr_assert_not_null(hint);
    hint[9] = hint[9] == '0' ? '1' : '0';
    enum kedge_code code = fixture_send(&scene->fx, "press", kedge_buf_slice(&changed), 0)->code;
    cr_assert(code == KEDGE_OK || code == KEDGE_DENIED);
    cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&link), 0)->code, KEDGE_OK);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    cr_assert_null(hold(scene));
    scene_free(scene);
}

Test(proof, two_reporters_are_held_until_a_person_decides)
{
    struct scene *scene = scene_make();
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT);
    cr_assert_not_null(hold(scene));
    cr_assert_not_null(strstr(hold(scene)->frees, "kedge device approve press"));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT,
                 "nor does it get in by going on alone");
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_DEVICE_CLONED), 1, "told once");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_EVIDENCE_MISSING), 0);

    /* Neither gets anything, whichever of them asks, and a restart forgets nothing. */
    fixture_head(&scene->fx,
                 fixture_commit(&scene->fx, models, scene->device, DEPLOYMENT("1.1.0")));
    for (int restarts = 0; restarts < 2; restarts++) {
        const struct kedge_server_reply *reply = fixture_sync(&scene->fx, &scene->press, 0);
        cr_assert_eq(reply->code, KEDGE_OK, "its chain goes on");
        cr_assert_null(reply->type, "no order");
        kedge_auto(kedge_json) json_t *status =
            fixture_view(&scene->fx, (struct kedge_view_query){.view = KEDGE_VIEW_STATUS});
        cr_assert_eq(json_integer_value(
                         json_object_get(json_object_get(status, "blockers"), "identity")),
                     1);
        fixture_restart(&scene->fx);
        cr_assert_not_null(hold(scene));
    }
    struct kedge_err err;
    cr_assert_eq(kedge_doubt_settle(scene->fx.store, "other", "ann", 1, &err), KEDGE_NOTFOUND);
    cr_assert_eq(kedge_doubt_settle(scene->fx.store, "press", "ann", scene->fx.now, &err), 0);
    fixture_take(&scene->fx, &scene->press, fixture_sync(&scene->fx, &scene->press, 0));
    cr_assert_null(hold(scene));
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT,
                 "the other one is not it");
    cr_assert_not_null(hold(scene), "and shows that it is still there");
    scene_free(scene);
}

Test(proof, a_device_that_was_set_back_goes_on_when_it_is_approved)
{
    struct scene *scene = scene_make();
    struct kedge_err err;
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT);
    cr_assert_eq(kedge_doubt_settle(scene->fx.store, "press", "ann", scene->fx.now, &err), 0);
    size_t before = links(scene);
    cr_assert_eq(uphold(scene, &scene->twin), KEDGE_CONFLICT, "a link is wanted");
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_OK);
    cr_assert_null(hold(scene));
    cr_assert_eq(links(scene), before + 1, "the former chain stays");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_EVIDENCE_RESTARTED), 1);
    cr_assert_eq(uphold(scene, &scene->twin), KEDGE_OK);
    scene_free(scene);
}

/* A person has said that the twin is the device: its chain is shorter than the one that was left. */
Test(proof, links_of_a_chain_that_was_left_prove_nothing)
{
    struct scene *scene = scene_make();
    struct kedge_err err;
    struct kedge_buf left[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        fixture_report(&scene->press, scene->fx.now, &left[i]);
        cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&left[i]), 0)->code,
                     KEDGE_OK);
    }
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT);
    cr_assert_eq(kedge_doubt_settle(scene->fx.store, "press", "ann", scene->fx.now, &err), 0);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_OK);
    size_t before = links(scene);
    for (int restarts = 0; restarts < 2; restarts++) {
        for (size_t i = 0; i < 4; i++)
            cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&left[i]), 0)->code,
                         KEDGE_CONFLICT, "link %zu", i);
        cr_assert_null(hold(scene), "who plays them again holds nobody");
        cr_assert_eq(links(scene), before);
        fixture_restart(&scene->fx);
    }
    cr_assert_eq(uphold(scene, &scene->twin), KEDGE_OK);
    for (size_t i = 0; i < 4; i++)
        kedge_buf_release(&left[i]);
    scene_free(scene);
}

/* It was restarted more often, or counts from further on: no matter which of the two it is. */
Test(proof, who_was_left_behind_shows_although_it_counts_lower)
{
    struct scene *scene = scene_make();
    struct kedge_err err;
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    scene->twin.counter += 1000;
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT);
    for (int i = 0; i < 3; i++) { /* it goes on, and does not get through */
        kedge_auto(kedge_buf) struct kedge_buf lost = {0};
        fixture_report(&scene->press, scene->fx.now, &lost);
    }
    cr_assert_eq(kedge_doubt_settle(scene->fx.store, "press", "ann", scene->fx.now, &err), 0);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_OK);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_CONFLICT);
    cr_assert_not_null(hold(scene), "two are still there");
    scene_free(scene);
}

Test(proof, a_new_key_begins_a_new_chain)
{
    struct scene *scene = scene_make();
    struct fixture_device fresh;
    fixture_device_make(&fresh, "press", 8);
    char *manifest = fixture_device_yaml(&fresh, "");
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->twin, 0)->code, KEDGE_CONFLICT);
    fixture_head(&scene->fx, fixture_commit(&scene->fx, models, manifest, DEPLOYMENT("1.0.0")));
    cr_assert_eq(fixture_sync(&scene->fx, &fresh, 0)->code, KEDGE_OK);
    cr_assert_null(hold(scene), "what was doubted of the old key is over");
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_EVIDENCE_RESTARTED), 1);
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_DENIED);
    free(manifest);
    fixture_device_release(&fresh);
    scene_free(scene);
}

/* Links that the store has lost, as after a restored backup. */
Test(proof, lost_links_show_and_hold_nobody)
{
    struct scene *scene = scene_make();
    kedge_auto(kedge_buf) struct kedge_buf lost = {0};
    fixture_report(&scene->press, scene->fx.now, &lost);
    cr_assert_eq(uphold(scene, &scene->press), KEDGE_CONFLICT, "what it upholds is not known");
    cr_assert_eq(fixture_sync(&scene->fx, &scene->press, 0)->code, KEDGE_OK);
    cr_assert_eq(fixture_count_events(&scene->fx, KEDGE_EVENT_EVIDENCE_MISSING), 1);
    cr_assert_eq(uphold(scene, &scene->press), KEDGE_OK);
    cr_assert_null(hold(scene));
    scene_free(scene);
}

static const struct kedge_store_ops *good;

static int refuse_commit(struct kedge_store *self, struct kedge_err *err)
{
    good->rollback(self);
    return kedge_err_set(err, KEDGE_LIMIT, "the disk is full");
}

Test(proof, what_cannot_be_stored_was_never_there)
{
    struct scene *scene = scene_make();
    struct kedge_store_ops full = *scene->fx.store->ops;
    kedge_auto(kedge_buf) struct kedge_buf link = {0}, fork = {0};
    good = scene->fx.store->ops;
    full.commit = refuse_commit;
    fixture_report(&scene->press, scene->fx.now, &link);
    scene->fx.store->ops = &full;
    cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&link), 0)->code,
                 KEDGE_UNAVAILABLE);
    scene->fx.store->ops = good;
    cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&link), 0)->code, KEDGE_OK);
    scene->fx.store->ops = &full;
    fixture_report(&scene->twin, scene->fx.now, &fork);
    cr_assert_neq(fixture_send(&scene->fx, "press", kedge_buf_slice(&fork), 0)->code, KEDGE_OK);
    cr_assert_null(hold(scene), "nobody is held on what is not kept");
    scene->fx.store->ops = good;
    cr_assert_eq(fixture_send(&scene->fx, "press", kedge_buf_slice(&fork), 0)->code,
                 KEDGE_CONFLICT);
    cr_assert_not_null(hold(scene));
    scene_free(scene);
}

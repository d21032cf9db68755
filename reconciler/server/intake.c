/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "admission.h"
#include "base/digest.h"
#include "base/parallel.h"
#include "dispatch.h"
#include "inside.h"
#include "testimony.h"
#include "wire/evidence.h"

#define GRAIN         16    /* reports a core verifies at least */
#define RESTORE_BATCH 4096  /* stored reports verified together */
#define COMPLAIN      60000 /* ms between refused reports of a device that history is told of */

/* Finds the device, its key, and what is known of it. */
static int look_up(struct kedge_server *server, struct kedge_intake_item *item,
                   struct kedge_err *err)
{
    const char *name = item->in->device;
    if (!server->desired)
        return kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "no commit is in force yet: devices are not known; try again later");
    item->device = kedge_spec_find(server->desired->specs, KEDGE_KIND_DEVICE, name);
    if (!item->device)
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "device '%s' is not in commit %.12s: add a Device manifest", name,
                             server->commit);
    const uint8_t *key;
    if (kedge_admission_key(server, item->device, &key, err) < 0)
        return err->code;
    memcpy(item->key.bytes, key, sizeof item->key.bytes);
    struct kedge_slice evidence = item->in->evidence;
    item->evidence = kedge_digest_of(evidence.data, evidence.size);
    struct kedge_peer *peer = kedge_peer_find(&server->peers, name);
    item->repeated = peer && kedge_actual_find(&server->actual, name) &&
                     kedge_digest_equal(&peer->evidence, &item->evidence);
    if (item->repeated)
        item->peer = peer;
    return 0;
}

/* Signature, form and name: what needs no other report and can be done on any core. */
static void verify(unsigned worker, size_t first, size_t last, void *payload)
{
    (void)worker;
    struct kedge_intake_item *items = payload;
    for (size_t i = first; i < last; i++) {
        struct kedge_intake_item *item = &items[i];
        if (item->err.code || item->repeated)
            continue;
        item->row = kedge_actual_device_new(item->in->device);
        memcpy(item->row->key, item->key.bytes, sizeof item->row->key);
        if (kedge_evidence_verify(&item->row->arena, item->in->evidence, item->in->device,
                                  &item->key, &item->row->report, &item->err) < 0)
            continue;
        kedge_actual_device_seal(item->row);
        item->content = kedge_report_digest(&item->row->report);
    }
}

/* What is held to be true of a device before `item`: an earlier report of this very step counts. */
static struct kedge_actual_device *row_before(const struct kedge_server *server,
                                              const struct kedge_peer *peer)
{
    return peer->incoming ? peer->incoming : kedge_actual_find(&server->actual, peer->name);
}

/* What is planned from may differ: more than links tell, because room on the disk counts. */
static bool is_fresh(const struct kedge_intake_item *item, const struct kedge_actual_device *before)
{
    const struct kedge_report *new = &item->row->report;
    return !before || !kedge_digest_equal(&item->content, &item->peer->content) ||
           before->report.disk_free != new->disk_free ||
           kedge_report_fetched(&before->report) != kedge_report_fetched(new);
}

/* A row is freed as a whole, so what it knows of orders moves along as copies. */
static int inherit(struct kedge_server *server, struct kedge_intake_item *item,
                   const struct kedge_actual_device *before, struct kedge_err *err)
{
    struct kedge_actual_device *row = item->row;
    if (!before)
        return kedge_dispatch_recall(server, item->peer, row, err);
    row->generation = before->generation;
    row->envelope_set = before->envelope_set;
    const char **names = kedge_arena_array(&row->arena, before->authorised.count, sizeof *names);
    for (uint32_t i = 0; i < before->authorised.count; i++)
        names[i] = kedge_arena_strdup(&row->arena, before->authorised.at[i]);
    row->authorised = (struct kedge_strings){names, before->authorised.count};
    return 0;
}

/* Does it continue the device's chain? Refusals are the item's own, an error is the store's. */
static int judge(struct kedge_server *server, struct kedge_intake_item *item, kedge_ms now,
                 struct kedge_err *err)
{
    struct kedge_peer *peer = kedge_peer_add(&server->peers, item->in->device);
    item->repeated = peer->incoming && kedge_digest_equal(&peer->evidence, &item->evidence);
    item->peer = peer;
    if (item->repeated)
        return 0; /* the network has doubled it */
    int code = kedge_proof_take(server, peer, item->row, item->in->evidence, &item->key, now,
                                &item->proof, &item->err, err);
    if (code || item->err.code) {
        item->peer = NULL;
        return code;
    }
    item->repeated = item->lifeless = item->proof.verdict == KEDGE_CHAIN_AGAIN;
    return 0;
}

static int store_item(struct kedge_server *server, struct kedge_intake_item *item,
                      const struct kedge_actual_device *before, kedge_ms now, struct kedge_err *err)
{
    item->row->received = now;
    item->fresh = is_fresh(item, before);
    struct kedge_store_report report = {
        .device = item->peer->name,
        .counter = item->row->report.counter,
        .received = now,
        .evidence = item->in->evidence,
    };
    struct kedge_event online = {.at = now,
                                 .kind = KEDGE_EVENT_DEVICE_ONLINE,
                                 .device = item->peer->name};
    if (inherit(server, item, before, err) < 0 ||
        kedge_store_put_report(server->options.store, &report, err) < 0)
        return err->code;
    if (!item->peer->online && !item->peer->incoming &&
        kedge_store_append_event(server->options.store, &online, err) < 0)
        return err->code;
    /* What history tells, a link proves. */
    bool link = kedge_digest_is_zero(&item->row->report.upholds);
    return link ? kedge_testimony_record(server, before, item->row, now, err) : 0;
}

/* Is it the last word of a device that was told to erase all, under the very order that said so? */
static bool is_last(const struct kedge_server *server, const struct kedge_intake_item *item)
{
    const struct kedge_identity *row =
        kedge_identity_find(&server->actual.identities, item->peer->name);
    return row && row->standing == KEDGE_STANDING_LEAVING && item->row->report.erased &&
           row->farewell && row->farewell == item->row->report.generation &&
           kedge_peer_accepted(item->peer, item->row);
}

/* Judges and stores every verified report inside an open transaction. Refusals are the item's own;
 * an error is the store's and ends it all. */
static int store_all(struct kedge_server *server, struct kedge_intake_item *items, size_t count,
                     kedge_ms now, struct kedge_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct kedge_intake_item *item = &items[i];
        if (item->err.code || item->repeated)
            continue;
        if (judge(server, item, now, err) < 0)
            return err->code;
        if (item->err.code || item->repeated)
            continue;
        const struct kedge_actual_device *before = row_before(server, item->peer);
        if (store_item(server, item, before, now, err) < 0)
            return err->code;
        item->last = is_last(server, item);
        if (item->last && kedge_enrolment_part(server->options.store, &server->actual.identities,
                                               item->device, now, err) < 0)
            return err->code;
        item->peer->incoming = item->row;
        item->peer->evidence = item->evidence;
        item->peer->content = item->content;
    }
    return 0;
}

/* Somebody could knock all day long: history is told once a minute and device. */
static int record_refusals(struct kedge_server *server, const struct kedge_intake_item *items,
                           size_t count, kedge_ms now, struct kedge_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct kedge_intake_item *item = &items[i];
        struct kedge_peer *peer = kedge_peer_find(&server->peers, item->in->device);
        if (!item->err.code || !item->device || !peer || now - peer->complained < COMPLAIN)
            continue;
        struct kedge_event event = {.at = now,
                                    .kind = KEDGE_EVENT_REPORT_REFUSED,
                                    .device = peer->name,
                                    .reason = kedge_code_name(item->err.code),
                                    .message = item->err.msg};
        if (kedge_store_append_event(server->options.store, &event, err) < 0)
            return err->code;
        peer->complained = now;
    }
    return 0;
}

/* One transaction for all of them. */
static int make_durable(struct kedge_server *server, struct kedge_intake_item *items, size_t count,
                        kedge_ms now, struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    if (kedge_store_begin(store, err) < 0)
        return err->code;
    if (store_all(server, items, count, now, err) < 0 ||
        record_refusals(server, items, count, now, err) < 0) {
        kedge_store_rollback(store);
        return err->code;
    }
    return kedge_store_commit(store, err);
}

/* Nothing of this step was kept: every device may send again. */
static void give_up(const struct kedge_server *server, struct kedge_intake_item *items,
                    size_t count, const struct kedge_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct kedge_intake_item *item = &items[i];
        struct kedge_peer *peer = item->peer;
        struct kedge_peer *known = kedge_peer_find(&server->peers, item->in->device);
        if (known)
            kedge_proof_forget(known);
        item->proof = (struct kedge_proof){0};
        if (item->err.code || (item->repeated && !item->lifeless && !peer->incoming))
            continue;
        if (peer)
            peer->content = peer->evidence = (struct kedge_digest){0};
        item->peer = NULL;
        item->repeated = item->lifeless = false;
        kedge_err_set(&item->err, KEDGE_UNAVAILABLE,
                      "the report could not be stored; send it again: %s", err->msg);
    }
}

/* It was heard, whatever it said. */
static void touch(struct kedge_peer *peer, kedge_ms wait, kedge_ms now)
{
    peer->seen = now;
    peer->wait = wait > KEDGE_SERVER_WAIT_LEAST ? wait : KEDGE_SERVER_WAIT_LEAST;
    peer->online = true;
}

/* Durable by now: actual changes, and the devices it bears on are planned for. */
static void adopt(struct kedge_server *server, struct kedge_intake_item *item)
{
    struct kedge_peer *peer = item->peer;
    if (peer->incoming == item->row)
        peer->incoming = NULL;
    kedge_testimony_count(server, kedge_actual_find(&server->actual, peer->name), item->row);
    kedge_actual_put(&server->actual, item->row);
    item->row = NULL;
    if (item->fresh) {
        server->version++;
        kedge_server_mark(server, peer->name);
    }
}

void kedge_intake_reports(struct kedge_server *server, struct kedge_intake_item *items,
                          size_t count, kedge_ms now)
{
    struct kedge_err err = {0};
    size_t verified = 0;
    for (size_t i = 0; i < count; i++) {
        items[i].err.code = KEDGE_OK;
        if (look_up(server, &items[i], &items[i].err) == 0)
            verified += !items[i].repeated;
    }
    kedge_parallel_run(count, GRAIN, verify, items);
    if (verified && make_durable(server, items, count, now, &err) < 0)
        give_up(server, items, count, &err);

    bool parted = false;
    for (size_t i = 0; i < count; i++) {
        struct kedge_intake_item *item = &items[i];
        parted |= item->last && !item->err.code;
        enum kedge_received result = item->err.code   ? KEDGE_RECEIVED_REFUSED
                                     : item->repeated ? KEDGE_RECEIVED_REPEATED
                                                      : KEDGE_RECEIVED_NEW;
        server->counters.reports[result]++;
        if (item->row)
            kedge_proof_adopt(server, kedge_peer_add(&server->peers, item->in->device),
                              &item->proof);
        if (result == KEDGE_RECEIVED_NEW)
            adopt(server, item);
        if (result != KEDGE_RECEIVED_REFUSED && !item->lifeless)
            touch(item->peer, item->in->wait, now);
        if (item->row) {
            struct kedge_peer *peer = kedge_peer_find(&server->peers, item->in->device);
            if (peer && peer->incoming == item->row)
                peer->incoming = NULL;
            kedge_actual_device_free(item->row);
            item->row = NULL;
        }
    }
    /* What cannot be read now is read at the next step. */
    if (parted && kedge_admission_read(server, &err) < 0)
        server->written = server->identified = -1;
}

/* A batch of stored reports: messages that outlive the visit. */
struct restoring {
    struct kedge_server *server;
    struct kedge_intake_item *items;
    struct kedge_server_message *messages;
    kedge_ms *received;
    size_t count;
    struct kedge_arena arena;
};

static void restore_batch(struct restoring *batch)
{
    struct kedge_server *server = batch->server;
    for (size_t i = 0; i < batch->count; i++)
        if (look_up(server, &batch->items[i], &batch->items[i].err) < 0)
            batch->items[i].err.code = KEDGE_DENIED;
    kedge_parallel_run(batch->count, GRAIN, verify, batch->items);
    for (size_t i = 0; i < batch->count; i++) {
        struct kedge_intake_item *item = &batch->items[i];
        if (item->err.code || item->repeated) {
            kedge_actual_device_free(item->row);
            continue;
        }
        struct kedge_peer *peer = kedge_peer_add(&server->peers, item->in->device);
        item->row->received = peer->seen = batch->received[i];
        peer->evidence = item->evidence;
        peer->content = item->content;
        kedge_actual_put(&server->actual, item->row);
    }
    kedge_arena_release(&batch->arena);
    batch->count = 0;
}

static int visit_report(const struct kedge_store_report *report, void *payload)
{
    struct restoring *batch = payload;
    size_t i = batch->count++;
    const char *bytes =
        kedge_arena_strndup(&batch->arena, report->evidence.data, report->evidence.size);
    batch->messages[i] = (struct kedge_server_message){
        .kind = KEDGE_SERVER_SYNC,
        .device = kedge_arena_strdup(&batch->arena, report->device),
        .evidence = {bytes, report->evidence.size},
    };
    batch->items[i] = (struct kedge_intake_item){.in = &batch->messages[i]};
    batch->received[i] = report->received;
    if (batch->count == RESTORE_BATCH)
        restore_batch(batch);
    return 0;
}

int kedge_intake_restore(struct kedge_server *server, struct kedge_err *err)
{
    struct restoring batch = {
        .server = server,
        .items = kedge_alloc_array(RESTORE_BATCH, sizeof *batch.items),
        .messages = kedge_alloc_array(RESTORE_BATCH, sizeof *batch.messages),
        .received = kedge_alloc_array(RESTORE_BATCH, sizeof *batch.received),
    };
    int code = kedge_store_each_report(server->options.store, visit_report, &batch, err);
    restore_batch(&batch);
    free(batch.items);
    free(batch.messages);
    free(batch.received);
    return code;
}

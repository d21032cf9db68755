/* SPDX-License-Identifier: Apache-2.0 */
#include "admission.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/limits.h"
#include "dispatch.h"
#include "inside.h"
#include "ledger.h"
#include "wire/rotation.h"

#define COMPLAIN 60000 /* ms between refused requests of a device that history is told of */

/* --- who devices are -------------------------------------------------------------------------- */

static const struct kedge_device *find_device(const struct kedge_server *server, const char *name)
{
    return server->desired ? kedge_spec_find(server->desired->specs, KEDGE_KIND_DEVICE, name)
                           : NULL;
}

static bool still_speaks(const struct kedge_server *server, const struct kedge_actual_device *row)
{
    const struct kedge_device *device = find_device(server, row->name);
    const uint8_t *key =
        device ? kedge_identity_key(&server->actual.identities, device, NULL) : NULL;
    return key && memcmp(key, row->key, KEDGE_KEY_SIZE) == 0;
}

/* What another key signed proves nothing. */
static void forget_strangers(struct kedge_server *server)
{
    struct kedge_actual *actual = &server->actual;
    for (size_t i = actual->count; i-- > 0;)
        if (!still_speaks(server, actual->at[i]))
            kedge_actual_remove(actual, actual->at[i]->name);
}

static int take_back(struct kedge_server *server, const struct kedge_device *device, kedge_ms now,
                     struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    if (store->read_only || server->dry || server->options.manual)
        return 0;
    if (kedge_store_begin(store, err) < 0)
        return err->code;
    if (kedge_enrolment_return(store, device, now, err) < 0 ||
        kedge_ledger_revision(store, &server->identified, err) < 0) {
        kedge_store_rollback(store);
        return err->code;
    }
    return kedge_store_commit(store, err);
}

int kedge_admission_settle(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    const struct kedge_identities *identities = &server->actual.identities;
    for (size_t i = 0; server->unsettled && i < identities->count; i++) {
        struct kedge_identity *row = identities->at[i];
        const struct kedge_device *device = find_device(server, row->device);
        if (row->standing != KEDGE_STANDING_GONE || !device ||
            !kedge_identity_key(identities, device, NULL))
            continue;
        if (take_back(server, device, now, err) < 0)
            return err->code;
        row->standing = KEDGE_STANDING_MEMBER;
        server->version++;
    }
    server->unsettled = false;
    return 0;
}

int kedge_admission_read(struct kedge_server *server, struct kedge_err *err)
{
    if (kedge_enrolment_read(server->options.store, &server->actual.identities, &server->identified,
                             err) < 0)
        return kedge_err_wrap(err, "cannot read who devices are");
    forget_strangers(server);
    server->unsettled = true;
    server->version++;
    return 0;
}

int kedge_admission_refresh(struct kedge_server *server, struct kedge_err *err)
{
    int64_t written, revision;
    if (kedge_store_changed(server->options.store, &written, err) < 0)
        return err->code;
    if (written == server->written)
        return 0;
    if (kedge_ledger_revision(server->options.store, &revision, err) < 0 ||
        (revision != server->identified && kedge_admission_read(server, err) < 0))
        return err->code;
    server->written = written;
    return 0;
}

int kedge_admission_key(const struct kedge_server *server, const struct kedge_device *device,
                        const uint8_t **out, struct kedge_err *err)
{
    enum kedge_key_origin origin;
    const char *name = device->object.name;
    const uint8_t *key = kedge_identity_key(&server->actual.identities, device, &origin);
    if (origin == KEDGE_KEY_REFUSED)
        return kedge_err_set(err, KEDGE_DENIED,
                             "device '%s' was decommissioned, its key is refused: 'kedge device "
                             "enroll %s' makes it a fresh device",
                             name, name);
    if (!key)
        return kedge_err_set(err, KEDGE_DENIED,
                             "device '%s' has no public key in commit %.12s and was not enrolled: "
                             "'kedge device enroll %s', or add spec.publicKey",
                             name, server->commit, name);
    *out = key;
    return 0;
}

/* What has become durable of one device: memory follows, without reading all the others again. */
static int adopt_key(struct kedge_server *server, const char *device,
                     const struct kedge_public_key *key, struct kedge_err *err)
{
    struct kedge_identity *row = kedge_identity_add(&server->actual.identities, device);
    memcpy(row->key, key->bytes, sizeof row->key);
    kedge_actual_remove(&server->actual, device);
    server->version++;
    return kedge_ledger_revision(server->options.store, &server->identified, err);
}

/* --- enrolment -------------------------------------------------------------------------------- */

/* An order that was for the device that bore the name before is for nobody now. */
static int void_order(struct kedge_server *server, const char *device, struct kedge_err *err)
{
    struct kedge_peer *peer = kedge_peer_add(&server->peers, device);
    if (!peer->generation && kedge_dispatch_recall(server, peer, NULL, err) < 0)
        return err->code;
    if (!peer->generation)
        return 0;
    const struct kedge_store_device row = {
        .name = device,
        .generation = peer->generation,
        .authorised = {"[]", 2},
    };
    return kedge_store_put_device(server->options.store, &row, err);
}

/* A disk that is full, or failing, is no fault of the request: it is to come again. */
static int blame_store(struct kedge_err *err)
{
    if (err->code == KEDGE_LIMIT || err->code == KEDGE_IO)
        kedge_err_set(err, KEDGE_UNAVAILABLE, "the request could not be stored; send it again: %s",
                      err->msg);
    return err->code;
}

static int judge(struct kedge_server *server, const struct kedge_enrol_request *request,
                 kedge_ms now, enum kedge_enrolment_verdict *verdict, struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    const struct kedge_device *declared = find_device(server, request->device);
    if (kedge_store_begin(store, err) < 0)
        return blame_store(err);
    if (kedge_enrolment_judge(store, request, declared, now, verdict, err) < 0 ||
        (*verdict == KEDGE_ENROLMENT_ENTERS && void_order(server, request->device, err) < 0)) {
        kedge_store_rollback(store);
        return blame_store(err);
    }
    if (kedge_store_commit(store, err) < 0)
        return blame_store(err);
    if (*verdict != KEDGE_ENROLMENT_ENTERS)
        return 0;
    struct kedge_peer *peer = kedge_peer_add(&server->peers, request->device);
    struct kedge_identity *row = kedge_identity_add(&server->actual.identities, request->device);
    peer->issued = peer->expires = 0;
    peer->revoked = false;
    peer->order = (struct kedge_digest){0};
    kedge_identity_text(&row->hardware, request->hardware);
    memset(row->previous, 0, sizeof row->previous);
    row->enrolled = now;
    row->standing = KEDGE_STANDING_MEMBER;
    row->left = row->farewell = 0;
    return adopt_key(server, request->device, &request->key, err);
}

/* Somebody could knock all day long: history is told of declared devices, once a minute each. */
static void record_refusal(struct kedge_server *server, const char *device, kedge_ms now,
                           const struct kedge_err *why)
{
    struct kedge_err err;
    if (!find_device(server, device))
        return;
    struct kedge_peer *peer = kedge_peer_add(&server->peers, device);
    struct kedge_event event = {.at = now,
                                .kind = KEDGE_EVENT_ENROLMENT_REFUSED,
                                .device = device,
                                .reason = kedge_code_name(why->code),
                                .message = why->msg};
    if ((peer->knocked && now - peer->knocked < COMPLAIN) ||
        kedge_store_append_event(server->options.store, &event, &err) < 0)
        return;
    peer->knocked = now;
    server->version++;
}

/* Root files from the one that the device pins up to the newest. */
struct chain {
    struct kedge_slice files[KEDGE_LIMIT_ROOTS];
    size_t count;
};

static bool is_pinned(struct kedge_slice file, const struct kedge_digest *pin)
{
    struct kedge_root root;
    struct kedge_err ignored;
    return kedge_digest_is_zero(pin) ||
           (kedge_root_peek(file, &root, &ignored) == 0 && kedge_digest_equal(&root.digest, pin));
}

static int find_roots(const struct kedge_server *server, const struct kedge_enrol_request *request,
                      struct chain *out, struct kedge_err *err)
{
    const struct kedge_roots *roots = &server->roots;
    char text[KEDGE_DIGEST_TEXT];
    if (!roots->count || !server->options.director)
        return kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "this server %s: 'kedge serve' needs it to let devices in",
                             server->options.director ? "has no root document (--roots)"
                                                      : "holds no director's key");
    if (kedge_roots_permit(server, err) < 0)
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "no device would believe this server: %s",
                             err->msg);
    out->count = 0;
    for (size_t i = 0; i < roots->count && out->count < KEDGE_COUNT(out->files); i++) {
        struct kedge_slice file = kedge_buf_slice(&roots->files[i]);
        if (out->count || is_pinned(file, &request->root))
            out->files[out->count++] = file;
    }
    if (out->count)
        return 0;
    return kedge_err_set(err, KEDGE_NOTFOUND,
                         "the root %s, which the device pins, is none of this fleet's",
                         kedge_digest_format(&request->root, text));
}

static void write_waits(const struct kedge_enrol_request *request, struct kedge_buf *out)
{
    char print[KEDGE_KEY_PRINT];
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_object(&w);
    kedge_json_add_bool(&w, "waits", true);
    kedge_json_add_string(&w, "fingerprint", kedge_public_key_fingerprint(&request->key, print));
    kedge_json_end_object(&w);
}

static int write_reply(const struct kedge_server *server, const struct kedge_enrol_request *request,
                       const struct chain *chain, kedge_ms now, struct kedge_buf *out,
                       struct kedge_err *err)
{
    const struct kedge_peer *peer = kedge_peer_find(&server->peers, request->device);
    const struct kedge_identity *row =
        kedge_identity_find(&server->actual.identities, request->device);
    /* Of the record that was made first: an answer that was lost is given again as it was. */
    kedge_ms at = row && row->enrolled ? row->enrolled : now;
    int64_t before = peer && !peer->issued ? peer->generation : 0;
    return kedge_enrol_reply_sign(request, chain->files, chain->count, before, at,
                                  &server->options.director, 1, out, err);
}

int kedge_admission_enrol(struct kedge_server *server, struct kedge_slice envelope, kedge_ms now,
                          struct kedge_buf *out, bool *waits, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_enrol_request request;
    enum kedge_enrolment_verdict verdict;
    struct chain chain;
    if (kedge_enrol_request_verify(&arena, envelope, &request, err) < 0)
        return err->code;
    if (find_roots(server, &request, &chain, err) < 0 ||
        judge(server, &request, now, &verdict, err) < 0) {
        if (err->code != KEDGE_UNAVAILABLE)
            record_refusal(server, request.device, now, err);
        return err->code;
    }
    *waits = verdict == KEDGE_ENROLMENT_WAITS;
    if (!*waits)
        return write_reply(server, &request, &chain, now, out, err);
    write_waits(&request, out);
    return 0;
}

/* --- rotation --------------------------------------------------------------------------------- */

static int replace_key(struct kedge_server *server, struct kedge_identity *row,
                       const struct kedge_public_key *after, kedge_ms now, struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    if (kedge_store_begin(store, err) < 0)
        return blame_store(err);
    if (kedge_enrolment_rotate(store, row, after, now, err) < 0) {
        kedge_store_rollback(store);
        return blame_store(err);
    }
    if (kedge_store_commit(store, err) < 0)
        return blame_store(err);
    memcpy(row->previous, row->key, sizeof row->previous);
    return adopt_key(server, row->device, after, err);
}

/* A rotation that was carried out before: its answer was lost. */
static bool is_done(const struct kedge_identity *row, struct kedge_slice envelope,
                    struct kedge_public_key *after)
{
    struct kedge_public_key previous;
    struct kedge_err ignored;
    memcpy(previous.bytes, row->previous, sizeof previous.bytes);
    return kedge_rotation_verify(envelope, row->device, &previous, after, &ignored) == 0 &&
           memcmp(after->bytes, row->key, sizeof row->key) == 0;
}

/* A key that was decommissioned does not come back by this door. */
static int refuse_old(const struct kedge_server *server, const struct kedge_public_key *after,
                      struct kedge_err *err)
{
    if (!kedge_identity_refuses(&server->actual.identities, after->bytes))
        return 0;
    return kedge_err_set(err, KEDGE_DENIED, "the new key was decommissioned: make another");
}

static int check_origin(const struct kedge_server *server, const struct kedge_device *device,
                        struct kedge_err *err)
{
    const struct kedge_position *at = &device->object.at;
    enum kedge_key_origin origin;
    const uint8_t *key;
    if (kedge_admission_key(server, device, &key, err) < 0)
        return err->code;
    (void)kedge_identity_key(&server->actual.identities, device, &origin);
    if (origin == KEDGE_KEY_MANIFEST)
        return kedge_err_set(err, KEDGE_DENIED,
                             "the key of device '%s' comes from the repository: change "
                             "spec.publicKey at %s:%u",
                             device->object.name, at->file ? at->file : "its manifest", at->line);
    return 0;
}

int kedge_admission_rotate(struct kedge_server *server, const char *name,
                           struct kedge_slice envelope, kedge_ms now, struct kedge_buf *out,
                           struct kedge_err *err)
{
    const struct kedge_device *device = find_device(server, name);
    struct kedge_identity *row = kedge_identity_find(&server->actual.identities, name);
    struct kedge_public_key before, after;
    char text[KEDGE_KEY_TEXT];
    if (!device)
        return kedge_err_set(err, KEDGE_NOTFOUND, "there is no device '%s' in the repository",
                             name);
    if (check_origin(server, device, err) < 0)
        return err->code;
    memcpy(before.bytes, row->key, sizeof before.bytes);
    if (!is_done(row, envelope, &after) &&
        (kedge_rotation_verify(envelope, name, &before, &after, err) < 0 ||
         refuse_old(server, &after, err) < 0 || replace_key(server, row, &after, now, err) < 0)) {
        if (err->code == KEDGE_DENIED)
            record_refusal(server, name, now, err);
        return err->code;
    }
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "publicKey", kedge_public_key_format(&after, text));
    kedge_json_end_object(&w);
    return 0;
}

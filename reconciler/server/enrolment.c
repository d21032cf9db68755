/* SPDX-License-Identifier: Apache-2.0 */
#include "enrolment.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/limits.h"
#include "ledger.h"
#include "state/event.h"

static int is_refused(struct kedge_store *store, const uint8_t key[KEDGE_KEY_SIZE],
                      struct kedge_arena *arena, struct kedge_ledger_refused *out,
                      struct kedge_err *err)
{
    char hex[2 * KEDGE_KEY_SIZE + 1];
    return kedge_ledger_get(store, &kedge_ledger_refusals,
                            kedge_hex_encode(key, KEDGE_KEY_SIZE, hex), arena, out, err);
}

/* Ends a transaction of the operator's: all of it, or nothing. */
static int end(struct kedge_store *store, int code, struct kedge_err *err)
{
    if (!code)
        return kedge_store_commit(store, err);
    kedge_store_rollback(store);
    return code;
}

/* --- tokens ---------------------------------------------------------------------------------- */

/* A device that is told to go cannot come at the same time. */
static int check_leaving(struct kedge_store *store, const char *device, struct kedge_arena *arena,
                         struct kedge_err *err)
{
    struct kedge_ledger_departure row = {0};
    int found = kedge_ledger_get(store, &kedge_ledger_departures, device, arena, &row, err);
    if (found < 0)
        return found;
    if (found && row.standing == KEDGE_STANDING_LEAVING)
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "device '%s' is being decommissioned: wait until it is, or 'kedge "
                             "device decommission %s --now'",
                             device, device);
    return 0;
}

static int store_token(struct kedge_store *store, const struct kedge_enrolment_token *what,
                       const struct kedge_token *token, kedge_ms now, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    char hash[KEDGE_TOKEN_HASH], until[KEDGE_TIME_TEXT];
    const struct kedge_ledger_token row = {
        .hash = kedge_token_hash(token->secret, hash),
        .hardware = what->hardware,
        .by = what->by,
        .issued = now,
        .expires = what->expires,
    };
    const char *message =
        kedge_arena_printf(&arena, "good until %s", kedge_clock_format(what->expires, until));
    int code = check_leaving(store, what->device, &arena, err);
    if (!code)
        code = kedge_ledger_put(store, &kedge_ledger_tokens, what->device, &row, err);
    return code ? code
                : kedge_ledger_tell(store, KEDGE_EVENT_TOKEN_ISSUED, what->device, what->by,
                                    message, now, err);
}

int kedge_enrolment_issue(struct kedge_store *store, const struct kedge_enrolment_token *what,
                          const struct kedge_digest *root, kedge_ms now, struct kedge_token *out,
                          struct kedge_err *err)
{
    struct kedge_token token = kedge_token_make(root);
    int code = kedge_store_begin(store, err);
    if (!code)
        code = end(store, store_token(store, what, &token, now, err), err);
    if (!code)
        *out = token;
    return code;
}

/* Does the request's token let it in? Then *row is that of the token, to be marked as used. */
static int check_token(struct kedge_store *store, const struct kedge_enrol_request *request,
                       kedge_ms now, struct kedge_arena *arena, struct kedge_ledger_token *row,
                       struct kedge_err *err)
{
    char hash[KEDGE_TOKEN_HASH], at[KEDGE_TIME_TEXT];
    int found = kedge_ledger_get(store, &kedge_ledger_tokens, request->device, arena, row, err);
    if (found < 0)
        return found;
    if (!found || strcmp(row->hash, kedge_token_hash(request->secret, hash)) != 0)
        return kedge_err_set(err, KEDGE_DENIED,
                             "the token is none for device '%s', or a newer one has replaced it: "
                             "'kedge device enroll %s' issues one",
                             request->device, request->device);
    if (row->used)
        return kedge_err_set(err, KEDGE_DENIED,
                             "the token was used at %s, by key %s: if that was not this device, "
                             "'kedge device decommission %s --now' and issue another",
                             kedge_clock_format(row->used, at), row->user ? row->user : "unknown",
                             request->device);
    if (now >= row->expires)
        return kedge_err_set(err, KEDGE_DENIED,
                             "the token expired at %s: 'kedge device enroll %s' issues another",
                             kedge_clock_format(row->expires, at), request->device);
    if (row->hardware && (!request->hardware || strcmp(row->hardware, request->hardware) != 0))
        return kedge_err_set(err, KEDGE_DENIED,
                             "the token is for hardware '%s', and this is '%s': give the device's "
                             "own --hardware, or issue another token",
                             row->hardware, request->hardware ? request->hardware : "unknown");
    return 0;
}

static int use_token(struct kedge_store *store, const struct kedge_enrol_request *request,
                     kedge_ms now, struct kedge_arena *arena, struct kedge_err *err)
{
    struct kedge_ledger_token row = {0};
    char print[KEDGE_KEY_PRINT];
    int code = check_token(store, request, now, arena, &row, err);
    if (code)
        return code;
    row.used = now;
    row.user = kedge_public_key_fingerprint(&request->key, print);
    return kedge_ledger_put(store, &kedge_ledger_tokens, request->device, &row, err);
}

/* --- requests that wait ---------------------------------------------------------------------- */

static bool is_old(kedge_ms at, kedge_ms now)
{
    return now - at >= KEDGE_ENROLMENT_PATIENCE;
}

struct requesting {
    kedge_ms now;
    kedge_enrolment_visit *visit;
    void *payload;
    struct kedge_err *err;
};

static int visit_request(const char *device, struct kedge_slice bytes, void *payload)
{
    const struct requesting *walk = payload;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_ledger_request row = {0};
    struct kedge_enrolment_request request = {.device = device};
    int code = kedge_ledger_parse(&arena, &kedge_ledger_requests, device, bytes, &row, walk->err);
    if (!code)
        code = kedge_public_key_parse(row.key, &request.key, walk->err);
    if (code || is_old(row.at, walk->now))
        return code;
    request.hardware = row.hardware;
    request.at = row.at;
    return walk->visit(&request, walk->payload);
}

int kedge_enrolment_each_request(struct kedge_store *store, kedge_ms now,
                                 kedge_enrolment_visit *visit, void *payload, struct kedge_err *err)
{
    struct requesting walk = {.now = now, .visit = visit, .payload = payload, .err = err};
    return kedge_store_each_item(store, kedge_ledger_requests.name, visit_request, &walk, err);
}

/* Names of requests that nobody has approved in time; all are counted. */
struct sweeping {
    struct kedge_arena arena;
    const char *old[KEDGE_LIMIT_PENDING];
    size_t old_count, count;
    kedge_ms now;
};

static int visit_sweep(const char *device, struct kedge_slice bytes, void *payload)
{
    struct sweeping *sweep = payload;
    struct kedge_ledger_request row = {0};
    struct kedge_err ignored;
    sweep->count++;
    if ((kedge_ledger_parse(&sweep->arena, &kedge_ledger_requests, device, bytes, &row, &ignored) ||
         is_old(row.at, sweep->now)) &&
        sweep->old_count < KEDGE_COUNT(sweep->old))
        sweep->old[sweep->old_count++] = kedge_arena_strdup(&sweep->arena, device);
    return 0;
}

/* Room for one more request. */
static int make_room(struct kedge_store *store, kedge_ms now, struct kedge_err *err)
{
    struct sweeping sweep = {.now = now};
    int code = kedge_store_each_item(store, kedge_ledger_requests.name, visit_sweep, &sweep, err);
    for (size_t i = 0; !code && i < sweep.old_count; i++)
        code = kedge_ledger_drop(store, &kedge_ledger_requests, sweep.old[i], err);
    kedge_arena_release(&sweep.arena);
    if (!code && sweep.count - sweep.old_count >= KEDGE_LIMIT_PENDING)
        code = kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "%d devices wait for approval already; try again later",
                             KEDGE_LIMIT_PENDING);
    return code;
}

/* The first to ask for a name is shown until it is too old; who comes second is not forgotten, he
 * just is not shown: an operator approves a fingerprint, not a place in a queue. */
static int keep_waiting(struct kedge_store *store, const struct kedge_enrol_request *request,
                        kedge_ms now, struct kedge_arena *arena, struct kedge_err *err)
{
    struct kedge_ledger_request row = {0};
    char key[KEDGE_KEY_TEXT], print[KEDGE_KEY_PRINT];
    int found = kedge_ledger_get(store, &kedge_ledger_requests, request->device, arena, &row, err);
    if (found < 0 || (found && !is_old(row.at, now)))
        return found < 0 ? found : 0;
    int code = make_room(store, now, err);
    row = (struct kedge_ledger_request){
        .key = kedge_public_key_format(&request->key, key),
        .hardware = request->hardware,
        .at = now,
    };
    if (!code)
        code = kedge_ledger_put(store, &kedge_ledger_requests, request->device, &row, err);
    return code ? code
                : kedge_ledger_tell(store, KEDGE_EVENT_ENROLMENT_REQUESTED, request->device, NULL,
                                    kedge_public_key_fingerprint(&request->key, print), now, err);
}

/* --- entering --------------------------------------------------------------------------------- */

/* Keys that have spoken for the device until now: what they have signed stays evidence. */
static int list_former(struct kedge_store *store, const char *device, struct kedge_arena *arena,
                       struct kedge_strings *out, struct kedge_err *err)
{
    struct kedge_ledger_request row = {0};
    int found = kedge_ledger_get(store, &kedge_ledger_enrolments, device, arena, &row, err);
    if (found <= 0)
        return found;
    const char **at = kedge_arena_array(arena, KEDGE_LIMIT_FORMER_KEYS, sizeof *at);
    uint32_t count = 0;
    at[count++] = row.key;
    if (row.previous)
        at[count++] = row.previous;
    for (uint32_t i = 0; i < row.former.count && count < KEDGE_LIMIT_FORMER_KEYS; i++)
        at[count++] = row.former.at[i];
    *out = (struct kedge_strings){at, count};
    return 0;
}

static int enter(struct kedge_store *store, const char *device, const struct kedge_public_key *key,
                 const char *hardware, const char *by, kedge_ms now, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    char text[KEDGE_KEY_TEXT], print[KEDGE_KEY_PRINT];
    struct kedge_ledger_request row = {
        .key = kedge_public_key_format(key, text),
        .hardware = hardware,
        .at = now,
    };
    if (list_former(store, device, &arena, &row.former, err) < 0)
        return err->code;
    const struct kedge_ledger *const over[] = {&kedge_ledger_requests, &kedge_ledger_approvals,
                                               &kedge_ledger_departures};
    int code = kedge_ledger_put(store, &kedge_ledger_enrolments, device, &row, err);
    for (size_t i = 0; !code && i < KEDGE_COUNT(over); i++)
        code = kedge_ledger_drop(store, over[i], device, err);
    if (!code)
        code = kedge_ledger_revise(store, err);
    return code ? code
                : kedge_ledger_tell(store, KEDGE_EVENT_DEVICE_ENROLLED, device, by,
                                    kedge_public_key_fingerprint(key, print), now, err);
}

/* 1 when an operator has approved the request's fingerprint ahead. */
static int is_approved(struct kedge_store *store, const struct kedge_enrol_request *request,
                       kedge_ms now, struct kedge_arena *arena, struct kedge_ledger_approval *row,
                       struct kedge_err *err)
{
    char print[KEDGE_KEY_PRINT];
    int found = kedge_ledger_get(store, &kedge_ledger_approvals, request->device, arena, row, err);
    if (found <= 0 || is_old(row->at, now))
        return found < 0 ? found : 0;
    return strcmp(row->fingerprint, kedge_public_key_fingerprint(&request->key, print)) == 0;
}

static int refuse_gone(const struct kedge_enrol_request *request,
                       const struct kedge_ledger_refused *row, struct kedge_err *err)
{
    char print[KEDGE_KEY_PRINT], at[KEDGE_TIME_TEXT];
    return kedge_err_set(err, KEDGE_DENIED,
                         "key %s was decommissioned at %s with device '%s': remove it from the "
                         "device and enrol with a new one",
                         kedge_public_key_fingerprint(&request->key, print),
                         kedge_clock_format(row->at, at), row->device);
}

/* 1 when the request's key speaks for the device already. */
static int is_known(struct kedge_store *store, const struct kedge_enrol_request *request,
                    const struct kedge_device *declared, struct kedge_arena *arena,
                    struct kedge_err *err)
{
    static const uint8_t none[KEDGE_KEY_SIZE];
    struct kedge_ledger_request row = {0};
    struct kedge_ledger_refused gone;
    char key[KEDGE_KEY_TEXT];
    int code = 0;
    if (declared && memcmp(declared->public_key, none, sizeof none) != 0 &&
        (code = is_refused(store, declared->public_key, arena, &gone, err)) == 0) {
        if (memcmp(declared->public_key, request->key.bytes, KEDGE_KEY_SIZE) == 0)
            return 1;
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "%s:%u names another key as that of device '%s': change or remove its "
                             "spec.publicKey",
                             declared->object.at.file ? declared->object.at.file : "the manifest",
                             declared->object.at.line, request->device);
    }
    if (code < 0)
        return code;
    code = kedge_ledger_get(store, &kedge_ledger_enrolments, request->device, arena, &row, err);
    return code > 0 ? strcmp(row.key, kedge_public_key_format(&request->key, key)) == 0 : code;
}

/* A key that nobody knows yet. */
static int judge_new(struct kedge_store *store, const struct kedge_enrol_request *request,
                     const struct kedge_device *declared, kedge_ms now, struct kedge_arena *arena,
                     enum kedge_enrolment_verdict *out, struct kedge_err *err)
{
    struct kedge_ledger_approval approval = {0};
    int code = check_leaving(store, request->device, arena, err);
    if (code)
        return code;
    *out = KEDGE_ENROLMENT_ENTERS;
    if (request->has_token) {
        code = use_token(store, request, now, arena, err);
        return code ? code
                    : enter(store, request->device, &request->key, request->hardware, "token", now,
                            err);
    }
    code = is_approved(store, request, now, arena, &approval, err);
    if (code > 0)
        return enter(store, request->device, &request->key, request->hardware, approval.by, now,
                     err);
    *out = KEDGE_ENROLMENT_WAITS;
    if (!code && !declared)
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "there is no device '%s' in the repository: add a Device manifest, or "
                             "enrol with a token",
                             request->device);
    return code ? code : keep_waiting(store, request, now, arena, err);
}

int kedge_enrolment_judge(struct kedge_store *store, const struct kedge_enrol_request *request,
                          const struct kedge_device *declared, kedge_ms now,
                          enum kedge_enrolment_verdict *out, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_ledger_refused gone = {0};
    int code = is_refused(store, request->key.bytes, &arena, &gone, err);
    if (code)
        return code < 0 ? code : refuse_gone(request, &gone, err);
    code = is_known(store, request, declared, &arena, err);
    if (code == 0)
        return judge_new(store, request, declared, now, &arena, out, err);
    if (code > 0)
        *out = KEDGE_ENROLMENT_HOLDS;
    return code < 0 ? code : 0;
}

static int approve(struct kedge_store *store, const char *device, const char *fingerprint,
                   bool ahead, const char *by, kedge_ms now, bool *waited, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_ledger_request row = {0};
    struct kedge_public_key key;
    char print[KEDGE_KEY_PRINT];
    int found = kedge_ledger_get(store, &kedge_ledger_requests, device, &arena, &row, err);
    if (found > 0 && !is_old(row.at, now)) {
        if (kedge_public_key_parse(row.key, &key, err))
            return err->code;
        kedge_public_key_fingerprint(&key, print);
        if (strcmp(print, fingerprint) == 0) {
            *waited = true;
            return enter(store, device, &key, row.hardware, by, now, err);
        }
        if (!ahead)
            return kedge_err_set(
                err, KEDGE_DENIED,
                "what waits as device '%s' has the fingerprint %s, not %s: compare "
                "with what the device shows; --ahead lets the other one in",
                device, print, fingerprint);
    }
    if (found < 0)
        return found;
    if (!ahead)
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "nothing waits as device '%s': run 'kedge-agent enroll' there, or "
                             "approve it --ahead",
                             device);
    const struct kedge_ledger_approval approval = {.fingerprint = fingerprint, .by = by, .at = now};
    *waited = false;
    int code = kedge_ledger_put(store, &kedge_ledger_approvals, device, &approval, err);
    return code ? code
                : kedge_ledger_tell(store, KEDGE_EVENT_ENROLMENT_APPROVED, device, by, fingerprint,
                                    now, err);
}

int kedge_enrolment_approve(struct kedge_store *store, const char *device, const char *fingerprint,
                            bool ahead, const char *by, kedge_ms now, bool *waited,
                            struct kedge_err *err)
{
    int code = kedge_store_begin(store, err);
    return code ? code
                : end(store, approve(store, device, fingerprint, ahead, by, now, waited, err), err);
}

int kedge_enrolment_rotate(struct kedge_store *store, const struct kedge_identity *before,
                           const struct kedge_public_key *after, kedge_ms now,
                           struct kedge_err *err)
{
    char text[KEDGE_KEY_TEXT], previous[KEDGE_KEY_TEXT], print[KEDGE_KEY_PRINT];
    struct kedge_public_key old;
    memcpy(old.bytes, before->key, sizeof old.bytes);
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_ledger_request row = {0};
    if (kedge_ledger_get(store, &kedge_ledger_enrolments, before->device, &arena, &row, err) < 0)
        return err->code;
    row = (struct kedge_ledger_request){
        .key = kedge_public_key_format(after, text),
        .hardware = before->hardware,
        .at = before->enrolled,
        .previous = kedge_public_key_format(&old, previous),
        .former = row.former,
    };
    int code = kedge_ledger_put(store, &kedge_ledger_enrolments, before->device, &row, err);
    if (!code)
        code = kedge_ledger_revise(store, err);
    return code ? code
                : kedge_ledger_tell(store, KEDGE_EVENT_KEY_ROTATED, before->device, NULL,
                                    kedge_public_key_fingerprint(after, print), now, err);
}

/* --- leaving ---------------------------------------------------------------------------------- */

static int refuse_key(struct kedge_store *store, const uint8_t key[KEDGE_KEY_SIZE],
                      const char *device, kedge_ms now, struct kedge_err *err)
{
    static const uint8_t none[KEDGE_KEY_SIZE];
    char hex[2 * KEDGE_KEY_SIZE + 1];
    const struct kedge_ledger_refused row = {.device = device, .at = now};
    if (memcmp(key, none, sizeof none) == 0)
        return 0;
    return kedge_ledger_put(store, &kedge_ledger_refusals,
                            kedge_hex_encode(key, KEDGE_KEY_SIZE, hex), &row, err);
}

/* Whoever names one of its keys from here on names nobody. */
static int refuse_keys(struct kedge_store *store, const struct kedge_identities *identities,
                       const struct kedge_device *device, kedge_ms now, struct kedge_err *err)
{
    const char *name = device->object.name;
    const struct kedge_identity *row = kedge_identity_find(identities, name);
    int code = refuse_key(store, device->public_key, name, now, err);
    return code || !row ? code : refuse_key(store, row->key, name, now, err);
}

static int set_standing(struct kedge_store *store, const char *device,
                        struct kedge_ledger_departure row, struct kedge_err *err)
{
    int code = kedge_ledger_put(store, &kedge_ledger_departures, device, &row, err);
    return code ? code : kedge_ledger_revise(store, err);
}

int kedge_enrolment_part(struct kedge_store *store, const struct kedge_identities *identities,
                         const struct kedge_device *device, kedge_ms now, struct kedge_err *err)
{
    const char *name = device->object.name;
    const struct kedge_ledger_departure row = {.standing = KEDGE_STANDING_GONE, .at = now};
    int code = refuse_keys(store, identities, device, now, err);
    if (!code)
        code = set_standing(store, name, row, err);
    return code ? code
                : kedge_ledger_tell(store, KEDGE_EVENT_DEVICE_DECOMMISSIONED, name, NULL,
                                    "it has erased its models and what they left", now, err);
}

static int dismiss(struct kedge_store *store, const struct kedge_identities *identities,
                   const struct kedge_device *device, bool at_once, const char *by, kedge_ms now,
                   struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const char *name = device->object.name;
    struct kedge_ledger_departure row = {0};
    int found = kedge_ledger_get(store, &kedge_ledger_departures, name, &arena, &row, err);
    if (found < 0)
        return found;
    bool gone = at_once || !kedge_identity_key(identities, device, NULL);
    if (found && (row.standing == KEDGE_STANDING_GONE || !gone))
        return kedge_err_set(err, KEDGE_EXISTS, "device '%s' is %s since it was told to go%s", name,
                             kedge_word_name(&kedge_standing_words, (int)row.standing),
                             row.standing == KEDGE_STANDING_GONE
                                 ? ""
                                 : "; --now does not wait for what it says");
    row = (struct kedge_ledger_departure){
        .standing = gone ? KEDGE_STANDING_GONE : KEDGE_STANDING_LEAVING,
        .at = now,
        .by = by,
    };
    int code = kedge_ledger_drop(store, &kedge_ledger_tokens, name, err);
    if (!code)
        code = kedge_ledger_drop(store, &kedge_ledger_approvals, name, err);
    if (!code && gone)
        code = refuse_keys(store, identities, device, now, err);
    if (!code)
        code = set_standing(store, name, row, err);
    return code
               ? code
               : kedge_ledger_tell(store,
                                   gone ? KEDGE_EVENT_DEVICE_DECOMMISSIONED
                                        : KEDGE_EVENT_DECOMMISSION_ORDERED,
                                   name, by,
                                   gone ? "at once: what is on it is not known to be erased" : NULL,
                                   now, err);
}

int kedge_enrolment_dismiss(struct kedge_store *store, const struct kedge_identities *identities,
                            const struct kedge_device *device, bool at_once, const char *by,
                            kedge_ms now, struct kedge_err *err)
{
    int code = kedge_store_begin(store, err);
    return code ? code : end(store, dismiss(store, identities, device, at_once, by, now, err), err);
}

int kedge_enrolment_farewell(struct kedge_store *store, const struct kedge_identity *row,
                             int64_t generation, struct kedge_err *err)
{
    const struct kedge_ledger_departure departure = {
        .standing = KEDGE_STANDING_LEAVING,
        .at = row->left,
        .farewell = generation,
    };
    return set_standing(store, row->device, departure, err);
}

int kedge_enrolment_return(struct kedge_store *store, const struct kedge_device *device,
                           kedge_ms now, struct kedge_err *err)
{
    int code = kedge_ledger_drop(store, &kedge_ledger_departures, device->object.name, err);
    if (!code)
        code = kedge_ledger_revise(store, err);
    return code ? code
                : kedge_ledger_tell(store, KEDGE_EVENT_DEVICE_ENROLLED, device->object.name, NULL,
                                    "a commit names a new key for it", now, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct kedge_identities *out;
    struct kedge_arena arena;
    struct kedge_err *err;
};

static int read_former(const struct kedge_strings *former, struct kedge_identity *out,
                       struct kedge_err *err)
{
    if (former->count > KEDGE_LIMIT_FORMER_KEYS)
        return kedge_err_set(err, KEDGE_CORRUPT, "device '%s' has %u former keys", out->device,
                             former->count);
    if (former->count)
        out->former = kedge_alloc_array(former->count, sizeof *out->former);
    for (uint32_t i = 0; i < former->count; i++) {
        struct kedge_public_key key;
        if (kedge_public_key_parse(former->at[i], &key, err))
            return err->code;
        memcpy(out->former[out->former_count++], key.bytes, KEDGE_KEY_SIZE);
    }
    return 0;
}

static int read_enrolment(const char *device, struct kedge_slice bytes, void *payload)
{
    struct reading *reading = payload;
    struct kedge_ledger_request row = {0};
    struct kedge_public_key key, previous = {{0}};
    int code = kedge_ledger_parse(&reading->arena, &kedge_ledger_enrolments, device, bytes, &row,
                                  reading->err);
    if (!code)
        code = kedge_public_key_parse(row.key, &key, reading->err);
    if (!code && row.previous)
        code = kedge_public_key_parse(row.previous, &previous, reading->err);
    if (code)
        return code;
    struct kedge_identity *identity = kedge_identity_add(reading->out, device);
    memcpy(identity->key, key.bytes, sizeof identity->key);
    memcpy(identity->previous, previous.bytes, sizeof identity->previous);
    identity->enrolled = row.at;
    kedge_identity_text(&identity->hardware, row.hardware);
    return read_former(&row.former, identity, reading->err);
}

static int read_departure(const char *device, struct kedge_slice bytes, void *payload)
{
    struct reading *reading = payload;
    struct kedge_ledger_departure row = {0};
    int code = kedge_ledger_parse(&reading->arena, &kedge_ledger_departures, device, bytes, &row,
                                  reading->err);
    if (code)
        return code;
    struct kedge_identity *identity = kedge_identity_add(reading->out, device);
    identity->standing = row.standing;
    identity->left = row.at;
    identity->farewell = row.farewell;
    return 0;
}

static int read_refusal(const char *hex, struct kedge_slice bytes, void *payload)
{
    (void)bytes;
    struct reading *reading = payload;
    uint8_t key[KEDGE_KEY_SIZE];
    if (!kedge_hex_decode(hex, strlen(hex), key, sizeof key))
        return kedge_err_set(reading->err, KEDGE_CORRUPT, "the store refuses '%.80s', no key", hex);
    kedge_identity_refuse(reading->out, key);
    return 0;
}

/* What was read before, holds apart. */
static void forget(struct kedge_identities *identities)
{
    for (size_t i = 0; i < identities->count; i++) {
        struct kedge_identity *row = identities->at[i];
        memset(row->key, 0, sizeof row->key);
        memset(row->previous, 0, sizeof row->previous);
        free(row->former);
        row->former = NULL;
        row->former_count = 0;
        kedge_identity_text(&row->hardware, NULL);
        row->enrolled = row->left = row->farewell = 0;
        row->standing = KEDGE_STANDING_MEMBER;
    }
    identities->refused_count = 0;
}

int kedge_enrolment_read(struct kedge_store *store, struct kedge_identities *out, int64_t *revision,
                         struct kedge_err *err)
{
    struct reading reading = {.out = out, .err = err};
    int code = kedge_ledger_revision(store, revision, err);
    forget(out);
    if (!code)
        code = kedge_store_each_item(store, kedge_ledger_enrolments.name, read_enrolment, &reading,
                                     err);
    if (!code)
        code = kedge_store_each_item(store, kedge_ledger_departures.name, read_departure, &reading,
                                     err);
    if (!code)
        code =
            kedge_store_each_item(store, kedge_ledger_refusals.name, read_refusal, &reading, err);
    kedge_arena_release(&reading.arena);
    return code;
}

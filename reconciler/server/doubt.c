/* SPDX-License-Identifier: Apache-2.0 */
#include "doubt.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/limits.h"
#include "state/event.h"
#include "state/record.h"

/* As it is kept: the key in hex. */
struct row {
    struct kedge_doubt doubt;
    char key[2 * KEDGE_KEY_SIZE + 1];
};

static const struct kedge_member members[] = {
    {KEDGE_RECORD_MEMBER("device", NAME, row, doubt.device), .required = true},
    {KEDGE_RECORD_MEMBER("at", AMOUNT, row, doubt.at)},
    {KEDGE_RECORD_MEMBER("link", AMOUNT, row, doubt.link)},
    {KEDGE_RECORD_MEMBER("counter", AMOUNT, row, doubt.counter)},
    {KEDGE_RECORD_MEMBER("kept", DIGEST, row, doubt.kept)},
    {KEDGE_RECORD_MEMBER("sent", DIGEST, row, doubt.sent)},
    {KEDGE_RECORD_MEMBER("key", HEX, row, key), .count = 2 * KEDGE_KEY_SIZE + 1, .required = true},
    {KEDGE_RECORD_MEMBER("settled", AMOUNT, row, doubt.settled)},
    {KEDGE_RECORD_MEMBER("by", STRING, row, doubt.by)},
};
static const struct kedge_record record = {members, KEDGE_COUNT(members), sizeof(struct row)};

static int put(struct kedge_store *store, const struct kedge_doubt *doubt, struct kedge_err *err)
{
    struct row row = {.doubt = *doubt};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_hex_encode(doubt->key, sizeof doubt->key, row.key);
    kedge_record_write(&record, &row, &(struct kedge_json_writer){.out = &text});
    return kedge_store_put_item(store, KEDGE_DOUBT_COLLECTION, doubt->device,
                                kedge_buf_slice(&text), err);
}

static int read(struct kedge_slice text, struct kedge_arena *arena, struct kedge_doubt *out,
                struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    struct row row = {0};
    int code = kedge_json_parse(text.data, text.size, KEDGE_KIB(16), &json, err);
    if (!code)
        code = kedge_record_read(arena, &record, json, &row, err);
    if (!code && !kedge_hex_decode(row.key, strlen(row.key), row.doubt.key, KEDGE_KEY_SIZE))
        code = kedge_err_set(err, KEDGE_CORRUPT, "its 'key' is no key");
    if (code)
        return kedge_err_wrap(err, "a doubt in the store");
    *out = row.doubt;
    return 0;
}

int kedge_doubt_raise(struct kedge_store *store, const struct kedge_doubt *doubt,
                      struct kedge_slice proof, struct kedge_err *err)
{
    char kept[KEDGE_DIGEST_TEXT], sent[KEDGE_DIGEST_TEXT];
    kedge_auto(kedge_buf) struct kedge_buf message = {0};
    kedge_buf_printf(&message, "its report %lld, about link %lld, is %s and contradicts %s",
                     (long long)doubt->counter, (long long)doubt->link,
                     kedge_digest_format(&doubt->sent, sent),
                     kedge_digest_format(&doubt->kept, kept));
    struct kedge_event event = {.at = doubt->at,
                                .kind = KEDGE_EVENT_DEVICE_CLONED,
                                .device = doubt->device,
                                .reason = "identity",
                                .message = message.data};
    int code = put(store, doubt, err);
    if (!code)
        code = kedge_store_put_item(store, KEDGE_DOUBT_PROOF, doubt->device, proof, err);
    return code ? code : kedge_store_append_event(store, &event, err);
}

int kedge_doubt_get(struct kedge_store *store, const char *device, struct kedge_arena *arena,
                    struct kedge_doubt *out, struct kedge_err *err)
{
    char *text = NULL;
    size_t size;
    int code = kedge_store_get_item(store, KEDGE_DOUBT_COLLECTION, device, &text, &size, err);
    if (!code)
        code = read((struct kedge_slice){text, size}, arena, out, err);
    free(text);
    return code;
}

int kedge_doubt_drop(struct kedge_store *store, const char *device, struct kedge_err *err)
{
    int code = kedge_store_remove_item(store, KEDGE_DOUBT_COLLECTION, device, err);
    return code ? code : kedge_store_remove_item(store, KEDGE_DOUBT_PROOF, device, err);
}

static int settle(struct kedge_store *store, const char *device, const char *by, kedge_ms now,
                  struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_doubt doubt;
    struct kedge_event event = {.at = now,
                                .kind = KEDGE_EVENT_DOUBT_SETTLED,
                                .device = device,
                                .by = by,
                                .message = "whoever reports next with its key is the device"};
    int code = kedge_doubt_get(store, device, &arena, &doubt, err);
    if (code)
        return code;
    doubt.settled = now;
    doubt.by = by;
    code = put(store, &doubt, err);
    return code ? code : kedge_store_append_event(store, &event, err);
}

int kedge_doubt_settle(struct kedge_store *store, const char *device, const char *by, kedge_ms now,
                       struct kedge_err *err)
{
    int code = kedge_store_begin(store, err);
    if (code)
        return code;
    code = settle(store, device, by, now, err);
    if (code) {
        kedge_store_rollback(store);
        return code;
    }
    return kedge_store_commit(store, err);
}

#define SHORT 16 /* hex digits that people compare */

void kedge_doubt_show(struct kedge_identities *identities, const char *device,
                      const struct kedge_doubt *doubt)
{
    struct kedge_identity *row =
        doubt ? kedge_identity_add(identities, device) : kedge_identity_find(identities, device);
    if (!row)
        return;
    kedge_auto(kedge_buf) struct kedge_buf why = {0}, frees = {0};
    if (doubt) {
        char kept[KEDGE_DIGEST_HEX], sent[KEDGE_DIGEST_HEX], at[KEDGE_TIME_TEXT];
        kedge_hex_encode(doubt->kept.bytes, KEDGE_DIGEST_SIZE, kept);
        kedge_hex_encode(doubt->sent.bytes, KEDGE_DIGEST_SIZE, sent);
        kedge_buf_printf(&why,
                         "two reporters have signed with its key: report %.*s contradicts link "
                         "%.*s (%s); it was cloned, or its state folder was copied, restored or "
                         "lost",
                         SHORT, sent, SHORT, kept, kedge_clock_format(doubt->at, at));
        kedge_buf_printf(&frees,
                         "'kedge device approve %s' once only one of them is left, or a new "
                         "enrolment",
                         device);
    }
    kedge_identity_text(&row->hold, why.data);
    kedge_identity_text(&row->frees, frees.data);
}

struct restoring {
    struct kedge_identities *identities;
    struct kedge_err *err;
};

static int show(const char *key, struct kedge_slice bytes, void *payload)
{
    struct restoring *to = payload;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_doubt doubt;
    int code = read(bytes, &arena, &doubt, to->err);
    if (!code)
        kedge_doubt_show(to->identities, key, &doubt);
    return code;
}

int kedge_doubt_restore(struct kedge_store *store, struct kedge_identities *identities,
                        struct kedge_err *err)
{
    struct restoring to = {identities, err};
    return kedge_store_each_item(store, KEDGE_DOUBT_COLLECTION, show, &to, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include <stdlib.h>

#include "base/limits.h"

#define REVISION "identities"

static const struct kedge_member token_members[] = {
    {KEDGE_RECORD_MEMBER("hash", STRING, kedge_ledger_token, hash), .required = true},
    {KEDGE_RECORD_MEMBER("hardware", STRING, kedge_ledger_token, hardware)},
    {KEDGE_RECORD_MEMBER("by", STRING, kedge_ledger_token, by)},
    {KEDGE_RECORD_MEMBER("issued", INTEGER, kedge_ledger_token, issued)},
    {KEDGE_RECORD_MEMBER("expires", INTEGER, kedge_ledger_token, expires)},
    {KEDGE_RECORD_MEMBER("used", INTEGER, kedge_ledger_token, used)},
    {KEDGE_RECORD_MEMBER("user", STRING, kedge_ledger_token, user)},
};

static const struct kedge_member request_members[] = {
    {KEDGE_RECORD_MEMBER("publicKey", STRING, kedge_ledger_request, key), .required = true},
    {KEDGE_RECORD_MEMBER("hardware", STRING, kedge_ledger_request, hardware)},
    {KEDGE_RECORD_MEMBER("at", INTEGER, kedge_ledger_request, at)},
    {KEDGE_RECORD_MEMBER("previousKey", STRING, kedge_ledger_request, previous)},
    {KEDGE_RECORD_MEMBER("formerKeys", STRINGS, kedge_ledger_request, former)},
};

static const struct kedge_member approval_members[] = {
    {KEDGE_RECORD_MEMBER("fingerprint", STRING, kedge_ledger_approval, fingerprint),
     .required = true},
    {KEDGE_RECORD_MEMBER("by", STRING, kedge_ledger_approval, by)},
    {KEDGE_RECORD_MEMBER("at", INTEGER, kedge_ledger_approval, at)},
};

static const struct kedge_member departure_members[] = {
    {KEDGE_RECORD_MEMBER("standing", WORD, kedge_ledger_departure, standing),
     .detail = &kedge_standing_words, .required = true},
    {KEDGE_RECORD_MEMBER("at", INTEGER, kedge_ledger_departure, at)},
    {KEDGE_RECORD_MEMBER("by", STRING, kedge_ledger_departure, by)},
    {KEDGE_RECORD_MEMBER("farewell", AMOUNT, kedge_ledger_departure, farewell)},
};

static const struct kedge_member refused_members[] = {
    {KEDGE_RECORD_MEMBER("device", NAME, kedge_ledger_refused, device), .required = true},
    {KEDGE_RECORD_MEMBER("at", INTEGER, kedge_ledger_refused, at)},
};

#define LEDGER(name_, row)                                                                         \
    {                                                                                              \
        name_,                                                                                     \
        {                                                                                          \
            row##_members, KEDGE_COUNT(row##_members), sizeof(struct kedge_ledger_##row)           \
        }                                                                                          \
    }
const struct kedge_ledger kedge_ledger_tokens = LEDGER("token", token);
const struct kedge_ledger kedge_ledger_requests = LEDGER("request", request);
const struct kedge_ledger kedge_ledger_approvals = LEDGER("approval", approval);
const struct kedge_ledger kedge_ledger_enrolments = LEDGER("enrolment", request);
const struct kedge_ledger kedge_ledger_departures = LEDGER("departure", departure);
const struct kedge_ledger kedge_ledger_refusals = LEDGER("refused", refused);

int kedge_ledger_put(struct kedge_store *store, const struct kedge_ledger *where, const char *key,
                     const void *row, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf json = {0};
    kedge_record_write(&where->record, row, &(struct kedge_json_writer){.out = &json});
    return kedge_store_put_item(store, where->name, key, kedge_buf_slice(&json), err);
}

int kedge_ledger_parse(struct kedge_arena *arena, const struct kedge_ledger *where, const char *key,
                       struct kedge_slice bytes, void *row, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    if (kedge_json_parse(bytes.data, bytes.size, KEDGE_LIMIT_ENROL, &json, err) == 0 &&
        kedge_record_read(arena, &where->record, json, row, err) == 0)
        return 0;
    err->code = KEDGE_CORRUPT;
    return kedge_err_wrap(err, "the store's %s '%s'", where->name, key);
}

int kedge_ledger_get(struct kedge_store *store, const struct kedge_ledger *where, const char *key,
                     struct kedge_arena *arena, void *row, struct kedge_err *err)
{
    char *bytes;
    size_t size;
    int code = kedge_store_get_item(store, where->name, key, &bytes, &size, err);
    if (code)
        return code == KEDGE_NOTFOUND ? 0 : code;
    code = kedge_ledger_parse(arena, where, key, (struct kedge_slice){bytes, size}, row, err);
    free(bytes);
    return code ? code : 1;
}

int kedge_ledger_drop(struct kedge_store *store, const struct kedge_ledger *where, const char *key,
                      struct kedge_err *err)
{
    return kedge_store_remove_item(store, where->name, key, err);
}

int kedge_ledger_revision(struct kedge_store *store, int64_t *out, struct kedge_err *err)
{
    char *text = NULL;
    int code = kedge_store_get(store, REVISION, &text, err);
    if (code && code != KEDGE_NOTFOUND)
        return code;
    *out = text ? strtoll(text, NULL, 10) : 0;
    free(text);
    return 0;
}

int kedge_ledger_revise(struct kedge_store *store, struct kedge_err *err)
{
    int64_t revision;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_ledger_revision(store, &revision, err);
    if (code)
        return code;
    kedge_buf_printf(&text, "%lld", (long long)revision + 1);
    return kedge_store_put(store, REVISION, text.data, err);
}

int kedge_ledger_tell(struct kedge_store *store, enum kedge_event_kind kind, const char *device,
                      const char *by, const char *message, kedge_ms now, struct kedge_err *err)
{
    struct kedge_event event = {
        .at = now, .kind = kind, .device = device, .by = by, .message = message};
    return kedge_store_append_event(store, &event, err);
}

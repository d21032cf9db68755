/* SPDX-License-Identifier: Apache-2.0 */
#include "action.h"

#include <string.h>

#include "base/codec.h"
#include "base/digest.h"
#include "record.h"

/* NUL ends each part, so that no two lists of parts give the same bytes. */
static void add_part(struct kedge_buf *bytes, const char *part)
{
    kedge_buf_add(bytes, part, strlen(part) + 1);
}

void kedge_action_from_change(const struct kedge_change *change, const char *commit,
                              struct kedge_action *out)
{
    static const struct kedge_digest none;
    const struct kedge_digest *content =
        change->want != NULL ? &change->want->assignment.content : &none;
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    add_part(&bytes, commit);
    add_part(&bytes, change->device);
    add_part(&bytes, change->instance);
    add_part(&bytes, kedge_word_name(&kedge_verb_words, (int)change->verb));
    kedge_buf_add(&bytes, content->bytes, sizeof content->bytes);
    struct kedge_digest digest = kedge_digest_of(bytes.data, bytes.size);
    *out = (struct kedge_action){
        .verb = change->verb,
        .drift = change->drift,
        .instance = change->instance,
        .from = change->from,
        .to = change->to,
        .reason = change->reason,
    };
    kedge_hex_encode(digest.bytes, KEDGE_ACTION_ID_TEXT / 2, out->id);
}

static const struct kedge_member members[] = {
    {KEDGE_RECORD_MEMBER("id", HEX, kedge_action, id), .count = KEDGE_ACTION_ID_TEXT,
     .required = true},
    {KEDGE_RECORD_MEMBER("verb", WORD, kedge_action, verb), .detail = &kedge_verb_words,
     .required = true},
    {KEDGE_RECORD_MEMBER("drift", WORD, kedge_action, drift), .detail = &kedge_drift_words},
    {KEDGE_RECORD_MEMBER("instance", NAME, kedge_action, instance), .required = true},
    {KEDGE_RECORD_MEMBER("from", STRING, kedge_action, from)},
    {KEDGE_RECORD_MEMBER("to", STRING, kedge_action, to)},
    {KEDGE_RECORD_MEMBER("reason", STRING, kedge_action, reason)},
};
static const struct kedge_record record = {members, KEDGE_COUNT(members),
                                           sizeof(struct kedge_action)};

void kedge_action_write(const struct kedge_action *action, struct kedge_json_writer *writer)
{
    kedge_record_write(&record, action, writer);
}

int kedge_action_read(struct kedge_arena *arena, const json_t *json, struct kedge_action *out,
                      struct kedge_err *err)
{
    struct kedge_action read = {0};
    int rc = kedge_record_read(arena, &record, json, &read, err);
    if (rc != 0) {
        kedge_err_wrap(err, "action");
        return rc;
    }
    *out = read;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from reading, so that who only reads an inventory links no store. */
#include "inventory.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "wire/key.h"

struct writing {
    const struct kedge_actual *actual;
    struct kedge_json_writer *w;
};

static int write_report(const struct kedge_store_report *report, void *payload)
{
    struct writing *to = payload;
    struct kedge_json_writer *w = to->w;
    const struct kedge_actual_device *row = kedge_actual_find(to->actual, report->device);
    char text[KEDGE_DIGEST_TEXT > KEDGE_TIME_TEXT ? KEDGE_DIGEST_TEXT : KEDGE_TIME_TEXT];
    if (!row || row->report.counter != report->counter)
        return 0; /* not of a device of ours, or not verified */
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "device", report->device);
    kedge_json_add_string(w, "received", kedge_clock_format(report->received, text));
    kedge_json_add_integer(w, "generation", row->generation);
    kedge_json_add_string(w, "set", kedge_digest_format(&row->envelope_set, text));
    struct kedge_public_key key;
    char print[KEDGE_KEY_TEXT];
    memcpy(key.bytes, row->key, sizeof key.bytes);
    kedge_json_add_string(w, "publicKey", kedge_public_key_format(&key, print));
    kedge_json_key(w, "authorised");
    kedge_json_begin_array(w);
    for (uint32_t i = 0; i < row->authorised.count; i++)
        kedge_json_put_string(w, row->authorised.at[i]);
    kedge_json_end_array(w);
    kedge_json_key(w, "evidence");
    kedge_json_put_slice(w, report->evidence);
    kedge_json_end_object(w);
    return 0;
}

int kedge_inventory_write(struct kedge_store *store, const struct kedge_actual *actual,
                          const char *commit, const struct kedge_digest *digest, kedge_ms now,
                          struct kedge_json_writer *w, struct kedge_err *err)
{
    char time[KEDGE_TIME_TEXT], text[KEDGE_DIGEST_TEXT];
    struct writing to = {.actual = actual, .w = w};
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "format", KEDGE_INVENTORY_FORMAT);
    kedge_json_add_string(w, "at", kedge_clock_format(now, time));
    kedge_json_add_string(w, "commit", commit);
    kedge_json_add_string(w, "digest", kedge_digest_format(digest, text));
    kedge_json_key(w, "devices");
    kedge_json_begin_array(w);
    if (kedge_store_each_report(store, write_report, &to, err) < 0)
        return err->code;
    kedge_json_end_array(w);
    kedge_json_end_object(w);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "state/event.h"

#define BATCH      2048          /* links that are verified together */
#define BATCH_MOST KEDGE_MIB(32) /* ... and bytes */
#define GRAIN      16
#define KEYS       16 /* of one device that count */
_Static_assert(KEDGE_LIMIT_FORMER_KEYS + 2 < KEYS, "the former ones too, and one that is given");

void kedge_audit_release(struct kedge_audit *audit)
{
    for (size_t i = 0; i < audit->count; i++)
        free(audit->at[i].received);
    free(audit->at);
    kedge_arena_release(&audit->arena);
    *audit = (struct kedge_audit){0};
}

void kedge_audit_auto(struct kedge_audit *audit)
{
    kedge_audit_release(audit);
}

/* Rows come in the order of devices. */
static struct kedge_audit_row *row_of(struct kedge_audit *audit, const char *device)
{
    struct kedge_audit_row *last = audit->count ? &audit->at[audit->count - 1] : NULL;
    if (last && strcmp(last->walk.device, device) == 0)
        return last;
    if (audit->count == audit->capacity) {
        audit->capacity = audit->capacity ? 2 * audit->capacity : 64;
        audit->at = kedge_alloc_grow(audit->at, audit->capacity * sizeof *audit->at);
    }
    struct kedge_audit_row *row = &audit->at[audit->count++];
    *row = (struct kedge_audit_row){.walk.device = kedge_arena_strdup(&audit->arena, device)};
    return row;
}

static struct kedge_audit_row *find_row(const struct kedge_audit *audit, const char *device)
{
    size_t low = 0, high = audit->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(audit->at[middle].walk.device, device);
        if (order == 0)
            return &audit->at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Whose word is evidence: a key that is refused by now, because the device was sent off, has spoken
 * for it until then. */
static size_t keys_of(const struct kedge_audit_keys *keys, const char *device,
                      struct kedge_public_key out[KEYS])
{
    static const uint8_t none[KEDGE_KEY_SIZE];
    size_t count = 0;
    const struct kedge_device *spec =
        keys->specs ? kedge_spec_find(keys->specs, KEDGE_KIND_DEVICE, device) : NULL;
    const struct kedge_identity *row =
        keys->identities ? kedge_identity_find(keys->identities, device) : NULL;
    const uint8_t *const known[] = {spec ? spec->public_key : none, row ? row->key : none};
    for (size_t i = 0; i < KEDGE_COUNT(known); i++)
        if (memcmp(known[i], none, sizeof none) != 0)
            memcpy(out[count++].bytes, known[i], KEDGE_KEY_SIZE);
    for (uint32_t i = 0; row && i < row->former_count; i++)
        memcpy(out[count++].bytes, row->former[i], KEDGE_KEY_SIZE);
    for (size_t i = 0; i < keys->given_count && count < KEYS; i++)
        if (strcmp(keys->given[i].device, device) == 0)
            out[count++] = keys->given[i].key;
    return count;
}

/* --- links ----------------------------------------------------------------------------------- */

struct batch {
    const struct kedge_audit_keys *keys;
    struct kedge_audit *audit;
    struct kedge_chain_link *links;
    size_t count;
    struct kedge_arena arena;
};

static void open_links(unsigned worker, size_t first, size_t last, void *payload)
{
    (void)worker;
    struct batch *batch = payload;
    struct kedge_public_key keys[KEYS];
    for (size_t i = first; i < last; i++) {
        struct kedge_chain_link *link = &batch->links[i];
        kedge_chain_open(link, keys, keys_of(batch->keys, link->kept.device, keys));
    }
}

static void note_received(struct kedge_audit_row *row, kedge_ms received)
{
    size_t count = row->walk.links;
    if (count > row->capacity) {
        row->capacity = row->capacity ? 2 * row->capacity : 16;
        row->received = kedge_alloc_grow(row->received, row->capacity * sizeof *row->received);
    }
    row->received[count - 1] = received;
}

static void finish_batch(struct batch *batch)
{
    kedge_parallel_run(batch->count, GRAIN, open_links, batch);
    for (size_t i = 0; i < batch->count; i++) {
        const struct kedge_chain_link *link = &batch->links[i];
        struct kedge_audit_row *row = row_of(batch->audit, link->kept.device);
        batch->audit->links++;
        if (kedge_chain_step(&row->walk, link))
            note_received(row, link->kept.received);
    }
    kedge_arena_release(&batch->arena);
    batch->count = 0;
}

static int add_link(const struct kedge_store_evidence *kept, void *payload)
{
    struct batch *batch = payload;
    struct kedge_chain_link *link = &batch->links[batch->count++];
    link->kept = *kept;
    link->kept.device = kedge_arena_strdup(&batch->arena, kept->device);
    link->kept.envelope.data =
        kedge_arena_strndup(&batch->arena, kept->envelope.data, kept->envelope.size);
    if (batch->count == BATCH || batch->arena.used > BATCH_MOST)
        finish_batch(batch);
    return 0;
}

/* --- the last reports ------------------------------------------------------------------------ */

struct ending {
    const struct kedge_audit_keys *keys;
    struct kedge_audit *audit;
    const char *const *devices;
    size_t device_count;
};

static bool is_wanted(const char *const *devices, size_t count, const char *device)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(devices[i], device) == 0)
            return true;
    return count == 0;
}

/* The report by which a device's chain ends. One of which no link is kept makes a row of its own. */
static int end_chain(const struct kedge_store_report *last, void *payload)
{
    struct ending *ending = payload;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_public_key keys[KEYS];
    struct kedge_report report;
    struct kedge_err err;
    struct kedge_audit_row *row = find_row(ending->audit, last->device);
    if (!row || row->ended)
        return 0;
    size_t count = keys_of(ending->keys, last->device, keys);
    int code = KEDGE_DENIED;
    for (size_t i = 0; code && i < count; i++)
        code = kedge_evidence_verify(&arena, last->evidence, last->device, &keys[i], &report, &err);
    row->ended = true;
    if (code && row->walk.unvouched == 0)
        kedge_chain_break(&row->walk, KEDGE_CHAIN_ALTERED, row->walk.link,
                          "the device's last report cannot be verified: %s",
                          count ? err.msg : "nobody vouches for a key of the device");
    else
        kedge_chain_end(&row->walk, code ? NULL : &report);
    return 0;
}

static int note_reporter(const struct kedge_store_report *last, void *payload)
{
    struct ending *ending = payload;
    if (is_wanted(ending->devices, ending->device_count, last->device))
        (void)row_of(ending->audit, last->device);
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct kedge_audit_row *one = a, *two = b;
    int order = strcmp(one->walk.device, two->walk.device);
    /* Of two rows of one device, the one that has links comes first. */
    return order ? order
                 : (one->walk.links < two->walk.links) - (one->walk.links > two->walk.links);
}

/* Devices that have reported, and of which no link is left, are missing all of theirs. */
static int add_reporters(struct kedge_store *store, struct ending *ending, struct kedge_err *err)
{
    struct kedge_audit *audit = ending->audit;
    int code = kedge_store_each_report(store, note_reporter, ending, err);
    if (code || audit->count == 0)
        return code;
    qsort(audit->at, audit->count, sizeof *audit->at, compare_rows);
    size_t kept = 1;
    for (size_t i = 1; i < audit->count; i++)
        if (strcmp(audit->at[i].walk.device, audit->at[kept - 1].walk.device) != 0)
            audit->at[kept++] = audit->at[i];
    audit->count = kept;
    return 0;
}

/* --- what history claims --------------------------------------------------------------------- */

/* Facts that a link has to prove; it was received at that very moment. */
static bool is_claim(enum kedge_event_kind kind)
{
    return kind == KEDGE_EVENT_ACTION_SUCCEEDED || kind == KEDGE_EVENT_ACTION_FAILED ||
           kind == KEDGE_EVENT_ACTION_ROLLED_BACK || kind == KEDGE_EVENT_DRIFT_DETECTED ||
           kind == KEDGE_EVENT_DRIFT_HEALED || kind == KEDGE_EVENT_ENVELOPE_REFUSED;
}

static int compare_times(const void *a, const void *b)
{
    kedge_ms one = *(const kedge_ms *)a, two = *(const kedge_ms *)b;
    return (one > two) - (one < two);
}

/* Clocks are set back now and then. */
static void sort_received(struct kedge_audit *audit)
{
    for (size_t i = 0; i < audit->count; i++)
        if (audit->at[i].walk.links)
            qsort(audit->at[i].received, audit->at[i].walk.links, sizeof(kedge_ms), compare_times);
}

static int compare_claim(const struct kedge_event *event, void *payload)
{
    const struct kedge_audit *audit = payload;
    if (!event->device || !is_claim(event->kind))
        return 0;
    struct kedge_audit_row *row = find_row(audit, event->device);
    if (!row || row->walk.flaw)
        return 0;
    for (size_t low = 0, high = row->walk.links; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (row->received[middle] == event->at)
            return 0;
        if (row->received[middle] < event->at)
            low = middle + 1;
        else
            high = middle;
    }
    char at[KEDGE_TIME_TEXT];
    kedge_chain_break(&row->walk, KEDGE_CHAIN_CLAIMED, row->walk.link,
                      "history claims %s of '%s' at %s, and no link came then (event %lld)",
                      kedge_word_name(&kedge_event_words, (int)event->kind),
                      event->instance ? event->instance : "the device",
                      kedge_clock_format(event->at, at), (long long)event->seq);
    return 0;
}

static void end_rest(struct kedge_audit *audit)
{
    for (size_t i = 0; i < audit->count; i++)
        if (!audit->at[i].ended)
            kedge_chain_end(&audit->at[i].walk, NULL);
}

static void count_broken(struct kedge_audit *audit)
{
    for (size_t i = 0; i < audit->count; i++)
        audit->broken += audit->at[i].walk.flaw != KEDGE_CHAIN_WHOLE;
}

static int read_links(struct kedge_store *store, struct batch *batch, const char *const *devices,
                      size_t count, struct kedge_err *err)
{
    int code = 0;
    if (count == 0)
        code = kedge_store_each_evidence(store, NULL, add_link, batch, err);
    for (size_t i = 0; i < count && !code; i++)
        if (i == 0 || !is_wanted(devices, i, devices[i])) /* not named twice */
            code = kedge_store_each_evidence(store, devices[i], add_link, batch, err);
    if (!code)
        finish_batch(batch);
    kedge_arena_release(&batch->arena);
    return code;
}

int kedge_audit_store(struct kedge_store *store, const struct kedge_audit_keys *keys,
                      const char *const *devices, size_t device_count, struct kedge_audit *out,
                      struct kedge_err *err)
{
    struct batch batch = {.keys = keys,
                          .audit = out,
                          .links = kedge_alloc_array(BATCH, sizeof *batch.links)};
    struct ending ending = {keys, out, devices, device_count};
    const struct kedge_store_filter all = {.ascending = true};
    int code = read_links(store, &batch, devices, device_count, err);
    free(batch.links);
    if (!code)
        code = add_reporters(store, &ending, err);
    if (!code)
        code = kedge_store_each_report(store, end_chain, &ending, err);
    end_rest(out);
    sort_received(out);
    if (!code)
        code = kedge_store_each_event(store, &all, compare_claim, out, err);
    for (size_t i = 0; i < device_count && !code; i++)
        if (!find_row(out, devices[i]))
            code = kedge_err_set(err, KEDGE_NOTFOUND, "the store keeps no evidence of device '%s'",
                                 devices[i]);
    count_broken(out);
    return code;
}

/* --- files ----------------------------------------------------------------------------------- */

static void add_time(struct kedge_json_writer *w, kedge_ms at)
{
    char text[KEDGE_TIME_TEXT];
    kedge_json_add_string(w, "received", kedge_clock_format(at, text));
}

static int export_link(const struct kedge_store_evidence *kept, void *payload)
{
    struct kedge_json_writer w = {.out = payload};
    struct kedge_public_key key;
    char digest[KEDGE_DIGEST_TEXT], text[KEDGE_KEY_TEXT];
    memcpy(key.bytes, kept->key, sizeof key.bytes);
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", kept->device);
    kedge_json_add_integer(&w, "chain", kept->chain);
    kedge_json_add_integer(&w, "link", kept->link);
    kedge_json_add_integer(&w, "counter", kept->counter);
    add_time(&w, kept->received);
    kedge_json_add_string(&w, "digest", kedge_digest_format(&kept->digest, digest));
    kedge_json_add_string(&w, "key", kedge_public_key_format(&key, text));
    kedge_json_key(&w, "envelope");
    kedge_json_put_slice(&w, kept->envelope);
    kedge_json_end_object(&w);
    kedge_buf_putc(payload, '\n');
    return 0;
}

struct exporting {
    const char *device;
    struct kedge_buf *out;
};

static int export_report(const struct kedge_store_report *report, void *payload)
{
    struct exporting *to = payload;
    struct kedge_json_writer w = {.out = to->out};
    if (strcmp(report->device, to->device) != 0)
        return 0;
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", report->device);
    add_time(&w, report->received);
    kedge_json_key(&w, "report");
    kedge_json_put_slice(&w, report->evidence);
    kedge_json_end_object(&w);
    kedge_buf_putc(to->out, '\n');
    return 0;
}

int kedge_audit_export(struct kedge_store *store, const char *device, struct kedge_buf *out,
                       struct kedge_err *err)
{
    struct exporting to = {device, out};
    size_t before = out->size;
    int code = kedge_store_each_evidence(store, device, export_link, out, err);
    if (!code)
        code = kedge_store_each_report(store, export_report, &to, err);
    if (!code && out->size == before)
        code = kedge_err_set(err, KEDGE_NOTFOUND, "the store keeps no evidence of device '%s'",
                             device);
    return code;
}

static int read_link(const json_t *json, struct kedge_store_evidence *out, struct kedge_err *err)
{
    const char *received, *digest, *key, *envelope;
    struct kedge_public_key read;
    if (kedge_json_integer(json, "chain", &out->chain, err) < 0 ||
        kedge_json_integer(json, "link", &out->link, err) < 0 ||
        kedge_json_integer(json, "counter", &out->counter, err) < 0 ||
        kedge_json_string(json, "received", &received, err) < 0 ||
        kedge_json_string(json, "digest", &digest, err) < 0 ||
        kedge_json_string(json, "key", &key, err) < 0 ||
        kedge_json_string(json, "envelope", &envelope, err) < 0)
        return err->code;
    /* What is malformed here does not fit what is signed, and is found there. */
    (void)!kedge_clock_parse(received, &out->received);
    (void)!kedge_digest_parse(digest, &out->digest);
    if (kedge_public_key_parse(key, &read, err) == 0)
        memcpy(out->key, read.bytes, sizeof out->key);
    out->envelope = (struct kedge_slice){envelope, strlen(envelope)};
    return 0;
}

/* One line: a link goes into the batch, a report ends its chain. */
static int read_line(struct kedge_slice line, struct batch *batch, struct ending *ending,
                     struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_store_evidence kept = {0};
    const char *device, *report = NULL;
    if (kedge_json_parse(line.data, line.size, 4 * KEDGE_LIMIT_REPORT, &json, err) < 0 ||
        kedge_json_string(json, "device", &device, err) < 0 ||
        kedge_json_opt_string(json, "report", &report, err) < 0)
        return err->code;
    const struct kedge_audit *audit = batch->audit;
    if (audit->count && strcmp(device, audit->at[audit->count - 1].walk.device) < 0)
        return kedge_err_set(err, KEDGE_INVALID, "devices are not in their order");
    if (report) {
        finish_batch(batch);
        (void)row_of(batch->audit, device);
        return end_chain(&(struct kedge_store_report){.device = device,
                                                      .evidence = {report, strlen(report)}},
                         ending);
    }
    kept.device = device;
    if (read_link(json, &kept, err) < 0)
        return err->code;
    return add_link(&kept, batch);
}

int kedge_audit_file(struct kedge_slice file, const struct kedge_audit_keys *keys,
                     struct kedge_audit *out, struct kedge_err *err)
{
    struct batch batch = {.keys = keys,
                          .audit = out,
                          .links = kedge_alloc_array(BATCH, sizeof *batch.links)};
    struct ending ending = {.keys = keys, .audit = out};
    int code = 0;
    size_t number = 1;
    for (size_t at = 0, size; at < file.size && !code; at += size + 1, number++) {
        const char *end = memchr(file.data + at, '\n', file.size - at);
        size = end ? (size_t)(end - file.data) - at : file.size - at;
        code = read_line((struct kedge_slice){file.data + at, size}, &batch, &ending, err);
        if (code)
            kedge_err_wrap(err, "line %zu", number);
    }
    if (!code)
        finish_batch(&batch);
    kedge_arena_release(&batch.arena);
    free(batch.links);
    end_rest(out);
    count_broken(out);
    return code;
}

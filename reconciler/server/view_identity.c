/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "enrolment.h"
#include "inside.h"
#include "view_write.h"

const struct kedge_desired_device *kedge_view_wants(struct kedge_view_job *job,
                                                    const struct kedge_desired_device *desired)
{
    if (!kedge_identity_leaves(&job->server->actual.identities, desired->name))
        return desired;
    struct kedge_desired_device *nothing = kedge_arena_alloc(job->arena, sizeof *nothing);
    nothing->name = desired->name;
    nothing->device = desired->device;
    nothing->set = kedge_assignment_set_digest(NULL, 0);
    return nothing;
}

static void add_fingerprint(struct kedge_view_job *job, const char *member, const uint8_t *bytes)
{
    struct kedge_public_key key;
    char print[KEDGE_KEY_PRINT];
    memcpy(key.bytes, bytes, sizeof key.bytes);
    kedge_json_add_string(&job->w, member, kedge_public_key_fingerprint(&key, print));
}

/* Two keys are named, and only one of them counts. */
static bool in_conflict(const struct kedge_device *device, const struct kedge_identity *row)
{
    static const uint8_t none[KEDGE_KEY_SIZE];
    return row && memcmp(row->key, none, sizeof none) != 0 &&
           memcmp(device->public_key, none, sizeof none) != 0 &&
           memcmp(row->key, device->public_key, sizeof none) != 0;
}

void kedge_view_add_identity(struct kedge_view_job *job, const struct kedge_device *device)
{
    const struct kedge_identities *identities = &job->server->actual.identities;
    const struct kedge_identity *row = kedge_identity_find(identities, device->object.name);
    struct kedge_json_writer *w = &job->w;
    enum kedge_key_origin origin;
    const uint8_t *key = kedge_identity_key(identities, device, &origin);
    kedge_json_key(w, "identity");
    kedge_json_begin_object(w);
    kedge_view_add_word(job, "key", &kedge_key_origin_words, (int)origin);
    if (key)
        add_fingerprint(job, "fingerprint", key);
    if (in_conflict(device, row))
        add_fingerprint(job, key == row->key ? "manifestHas" : "enrolledWith",
                        key == row->key ? device->public_key : row->key);
    if (row) {
        kedge_json_add_string(w, "hardware", row->hardware);
        kedge_view_add_time(job, "enrolled", row->enrolled);
        kedge_json_add_string(w, "standing", kedge_standing_words.words[row->standing]);
        kedge_view_add_time(job, "left", row->left);
        kedge_json_add_string(w, "hold", row->hold);
        kedge_json_add_string(w, "frees", row->frees);
    }
    kedge_json_end_object(w);
}

struct waiting {
    struct kedge_view_job *job;
    const char *device; /* NULL: all */
};

static int add_request(const struct kedge_enrolment_request *request, void *payload)
{
    const struct waiting *waiting = payload;
    struct kedge_view_job *job = waiting->job;
    if (waiting->device && strcmp(waiting->device, request->device) != 0)
        return 0;
    kedge_json_begin_object(&job->w);
    kedge_json_add_string(&job->w, "device", request->device);
    add_fingerprint(job, "fingerprint", request->key.bytes);
    kedge_json_add_string(&job->w, "hardware", request->hardware);
    kedge_view_add_time(job, "at", request->at);
    kedge_json_end_object(&job->w);
    return 0;
}

int kedge_view_add_waiting(struct kedge_view_job *job, const char *device, struct kedge_err *err)
{
    struct waiting waiting = {job, device};
    kedge_json_key(&job->w, "waiting");
    kedge_json_begin_array(&job->w);
    if (kedge_enrolment_each_request(job->server->options.store, job->now, add_request, &waiting,
                                     err) < 0)
        return err->code;
    kedge_json_end_array(&job->w);
    return 0;
}

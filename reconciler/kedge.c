/* SPDX-License-Identifier: Apache-2.0 */
#include "kedge/kedge.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/limits.h"
#include "cli/changes.h"
#include "cli/findings.h"
#include "cli/revision.h"
#include "core/diff.h"
#include "core/schedule.h"
#include "server/inventory.h"
#include "server/seal.h"
#include "wire/envelope.h"
#include "wire/keyfile.h"

/* A payload whose envelope is no larger than kedge accepts: base64 makes it 4/3, which leaves a
 * ninth of the limit for signatures. */
#define PAYLOAD_LIMIT (KEDGE_LIMIT_ENVELOPE / 3 * 2)

struct kedge_fleet {
    struct kedge_revision revision;
};

const char *kedge_version(void)
{
    return KEDGE_VERSION_TEXT;
}

void kedge_text_free(char *text)
{
    free(text);
}

static struct kedge_fleet *new_fleet(const struct kedge_revision *revision)
{
    struct kedge_fleet *fleet = kedge_alloc_zeroed(sizeof *fleet);
    fleet->revision = *revision;
    return fleet;
}

int kedge_fleet_load_folder(const char *path, struct kedge_fleet **out, struct kedge_err *err)
{
    struct kedge_revision revision = {0};
    int code = kedge_revision_read(path, &revision, err);
    if (!code)
        *out = new_fleet(&revision);
    return code;
}

int kedge_fleet_load_commit(const char *repository, const char *revision, const char *root,
                            struct kedge_fleet **out, struct kedge_err *err)
{
    kedge_auto(kedge_git) struct kedge_git *git = NULL;
    struct kedge_revision read = {0};
    char commit[KEDGE_COMMIT_TEXT];
    int code = kedge_git_open(repository, &git, err);
    if (!code)
        code = kedge_git_resolve(git, revision, commit, err);
    if (!code)
        code = kedge_revision_checkout(git, NULL, commit, root, &read, err);
    if (!code)
        *out = new_fleet(&read);
    return code;
}

void kedge_fleet_free(struct kedge_fleet *fleet)
{
    if (fleet)
        kedge_revision_release(&fleet->revision);
    free(fleet);
}

bool kedge_fleet_is_valid(const struct kedge_fleet *fleet)
{
    return fleet->revision.desired != NULL;
}

const char *kedge_fleet_commit(const struct kedge_fleet *fleet)
{
    return fleet->revision.tree.commit;
}

char *kedge_fleet_findings(const struct kedge_fleet *fleet)
{
    struct kedge_buf json = {0};
    kedge_findings_json(
        &(struct kedge_findings_report){
            .findings = &fleet->revision.findings,
            .tree = &fleet->revision.tree,
        },
        &json);
    return kedge_buf_take(&json);
}

/* Refuses a fleet of which there are findings only. */
static int require_valid(const struct kedge_fleet *fleet, const char *name, struct kedge_err *err)
{
    size_t errors = fleet->revision.findings.errors;
    if (kedge_fleet_is_valid(fleet))
        return 0;
    return kedge_err_set(err, KEDGE_INVALID,
                         "the manifests of '%s' have %zu error%s: see kedge_fleet_findings", name,
                         errors, errors == 1 ? "" : "s");
}

int kedge_fleet_resolve(const struct kedge_fleet *fleet, const char *device, char **json,
                        struct kedge_err *err)
{
    struct kedge_buf out = {0};
    struct kedge_json_writer w = {.out = &out};
    char set[KEDGE_DIGEST_TEXT];
    int code = require_valid(fleet, "fleet", err);
    if (code)
        return code;
    const struct kedge_desired_device *row =
        kedge_table_find(fleet->revision.desired->devices, device);
    if (!row)
        return kedge_err_set(err, KEDGE_NOTFOUND, "the manifests declare no device '%s'", device);
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", row->name);
    kedge_json_add_string(&w, "commit", kedge_fleet_commit(fleet));
    kedge_json_add_string(&w, "set", kedge_digest_format(&row->set, set));
    kedge_json_key(&w, "assignments");
    kedge_json_begin_array(&w);
    for (uint32_t i = 0; i < row->count; i++)
        kedge_json_put_raw(&w, row->assignments[i]->json);
    kedge_json_end_array(&w);
    kedge_json_end_object(&w);
    *json = kedge_buf_take(&out);
    return 0;
}

int kedge_fleet_diff(const struct kedge_fleet *before, const struct kedge_fleet *after, char **json,
                     struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_buf out = {0};
    int code = require_valid(before, "before", err);
    if (!code)
        code = require_valid(after, "after", err);
    if (code)
        return code;
    kedge_changes_document(kedge_diff_desired(&arena, before->revision.desired,
                                              after->revision.desired),
                           kedge_fleet_commit(before), kedge_fleet_commit(after), &out);
    *json = kedge_buf_take(&out);
    return 0;
}

int kedge_fleet_plan(const struct kedge_fleet *fleet, struct kedge_slice inventory, kedge_ms now,
                     char **json, size_t *left_out, struct kedge_err *err)
{
    const struct kedge_desired *desired = fleet->revision.desired;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_actual actual = {0};
    struct kedge_buf out = {0};
    size_t unverified;
    int code = require_valid(fleet, "fleet", err);
    if (!code && !kedge_fleet_commit(fleet)[0])
        code = kedge_err_set(err, KEDGE_INVALID,
                             "a plan is sealed for a commit, and this fleet was read from a "
                             "folder: use kedge_fleet_load_commit");
    if (!code)
        code = kedge_key_init(err);
    if (!code)
        code = kedge_inventory_read(inventory, desired->specs, &actual, &unverified, err);
    if (code)
        return code;
    const struct kedge_changes *changes = kedge_diff_fleet(&arena, desired, &actual);
    kedge_seal_write(kedge_schedule_plan(&arena, changes, desired, &actual, now), changes, now,
                     &out);
    kedge_actual_release(&actual);
    *json = kedge_buf_take(&out);
    if (left_out)
        *left_out = unverified;
    return 0;
}

/* A kedge_keyfile_ask that knows the answer: `self` is the passphrase. */
static int answer(const void *self, const char *source, char text[KEDGE_KEYFILE_PASSPHRASE],
                  struct kedge_err *err)
{
    size_t length = strlen(self);
    if (length >= KEDGE_KEYFILE_PASSPHRASE)
        return kedge_err_set(err, KEDGE_LIMIT, "the passphrase for '%s' is longer than %d bytes",
                             source, KEDGE_LIMIT_KEY_PASSPHRASE);
    memcpy(text, self, length + 1);
    return 0;
}

int kedge_dsse_key_load(const char *source, const char *passphrase, struct kedge_key **out,
                        struct kedge_err *err)
{
    int code = kedge_key_init(err);
    return code ? code
                : kedge_keyfile_load(source, passphrase ? answer : NULL, passphrase, out, err);
}

void kedge_dsse_key_free(struct kedge_key *key)
{
    kedge_key_free(key);
}

char *kedge_dsse_key_public(const struct kedge_key *key)
{
    struct kedge_public_key public = kedge_key_public(key);
    char text[KEDGE_KEY_TEXT];
    return kedge_alloc_strdup(kedge_public_key_format(&public, text));
}

int kedge_dsse_sign(struct kedge_slice payload, const char *payload_type,
                    const struct kedge_key *const *keys, size_t key_count, char **envelope,
                    struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    if (key_count < 1 || key_count > KEDGE_LIMIT_SIGNATURES)
        return kedge_err_set(err, KEDGE_INVALID, "an envelope takes 1 to %d keys, not %zu",
                             KEDGE_LIMIT_SIGNATURES, key_count);
    if (payload.size > PAYLOAD_LIMIT)
        return kedge_err_set(err, KEDGE_LIMIT, "the payload has %zu bytes, %zu are the most",
                             payload.size, PAYLOAD_LIMIT);
    int code = kedge_envelope_sign(&out, payload_type, payload, keys, key_count, err);
    if (!code)
        *envelope = kedge_buf_take(&out);
    return code;
}

int kedge_dsse_verify(struct kedge_slice envelope, const struct kedge_dsse_trust *trust,
                      char **payload, size_t *size, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    struct kedge_public_key keys[KEDGE_LIMIT_SIGNATURES];
    if (trust->key_count > KEDGE_LIMIT_SIGNATURES || trust->threshold < 1 ||
        trust->threshold > trust->key_count)
        return kedge_err_set(
            err, KEDGE_INVALID,
            "%u of %zu keys is no trust: 1 to %d keys, of which 1 to all must sign",
            trust->threshold, trust->key_count, KEDGE_LIMIT_SIGNATURES);
    int code = kedge_key_init(err);
    for (size_t i = 0; !code && i < trust->key_count; i++)
        code = kedge_public_key_parse(trust->keys[i], &keys[i], err);
    if (!code)
        code = kedge_envelope_verify(envelope.data, envelope.size, KEDGE_LIMIT_ENVELOPE,
                                     &(struct kedge_envelope_trust){
                                         .keys = keys,
                                         .key_count = trust->key_count,
                                         .threshold = trust->threshold,
                                         .payload_type = trust->payload_type,
                                     },
                                     &out, err);
    if (code)
        return code;
    *size = out.size;
    *payload = kedge_buf_take(&out);
    return 0;
}

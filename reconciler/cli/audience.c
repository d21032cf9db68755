/* SPDX-License-Identifier: Apache-2.0 */
#include "audience.h"

#include <stdlib.h>
#include <string.h>

#include "manifest/load.h"
#include "revision.h"
#include "source/dir.h"

void kedge_audience_auto(struct kedge_audience *audience)
{
    kedge_buf_release(&audience->members);
    kedge_arena_release(&audience->arena);
}

size_t kedge_audience_count(const struct kedge_audience *audience)
{
    return audience->members.size / sizeof(struct kedge_audience_member);
}

const struct kedge_audience_member *kedge_audience_at(const struct kedge_audience *audience,
                                                      size_t index)
{
    return (const struct kedge_audience_member *)audience->members.data + index;
}

/* --- the manifests --- */

/* What a new secret mends. */
static bool is_about_secrets(const struct kedge_finding *finding)
{
    static const char *const fields[] = {"spec.secrets", "spec.config"};
    for (size_t i = 0; finding->field && i < KEDGE_COUNT(fields); i++)
        if (strncmp(finding->field, fields[i], strlen(fields[i])) == 0)
            return true;
    return false;
}

/* With other errors nobody can tell which devices are meant. */
static int check_findings(const struct kedge_findings *findings, const char *path,
                          struct kedge_err *err)
{
    size_t others = 0;
    for (size_t i = 0; i < findings->count; i++)
        others +=
            findings->at[i].severity == KEDGE_SEVERITY_ERROR && !is_about_secrets(&findings->at[i]);
    if (others)
        return kedge_err_set(err, KEDGE_INVALID,
                             "the manifests have %zu error%s: 'kedge validate %s' shows them",
                             others, others == 1 ? "" : "s", path);
    return 0;
}

static int read_manifests(struct kedge_call *call, struct kedge_revision *out,
                          struct kedge_err *err)
{
    kedge_auto(kedge_revision_place) struct kedge_revision_place place = {0};
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    const char *below = kedge_command_value(call, KEDGE_OPTION_PATH);
    struct kedge_err nowhere;
    kedge_buf_puts(&path, kedge_revision_locate(".", &place, &nowhere) ? "." : place.top.data);
    if (below)
        kedge_buf_printf(&path, "/%s", below);
    int code = kedge_dir_read(path.data, &out->tree, err);
    if (!code)
        code = kedge_load_draft(&out->pool, &out->tree, &out->findings, &out->specs, err);
    return code ? code : check_findings(&out->findings, path.data, err);
}

static void see_device(const struct kedge_device *device, void *payload)
{
    kedge_buf_add(payload, &device, sizeof(device));
}

static int add_device(const struct kedge_specs *specs, const char *name, struct kedge_buf *devices,
                      struct kedge_err *err)
{
    const struct kedge_device *device = kedge_spec_find(specs, KEDGE_KIND_DEVICE, name);
    if (!device)
        return kedge_err_set(err, KEDGE_NOTFOUND, "there is no device '%s' in the manifests", name);
    see_device(device, devices);
    return 0;
}

static int add_deployment(const struct kedge_specs *specs, const char *name,
                          struct kedge_buf *devices, struct kedge_err *err)
{
    const struct kedge_deployment *deployment = kedge_spec_find(specs, KEDGE_KIND_DEPLOYMENT, name);
    size_t before = devices->size;
    if (!deployment)
        return kedge_err_set(err, KEDGE_NOTFOUND, "there is no deployment '%s' in the manifests",
                             name);
    kedge_spec_targets(specs, &deployment->targets, see_device, devices);
    if (devices->size == before)
        return kedge_err_set(err, KEDGE_NOTFOUND, "deployment '%s' has no target", name);
    return 0;
}

/* "key=value", "key!=value", "key" or "!key". */
static bool read_requirement(struct kedge_arena *arena, char *text, struct kedge_requirement *out)
{
    char *equals = strchr(text, '=');
    bool negative = equals ? equals > text && equals[-1] == '!' : *text == '!';
    if (equals) {
        equals[negative ? -1 : 0] = '\0';
        const char **value = kedge_arena_array(arena, 1, sizeof *value);
        *value = equals + 1;
        *out = (struct kedge_requirement){text,
                                          negative ? KEDGE_SELECTOR_NOT_IN : KEDGE_SELECTOR_IN,
                                          {value, 1}};
        if (!kedge_label_value_valid(*value, strlen(*value)))
            return false;
    } else {
        *out = (struct kedge_requirement){.key = text + negative,
                                          .op = negative ? KEDGE_SELECTOR_DOES_NOT_EXIST
                                                         : KEDGE_SELECTOR_EXISTS};
    }
    return kedge_label_key_valid(out->key, strlen(out->key));
}

static int add_selected(struct kedge_arena *arena, const struct kedge_specs *specs,
                        const char *text, struct kedge_buf *devices, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf requirements = {0};
    char *rest = kedge_arena_strdup(arena, text);
    size_t before = devices->size;
    for (char *part; (part = strsep(&rest, ","));) {
        struct kedge_requirement requirement;
        if (!read_requirement(arena, part, &requirement))
            return kedge_err_set(err, KEDGE_INVALID,
                                 "'%.80s' is not a selector: write key=value, key!=value, key or "
                                 "!key, with commas between",
                                 text);
        kedge_buf_add(&requirements, &requirement, sizeof requirement);
    }
    const struct kedge_targets targets = {
        .has_selector = true,
        .selector = {(const struct kedge_requirement *)requirements.data,
                     (uint32_t)(requirements.size / sizeof(struct kedge_requirement))}};
    kedge_spec_targets(specs, &targets, see_device, devices);
    if (devices->size == before)
        return kedge_err_set(err, KEDGE_NOTFOUND, "no device has such labels: '%.80s'", text);
    return 0;
}

/* --- their keys --- */

static int ask_recipient(struct kedge_call *call, const char *device,
                         struct kedge_age_recipient *out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *answer = NULL;
    if (!kedge_command_has(call, KEDGE_OPTION_SERVER) &&
        !kedge_command_has(call, KEDGE_OPTION_STORE))
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "its manifest has no public key: name the server that has enrolled "
                             "it with --server");
    int code =
        kedge_ask_view(call,
                       &(struct kedge_view_query){.view = KEDGE_VIEW_DEVICE, .device = device},
                       &answer, err);
    if (code)
        return code;
    const char *text = kedge_ask_text(answer, "recipient");
    if (!text)
        return kedge_err_set(err, KEDGE_NOTFOUND, "it has no key yet: enrol it first");
    return kedge_age_recipient_parse(text, out, err);
}

static int add_member(struct kedge_call *call, const struct kedge_device *device,
                      struct kedge_audience *audience, struct kedge_err *err)
{
    static const struct kedge_public_key none;
    struct kedge_audience_member member = {
        .device = kedge_arena_strdup(&audience->arena, device->object.name)};
    struct kedge_public_key key;
    memcpy(key.bytes, device->public_key, sizeof key.bytes);
    int code = memcmp(&key, &none, sizeof key) == 0
                   ? ask_recipient(call, member.device, &member.recipient, err)
                   : kedge_age_recipient_of(&key, &member.recipient, err);
    if (code)
        return kedge_err_wrap(err, "device '%s'", member.device);
    kedge_buf_add(&audience->members, &member, sizeof member);
    return 0;
}

static int compare_devices(const void *left, const void *right)
{
    const struct kedge_device *a = *(const struct kedge_device *const *)left;
    const struct kedge_device *b = *(const struct kedge_device *const *)right;
    return strcmp(a->object.name, b->object.name);
}

static int add_devices(struct kedge_call *call, struct kedge_audience *audience,
                       struct kedge_err *err)
{
    kedge_auto(kedge_revision) struct kedge_revision revision = {0};
    kedge_auto(kedge_buf) struct kedge_buf found = {0};
    int code = read_manifests(call, &revision, err);
    for (size_t i = 0; !code && i < call->options.given_count; i++) {
        const struct kedge_option_given *given = &call->options.given[i];
        if (given->option == KEDGE_OPTION_DEVICE)
            code = add_device(revision.specs, given->value, &found, err);
        else if (given->option == KEDGE_OPTION_DEPLOYMENT)
            code = add_deployment(revision.specs, given->value, &found, err);
        else if (given->option == KEDGE_OPTION_SELECTOR)
            code = add_selected(&audience->arena, revision.specs, given->value, &found, err);
    }
    const struct kedge_device **devices = (const struct kedge_device **)found.data;
    size_t count = found.size / sizeof(*devices);
    if (!code && count)
        qsort(devices, count, sizeof(*devices), compare_devices);
    for (size_t i = 0; !code && i < count; i++)
        if (i == 0 || devices[i] != devices[i - 1])
            code = add_member(call, devices[i], audience, err);
    return code;
}

static int add_recipients(struct kedge_call *call, struct kedge_audience *audience,
                          struct kedge_err *err)
{
    for (size_t i = 0; i < call->options.given_count; i++) {
        const struct kedge_option_given *given = &call->options.given[i];
        struct kedge_audience_member member = {0};
        if (given->option != KEDGE_OPTION_RECIPIENT)
            continue;
        int code = kedge_age_recipient_parse(given->value, &member.recipient, err);
        if (code)
            return code;
        kedge_buf_add(&audience->members, &member, sizeof member);
    }
    return 0;
}

int kedge_audience_gather(struct kedge_call *call, struct kedge_audience *out,
                          struct kedge_err *err)
{
    int code = kedge_key_init(err);
    bool devices = kedge_command_has(call, KEDGE_OPTION_DEVICE) ||
                   kedge_command_has(call, KEDGE_OPTION_SELECTOR) ||
                   kedge_command_has(call, KEDGE_OPTION_DEPLOYMENT);
    if (!code && !devices && !kedge_command_has(call, KEDGE_OPTION_RECIPIENT))
        return kedge_command_misuse(call, err,
                                    "for whom? Give --device, --selector, --deployment or "
                                    "--recipient");
    if (!code && devices)
        code = add_devices(call, out, err);
    return code ? code : add_recipients(call, out, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "wire/evidence.h"

static int read_authorised(const json_t *list, struct kedge_actual_device *row,
                           struct kedge_err *err)
{
    size_t count = json_array_size(list);
    if (count > KEDGE_LIMIT_INSTANCES)
        return kedge_err_set(err, KEDGE_LIMIT, "'authorised' has %zu members", count);
    const char **names = kedge_arena_array(&row->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name)
            return kedge_err_set(err, KEDGE_INVALID, "'authorised' must hold names");
        names[i] = kedge_arena_strdup(&row->arena, name);
    }
    row->authorised = (struct kedge_strings){names, (uint32_t)count};
    return 0;
}

/* One device's members into `row`; *verified tells whether its own signature holds. */
static int read_device(const json_t *json, const struct kedge_device *device,
                       struct kedge_actual_device *row, bool *verified, struct kedge_err *err)
{
    const char *received, *set, *evidence;
    json_t *authorised;
    if (kedge_json_string(json, "received", &received, err) < 0 ||
        kedge_json_integer(json, "generation", &row->generation, err) < 0 ||
        kedge_json_string(json, "set", &set, err) < 0 ||
        kedge_json_array(json, "authorised", &authorised, err) < 0 ||
        kedge_json_string(json, "evidence", &evidence, err) < 0 ||
        read_authorised(authorised, row, err) < 0)
        return err->code;
    if (!kedge_clock_parse(received, &row->received) ||
        !kedge_digest_parse(set, &row->envelope_set))
        return kedge_err_set(err, KEDGE_INVALID, "'received' or 'set' is malformed");

    struct kedge_err why;
    struct kedge_public_key key;
    const char *enrolled = NULL;
    static const uint8_t none[KEDGE_KEY_SIZE];
    if (kedge_json_opt_string(json, "publicKey", &enrolled, err) < 0 ||
        (enrolled && kedge_public_key_parse(enrolled, &key, err) < 0))
        return err->code;
    if (!enrolled || memcmp(device->public_key, none, sizeof none) != 0)
        memcpy(key.bytes, device->public_key, sizeof key.bytes);
    *verified = kedge_evidence_verify(&row->arena, (struct kedge_slice){evidence, strlen(evidence)},
                                      row->name, &key, &row->report, &why) == 0;
    if (*verified)
        kedge_actual_device_seal(row);
    return 0;
}

static int read_devices(const json_t *list, const struct kedge_specs *specs,
                        struct kedge_actual *out, size_t *left_out, struct kedge_err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *json = json_array_get(list, i);
        const char *name;
        bool verified = false;
        if (kedge_json_string(json, "device", &name, err) < 0)
            return err->code;
        const struct kedge_device *device = kedge_spec_find(specs, KEDGE_KIND_DEVICE, name);
        if (!device) {
            ++*left_out;
            continue;
        }
        struct kedge_actual_device *row = kedge_actual_device_new(name);
        if (read_device(json, device, row, &verified, err) < 0) {
            kedge_actual_device_free(row);
            return kedge_err_wrap(err, "device '%s'", name);
        }
        if (verified) {
            kedge_actual_put(out, row);
        } else {
            ++*left_out;
            kedge_actual_device_free(row);
        }
    }
    return 0;
}

int kedge_inventory_read(struct kedge_slice file, const struct kedge_specs *specs,
                         struct kedge_actual *out, size_t *left_out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    const char *format;
    json_t *devices;
    *left_out = 0;
    if (kedge_json_parse(file.data, file.size, KEDGE_INVENTORY_LIMIT, &json, err) < 0 ||
        kedge_json_string(json, "format", &format, err) < 0 ||
        kedge_json_array(json, "devices", &devices, err) < 0)
        return kedge_err_wrap(err, "not an inventory");
    if (strcmp(format, KEDGE_INVENTORY_FORMAT) != 0)
        return kedge_err_set(err, KEDGE_INVALID, "not an inventory: its format is '%s', not '%s'",
                             format, KEDGE_INVENTORY_FORMAT);
    struct kedge_actual read = {0};
    if (read_devices(devices, specs, &read, left_out, err) < 0) {
        kedge_actual_release(&read);
        return kedge_err_wrap(err, "not an inventory");
    }
    *out = read;
    return 0;
}

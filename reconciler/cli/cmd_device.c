/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "state/quantity.h"
#include "style.h"

static void word_cell(struct kedge_print_table *table, const json_t *item, const char *path)
{
    const char *word = kedge_ask_text(item, path);
    kedge_print_cell(table, kedge_style_of(word), word);
}

/* Who asks to be one of the fleet, with the word that approves him. */
static void write_waiting(struct kedge_call *call, const json_t *document)
{
    kedge_auto(kedge_print_table) struct kedge_print_table table = {0};
    size_t i;
    const json_t *item;
    if (json_array_size(json_object_get(document, "waiting")) == 0)
        return;
    kedge_buf_puts(&call->out, "\nWaiting for 'kedge device approve':\n");
    kedge_print_heading(&table, "DEVICE|FINGERPRINT|HARDWARE|SINCE");
    json_array_foreach (json_object_get(document, "waiting"), i, item) {
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "device"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "fingerprint"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "hardware"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "at"));
    }
    kedge_print_table_write(&table, call->color, &call->out);
}

int kedge_cmd_device_list(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *devices = NULL;
    int code =
        kedge_ask_view(call, &(struct kedge_view_query){.view = KEDGE_VIEW_DEVICES}, &devices, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json")) {
        kedge_ask_write(devices, &call->out);
        return KEDGE_EXIT_DONE;
    }
    kedge_auto(kedge_print_table) struct kedge_print_table table = {0};
    kedge_print_heading(&table, "DEVICE|SYNC|HEALTH|CONNECTION|MODELS|CHANGES|HELD|LAST SEEN");
    size_t i;
    const json_t *item;
    json_array_foreach (json_object_get(devices, "items"), i, item) {
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "name"));
        word_cell(&table, item, "sync");
        word_cell(&table, item, "health");
        const char *standing = kedge_ask_text(item, "standing");
        word_cell(&table, item, standing ? "standing" : "connection");
        kedge_print_cell_number(&table, kedge_ask_number(item, "assignments"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "changes"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "held"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "lastSeen"));
    }
    kedge_print_table_write(&table, call->color, &call->out);
    write_waiting(call, devices);
    return KEDGE_EXIT_DONE;
}

/* What is on a device: one row an instance. */
static void write_instances(struct kedge_call *call, const json_t *device)
{
    kedge_auto(kedge_print_table) struct kedge_print_table table = {0};
    kedge_print_heading(&table, "MODEL|WANTED|HELD|STATE|SYNC|HEALTH|ACTION|ENDPOINT");
    size_t i;
    const json_t *item;
    json_array_foreach (json_object_get(device, "instances"), i, item) {
        const char *state = kedge_ask_text(item, "held.state");
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "instance"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "wanted.version"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "held.version"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, state);
        word_cell(&table, item, "sync");
        word_cell(&table, item, "health");
        word_cell(&table, item, "action");
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "held.endpoint"));
    }
    kedge_print_table_write(&table, call->color, &call->out);
}

static void property(struct kedge_call *call, const char *name, const char *value)
{
    kedge_print_property(&call->out, call->color, kedge_style_of(value), name, value);
}

static void size_property(struct kedge_call *call, const char *name, int64_t bytes)
{
    char text[KEDGE_QUANTITY_TEXT];
    property(call, name, bytes ? kedge_quantity_format(bytes, text) : NULL);
}

static void version_property(struct kedge_call *call, const char *name, int64_t version)
{
    char text[32];
    snprintf(text, sizeof text, "version %lld", (long long)version);
    property(call, name, version ? text : NULL);
}

static void write_labels(struct kedge_call *call, const json_t *labels)
{
    const char *key;
    json_t *value;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    json_object_foreach ((json_t *)labels, key, value)
        kedge_buf_printf(&text, "%s%s=%s", text.size ? ", " : "", key,
                         json_is_string(value) ? json_string_value(value) : "");
    property(call, "Labels", text.data);
}

static void write_identity(struct kedge_call *call, const json_t *device)
{
    const char *origin = kedge_ask_text(device, "identity.key");
    const char *print = kedge_ask_text(device, "identity.fingerprint");
    kedge_auto(kedge_buf) struct kedge_buf key = {0};
    kedge_buf_printf(&key, "%s%s%s", print ? print : "", print ? ", " : "", origin ? origin : "");
    property(call, "Key", key.data);
    property(call, "Not used", kedge_ask_text(device, "identity.enrolledWith"));
    property(call, "Not used", kedge_ask_text(device, "identity.manifestHas"));
    property(call, "Hardware", kedge_ask_text(device, "identity.hardware"));
    property(call, "Standing", kedge_ask_text(device, "identity.standing"));
    property(call, "Held", kedge_ask_text(device, "identity.hold"));
}

static int ask_device(struct kedge_call *call, json_t **out, struct kedge_err *err)
{
    return kedge_ask_view(call,
                          &(struct kedge_view_query){
                              .view = KEDGE_VIEW_DEVICE,
                              .device = call->operands[0],
                          },
                          out, err);
}

int kedge_cmd_device_show(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *device = NULL;
    int code = ask_device(call, &device, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json")) {
        kedge_ask_write(device, &call->out);
        return KEDGE_EXIT_DONE;
    }
    property(call, "Device", kedge_ask_text(device, "name"));
    write_labels(call, json_object_get(device, "labels"));
    property(call, "Sync", kedge_ask_text(device, "sync"));
    property(call, "Health", kedge_ask_text(device, "health"));
    property(call, "Connection", kedge_ask_text(device, "connection"));
    write_identity(call, device);
    property(call, "Last seen", kedge_ask_text(device, "lastSeen"));
    property(call, "Agent", kedge_ask_text(device, "agent"));
    property(call, "Arch", kedge_ask_text(device, "arch"));
    size_property(call, "Memory", kedge_ask_number(device, "memory"));
    size_property(call, "Disk", kedge_ask_number(device, "disk"));
    size_property(call, "Disk free", kedge_ask_number(device, "diskFree"));
    property(call, "Recipient", kedge_ask_text(device, "recipient"));
    version_property(call, "Root", kedge_ask_number(device, "root"));
    property(call, "Refused", kedge_ask_text(device, "refusal.message"));
    property(call, "Root stays", kedge_ask_text(device, "rootRefusal.message"));
    kedge_buf_putc(&call->out, '\n');
    write_instances(call, device);
    write_waiting(call, device);
    return KEDGE_EXIT_DONE;
}

int kedge_cmd_device_models(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *device = NULL;
    int code = ask_device(call, &device, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json"))
        kedge_ask_write(json_object_get(device, "instances"), &call->out);
    else
        write_instances(call, device);
    return KEDGE_EXIT_DONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "ask.h"
#include "print.h"
#include "state/quantity.h"

int kedge_cmd_model_list(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *models = NULL;
    int code =
        kedge_ask_view(call, &(struct kedge_view_query){.view = KEDGE_VIEW_MODELS}, &models, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json")) {
        kedge_ask_write(models, &call->out);
        return KEDGE_EXIT_DONE;
    }
    kedge_auto(kedge_print_table) struct kedge_print_table table = {0};
    kedge_print_heading(&table,
                        "MODEL|KIND|LATEST|VERSIONS|DEPLOYMENTS|DEVICES|SYNCED|OUT OF SYNC|TITLE");
    size_t i;
    const json_t *item;
    json_array_foreach (json_object_get(models, "items"), i, item) {
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "name"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "kind"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "latest"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "versions"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "deployments"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "devices"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "synced"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "outOfSync"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "title"));
    }
    kedge_print_table_write(&table, call->color, &call->out);
    return KEDGE_EXIT_DONE;
}

static void property(struct kedge_call *call, const char *name, const char *value)
{
    kedge_print_property(&call->out, call->color, KEDGE_PRINT_PLAIN, name, value);
}

static void write_releases(struct kedge_call *call, const json_t *releases)
{
    kedge_auto(kedge_print_table) struct kedge_print_table table = {0};
    kedge_print_heading(&table, "VERSION|STAGE|SIZE|DRIVER|MANIFEST|COMMENT");
    size_t i;
    const json_t *item;
    json_array_foreach (releases, i, item) {
        char size[KEDGE_QUANTITY_TEXT];
        int64_t bytes = kedge_ask_number(item, "size");
        kedge_print_cell(&table, KEDGE_PRINT_BOLD, kedge_ask_text(item, "version"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "stage"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN,
                         bytes ? kedge_quantity_format(bytes, size) : NULL);
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "driver"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "at"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "comment"));
    }
    kedge_print_table_write(&table, call->color, &call->out);
}

static void write_placements(struct kedge_call *call, const json_t *placements)
{
    kedge_auto(kedge_print_table) struct kedge_print_table table = {0};
    kedge_print_heading(&table, "DEPLOYMENT|RANGE|VERSION|STATE|DEVICES|MANIFEST");
    size_t i;
    const json_t *item;
    json_array_foreach (placements, i, item) {
        kedge_print_cell(&table, KEDGE_PRINT_BOLD, kedge_ask_text(item, "deployment"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "range"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "version"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "state"));
        kedge_print_cell_number(&table, kedge_ask_number(item, "devices"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(item, "at"));
    }
    kedge_print_table_write(&table, call->color, &call->out);
}

int kedge_cmd_model_show(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *model = NULL;
    struct kedge_view_query query = {.view = KEDGE_VIEW_MODEL, .instance = call->operands[0]};
    int code = kedge_ask_view(call, &query, &model, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json")) {
        kedge_ask_write(model, &call->out);
        return KEDGE_EXIT_DONE;
    }
    property(call, "Model", kedge_ask_text(model, "name"));
    property(call, "Title", kedge_ask_text(model, "title"));
    property(call, "Description", kedge_ask_text(model, "description"));
    property(call, "Licence", kedge_ask_text(model, "licence"));
    kedge_buf_printf(&call->out, "%-12s%lld: %lld synced, %lld out of sync, %lld unknown\n\n",
                     "Devices", (long long)kedge_ask_number(model, "devices"),
                     (long long)kedge_ask_number(model, "synced"),
                     (long long)kedge_ask_number(model, "outOfSync"),
                     (long long)kedge_ask_number(model, "unknown"));
    write_releases(call, json_object_get(model, "releases"));
    kedge_buf_putc(&call->out, '\n');
    write_placements(call, json_object_get(model, "placements"));
    return KEDGE_EXIT_DONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "field.h"

#define BASE "https://kedge.dev/schemas/v1alpha1/"

#define LABEL_NAME  "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
#define LABEL_KEY   "^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?" LABEL_NAME "$"
#define LABEL_VALUE "^(" LABEL_NAME ")?$"

static void write_record(struct kedge_json_writer *w, const struct kedge_record *record);

static void add_names(struct kedge_json_writer *w, const char *key, const struct kedge_words *words)
{
    kedge_json_key(w, key);
    kedge_json_begin_array(w);
    for (int i = 0; i < words->count; i++)
        if (words->words[i])
            kedge_json_put_string(w, words->words[i]);
    kedge_json_end_array(w);
}

/* A string, or an integer where the decoder takes that too. */
static void add_string_type(struct kedge_json_writer *w, enum kedge_field_type type)
{
    bool integer =
        type == KEDGE_FIELD_AMOUNT || type == KEDGE_FIELD_BUDGET || type == KEDGE_FIELD_QUANTITY;
    if (!integer) {
        kedge_json_add_string(w, "type", "string");
        return;
    }
    kedge_json_key(w, "type");
    kedge_json_begin_array(w);
    kedge_json_put_string(w, "string");
    kedge_json_put_string(w, "integer");
    kedge_json_end_array(w);
    kedge_json_add_integer(w, "minimum", 0);
    if (type != KEDGE_FIELD_QUANTITY)
        kedge_json_add_integer(w, "maximum", 999999999);
}

/* The words that say what a text type accepts. */
static void add_text(struct kedge_json_writer *w, enum kedge_field_type type,
                     const struct kedge_words *words)
{
    add_string_type(w, type);
    kedge_json_add_string(w, "pattern", kedge_field_rows[type].pattern);
    if (type == KEDGE_FIELD_NAME || type == KEDGE_FIELD_REFERENCE)
        kedge_json_add_integer(w, "maxLength", KEDGE_LIMIT_NAME);
    if (type == KEDGE_FIELD_VERSION)
        kedge_json_add_integer(w, "maxLength", KEDGE_LIMIT_VERSION);
    if (type == KEDGE_FIELD_WORD || type == KEDGE_FIELD_ENUM)
        add_names(w, "enum", words);
}

static void add_list(struct kedge_json_writer *w, const struct kedge_field *field)
{
    bool objects = field->type == KEDGE_FIELD_OBJECTS;
    kedge_json_add_string(w, "type", "array");
    if (field->flags & KEDGE_FIELD_REQUIRED)
        kedge_json_add_integer(w, "minItems", 1);
    kedge_json_add_integer(w, "maxItems", objects ? KEDGE_LIMIT_OBJECTS : KEDGE_LIMIT_LIST);
    kedge_json_key(w, "items");
    kedge_json_begin_object(w);
    if (objects)
        write_record(w, field->record);
    else
        add_text(w, field->item, field->words);
    kedge_json_end_object(w);
}

static void add_map(struct kedge_json_writer *w, bool labels)
{
    kedge_json_add_string(w, "type", "object");
    kedge_json_add_integer(w, "maxProperties", KEDGE_LIMIT_LABELS);
    kedge_json_key(w, "propertyNames");
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "pattern", LABEL_KEY);
    kedge_json_end_object(w);
    kedge_json_key(w, "additionalProperties");
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "type", "string");
    if (labels)
        kedge_json_add_string(w, "pattern", LABEL_VALUE);
    kedge_json_end_object(w);
}

static void add_type(struct kedge_json_writer *w, const struct kedge_field *field)
{
    switch (field->type) {
    case KEDGE_FIELD_INTEGER:
        kedge_json_add_string(w, "type", "integer");
        kedge_json_add_integer(w, "minimum", field->min);
        kedge_json_add_integer(w, "maximum", field->max);
        break;
    case KEDGE_FIELD_NUMBER:
        kedge_json_add_string(w, "type", "number");
        break;
    case KEDGE_FIELD_BOOL:
        kedge_json_add_string(w, "type", "boolean");
        break;
    case KEDGE_FIELD_JSON:
        kedge_json_add_string(w, "type", "object");
        break;
    case KEDGE_FIELD_LABELS:
    case KEDGE_FIELD_NOTES:
        add_map(w, field->type == KEDGE_FIELD_LABELS);
        break;
    case KEDGE_FIELD_LIST:
    case KEDGE_FIELD_OBJECTS:
        add_list(w, field);
        break;
    case KEDGE_FIELD_SELECTOR:
    case KEDGE_FIELD_OBJECT:
    case KEDGE_FIELD_POINTER:
        write_record(w, field->record);
        break;
    default:
        add_text(w, field->type, field->words);
        break;
    }
}

static void add_default(struct kedge_json_writer *w, const struct kedge_field *field)
{
    if (!field->preset)
        return;
    kedge_json_key(w, "default");
    if (field->type == KEDGE_FIELD_INTEGER || field->type == KEDGE_FIELD_BOOL)
        kedge_json_put_raw(w, (struct kedge_slice){field->preset, strlen(field->preset)});
    else
        kedge_json_put_string(w, field->preset);
}

static void write_field(struct kedge_json_writer *w, const struct kedge_field *field)
{
    kedge_json_key(w, field->name);
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "title", field->name);
    kedge_json_add_string(w, "description", field->about);
    add_type(w, field);
    add_default(w, field);
    kedge_json_key(w, "examples");
    kedge_json_begin_array(w);
    kedge_json_put_raw(w, (struct kedge_slice){field->example, strlen(field->example)});
    kedge_json_end_array(w);
    kedge_json_end_object(w);
}

static void add_required(struct kedge_json_writer *w, const struct kedge_record *record)
{
    bool any = false;
    for (uint32_t i = 0; i < record->count; i++)
        any |= record->fields[i].flags & KEDGE_FIELD_REQUIRED;
    if (!any)
        return;
    kedge_json_key(w, "required");
    kedge_json_begin_array(w);
    for (uint32_t i = 0; i < record->count; i++)
        if (record->fields[i].flags & KEDGE_FIELD_REQUIRED)
            kedge_json_put_string(w, record->fields[i].name);
    kedge_json_end_array(w);
}

/* Exactly one of the fields that exclude each other. */
static void add_choice(struct kedge_json_writer *w, const struct kedge_record *record)
{
    bool open = false;
    for (uint32_t i = 0; i < record->count; i++) {
        if (!record->fields[i].choice)
            continue;
        if (!open) {
            kedge_json_key(w, "oneOf");
            kedge_json_begin_array(w);
            open = true;
        }
        kedge_json_begin_object(w);
        kedge_json_key(w, "required");
        kedge_json_begin_array(w);
        kedge_json_put_string(w, record->fields[i].name);
        kedge_json_end_array(w);
        kedge_json_end_object(w);
    }
    if (open)
        kedge_json_end_array(w);
}

/* The members of a schema, inside an object that is open. */
static void write_record(struct kedge_json_writer *w, const struct kedge_record *record)
{
    kedge_json_add_string(w, "type", "object");
    kedge_json_add_bool(w, "additionalProperties", false);
    if (record->not_empty)
        kedge_json_add_integer(w, "minProperties", 1);
    add_required(w, record);
    add_choice(w, record);
    kedge_json_key(w, "properties");
    kedge_json_begin_object(w);
    for (uint32_t i = 0; i < record->count; i++)
        write_field(w, &record->fields[i]);
    kedge_json_end_object(w);
}

static void add_const(struct kedge_json_writer *w, const char *name, const char *value)
{
    kedge_json_key(w, name);
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "const", value);
    kedge_json_end_object(w);
}

static void add_part(struct kedge_json_writer *w, const char *name,
                     const struct kedge_record *record)
{
    kedge_json_key(w, name);
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "description", record->about);
    write_record(w, record);
    kedge_json_end_object(w);
}

static void add_head(struct kedge_json_writer *w, const char *name, const char *about)
{
    kedge_auto(kedge_buf) struct kedge_buf id = {0};
    kedge_buf_printf(&id, BASE "%s.json", name);
    kedge_json_add_string(w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    kedge_json_add_string(w, "$id", id.data);
    kedge_json_add_string(w, "title", name);
    kedge_json_add_string(w, "description", about);
    kedge_json_add_string(w, "type", "object");
}

static void write_kind(struct kedge_json_writer *w, enum kedge_kind kind)
{
    const struct kedge_record *spec = kedge_kinds[kind];
    kedge_json_begin_object(w);
    add_head(w, spec->name, spec->about);
    kedge_json_add_bool(w, "additionalProperties", false);
    kedge_json_key(w, "required");
    kedge_json_begin_array(w);
    kedge_json_put_string(w, "apiVersion");
    kedge_json_put_string(w, "kind");
    kedge_json_put_string(w, "metadata");
    if (kedge_field_is_needed(spec))
        kedge_json_put_string(w, "spec");
    kedge_json_end_array(w);
    kedge_json_key(w, "properties");
    kedge_json_begin_object(w);
    add_const(w, "apiVersion", KEDGE_API_VERSION);
    add_const(w, "kind", spec->name);
    add_part(w, "metadata", &kedge_metadata_record);
    add_part(w, "spec", spec);
    kedge_json_end_object(w);
    kedge_json_end_object(w);
}

static void add_condition(struct kedge_json_writer *w, const char *kind)
{
    kedge_json_key(w, "if");
    kedge_json_begin_object(w);
    kedge_json_key(w, "required");
    kedge_json_begin_array(w);
    kedge_json_put_string(w, "kind");
    kedge_json_end_array(w);
    kedge_json_key(w, "properties");
    kedge_json_begin_object(w);
    add_const(w, "kind", kind);
    kedge_json_end_object(w);
    kedge_json_end_object(w);
}

static void write_all(struct kedge_json_writer *w)
{
    kedge_json_begin_object(w);
    add_head(w, "kedge", "Any manifest of kedge.");
    kedge_json_key(w, "required");
    kedge_json_begin_array(w);
    kedge_json_put_string(w, "apiVersion");
    kedge_json_put_string(w, "kind");
    kedge_json_end_array(w);
    kedge_json_key(w, "properties");
    kedge_json_begin_object(w);
    add_const(w, "apiVersion", KEDGE_API_VERSION);
    kedge_json_key(w, "kind");
    kedge_json_begin_object(w);
    add_names(w, "enum", &kedge_kind_words);
    kedge_json_end_object(w);
    kedge_json_end_object(w);
    kedge_json_key(w, "allOf");
    kedge_json_begin_array(w);
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++) {
        kedge_auto(kedge_buf) struct kedge_buf file = {0};
        kedge_json_begin_object(w);
        add_condition(w, kedge_kinds[kind]->name);
        kedge_json_key(w, "then");
        kedge_json_begin_object(w);
        kedge_json_add_string(w, "$ref", kedge_schema_file((enum kedge_kind)kind, &file));
        kedge_json_end_object(w);
        kedge_json_end_object(w);
    }
    kedge_json_end_array(w);
    kedge_json_end_object(w);
}

const char *kedge_schema_file(enum kedge_kind kind, struct kedge_buf *name)
{
    kedge_buf_clear(name);
    kedge_buf_printf(name, "%s.json", kind < KEDGE_KIND_COUNT ? kedge_kinds[kind]->name : "kedge");
    return name->data;
}

/* The writer is compact, for digests; people read schemas. */
static void indent(const struct kedge_buf *json, struct kedge_buf *out)
{
    json_t *value = json_loadb(json->data, json->size, 0, NULL);
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    kedge_buf_puts(out, text);
    kedge_buf_putc(out, '\n');
    free(text);
    json_decref(value);
}

void kedge_schema_write(enum kedge_kind kind, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf json = {0};
    struct kedge_json_writer w = {.out = &json};
    if (kind < KEDGE_KIND_COUNT)
        write_kind(&w, kind);
    else
        write_all(&w);
    indent(&json, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "encoding.h"
#include "value.h"

static void add_steps(struct kedge_buf *out, const struct kedge_decode_step *step)
{
    if (!step)
        return;
    add_steps(out, step->up);
    if (step->key)
        kedge_buf_printf(out, "%s%s", out->size ? "." : "", step->key);
    else
        kedge_buf_printf(out, "[%u]", step->index);
}

struct kedge_position kedge_decode_position(const struct kedge_decoder *decoder,
                                            const struct kedge_yaml_node *node)
{
    return (struct kedge_position){decoder->file, node->line, node->column};
}

char *kedge_decode_path(const struct kedge_decoder *decoder, struct kedge_arena *arena)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    add_steps(&path, decoder->where);
    return kedge_arena_strndup(arena, path.data, path.size);
}

static void add(struct kedge_decoder *decoder, enum kedge_severity severity,
                const struct kedge_yaml_node *node, const char *rule, const char *remedy,
                const char *message)
{
    kedge_auto(kedge_buf) struct kedge_buf field = {0};
    add_steps(&field, decoder->where);
    kedge_finding_add(decoder->findings, severity, rule, kedge_decode_position(decoder, node),
                      field.data, remedy, "%s", message);
}

void kedge_decode_refuse(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                         const char *rule, const char *remedy, const char *message, ...)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    va_list arguments;
    va_start(arguments, message);
    kedge_buf_vprintf(&text, message, arguments);
    va_end(arguments);
    kedge_encoding_tidy(&text);
    add(decoder, KEDGE_SEVERITY_ERROR, node, rule, remedy, text.data);
}

bool kedge_decode_expect(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                         enum kedge_yaml_type type)
{
    if (node->type == type)
        return true;
    const char *remedy = NULL;
    if (node->type == KEDGE_YAML_NULL)
        remedy = "give it a value, or remove it";
    else if (type == KEDGE_YAML_STRING && node->type < KEDGE_YAML_STRING)
        remedy = "put it in quotes";
    else if (type == KEDGE_YAML_LIST)
        remedy = "write it as [a, b], or as lines that begin with '-'";
    kedge_decode_refuse(decoder, node, "wrong-type", remedy, "must be %s, not %s",
                        kedge_yaml_type_name(type), kedge_yaml_type_name(node->type));
    return false;
}

const struct kedge_yaml_node *kedge_decode_child(const struct kedge_yaml_node *map,
                                                 const char *name)
{
    for (const struct kedge_yaml_node *key = map->first; key; key = key->next->next)
        if (strcmp(key->text, name) == 0)
            return key->next;
    return map;
}

void kedge_decode_store(void *base, uint32_t offset, uint32_t size, int64_t value)
{
    void *member = (char *)base + offset;
    switch (size) {
    case 1:
        *(uint8_t *)member = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)member = (uint16_t)value;
        break;
    case 4:
        *(uint32_t *)member = (uint32_t)value;
        break;
    default:
        *(int64_t *)member = value;
        break;
    }
}

static void refuse_unknown(struct kedge_decoder *decoder, const struct kedge_record *record,
                           const struct kedge_yaml_node *key)
{
    const char *names[64];
    for (uint32_t i = 0; i < record->count; i++)
        names[i] = record->fields[i].name;
    const char *near = kedge_field_suggest(names, record->count, key->text);
    kedge_auto(kedge_buf) struct kedge_buf remedy = {0};
    if (near) {
        kedge_buf_printf(&remedy, "did you mean '%s'?", near);
    } else {
        kedge_buf_puts(&remedy, "known are ");
        for (uint32_t i = 0; i < record->count; i++)
            kedge_buf_printf(&remedy, "%s%s", i ? ", " : "", names[i]);
    }
    kedge_decode_refuse(decoder, key, "unknown-field", remedy.data, "%s has no field '%s'",
                        record->name, key->text);
}

static bool is_inert(const struct kedge_field *field, const struct kedge_yaml_node *node)
{
    if (strcmp(field->inert, "*") == 0)
        return true;
    char word[64];
    int length = snprintf(word, sizeof word, " %s ", node->text);
    return length > 0 && (size_t)length < sizeof word && strstr(field->inert, word);
}

static void warn_inert(struct kedge_decoder *decoder, const struct kedge_field *field,
                       const struct kedge_yaml_node *node)
{
    bool any = strcmp(field->inert, "*") == 0;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_printf(&text, "%s'%s' is read and checked, but this version does not act on it",
                     any ? "" : "the value ", any ? field->name : node->text);
    add(decoder, KEDGE_SEVERITY_WARNING, node, "not-acted-on", NULL, text.data);
}

/* A default is written as in a manifest and takes the same way. */
static void decode_preset(struct kedge_decoder *decoder, const struct kedge_field *field,
                          void *base)
{
    bool number = field->type == KEDGE_FIELD_INTEGER;
    bool truth = field->type == KEDGE_FIELD_BOOL;
    struct kedge_yaml_node node = {
        .text = field->preset,
        .size = (uint32_t)strlen(field->preset),
        .type = number  ? KEDGE_YAML_INTEGER
                : truth ? KEDGE_YAML_BOOL
                        : KEDGE_YAML_STRING,
    };
    kedge_value_decode(decoder, field, &node, base);
}

static bool decode_field(struct kedge_decoder *decoder, const struct kedge_field *field,
                         const struct kedge_yaml_node *node, void *base)
{
    struct kedge_decode_step step = {.up = decoder->where, .key = field->name};
    decoder->where = &step;
    bool good = kedge_value_decode(decoder, field, node, base);
    if (good && field->mark_size)
        kedge_decode_store(base, field->mark, field->mark_size, field->mark_value);
    if (good && field->inert && is_inert(field, node))
        warn_inert(decoder, field, node);
    decoder->where = step.up;
    return good;
}

/* Exactly one of the fields that exclude each other. */
static void check_choice(struct kedge_decoder *decoder, const struct kedge_record *record,
                         const struct kedge_yaml_node *map, uint64_t given)
{
    kedge_auto(kedge_buf) struct kedge_buf names = {0};
    unsigned count = 0;
    for (uint32_t i = 0; i < record->count; i++) {
        if (!record->fields[i].choice)
            continue;
        kedge_buf_printf(&names, "%s'%s'", names.size ? " or " : "", record->fields[i].name);
        count += given >> i & 1;
    }
    if (!names.size || count == 1)
        return;
    kedge_decode_refuse(decoder, map, "choice", count ? "keep one of them" : "add one of them",
                        count ? "%s: only one may be given" : "%s is missing", names.data);
}

static void check_given(struct kedge_decoder *decoder, const struct kedge_record *record,
                        const struct kedge_yaml_node *map, uint64_t given)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct kedge_field *field = &record->fields[i];
        if (given >> i & 1 || !(field->flags & KEDGE_FIELD_REQUIRED))
            continue;
        kedge_auto(kedge_buf) struct kedge_buf remedy = {0};
        kedge_buf_printf(&remedy, "add it, for example %s: %s", field->name, field->example);
        kedge_decode_refuse(decoder, map, "missing-field", remedy.data, "'%s' is missing",
                            field->name);
    }
    check_choice(decoder, record, map, given);
    if (record->not_empty && map->size == 0)
        kedge_decode_refuse(decoder, map, "missing-field", NULL, "%s must not be empty",
                            record->name);
}

bool kedge_decode_record(struct kedge_decoder *decoder, const struct kedge_record *record,
                         const struct kedge_yaml_node *map, void *base)
{
    if (!kedge_decode_expect(decoder, map, KEDGE_YAML_MAP))
        return false;
    size_t errors = decoder->findings->errors;
    uint64_t given = 0;
    for (const struct kedge_yaml_node *key = map->first; key; key = key->next->next) {
        const struct kedge_field *field = kedge_field_find(record, key->text);
        if (!field) {
            refuse_unknown(decoder, record, key);
            continue;
        }
        given |= UINT64_C(1) << (field - record->fields);
        decode_field(decoder, field, key->next, base);
    }
    for (uint32_t i = 0; i < record->count; i++)
        if (record->fields[i].preset && !(given >> i & 1))
            decode_preset(decoder, &record->fields[i], base);
    check_given(decoder, record, map, given);
    if (record->finish && decoder->findings->errors == errors)
        record->finish(decoder, map, base);
    return decoder->findings->errors == errors;
}

/* --- documents --- */

/* The members of a manifest; NULL: not given. */
struct document {
    const struct kedge_yaml_node *root;
    union {
        struct {
            const struct kedge_yaml_node *api_version, *kind, *metadata, *spec;
        };
        const struct kedge_yaml_node *members[4];
    };
};
static const char *const member_names[] = {"apiVersion", "kind", "metadata", "spec"};

/* Somebody else's document may have any other members. */
static void find_members(struct document *doc)
{
    for (const struct kedge_yaml_node *key = doc->root->first; key; key = key->next->next)
        for (size_t i = 0; i < KEDGE_COUNT(member_names); i++)
            if (*key->text == *member_names[i] && strcmp(key->text, member_names[i]) == 0)
                doc->members[i] = key->next;
}

static void refuse_other_members(struct kedge_decoder *decoder, const struct document *doc)
{
    for (const struct kedge_yaml_node *key = doc->root->first; key; key = key->next->next) {
        bool known = false;
        for (size_t i = 0; i < KEDGE_COUNT(member_names); i++)
            known |= strcmp(key->text, member_names[i]) == 0;
        if (!known)
            kedge_decode_refuse(decoder, key, "unknown-field",
                                "known are apiVersion, kind, metadata, spec",
                                "a manifest has no field '%s'", key->text);
    }
}

static unsigned count_members(const struct document *doc)
{
    unsigned count = 0;
    for (size_t i = 0; i < KEDGE_COUNT(doc->members); i++)
        count += doc->members[i] != NULL;
    return count;
}

/* Ours, somebody else's (*skipped) or wrong. */
static bool check_version(struct kedge_decoder *decoder, const struct document *doc, bool *skipped)
{
    const struct kedge_yaml_node *version = doc->api_version;
    if (!version) {
        kedge_decode_refuse(decoder, doc->root, "missing-field",
                            "add 'apiVersion: " KEDGE_API_VERSION
                            "', or keep the file outside of the manifest path",
                            "'apiVersion' is missing");
        return false;
    }
    if (!kedge_decode_expect(decoder, version, KEDGE_YAML_STRING))
        return false;
    if (strcmp(version->text, KEDGE_API_VERSION) == 0)
        return true;
    if (strncmp(version->text, "kedge.dev/", strlen("kedge.dev/")) != 0)
        *skipped = true;
    else
        kedge_decode_refuse(decoder, version, "unknown-version", "use '" KEDGE_API_VERSION "'",
                            "'%s' is not a version this kedge reads", version->text);
    return false;
}

static bool check_kind(struct kedge_decoder *decoder, const struct document *doc,
                       enum kedge_kind *kind)
{
    int value;
    if (!doc->kind) {
        kedge_decode_refuse(decoder, doc->root, "missing-field", "add it, for example kind: Device",
                            "'kind' is missing");
        return false;
    }
    if (!kedge_decode_expect(decoder, doc->kind, KEDGE_YAML_STRING))
        return false;
    if (!kedge_word_parse(&kedge_kind_words, doc->kind->text, &value)) {
        const char *near = kedge_field_suggest(kedge_kind_words.words,
                                               (size_t)kedge_kind_words.count, doc->kind->text);
        kedge_auto(kedge_buf) struct kedge_buf remedy = {0};
        kedge_buf_printf(&remedy, "did you mean '%s'?", near ? near : "");
        kedge_decode_refuse(decoder, doc->kind, "unknown-kind", near ? remedy.data : NULL,
                            "there is no kind '%s'", doc->kind->text);
        return false;
    }
    *kind = (enum kedge_kind)value;
    return true;
}

/* `metadata` or `spec`; left out it is as good as empty. */
static void decode_part(struct kedge_decoder *decoder, const struct kedge_record *record,
                        const char *name, const struct document *doc,
                        const struct kedge_yaml_node *node, void *base)
{
    struct kedge_yaml_node empty = {.line = doc->root->line,
                                    .column = doc->root->column,
                                    .type = KEDGE_YAML_MAP};
    if (!node && kedge_field_is_needed(record)) {
        kedge_decode_refuse(decoder, doc->root, "missing-field", NULL, "'%s' is missing", name);
        return;
    }
    struct kedge_decode_step step = {.up = decoder->where, .key = name};
    decoder->where = &step;
    kedge_decode_record(decoder, record, node ? node : &empty, base);
    decoder->where = step.up;
}

const struct kedge_object *kedge_decode_document(struct kedge_decoder *decoder,
                                                 const struct kedge_yaml_node *root,
                                                 enum kedge_kind *kind, bool *skipped)
{
    *skipped = false;
    if (root->type != KEDGE_YAML_MAP) {
        kedge_decode_refuse(decoder, root, "wrong-type",
                            "keep files that are no manifests outside of the manifest path",
                            "a manifest must be a mapping, not %s",
                            kedge_yaml_type_name(root->type));
        return NULL;
    }
    struct document doc = {.root = root};
    find_members(&doc);
    if (!check_version(decoder, &doc, skipped) || !check_kind(decoder, &doc, kind))
        return NULL;
    if (root->size != count_members(&doc))
        refuse_other_members(decoder, &doc);
    const struct kedge_record *spec = kedge_kinds[*kind];
    struct kedge_object *object = kedge_arena_alloc(decoder->arena, spec->size);
    decode_part(decoder, &kedge_metadata_record, "metadata", &doc, doc.metadata, object);
    decode_part(decoder, spec, "spec", &doc, doc.spec, object);
    object->at = kedge_decode_position(decoder, root);
    return object->name ? object : NULL;
}

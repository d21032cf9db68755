/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/limits.h"
#include "state/quantity.h"

static void *at(void *base, uint32_t offset)
{
    return (char *)base + offset;
}

static bool refuse(struct kedge_decoder *d, enum kedge_field_type type,
                   const struct kedge_yaml_node *node)
{
    const struct kedge_field_row *row = &kedge_field_rows[type];
    kedge_decode_refuse(d, node, "bad-value", row->remedy, "'%s' is not %s", node->text, row->what);
    return false;
}

/* --- texts --- */

static bool is_graphic(const char *text)
{
    for (; *text; text++)
        if (*text < '!' || *text > '~')
            return false;
    return true;
}

static bool is_line(const char *text)
{
    return *text && !text[strcspn(text, "\r\n")];
}

static bool is_name(const char *text)
{
    return kedge_name_valid(text, strlen(text));
}

static bool is_variable(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *text && !(*text >= '0' && *text <= '9') && !text[strspn(text, letters)];
}

static bool is_path(const char *text)
{
    return *text == '/' && is_graphic(text);
}

static bool is_url(const char *text)
{
    static const struct {
        const char *scheme;
        bool bare; /* nothing need follow */
    } known[] = {{"hub:", true}, {"file:", false}, {"https://", false}, {"http://", false}};
    for (size_t i = 0; i < KEDGE_COUNT(known); i++) {
        size_t size = strlen(known[i].scheme);
        if (strncmp(text, known[i].scheme, size) == 0)
            return (text[size] || known[i].bare) && is_graphic(text);
    }
    return false;
}

static bool is_amount(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9)
        return false;
    if (text[digits] == '\0')
        return true;
    return strcmp(text + digits, "%") == 0 && (digits <= 2 || strcmp(text, "100%") == 0);
}

/* What each text type accepts; NULL: any text, or a parser below decides. */
static bool (*const checks[KEDGE_FIELD_TYPE_COUNT])(const char *text) = {
    [KEDGE_FIELD_STRING] = is_line,    [KEDGE_FIELD_NAME] = is_name,
    [KEDGE_FIELD_REFERENCE] = is_name, [KEDGE_FIELD_VARIABLE] = is_variable,
    [KEDGE_FIELD_PATH] = is_path,      [KEDGE_FIELD_URL] = is_url,
    [KEDGE_FIELD_AMOUNT] = is_amount,  [KEDGE_FIELD_BUDGET] = is_amount,
};

/* A string, or an integer where that reads the same. */
static bool expect_text(struct kedge_decoder *d, enum kedge_field_type type,
                        const struct kedge_yaml_node *node)
{
    bool integer =
        type == KEDGE_FIELD_AMOUNT || type == KEDGE_FIELD_BUDGET || type == KEDGE_FIELD_QUANTITY;
    return (integer && node->type == KEDGE_YAML_INTEGER) ||
           kedge_decode_expect(d, node, KEDGE_YAML_STRING);
}

static bool expect_word(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, int *value)
{
    if (!kedge_decode_expect(d, node, KEDGE_YAML_STRING))
        return false;
    if (kedge_word_parse(field->words, node->text, value))
        return true;
    const char *near =
        kedge_field_suggest(field->words->words, (size_t)field->words->count, node->text);
    kedge_auto(kedge_buf) struct kedge_buf remedy = {0};
    if (near)
        kedge_buf_printf(&remedy, "did you mean '%s'?", near);
    else
        kedge_buf_puts(&remedy, "use ");
    for (int i = 0, given = 0; !near && i < field->words->count; i++)
        if (field->words->words[i])
            kedge_buf_printf(&remedy, "%s%s", given++ ? ", " : "", field->words->words[i]);
    kedge_decode_refuse(d, node, "bad-value", remedy.data, "'%s' is not one of the known words",
                        node->text);
    return false;
}

static void remember(struct kedge_decoder *d, const struct kedge_field *field,
                     const struct kedge_yaml_node *node, const char *name)
{
    struct kedge_reference reference = {
        .kind = field->kind,
        .name = name,
        .field = kedge_decode_path(d, d->arena),
        .at = kedge_decode_position(d, node),
    };
    kedge_buf_add(&d->references, &reference, sizeof reference);
}

/* The text of one value or list item, kept. */
static bool take_text(struct kedge_decoder *d, const struct kedge_field *field,
                      enum kedge_field_type type, const struct kedge_yaml_node *node,
                      const char **out)
{
    int word;
    if (type == KEDGE_FIELD_WORD ? !expect_word(d, field, node, &word)
                                 : !expect_text(d, type, node))
        return false;
    if (checks[type] && !checks[type](node->text))
        return refuse(d, type, node);
    /* Names are many and mostly different: the table would only grow. */
    *out = type == KEDGE_FIELD_NAME ? kedge_arena_strndup(d->arena, node->text, node->size)
                                    : kedge_intern_add(d->intern, node->text, node->size);
    if (type == KEDGE_FIELD_REFERENCE)
        remember(d, field, node, *out);
    return true;
}

static int parse_text(struct kedge_decoder *d, const struct kedge_field *field, const char *text,
                      void *parsed, struct kedge_err *err)
{
    switch (field->type) {
    case KEDGE_FIELD_VERSION:
        return kedge_version_parse(d->arena, text, parsed, err);
    case KEDGE_FIELD_RANGE:
        return kedge_range_parse(d->arena, text, parsed, err);
    case KEDGE_FIELD_CRON:
        return kedge_cron_parse(text, parsed, err);
    case KEDGE_FIELD_ZONE:
        return kedge_zone_load(d->arena, text, parsed, err);
    default:
        return 0;
    }
}

static bool decode_text(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, void *base)
{
    const char *text;
    struct kedge_err err;
    if (!take_text(d, field, field->type, node, &text))
        return false;
    if (parse_text(d, field, text, at(base, field->parsed), &err) < 0) {
        kedge_decode_refuse(d, node, "bad-value", kedge_field_rows[field->type].remedy, "%s",
                            err.msg);
        return false;
    }
    if (field->size)
        *(const char **)at(base, field->offset) = text;
    return true;
}

/* --- strings that stand for something else --- */

static bool decode_enum(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, void *base)
{
    int value;
    if (!expect_word(d, field, node, &value))
        return false;
    kedge_decode_store(base, field->offset, field->size, value);
    return true;
}

static bool parse_key(const char *text, uint8_t key[KEDGE_KEY_SIZE])
{
    static const char prefix[] = "ed25519:";
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    size_t size = strlen(text);
    /* The standard alphabet only: one key has one spelling. */
    if (size != sizeof prefix - 1 + 44 || strncmp(text, prefix, sizeof prefix - 1) != 0 ||
        strpbrk(text, "-_"))
        return false;
    text += sizeof prefix - 1;
    kedge_buf_reserve(&bytes, KEDGE_KEY_SIZE);
    if (kedge_base64_decode(&bytes, text, 44, NULL) < 0 || bytes.size != KEDGE_KEY_SIZE)
        return false;
    memcpy(key, bytes.data, KEDGE_KEY_SIZE);
    return true;
}

static bool decode_coded(struct kedge_decoder *d, const struct kedge_field *field,
                         const struct kedge_yaml_node *node, void *base)
{
    if (!expect_text(d, field->type, node))
        return false;
    void *member = at(base, field->offset);
    bool good = false;
    switch (field->type) {
    case KEDGE_FIELD_QUANTITY:
        good = kedge_quantity_parse(node->text, member);
        break;
    case KEDGE_FIELD_DURATION:
        good = kedge_duration_parse(node->text, member);
        break;
    case KEDGE_FIELD_TIMESTAMP:
        good = kedge_clock_parse(node->text, member);
        break;
    case KEDGE_FIELD_DIGEST:
        good = kedge_digest_parse(node->text, member);
        break;
    default:
        good = parse_key(node->text, member);
        break;
    }
    if (!good)
        return refuse(d, field->type, node);
    if (field->type == KEDGE_FIELD_DURATION && *(kedge_ms *)member < field->min) {
        char least[KEDGE_DURATION_TEXT];
        kedge_decode_refuse(d, node, "bad-value", NULL, "'%s' is too short: at least %s",
                            node->text, kedge_duration_format(field->min, least));
        return false;
    }
    return true;
}

static bool decode_budget(struct kedge_decoder *d, const struct kedge_field *field,
                          const struct kedge_yaml_node *node, void *base)
{
    if (!expect_text(d, field->type, node))
        return false;
    if (!is_amount(node->text))
        return refuse(d, field->type, node);
    *(int64_t *)at(base, field->offset) = strtoll(node->text, NULL, 10);
    *(bool *)at(base, field->parsed) = strchr(node->text, '%') != NULL;
    return true;
}

/* --- other scalars --- */

static bool decode_integer(struct kedge_decoder *d, const struct kedge_field *field,
                           const struct kedge_yaml_node *node, void *base)
{
    int64_t value;
    if (!kedge_decode_expect(d, node, KEDGE_YAML_INTEGER))
        return false;
    const char *digits = node->text + strspn(node->text, "+-");
    if (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') {
        kedge_decode_refuse(d, node, "bad-value", "write it without leading zeros, or as 0o17",
                            "'%s' is octal for some readers of YAML and decimal for others",
                            node->text);
        return false;
    }
    if (!kedge_yaml_integer(node, &value) || value < field->min || value > field->max) {
        kedge_decode_refuse(d, node, "bad-value", NULL, "%s is not between %lld and %lld",
                            node->text, (long long)field->min, (long long)field->max);
        return false;
    }
    kedge_decode_store(base, field->offset, field->size, value);
    return true;
}

static bool decode_number(struct kedge_decoder *d, const struct kedge_field *field,
                          const struct kedge_yaml_node *node, void *base)
{
    if (node->type != KEDGE_YAML_INTEGER && !kedge_decode_expect(d, node, KEDGE_YAML_NUMBER))
        return false;
    if (kedge_yaml_number(node, at(base, field->offset)))
        return true;
    kedge_decode_refuse(d, node, "bad-value", NULL, "'%s' is not a finite number", node->text);
    return false;
}

static bool decode_bool(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, void *base)
{
    if (!kedge_decode_expect(d, node, KEDGE_YAML_BOOL))
        return false;
    *(bool *)at(base, field->offset) = kedge_yaml_truth(node);
    return true;
}

/* --- composites --- */

static bool expect_list(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, uint32_t limit)
{
    if (!kedge_decode_expect(d, node, KEDGE_YAML_LIST))
        return false;
    if (node->size > limit) {
        kedge_decode_refuse(d, node, "limit", NULL, "the list has more than %u items", limit);
        return false;
    }
    if (node->size == 0 && field->flags & KEDGE_FIELD_REQUIRED) {
        kedge_decode_refuse(d, node, "bad-value", "add an item", "the list must not be empty");
        return false;
    }
    return true;
}

static bool decode_list(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, void *base)
{
    if (!expect_list(d, field, node, KEDGE_LIMIT_LIST))
        return false;
    const char **items = kedge_arena_array(d->arena, node->size, sizeof *items);
    struct kedge_decode_step step = {.up = d->where};
    bool good = true;
    d->where = &step;
    for (const struct kedge_yaml_node *item = node->first; item; item = item->next, step.index++)
        good &= take_text(d, field, field->item, item, &items[step.index]);
    d->where = step.up;
    *(struct kedge_strings *)at(base, field->offset) = (struct kedge_strings){items, node->size};
    return good;
}

/* Few, and mostly in order: an insertion sort moves next to nothing. */
static void sort_labels(struct kedge_label *labels, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct kedge_label label = labels[i];
        uint32_t at = i;
        for (; at > 0 && strcmp(labels[at - 1].key, label.key) > 0; at--)
            labels[at] = labels[at - 1];
        labels[at] = label;
    }
}

static bool check_label(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *key)
{
    const struct kedge_yaml_node *value = key->next;
    if (!kedge_label_key_valid(key->text, key->size)) {
        kedge_decode_refuse(
            d, key, "bad-value",
            "use [prefix/]name of letters, digits, '-', '_' and '.', name at most 63",
            "'%s' is not a label key", key->text);
        return false;
    }
    if (!kedge_decode_expect(d, value, KEDGE_YAML_STRING))
        return false;
    if (field->type == KEDGE_FIELD_LABELS && !kedge_label_value_valid(value->text, value->size)) {
        kedge_decode_refuse(
            d, value, "bad-value",
            "use at most 63 letters, digits, '-', '_' and '.', the ends alphanumeric",
            "'%s' is not a label value", value->text);
        return false;
    }
    return true;
}

static bool decode_labels(struct kedge_decoder *d, const struct kedge_field *field,
                          const struct kedge_yaml_node *node, void *base)
{
    if (!kedge_decode_expect(d, node, KEDGE_YAML_MAP))
        return false;
    if (node->size > KEDGE_LIMIT_LABELS) {
        kedge_decode_refuse(d, node, "limit", NULL, "more than %d labels", KEDGE_LIMIT_LABELS);
        return false;
    }
    if (node->size == 0)
        return true;
    struct kedge_label *labels = kedge_arena_array(d->arena, node->size, sizeof *labels);
    uint32_t count = 0;
    for (const struct kedge_yaml_node *key = node->first; key; key = key->next->next) {
        struct kedge_decode_step step = {.up = d->where, .key = key->text};
        d->where = &step;
        bool good = check_label(d, field, key);
        d->where = step.up;
        if (!good)
            continue;
        labels[count].key = kedge_intern_add(d->intern, key->text, key->size);
        labels[count].value = kedge_intern_add(d->intern, key->next->text, key->next->size);
        count++;
    }
    sort_labels(labels, count);
    *(struct kedge_labels *)at(base, field->offset) = (struct kedge_labels){labels, count};
    return count == node->size;
}

/* The objects' names lie first in them. */
static const char *name_of(const void *object)
{
    return *(const char *const *)object;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(name_of(a), name_of(b));
}

static bool check_unique(struct kedge_decoder *d, const struct kedge_field *field,
                         const struct kedge_yaml_node *list, const char *objects)
{
    size_t size = field->record->size, i = 0;
    bool good = true;
    for (const struct kedge_yaml_node *item = list->first; item; item = item->next, i++) {
        size_t first = 0;
        while (strcmp(name_of(objects + first * size), name_of(objects + i * size)) != 0)
            first++;
        if (first == i)
            continue;
        const char *key = field->record->fields[0].name;
        kedge_decode_refuse(d, kedge_decode_child(item, key), "duplicate-name", "keep one of them",
                            "'%s' is given twice in '%s'", name_of(objects + i * size),
                            field->name);
        good = false;
    }
    return good;
}

static bool decode_objects(struct kedge_decoder *d, const struct kedge_field *field,
                           const struct kedge_yaml_node *node, void *base)
{
    if (!expect_list(d, field, node, KEDGE_LIMIT_OBJECTS))
        return false;
    size_t size = field->record->size;
    char *objects = kedge_arena_array(d->arena, node->size, size);
    struct kedge_decode_step step = {.up = d->where};
    bool good = true;
    d->where = &step;
    for (const struct kedge_yaml_node *item = node->first; item; item = item->next, step.index++)
        good &= kedge_decode_record(d, field->record, item, objects + step.index * size);
    d->where = step.up;
    if (!good)
        return false;
    if (field->flags & KEDGE_FIELD_UNIQUE && !check_unique(d, field, node, objects))
        return false;
    if (field->flags & KEDGE_FIELD_SORTED)
        qsort(objects, node->size, size, compare_names);
    *(const void **)at(base, field->offset) = objects;
    *(uint32_t *)at(base, field->parsed) = node->size;
    return true;
}

static bool decode_object(struct kedge_decoder *d, const struct kedge_field *field,
                          const struct kedge_yaml_node *node, void *base)
{
    return kedge_decode_record(d, field->record, node, at(base, field->offset));
}

static bool decode_pointer(struct kedge_decoder *d, const struct kedge_field *field,
                           const struct kedge_yaml_node *node, void *base)
{
    void *object = kedge_arena_alloc(d->arena, field->record->size);
    *(const void **)at(base, field->offset) = object;
    return kedge_decode_record(d, field->record, node, object);
}

static bool decode_selector(struct kedge_decoder *d, const struct kedge_field *field,
                            const struct kedge_yaml_node *node, void *base)
{
    struct kedge_selector_text text = {0};
    if (!kedge_decode_record(d, field->record, node, &text))
        return false;
    uint32_t count = text.match.count + text.count;
    struct kedge_requirement *all = kedge_arena_array(d->arena, count, sizeof *all);
    for (uint32_t i = 0; i < text.match.count; i++) {
        const struct kedge_label *label = &text.match.at[i];
        all[i] = (struct kedge_requirement){label->key, KEDGE_SELECTOR_IN, {&label->value, 1}};
    }
    for (uint32_t i = 0; i < text.count; i++)
        all[text.match.count + i] = text.expressions[i];
    *(struct kedge_selector *)at(base, field->offset) = (struct kedge_selector){all, count};
    return true;
}

/* --- free-form JSON --- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(const struct kedge_yaml_node *const *)a)->text,
                  (*(const struct kedge_yaml_node *const *)b)->text);
}

static bool write_json(struct kedge_decoder *d, const struct kedge_yaml_node *node,
                       struct kedge_json_writer *w);

/* Members in the order of their names: the layout of the manifest does not change the bytes. */
static bool write_members(struct kedge_decoder *d, const struct kedge_yaml_node *map,
                          struct kedge_json_writer *w)
{
    const struct kedge_yaml_node **keys = kedge_alloc_array(map->size + 1, sizeof *keys);
    size_t count = 0;
    bool good = true;
    for (const struct kedge_yaml_node *key = map->first; key; key = key->next->next)
        keys[count++] = key;
    qsort(keys, count, sizeof *keys, compare_keys);
    kedge_json_begin_object(w);
    for (size_t i = 0; good && i < count; i++) {
        kedge_json_key(w, keys[i]->text);
        good = write_json(d, keys[i]->next, w);
    }
    kedge_json_end_object(w);
    free(keys);
    return good;
}

static bool write_items(struct kedge_decoder *d, const struct kedge_yaml_node *list,
                        struct kedge_json_writer *w)
{
    bool good = true;
    kedge_json_begin_array(w);
    for (const struct kedge_yaml_node *item = list->first; good && item; item = item->next)
        good = write_json(d, item, w);
    kedge_json_end_array(w);
    return good;
}

static bool write_number(struct kedge_decoder *d, const struct kedge_yaml_node *node,
                         struct kedge_json_writer *w)
{
    enum { EXACT = 53 }; /* bits that every reader of JSON keeps */
    int64_t integer;
    double number;
    if (node->type == KEDGE_YAML_INTEGER) {
        if (kedge_yaml_integer(node, &integer) && integer >> EXACT == (integer < 0 ? -1 : 0)) {
            kedge_json_put_integer(w, integer);
            return true;
        }
    } else if (kedge_yaml_number(node, &number)) {
        kedge_json_put_number(w, number);
        return true;
    }
    kedge_decode_refuse(d, node, "bad-value", "put it in quotes", "'%s' cannot be a number in JSON",
                        node->text);
    return false;
}

static bool refuse_size(struct kedge_decoder *d, const struct kedge_yaml_node *node)
{
    kedge_decode_refuse(d, node, "limit", "ship it in the package",
                        "the configuration is larger than 256 KiB as JSON");
    return false;
}

static bool write_json(struct kedge_decoder *d, const struct kedge_yaml_node *node,
                       struct kedge_json_writer *w)
{
    if (w->out->size > KEDGE_LIMIT_CONFIG)
        return refuse_size(d, node);
    switch ((enum kedge_yaml_type)node->type) {
    case KEDGE_YAML_MAP:
        return write_members(d, node, w);
    case KEDGE_YAML_LIST:
        return write_items(d, node, w);
    case KEDGE_YAML_INTEGER:
    case KEDGE_YAML_NUMBER:
        return write_number(d, node, w);
    case KEDGE_YAML_BOOL:
        kedge_json_put_bool(w, kedge_yaml_truth(node));
        return true;
    case KEDGE_YAML_NULL:
        kedge_json_put_null(w);
        return true;
    case KEDGE_YAML_STRING:
        kedge_json_put_string(w, node->text);
        return true;
    }
    return false;
}

static bool decode_json(struct kedge_decoder *d, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, void *base)
{
    if (!kedge_decode_expect(d, node, KEDGE_YAML_MAP))
        return false;
    kedge_auto(kedge_buf) struct kedge_buf json = {0};
    struct kedge_json_writer writer = {.out = &json};
    if (!write_json(d, node, &writer))
        return false;
    if (json.size > KEDGE_LIMIT_CONFIG)
        return refuse_size(d, node);
    *(struct kedge_slice *)at(base, field->offset) =
        (struct kedge_slice){kedge_arena_strndup(d->arena, json.data, json.size), json.size};
    return true;
}

bool kedge_value_decode(struct kedge_decoder *decoder, const struct kedge_field *field,
                        const struct kedge_yaml_node *node, void *base)
{
    typedef bool decode(struct kedge_decoder *, const struct kedge_field *,
                        const struct kedge_yaml_node *, void *);
    static decode *const decoders[KEDGE_FIELD_TYPE_COUNT] = {
        [KEDGE_FIELD_STRING] = decode_text,       [KEDGE_FIELD_TEXT] = decode_text,
        [KEDGE_FIELD_NAME] = decode_text,         [KEDGE_FIELD_REFERENCE] = decode_text,
        [KEDGE_FIELD_WORD] = decode_text,         [KEDGE_FIELD_VARIABLE] = decode_text,
        [KEDGE_FIELD_PATH] = decode_text,         [KEDGE_FIELD_URL] = decode_text,
        [KEDGE_FIELD_AMOUNT] = decode_text,       [KEDGE_FIELD_VERSION] = decode_text,
        [KEDGE_FIELD_RANGE] = decode_text,        [KEDGE_FIELD_CRON] = decode_text,
        [KEDGE_FIELD_ZONE] = decode_text,         [KEDGE_FIELD_ENUM] = decode_enum,
        [KEDGE_FIELD_QUANTITY] = decode_coded,    [KEDGE_FIELD_DURATION] = decode_coded,
        [KEDGE_FIELD_TIMESTAMP] = decode_coded,   [KEDGE_FIELD_DIGEST] = decode_coded,
        [KEDGE_FIELD_KEY] = decode_coded,         [KEDGE_FIELD_BUDGET] = decode_budget,
        [KEDGE_FIELD_INTEGER] = decode_integer,   [KEDGE_FIELD_NUMBER] = decode_number,
        [KEDGE_FIELD_BOOL] = decode_bool,         [KEDGE_FIELD_LIST] = decode_list,
        [KEDGE_FIELD_LABELS] = decode_labels,     [KEDGE_FIELD_NOTES] = decode_labels,
        [KEDGE_FIELD_SELECTOR] = decode_selector, [KEDGE_FIELD_OBJECT] = decode_object,
        [KEDGE_FIELD_POINTER] = decode_pointer,   [KEDGE_FIELD_OBJECTS] = decode_objects,
        [KEDGE_FIELD_JSON] = decode_json,
    };
    return decoders[field->type](decoder, field, node, base);
}

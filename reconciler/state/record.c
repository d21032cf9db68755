/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "label.h"

/* The object of a member, wherever it is kept. */
static const void *at(const void *value, size_t offset)
{
    return (const char *)value + offset;
}

static uint32_t list_count(const struct kedge_member *member, const void *value)
{
    return *(const uint32_t *)at(value, member->count);
}

static bool is_absent(const struct kedge_member *member, const void *value)
{
    const void *field = at(value, member->offset);
    switch (member->type) {
    case KEDGE_MEMBER_STRING:
    case KEDGE_MEMBER_NAME:
    case KEDGE_MEMBER_POINTER:
        return *(const void *const *)field == NULL;
    case KEDGE_MEMBER_HEX:
        return *(const char *)field == '\0';
    case KEDGE_MEMBER_WORD:
        return ((const struct kedge_words *)member->detail)->words[*(const int *)field] == NULL;
    case KEDGE_MEMBER_CODE:
        return *(const int *)field == KEDGE_OK;
    case KEDGE_MEMBER_INTEGER:
    case KEDGE_MEMBER_AMOUNT:
        return *(const int64_t *)field == 0;
    case KEDGE_MEMBER_COUNT:
        return *(const uint32_t *)field == 0;
    case KEDGE_MEMBER_PORT:
        return *(const uint16_t *)field == 0;
    case KEDGE_MEMBER_BOOL:
        return !*(const bool *)field;
    case KEDGE_MEMBER_DIGEST:
        return kedge_digest_is_zero(field);
    case KEDGE_MEMBER_STRINGS:
        return ((const struct kedge_strings *)field)->count == 0;
    case KEDGE_MEMBER_LABELS:
        return ((const struct kedge_labels *)field)->count == 0;
    case KEDGE_MEMBER_JSON:
        return ((const struct kedge_slice *)field)->size == 0;
    case KEDGE_MEMBER_LIST:
        return list_count(member, value) == 0;
    case KEDGE_MEMBER_RECORD:
        break;
    }
    const struct kedge_record *record = member->detail;
    for (size_t i = 0; i < record->count; i++)
        if (!is_absent(&record->members[i], field))
            return false;
    return true;
}

static void write_strings(const struct kedge_strings *strings, struct kedge_json_writer *writer)
{
    kedge_json_begin_array(writer);
    for (uint32_t i = 0; i < strings->count; i++)
        kedge_json_put_string(writer, strings->at[i]);
    kedge_json_end_array(writer);
}

static void write_labels(const struct kedge_labels *labels, struct kedge_json_writer *writer)
{
    kedge_json_begin_object(writer);
    for (uint32_t i = 0; i < labels->count; i++) {
        kedge_json_key(writer, labels->at[i].key);
        kedge_json_put_string(writer, labels->at[i].value);
    }
    kedge_json_end_object(writer);
}

static void write_list(const struct kedge_member *member, const void *value,
                       struct kedge_json_writer *writer)
{
    const struct kedge_record *record = member->detail;
    const char *items = *(const char *const *)at(value, member->offset);
    kedge_json_begin_array(writer);
    for (uint32_t i = 0; i < list_count(member, value); i++)
        kedge_record_write(record, items + i * record->size, writer);
    kedge_json_end_array(writer);
}

static void write_member(const struct kedge_member *member, const void *value,
                         struct kedge_json_writer *writer)
{
    const void *field = at(value, member->offset);
    char digest[KEDGE_DIGEST_TEXT];
    switch (member->type) {
    case KEDGE_MEMBER_STRING:
    case KEDGE_MEMBER_NAME:
        kedge_json_put_string(writer, *(const char *const *)field);
        break;
    case KEDGE_MEMBER_HEX:
        kedge_json_put_string(writer, field);
        break;
    case KEDGE_MEMBER_WORD:
        kedge_json_put_string(writer, kedge_word_name(member->detail, *(const int *)field));
        break;
    case KEDGE_MEMBER_CODE:
        kedge_json_put_string(writer, kedge_code_name(*(const int *)field));
        break;
    case KEDGE_MEMBER_INTEGER:
    case KEDGE_MEMBER_AMOUNT:
        kedge_json_put_integer(writer, *(const int64_t *)field);
        break;
    case KEDGE_MEMBER_COUNT:
        kedge_json_put_integer(writer, *(const uint32_t *)field);
        break;
    case KEDGE_MEMBER_PORT:
        kedge_json_put_integer(writer, *(const uint16_t *)field);
        break;
    case KEDGE_MEMBER_BOOL:
        kedge_json_put_bool(writer, *(const bool *)field);
        break;
    case KEDGE_MEMBER_DIGEST:
        kedge_json_put_string(writer, kedge_digest_format(field, digest));
        break;
    case KEDGE_MEMBER_STRINGS:
        write_strings(field, writer);
        break;
    case KEDGE_MEMBER_LABELS:
        write_labels(field, writer);
        break;
    case KEDGE_MEMBER_JSON:
        kedge_json_put_raw(writer, *(const struct kedge_slice *)field);
        break;
    case KEDGE_MEMBER_RECORD:
        kedge_record_write(member->detail, field, writer);
        break;
    case KEDGE_MEMBER_POINTER:
        kedge_record_write(member->detail, *(const void *const *)field, writer);
        break;
    case KEDGE_MEMBER_LIST:
        write_list(member, value, writer);
        break;
    }
}

static bool is_listed(const char *const *keys, const char *key)
{
    for (; *keys != NULL; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

void kedge_record_write_without(const struct kedge_record *record, const void *value,
                                const char *const *omit, struct kedge_json_writer *writer)
{
    kedge_json_begin_object(writer);
    for (size_t i = 0; i < record->count; i++) {
        const struct kedge_member *member = &record->members[i];
        if ((!member->required && is_absent(member, value)) || is_listed(omit, member->key))
            continue;
        kedge_json_key(writer, member->key);
        write_member(member, value, writer);
    }
    kedge_json_end_object(writer);
}

void kedge_record_write(const struct kedge_record *record, const void *value,
                        struct kedge_json_writer *writer)
{
    static const char *const none[] = {NULL};
    kedge_record_write_without(record, value, none, writer);
}

/* Reading: each function fills one field from one JSON value that is there; the caller names the
 * member. */

static int refuse(struct kedge_err *err, const char *what)
{
    return kedge_err_set(err, KEDGE_INVALID, "not %s", what);
}

static int read_string(struct kedge_arena *arena, const json_t *json, const char **out,
                       struct kedge_err *err)
{
    if (!json_is_string(json))
        return refuse(err, "a string");
    const char *text = json_string_value(json);
    size_t size = json_string_length(json);
    if (size > KEDGE_LIMIT_STRING)
        return kedge_err_set(err, KEDGE_LIMIT, "longer than %zu bytes", KEDGE_LIMIT_STRING);
    if (memchr(text, '\0', size) != NULL)
        return refuse(err, "free of NUL");
    *out = kedge_arena_strndup(arena, text, size);
    return 0;
}

static int read_name(struct kedge_arena *arena, const json_t *json, const char **out,
                     struct kedge_err *err)
{
    if (!json_is_string(json) ||
        !kedge_name_valid(json_string_value(json), json_string_length(json)))
        return refuse(err, "a name");
    return read_string(arena, json, out, err);
}

static int read_hex(const json_t *json, char *out, size_t size, struct kedge_err *err)
{
    const char *text = json_is_string(json) ? json_string_value(json) : "";
    if (strlen(text) != size - 1 || strspn(text, "0123456789abcdef") != size - 1)
        return kedge_err_set(err, KEDGE_INVALID, "not %zu lower-case hex digits", size - 1);
    memcpy(out, text, size);
    return 0;
}

static int read_word(const struct kedge_words *words, const json_t *json, int *out,
                     struct kedge_err *err)
{
    if (!json_is_string(json) || !kedge_word_parse(words, json_string_value(json), out))
        return refuse(err, "a word it may have");
    return 0;
}

static int read_code(const json_t *json, int *out, struct kedge_err *err)
{
    for (int code = KEDGE_INTERNAL; json_is_string(json) && code < KEDGE_OK; code++) {
        if (strcmp(kedge_code_name(code), json_string_value(json)) == 0) {
            *out = code;
            return 0;
        }
    }
    return refuse(err, "an error code");
}

static int read_integer(const json_t *json, int64_t low, int64_t high, int64_t *out,
                        struct kedge_err *err)
{
    if (!json_is_integer(json))
        return refuse(err, "an integer");
    int64_t value = json_integer_value(json);
    if (value < low || value > high)
        return kedge_err_set(err, KEDGE_INVALID, "not within %lld and %lld", (long long)low,
                             (long long)high);
    *out = value;
    return 0;
}

static int read_digest(const json_t *json, struct kedge_digest *out, struct kedge_err *err)
{
    if (!json_is_string(json) || !kedge_digest_parse(json_string_value(json), out))
        return refuse(err, "a digest like 'sha256:<64 hex digits>'");
    return 0;
}

/* Of an array or object: bounded before anything is made for it. */
static int read_size(size_t size, uint32_t *out, struct kedge_err *err)
{
    if (size > KEDGE_LIMIT_LIST)
        return kedge_err_set(err, KEDGE_LIMIT, "more than %d items", KEDGE_LIMIT_LIST);
    *out = (uint32_t)size;
    return 0;
}

static int read_strings(struct kedge_arena *arena, const json_t *json, struct kedge_strings *out,
                        struct kedge_err *err)
{
    uint32_t count = 0;
    if (!json_is_array(json))
        return refuse(err, "an array");
    int rc = read_size(json_array_size(json), &count, err);
    if (rc != 0)
        return rc;
    const char **strings = kedge_arena_array(arena, count, sizeof *strings);
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        rc = read_string(arena, json_array_get(json, i), &strings[i], err);
    *out = (struct kedge_strings){strings, count};
    return rc;
}

static int read_labels(struct kedge_arena *arena, json_t *json, struct kedge_labels *out,
                       struct kedge_err *err)
{
    uint32_t count = 0;
    if (!json_is_object(json))
        return refuse(err, "an object");
    int rc = read_size(json_object_size(json), &count, err);
    if (rc != 0)
        return rc;
    struct kedge_label *labels = kedge_arena_array(arena, count, sizeof *labels);
    const char *key;
    json_t *value;
    uint32_t i = 0;
    json_object_foreach (json, key, value) {
        if (i > 0 && strcmp(labels[i - 1].key, key) >= 0)
            return refuse(err, "in the order of its keys");
        labels[i].key = kedge_arena_strdup(arena, key);
        rc = read_string(arena, value, &labels[i].value, err);
        if (rc != 0)
            return rc;
        i++;
    }
    *out = (struct kedge_labels){labels, count};
    return 0;
}

static int read_json(struct kedge_arena *arena, const json_t *json, struct kedge_slice *out,
                     struct kedge_err *err)
{
    if (!json_is_object(json))
        return refuse(err, "an object");
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_json_writer writer = {.out = &text};
    kedge_json_put_value(&writer, json);
    if (text.size > KEDGE_LIMIT_CONFIG)
        return kedge_err_set(err, KEDGE_LIMIT, "longer than %zu bytes", KEDGE_LIMIT_CONFIG);
    *out = (struct kedge_slice){kedge_arena_strndup(arena, text.data, text.size), text.size};
    return 0;
}

static int read_list(struct kedge_arena *arena, const struct kedge_member *member,
                     const json_t *json, void *value, struct kedge_err *err)
{
    const struct kedge_record *record = member->detail;
    uint32_t count = 0;
    if (!json_is_array(json))
        return refuse(err, "an array");
    int rc = read_size(json_array_size(json), &count, err);
    if (rc != 0)
        return rc;
    char *items = kedge_arena_array(arena, count, record->size);
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        rc = kedge_record_read(arena, record, json_array_get(json, i), items + i * record->size,
                               err);
    *(void **)((char *)value + member->offset) = items;
    *(uint32_t *)((char *)value + member->count) = count;
    return rc;
}

static int read_pointer(struct kedge_arena *arena, const struct kedge_record *record,
                        const json_t *json, void **out, struct kedge_err *err)
{
    *out = kedge_arena_alloc(arena, record->size);
    return kedge_record_read(arena, record, json, *out, err);
}

static int read_number(enum kedge_member_type type, const json_t *json, void *field,
                       struct kedge_err *err)
{
    static const struct {
        int64_t low, high;
    } bounds[] = {
        [KEDGE_MEMBER_INTEGER] = {-KEDGE_LIMIT_VERSION_NUMBER, KEDGE_LIMIT_VERSION_NUMBER},
        [KEDGE_MEMBER_AMOUNT] = {0, KEDGE_LIMIT_VERSION_NUMBER},
        [KEDGE_MEMBER_COUNT] = {0, UINT32_MAX},
        [KEDGE_MEMBER_PORT] = {0, UINT16_MAX},
    };
    int64_t number = 0;
    int rc = read_integer(json, bounds[type].low, bounds[type].high, &number, err);
    if (type == KEDGE_MEMBER_COUNT)
        *(uint32_t *)field = (uint32_t)number;
    else if (type == KEDGE_MEMBER_PORT)
        *(uint16_t *)field = (uint16_t)number;
    else
        *(int64_t *)field = number;
    return rc;
}

static int read_member(struct kedge_arena *arena, const struct kedge_member *member, json_t *json,
                       void *value, struct kedge_err *err)
{
    void *field = (char *)value + member->offset;
    switch (member->type) {
    case KEDGE_MEMBER_STRING:
        return read_string(arena, json, field, err);
    case KEDGE_MEMBER_NAME:
        return read_name(arena, json, field, err);
    case KEDGE_MEMBER_HEX:
        return read_hex(json, field, member->count, err);
    case KEDGE_MEMBER_WORD:
        return read_word(member->detail, json, field, err);
    case KEDGE_MEMBER_CODE:
        return read_code(json, field, err);
    case KEDGE_MEMBER_INTEGER:
    case KEDGE_MEMBER_AMOUNT:
    case KEDGE_MEMBER_COUNT:
    case KEDGE_MEMBER_PORT:
        return read_number(member->type, json, field, err);
    case KEDGE_MEMBER_BOOL:
        *(bool *)field = json_is_true(json);
        return json_is_boolean(json) ? 0 : refuse(err, "true or false");
    case KEDGE_MEMBER_DIGEST:
        return read_digest(json, field, err);
    case KEDGE_MEMBER_STRINGS:
        return read_strings(arena, json, field, err);
    case KEDGE_MEMBER_LABELS:
        return read_labels(arena, json, field, err);
    case KEDGE_MEMBER_JSON:
        return read_json(arena, json, field, err);
    case KEDGE_MEMBER_RECORD:
        return kedge_record_read(arena, member->detail, json, field, err);
    case KEDGE_MEMBER_POINTER:
        return read_pointer(arena, member->detail, json, field, err);
    case KEDGE_MEMBER_LIST:
        return read_list(arena, member, json, value, err);
    }
    return kedge_err_set(err, KEDGE_INTERNAL, "member '%s' has no type", member->key);
}

/* Members seen are counted, so that an object with more has one that nobody asked for. */
static int refuse_unknown(const struct kedge_record *record, json_t *json, struct kedge_err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (json, key, value) {
        bool known = false;
        for (size_t i = 0; i < record->count && !known; i++)
            known = strcmp(record->members[i].key, key) == 0;
        if (!known)
            return kedge_err_set(err, KEDGE_INVALID, "'%s' is not a member kedge knows", key);
    }
    return 0;
}

int kedge_record_read(struct kedge_arena *arena, const struct kedge_record *record,
                      const json_t *json, void *out, struct kedge_err *err)
{
    if (!json_is_object(json))
        return refuse(err, "an object");
    size_t seen = 0;
    for (size_t i = 0; i < record->count; i++) {
        const struct kedge_member *member = &record->members[i];
        json_t *value = json_object_get(json, member->key);
        if (value == NULL && member->required)
            return kedge_err_set(err, KEDGE_INVALID, "'%s' is missing", member->key);
        if (value == NULL)
            continue;
        seen++;
        int rc = read_member(arena, member, value, out, err);
        if (rc != 0) {
            kedge_err_wrap(err, "'%s'", member->key);
            return rc;
        }
    }
    if (seen == json_object_size(json))
        return 0;
    return refuse_unknown(record, (json_t *)(uintptr_t)json, err);
}

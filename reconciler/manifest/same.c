/* SPDX-License-Identifier: Apache-2.0 */
#include "same.h"

#include <string.h>

#include "base/buf.h"
#include "field.h"

static const void *member(const void *base, uint32_t offset)
{
    return (const char *)base + offset;
}

static const char *text_at(const void *base, uint32_t offset)
{
    return *(const char *const *)member(base, offset);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_bytes(const void *a, const void *b, uint32_t offset, size_t size)
{
    return memcmp(member(a, offset), member(b, offset), size) == 0;
}

static bool same_strings(const struct kedge_strings *a, const struct kedge_strings *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = same_text(a->at[i], b->at[i]);
    return same;
}

static bool same_labels(const struct kedge_labels *a, const struct kedge_labels *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = same_text(a->at[i].key, b->at[i].key) && same_text(a->at[i].value, b->at[i].value);
    return same;
}

static bool same_selector(const struct kedge_selector *a, const struct kedge_selector *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = a->at[i].op == b->at[i].op && same_text(a->at[i].key, b->at[i].key) &&
               same_strings(&a->at[i].values, &b->at[i].values);
    return same;
}

static bool same_slice(const struct kedge_slice *a, const struct kedge_slice *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool same_record(const struct kedge_record *record, const void *a, const void *b);

static bool same_objects(const struct kedge_field *field, const void *a, const void *b)
{
    const char *left = text_at(a, field->offset), *right = text_at(b, field->offset);
    uint32_t count = *(const uint32_t *)member(a, field->parsed);
    bool same = count == *(const uint32_t *)member(b, field->parsed);
    for (uint32_t i = 0; same && i < count; i++)
        same = same_record(field->record, left + (size_t)i * field->record->size,
                           right + (size_t)i * field->record->size);
    return same;
}

static bool same_pointer(const struct kedge_field *field, const void *a, const void *b)
{
    const void *left = text_at(a, field->offset), *right = text_at(b, field->offset);
    return left && right ? same_record(field->record, left, right) : left == right;
}

static bool same_field(const struct kedge_field *field, const void *a, const void *b)
{
    const void *left = member(a, field->offset), *right = member(b, field->offset);
    if (field->mark_size && !same_bytes(a, b, field->mark, field->mark_size))
        return false;
    switch (field->type) {
    case KEDGE_FIELD_LIST:
        return same_strings(left, right);
    case KEDGE_FIELD_LABELS:
    case KEDGE_FIELD_NOTES:
        return same_labels(left, right);
    case KEDGE_FIELD_SELECTOR:
        return same_selector(left, right);
    case KEDGE_FIELD_OBJECT:
        return same_record(field->record, left, right);
    case KEDGE_FIELD_POINTER:
        return same_pointer(field, a, b);
    case KEDGE_FIELD_OBJECTS:
        return same_objects(field, a, b);
    case KEDGE_FIELD_JSON:
        return same_slice(left, right);
    case KEDGE_FIELD_BUDGET:
        return same_bytes(a, b, field->offset, field->size) &&
               same_bytes(a, b, field->parsed, sizeof(bool));
    case KEDGE_FIELD_ENUM:
    case KEDGE_FIELD_QUANTITY:
    case KEDGE_FIELD_DURATION:
    case KEDGE_FIELD_TIMESTAMP:
    case KEDGE_FIELD_DIGEST:
    case KEDGE_FIELD_KEY:
    case KEDGE_FIELD_INTEGER:
    case KEDGE_FIELD_NUMBER:
    case KEDGE_FIELD_BOOL:
        return same_bytes(a, b, field->offset, field->size);
    default: /* texts; what is parsed from one follows from it */
        return same_text(text_at(a, field->offset), text_at(b, field->offset));
    }
}

static bool same_record(const struct kedge_record *record, const void *a, const void *b)
{
    for (uint32_t i = 0; i < record->count; i++)
        if (!same_field(&record->fields[i], a, b))
            return false;
    return true;
}

bool kedge_same_object(enum kedge_kind kind, const struct kedge_object *a,
                       const struct kedge_object *b)
{
    return a == b ||
           (same_record(&kedge_metadata_record, a, b) && same_record(kedge_kinds[kind], a, b));
}

struct collecting {
    const struct kedge_object *object;
    struct kedge_arena *arena;
    struct kedge_buf *out;
};

static void add_reference(const struct collecting *c, const struct kedge_field *field,
                          const char *path, const char *name)
{
    if (!name)
        return;
    struct kedge_reference reference = {field->kind, name,
                                        kedge_arena_printf(c->arena, "%s.%s", path, field->name),
                                        c->object->at};
    kedge_buf_add(c->out, &reference, sizeof reference);
}

static void collect(const struct collecting *c, const struct kedge_record *record, const char *path,
                    const void *base)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct kedge_field *field = &record->fields[i];
        const void *at = member(base, field->offset);
        bool listed = field->type == KEDGE_FIELD_LIST && field->item == KEDGE_FIELD_REFERENCE;
        bool nested = field->type == KEDGE_FIELD_OBJECT || field->type == KEDGE_FIELD_OBJECTS ||
                      field->type == KEDGE_FIELD_POINTER;
        const struct kedge_strings *names = at;
        /* Of fields that are each other's alternative one name stands for all: its kind is marked. */
        bool chosen = !field->mark_size || field->mark_size != sizeof(enum kedge_kind) ||
                      *(const int *)member(base, field->mark) == field->mark_value;
        if (field->type == KEDGE_FIELD_REFERENCE && chosen)
            add_reference(c, field, path, text_at(base, field->offset));
        for (uint32_t k = 0; listed && k < names->count; k++)
            add_reference(c, field, path, names->at[k]);
        if (!nested)
            continue;
        const char *below = kedge_arena_printf(c->arena, "%s.%s", path, field->name);
        const char *first = field->type == KEDGE_FIELD_OBJECT ? at : text_at(base, field->offset);
        uint32_t count = field->type == KEDGE_FIELD_OBJECTS
                             ? *(const uint32_t *)member(base, field->parsed)
                             : first != NULL;
        for (uint32_t k = 0; k < count; k++)
            collect(c, field->record, below, first + (size_t)k * field->record->size);
    }
}

void kedge_same_references(enum kedge_kind kind, const struct kedge_object *object,
                           struct kedge_arena *arena, struct kedge_buf *out)
{
    collect(&(struct collecting){object, arena, out}, kedge_kinds[kind], "spec", object);
}

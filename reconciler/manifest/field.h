/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of every kind, as tables: what decodes, defaults, checks, documents and makes the JSON
 * Schema. A new field is one row. */
#pragma once

#include "state/spec.h"

enum kedge_field_type {
    /* Texts: a string that passes a check. Stored as const char *; some store a parsed value too. */
    KEDGE_FIELD_STRING,    /* one line, not empty */
    KEDGE_FIELD_TEXT,      /* anything */
    KEDGE_FIELD_NAME,      /* of an object: DNS-1123 subdomain */
    KEDGE_FIELD_REFERENCE, /* the name of an object of kind `kind` */
    KEDGE_FIELD_WORD,      /* one of `words`, kept as text */
    KEDGE_FIELD_VARIABLE,  /* name of an environment variable */
    KEDGE_FIELD_PATH,      /* begins with '/' */
    KEDGE_FIELD_URL,       /* of an artifact */
    KEDGE_FIELD_AMOUNT,    /* "10" or "5%"; an integer will do */
    KEDGE_FIELD_VERSION,   /* parsed: struct kedge_version */
    KEDGE_FIELD_RANGE,     /* parsed: const struct kedge_range * */
    KEDGE_FIELD_CRON,      /* parsed: struct kedge_cron */
    KEDGE_FIELD_ZONE,      /* parsed: const struct kedge_zone * */
    /* Strings that stand for something else. */
    KEDGE_FIELD_ENUM,      /* one of `words`, stored by its number */
    KEDGE_FIELD_QUANTITY,  /* int64_t bytes; an integer will do */
    KEDGE_FIELD_DURATION,  /* kedge_ms */
    KEDGE_FIELD_TIMESTAMP, /* kedge_ms */
    KEDGE_FIELD_DIGEST,    /* struct kedge_digest */
    KEDGE_FIELD_KEY,       /* uint8_t[KEDGE_KEY_SIZE] */
    KEDGE_FIELD_BUDGET,    /* as an amount; int64_t, and bool at `parsed`: it is a percentage */
    /* Other scalars. */
    KEDGE_FIELD_INTEGER, /* within [min, max]; stored by the member's size */
    KEDGE_FIELD_NUMBER,  /* double */
    KEDGE_FIELD_BOOL,
    /* Composites. */
    KEDGE_FIELD_LIST,     /* of the text type `item`: struct kedge_strings */
    KEDGE_FIELD_LABELS,   /* map of label values: struct kedge_labels */
    KEDGE_FIELD_NOTES,    /* map of texts: struct kedge_labels */
    KEDGE_FIELD_SELECTOR, /* struct kedge_selector */
    KEDGE_FIELD_OBJECT,   /* embedded at `offset`, by `record` */
    KEDGE_FIELD_POINTER,  /* the same, allocated: const struct * */
    KEDGE_FIELD_OBJECTS,  /* list by `record`: const struct *, its uint32_t count at `parsed` */
    KEDGE_FIELD_JSON,     /* any object: struct kedge_slice of canonical JSON */
    KEDGE_FIELD_TYPE_COUNT
};

enum kedge_field_flags {
    KEDGE_FIELD_REQUIRED = 1, /* also: a list must not be empty */
    KEDGE_FIELD_UNIQUE = 2,   /* list: the first field of its objects names them */
    KEDGE_FIELD_SORTED = 4,   /* list: kept in the order of those names */
};

/* `name` is a member's name in the manifest; offsets are into the struct of the record. */
struct kedge_field {
    const char *name;
    enum kedge_field_type type, item;
    unsigned flags;
    uint32_t offset,
        size;        /* of the member; size 0: the whole struct, for objects that only group */
    uint32_t parsed; /* offset of the second member, where the type has one; else 0 */
    /* When the field is given, the member at `mark` of `mark_size` bytes becomes `mark_value`. */
    uint32_t mark, mark_size;
    int mark_value;
    unsigned choice;  /* exactly one of the fields with the same number, which is not 0, is given */
    int64_t min, max; /* max 0: the member's own */
    const char *preset; /* as it would be written in a manifest; NULL: none */
    enum kedge_kind kind;
    const struct kedge_words *words;
    const struct kedge_record *record;
    /* Values this version reads and checks but does not act on yet, between spaces (" a b "); "*":
     * any. They are warned of. */
    const char *inert;
    const char *about;   /* one line, for schema and documentation */
    const char *example; /* as JSON */
};

struct kedge_decoder;
struct kedge_yaml_node;
/* Rules between the fields of one record, and what follows from them; called once each field is
 * right. `node` is the mapping, `value` the struct. */
typedef void kedge_record_finish(struct kedge_decoder *decoder, const struct kedge_yaml_node *node,
                                 void *value);

struct kedge_record {
    const char *name;
    const char *about;
    uint32_t size; /* of the struct */
    uint32_t count;
    bool not_empty; /* at least one field is given */
    const struct kedge_field *fields;
    kedge_record_finish *finish; /* or NULL */
};

/* The fields below `spec` of each kind; `size` is that of the kind's struct. */
extern const struct kedge_record kedge_model_record, kedge_model_version_record,
    kedge_dataset_record, kedge_application_record, kedge_device_record, kedge_sla_record,
    kedge_deployment_record, kedge_window_record, kedge_policy_record;
extern const struct kedge_record *const kedge_kinds[KEDGE_KIND_COUNT];
extern const struct kedge_record kedge_metadata_record;
extern const struct kedge_record kedge_selector_record;

/* A selector as it is written; the decoder turns it into requirements. */
struct kedge_selector_text {
    struct kedge_labels match;
    const struct kedge_requirement *expressions;
    uint32_t count;
};

/* What a text type accepts. */
struct kedge_field_row {
    const char *what;    /* "a semantic version" */
    const char *pattern; /* ECMA 262, anchored; NULL: any string */
    const char *remedy;
};
extern const struct kedge_field_row kedge_field_rows[KEDGE_FIELD_TYPE_COUNT];

/* Is a field below this record required, so that leaving the record out is an error? */
bool kedge_field_is_needed(const struct kedge_record *record);
/* The field of that name, or NULL. */
const struct kedge_field *kedge_field_find(const struct kedge_record *record, const char *name);
/* The word or field name that `text` is most likely a slip of, or NULL when none is near. */
const char *kedge_field_suggest(const char *const *names, size_t count, const char *text);

/* Parts of rows. */
#define KEDGE_MEMBER(type, member)                                                                 \
    .offset = (uint32_t)offsetof(type, member), .size = (uint32_t)sizeof(((type *)0)->member)
#define KEDGE_MARK(type, member, value)                                                            \
    .mark = (uint32_t)offsetof(type, member), .mark_size = (uint32_t)sizeof(((type *)0)->member),  \
    .mark_value = (value)
#define KEDGE_PARSED(type, member) .parsed = (uint32_t)offsetof(type, member)
#define KEDGE_RECORD(label, type, rows, ...)                                                       \
    {                                                                                              \
        .name = (label), .size = (uint32_t)sizeof(type), .fields = (rows),                         \
        .count = (uint32_t)KEDGE_COUNT(rows), __VA_ARGS__                                          \
    }

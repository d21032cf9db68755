/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a small tree with positions: libyaml's events, read as YAML 1.2 core and no further.
 *
 * libyaml speaks YAML 1.1 and forgives much. What means different things to different readers is
 * refused here, with its position: tags, merge keys, duplicate and composite keys, NEL, LS and PS
 * (line breaks in 1.1 only), comments glued to a value, directives other than %YAML 1.2, control
 * characters hidden in escapes, text that is not UTF-8. Aliases are resolved and their expansion is
 * counted, so that a bomb costs no more than its own bytes. */
#pragma once

#include "state/finding.h"

/* YAML 1.2 core schema, section 10.3. `yes`, `on`, `0777` and `1_000` are what they look like: two
 * strings, a decimal number, a string. */
enum kedge_yaml_type {
    KEDGE_YAML_NULL,
    KEDGE_YAML_BOOL,
    KEDGE_YAML_INTEGER,
    KEDGE_YAML_NUMBER,
    KEDGE_YAML_STRING,
    KEDGE_YAML_LIST,
    KEDGE_YAML_MAP
};

struct kedge_yaml_node {
    const struct kedge_yaml_node
        *first; /* list: first item; map: first key, followed by its value */
    const struct kedge_yaml_node *next; /* sibling */
    const char *text;                   /* scalar: NUL-terminated and without a NUL inside */
    uint32_t size;                      /* scalar: bytes; list: items; map: pairs */
    uint32_t line, column;              /* from 1, column in characters */
    uint32_t weight;                    /* nodes below and itself, aliases expanded */
    uint8_t type;                       /* enum kedge_yaml_type */
    uint8_t height;                     /* levels below */
    bool open;                          /* not complete: an alias to it would have no end */
};

typedef void kedge_yaml_visit(const struct kedge_yaml_node *root, void *payload);

/* Reads many files, one after the other, in the same memory. One reader, one thread. */
struct kedge_yaml;
struct kedge_yaml *kedge_yaml_new(void);
void kedge_yaml_free(struct kedge_yaml *yaml);
void kedge_yaml_auto(struct kedge_yaml **yaml);

/* Calls `visit` with the root of each document that is not empty; the tree is gone when it returns.
 * What is wrong goes to `findings`; false when the file cannot be read to its end, then documents
 * before the broken place have been visited. `file` is only named in findings. */
bool kedge_yaml_read(struct kedge_yaml *yaml, struct kedge_slice data, const char *file,
                     struct kedge_findings *findings, kedge_yaml_visit *visit, void *payload);

/* "null", "a boolean", "an integer", ... */
const char *kedge_yaml_type_name(enum kedge_yaml_type type);
/* The value of a KEDGE_YAML_INTEGER; false when it does not fit. */
bool kedge_yaml_integer(const struct kedge_yaml_node *node, int64_t *value);
/* The value of a KEDGE_YAML_INTEGER or _NUMBER; false when it is infinite or not a number. */
bool kedge_yaml_number(const struct kedge_yaml_node *node, double *value);
bool kedge_yaml_truth(const struct kedge_yaml_node *node);

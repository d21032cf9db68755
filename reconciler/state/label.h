/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and label selectors, with Kubernetes semantics (apimachinery pkg/labels/selector.go). */
#pragma once

#include "name.h"

struct kedge_label {
    const char *key;
    const char *value;
};

/* Sorted by key, no key twice. */
struct kedge_labels {
    const struct kedge_label *at;
    uint32_t count;
};

struct kedge_strings {
    const char *const *at;
    uint32_t count;
};

enum kedge_selector_operator {
    KEDGE_SELECTOR_IN,
    KEDGE_SELECTOR_NOT_IN,
    KEDGE_SELECTOR_EXISTS,
    KEDGE_SELECTOR_DOES_NOT_EXIST
};
extern const struct kedge_words
    kedge_selector_operator_words; /* "In", "NotIn", "Exists", "DoesNotExist" */

struct kedge_requirement {
    const char *key;
    enum kedge_selector_operator op;
    struct kedge_strings values; /* In, NotIn: at least one; else none */
};

/* All requirements must hold; none matches everything. matchLabels becomes one In per pair. */
struct kedge_selector {
    const struct kedge_requirement *at;
    uint32_t count;
};

/* The value of `key`, or NULL. */
const char *kedge_label_find(const struct kedge_labels *labels, const char *key);
/* In needs the key; NotIn and DoesNotExist also hold where the key is absent. */
bool kedge_label_match(const struct kedge_selector *selector, const struct kedge_labels *labels);
/* [prefix/]name, each part as Kubernetes has it. */
bool kedge_label_key_valid(const char *text, size_t size);
/* Empty, or up to 63 of [A-Za-z0-9._-] with alphanumeric ends. */
bool kedge_label_value_valid(const char *text, size_t size);

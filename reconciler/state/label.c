/* SPDX-License-Identifier: Apache-2.0 */
#include "label.h"

#include <string.h>

#include "base/limits.h"

const struct kedge_words kedge_selector_operator_words = KEDGE_WORDS(
    [KEDGE_SELECTOR_IN] = "In", [KEDGE_SELECTOR_NOT_IN] = "NotIn",
    [KEDGE_SELECTOR_EXISTS] = "Exists", [KEDGE_SELECTOR_DOES_NOT_EXIST] = "DoesNotExist");

const char *kedge_label_find(const struct kedge_labels *labels, const char *key)
{
    uint32_t low = 0, high = labels->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(labels->at[middle].key, key);
        if (order == 0)
            return labels->at[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool holds(const struct kedge_requirement *requirement, const char *value)
{
    if (requirement->op == KEDGE_SELECTOR_EXISTS)
        return value != NULL;
    if (requirement->op == KEDGE_SELECTOR_DOES_NOT_EXIST)
        return value == NULL;
    bool listed = false;
    for (uint32_t i = 0; value != NULL && !listed && i < requirement->values.count; i++)
        listed = strcmp(requirement->values.at[i], value) == 0;
    return requirement->op == KEDGE_SELECTOR_IN ? listed : !listed;
}

bool kedge_label_match(const struct kedge_selector *selector, const struct kedge_labels *labels)
{
    for (uint32_t i = 0; i < selector->count; i++)
        if (!holds(&selector->at[i], kedge_label_find(labels, selector->at[i].key)))
            return false;
    return true;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9], at most 63 bytes: the name of a key, or a value. */
static bool is_qualified(const char *text, size_t size)
{
    if (size == 0 || size > KEDGE_LIMIT_LABEL)
        return false;
    if (!is_alphanumeric(text[0]) || !is_alphanumeric(text[size - 1]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_alphanumeric(text[i]) && text[i] != '-' && text[i] != '_' && text[i] != '.')
            return false;
    return true;
}

bool kedge_label_key_valid(const char *text, size_t size)
{
    const char *slash = memchr(text, '/', size);
    if (slash == NULL)
        return is_qualified(text, size);
    size_t prefix = (size_t)(slash - text);
    return kedge_name_valid(text, prefix) && is_qualified(slash + 1, size - prefix - 1);
}

bool kedge_label_value_valid(const char *text, size_t size)
{
    return size == 0 || is_qualified(text, size);
}

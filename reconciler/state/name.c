/* SPDX-License-Identifier: Apache-2.0 */
#include "name.h"

#include <string.h>

#include "base/limits.h"

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool kedge_name_valid(const char *text, size_t size)
{
    if (size == 0 || size > KEDGE_LIMIT_NAME)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (is_alphanumeric(text[i]))
            continue;
        if (text[i] != '-' && text[i] != '.')
            return false;
        /* Each part between dots starts and ends with a letter or digit. */
        bool starts = i == 0 || text[i - 1] == '.';
        bool ends = i + 1 == size || text[i + 1] == '.';
        if (starts || ends)
            return false;
    }
    return true;
}

const char *kedge_word_name(const struct kedge_words *set, int value)
{
    if (value < 0 || value >= set->count || set->words[value] == NULL)
        return "unknown";
    return set->words[value];
}

bool kedge_word_parse(const struct kedge_words *set, const char *text, int *value)
{
    for (int i = 0; i < set->count; i++) {
        const char *word = set->words[i];
        if (word != NULL && *word == *text && strcmp(word, text) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

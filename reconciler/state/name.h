/* SPDX-License-Identifier: Apache-2.0 */
/* Names of things, and the closed sets of words that name states. */
#pragma once

#include "kedge/types.h"

/* DNS-1123 subdomain, at most KEDGE_LIMIT_NAME bytes: what metadata.name and every reference to it
 * must be. */
bool kedge_name_valid(const char *text, size_t size);

/* One closed set of words: `words[value]`; a NULL word is a value that is never written. */
struct kedge_words {
    const char *const *words;
    int count;
};
/* A set from its words, at file scope: `KEDGE_WORDS([KEDGE_STAGE_DRAFT] = "draft", ...)`. */
#define KEDGE_WORDS(...)                                                                           \
    {                                                                                              \
        .words = (const char *const[]){__VA_ARGS__},                                               \
        .count = KEDGE_COUNT(((const char *const[]){__VA_ARGS__})),                                \
    }
/* The word of `value`; "unknown" when out of range. Never NULL. */
const char *kedge_word_name(const struct kedge_words *set, int value);
/* False when `text` is not in the set. */
bool kedge_word_parse(const struct kedge_words *set, const char *text, int *value);

/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": the word that a slip of the finger was meant to be. */
#pragma once

#include "kedge/types.h"

/* The word nearest to `text` (letters added, dropped, changed or swapped), or NULL when none is
 * near. */
const char *kedge_suggest_word(const char *const *words, size_t count, const char *text);

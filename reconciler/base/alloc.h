/* SPDX-License-Identifier: Apache-2.0 */
/* malloc for sizes that are small or already checked against limits.h: out of memory ends the
 * program with a line on stderr, so callers have no failure path that no test can reach. */
#pragma once

#include "kedge/types.h"

/* Zeroed; free() it. Never NULL. */
void *kedge_alloc_zeroed(size_t size);
/* Zeroed room for `count` items, checked for overflow; free() it. Never NULL. */
void *kedge_alloc_array(size_t count, size_t size);
/* realloc: new bytes are not zeroed. Never NULL. */
void *kedge_alloc_grow(void *memory, size_t size);
/* A copy for the caller to free(). */
char *kedge_alloc_strdup(const char *text);

/* SPDX-License-Identifier: Apache-2.0 */
/* Each distinct string once: equal strings are equal pointers. */
#pragma once

#include "arena.h"

struct kedge_intern;

/* Strings live in `arena`, which must outlive the table. The hash is seeded per process. */
struct kedge_intern *kedge_intern_new(struct kedge_arena *arena);
void kedge_intern_free(struct kedge_intern *intern);
/* The one NUL-terminated copy of these bytes (which hold no NUL). */
const char *kedge_intern_add(struct kedge_intern *intern, const char *text, size_t size);
size_t kedge_intern_count(const struct kedge_intern *intern);

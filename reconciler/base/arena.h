/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once: a revision's graph, a pass's plan. */
#pragma once

#include "kedge/types.h"

struct kedge_arena_chunk;

/* All-zero is a valid empty arena. Not thread-safe: one arena, one thread. */
struct kedge_arena {
    struct kedge_arena_chunk *chunks; /* newest first */
    size_t used;                      /* bytes handed out, all chunks */
    size_t reserved;                  /* bytes taken from malloc */
};

/* Zeroed memory aligned for any object; never NULL (aborts when memory is out: sizes are bounded by
 * limits.h). Built with -DKEDGE_ARENA_DEBUG each item is a malloc of its own, so that sanitizers
 * see inside. */
void *kedge_arena_alloc(struct kedge_arena *arena, size_t size);
/* `count * size` bytes, checked for overflow. */
void *kedge_arena_array(struct kedge_arena *arena, size_t count, size_t size);
/* NUL-terminated copies. */
char *kedge_arena_strndup(struct kedge_arena *arena, const char *text, size_t size);
char *kedge_arena_strdup(struct kedge_arena *arena, const char *text);
char *kedge_arena_printf(struct kedge_arena *arena, const char *format, ...) KEDGE_PRINTF(2, 3);
/* Moves every chunk of `from` into `into`; pointers stay valid and `from` is empty afterwards. */
void kedge_arena_adopt(struct kedge_arena *into, struct kedge_arena *from);
/* Takes everything back but keeps one chunk, for the next of many short jobs. */
void kedge_arena_clear(struct kedge_arena *arena);
/* Frees everything; the arena is empty and usable again. */
void kedge_arena_release(struct kedge_arena *arena);
void kedge_arena_auto(struct kedge_arena *arena);

#define kedge_arena_new(arena, type) ((type *)kedge_arena_alloc((arena), sizeof(type)))

/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "limits.h"

struct kedge_arena_chunk {
    struct kedge_arena_chunk *next;
    size_t size; /* of data */
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

/* A new chunk doubles what the arena holds, between these: a request's arena stays one small
 * malloc, a revision's has few chunks, and the unused tail is never large. */
#define CHUNK_MIN KEDGE_KIB(4)
#define CHUNK_MAX KEDGE_MIB(4)

static size_t aligned(size_t size)
{
    size_t mask = alignof(max_align_t) - 1;
    if (size > SIZE_MAX / 2)
        abort();
    return (size + mask) & ~mask;
}

static struct kedge_arena_chunk *new_chunk(struct kedge_arena *arena, size_t size)
{
    struct kedge_arena_chunk *chunk = kedge_alloc_zeroed(sizeof *chunk + size);
    chunk->size = size;
    arena->reserved += sizeof *chunk + size;
    return chunk;
}

static void *take(struct kedge_arena *arena, struct kedge_arena_chunk *chunk, size_t size)
{
    void *item = chunk->data + chunk->used;
    chunk->used += size;
    arena->used += size;
    return item;
}

static void put_first(struct kedge_arena *arena, struct kedge_arena_chunk *chunk)
{
    chunk->next = arena->chunks;
    arena->chunks = chunk;
}

#ifdef KEDGE_ARENA_DEBUG

void *kedge_arena_alloc(struct kedge_arena *arena, size_t size)
{
    aligned(size); /* the same bound as the release build; the item itself keeps its exact size */
    struct kedge_arena_chunk *chunk = new_chunk(arena, size);
    put_first(arena, chunk);
    return take(arena, chunk, size);
}

void kedge_arena_clear(struct kedge_arena *arena)
{
    kedge_arena_release(arena);
}

#else

void *kedge_arena_alloc(struct kedge_arena *arena, size_t size)
{
    size = aligned(size ? size : 1);
    struct kedge_arena_chunk *first = arena->chunks;
    if (first && first->size - first->used >= size)
        return take(arena, first, size);

    size_t room = arena->reserved < CHUNK_MIN   ? CHUNK_MIN
                  : arena->reserved > CHUNK_MAX ? CHUNK_MAX
                                                : arena->reserved;
    if (size > room / 4 && first) {
        /* A large item gets a chunk of its own behind the first, whose tail stays in use. */
        struct kedge_arena_chunk *own = new_chunk(arena, size);
        own->next = first->next;
        first->next = own;
        return take(arena, own, size);
    }
    struct kedge_arena_chunk *chunk = new_chunk(arena, size > room ? size : room);
    put_first(arena, chunk);
    return take(arena, chunk, size);
}

void kedge_arena_clear(struct kedge_arena *arena)
{
    struct kedge_arena_chunk *first = arena->chunks;
    if (!first)
        return;
    arena->chunks = first->next;
    kedge_arena_release(arena);
    memset(first->data, 0, first->used);
    first->used = 0;
    first->next = NULL;
    arena->chunks = first;
    arena->reserved = sizeof *first + first->size;
}

#endif

void *kedge_arena_array(struct kedge_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return kedge_arena_alloc(arena, total);
}

char *kedge_arena_strndup(struct kedge_arena *arena, const char *text, size_t size)
{
    char *copy = kedge_arena_alloc(arena, size + 1);
    if (size)
        memcpy(copy, text, size);
    return copy;
}

char *kedge_arena_strdup(struct kedge_arena *arena, const char *text)
{
    return kedge_arena_strndup(arena, text, strlen(text));
}

char *kedge_arena_printf(struct kedge_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        abort();
    char *text = kedge_arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void kedge_arena_adopt(struct kedge_arena *into, struct kedge_arena *from)
{
    if (!from->chunks)
        return;
    struct kedge_arena_chunk *last = from->chunks;
    while (last->next)
        last = last->next;
    if (into->chunks) {
        /* Behind the first, whose tail stays in use. */
        last->next = into->chunks->next;
        into->chunks->next = from->chunks;
    } else {
        into->chunks = from->chunks;
    }
    into->used += from->used;
    into->reserved += from->reserved;
    *from = (struct kedge_arena){0};
}

void kedge_arena_release(struct kedge_arena *arena)
{
    struct kedge_arena_chunk *chunk = arena->chunks;
    while (chunk) {
        struct kedge_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *arena = (struct kedge_arena){0};
}

void kedge_arena_auto(struct kedge_arena *arena)
{
    kedge_arena_release(arena);
}

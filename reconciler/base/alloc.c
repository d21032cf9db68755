/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "kedge: out of memory for %zu bytes\n", size);
    abort();
}

void *kedge_alloc_zeroed(size_t size)
{
    return kedge_alloc_array(size, 1);
}

void *kedge_alloc_array(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    void *memory = calloc(1, total ? total : 1);
    if (!memory)
        out_of_memory(total);
    return memory;
}

void *kedge_alloc_grow(void *memory, size_t size)
{
    void *grown = realloc(memory, size ? size : 1);
    if (!grown)
        out_of_memory(size);
    return grown;
}

char *kedge_alloc_strdup(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        out_of_memory(strlen(text));
    return copy;
}

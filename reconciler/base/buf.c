/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void kedge_buf_reserve(struct kedge_buf *buf, size_t more)
{
    size_t need; /* with the NUL behind */
    if (__builtin_add_overflow(buf->size, more, &need) || need > SIZE_MAX / 4)
        abort();
    need++;
    if (need <= buf->capacity)
        return;
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    buf->data = kedge_alloc_grow(buf->data, capacity);
    buf->data[buf->size] = '\0';
    buf->capacity = capacity;
}

void kedge_buf_add(struct kedge_buf *buf, const void *data, size_t size)
{
    if (size == 0)
        return;
    kedge_buf_reserve(buf, size);
    memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void kedge_buf_puts(struct kedge_buf *buf, const char *text)
{
    kedge_buf_add(buf, text, strlen(text));
}

void kedge_buf_putc(struct kedge_buf *buf, char c)
{
    if (buf->size + 1 >= buf->capacity)
        kedge_buf_reserve(buf, 1);
    buf->data[buf->size++] = c;
    buf->data[buf->size] = '\0';
}

void kedge_buf_put_integer(struct kedge_buf *buf, int64_t value)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *--at = '-';
    kedge_buf_add(buf, at, (size_t)(digits + sizeof digits - at));
}

void kedge_buf_printf(struct kedge_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    kedge_buf_vprintf(buf, format, args);
    va_end(args);
}

void kedge_buf_vprintf(struct kedge_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0)
        abort();
    kedge_buf_reserve(buf, (size_t)length);
    vsnprintf(buf->data + buf->size, (size_t)length + 1, format, again);
    va_end(again);
    buf->size += (size_t)length;
}

void kedge_buf_clear(struct kedge_buf *buf)
{
    buf->size = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

char *kedge_buf_take(struct kedge_buf *buf)
{
    kedge_buf_reserve(buf, 0);
    char *data = buf->data;
    *buf = (struct kedge_buf){0};
    return data;
}

void kedge_buf_release(struct kedge_buf *buf)
{
    free(buf->data);
    *buf = (struct kedge_buf){0};
}

void kedge_buf_auto(struct kedge_buf *buf)
{
    kedge_buf_release(buf);
}

struct kedge_slice kedge_buf_slice(const struct kedge_buf *buf)
{
    return (struct kedge_slice){.data = buf->data ? buf->data : "", .size = buf->size};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer, always NUL-terminated behind `size`. */
#pragma once

#include <stdarg.h>

#include "kedge/types.h"

/* All-zero is a valid empty buffer (`data` NULL until the first byte). */
struct kedge_buf {
    char *data;
    size_t size;
    size_t capacity;
};

void kedge_buf_reserve(struct kedge_buf *buf, size_t more);
void kedge_buf_add(struct kedge_buf *buf, const void *data, size_t size);
void kedge_buf_puts(struct kedge_buf *buf, const char *text);
void kedge_buf_putc(struct kedge_buf *buf, char c);
/* In decimal. */
void kedge_buf_put_integer(struct kedge_buf *buf, int64_t value);
void kedge_buf_printf(struct kedge_buf *buf, const char *format, ...) KEDGE_PRINTF(2, 3);
void kedge_buf_vprintf(struct kedge_buf *buf, const char *format, va_list args) KEDGE_PRINTF(2, 0);
/* Empties without giving memory back. */
void kedge_buf_clear(struct kedge_buf *buf);
/* The bytes become the caller's to free(); the buffer is empty. Never NULL. */
char *kedge_buf_take(struct kedge_buf *buf);
void kedge_buf_release(struct kedge_buf *buf);
void kedge_buf_auto(struct kedge_buf *buf);
struct kedge_slice kedge_buf_slice(const struct kedge_buf *buf);

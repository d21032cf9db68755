/* SPDX-License-Identifier: Apache-2.0 */
/* The small words every floor shares: time, bytes, digests, attributes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Result must be looked at. */
#define KEDGE_MUST_CHECK __attribute__((warn_unused_result))
/* printf-like: positions of the format and of its first argument. */
#define KEDGE_PRINTF(text, first) __attribute__((format(printf, text, first)))
/* Release a local when it leaves its scope: `kedge_auto(kedge_buf) struct kedge_buf b = {0};`.
 * The type's `<name>_auto(type *)` is called; hand a value over by zeroing the local. */
#define kedge_auto(name)   __attribute__((cleanup(name##_auto)))
#define KEDGE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Milliseconds: since 1970-01-01T00:00:00Z as a point in time, or a span. */
typedef int64_t kedge_ms;

/* Borrowed bytes; `data` may hold NUL and is not terminated. */
struct kedge_slice {
    const char *data;
    size_t size;
};

#define KEDGE_DIGEST_SIZE 32
#define KEDGE_DIGEST_HEX  (2 * KEDGE_DIGEST_SIZE + 1)

/* SHA-256. All-zero means "none". */
struct kedge_digest {
    uint8_t bytes[KEDGE_DIGEST_SIZE];
};

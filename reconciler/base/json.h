/* SPDX-License-Identifier: Apache-2.0 */
/* JSON at the border: strict reading over jansson, canonical writing into a buffer.
 *
 * Writers emit keys in the order of the code that writes them, no white space, UTF-8 as it is: the
 * same value always gives the same bytes, so digests of JSON are digests of values. */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "kedge/err.h"

void kedge_json_auto(json_t **json);

/* Parses exactly one value (RFC 8259): size checked against `limit` first, duplicate keys, trailing
 * bytes, NUL in keys, depth over KEDGE_LIMIT_JSON_DEPTH refused. *out is a new reference. */
int kedge_json_parse(const char *data, size_t size, size_t limit, json_t **out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;

/* Strict member readers: KEDGE_INVALID naming `key` when missing or of another type. Strings are
 * borrowed from `object` and hold no NUL. Integers lie within +-(2^53 - 1). */
int kedge_json_string(const json_t *object, const char *key, const char **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_json_integer(const json_t *object, const char *key, int64_t *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_json_object(const json_t *object, const char *key, json_t **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_json_array(const json_t *object, const char *key, json_t **out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends the bytes of a string that is base64 (kedge_base64_decode). */
int kedge_json_base64(const json_t *object, const char *key, struct kedge_buf *out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* Optional twins: absent leaves *out alone and succeeds; another type is still KEDGE_INVALID. */
int kedge_json_opt_string(const json_t *object, const char *key, const char **out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_json_opt_integer(const json_t *object, const char *key, int64_t *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_json_opt_bool(const json_t *object, const char *key, bool *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;

/* Writing. `struct kedge_json_writer w = {.out = &buf};` then balanced begin/end; a comma is placed
 * where one is due. */
struct kedge_json_writer {
    struct kedge_buf *out;
    bool comma;
};
void kedge_json_begin_object(struct kedge_json_writer *w);
void kedge_json_end_object(struct kedge_json_writer *w);
void kedge_json_begin_array(struct kedge_json_writer *w);
void kedge_json_end_array(struct kedge_json_writer *w);
void kedge_json_key(struct kedge_json_writer *w, const char *key);
void kedge_json_put_string(struct kedge_json_writer *w, const char *text); /* NULL writes null */
void kedge_json_put_slice(struct kedge_json_writer *w, struct kedge_slice text);
void kedge_json_put_base64(struct kedge_json_writer *w, const void *bytes, size_t size);
void kedge_json_put_integer(struct kedge_json_writer *w, int64_t value);
void kedge_json_put_number(struct kedge_json_writer *w,
                           double value); /* shortest form that reads back equal */
void kedge_json_put_bool(struct kedge_json_writer *w, bool value);
void kedge_json_put_null(struct kedge_json_writer *w);
void kedge_json_put_raw(struct kedge_json_writer *w,
                        struct kedge_slice json); /* bytes that are JSON already */
/* The value as this writer would have written it, members in the order they were read in. */
void kedge_json_put_value(struct kedge_json_writer *w, const json_t *value);
/* key and value in one; the string form leaves the member out when `text` is NULL. */
void kedge_json_add_string(struct kedge_json_writer *w, const char *key, const char *text);
void kedge_json_add_integer(struct kedge_json_writer *w, const char *key, int64_t value);
void kedge_json_add_bool(struct kedge_json_writer *w, const char *key, bool value);

/* SPDX-License-Identifier: Apache-2.0 */
/* A struct as a JSON object, both ways from one table, so that what is written is what is read.
 *
 * A member at its zero value is left out of the object and an absent member reads as zero; only
 * required members, and words that have a name for zero, are always written. Objects are written in table order, so equal
 * structs give equal bytes. Reading is strict: unknown members, other types and sizes beyond the
 * limits are refused with the member's name. */
#pragma once

#include "base/arena.h"
#include "base/json.h"

enum kedge_member_type {
    KEDGE_MEMBER_STRING,  /* const char *, at most KEDGE_LIMIT_STRING bytes */
    KEDGE_MEMBER_NAME,    /* const char *, as kedge_name_valid */
    KEDGE_MEMBER_HEX,     /* char[count]: count - 1 lower-case hex digits and a NUL */
    KEDGE_MEMBER_WORD,    /* an enum; `detail` is its kedge_words */
    KEDGE_MEMBER_CODE,    /* enum kedge_code */
    KEDGE_MEMBER_INTEGER, /* int64_t */
    KEDGE_MEMBER_AMOUNT,  /* int64_t, not negative: bytes, milliseconds, counters */
    KEDGE_MEMBER_COUNT,   /* uint32_t */
    KEDGE_MEMBER_PORT,    /* uint16_t */
    KEDGE_MEMBER_BOOL,    /* bool */
    KEDGE_MEMBER_DIGEST,  /* struct kedge_digest */
    KEDGE_MEMBER_STRINGS, /* struct kedge_strings, an array */
    KEDGE_MEMBER_LABELS,  /* struct kedge_labels, an object with rising keys */
    KEDGE_MEMBER_JSON,    /* struct kedge_slice, a JSON object kept as canonical bytes, at most
                             KEDGE_LIMIT_CONFIG */
    KEDGE_MEMBER_RECORD,  /* a struct; `detail` is its kedge_record */
    KEDGE_MEMBER_POINTER, /* a pointer to one, NULL: none */
    KEDGE_MEMBER_LIST,    /* a pointer to an array of them, with a uint32_t count elsewhere */
};

struct kedge_member {
    const char *key;
    enum kedge_member_type type;
    size_t offset;
    const void *detail;
    size_t count; /* LIST: offset of its count; HEX: size of the array */
    bool required;
};

/* The fixed part of a row: `{KEDGE_RECORD_MEMBER("size", AMOUNT, kedge_artifact_ref, size), .required =
 * true}`. */
#define KEDGE_RECORD_MEMBER(key_, type_, struct_, member_)                                         \
    .key = key_, .type = KEDGE_MEMBER_##type_, .offset = offsetof(struct struct_, member_)

struct kedge_record {
    const struct kedge_member *members;
    size_t count;
    size_t size; /* of the struct */
};

void kedge_record_write(const struct kedge_record *record, const void *value,
                        struct kedge_json_writer *writer);
/* As _write, without the members whose keys are in `omit` (ends with NULL). */
void kedge_record_write_without(const struct kedge_record *record, const void *value,
                                const char *const *omit, struct kedge_json_writer *writer);
/* Strings and lists of the result live in `arena`. KEDGE_INVALID names the member. */
int kedge_record_read(struct kedge_arena *arena, const struct kedge_record *record,
                      const json_t *json, void *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* In-toto Statement v1 (in-toto/attestation spec/v1/statement.md): the frame of every payload that
 * kedge signs. */
#pragma once

#include "base/json.h"
#include "key.h"

/* `kedge_statement_begin`, one or more subjects, `_predicate`, the members of the predicate,
 * `_end`. */
void kedge_statement_begin(struct kedge_json_writer *writer);
void kedge_statement_subject(struct kedge_json_writer *writer, const char *name,
                             const struct kedge_digest *digest);
/* Leaves the writer behind the key "predicate": the caller writes one object. */
void kedge_statement_predicate(struct kedge_json_writer *writer, const char *predicate_type);
void kedge_statement_end(struct kedge_json_writer *writer);

/* Members that several predicates have: a time (RFC 3339), a public key ("ed25519:..."). The
 * readers are KEDGE_INVALID naming the member, KEDGE_DENIED for an unsafe key. */
void kedge_statement_add_time(struct kedge_json_writer *writer, const char *key, kedge_ms at);
int kedge_statement_time(const json_t *json, const char *key, kedge_ms *out,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_statement_add_key(struct kedge_json_writer *writer, const char *key,
                             const struct kedge_public_key *value);
int kedge_statement_key(const json_t *json, const char *key, struct kedge_public_key *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* The SHA-256 that a key's id is: the subject of what speaks about a key. */
struct kedge_digest kedge_statement_key_digest(const struct kedge_public_key *key);

/* Parses verified payload bytes: a Statement v1 with at least one subject that has a digest, of
 * this predicate type (else KEDGE_UNSUPPORTED). *out is a new reference to the whole, *predicate is
 * borrowed from it. Members that the specification does not know are ignored, as it demands. */
int kedge_statement_read(struct kedge_slice payload, size_t limit, const char *predicate_type,
                         json_t **out, json_t **predicate, struct kedge_err *err) KEDGE_MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets of an assignment, opened on the device they are sealed for. Their plain text lives in
 * guarded memory while something is started with it, and in what was started; it is in no file, no
 * log of the agent and no report. */
#pragma once

#include "kedge/runtime.h"
#include "state/assignment.h"
#include "wire/age.h"

/* All-zero is empty. */
struct kedge_vault {
    struct kedge_runtime_secret *at;
    uint32_t count;
    struct kedge_slice config; /* the configuration with its secrets; empty: it refers to none */
};
void kedge_vault_release(struct kedge_vault *vault);
void kedge_vault_auto(struct kedge_vault *vault);

/* Opens all of them or none. `identity` NULL: this device's key is held by a signer, which is
 * KEDGE_UNSUPPORTED for an assignment that has secrets. KEDGE_DENIED: one is not sealed for this
 * device. KEDGE_INVALID, KEDGE_CORRUPT, KEDGE_LIMIT: one is no such text, was changed, or can be no
 * environment variable. Messages name it and what to do. */
int kedge_vault_open(const struct kedge_assignment *assignment,
                     const struct kedge_age_identity *identity, struct kedge_vault *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;

/* Blots each line of each secret out of `text`, where it has at least four bytes: as it is, as JSON
 * writes it, and where the text ends in the midst of it. */
void kedge_vault_redact(const struct kedge_vault *vault, struct kedge_buf *text);

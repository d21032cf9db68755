/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an instance's log, fit to leave the device: it goes into reports. */
#pragma once

#include "slots.h"
#include "wire/age.h"

/* Appends the last lines that the instance's newest run has logged, as one line of plain ASCII with
 * " | " between them, a few hundred bytes at most; the secrets of all its slots are blotted out
 * (vault.h). Nothing when a secret cannot be opened: what is not known cannot be looked for. */
void kedge_tail_read(const struct kedge_slots *slots, const struct kedge_age_identity *identity,
                     const char *instance, struct kedge_buf *out);

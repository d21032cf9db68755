/* SPDX-License-Identifier: Apache-2.0 */
/* Posting lists: which devices carry a label. */
#pragma once

#include "state/spec.h"

/* The postings of all devices. */
const struct kedge_table *kedge_posting_build(struct kedge_arena *arena,
                                              const struct kedge_table *devices);
/* `postings`, which are those of `before`, made those of `after`: work in proportion to the devices
 * that differ. */
const struct kedge_table *kedge_posting_edit(struct kedge_arena *arena,
                                             const struct kedge_table *postings,
                                             const struct kedge_table *before,
                                             const struct kedge_table *after);

/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of orders, evidence and batches have in common. */
#pragma once

#include "wire/order.h"

#define KEDGE_FIXTURE_NOW 1772366400000LL /* 2026-03-01T12:00:00Z */

/* One director and a stranger, from fixed seeds; lives until the process ends. */
const struct kedge_key *kedge_fixture_director(void);
const struct kedge_key *kedge_fixture_stranger(void);
/* Trusts the director. */
struct kedge_envelope_trust kedge_fixture_trust(void);

/* An order for device "press-07", generation 7, issued NOW, valid for a day, nothing held. */
struct kedge_order kedge_fixture_order(void);
/* Appends its statement with `instances` assignments "model-00", "model-01", ... */
void kedge_fixture_payload(const struct kedge_order *order, uint32_t instances,
                           struct kedge_buf *out);
/* Appends the envelope of that, signed by `key`. */
void kedge_fixture_envelope(const struct kedge_order *order, uint32_t instances,
                            const struct kedge_key *key, struct kedge_buf *out);

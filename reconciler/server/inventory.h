/* SPDX-License-Identifier: Apache-2.0 */
/* The live state of a fleet as a file: every device's report as the device signed it, so that a
 * copy can be verified, and a change compared with it, on another machine. */
#pragma once

#include "base/json.h"
#include "base/limits.h"
#include "kedge/store.h"
#include "state/actual.h"
#include "state/spec.h"

#define KEDGE_INVENTORY_FORMAT "kedge.dev/inventory/v1"
#define KEDGE_INVENTORY_LIMIT  KEDGE_GIB(2) /* half a million devices of 4 KiB */

/* Writes the document that view.h describes. */
int kedge_inventory_write(struct kedge_store *store, const struct kedge_actual *actual,
                          const char *commit, const struct kedge_digest *digest, kedge_ms now,
                          struct kedge_json_writer *w, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Fills `out` (which is empty) with the reports of such a file that verify with the device keys of
 * `specs`, or, where a manifest names none, with the enrolled key that the file names: as good as the
 * file then. `*left_out` counts the others. KEDGE_INVALID: not such a file. */
int kedge_inventory_read(struct kedge_slice file, const struct kedge_specs *specs,
                         struct kedge_actual *out, size_t *left_out,
                         struct kedge_err *err) KEDGE_MUST_CHECK;

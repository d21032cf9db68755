/* SPDX-License-Identifier: Apache-2.0 */
/* The field tables as JSON Schema 2020-12, in the words that draft-07 editors read too. */
#pragma once

#include "base/buf.h"
#include "state/spec.h"

/* "Device.json" of a kind, "kedge.json" of KEDGE_KIND_COUNT: its name in schemas/. */
const char *kedge_schema_file(enum kedge_kind kind, struct kedge_buf *name);
/* Appends the schema of one kind, or, for KEDGE_KIND_COUNT, of any kind by its `kind`: indented
 * JSON and a line feed. */
void kedge_schema_write(enum kedge_kind kind, struct kedge_buf *out);

/* SPDX-License-Identifier: Apache-2.0 */
/* Test vectors of other projects: $KEDGE_VECTORS, else ../shared/vectors beside the sources. A test
 * whose vectors are absent is skipped. */
#pragma once

#include <limits.h>

#include "base/buf.h"

/* Path of the vector file or folder `name`, such as "dsse/vectors.json"; skips the test when it is
 * absent. */
const char *kedge_vectors_path(const char *name, char path[PATH_MAX]);
/* Appends the whole file. */
void kedge_vectors_read(const char *name, struct kedge_buf *out);

/* SPDX-License-Identifier: Apache-2.0 */
/* npm version ranges, as node-semver reads them in strict mode without includePrerelease: hyphen
 * ranges, x-ranges, ~, ^, ||. A "v" before a version in a range is accepted, as node-semver does.
 * Flux and Helm use Masterminds semantics, which differ. */
#pragma once

#include "version.h"

struct kedge_range; /* an OR of comparator sets */

/* The result lives in `arena`. KEDGE_INVALID says what is wrong. The empty range is "*". */
int kedge_range_parse(struct kedge_arena *arena, const char *text, const struct kedge_range **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* A prerelease matches only a comparator set that names the same major.minor.patch with a
 * prerelease. */
bool kedge_range_match(const struct kedge_range *range, const struct kedge_version *version);
/* True when the range can only ever name one version ("1.2.3" or "=1.2.3"). */
bool kedge_range_is_exact(const struct kedge_range *range);

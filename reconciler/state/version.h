/* SPDX-License-Identifier: Apache-2.0 */
/* Semantic versions 2.0.0 and npm ranges, strict (no "v", no loose forms in versions; ranges as
 * node-semver strict reads them). Flux and Helm use Masterminds semantics, which differ. */
#pragma once

#include "base/arena.h"
#include "kedge/err.h"

struct kedge_version {
    int64_t major, minor, patch;
    const char *pre; /* "rc.1", or NULL */
    const char *build;
};

/* Strings of the result live in `arena`. KEDGE_INVALID says what is wrong. */
int kedge_version_parse(struct kedge_arena *arena, const char *text, struct kedge_version *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* SemVer 2.0 precedence; build metadata does not count. <0, 0, >0. */
int kedge_version_compare(const struct kedge_version *a, const struct kedge_version *b);

struct kedge_range; /* an OR of comparator sets */

int kedge_range_parse(struct kedge_arena *arena, const char *text, const struct kedge_range **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* A prerelease matches only a comparator set that names the same major.minor.patch with a
 * prerelease. */
bool kedge_range_match(const struct kedge_range *range, const struct kedge_version *version);
/* True when the range can only ever name one version ("1.2.3" or "=1.2.3"). */
bool kedge_range_is_exact(const struct kedge_range *range);

/* SPDX-License-Identifier: Apache-2.0 */
/* Semantic versions 2.0.0 (semver.org), strict: no "v", no missing parts. */
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

/* The pieces of the grammar, for ranges: each reads from *text, moves it behind what was read, and
 * leaves it alone when it returns false. */
/* "0", or digits without a leading zero, at most KEDGE_LIMIT_VERSION_NUMBER. */
bool kedge_version_take_number(const char **text, int64_t *number);
/* ["-" pre] ["+" build], both optional; false when one is there and malformed. */
bool kedge_version_take_suffix(struct kedge_arena *arena, const char **text,
                               struct kedge_version *out);

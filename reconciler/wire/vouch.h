/* SPDX-License-Identifier: Apache-2.0 */
/* Do the release signatures in manifests say what the manifests say? Before anybody deploys them:
 * a device would refuse them, one by one, far from who can mend it. */
#pragma once

#include "minisign.h"
#include "release.h"

/* Finds what is wrong with the form and the claims of the signatures of each version and application
 * that is not in `before` (NULL: of all): malformed, of minisign's older form, of another model,
 * version, digest or size, under another key's id, twice by one key, too many, or of nothing.
 * Whether a key may sign is for a root document to say, and whether the artifact is the signed one
 * for who has it. */
void kedge_vouch_check(const struct kedge_specs *before, const struct kedge_specs *specs,
                       struct kedge_findings *findings);

/* Reads one of them. KEDGE_INVALID, KEDGE_LIMIT, KEDGE_UNSUPPORTED malformed; KEDGE_DENIED when it is
 * of something else than `wanted`, whose counter is not read. */
struct kedge_vouch {
    char key_id[KEDGE_MINISIGN_ID_TEXT]; /* of the key it says it is by */
    int64_t counter;
};
int kedge_vouch_read(const char *value, const struct kedge_release_claim *wanted,
                     struct kedge_vouch *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing what the configured revision needs into the mirror. */
#pragma once

#include "handle.h"

/* As kedge_git_fetch. */
int kedge_fetch_run(struct kedge_git *git, git_oid *commit, struct kedge_err *err) KEDGE_MUST_CHECK;

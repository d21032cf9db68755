/* SPDX-License-Identifier: Apache-2.0 */
/* Records that several kinds share. */
#pragma once

#include "field.h"

extern const struct kedge_record kedge_artifact_record, kedge_runtime_record, kedge_requires_record,
    kedge_targets_record, kedge_suspend_record;
extern const struct kedge_words kedge_arch_words; /* as Go and OCI name them */

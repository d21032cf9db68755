/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers of the artifact port. */
#pragma once

#include "kedge/artifact.h"

extern const struct kedge_artifact_ops kedge_artifact_file_ops, kedge_artifact_http_ops,
    kedge_artifact_https_ops, kedge_artifact_hub_ops;

/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers of the runtime port, and what two of them share. */
#pragma once

#include "kedge/runtime.h"
#include "state/workload.h"

extern const struct kedge_runtime_ops kedge_runtime_process_ops, kedge_runtime_files_ops,
    kedge_runtime_fake_ops;

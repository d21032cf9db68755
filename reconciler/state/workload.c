/* SPDX-License-Identifier: Apache-2.0 */
#include "workload.h"

const struct kedge_words kedge_format_words =
    KEDGE_WORDS([KEDGE_FORMAT_NONE] = NULL, [KEDGE_FORMAT_FILE] = "file",
                [KEDGE_FORMAT_ZIP] = "zip", [KEDGE_FORMAT_TAR] = "tar",
                [KEDGE_FORMAT_TAR_GZ] = "tar.gz", [KEDGE_FORMAT_TAR_ZST] = "tar.zst");

const struct kedge_words kedge_driver_words =
    KEDGE_WORDS([KEDGE_DRIVER_FILES] = "files", [KEDGE_DRIVER_PROCESS] = "process",
                [KEDGE_DRIVER_CONTAINER] = "container");

const struct kedge_words kedge_handover_words =
    KEDGE_WORDS([KEDGE_HANDOVER_AUTO] = "auto", [KEDGE_HANDOVER_OVERLAP] = "overlap",
                [KEDGE_HANDOVER_REPLACE] = "replace");

const struct kedge_words kedge_probe_kind_words =
    KEDGE_WORDS([KEDGE_PROBE_NONE] = NULL, [KEDGE_PROBE_HTTP] = "http", [KEDGE_PROBE_TCP] = "tcp",
                [KEDGE_PROBE_EXEC] = "exec");

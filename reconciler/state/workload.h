/* SPDX-License-Identifier: Apache-2.0 */
/* What is fetched and how it runs: the part of a ModelVersion that travels to the device. */
#pragma once

#include "label.h"

enum kedge_format {
    KEDGE_FORMAT_NONE,
    KEDGE_FORMAT_FILE,
    KEDGE_FORMAT_ZIP,
    KEDGE_FORMAT_TAR,
    KEDGE_FORMAT_TAR_GZ,
    KEDGE_FORMAT_TAR_ZST
};
extern const struct kedge_words
    kedge_format_words; /* NULL, "file", "zip", "tar", "tar.gz", "tar.zst" */

/* `url` NULL: there is no artifact. Schemes: file:, https:, http:, hub: (the hub's blob store, by
 * digest). */
struct kedge_artifact_ref {
    const char *url;
    struct kedge_digest digest;
    int64_t size; /* bytes, exact */
    enum kedge_format format;
};

enum kedge_driver { KEDGE_DRIVER_FILES, KEDGE_DRIVER_PROCESS, KEDGE_DRIVER_CONTAINER };
extern const struct kedge_words kedge_driver_words; /* "files", "process", "container" */

enum kedge_handover { KEDGE_HANDOVER_AUTO, KEDGE_HANDOVER_OVERLAP, KEDGE_HANDOVER_REPLACE };
/* auto: overlap unless a port is fixed; overlap: the old serves until the new one's probe passes;
 * replace: stop, then start */
extern const struct kedge_words kedge_handover_words;

struct kedge_port {
    const char *name;
    uint16_t port; /* 0: the agent picks a free one */
};

enum kedge_probe_kind { KEDGE_PROBE_NONE, KEDGE_PROBE_HTTP, KEDGE_PROBE_TCP, KEDGE_PROBE_EXEC };
extern const struct kedge_words kedge_probe_kind_words; /* NULL, "http", "tcp", "exec" */

/* Kubernetes' fields and meanings. Spans in ms. */
struct kedge_probe {
    enum kedge_probe_kind kind;
    const char *path;             /* http */
    const char *port;             /* http, tcp: name of a port; NULL: the first */
    struct kedge_strings command; /* exec */
    kedge_ms initial_delay, period, timeout;
    kedge_ms start_within; /* it must have passed once by then, or the start has failed */
    uint32_t success_threshold, failure_threshold; /* in a row */
};

struct kedge_handler {
    const char *name;
    const char *path; /* of the HTTP endpoint it answers at */
};

struct kedge_hook {
    struct kedge_strings command; /* none: no hook */
    kedge_ms timeout;
};

struct kedge_resources {
    int64_t memory; /* bytes; 0: no limit */
    uint32_t files; /* open descriptors; 0: the system's */
    uint32_t processes;
};

/* How an instance is run. `files` has no command: data only. */
struct kedge_runtime_spec {
    enum kedge_driver driver;
    struct kedge_strings command; /* argv; a relative argv[0] with a '/' lies in the package */
    const char *image;            /* container */
    struct kedge_labels env;      /* name, value */
    const struct kedge_port *ports;
    uint32_t port_count;
    const struct kedge_handler *handlers;
    uint32_t handler_count;
    struct kedge_probe probe;
    struct kedge_resources resources;
    enum kedge_handover handover;
    kedge_ms stop_timeout; /* SIGTERM, then SIGKILL this much later */
    struct kedge_hook before_start, after_stop;
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Port: where artifact bytes come from. Drivers: "file:", "http:" and "https:" (ranges), "hub:"
 * (the server's own blob store, by digest).
 *
 * Drivers move bytes only; sizes and digests are checked once, above them (kedge/download.h). Every
 * call may block; a handle belongs to one thread. */
#pragma once

#include "err.h"
#include "types.h"

struct kedge_artifact_origin {
    const char *url;
    struct kedge_digest digest; /* what "hub:" asks for */
    const char *hub;            /* the server's base URL, or NULL */
    const char *device;         /* in whose name */
    const char *grant;          /* "exp=<unix>,sig=<hex>" as the server gave it, or NULL */
    const char *ca_file;        /* certificate authorities for https, or NULL: the system's */
    int cancel;                 /* a descriptor that becomes readable to give up; 0: never */
};

struct kedge_artifact;

struct kedge_artifact_ops {
    const char *scheme; /* without the colon */
    /* Opens at byte *offset; sets it to 0 where the source cannot start elsewhere. KEDGE_NOTFOUND,
     * KEDGE_DENIED, KEDGE_UNAVAILABLE (worth another try), KEDGE_TIMEOUT, KEDGE_CORRUPT (it is
     * smaller than the offset). */
    int (*open)(const struct kedge_artifact_origin *origin, int64_t *offset,
                struct kedge_artifact **out, struct kedge_err *err);
    /* Up to `size` bytes; *got 0 is the end. */
    int (*read)(struct kedge_artifact *self, void *data, size_t size, size_t *got,
                struct kedge_err *err);
    void (*close)(struct kedge_artifact *self);
};

/* Embedded first by every driver. */
struct kedge_artifact {
    const struct kedge_artifact_ops *ops;
};

/* Chooses the driver by the scheme of `origin->url`; KEDGE_UNSUPPORTED names those there are. */
int kedge_artifact_open(const struct kedge_artifact_origin *origin, int64_t *offset,
                        struct kedge_artifact **out, struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_artifact_close(struct kedge_artifact *artifact);

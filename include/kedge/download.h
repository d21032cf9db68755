/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an artifact into the content-addressed store: <store>/sha256/<hex>, "<hex>.part" while it
 * is incomplete. What is there under its digest has been verified. */
#pragma once

#include "artifact.h"

struct kedge_artifact_ref; /* state/workload.h */

typedef void kedge_download_progress(int64_t bytes, void *payload);
/* Sees the artifact's bytes in order, as they are hashed; NULL: it starts over. */
typedef void kedge_download_see(const void *data, size_t size, void *payload);

struct kedge_download {
    int store; /* descriptor of the store's folder */
    const struct kedge_artifact_ref *artifact;
    struct kedge_artifact_origin origin; /* its url and digest are taken from `artifact` */
    kedge_download_progress *progress;   /* about every MiB; or NULL */
    kedge_download_see *see; /* or NULL; has seen the whole artifact when the run succeeds */
    void *payload;           /* of both */
};

/* Brings the artifact into the store; at once when it is there. A partial one is hashed again and
 * gone on with. The declared size bounds what is read, then the digest judges; a complete file that
 * does not match is removed. Blocks. KEDGE_CORRUPT: other bytes than declared; KEDGE_LIMIT: no room
 * on the disk; else as the driver says. */
int kedge_download_run(const struct kedge_download *fetch, struct kedge_err *err) KEDGE_MUST_CHECK;
/* "sha256/<hex>": the path in the store. */
#define KEDGE_DOWNLOAD_PATH (sizeof "sha256/.part" + KEDGE_DIGEST_HEX)
const char *kedge_download_path(const struct kedge_digest *digest, char path[KEDGE_DOWNLOAD_PATH]);
/* Removes artifacts and parts whose digest is not among `kept`. */
int kedge_download_collect(int store, const struct kedge_digest *kept, size_t count,
                           struct kedge_err *err) KEDGE_MUST_CHECK;

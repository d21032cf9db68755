/* SPDX-License-Identifier: Apache-2.0 */
/* What one device must hold of one instance, in full: all a device needs to fetch, run and probe
 * it. The reconciler makes it from the manifests, an envelope carries it, the agent reads it back.
 */
#pragma once

#include "base/json.h"
#include "spec.h"

struct kedge_assignment {
    const char *instance; /* name of the model or application; first, so that sorted rows are sorted
                             by it */
    enum kedge_kind kind; /* KEDGE_KIND_MODEL or KEDGE_KIND_APPLICATION */
    const char *deployment;
    const char *bundle; /* the application this model came with, or NULL: activated and rolled back
                           with it */
    const char *version;
    enum kedge_run_state state;
    struct kedge_artifact_ref artifact;
    struct kedge_runtime_spec runtime;
    struct kedge_slice config; /* canonical JSON object, or empty; it may refer to secrets */
    const struct kedge_secret *secrets; /* sealed; only the device can open them */
    uint32_t secret_count;
    const char *sla;                          /* or NULL */
    struct kedge_strings access;              /* applications that may use it; none: all */
    struct kedge_strings arch;                /* architectures it is made for; none: any */
    const struct kedge_signature *signatures; /* of the artifact, by release keys */
    uint32_t signature_count;
    uint32_t release_keys; /* that policy wants to have signed; 0: as the root document says */
    /* SHA-256 over the canonical JSON without state, deployment, arch, signatures, releaseKeys and
     * content: equal content means nothing to do. A signature more, or a stricter policy, restarts
     * nothing: they decide what may be installed, not what it is. */
    struct kedge_digest content;
};

/* Writes the canonical JSON object (keys in fixed order, absent members left out), `content`
 * included. */
void kedge_assignment_write(const struct kedge_assignment *assignment,
                            struct kedge_json_writer *writer);
/* SHA-256 over the canonical JSON of how an artifact is unpacked and run: what release keys sign
 * beside its bytes, for whoever chooses the command chooses what runs. */
struct kedge_digest kedge_assignment_runtime(enum kedge_format format,
                                             const struct kedge_runtime_spec *runtime);
/* Sets `content` from the rest. */
void kedge_assignment_seal(struct kedge_assignment *assignment);
/* Strict twin of _write: unknown members refused, every string and count bounded, `content` checked
 * against the rest (KEDGE_CORRUPT). Strings are copied into `arena`. */
int kedge_assignment_read(struct kedge_arena *arena, const json_t *json,
                          struct kedge_assignment *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Digest of what decides whether a device may install it: signatures and release_keys. Zero when
 * there is neither. */
struct kedge_digest kedge_assignment_vouchers(const struct kedge_assignment *assignment);
/* One item of the bytes that a set digest is taken over; items come sorted by instance. */
void kedge_assignment_set_add(struct kedge_buf *set, const char *instance,
                              const struct kedge_digest *content, enum kedge_run_state state);
/* Digest of a whole set sorted by instance: over each (instance, content, state), which is what "in
 * sync" compares, and over the vouchers of those that have any: what an order has told a device. */
struct kedge_digest kedge_assignment_set_digest(const struct kedge_assignment *const *set,
                                                size_t count);

/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the state folder: what is there, and is it what was put there? */
#pragma once

#include "slots.h"
#include "state/report.h"

/* A slot as it is found; with content zero, a link that points at none. */
struct kedge_look_found {
    const char *instance;
    struct kedge_digest content;
    struct kedge_slice assignment; /* JSON, or empty */
    enum kedge_integrity integrity;
    bool current;
    bool marked; /* a unit's mark names it */
};
struct kedge_look {
    struct kedge_look_found *at; /* malloc'd */
    uint32_t count, capacity;
    int64_t disk_free;
    struct kedge_arena arena;
};
void kedge_look_release(struct kedge_look *survey);
void kedge_look_auto(struct kedge_look *survey);
/* Looks at everything. A file counts as intact while size and mtime are as they were unpacked, or
 * its digest is; `deep` hashes every file. Logs that have grown are rotated on the way: copied and
 * cut, so that units go on writing. Blocks. */
int kedge_look_run(struct kedge_slots *slots, bool deep, struct kedge_look *out,
                   struct kedge_err *err) KEDGE_MUST_CHECK;

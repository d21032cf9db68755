/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the input, all of it, with positions: what a person gets to read. */
#pragma once

#include "base/arena.h"
#include "base/json.h"

struct kedge_position {
    const char *file; /* path in the tree; NULL for the revision as a whole */
    uint32_t line;    /* from 1; 0 when there is none */
    uint32_t column;  /* from 1, in characters */
};

enum kedge_severity { KEDGE_SEVERITY_ERROR, KEDGE_SEVERITY_WARNING };

struct kedge_finding {
    enum kedge_severity severity;
    const char *rule; /* stable id: "unknown-field", "dangling-reference" ... */
    struct kedge_position at;
    const char *field;   /* "spec.targets.selector", or NULL */
    const char *message; /* what is wrong */
    const char *remedy;  /* what to do, or NULL */
};

/* All-zero is empty. Findings beyond KEDGE_LIMIT_FINDINGS are counted, not kept. */
struct kedge_findings {
    struct kedge_arena arena;
    struct kedge_finding *at;
    size_t count, capacity;
    size_t errors, warnings; /* all of them, kept or not */
};

/* Copies everything. `message` is formatted; `field` and `remedy` may be NULL. */
void kedge_finding_add(struct kedge_findings *findings, enum kedge_severity severity,
                       const char *rule, struct kedge_position at, const char *field,
                       const char *remedy, const char *message, ...) KEDGE_PRINTF(7, 8);
/* Appends copies of `from`'s. */
void kedge_finding_merge(struct kedge_findings *into, const struct kedge_findings *from);
/* By file, line, column, rule: the order they are shown in. */
void kedge_finding_sort(struct kedge_findings *findings);
void kedge_findings_release(struct kedge_findings *findings);
void kedge_findings_auto(struct kedge_findings *findings);

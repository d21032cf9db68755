/* SPDX-License-Identifier: Apache-2.0 */
/* The gates of Policy.spec.require that a version passes by what its manifest records. */
#pragma once

#include "state/desired.h"

/* Which gates any policy of a revision demands. */
struct kedge_gates {
    bool ready, scanned, validated;
    uint32_t release_keys; /* that must have signed: the most that any asks for; 0: none does */
};
struct kedge_gates kedge_gate_find(const struct kedge_specs *specs);

/* Why a version has not passed, in `arena`; NULL when it has, or has nothing to pass: an
 * application is not scanned and not evaluated. */

/* Scanned: a clean scan is recorded (spec.scan). */
const char *kedge_gate_unscanned(struct kedge_arena *arena,
                                 const struct kedge_desired_assignment *want);
/* Validated: for each accuracy that the deployment's SLA asks for an evaluation on the same data set
 * is recorded (spec.evaluations) and within its bound, and no evaluation of another of its metrics
 * ("latencyP95", ..) is beyond. Where the SLA asks for no accuracy, or there is none, one evaluation
 * at least is recorded. */
const char *kedge_gate_unvalidated(struct kedge_arena *arena, const struct kedge_specs *specs,
                                   const struct kedge_desired_assignment *want);
/* Signed: as many release keys as its assignment says have signed the artifact. Keys are told apart
 * by the ids they go by; whether they are keys that count is judged on the device. */
const char *kedge_gate_unsigned(struct kedge_arena *arena,
                                const struct kedge_assignment *assignment);

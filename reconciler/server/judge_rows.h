/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of judge.h: what a commit does to each instance on each device. */
#pragma once

#include "judge.h"

/* What came of an object's change on devices. */
struct kedge_judge_outcome {
    bool let;            /* something was let through */
    const char *refused; /* why something was not, or NULL */
};

struct kedge_judge_rows {
    struct kedge_arena *arena;
    const struct kedge_judgement *before;
    const struct kedge_specs *rules; /* whose policies judge */
    const struct kedge_judge_act *act;
    const struct kedge_desired *lawful;   /* as it is now */
    bool approving;                       /* `act` is judged once more, with more signers */
    struct kedge_judge_outcome *outcomes; /* of each change of `act`; or NULL */
};

/* The change of an object by `act`, or NULL. */
const struct kedge_rights_object *kedge_judge_rows_find(const struct kedge_judge_act *act,
                                                        enum kedge_kind kind, const char *name);
/* May `act` do this to what the device holds? In words, or NULL where it may. */
const char *kedge_judge_rows_refuse(const struct kedge_judge_rows *job,
                                    const struct kedge_device *before,
                                    const struct kedge_device *after,
                                    const struct kedge_desired_assignment *held,
                                    const struct kedge_desired_assignment *wanted);
/* Instances that are held from now on. */
const struct kedge_table *kedge_judge_rows_next(const struct kedge_judge_rows *job);
/* A copy of `lawful` with what `rows` keep. */
struct kedge_desired *kedge_judge_rows_apply(const struct kedge_judge_rows *job,
                                             const struct kedge_table *rows);
/* Rows of struct kedge_desired_refused: where what is in force is not what the repository says. */
const struct kedge_table *kedge_judge_rows_refused(struct kedge_arena *arena,
                                                   const struct kedge_judgement *judged,
                                                   const struct kedge_table *before);
/* "alice@example.org may not update 'm': rule 2 of ..." */
const char *kedge_judge_rows_why(struct kedge_arena *arena, const struct kedge_judge_act *act,
                                 const struct kedge_rights_verdict *verdict, const char *what);

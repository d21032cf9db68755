/* SPDX-License-Identifier: Apache-2.0 */
/* Who may change what, commit by commit: what the repository says, and what of it is in force. Pure.
 *
 *     in force ─┐
 *               ├─▶ objects that may change ─▶ lawful ─▶ instances that may ─▶ in force
 *     git ──────┘
 *
 * A commit is judged by the policies in force before it, so none grants itself anything; and by what
 * it changes: objects first, then what that does to each instance on each device (core/rights.h). What
 * is not allowed stays as it was, everything else comes into force. What would not stand alone, such
 * as a deployment of a model that is held, is held together with the rest of its commit.
 *
 * What is held stays so until a later commit of somebody who may changes the same object or
 * instance, or approves ("Kedge-Approve: <commit>" as the last lines of its message), or the
 * repository says again what is in force, or no policy has a rule any more. */
#pragma once

#include "core/rights.h"

/* One commit, or several where those before the last were not valid by themselves. */
struct kedge_judge_act {
    char commit[KEDGE_COMMIT_TEXT]; /* the last */
    struct kedge_rights_party party;
    const struct kedge_rights_object *changes; /* sorted by kind, then name */
    size_t count;
};

struct kedge_judge_hold {
    const struct kedge_judge_act *act; /* that was not let through */
    const char *why, *frees;
};

/* An object that stays as it was. */
struct kedge_judge_object {
    const char *key; /* "Policy/roles"; first: a table entry */
    enum kedge_kind kind;
    const char *name;
    struct kedge_judge_hold hold;
};

struct kedge_judge_instance {
    const char *instance;
    const struct kedge_desired_assignment *kept; /* NULL: none */
    const struct kedge_judge_hold *hold;
};

/* The instances of a device that stay as they were. */
struct kedge_judge_row {
    const char *name; /* of the device; first: a table entry */
    uint32_t count;
    struct kedge_judge_instance at[]; /* sorted by name */
};

/* Where things stand after a commit. Immutable, and shares with the judged before. */
struct kedge_judgement {
    const struct kedge_desired *git;     /* what the repository says */
    const struct kedge_desired *lawful;  /* without objects that are held */
    const struct kedge_desired *desired; /* and without instances that are: what is in force */
    const struct kedge_table *objects;   /* of struct kedge_judge_object */
    const struct kedge_table *rows;      /* of struct kedge_judge_row */
};

/* Somebody signed for a commit before. */
struct kedge_judge_approval {
    const char *commit;
    struct kedge_rights_signer signer;
};

/* What comes next; borrowed for as long as the judgements that follow. */
struct kedge_judge_step {
    const char *commit;
    const struct kedge_desired *git; /* what it says, valid */
    struct kedge_rights_party party;
    const struct kedge_judge_approval *approvals;
    uint32_t approval_count;
};

/* Everything the repository says is in force: the beginning, and where nobody is judged. */
const struct kedge_judgement *kedge_judge_begin(struct kedge_arena *arena,
                                                const struct kedge_desired *git);
/* `before` with one commit more. Everything lives in `arena`, and where `before` does. Work in
 * proportion to what changed, and to what is held. */
const struct kedge_judgement *kedge_judge_next(struct kedge_arena *arena,
                                               const struct kedge_judgement *before,
                                               const struct kedge_judge_step *step);
/* Is everything in force that the repository says? */
bool kedge_judge_settled(const struct kedge_judgement *judged);

/* SPDX-License-Identifier: Apache-2.0 */
/* Who may change what. Pure: the policies of a revision, who signed, and one change -> a verdict.
 *
 * Policies without any rule let everybody who may sign do everything. With one rule anywhere, what no
 * rule allows is not allowed. A rule allows a change when all of its members do; a member that is
 * left out does not restrict it:
 *   signers  a principal of the signer's line in allowed_signers, or the fingerprint of the key
 *   paths    every file that the object is in, before and after. '*' and '?' stay within a folder,
 *            '**' does not
 *   kinds    of the object
 *   verbs    what becomes of an instance on a device; and "declare": change a manifest, whatever comes
 *            of it. Without "declare" a rule lets Models, ModelVersions, Applications and Deployments
 *            change only for what that does to devices: they stay as they were where none of it
 *            may be
 *   models   the model or application that an object is about, or of the instance. An object that is
 *            about none (a Device, a Policy) is nothing that a rule with `models` allows
 *   devices  labels of the device, before and after. Of objects a rule with `devices` allows Devices,
 *            and those whose effect is judged device by device: Model, ModelVersion, Application,
 *            Deployment (unless what changes bears on all its devices alike: its suspension, prune,
 *            rollout, dependsOn)
 *   minSignatures  so many different people with different keys, whom the rule names; of a rule with
 *            `verbs` it counts for these verbs. Each must have signed the change as it comes into
 *            force: its commit, one that it merges and that has the same file, or an approval
 *
 * A change of an object is judged by paths, kinds, models, devices, and "declare". What it does to an instance on
 * a device is judged once more, by verbs, models, devices and the kinds and paths of the objects that
 * caused it. */
#pragma once

#include "state/desired.h"

/* `principals` as allowed_signers has them: a list with commas. Negated ones do not count. */
struct kedge_rights_signer {
    const char *principals;
    const char *fingerprint;          /* "SHA256:..." */
    const struct kedge_strings *seen; /* paths that they signed as they come into force, sorted;
                                         NULL: all */
};

struct kedge_rights_signers {
    const struct kedge_rights_signer *at;
    uint32_t count;
};

/* Everybody who stands behind a change. */
struct kedge_rights_party {
    struct kedge_rights_signers authors;   /* of the commits that bring it: each must be allowed */
    struct kedge_rights_signers approvers; /* of them one suffices */
    struct kedge_rights_signers witnesses; /* only count towards minSignatures */
};

/* An object that changed; either side is NULL. */
struct kedge_rights_object {
    enum kedge_kind kind;
    const struct kedge_object *before, *after;
};

struct kedge_rights_effect {
    enum kedge_right verb;
    const char *instance;
    const char *bundle;                        /* the application it comes with, or NULL */
    const struct kedge_device *before, *after; /* the device; both the same unless it changed */
    const struct kedge_rights_object *const
        *causes; /* objects that changed, and brought it about */
    uint32_t cause_count;
};

/* All-zero: nobody was named. Of what is not allowed, the rule that came nearest. */
struct kedge_rights_verdict {
    bool allowed;
    bool only_effects; /* allowed for the sake of what it does to devices, and nothing else */
    const struct kedge_rights_signer *signer; /* who may not */
    const struct kedge_policy *policy;
    uint32_t rule;       /* from 1; 0: no rule names the signer */
    const char *lacks;   /* the member that does not allow it: "paths", "verbs", .. */
    uint32_t have, need; /* "minSignatures": signed, and demanded */
};

/* Has any policy a rule? */
bool kedge_rights_bind(const struct kedge_specs *specs);
/* Does any rule ask for more than one signature? */
bool kedge_rights_count(const struct kedge_specs *specs);
/* `effective`: it does something to a device, which is judged apart. */
struct kedge_rights_verdict kedge_rights_object(const struct kedge_specs *specs,
                                                const struct kedge_rights_party *party,
                                                const struct kedge_rights_object *change,
                                                bool effective);
struct kedge_rights_verdict kedge_rights_effect(const struct kedge_specs *specs,
                                                const struct kedge_rights_party *party,
                                                const struct kedge_rights_effect *effect);
/* A file that is no manifest, such as that of the allowed signers: only a rule without kinds, models
 * and devices allows it. */
struct kedge_rights_verdict kedge_rights_file(const struct kedge_specs *specs,
                                              const struct kedge_rights_party *party,
                                              const char *path);
/* "rule 2 of policy 'roles' does not name it in 'verbs'": why it is not allowed, in `arena`. */
const char *kedge_rights_explain(struct kedge_arena *arena,
                                 const struct kedge_rights_verdict *verdict);
/* Does `path` match? '*' and '?' stand for no '/', "**" for anything; folder/ for all below. Linear
 * in the product of both. */
bool kedge_rights_glob(const char *pattern, const char *path);

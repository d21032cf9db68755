#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The example of roles, as it is shipped: what each role may, and may not, asked before the push and
# judged after it.
# usage: roles.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

git init -q --bare "$work/fleet.git"
git clone -q "$work/fleet.git" "$desk" 2>/dev/null
cp -r "$(dirname "$0")/../../examples/roles/." "$desk"
expect 0 "$kedge" validate "$desk"
says out '0 errors, 0 warnings'

# The same file with keys that somebody has.
for who in owner scientist devops devops-2 developer engineer; do
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/$who"
    grep -q "^$who@plant.example namespaces=\"git\" ssh-ed25519 " "$desk/.kedge/allowed_signers" || fail "no line for $who"
    printf '%s@plant.example namespaces="git" %s\n' "$who" "$(cat "$work/$who.pub")"
done >"$work/signers"
cp "$work/signers" "$desk/.kedge/allowed_signers"
git -C "$desk" config gpg.format ssh
git -C "$desk" config commit.gpgSign true

by() { # WHO MESSAGE
    git -C "$desk" config user.signingKey "$work/$1"
    git -C "$desk" add -A
    git -C "$desk" commit -q --allow-empty -m "$2"
    git -C "$desk" push -q origin HEAD:main
}
reconcile() { "$kedge" reconcile --once "$@" 2>"$work/log/once" || { cat "$work/log/once"; return 1; }; }
settled() { status_holds '.policy.devices == 0 and .policy.objects == 0'; }
# may WHO WHAT: what lies on the desk is theirs to do.
may() {
    expect 0 "$kedge" validate --as "$1@plant.example" "$desk"
    by "$1" "$2"
    reconcile
    settled
}
# may_not WHO WHAT TEXT [KEY]: it is not, and the finding says TEXT. What was pushed all the same is
# held, and taken back by the owner.
may_not() {
    expect 1 "$kedge" validate --as "$1@plant.example" "$desk"
    says out "'$1@plant.example' may not $3"
    by "$1" "$2"
    reconcile
    status_holds '.policy.devices + .policy.objects > 0'
    git -C "$desk" revert -n HEAD
    by owner "not: $2"
    reconcile
    settled
}
in_place() { sed -i "$2" "$desk/$1"; }

by owner "roles"
reconcile --require-signatures --trust-commit "$(head_commit)"

step "the data scientist"
sed 's/1\.0\.0/1.1.0/; s/stage: ready/stage: draft/' "$desk/models/vibration-1.0.0.yaml" >"$desk/models/vibration-1.1.0.yaml"
in_place models/vibration-1.1.0.yaml 's/1\.0\.0/1.1.0/'
may scientist "a new version"
in_place models/vibration-1.1.0.yaml 's/stage: draft/stage: ready/'
may_not scientist "that reaches the fleet" "update 'vibration' here: rule 2 of policy 'roles' does not allow it by its verbs"
in_place slas/line.yaml 's/0.95/0.5/'
may_not scientist "an easier SLA" "change SLA 'line'"

step "the data engineer"
in_place datasets/bearings-2026.yaml 's/good and worn/good, worn and cracked/'
may engineer "more data"
in_place models/vibration-1.1.0.yaml 's/0.97/0.99/'
may_not engineer "better numbers" "change ModelVersion 'vibration-1.1.0': rule 3 of policy 'roles' does not allow it by its kinds"

step "the application developer"
in_place applications/dashboard.yaml 's/version: 1.0.0/version: 1.1.0/'
in_place deployments/test/dashboard.yaml 's/version: 1.0.0/version: 1.1.0/'
may developer "a new dashboard on the bench"
in_place deployments/test/dashboard.yaml 's/stage: test/site: hamburg/'
may_not developer "and everywhere" "deploy 'dashboard' here: rule 4 of policy 'roles' does not allow it by its devices"

step "the DevOps engineer"
in_place deployments/test/dashboard.yaml 's/stage: test/site: hamburg/'
may devops "the dashboard everywhere"
in_place models/vibration-1.1.0.yaml 's/stage: draft/stage: ready/'
may_not devops "a version of their own" "change ModelVersion 'vibration-1.1.0'"
in_place policies/roles.yaml 's/  require:/    - signers: ["devops@plant.example"]\n  require:/'
may_not devops "everything is mine" "change Policy 'roles'"

step "two of them destroy"
in_place deployments/test/dashboard.yaml 's/site: hamburg/stage: test/'
expect 1 "$kedge" validate --as devops@plant.example "$desk"
says out 'asks for 2 signers, and 1 signed'
by devops "off production"
reconcile
status_holds '.policy.devices == 1'
by devops-2 "seen

Kedge-Approve: $(head_commit)"
reconcile
settled

step "an evaluation beyond the SLA stays on the desk"
sed 's/1\.0\.0/1.2.0/; s/0\.97/0.90/' "$desk/models/vibration-1.0.0.yaml" >"$desk/models/vibration-1.2.0.yaml"
in_place models/vibration-1.2.0.yaml 's/1\.0\.0/1.2.0/'
by owner "worse"
reconcile
expect 0 "$kedge" explain press-1 vibration -o json
holds '.hold.blocker == "unvalidated" and (.hold.why | contains("accuracy 0.9, and SLA '"'line'"' wants at least 0.95"))'

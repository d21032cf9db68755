#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may change what, with real commits, real keys and real merges: what a signer may not do is held,
# named, and stays held; everything else proceeds.
# usage: policy.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

for name in root sci ops ops2 eve; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$work/$name"; done
key() { cut -d' ' -f1,2 "$work/$1.pub"; }
signers() { # PRINCIPAL KEY...: who may sign
    mkdir -p "$desk/.kedge"
    : >"$desk/.kedge/allowed_signers"
    while [ $# -gt 0 ]; do
        printf '%s namespaces="git" %s\n' "$1" "$(key "$2")" >>"$desk/.kedge/allowed_signers"
        shift 2
    done
}
sign_as() { git -C "$desk" config user.signingKey "$work/$1"; }
# by WHO MESSAGE: commits everything, signed, and pushes it.
by() {
    sign_as "$1"
    git -C "$desk" add -A
    git -C "$desk" commit -q --allow-empty -m "$2"
    git -C "$desk" push -q origin HEAD:main
}
reconcile() { "$kedge" reconcile --once "$@" 2>"$work/log/once" || { cat "$work/log/once"; return 1; }; }
plan() { "$kedge" plan -o json >"$work/out"; }
# is_held DEVICE TEXT: what explain says holds the model there.
is_held() {
    expect 0 "$kedge" explain "$1" detector -o json
    holds --arg why "$2" '(.hold.blocker == "policy" and (.hold.why | contains($why)) and (.hold.frees | length > 0)) or
        (.because | any(startswith("after it, held (policy): ") and contains($why)))'
}
is_free() {
    expect 0 "$kedge" explain "$1" detector -o json
    holds '.hold.blocker != "policy" and (.because | any(contains("held (policy)")) | not)'
}
wants() { # DEVICE VERSION: what is in force
    expect 0 "$kedge" explain "$1" detector -o json
    holds --arg version "$2" '.wanted.version == $version'
}
# held_objects JQ_CONDITION
held_objects() { status_holds ".policy.held | map(.object) | $1"; }

fleet_new press-1 mill-1
touch "$desk/deployments/.keep" # Git forgets empty folders
git -C "$desk" config gpg.format ssh
git -C "$desk" config commit.gpgSign true
signers root@x root sci@x sci ops@x ops ops2@x ops2 eve@x eve
package 1.0.0 ok
deploy 1.0.0
manifest Policy roles '{rules: [
  {signers: [root@x]},
  {signers: [sci@x], kinds: [Model, ModelVersion, Dataset], verbs: [declare]},
  {signers: ["ops*@x"], kinds: [Deployment], paths: ["deployments/**"], devices: {matchLabels: {kind: press}},
   verbs: [deploy, update, rollback, start, stop]},
  {signers: ["ops*@x"], kinds: [Deployment], verbs: [destroy], minSignatures: 2}]}' >"$desk/policy.yaml"
by root "the beginning"
first=$(head_commit)
expect 0 "$kedge" reconcile --once --require-signatures --trust-commit "$first"
status_holds '.policy == {enforced: true, devices: 0, objects: 0, held: []}'

step "each device for itself: a press is theirs, a mill is not"
package 1.1.0 ok
by sci "1.1.0"
deploy 1.1.0
expect 1 "$kedge" validate --as ops@x "$desk"
says out "'detector' on device 'mill-1' would be held: 'ops@x' may not update 'detector' here: rule 3 of policy 'roles'"
expect 0 "$kedge" validate --as root@x "$desk"
expect 1 "$kedge" validate --as ops@x -o sarif "$desk"
holds '.runs[0].results | length == 1 and .[0].ruleId == "policy"'
by ops "1.1.0 everywhere"
reconcile
wants press-1 1.1.0
is_free press-1
wants mill-1 1.0.0
is_held mill-1 "'ops@x' may not update 'detector' here: rule 3 of policy 'roles' does not allow it by its devices"
expect 0 "$kedge" explain mill-1 detector
says out 'Held by     policy: '
expect 0 "$kedge" status
says out 'Policy      holds 0 objects, and changes on 1 device'
plan
holds '.summary.blockers.policy == 1'
status_holds '.blockers.policy == 1'

step "a restart finds it again, and so does a commit of others"
is_held mill-1 ops@x
package 1.2.0 ok
by sci "1.2.0"
reconcile
wants mill-1 1.0.0
serve
wants mill-1 1.0.0
is_held mill-1 ops@x
run_agent mill-1 --wait 2
until_ok 60 says_version mill-1 1.0.0
until_ok 20 status_holds '.assignments.synced == 1'
is_held mill-1 "'ops@x' may not update 'detector' here"
holds '.action == "Held" and .held.version == "1.0.0" and .verb == "update"'
expect 0 "$kedge" history --device mill-1 -o json
holds '[.. | objects | select(.kind? == "ActionHeld" and .reason? == "policy")] | length >= 1'
end_agent mill-1
grep -q 'blocker="policy"' <<<"$(curl -fsS "$server/metrics")" || fail "no metric names the blocker"
end_server
unset KEDGE_SERVER

step "somebody who may sets it free"
sign_as root
deploy 1.1.0 'config: {checked: true}'
by root "1.1.0, checked"
reconcile
wants mill-1 1.1.0
is_free mill-1
status_holds '.policy.devices == 0'

step "an approval sets it free too"
deploy 1.2.0
by ops "1.2.0"
asked=$(head_commit)
reconcile
is_held mill-1 ops@x
by eve "fine with me

Kedge-Approve: $asked"
reconcile
is_held mill-1 ops@x
by root "I have looked at it

Kedge-Approve: $asked"
reconcile
wants mill-1 1.2.0
is_free mill-1

step "nobody grants themselves anything, in one commit or in two of one push"
sed -i 's/root@x/"*"/' "$desk/policy.yaml"
deploy 1.0.0
by eve "all mine"
deploy 1.1.0
by eve "and now"
reconcile
held_objects '. == ["Deployment/all", "Policy/roles"]'
wants press-1 1.2.0
is_held press-1 "'eve@x' may not"
expect 1 "$kedge" validate --as eve@x "$desk" --base "$asked"
git -C "$desk" revert -n HEAD HEAD~1
by root "as it was"
reconcile
status_holds '.policy.devices == 0 and .policy.objects == 0'

step "who may sign is no small change: refused as a whole"
signers root@x eve
expect 1 "$kedge" validate --as eve@x "$desk"
says out '.kedge/allowed_signers'
by eve "I am root"
expect 1 "$kedge" reconcile --once
says err "'eve@x' may not change '.kedge/allowed_signers'"
expect 0 "$kedge" history --limit 1 -o json
holds '[.. | objects | select(.reason? == "policy")] | length == 1'
git -C "$desk" reset -q --hard HEAD~1
git -C "$desk" push -qf origin HEAD:main
reconcile

step "a renamed file escapes no rule about paths"
git -C "$desk" mv deployments/all.yaml mine.yaml
by ops "mine"
reconcile
held_objects '. == ["Deployment/all"]'
sed -i 's/1.2.0/1.0.0/' "$desk/mine.yaml"
by ops "and down it goes"
reconcile
wants press-1 1.2.0
is_held press-1 "'ops@x' may not"
git -C "$desk" mv mine.yaml deployments/all.yaml
deploy 1.2.0
by ops "back again"
reconcile
status_holds '.policy.objects == 0 and .policy.devices == 0'

step "a label makes no device theirs, and a key is not theirs to change"
sed -i 's/kind: mill/kind: press/' "$desk/devices/mill-1.yaml"
by ops "a press now"
reconcile
held_objects '. == ["Device/mill-1"]'
"$agent" keygen --out "$work/stolen.key" >"$work/stolen"
sed -i "s|publicKey: \"[^\"]*\"|publicKey: \"$(cat "$work/stolen")\"|; s/kind: press/kind: mill/" "$desk/devices/mill-1.yaml"
by ops "and mine"
reconcile
held_objects '. == ["Device/mill-1"]'
git -C "$desk" checkout -q "$asked" -- devices
by ops "never mind"
reconcile
status_holds '.policy.objects == 0'

step "what is taken away is destroyed: by two"
git -C "$desk" rm -q deployments/all.yaml
by ops "gone"
gone=$(head_commit)
reconcile
wants press-1 1.2.0
is_held press-1 "asks for 2 signers, and 1 signed"
by ops "twice is not two

Kedge-Approve: $gone"
reconcile
is_held press-1 "asks for 2 signers, and 1 signed"
by ops2 "two are two

Kedge-Approve: $gone"
reconcile
expect 0 "$kedge" plan -o json
status_holds '.policy.devices == 0 and .assignments.total == 0'

step "the same key by another name is one signer"
deploy 1.2.0
by root "again"
signers root@x root ops@x ops ops2@x ops eve@x eve sci@x sci
by root "one key, two names"
reconcile
git -C "$desk" checkout -qb twins
git -C "$desk" rm -q deployments/all.yaml
sign_as ops
git -C "$desk" commit -qm "gone"
git -C "$desk" checkout -q main
git -C "$desk" merge -q --no-ff -m "merged" twins
git -C "$desk" push -q origin HEAD:main
reconcile
is_held press-1 "asks for 2 signers, and 1 signed"
deploy 1.2.0
signers root@x root ops@x ops ops2@x ops2 eve@x eve sci@x sci
by root "and back"
reconcile
status_holds '.policy.devices == 0'

step "a merge answers for what it brings"
git -C "$desk" checkout -qb feature
sign_as root
deploy 1.1.0
git -C "$desk" commit -qam "1.1.0"
git -C "$desk" checkout -qb other main
manifest MaintenanceWindow nights '{schedule: "0 2 * * *", duration: 1h}' >"$desk/nights.yaml"
git -C "$desk" add -A
git -C "$desk" commit -qm "a window"
git -C "$desk" checkout -q main
sign_as eve
git -C "$desk" merge -q --no-ff -m "an octopus" feature other >/dev/null
git -C "$desk" push -q origin HEAD:main
reconcile
held_objects '. == ["Deployment/all", "MaintenanceWindow/nights"]'
wants press-1 1.2.0
is_held press-1 "'eve@x' may not"

step "and two in one merge, who both signed the file as it comes in"
by root "both are fine

Kedge-Approve: $(head_commit)"
reconcile
wants press-1 1.1.0
git -C "$desk" rm -q nights.yaml
by root "no nights"
git -C "$desk" checkout -qb removal
git -C "$desk" rm -q deployments/all.yaml
sign_as ops2
git -C "$desk" commit -qm "gone"
git -C "$desk" checkout -q main
sign_as ops
git -C "$desk" merge -q --no-ff -m "merged" removal
git -C "$desk" push -q origin HEAD:main
reconcile
status_holds '.policy.devices == 0 and .assignments.total == 0'

step "an old branch that never had the file has not taken it away"
git -C "$desk" checkout -qb stale
sign_as ops2
git -C "$desk" commit -q --allow-empty -m "nothing"
git -C "$desk" checkout -q main
deploy 1.1.0
by root "again"
reconcile
git -C "$desk" merge -q --no-ff --no-commit stale 2>/dev/null
git -C "$desk" rm -q deployments/all.yaml
by ops "merged"
reconcile
wants press-1 1.1.0
is_held press-1 "asks for 2 signers, and 1 signed"

step "without signatures nobody is known: said, and everything in force"
deploy 1.0.0
by eve "eve deploys"
reconcile
is_held press-1 eve@x
expect 0 "$kedge" reconcile --once --allow-unsigned
wants press-1 1.0.0
status_holds '.policy.enforced == false'
expect 0 "$kedge" status
says out 'not enforced'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Looking before leaping, against a fleet that runs: what diff and plan say is what happens, a sealed
# plan is carried out or refused as a whole, and every question has an answer in text and JSON.
# usage: dryrun.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

fleet_new press-1 saw-1
package 1.0.0 ok
deploy 1.0.0
push "1.0.0"

step "before anything runs"
expect 1 "$kedge" status --server http://127.0.0.1:1
says err 'http://127.0.0.1:1'
expect 64 "$kedge" explain press-1
expect 64 "$kedge" plan --ouput json
expect 64 "$kedge" status -o yaml
serve
for device in press-1 saw-1; do run_agent "$device" --wait 2; done
converged
expect 0 "$kedge" plan --detailed-exitcode
says out 'No changes.'
expect 0 "$kedge" drift --detailed-exitcode

step "diff: a branch against its base, and against the fleet"
git -C "$desk" checkout -qb better
package 1.1.0 ok
deploy 1.1.0
git -C "$desk" add -A
git -C "$desk" commit -qm "1.1.0"
expect 2 "$kedge" diff -C "$desk" --base main --head better --detailed-exitcode
says out '~ update  1.0.0 -> 1.1.0     2 devices: press-1, saw-1'
expect 2 "$kedge" diff -C "$desk" --head better --server "$server" --detailed-exitcode -o json
holds '.summary.update == 2 and .summary.destroy == 0'
expect 0 "$kedge" inventory export
cp "$work/out" "$work/inventory.json"
expect 0 env -u KEDGE_SERVER "$kedge" diff -C "$desk" --head better --inventory "$work/inventory.json" -o json
holds '.summary.update == 2'
says_version press-1 1.0.0
expect 0 "$kedge" diff -C "$desk" --base main --head main --detailed-exitcode

step "a sealed plan"
end_server
unset KEDGE_SERVER
git -C "$desk" checkout -q main
git -C "$desk" merge -q --ff-only better
git -C "$desk" push -q origin main
expect 0 "$kedge" plan --out "$work/plan.json"
jq -e . "$work/plan.json" >/dev/null || fail "the plan is no JSON"
serve --manual
unset KEDGE_SERVER # a plan is sealed where the store is
sleep 1
says_version press-1 1.0.0
git -C "$desk" commit -q --allow-empty -m "moved on"
git -C "$desk" push -q origin main
expect 1 "$kedge" apply "$work/plan.json"
says err commit
expect 0 "$kedge" plan --out "$work/plan.json"
sed 's/1\.1\.0/1.0.9/g' "$work/plan.json" >"$work/edited.json"
expect 1 "$kedge" apply "$work/edited.json"
says err edited
expect 0 "$kedge" apply "$work/plan.json"
converged
for device in press-1 saw-1; do says_version "$device" 1.1.0; done

step "a plan is refused when the fleet has moved"
package 1.2.0 ok
deploy 1.2.0
push "1.2.0"
expect 0 "$kedge" plan --out "$work/plan.json"
cp "$work/plan.json" "$work/twice.json"
expect 0 "$kedge" apply "$work/plan.json"
converged
expect 1 "$kedge" apply "$work/twice.json"
says err plan
says_version press-1 1.2.0

step "every question, in text and JSON"
expect 0 "$kedge" status
says out 'Devices     2: 2 online'
expect 0 "$kedge" status -o json
holds ".revision.commit == \"$(head_commit)\" and .devices.online == 2 and .assignments.synced == 2 and .health.Healthy == 2"
expect 0 "$kedge" explain press-1 detector
says out 1.2.0
expect 0 "$kedge" explain press-1 detector -o json
holds '.. | select(. == "1.2.0")'
expect 1 "$kedge" explain press-1 nothing
says err nothing
expect 1 "$kedge" explain nobody detector
says err nobody
expect 0 "$kedge" device list
says out press-1
expect 0 "$kedge" device list -o json
holds '[.items[].name] == ["press-1", "saw-1"]'
expect 0 "$kedge" device show press-1 -o json
holds '.name == "press-1"'
expect 1 "$kedge" device show nobody
expect 0 "$kedge" device models press-1
says out detector
expect 0 "$kedge" model list -o json
holds '[.items[].name] == ["detector"]'
expect 0 "$kedge" model show detector
says out 1.2.0
expect 1 "$kedge" model show nothing
expect 0 "$kedge" history --device saw-1 -o json
holds '[.items[].device] | unique == ["saw-1"]'
expect 0 "$kedge" history --limit 2
[ "$(wc -l <"$work/out")" -eq 3 ] || fail "a heading and two lines"
expect 0 "$kedge" history --since 1h --instance detector
says out 'update 1.1.0 -> 1.2.0'

step "drift: a file on a device is changed by hand"
end_agent saw-1
rm "$work/saw-1/current/detector/version"
run_agent saw-1 --wait 2
found() { grep -qi drift <<<"$("$kedge" history --device saw-1 --limit 8)" || [ -e "$work/saw-1/current/detector/version" ]; }
until_ok 20 found
until_ok 20 says_version saw-1 1.2.0
converged
[ "$(cat "$work/saw-1/current/detector/version")" = 1.2.0 ] || fail "the file did not come back"
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

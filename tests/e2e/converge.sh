#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job: what is pushed with the ordinary git client is what three devices run.
# usage: converge.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

devices=(press-1 press-2 saw-1)
fleet_new "${devices[@]}"
package 1.0.0 ok tar.gz
deploy 1.0.0
push "deploy 1.0.0"
serve
for device in "${devices[@]}"; do run_agent "$device"; done

everywhere() { for device in "${devices[@]}"; do says_version "$device" "$1" && one_model "$device"; done; }
nowhere() {
    for device in "${devices[@]}"; do
        [ -z "$(model_pids "$device")" ] || fail "$device still runs a model"
        [ -z "$(endpoint "$device")" ] || fail "$device still offers an endpoint"
    done
}

step "deploy"
converged
everywhere 1.0.0
status_holds '.assignments == {total: 3, synced: 3, outOfSync: 0, unknown: 0}' || fail "status after deploy"

step "update: a zip, another probe"
package 1.1.0 ok zip "ports: [{name: http}], probe: {tcp: {port: http}, period: 100ms}"
deploy ^1.0.0
push "range takes 1.1.0"
converged
everywhere 1.1.0

step "configuration alone"
before=$(answer press-1 | jq .pid)
deploy 1.1.0 'config: {threshold: 0.25}'
push "threshold"
converged
everywhere 1.1.0
[ "$(answer press-1 | jq -c .config)" = '{"threshold":0.25}' ] || fail "the configuration did not arrive: $(answer press-1)"
[ "$(answer press-1 | jq .pid)" != "$before" ] || fail "the process did not take the configuration"

step "a push that changes nothing for a device leaves its process alone"
before=$(answer press-1 | jq .pid)
sed -i 's/title: Detector/title: A better title/' "$desk/models/detector.yaml"
push "words only"
converged
[ "$(answer press-1 | jq .pid)" = "$before" ] || fail "a title restarted the model"

step "stop and start"
deploy 1.1.0 'state: stopped'
push "stop"
converged
nowhere
deploy 1.1.0
push "start"
converged
everywhere 1.1.0

step "labels decide"
sed -i 's/kind: saw/kind: shelf/' "$desk/devices/saw-1.yaml"
deploy 1.1.0 'targets: {selector: {matchLabels: {kind: press}}}'
push "presses only"
converged
says_version press-1 1.1.0
[ -z "$(model_pids saw-1)" ] || fail "saw-1 still runs the model"

step "exec probe, zst, every device"
package 1.2.0 ok tar.zst "ports: [{name: http}], probe: {exec: {command: [./model, check]}, period: 100ms}"
deploy 1.2.0
push "1.2.0 everywhere"
converged
everywhere 1.2.0

step "a version that is never healthy: the old one stays, Git and fleet disagree in the open"
package 1.3.0 sick
deploy 1.3.0
push "1.3.0, sick"
settled 40
everywhere 1.2.0
"$kedge" explain press-1 detector -o json >"$work/out"
says out 1.3.0
expect 0 "$kedge" status
status_holds '.assignments.outOfSync == 3' || fail "status hides the failure"
git -C "$desk" revert -n HEAD && push "revert"
converged
everywhere 1.2.0

step "a process that dies comes back; a file that is changed is replaced"
kill -9 "$(answer press-2 | jq .pid)"
until_ok 10 says_version press-2 1.2.0
until_ok 10 one_model press-2
converged

step "two models on one device"
manifest Model counter '{title: Counter}' >"$desk/models/counter.yaml"
sed 's/detector/counter/g' "$desk/models/detector-1.2.0.yaml" >"$desk/models/counter-1.2.0.yaml"
manifest Deployment second '{model: counter, version: 1.2.0, targets: {devices: [saw-1]}}' >"$desk/deployments/second.yaml"
push "a second model"
converged
[ "$(answer saw-1 counter | jq -r .version)" = 1.2.0 ] || fail "the second model does not answer"
says_version saw-1 1.2.0
"$agent" models --state-dir "$work/saw-1" >"$work/out"
says out counter
says out detector

step "destroy"
rm "$desk/deployments/"*.yaml
push "destroy"
converged
nowhere
for device in "${devices[@]}"; do
    [ -z "$(ls "$work/$device/instances" "$work/$device/current" "$work/$device/run" | grep -v ':$' || true)" ] ||
        fail "$device keeps files of what was destroyed"
done

step "SIGTERM ends server and agents with 0"
for device in "${devices[@]}"; do end_agent "$device"; done
end_server
if grep -E 'ERROR|Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

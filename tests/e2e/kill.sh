#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of agents and server at any moment, while versions good and bad come and go: the fleet
# converges without help, nothing runs twice or is left behind, and an application that asks all
# the time is always answered.
# usage: kill.sh BIN_DIR LIB_DIR; $KEDGE_E2E_SECONDS (30) is how long, $KEDGE_SEED (1) which moments.
seconds=${KEDGE_E2E_SECONDS:-30} seed=${KEDGE_SEED:-1}
. "$(dirname "$0")/lib.sh"
RANDOM=$seed

devices=(press-1 press-2)
declare -A watch_pid=()
fleet_new "${devices[@]}"
package 1.0.0 ok
deploy 1.0.0
push "deploy 1.0.0"
serve
for device in "${devices[@]}"; do run_agent "$device" --wait 5; done
converged
for device in "${devices[@]}"; do
    "$watch" "$work/$device" detector >"$work/log/watch-$device" 2>&1 &
    watch_pid[$device]=$!
done

step "an agent's death and return leave its model alone"
before=$(answer press-1 | jq .pid)
end_agent press-1 KILL
says_version press-1 1.0.0
run_agent press-1 --wait 5
converged
[ "$(answer press-1 | jq .pid)" = "$before" ] || fail "the model was not adopted but started again"
one_model press-1

nap() { sleep "$(printf '0.%03d' $((RANDOM % 700)))"; }
kill_one() {
    case $((RANDOM % 3)) in
    0)
        end_server KILL
        nap
        serve
        ;;
    *)
        local device=${devices[RANDOM % ${#devices[@]}]}
        end_agent "$device" KILL
        nap
        run_agent "$device" --wait 5
        ;;
    esac
}
clean() { # DEVICE: one process, one slot, nothing half made
    one_model "$1"
    [ "$(ls "$work/$1/instances/detector" | wc -l)" -eq 1 ] || fail "$1 keeps slots: $(ls "$work/$1/instances/detector")"
    [ -z "$(ls -A "$work/$1/tmp")" ] || fail "$1 keeps in tmp/: $(ls -A "$work/$1/tmp")"
}

step "rounds"
serving=1.0.0 rounds=0 kills=0 end=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$end" ]; do
    rounds=$((rounds + 1)) version=1.$rounds.0
    case $((RANDOM % 4)) in
    0) package "$version" sick tar.gz "${probe_http/startWithin: 4s/startWithin: 1s}" ;;
    1) package "$version" crash tar.gz "${probe_http/startWithin: 4s/startWithin: 1s}" ;;
    *) package "$version" ok && serving=$version ;;
    esac
    deploy "$version"
    push "$version: $(cat "$work/packages/$version/behaviour")"
    for ((i = RANDOM % 3; i >= 0; i--)); do
        nap
        kill_one
        kills=$((kills + 1))
    done
    [ "$serving" = "$version" ] && converged 40 || settled 40
    for device in "${devices[@]}"; do
        until_ok 10 says_version "$device" "$serving"
        until_ok 10 clean "$device"
    done
done
step "$rounds versions, $kills kills, seed $seed"
[ "$rounds" -ge 3 ] || fail "too few rounds to tell anything"

for device in "${devices[@]}"; do
    kill "${watch_pid[$device]}"
    wait "${watch_pid[$device]}" || fail "an application on $device was left without an answer: $(tail -n 5 "$work/log/watch-$device")"
    jq -e '.asked > 100' <(tail -n 1 "$work/log/watch-$device") >/dev/null || fail "the application on $device hardly asked"
done
rm "$desk/deployments/all.yaml"
push "destroy"
converged
[ -z "$(model_pids press-1)$(model_pids press-2)" ] || fail "a model is left behind"
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

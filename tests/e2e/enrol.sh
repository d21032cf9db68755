#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How a device becomes one of the fleet, changes its key and leaves, with real programs: tokens and
# what thieves do with them, approval of a fingerprint, answers that are lost, kill -9 in the middle,
# and a hub that lies.
# usage: enrol.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

# --- words ------------------------------------------------------------------------------------

# The fleet's root document, by which devices know their server. A second fleet's is no help.
root_new() { # NAME DIRECTOR_KEY_FILE
    "$kedge" key generate "$work/$1.root-key" >/dev/null
    mkdir -p "$work/$1.roots"
    "$kedge" root init --root-key "$work/$1.root-key.pub" --director "$2.pub" --release "$work/$1.root-key.pub" \
        --out "$work/$1.roots/1.root.json" >/dev/null
    "$kedge" root sign "$work/$1.roots/1.root.json" "$work/$1.root-key" >/dev/null
}
declare_devices() { # DEVICE...: without keys
    local device
    for device; do manifest Device "$device" '{}' "{kind: ${device%-*}}" >"$desk/devices/$device.yaml"; done
}
token_for() { # DEVICE OPTION...: into $token
    "$kedge" device enroll "$@" --root "$work/fleet.roots/1.root.json" -o json >"$work/token.json" 2>"$work/err" ||
        fail "no token: $(cat "$work/err")"
    token=$(jq -r .token "$work/token.json")
}
# enroll DEVICE OPTION...: on the device, whose state folder is $work/DEVICE.
enroll() {
    local device=$1
    shift
    "$agent" enroll --server "$server" --name "$device" --state-dir "$work/$device" "$@"
}
run_enrolled() { # DEVICE OPTION...: needs neither key nor root nor server
    local device=$1
    shift
    "$agent" run --state-dir "$work/$device" "$@" >>"$work/log/$device" 2>&1 &
    agent_pid[$device]=$!
}
device_holds() { ask "$2" "$kedge" device show "$1" -o json; } # DEVICE CONDITION
fingerprint_of() { "$kedge" key export -o ssh "$work/$1/device.key" | ssh-keygen -lf - | cut -d' ' -f2; }
happened() { "$kedge" history -o json --limit 200 | jq -e --arg kind "$1" '[.items[] | select(.kind == $kind)] | length >= '"${2:-1}" >/dev/null; }

fleet_new
root_new fleet "$work/director.key"
declare_devices press-1 press-2 press-3 press-4 press-5 press-6
package 1.0.0 ok
deploy 1.0.0
"$kedge" -C "$desk" model sign detector 1.0.0 --key "$work/fleet.root-key" >/dev/null
push "1.0.0"
serve --roots "$work/fleet.roots"

# --- tokens -----------------------------------------------------------------------------------

step "a token lets a device in, which then needs no options"
token_for press-1 --hardware SN-1
[ -n "$token" ] || fail "no token"
expect 0 "$kedge" device enroll press-9 --root "$work/fleet.roots/1.root.json"
says err "declares device 'press-9' yet"
says out "kedge-agent enroll --server $server --name press-9 --token kedge-enrol:"
expect 0 enroll press-1 --token "$token" --hardware SN-1
says out "$(fingerprint_of press-1)"
[ "$(stat -c %a "$work/press-1/device.key")" = 600 ] || fail "the key is not for its owner alone"
run_enrolled press-1 --wait 2
until_ok 30 device_holds press-1 '.sync == "Synced" and .identity.key == "enrolled"'
says_version press-1 1.0.0

step "secrets can be sealed for it, though no manifest names its key"
expect 0 "$kedge" -C "$desk" secret recipients --device press-1
[ "$(cat "$work/out")" = "$("$kedge" key export -o age "$work/press-1/device.key")" ] || fail "for another key: $(cat "$work/out")"
expect 1 "$kedge" -C "$desk" secret recipients --device press-2
says err "enrol it first"

step "the token is in neither the store nor its log"
secret=${token#kedge-enrol:}
for file in "$work/store.db" "$work/store.db-wal"; do
    if grep -qaF "${secret:0:40}" "$file"; then fail "$file holds the token"; fi
done

step "a token that was used, typed wrongly, replaced, bound or is too old"
expect 1 enroll press-2 --token "$token" --wait 0
says err "is none for device 'press-2'"
expect 1 "$agent" enroll --server "$server" --name press-1 --state-dir "$work/thief" --token "$token" --hardware SN-1 --wait 0
says err "the token was used at"
says err "$(fingerprint_of press-1)"
until_ok 10 happened EnrolmentRefused 2
expect 1 enroll press-2 --token "${token}x" --wait 0
says err "copy it whole"
token_for press-2
old=$token
token_for press-2 --hardware SN-2
expect 1 enroll press-2 --token "$old" --wait 0
says err "a newer one has replaced it"
expect 1 enroll press-2 --token "$token" --hardware SN-9 --wait 0
says err "is for hardware 'SN-2'"
token_for press-2 --expires 1s
sleep 1.2
expect 1 enroll press-2 --token "$token" --wait 0
says err "the token expired at"
rm -r "$work/press-2" "$work/thief"

step "the same device asks again: it gets the same, and stays who it is"
before=$(cat "$work/press-1/device.key")
end_agent press-1
expect 0 enroll press-1 --token "$(jq -r .token "$work/token.json")" --hardware SN-1
[ "$(cat "$work/press-1/device.key")" = "$before" ] || fail "another key"
run_enrolled press-1 --wait 2
until_ok 30 device_holds press-1 '.sync == "Synced"'

step "two devices, one token, at the same moment: one of them is in"
token_for press-2
race=()
for side in a b; do
    "$agent" enroll --server "$server" --name press-2 --state-dir "$work/race-$side" --token "$token" >"$work/log/race-$side" 2>&1 &
    race[${#race[@]}]=$!
done
won=0
for pid in "${race[@]}"; do wait "$pid" && won=$((won + 1)); done
[ "$won" -eq 1 ] || fail "$won devices got in with one token"
grep -q "the token was used at" "$work"/log/race-* || fail "the loser does not know why"

# --- a hub that lies, and one that dies ---------------------------------------------------------

# Whoever stands between them: between MODE ARGUMENT..., then $between is where he listens.
between() {
    rm -f "$work/between.port"
    python3 "$(dirname "$0")/lib/between.py" "$work/between.port" "$@" &
    between_pid=$!
    until_ok 10 test -s "$work/between.port"
    between=http://$(cat "$work/between.port")
}

step "a hub with another root is not believed, whatever it says"
"$kedge" key generate "$work/evil.key" >/dev/null
root_new evil "$work/evil.key"
"$kedge" serve --store "sqlite:$work/evil.db" --director-key "$work/evil.key" --roots "$work/evil.roots" --listen 127.0.0.1:0 \
    --port-file "$work/evil.port" >"$work/log/evil" 2>&1 &
evil=$!
until_ok 20 test -s "$work/evil.port"
until_ok 20 ask '.revision.commit' "$kedge" status --server "http://$(cat "$work/evil.port")" -o json
expect 0 "$kedge" device enroll press-3 --store "sqlite:$work/evil.db" --root "$work/evil.roots/1.root.json" -o json
evil_token=$(jq -r .token "$work/out")
token_for press-3
# The genuine token at the wrong server, ...
expect 1 "$agent" enroll --server "http://$(cat "$work/evil.port")" --name press-3 --state-dir "$work/press-3" --token "$token" --wait 0
says err "none of this fleet's"
# ... and at the right one, with the wrong one's answer in place of its.
between keep "$(cat "$work/evil.port")" "$work/evil.answer"
expect 0 "$agent" enroll --server "$between" --name press-3 --state-dir "$work/victim" --token "$evil_token" --wait 0
between say "$work/evil.answer"
expect 1 "$agent" enroll --server "$between" --name press-3 --state-dir "$work/press-3" --token "$token" --wait 0
says err "enrolment reply"
[ ! -f "$work/press-3/root.json" ] || fail "it took the liar's root"
kill "$evil"
wait "$evil" || true

step "the answer is lost, the server and the device are killed: asked again, it is in"
between swallow "${server#http://}"
expect 1 "$agent" enroll --server "$between" --name press-3 --state-dir "$work/press-3" --token "$token" --wait 0
wait "$between_pid"
until_ok 10 happened DeviceEnrolled 3
end_server KILL
serve --roots "$work/fleet.roots"
expect 0 enroll press-3 --token "$token"
run_enrolled press-3 --wait 2
until_ok 30 device_holds press-3 '.sync == "Synced"'

step "killed at any moment, the command is repeated until it is through"
token_for press-4
for delay in 0.001 0.003 0.006 0.01 0.015 0.02 0.03 0.04 0.06 0.08 0.1 0.15 0.2 0.3; do
    "$agent" enroll --server "$server" --name press-4 --state-dir "$work/press-4" --token "$token" >>"$work/log/killed" 2>&1 &
    pid=$!
    sleep "$delay"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    [ ! -f "$work/press-4/device.key" ] || [ "$(stat -c %a "$work/press-4/device.key")" = 600 ] || fail "half a key"
done
expect 0 enroll press-4 --token "$token"
run_enrolled press-4 --wait 2
until_ok 30 device_holds press-4 '.sync == "Synced"'

# --- approval -----------------------------------------------------------------------------------

step "without a token an operator compares the fingerprint"
digest=$(jq -r .root "$work/token.json")
expect 1 enroll press-5 --wait 0
says err "--root-digest"
expect 1 enroll press-5 --root-digest "$digest" --wait 0
says out "$(fingerprint_of press-5)"
says err "kedge device approve press-5"
enroll press-5 --root-digest "$digest" --wait 60 >"$work/log/waits" 2>&1 &
waits=$!
until_ok 10 grep -q "$(fingerprint_of press-5)" "$work/log/waits"
expect 0 "$kedge" device list
says out "$(fingerprint_of press-5)"
expect 64 "$kedge" device approve press-5 --fingerprint SHA256:short
expect 64 "$kedge" device approve press-5 </dev/null
expect 1 "$kedge" device approve press-5 --fingerprint "$(fingerprint_of press-1)"
says err "compare with what the device shows"
expect 1 "$kedge" device approve press-6 --fingerprint "$(fingerprint_of press-1)"
says err "nothing waits as device 'press-6'"
kill -0 "$waits" || fail "it did not wait"
expect 0 "$kedge" device approve press-5 --fingerprint "$(fingerprint_of press-5)"
wait "$waits" || fail "approved, and not let in: $(cat "$work/log/waits")"
run_enrolled press-5 --wait 2
until_ok 30 device_holds press-5 '.sync == "Synced"'
expect 1 "$agent" enroll --server "$server" --name stranger --state-dir "$work/stranger" --root-digest "$digest" --wait 0
says err "add a Device manifest"

# --- rotation -----------------------------------------------------------------------------------

step "a new key, while the agent runs"
before=$(fingerprint_of press-5)
expect 0 "$agent" rotate-key --state-dir "$work/press-5"
[ "$(fingerprint_of press-5)" != "$before" ] || fail "the same key"
says out "$(fingerprint_of press-5)"
until_ok 30 device_holds press-5 ".sync == \"Synced\" and .connection == \"Online\" and .identity.fingerprint == \"$(fingerprint_of press-5)\""
kill -0 "${agent_pid[press-5]}" || fail "the agent ended"
one_model press-5

step "killed at any moment, the device is reached with the old key or the new one"
for delay in 0.002 0.005 0.01 0.02 0.03 0.04 0.06 0.09 0.14; do
    "$agent" rotate-key --state-dir "$work/press-5" >>"$work/log/rotate" 2>&1 &
    pid=$!
    sleep "$delay"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
done
end_agent press-5 KILL
run_enrolled press-5 --wait 2
until_ok 40 device_holds press-5 '.sync == "Synced" and .connection == "Online"'
# The worst moment: the server has the new key, and the device has not put it in place.
end_agent press-5
cp "$work/press-5/device.key" "$work/old.key"
expect 0 "$agent" rotate-key --state-dir "$work/press-5"
mv "$work/press-5/device.key" "$work/press-5/device.key.next"
cp "$work/old.key" "$work/press-5/device.key"
run_enrolled press-5 --wait 2
until_ok 40 device_holds press-5 '.sync == "Synced" and .connection == "Online"'
until_ok 10 test ! -e "$work/press-5/device.key.next"
says_version press-5 1.0.0

# --- leaving ------------------------------------------------------------------------------------

step "a device that is sent off erases everything, says so, and is refused from then on"
cp "$work/press-1/device.key" "$work/kept.key"
expect 0 "$kedge" device decommission press-1
until_ok 30 device_holds press-1 '.standing == "decommissioned"'
until_ok 20 grep -q 'this device is decommissioned' "$work/log/press-1"
status=0
wait "${agent_pid[press-1]}" || status=$?
unset 'agent_pid[press-1]'
[ "$status" -eq 0 ] || fail "the agent ended with $status"
[ -z "$(model_pids press-1)" ] || fail "a model runs on"
left=$(find "$work/press-1" -type f ! -name lock ! -name root.json ! -name status.json ! -name models.json)
[ -z "$left" ] || fail "left behind: $left"
expect 0 "$kedge" explain press-1 detector
says out "decommissioned"
status_holds '.devices.decommissioned == 1'
expect 0 "$kedge" history --verify press-1
ask '[.changes[]] | length == 0' "$kedge" plan --device press-1 -o json || fail "something is wanted of it"
expect 64 "$agent" run --state-dir "$work/press-1"
cp "$work/kept.key" "$work/press-1/device.key"
timeout 5 "$agent" run --server "$server" --name press-1 --state-dir "$work/press-1" >"$work/log/ghost" 2>&1 || true
grep -q 'was decommissioned' "$work/log/ghost" || fail "the key is not refused: $(cat "$work/log/ghost")"
rm -r "$work/press-1"

step "with a new token the name is a fresh device"
token_for press-1
expect 0 enroll press-1 --token "$token"
run_enrolled press-1 --wait 2
until_ok 30 device_holds press-1 '.sync == "Synced" and (.standing | not)'
says_version press-1 1.0.0
expect 0 "$kedge" history --verify press-1

step "a device that is away hears of it when it is back, also across kill -9"
end_agent press-3
expect 0 "$kedge" device decommission press-3
sleep 3
device_holds press-3 '.standing == "decommissioning"' || fail "nobody has told it yet"
run_enrolled press-3 --wait 2
sleep 0.7
end_agent press-3 KILL
if [ -f "$work/press-3/device.key" ]; then run_enrolled press-3 --wait 2; fi
until_ok 30 device_holds press-3 '.standing == "decommissioned"'
until_ok 20 test ! -e "$work/press-3/device.key"
[ -z "$(model_pids press-3)" ] || fail "a model runs on"

step "a stolen device is refused at once"
expect 0 "$kedge" device decommission press-4 --now
until_ok 20 grep -q 'was decommissioned' "$work/log/press-4"
device_holds press-4 '.standing == "decommissioned" and .identity.key == "refused"'
expect 1 "$kedge" device decommission press-4 --now
says err "is decommissioned"
status_holds '.devices.decommissioned == 2'
grep -qx 'kedge_devices_decommissioned 2' <<<"$(curl -sS "$server/metrics")" || fail "metrics do not say so"
happened DeviceDecommissioned 3 || fail "history does not know"

step "the rest of the fleet has noticed nothing"
says_version press-5 1.0.0
device_holds press-5 '.sync == "Synced" and .health == "Healthy"' || fail "press-5 is not well"
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whom devices trust, and how that changes: root documents made and signed by people apart, published
# in a folder, followed by agents; and what thieves and lying hubs try with them.
# usage: roots.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"
forge=$(realpath "$2/e2e-forge")
roots=$work/roots
mkdir "$roots" "$work/hub"
for key in ann bob eve release two three thief; do "$kedge" key generate "$work/$key" >/dev/null; done
cp "$work/director.key" "$work/one"
cp "$work/director.key.pub" "$work/one.pub"

# make N VERB...: writes version N with `kedge VERB...`; sign N WHO...; publish N.
make() {
    local out=$work/$1.json
    shift
    expect 0 "$kedge" "$@" --out "$out"
}
sign() {
    local version=$1 who
    shift
    for who; do
        if [ -e "$work/$((version - 1)).json" ]; then
            expect 0 "$kedge" root sign "$work/$version.json" "$work/$who" --root "$work/$((version - 1)).json"
        else
            expect 0 "$kedge" root sign "$work/$version.json" "$work/$who"
        fi
    done
}
publish() { cp "$work/$1.json" "$roots/.new" && mv "$roots/.new" "$roots/$1.root.json"; }
# rotate N OLD NEW: version N, in which one director takes another's place.
rotate() {
    make "$1" key rotate "$work/$2.pub" "$work/$3.pub" --role director --root "$work/$(($1 - 1)).json"
    sign "$1" ann bob
}
run_rooted() { # DEVICE OPTION...
    local device=$1
    shift
    "$agent" run --server "$server" --name "$device" --key "$work/$device.key" --root "$work/1.json" \
        --state-dir "$work/$device" "$@" >>"$work/log/$device" 2>&1 &
    agent_pid[$device]=$!
}
agent_says() { ask "$2" "$agent" status --state-dir "$work/$1" -o json; } # DEVICE CONDITION
release() { # VERSION
    package "$1" ok
    "$kedge" -C "$desk" model sign detector "$1" --key "$work/release" >/dev/null
    deploy "$1"
    push "$1"
}
direct_by() { export KEDGE_DIRECTOR_KEY=$work/$1; }

step "a root that two of three have signed, apart, names the director"
make 1 root init --root-key "$work/ann.pub" --root-key "$work/bob.pub" --root-key "$work/eve.pub" --threshold 2 \
    --director "$work/one.pub" --release "$work/release.pub"
direct_by one
fleet_new press-1 press-2
release 1.0.0
expect 1 "$kedge" serve --roots "$roots" --listen 127.0.0.1:0
says err "kedge root init"
sign 1 ann
publish 1
expect 1 "$kedge" serve --roots "$roots" --listen 127.0.0.1:0
says err "2 are needed"
sign 1 bob
publish 1
serve --roots "$roots"
run_rooted press-1 --wait 60
run_rooted press-2 --wait 60
converged
says_version press-1 1.0.0
agent_says press-1 '.report.root == 1'
status_holds '.root.version == 1 and (.root | has("warning") | not)'
curl -sS "$server/v1/root/1" | cmp -s - "$roots/1.root.json" || fail "version 1 is not handed out as it is"
[ "$(curl -sS -o "$work/out" -w '%{http_code}' "$server/v1/root/2")" = 404 ] || fail "a version that is not there"
[ "$(curl -sS -o "$work/out" -w '%{http_code}' "$server/v1/root/x")" = 404 ] || fail "no version at all"
end_agent press-2

step "what does not follow is refused, told, and the chain before it handed out on"
make 2 root init --root-key "$work/thief.pub" --director "$work/thief.pub" --release "$work/thief.pub"
cp "$work/2.json" "$roots/2.root.json"
until_ok 10 status_holds '.root.version == 1 and .root.refused.version == 2'
expect 0 "$kedge" status
says out "refused:"
rm "$work/2.json" "$roots/2.root.json"
until_ok 5 status_holds '.root | has("refused") | not'

step "a director's key is revoked: what it signed binds nobody from the next second on"
before=$(answer press-1 | jq .pid)
rotate 2 one two
publish 2
until_ok 5 agent_says press-1 '.report.root == 2 and (.report.generation // 0) == 0'
until_ok 5 status_holds '.root.version == 2 and (.root.warning | test("does not name"))'
until_ok 5 status_holds '.root | has("refused") | not'
release 1.1.0
sleep 2
[ "$(answer press-1 | jq .pid)" = "$before" ] || fail "a revoked order was obeyed, or its model stopped"
end_agent press-1 KILL
run_rooted press-1 --wait 60
until_ok 10 agent_says press-1 '.connected and .report.root == 2 and (.report.generation // 0) == 0'
[ "$(answer press-1 | jq .pid)" = "$before" ] || fail "a new start made a difference"
grep -q '^kedge_root_permits 0' <<<"$(curl -sS "$server/metrics")" || fail "metrics do not say it"

step "the new director takes over, and those that miss nothing are bound anew"
end_server
direct_by two
serve --roots "$roots"
until_ok 20 says_version press-1 1.1.0
until_ok 10 agent_says press-1 '.converged and .report.generation > 1'

step "a device that was off for three rotations catches up"
rotate 3 two three
rotate 4 three two
publish 3
publish 4
until_ok 10 agent_says press-1 '.report.root == 4'
run_rooted press-2 --wait 60
converged
says_version press-2 1.1.0
agent_says press-2 '.report.root == 4'
expect 0 "$kedge" device show press-2 -o json
holds '.root == 4'
expect 0 "$kedge" history -o json
holds '[.items[] | select(.kind == "RootPublished")] | length == 4'

step "a director's thief drives generations up; when its key is revoked, others are heard again"
envelope() {
    python3 -c 'import sqlite3, sys
row = sqlite3.connect(sys.argv[1]).execute("SELECT envelope FROM device WHERE name = ?", sys.argv[2:]).fetchone()
sys.stdout.buffer.write(row[0])' "$work/store.db" "$1"
}
# forged KEY JQ: the stored order of press-1, changed and signed by KEY.
forged() { jq -r .payload "$work/press-1.order" | base64 -d | jq -cj "$2" | "$forge" "$work/$1"; }
# A batch's envelope has its members' payload elsewhere: a fleet this small is signed one by one.
envelope press-1 >"$work/press-1.order"
end_agent press-2
end_server
python3 "$(dirname "$0")/lib/hub.py" "$(cat "$work/address")" "$work/hub" >"$work/log/hub" 2>&1 &
hub=$!
hand_out() { mv "$work/hub/next" "$work/hub/answer"; }
echo 4 >"$work/hub/root"
forged two '.predicate.generation = 9007199254740990' >"$work/hub/next"
hand_out
until_ok 30 agent_says press-1 '.report.generation == 9007199254740990'
kill "$hub" && wait "$hub" 2>/dev/null || true
rotate 5 two three
publish 5
direct_by three
serve --roots "$roots"
release 1.2.0
until_ok 30 says_version press-1 1.2.0
until_ok 10 agent_says press-1 '.report.root == 5 and .report.generation < 1000'
converged_one() { agent_says press-1 '.converged'; }
until_ok 10 converged_one
envelope press-1 >"$work/press-1.order"
end_server

# --- attacks, with nobody but the liar to ask ---------------------------------------------------

python3 "$(dirname "$0")/lib/hub.py" "$(cat "$work/address")" "$work/hub" >>"$work/log/hub" 2>&1 &
before=$(answer press-1 | jq .pid)
reported() { jq -r .payload "$work/hub/report" | base64 -d; }
root_refused() { reported | jq -e --arg word "$1" '[.. | .rootRefusal? | select(.)][0].reason == $word' >/dev/null; }
order_refused() { reported | jq -e --arg word "$1" '[.. | .refusal? | select(.)][0].reason == $word' >/dev/null; }
unchanged() {
    agent_says press-1 '.report.root == 5'
    says_version press-1 1.2.0
    [ "$(answer press-1 | jq .pid)" = "$before" ] || fail "the model was started again"
}
# root_attack WHAT REASON FILE: offered as the version behind the one in force.
root_attack() {
    step "$1"
    [ -z "$3" ] || cp "$3" "$work/hub/6.root.json"
    echo 6 >"$work/hub/root"
    until_ok 60 root_refused "$2"
    unchanged
    echo 5 >"$work/hub/root"
    rm -f "$work/hub/6.root.json" "$work/hub/6.endless"
}
# order_attack WHAT REASON: the order in hub/next.
order_attack() {
    step "$1"
    hand_out
    until_ok 60 order_refused "$2"
    unchanged
}

root_attack "rollback: an old root as if it were new" rollback "$work/3.json"
rotate 6 three one
rotate 7 one two
root_attack "a gap in the chain" gap "$work/7.json"
"$kedge" root next --root "$work/4.json" --expires 2d --out "$work/other5" >/dev/null
for who in ann bob; do "$kedge" root sign "$work/other5" "$work/$who" --root "$work/4.json" >/dev/null; done
root_attack "two roots of one version" rollback "$work/other5"
"$kedge" key revoke "$work/eve.pub" --root "$work/5.json" --out "$work/stolen6" >/dev/null
"$kedge" root sign "$work/stolen6" "$work/bob" >/dev/null
root_attack "one stolen root key of the two that it takes" unsigned "$work/stolen6"
"$kedge" root init --root-key "$work/thief.pub" --director "$work/thief.pub" --release "$work/thief.pub" --out "$work/t.json" >/dev/null
"$kedge" root sign "$work/t.json" "$work/thief" >/dev/null
last=$work/t.json
for version in 2 3 4 5 6; do
    "$kedge" root next --root "$last" --out "$work/t$version.json" >/dev/null
    "$kedge" root sign "$work/t$version.json" "$work/thief" >/dev/null
    last=$work/t$version.json
done
root_attack "mix and match: the next version of another chain" unsigned "$last"
echo '{"payload": ' >"$work/junk"
root_attack "a root that is none" malformed "$work/junk"
root_attack "a root that is announced and withheld" withheld ""
touch "$work/hub/6.endless"
root_attack "a root without an end" endless ""
touch "$work/hub/6.endless"
root_attack "a root of a terabyte" endless "$work/6.json"

forged two '.predicate.generation = 9007199254740991' >"$work/hub/next"
order_attack "an order of the revoked director" wrong-key
forged one '.predicate.generation += 1' >"$work/hub/next"
order_attack "mix and match: an order of the director whom only the next root names" wrong-key
forged three '.predicate.generation += 1 | .predicate.device = "press-2"' >"$work/hub/next"
order_attack "wrong device" wrong-device
forged three '.predicate.generation += 1 | .predicate.set[0].arch = ["riscv64"]' >"$work/hub/next"
order_attack "wrong hardware" wrong-hardware
forged three '.predicate.generation -= 1' >"$work/hub/next"
order_attack "replay: an older generation" replay
head -c 40000000 /dev/zero | tr '\0' ' ' >"$work/hub/next"
step "an order without an end"
hand_out
until_ok 30 agent_says press-1 '.trouble // "" | test("larger than")'
until_ok 60 agent_says press-1 '.connected'
unchanged

step "freeze: nothing new is taken under a root that has expired, and what runs goes on"
"$kedge" root next --root "$work/5.json" --expires 6s --out "$work/short6" >/dev/null
for who in ann bob; do "$kedge" root sign "$work/short6" "$work/$who" --root "$work/5.json" >/dev/null; done
cp "$work/short6" "$work/hub/6.root.json"
echo 6 >"$work/hub/root"
until_ok 60 agent_says press-1 '.report.root == 6'
until_ok 30 root_refused expired
forged three '.predicate.generation += 5' >"$work/hub/next"
hand_out
until_ok 30 order_refused expired-root
says_version press-1 1.2.0
[ "$(answer press-1 | jq .pid)" = "$before" ] || fail "the model was started again"
expect 0 "$agent" status --state-dir "$work/press-1"
says out "publish a newer one"

step "a root that is good today ends it"
expect 0 "$kedge" root next --root "$work/short6" --out "$work/hub/7.root.json"
for who in ann bob; do expect 0 "$kedge" root sign "$work/hub/7.root.json" "$work/$who" --root "$work/short6"; done
echo 7 >"$work/hub/root"
forged three '.predicate.generation += 5' >"$work/hub/next"
hand_out
until_ok 60 agent_says press-1 '.report.root == 7 and (.report | has("rootRefusal") | not)'

if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

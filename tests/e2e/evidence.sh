#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reports are evidence: a chain that is proven offline and names its first broken link, whatever is
# done to the store; old reports that prove nothing; two reporters with one key, and devices that
# were set back, which are held until a person has decided.
# usage: evidence.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

# sql DATABASE STATEMENT... : as somebody with the file in hand.
sql() { python3 - "$@" <<'END'; }
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for statement in sys.argv[2:]:
    for row in db.execute(statement):
        print(*row)
db.commit()
END
links() { sql "$work/store.db" "SELECT count(*) FROM evidence WHERE device = '$1'"; }
events() { # KIND DEVICE
    "$kedge" history --device "$2" -o json | jq "[.items[] | select(.kind == \"$1\")] | length"
}
tampered() { # WHAT DEVICE LINK FLAW STATEMENT...: in a copy of the store
    local what=$1 device=$2 link=$3 flaw=$4
    shift 4
    step "  $what"
    sql "$work/store.db" "VACUUM INTO '$work/copy.db'"
    sql "$work/copy.db" "$@"
    expect 1 "$kedge" history --verify --store "sqlite:$work/copy.db" "${mirror[@]}" -o json
    holds --arg device "$device" --argjson link "$link" --arg flaw "$flaw" \
        '.broken == 1 and (.items[] | select(.broken) | .device == $device and .broken.link == $link and .broken.flaw == $flaw)'
    expect 1 "$kedge" history --verify --store "sqlite:$work/copy.db" "${mirror[@]}" "$device"
    says out "$device: broken at link $link: $flaw"
    rm "$work/copy.db"
}
version_of() { answer "$1" | jq -r .version; }
is_held() { # DEVICE
    "$kedge" explain "$1" detector -o json >"$work/explained"
    jq -e '.hold.blocker == "identity"' "$work/explained" >/dev/null || { cat "$work/explained"; false; }
}
is_not_held() { ! is_held "$1" >/dev/null; }

fleet_new press-1 press-2
package 1.0.0 ok
deploy 1.0.0
push "1.0.0"
serve
for device in press-1 press-2; do run_agent "$device" --wait 2; done
converged

step "an unchanged device makes no links, however often it reports"
sleep 1.5
before=$(links press-1)
counter() { sql "$work/store.db" "SELECT counter FROM report WHERE device = 'press-1'"; }
first=$(counter)
has_reported() { [ "$(counter)" -ge $((first + 2)) ]; }
until_ok 20 has_reported
[ "$(links press-1)" -eq "$before" ] || fail "links grow with time: $before, $(links press-1)"

for version in 1.1.0 1.2.0 1.3.0 1.4.0; do
    package "$version" ok
    deploy "$version"
    push "$version"
    converged
done
[ "$(links press-1)" -ge 6 ] || fail "too few links to tell anything: $(links press-1)"
expect 0 "$kedge" history --verify -o json
holds '.devices == 2 and .broken == 0 and .links >= 10'
expect 0 "$kedge" history --verify press-1
says out "of 1 device: 0 chains are broken"
expect 1 "$kedge" history --verify nobody
says err "no evidence of device 'nobody'"

step "an auditor without the store needs the public key alone"
key_1=$("$agent" keygen --help >/dev/null 2>&1; "$kedge" key show "$work/press-1.key")
key_2=$("$kedge" key show "$work/press-2.key")
"$kedge" history --export press-1 >"$work/chain.jsonl"
[ "$(wc -l <"$work/chain.jsonl")" -eq $(($(links press-1) + 1)) ] || fail "not a link a line"
expect 0 "$kedge" history --verify --evidence "$work/chain.jsonl" --key "press-1=$key_1"
expect 1 "$kedge" history --verify --evidence "$work/chain.jsonl" --key "press-1=$key_2"
says out "press-1: broken at link 1: foreign"
sed 4d "$work/chain.jsonl" >"$work/cut.jsonl"
expect 1 "$kedge" history --verify --evidence "$work/cut.jsonl" --key "press-1=$key_1"
says out "press-1: broken at link 4: missing"
head -n 4 "$work/chain.jsonl" >"$work/cut.jsonl"
expect 1 "$kedge" history --verify --evidence "$work/cut.jsonl" --key "press-1=$key_1"
says out "press-1: broken at link 5: missing"
expect 64 "$kedge" history --verify --key press-1

step "what is done to the store shows"
for device in press-1 press-2; do end_agent "$device"; done
end_server
mirror=(--state-dir "$work/home/kedge")
[ -d "$work/store.db.git" ] && ln -s store.db.git "$work/copy.db.git"
of="device = 'press-1' AND link"
tampered "a row deleted" press-1 3 missing "DELETE FROM evidence WHERE $of = 3"
tampered "the first deleted" press-1 1 missing "DELETE FROM evidence WHERE $of = 1"
tampered "all deleted" press-1 1 missing "DELETE FROM evidence WHERE device = 'press-1'"
tampered "a byte flipped" press-1 4 altered \
    "UPDATE evidence SET envelope = CAST(replace(CAST(envelope AS TEXT), substr(CAST(envelope AS TEXT), 40, 8), 'AAAAAAAA') AS BLOB) WHERE $of = 4"
tampered "a digest changed" press-1 2 altered "UPDATE evidence SET digest = zeroblob(32) WHERE $of = 2"
tampered "a counter changed" press-1 2 altered "UPDATE evidence SET counter = counter + 1 WHERE $of = 2"
tampered "two rows swapped" press-1 2 reordered "UPDATE evidence SET link = -1 WHERE $of = 2" \
    "UPDATE evidence SET link = 2 WHERE $of = 3" "UPDATE evidence SET link = 3 WHERE $of = -1"
tampered "a row renumbered" press-1 5 missing "UPDATE evidence SET link = 500 WHERE $of = 5"
tampered "the tail cut off" press-1 4 missing "DELETE FROM evidence WHERE $of > 3"
tampered "the tail and the last report cut off" press-1 4 missing "DELETE FROM evidence WHERE $of > 3" \
    "DELETE FROM report WHERE device = 'press-1'"
tampered "another device's row put in" press-1 3 foreign "DELETE FROM evidence WHERE $of = 3" \
    "INSERT INTO evidence SELECT 'press-1', chain, link, counter, received, digest, key, envelope FROM evidence WHERE device = 'press-2' AND link = 3"
tampered "a break dressed up as a new beginning" press-1 1 foreign "UPDATE evidence SET key = zeroblob(32), envelope = (SELECT envelope FROM evidence WHERE device = 'press-2' AND link = 1) WHERE $of = 1"
tampered "history that no link proves" press-1 "$(links press-1)" claimed \
    "INSERT INTO event (at, kind, device, instance, verb) VALUES (1000, 'ActionSucceeded', 'press-1', 'detector', 'deploy')"
expect 0 "$kedge" history --verify

step "a store that has lost links is told of them, and holds nobody"
sql "$work/store.db" "DELETE FROM evidence WHERE $of > 3"
serve
run_agent press-1 --wait 2
missing() { [ "$(events EvidenceMissing press-1)" -ge 1 ]; }
until_ok 30 missing
package 1.5.0 ok
deploy 1.5.0 'targets: {devices: [press-1]}'
push "1.5.0"
until_ok 40 says_version press-1 1.5.0
[ "$(events DeviceCloned press-1)" -eq 0 ] || fail "a lost link was taken for a clone"
expect 1 "$kedge" history --verify press-1
says out "press-1: broken at link 4: missing"

step "old reports that are played again are refused, and hold nobody"
run_agent press-2 --wait 2
deploy 1.5.0
push "1.5.0 everywhere"
converged
play() { curl -sS -o "$work/out" -w '%{http_code}' --data-binary @"$work/played" \
    -H 'Content-Type: application/vnd.dsse.envelope.v1+json' "$server/v1/devices/press-2/sync"; }
for link in 1 2 3; do
    python3 -c 'import sqlite3, sys
row = sqlite3.connect(sys.argv[1]).execute("SELECT envelope FROM evidence WHERE device = ? AND link = ?", sys.argv[2:]).fetchone()
sys.stdout.buffer.write(row[0])' "$work/store.db" press-2 "$link" >"$work/played"
    [ "$(play)" = 409 ] || fail "link $link was taken again"
    says out "conflict"
done
[ "$(events DeviceCloned press-2)" -eq 0 ] || fail "an old report was taken for a clone"
expect 0 "$kedge" history --verify press-2

step "kill -9 at any moment leaves the chain whole"
RANDOM=${KEDGE_SEED:-1}
for round in 1 2 3; do
    package "2.$round.0" ok
    deploy "2.$round.0"
    push "2.$round.0"
    for _ in 1 2 3; do
        sleep "0.$((RANDOM % 10))"
        end_agent press-2 KILL
        run_agent press-2 --wait 2
    done
    sleep "0.$((RANDOM % 10))"
    end_server KILL
    serve
done
converged 60
expect 0 "$kedge" history --verify press-2
[ "$(events DeviceCloned press-2)" -eq 0 ] || fail "a crash was taken for a clone"

step "a device whose state folder was copied while it ran: both report, and it is held"
cp -a "$work/press-2" "$work/press-2-twin"
cp "$work/press-2.key" "$work/press-2-twin.key"
"$agent" run --server "$server" --name press-2 --key "$work/press-2-twin.key" --director-key "$director" \
    --state-dir "$work/press-2-twin" --wait 2 >>"$work/log/press-2-twin" 2>&1 &
twin=$!
cloned() { [ "$(events DeviceCloned press-2)" -ge 1 ]; }
until_ok 60 cloned
package 3.0.0 ok
deploy 3.0.0
push "3.0.0"
until_ok 30 is_held press-2
until_ok 40 says_version press-1 3.0.0
expect 0 "$kedge" explain press-2 detector
says out "two reporters have signed with its key"
says out "kedge device approve press-2"
expect 0 "$kedge" status -o json
holds '.blockers.identity >= 1 and .devices.doubted == 1'
expect 0 "$kedge" status
says out "1 held as cloned"
[ "$(version_of press-2)" = 2.3.0 ] || fail "a device that is held got an order"
[ "$(sql "$work/store.db" "SELECT count(*) FROM item WHERE collection IN ('doubt', 'proof') AND key = 'press-2'")" = 2 ] ||
    fail "the proof is not kept"
grep -q "409" "$work/log/press-2" "$work/log/press-2-twin" || fail "neither was told"
expect 0 "$kedge" history --verify press-2

step "neither a restart of the server nor either of the two lifts that"
end_server KILL
serve
sleep 3
is_held press-2
kill -9 "$twin"
wait "$twin" 2>/dev/null || true
sleep 3
is_held press-2

step "a person does, once only one of them is left"
expect 0 "$kedge" device approve press-2
says out "whoever reports next"
until_ok 60 says_version press-2 3.0.0
is_not_held press-2
[ "$(events DoubtSettled press-2)" -eq 1 ] || fail "history does not tell who has decided"
[ "$(sql "$work/store.db" "SELECT count(*) FROM item WHERE collection IN ('doubt', 'proof')")" = 0 ] ||
    fail "the doubt stays in the store"
expect 0 "$kedge" history --verify press-2

step "a device that comes back from an old backup is held, and goes on when it is approved"
end_agent press-2
cp -a "$work/press-2" "$work/backup"
run_agent press-2 --wait 2
package 3.1.0 ok
deploy 3.1.0
push "3.1.0"
converged
end_agent press-2
rm -rf "$work/press-2"
mv "$work/backup" "$work/press-2"
known=$(events DeviceCloned press-2)
run_agent press-2 --wait 2
set_back() { [ "$(events DeviceCloned press-2)" -gt "$known" ]; }
until_ok 60 set_back
grep -q "was its state folder copied, restored or lost" "$work/log/press-2" || fail "the device was not told why"
expect 0 "$kedge" device approve press-2
converged 60
until_ok 20 says_version press-2 3.1.0
expect 0 "$kedge" history --verify press-2
says out "press-2: begins anew"

step "a device that has lost its state folder is held, and goes on when it is approved"
end_agent press-2
for pid in $(model_pids press-2); do kill -9 "$pid"; done
rm -rf "$work/press-2"
known=$(events DeviceCloned press-2)
run_agent press-2 --wait 2
until_ok 60 set_back
expect 0 "$kedge" device approve press-2
converged 60
expect 0 "$kedge" history --verify press-2

if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two signatures on a device: what the director orders is installed only where release keys have signed
# it too. Signed by `kedge model sign` and by the stock `minisign`, each of which takes the other's.
# usage: release.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"
command -v minisign >/dev/null || { echo "minisign is not here"; exit 77; }

# sign VERSION OPTION...: in the manifests on the desk.
sign() {
    local version=$1
    shift
    "$kedge" -C "$desk" model sign detector "$version" "$@"
}
# signature VERSION NUMBER: what stands in the manifest, as a file.
signature() {
    grep -o 'value: "[^"]*"' "$desk/models/detector-$1.yaml" | sed -n "${2}s/^value: \"\(.*\)\"\$/\1/p" | xargs -0 printf %b
}
progress_is() { # DEVICE DENIAL
    ask '.report.progress[0].denial == "'"$2"'"' "$agent" status --state-dir "$work/$1" -o json
}
# refused DEVICE DENIAL TEXT: the device says so, and everybody who is asked repeats it.
refused() {
    until_ok 30 progress_is "$1" "$2"
    until_ok 30 ask '.hold.blocker == "'"$2"'"' "$kedge" explain "$1" detector -o json
    expect 0 "$kedge" explain "$1" detector
    says out "$2"
    says out "$3"
    until_ok 10 ask ".items[] | select(.device == \"$1\" and .reason == \"$2\")" "$kedge" history -o json
    expect 0 "$agent" status --state-dir "$work/$1"
    says out "$2"
}
slots() { find "$work/$1/instances" -mindepth 2 -maxdepth 2 2>/dev/null | wc -l; } # DEVICE
stored() { find "$work/$1/artifacts" -type f | wc -l; }                           # DEVICE

for key in ann bob eve; do "$kedge" key generate "$work/$key.key" >/dev/null; done
minisign -G -W -p "$work/stock.pub" -s "$work/stock.key" >/dev/null
"$kedge" key export -o minisign "$work/ann.key" >"$work/ann.pub"
keys=(--release-key "$work/ann.key.pub" --release-key "$work/bob.key.pub" --release-key "$work/stock.pub")

fleet_new press-1 press-2
package 1.0.0 ok
deploy 1.0.0
push "1.0.0, signed by nobody"
serve
run_agent press-1 --wait 2 "${keys[@]}"
run_agent press-2 --wait 2

step "the director's order alone: refused, told, and nothing of it on the disk"
refused press-1 unsigned "release signatures of 0 keys, 1 are needed"
[ "$(slots press-1)" -eq 0 ] || fail "something was staged"
[ "$(stored press-1)" -eq 0 ] || fail "something was fetched"
until_ok 30 says_version press-2 1.0.0
grep -q "release signatures are NOT checked" "$work/log/press-2" || fail "an agent without release keys says nothing"
! grep -q "NOT checked" "$work/log/press-1" || fail "an agent with release keys says it has none"

step "a stranger's signature is none"
sign 1.0.0 --key "$work/eve.key" >/dev/null
push "1.0.0, signed by a stranger"
until_ok 30 refused press-1 unsigned "no release key has signed"
[ "$(stored press-1)" -eq 0 ] || fail "something was fetched"

step "a release key's is, without another word to who runs it already"
before=$(answer press-2 | jq .pid)
sign 1.0.0 --key "$work/ann.key" -o json >"$work/out"
holds '.keyIds | length == 1'
expect 1 sign 1.0.0 --key "$work/ann.key"
says err "has signed it already"
push "1.0.0, signed"
converged
says_version press-1 1.0.0
[ "$(answer press-2 | jq .pid)" = "$before" ] || fail "a signature has restarted a model"

step "the stock tool takes what stands in the manifest"
signature 1.0.0 2 >"$work/1.0.0.minisig"
expect 0 minisign -V -p "$work/ann.pub" -x "$work/1.0.0.minisig" -m "$work/packages/1.0.0.tar.gz"
says out "kedge/v1 model=detector version=1.0.0"

step "... and is taken"
package 1.1.0 ok
comment=$(sign 1.1.0 --print-comment)
minisign -S -s "$work/stock.key" -m "$work/packages/1.1.0.tar.gz" -x "$work/1.1.0.minisig" -t "$comment"
sign 1.1.0 --signature "$work/1.1.0.minisig" >/dev/null
deploy 1.1.0
push "1.1.0, signed by minisign"
converged
says_version press-1 1.1.0

step "kedge signs no other bytes than the manifest names"
package 1.2.0 ok
expect 1 sign 1.2.0 --key "$work/ann.key" --artifact "$work/packages/1.1.0.tar.gz"
says err "the manifest says"
expect 1 sign 1.2.0 --key "$work/missing.key"
expect 64 sign 1.2.0
expect 1 sign 9.9.9 --key "$work/ann.key"
expect 0 git -C "$desk" diff --exit-code -- models

step "a signature of another version is found before it is pushed, and not reconciled after"
expect 1 sign 1.2.0 --signature "$work/1.1.0.minisig"
says err "for version '1.1.0'"
cp "$desk/models/detector-1.2.0.yaml" "$work/1.2.0.yaml"
python3 - "$work/1.1.0.minisig" "$desk/models/detector-1.2.0.yaml" <<'END'
import json, sys
value = open(sys.argv[1]).read()
text = open(sys.argv[2]).read()
entry = 'signatures: [{keyId: "%s", value: %s}], runtime:' % ("0" * 16, json.dumps(value))
open(sys.argv[2], "w").write(text.replace("runtime:", entry, 1))
END
expect 1 "$kedge" -C "$desk" validate
says out "models/detector-1.2.0.yaml:5:"
says out "signature-claim"
deploy 1.2.0
push "a signature of something else"
until_ok 20 status_holds ".refused.commit == \"$(head_commit)\""
says_version press-1 1.1.0
cp "$work/1.2.0.yaml" "$desk/models/detector-1.2.0.yaml"

step "a hub that gives other bytes"
sign 1.2.0 --key "$work/bob.key" >/dev/null
blob=$work/blobs/$(sha256sum "$work/packages/1.2.0.tar.gz" | cut -c1-64)
chmod u+w "$blob"
cp "$blob" "$work/genuine"
printf x | dd of="$blob" bs=1 seek=100 conv=notrunc status=none
push "1.2.0, signed"
until_ok 30 ask '.progress.message | contains("has digest")' "$kedge" explain press-1 detector -o json
says_version press-1 1.1.0
cat "$work/genuine" >"$blob"
end_agent press-1 KILL
run_agent press-1 --wait 2 "${keys[@]}"
deploy 1.2.0 'config: {again: true}'
push "1.2.0, again"
converged
says_version press-1 1.2.0

step "a counter that was raised is not gone below, whatever the director says"
package 1.3.0 ok
sign 1.3.0 --key "$work/ann.key" --counter 5 >/dev/null
deploy 1.3.0
push "1.3.0 closes a hole"
converged
deploy 1.1.0
push "back to 1.1.0"
refused press-1 release-rollback "this device has seen 5"
says_version press-1 1.3.0
end_agent press-1 KILL
run_agent press-1 --wait 2 "${keys[@]}"
until_ok 30 progress_is press-1 release-rollback
until_ok 10 says_version press-1 1.3.0
sign 1.1.0 --key "$work/bob.key" --counter 5 >/dev/null
push "1.1.0 is fine after all"
converged
says_version press-1 1.1.0

step "policy wants two keys: held until the second has signed"
manifest Policy releases '{require: {releaseKeys: 2}}' >"$desk/policy.yaml"
deploy 1.3.0
expect 0 "$kedge" -C "$desk" validate
says out "models/detector-1.3.0.yaml:2:"
says out "signatures of 1 release keys, and policy wants 2"
push "two release keys"
until_ok 30 ask '.hold.blocker == "unsigned"' "$kedge" explain press-1 detector -o json
expect 0 "$kedge" explain press-1 detector
says out "signatures of 1 release keys, and policy wants 2"
says_version press-1 1.1.0
sign 1.3.0 --key "$work/bob.key" >/dev/null
push "both have signed"
until_ok 30 says_version press-1 1.3.0

step "a release key that the next root does not name counts no more; what it released serves on"
end_agent press-1
end_server
mkdir "$work/roots"
"$kedge" key generate "$work/root.key" >/dev/null
expect 0 "$kedge" root init --root-key "$work/root.key.pub" --director "$director" --release "$work/ann.key.pub" \
    --release "$work/bob.key.pub" --release "$work/stock.pub" --out "$work/roots/1.root.json"
expect 0 "$kedge" root sign "$work/roots/1.root.json" "$work/root.key"
serve --roots "$work/roots"
"$agent" run --server "$server" --name press-1 --key "$work/press-1.key" --root "$work/roots/1.root.json" \
    --state-dir "$work/press-1" --wait 2 >>"$work/log/press-1" 2>&1 &
agent_pid[press-1]=$!
rm "$desk/policy.yaml"
package 1.4.0 ok
sign 1.4.0 --key "$work/ann.key" >/dev/null
deploy 1.4.0
push "1.4.0, signed by Ann"
converged
says_version press-1 1.4.0
before=$(answer press-1 | jq .pid)
expect 0 "$kedge" key revoke "$work/ann.key.pub" --root "$work/roots/1.root.json" --out "$work/2.root.json"
expect 0 "$kedge" root sign "$work/2.root.json" "$work/root.key"
mv "$work/2.root.json" "$work/roots/2.root.json"
until_ok 30 ask '.report.root == 2' "$agent" status --state-dir "$work/press-1" -o json
package 1.5.0 ok
sign 1.5.0 --key "$work/ann.key" --counter 1000 >/dev/null
deploy 1.5.0
push "1.5.0, signed with a stolen key"
refused press-1 unsigned "no release key has signed"
[ "$(answer press-1 | jq .pid)" = "$before" ] || fail "what was released before does not serve on"
comment=$(sign 1.5.0 --counter 6 --print-comment)
minisign -S -s "$work/stock.key" -m "$work/packages/1.5.0.tar.gz" -x "$work/1.5.0.minisig" -t "$comment"
sign 1.5.0 --signature "$work/1.5.0.minisig" >/dev/null
push "1.5.0, by the stock tool"
until_ok 30 says_version press-1 1.5.0

if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

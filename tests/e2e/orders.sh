#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hub that lies hands out orders that are genuine but old, another's, another signer's, expired or
# damaged: a running agent refuses each, says why in its next signed report, and changes nothing.
# usage: orders.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"
mkdir "$work/hub"

# envelope STORE DEVICE: the order the store holds for it.
envelope() {
    python3 -c 'import sqlite3, sys
row = sqlite3.connect(sys.argv[1]).execute("SELECT envelope FROM device WHERE name = ?", sys.argv[2:]).fetchone()
sys.stdout.buffer.write(row[0])' "$work/$1" "$2"
}
# order_by STORE OPTION...: what a server with a copy of the store would order.
order_by() {
    local store=$1
    shift
    cp "$work/store.db" "$work/$store"
    expect 0 "$kedge" reconcile --once --store "sqlite:$work/$store" "$@"
}
last_refusal() { jq -r .payload "$work/hub/report" | base64 -d | jq -r '[.. | .refusal? | select(.)][0] | "\(.reason) \(.message)"'; }
refused_as() { [[ "$(last_refusal)" == "$1"\ * ]] || { last_refusal; false; }; }
# refuses WHAT REASON: the envelope in $work/envelope is not obeyed.
refuses() {
    step "$1"
    cp "$work/envelope" "$work/hub/next"
    mv "$work/hub/next" "$work/hub/answer"
    until_ok 30 refused_as "$2"
    says_version press-1 1.1.0
    one_model press-1
    [ "$(answer press-1 | jq .pid)" = "$before" ] || fail "the model was started again"
}

fleet_new press-1 press-2
package 1.0.0 ok
deploy 1.0.0
push "1.0.0"
serve
for device in press-1 press-2; do run_agent "$device" --wait 2; done
converged
envelope store.db press-1 >"$work/old"
package 1.1.0 ok
deploy 1.1.0
push "1.1.0"
converged
end_agent press-2
end_server

# From here on only the liar answers.
python3 "$(dirname "$0")/lib/hub.py" "$(cat "$work/address")" "$work/hub" >"$work/log/hub" 2>&1 &
before=$(answer press-1 | jq .pid)
package 1.2.0 ok
sed -i "s|\"url\":\"hub:\"|\"url\":\"file:$work/packages/1.2.0.tar.gz\"|" "$desk/models/detector-1.2.0.yaml"
deploy 1.2.0
push "1.2.0"

cp "$work/old" "$work/envelope"
refuses "an order from before" replay
order_by genuine.db
envelope genuine.db press-2 >"$work/envelope"
refuses "the order of another device" wrong-device
"$kedge" key generate "$work/other.key" >/dev/null
order_by other.db --director-key "$work/other.key"
envelope other.db press-1 >"$work/envelope"
refuses "an order that another key signed" wrong-key
order_by short.db --lifetime 1s
sleep 1.5
envelope short.db press-1 >"$work/envelope"
refuses "an order that has expired" expired
envelope genuine.db press-1 | jq -c '.payload |= (@base64d | sub("1\\.2\\.0"; "1.2.1") | @base64)' >"$work/envelope"
refuses "an order that was changed on its way" wrong-key
echo '{"payload": "' >"$work/envelope"
refuses "bytes that are no order" malformed
expect 0 "$agent" status --state-dir "$work/press-1" -o json
holds '.report.refusal.reason == "malformed"'

step "an agent that is started again refuses what it refused before"
end_agent press-1 KILL
run_agent press-1 --wait 2
cp "$work/old" "$work/envelope"
refuses "the order from before, again" replay

step "the genuine one is obeyed, whoever hands it out"
envelope genuine.db press-1 >"$work/hub/next"
mv "$work/hub/next" "$work/hub/answer"
until_ok 30 says_version press-1 1.2.0
until_ok 10 one_model press-1
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

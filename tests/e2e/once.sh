#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Without a daemon that decides: cron runs 'kedge reconcile --once', 'kedge serve --manual' delivers.
# And a daemon that looks by a cron schedule.
# usage: once.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

fleet_new press-1
package 1.0.0 ok
deploy 1.0.0
push "1.0.0"
serve --manual
run_agent press-1 --wait 2

step "nothing happens by itself"
sleep 1
[ -z "$(model_pids press-1)" ] || fail "somebody decided"

# As cron runs it: almost no environment, and a folder that is not ours.
cron() {
    (cd / && env -i PATH=/usr/bin:/bin HOME="$HOME" "$kedge" reconcile --once --repo "$work/fleet.git" \
        --store "sqlite:$work/store.db" --director-key "$work/director.key")
}
step "a pass makes the device known, the next one orders"
expect 0 cron
until_ok 20 status_holds '.devices.online == 1'
expect 0 cron
converged
says_version press-1 1.0.0

step "two at once do not harm each other"
package 1.1.0 ok
deploy 1.1.0
push "1.1.0"
cron >"$work/log/first" 2>&1 &
first=$!
cron >"$work/log/second" 2>&1 || grep -qi 'another\|busy\|runs' "$work/log/second" || fail "the second pass: $(cat "$work/log/second")"
wait "$first" || grep -qi 'another\|busy\|runs' "$work/log/first" || fail "the first pass: $(cat "$work/log/first")"
converged
says_version press-1 1.1.0

step "a pass with nothing to do says so by doing nothing"
before=$("$kedge" history -o json --limit 1)
expect 0 cron
[ "$("$kedge" history -o json --limit 1)" = "$before" ] || fail "an idle pass left a trace: $("$kedge" history --limit 3)"

step "a bad commit: exit 1 with the place, for cron to mail"
echo 'spec: [' >"$desk/models/bad.yaml"
push "bad"
expect 1 cron
says err models/bad.yaml:2:1
says_version press-1 1.1.0
rm "$desk/models/bad.yaml"
push "mended"
expect 0 cron

step "the agent can be run by cron too"
end_agent press-1
package 1.2.0 ok
deploy 1.2.0
push "1.2.0"
expect 0 cron
expect 0 timeout 60 "$agent" run --server "$server" --name press-1 --key "$work/press-1.key" --director-key "$director" \
    --state-dir "$work/press-1" --once
says_version press-1 1.2.0
one_model press-1
converged

step "a second server of the same store is refused, and a second agent of the same folder"
expect 1 "$kedge" serve --manual --listen 127.0.0.1:0
run_agent press-1 --wait 2
until_ok 20 status_holds '.devices.online == 1'
expect 1 "$agent" run --server "$server" --name press-1 --key "$work/press-1.key" --director-key "$director" --state-dir "$work/press-1"
end_server

step "a cron schedule"
expect 1 "$kedge" serve --cron 'every day' --listen 127.0.0.1:0
says err 'every day'
expect 1 "$kedge" serve --cron '0 4 * * *' --time-zone Mars/Olympus --listen 127.0.0.1:0
says err 'Mars/Olympus'
package 1.3.0 ok
deploy 1.3.0
push "1.3.0"
serve --cron '* * * * *' --time-zone Europe/Berlin
# It looks when it starts; what is pushed later waits for the minute.
converged
says_version press-1 1.3.0
deploy 1.2.0
push "back to 1.2.0"
sleep 0.5
status_holds ".revision.commit != \"$(head_commit)\"" || [ "$(date +%S)" -lt 3 ] || fail "it did not wait for its minute"
curl -sS -X POST "$server/v1/reconcile" >"$work/out" || fail "a pass cannot be asked for"
converged
says_version press-1 1.2.0
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

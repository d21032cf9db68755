#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Secrets, from the desk to the model: sealed by the stock age and by kedge, opened by the devices
# they are for, and seen nowhere on the way. What a device cannot open it refuses, and what served
# serves on.
# usage: secrets.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"
command -v age >/dev/null || { echo "no age here"; exit 77; }

# Plain text lives in variables of this shell only, so that every file below $work can be searched.
new_secret() { printf 'pw-%s' "$(head -c 18 /dev/urandom | base64 | tr '/+' '_-')"; }
first=$(new_secret) second=$(new_secret) third=$(new_secret)
sum() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }

# A model that proves what it has got by its digest, and one that tells it to everybody.
secret_package() { # VERSION BEHAVIOUR
    local folder=$work/packages/$1
    mkdir "$folder"
    echo "$1" >"$folder/version"
    echo "$2" >"$folder/behaviour"
    cat >"$folder/model" <<'END'
#!/usr/bin/env python3
import hashlib, http.server, json, os, sys
text = open(os.environ["KEDGE_CONFIG"]).read()
digest = lambda value: hashlib.sha256(value.encode()).hexdigest()
if len(sys.argv) > 1:  # a hook, or the probe
    if sys.argv[1] == "probe" and open("behaviour").read().strip() == "tell":
        sys.exit("not well")
    open(os.environ["SEEN"] + "." + os.environ["KEDGE_INSTANCE"] + "." + sys.argv[1], "w").write(
        digest(os.environ["TOKEN"]) + " " + digest(json.loads(text)["broker"]["password"]))
    sys.exit(0)
if open("behaviour").read().strip() == "tell":
    print("started with", os.environ["TOKEN"], "and", text, flush=True)
    sys.exit("cannot reach the broker as " + os.environ["TOKEN"])
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments): pass
    def do_GET(self):
        body = json.dumps({"version": open("version").read().strip(), "pid": os.getpid(),
            "token": digest(os.environ["TOKEN"]), "plain": json.loads(text)["plain"],
            "password": digest(json.loads(text)["broker"]["password"]),
            "config": os.environ["KEDGE_CONFIG"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(os.environ["KEDGE_PORT"])), Handler).serve_forever()
END
    chmod +x "$folder/model"
    tar -C "$folder" -czf "$folder.tar.gz" .
    declare_version "$1" "$folder.tar.gz" "driver: process, command: [./model], ports: [{name: http}],
      env: [{name: SEEN, value: \"$work/seen\"}],
      hooks: {beforeStart: {command: [./model, before]}, afterStop: {command: [./model, after]}},
      probe: {exec: {command: [./model, probe]}, period: 5s, timeout: 10s, startWithin: 20s}"
}
# secret_deploy VERSION: with the item of 'secrets' in $work/item.
secret_deploy() {
    {
        printf -- '---\napiVersion: kedge.dev/v1alpha1\nkind: Deployment\nmetadata: {name: all}\nspec:\n'
        printf '  model: detector\n  version: "%s"\n  targets: {selector: {matchLabels: {kind: press}}}\n' "$1"
        printf '  config: {broker: {host: b, password: {$secret: TOKEN}}, plain: 1}\n  secrets:\n'
        sed 's/^/    /' "$work/item"
    } >"$desk/deployments/all.yaml"
}
# stock_seal SECRET RECIPIENT-OPTION...: by age itself.
stock_seal() {
    printf -- '- name: TOKEN\n  sealed: |\n' >"$work/item"
    "$kedge" -C "$desk" secret recipients "${@:2}" >"$work/recipients"
    printf '%s' "$1" | age -a -R "$work/recipients" | sed 's/^/    /' >>"$work/item"
}
seal() { # SECRET RECIPIENT-OPTION...
    printf '%s' "$1" | "$kedge" -C "$desk" secret seal TOKEN "${@:2}" >"$work/item"
}
knows() { # DEVICE SECRET
    answer "$1" | jq -e --arg sum "$(sum "$2")" '.token == $sum and .password == $sum and .plain == 1' \
        >/dev/null || { answer "$1"; return 1; }
}
# searches everything that was written, said or kept, for a plain text.
is_nowhere() { # SECRET [GREP OPTION...]
    local secret=$1 device endpoint pid found
    shift
    rm -rf "$work/asked-for" && mkdir "$work/asked-for"
    for endpoint in status devices models history plan drift findings inventory \
        devices/press-{1,2} models/detector explain/press-{1,2}/detector; do
        curl -sS "$server/v1/$endpoint" >"$work/asked-for/${endpoint//\//-}"
    done
    curl -sS "$server/metrics" >"$work/asked-for/metrics"
    for device in press-1 press-2; do
        "$kedge" explain "$device" detector >"$work/asked-for/explain-$device"
        "$kedge" device show "$device" >"$work/asked-for/show-$device"
        "$agent" status --state-dir "$work/$device" -o json >"$work/asked-for/agent-$device"
    done
    "$kedge" status >"$work/asked-for/cli-status"
    "$kedge" history --limit 50 >"$work/asked-for/cli-history"
    "$kedge" plan >"$work/asked-for/cli-plan"
    "$kedge" -C "$desk" diff --base HEAD~1 >"$work/asked-for/cli-diff" 2>&1 || true # the one before may be invalid
    for pid in "$server_pid" "${agent_pid[@]}" $(model_pids press-1) $(model_pids press-2); do
        cat "/proc/$pid/cmdline" >"$work/asked-for/cmdline-$pid" 2>/dev/null || true # a probe that ended
    done
    if found=$(grep -rlaF "$@" -e "$secret" "$work"); then fail "it lies about: $found"; fi
    # base64, as it would stand in an envelope or a blob
    if grep -raF "$@" -e "$(printf '%s' "$secret" | base64 | cut -c5-20)" "$work" >/dev/null; then fail "in base64"; fi
    until_ok 20 is_forgotten "$secret" "$server_pid" "${agent_pid[@]}"
}
# is_forgotten SECRET PID...: none of them has it in its memory, between two probes; where that may be
# looked at.
is_forgotten() {
    printf '%s' "$1" | python3 -c 'import os, sys
secret, found = sys.stdin.buffer.read(), False
for pid in sys.argv[1:]:
    try:
        memory = open(f"/proc/{pid}/mem", "rb", 0)
        for line in open(f"/proc/{pid}/maps"):
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if not line.split()[1].startswith("rw") or end - start > 1 << 28: continue
            try:
                memory.seek(start)
                if secret in memory.read(end - start):
                    found = True
                    print(pid, line)
            except (OSError, ValueError, OverflowError): pass
    except PermissionError: pass
sys.exit(found)' "${@:2}"
}
fleet_new press-1 press-2
secret_package 1.0.0 ok
deploy 1.0.0
git -C "$desk" add -A && git -C "$desk" commit -qm "a start"

step "sealed by the stock age, used by both devices"
expect 0 "$kedge" -C "$desk" secret recipients --deployment all
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "not one line a device"
[ "$(grep -c '^age1[a-z0-9]\{58\}$' "$work/out")" -eq 2 ] || fail "no recipients"
stock_seal "$first" --deployment all
secret_deploy 1.0.0
expect 0 "$kedge" validate "$desk"
says out "0 errors, 0 warnings"
push "with a secret"
serve
for device in press-1 press-2; do run_agent "$device" --wait 2; done
converged 60
for device in press-1 press-2; do
    knows "$device" "$first"
    answer "$device" | jq -e '.config | startswith("/proc/self/fd/")' >/dev/null || fail "the configuration is a file"
    grep -qF '"$secret":"TOKEN"' "$work/$device"/instances/detector/*/config.json || fail "the slot knows more than it should"
done
for who in before probe; do
    [ "$(cat "$work/seen.detector.$who")" = "$(sum "$first") $(sum "$first")" ] || fail "'$who' has not got it"
done
expect 0 "$kedge" device show press-1
says out "$("$kedge" -C "$desk" secret recipients --device press-1)"
is_nowhere "$first"

step "another secret is an update, sealed by kedge"
before=$(answer press-1 | jq .pid)
seal "$second" --deployment all
secret_deploy 1.0.0
push "another secret"
expect 0 "$kedge" -C "$desk" diff --base HEAD~1 --head HEAD
says out "secret 'TOKEN' changed"
converged 60
for device in press-1 press-2; do knows "$device" "$second"; done
[ "$(answer press-1 | jq .pid)" != "$before" ] || fail "it was not started again"
[ "$(cat "$work/seen.detector.after")" = "$(sum "$first") $(sum "$first")" ] || fail "the last hook has not got it"
is_nowhere "$first"
is_nowhere "$second"

step "a model that ends is started again with it, also by the next agent"
kill -9 "$(answer press-1 | jq .pid)"
until_ok 30 knows press-1 "$second"
before=$(answer press-1 | jq .pid)
end_agent press-1 KILL
kill -9 "$before"
run_agent press-1 --wait 2
until_ok 30 knows press-1 "$second"

step "sealed for one device: the other says so, and serves on"
before=$(answer press-2 | jq .pid)
seal "$third" --device press-1
secret_deploy 1.0.0
expect 0 "$kedge" validate "$desk"
says out "few-recipients"
push "for one of two"
settled 60
until_ok 30 knows press-1 "$third"
knows press-2 "$second"
[ "$(answer press-2 | jq .pid)" = "$before" ] || fail "it was started again"
expect 0 "$kedge" explain press-2 detector
says out "secret 'TOKEN' is not sealed to this device"
says out "kedge secret recipients --deployment all"
is_nowhere "$third"

step "a bit that has turned is refused by every device"
seal "$third" --deployment all
python3 - "$work/item" <<'END'
import base64, sys
lines = open(sys.argv[1]).read().split("\n")
first = next(i for i, l in enumerate(lines) if "BEGIN" in l)
last = next(i for i, l in enumerate(lines) if "END" in l)
data = bytearray(base64.b64decode("".join(l.strip() for l in lines[first + 1:last])))
data[-1] ^= 1
text = base64.b64encode(data).decode()
lines[first + 1:last] = ["    " + text[i:i + 64] for i in range(0, len(text), 64)]
open(sys.argv[1], "w").write("\n".join(lines))
END
secret_deploy 1.0.0
expect 0 "$kedge" validate "$desk"
push "a bit that has turned"
settled 60
knows press-1 "$third"
knows press-2 "$second"
for device in press-1 press-2; do
    expect 0 "$kedge" explain "$device" detector
    says out "it was changed since it was sealed"
done

step "what is cut short, or not sealed at all, never gets into force, and is not shown"
seal "$third" --deployment all
sed -i '5d' "$work/item"
secret_deploy 1.0.0
expect 1 "$kedge" validate "$desk"
says out "not-sealed"
printf -- '- {name: TOKEN, sealed: not-%s}\n' "sealed-at-all" >"$work/item"
secret_deploy 1.0.0
for format in text json sarif junit github; do
    expect 1 "$kedge" validate "$desk" -o "$format"
    grep -qF not-sealed-at-all "$work/out" && fail "$format shows it"
done
push "not sealed"
until_ok 30 status_holds '.refused.commit'
curl -sS "$server/v1/findings" >"$work/out"
says out "it is not an age file"
grep -qF not-sealed-at-all "$work/out" "$work/log/serve" && fail "the server shows it"
knows press-1 "$third"

step "a model that tells its secret: reports do not"
secret_package 2.0.0 tell
seal "$second" --deployment all
secret_deploy 2.0.0
push "one that tells"
settled 90
for device in press-1 press-2; do
    expect 0 "$kedge" explain "$device" detector
    says out "cannot reach the broker as ***"
    grep -qF "$second" "$work/$device/logs/detector.log" || fail "it has not told"
done
knows press-1 "$third"
is_nowhere "$second" --exclude=detector.log

step "sealed right, all is well"
secret_package 2.1.0 ok
stock_seal "$first" --selector kind=press
secret_deploy 2.1.0
push "right at last"
converged 90
for device in press-1 press-2; do knows "$device" "$first"; done
is_nowhere "$first"
for device in press-1 press-2; do end_agent "$device"; done
end_server
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

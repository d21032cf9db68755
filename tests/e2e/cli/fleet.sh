#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A repository, a store and a daemon, with no device yet: every verb that asks or decides, from the
# store and over HTTP alike.
# usage: fleet.sh KEDGE
set -eu
kedge=$(realpath "$1")
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true; rm -rf "$work"' EXIT
export KEDGE_STATE_DIR="$work/state" KEDGE_REPO="$work/fleet.git" HOME="$work" NO_COLOR=1
unset KEDGE_SERVER KEDGE_STORE
mkdir "$work/state" "$work/desk"
cd "$work/desk"

fail() {
    echo "FAILED: $1"
    sed 's/^/  out: /' "$work/out"
    sed 's/^/  err: /' "$work/err"
    exit 1
}
# expect STATUS COMMAND...: runs it into the files out and err.
expect() {
    wanted=$1
    shift
    set +e
    "$@" >"$work/out" 2>"$work/err"
    got=$?
    set -e
    [ "$got" -eq "$wanted" ] || fail "'$*' ended with $got, not $wanted"
}
says() {
    grep -qF -- "$2" "$work/$1" || fail "no '$2' in $1"
}
json() {
    jq -e "$1" "$work/out" >/dev/null || fail "not so: $1"
}
commit() {
    git add -A
    git commit -qm "$1"
    git push -q origin main
}
# cam-1 is enrolled, cam-2 is not; both are targets.
write_fleet() {
    cat >fleet.yaml <<END
apiVersion: kedge.dev/v1alpha1
kind: Device
metadata: {name: cam-1, labels: {site: north}}
spec: {publicKey: "$(cat "$work/device.key.pub")"}
---
apiVersion: kedge.dev/v1alpha1
kind: Device
metadata: {name: cam-2, labels: {site: north}}
spec: {}
---
apiVersion: kedge.dev/v1alpha1
kind: Model
metadata: {name: detector}
spec: {title: Detector of cracks}
---
apiVersion: kedge.dev/v1alpha1
kind: ModelVersion
metadata: {name: detector-1.0.0}
spec:
  model: detector
  version: 1.0.0
  stage: ready
  artifact: {url: "hub:", digest: "sha256:$(echo weights | sha256sum | cut -d' ' -f1)", size: 8, format: file}
---
apiVersion: kedge.dev/v1alpha1
kind: Deployment
metadata: {name: north}
spec:
  model: detector
  version: 1.0.0
  targets: {selector: {matchLabels: {site: north}}}
END
}

echo "nothing is there yet"
expect 1 "$kedge" status
says err "'kedge serve' or 'kedge reconcile' makes it"
expect 1 "$kedge" serve
says err "kedge key generate"
expect 64 "$kedge" reconcile
says err 'say --once'

git init -q -b main .
git init -q --bare -b main "$work/fleet.git"
git remote add origin "$work/fleet.git"
git config user.name Ann
git config user.email ann@example.org
expect 0 "$kedge" key generate "$work/state/director.key"
expect 0 "$kedge" key generate "$work/device.key"
expect 1 "$kedge" reconcile --once

echo "one pass"
write_fleet
commit one
expect 0 "$kedge" reconcile --once
expect 0 "$kedge" status -o json
json '.devices.total == 2 and .assignments.total == 2 and (.revision.subject == "one")'

# Asks everything, from wherever the environment says.
ask_all() {
    for verb in status drift history plan 'model list' 'model show detector' 'device list' 'device show cam-1' \
        'device models cam-1' 'explain cam-1 detector'; do
        # shellcheck disable=SC2086 # verbs are words
        expect 0 "$kedge" $verb -o json
        json .
        # shellcheck disable=SC2086
        expect 0 "$kedge" $verb
        [ -s "$work/out" ] || fail "'$verb' says nothing"
    done
    expect 0 "$kedge" device list
    says out 'cam-2'
    expect 0 "$kedge" device list --limit 1 -o json
    json '.items | length == 1'
    expect 0 "$kedge" model show detector
    says out 'Detector of cracks'
    expect 0 "$kedge" explain cam-2 detector
    says out 'Held by     key'
    expect 2 "$kedge" plan --detailed-exitcode
    says out 'held by key'
    expect 0 "$kedge" drift --detailed-exitcode
    expect 0 "$kedge" history --commit "$(git rev-parse HEAD)" --since 1h
    says out 'RevisionReconciled'
    expect 1 "$kedge" device show nobody
    says err "'nobody'"
    expect 1 "$kedge" model show nothing
    expect 64 "$kedge" history --limit none
    expect 64 "$kedge" history --since yesterday
    expect 1 "$kedge" wait --timeout 300ms
    says err 'not converged within 300ms'
    expect 0 "$kedge" inventory export
    json '.format == "kedge.dev/inventory/v1"'
    cp "$work/out" "$work/inventory.json"
}
echo "asking the store"
ask_all
expect 0 "$kedge" diff --inventory "$work/inventory.json" -o json
json '.summary.deploy == 2 and .summary.unknown == 2'

echo "a sealed plan"
echo '# moved' >>fleet.yaml
commit two
expect 0 "$kedge" plan --out "$work/plan.json"
says out 'kedge apply'
jq -e '.format == "kedge.dev/sealed-plan/v1"' "$work/plan.json" >/dev/null || fail "the sealed plan"
echo '# moved again' >>fleet.yaml
commit three
expect 1 "$kedge" apply "$work/plan.json"
says err 'commit'
expect 0 "$kedge" plan --out "$work/plan.json"
expect 0 "$kedge" apply "$work/plan.json"
expect 1 "$kedge" apply fleet.yaml
expect 64 "$kedge" plan --out x --server http://127.0.0.1:1

echo "a bad commit"
echo 'spec: [' >>fleet.yaml
commit bad
expect 1 "$kedge" reconcile --once
says err 'fleet.yaml:'
expect 0 "$kedge" status -o json
json '.revision.subject == "three"'
expect 0 "$kedge" history --limit 1
says out 'RevisionRefused'

echo "asking a daemon"
"$kedge" serve --listen 127.0.0.1:0 --port-file "$work/port" --interval 1s 2>"$work/log" &
daemon=$!
tries=0
until [ -s "$work/port" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { cp "$work/log" "$work/err"; fail "the daemon did not start"; }
    sleep 0.1
done
KEDGE_SERVER=http://$(cat "$work/port")
export KEDGE_SERVER
expect 1 "$kedge" wait --commit "$(git rev-parse HEAD)" --timeout 60s
says err 'was refused'
expect 0 "$kedge" status
says out 'Refused     invalid'
git revert --no-edit HEAD >/dev/null
git push -q origin main
tries=0
until "$kedge" status -o json | jq -e --arg head "$(git rev-parse HEAD)" '.revision.commit == $head' >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "the head did not come into force"
    sleep 0.1
done
ask_all
expect 0 "$kedge" diff -o json
json '.summary.deploy == 2'
(unset KEDGE_SERVER && expect 0 "$kedge" status) || fail "the store beside a running daemon"
kill "$daemon"
wait "$daemon" || fail "the daemon did not end well"
daemon=
expect 1 "$kedge" status
says err 'no answer from the server'
echo "all as it should be"

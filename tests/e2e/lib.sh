# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What every test here begins with: a fresh folder with a director's key, and words for a bare
# repository with a desk to push from, a server, and agents. All of it ends with the test, whatever
# ends the test. Each test is called as: TEST BIN_DIR LIB_DIR, the folders of the programs and of
# the test's own model.
set -Eeuo pipefail

kedge=$(realpath "$1/kedge") agent=$(realpath "$1/kedge-agent")
model=$(realpath "$2/e2e-model") watch=$(realpath "$2/e2e-watch")
work=$(mktemp -d "${TMPDIR:-/tmp}/kedge-e2e.XXXXXX")
desk=$work/desk
mkdir "$work/log" "$work/home" "$work/blobs" "$work/packages"

for name in $(compgen -v KEDGE_); do [ "$name" = KEDGE_SEED ] || unset "$name"; done
export HOME=$work/home XDG_STATE_HOME=$work/home NO_COLOR=1 TZ=UTC LC_ALL=C.UTF-8
export GIT_CONFIG_GLOBAL=$work/home/gitconfig GIT_CONFIG_NOSYSTEM=1
export KEDGE_STORE=sqlite:$work/store.db KEDGE_REPO=$work/fleet.git KEDGE_BLOBS=$work/blobs
export KEDGE_DIRECTOR_KEY=$work/director.key
git config --global user.name Ann
git config --global user.email ann@example.org
git config --global init.defaultBranch main
git config --global advice.detachedHead false
"$kedge" key generate "$work/director.key" >/dev/null
director=$("$kedge" key show "$work/director.key")

# --- the end ----------------------------------------------------------------------------------

server_pid=
declare -A agent_pid=()

# Processes that have something to do with this test: their folder or their program lies in $work.
processes() { # [BELOW]
    # Others come and go while find looks: its status says nothing.
    { find /proc/[0-9]*/ -maxdepth 1 \( -name cwd -o -name exe \) -lname "$work/${1:-}*" -printf '%h\n' 2>/dev/null || true; } |
        tr -dc '0-9\n' | sort -u
}

finish() {
    local status=$? pid
    trap - EXIT ERR INT TERM
    set +e
    cd /
    [ "$status" -eq 0 ] || show_logs >&2
    # Whoever was started here, then the models, which are children of nobody by now.
    for pid in $(jobs -p) $(processes); do kill -9 "$pid" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$work"
    exit "$status"
}
show_logs() {
    local log
    for log in "$work"/log/* "$work"/*/logs/*.log; do
        [ -s "$log" ] && printf -- '-- %s\n' "${log#"$work"/}" && tail -n 40 "$log"
    done
    "$kedge" history --limit 30 2>&1 | sed 's/^/history: /'
}
trap finish EXIT
trap 'echo "FAILED: line $LINENO of $(basename "${BASH_SOURCE[0]}"): $BASH_COMMAND" >&2' ERR
trap 'exit 130' INT TERM

fail() {
    trap - ERR
    echo "FAILED: $*" >&2
    exit 1
}
step() { printf '%s\n' "$*"; }

# --- looking ----------------------------------------------------------------------------------

# until_ok SECONDS COMMAND...: repeats it until it succeeds.
until_ok() {
    local end=$((SECONDS + $1))
    shift
    until ("$@") >"$work/until" 2>&1; do
        [ "$SECONDS" -le "$end" ] || fail "never came true: $* ($(head -c 800 "$work/until"))"
        sleep 0.05
    done
}
# expect STATUS COMMAND...: runs it into the files $work/out and $work/err.
expect() {
    local wanted=$1 got=0
    shift
    "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" -eq "$wanted" ] && return
    head -c 4000 "$work/out" "$work/err" >&2
    fail "'$*' ended with $got, not $wanted"
}
# says out|err TEXT
says() {
    grep -qF -- "$2" "$work/$1" && return
    head -c 4000 "$work/$1" >&2
    fail "no '$2' in $1"
}
# holds JQ_CONDITION: of the JSON in $work/out.
holds() {
    jq -e "$@" "$work/out" >/dev/null && return
    head -c 4000 "$work/out" >&2
    fail "not so: $*"
}
# ask JQ_CONDITION COMMAND...: of the JSON that a command prints.
ask() {
    local condition=$1
    shift
    "$@" >"$work/asked" && { jq -e "$condition" "$work/asked" >/dev/null || { cat "$work/asked"; false; }; }
}
status_holds() { ask "$1" "$kedge" status -o json; }

# --- the repository ---------------------------------------------------------------------------

fleet_new() { # DEVICE...
    local device
    git init -q --bare "$work/fleet.git"
    git clone -q "$work/fleet.git" "$desk" 2>/dev/null
    mkdir "$desk/devices" "$desk/models" "$desk/deployments"
    manifest Model detector '{title: Detector}' >"$desk/models/detector.yaml"
    for device; do
        manifest Device "$device" "{publicKey: \"$("$agent" keygen --out "$work/$device.key")\"}" \
            "{kind: ${device%-*}}" >"$desk/devices/$device.yaml"
    done
}
manifest() { # KIND NAME SPEC [LABELS]: all in flow style
    printf -- '---\napiVersion: kedge.dev/v1alpha1\nkind: %s\nmetadata: {name: %s, labels: %s}\nspec: %s\n' \
        "$1" "$2" "${4:-{\}}" "$3"
}
# package VERSION BEHAVIOUR [FORMAT [RUNTIME...]]: packs the model and declares it.
# RUNTIME stands for ports and probe.
probe_http='ports: [{name: http}], probe: {http: {path: /healthz}, period: 100ms, timeout: 2s, startWithin: 4s, failureThreshold: 3}'
package() {
    local version=$1 format=${3:-tar.gz} folder=$work/packages/$1
    local archive=$folder.$format runtime=${4:-$probe_http}
    mkdir "$folder"
    cp "$model" "$folder/model"
    echo "$version" >"$folder/version"
    echo "$2" >"$folder/behaviour"
    case $format in
    zip) (cd "$folder" && zip -qr "$archive" .) ;;
    tar.zst) tar -C "$folder" --zstd -cf "$archive" . ;;
    tar.gz) tar -C "$folder" -czf "$archive" . ;;
    tar) tar -C "$folder" -cf "$archive" . ;;
    esac
    declare_version "$version" "$archive" "driver: process, command: [./model], $runtime"
}
# declare_version VERSION ARCHIVE RUNTIME [SED]: puts the archive on the hub, where it may be anything.
declare_version() {
    local artifact
    artifact=$("$kedge" blob put "$2" -o json | jq -c 'del(.path)')
    printf 'model: detector, version: %s, stage: ready, artifact: %s, runtime: {%s}' "$1" "$artifact" "$3" |
        sed "${4:-}" >"$work/spec"
    manifest ModelVersion "detector-$1" "{$(cat "$work/spec")}" >"$desk/models/detector-$1.yaml"
}
# deploy VERSION [MORE]: the deployment `all`, on every device unless MORE says otherwise.
deploy() {
    local targets='targets: {selector: {matchExpressions: [{key: kind, operator: Exists}]}}'
    case "${2:-}" in *targets:*) targets= ;; esac
    manifest Deployment all "{model: detector, version: \"$1\", ${2:+$2, }$targets}" >"$desk/deployments/all.yaml"
}
push() { # MESSAGE [GIT PUSH OPTION...]
    git -C "$desk" add -A
    git -C "$desk" commit -qm "$1"
    shift
    git -C "$desk" push -q "$@" origin HEAD:main
}
head_commit() { git -C "$desk" rev-parse HEAD; }

# --- the server and the agents ------------------------------------------------------------------

serve() { # OPTION...
    local address=127.0.0.1:0
    [ -s "$work/address" ] && address=$(cat "$work/address")
    rm -f "$work/port"
    "$kedge" serve --listen "$address" --port-file "$work/port" --interval 200ms "$@" >>"$work/log/serve" 2>&1 &
    server_pid=$!
    until_ok 20 server_ready
    cp "$work/port" "$work/address"
    server=http://$(cat "$work/port")
    export KEDGE_SERVER=$server
}
server_ready() {
    [ -s "$work/port" ] && return
    kill -0 "$server_pid" 2>/dev/null || fail "kedge serve ended: $(tail -n 3 "$work/log/serve")"
    return 1
}
end_server() { # [SIGNAL]
    kill "-${1:-TERM}" "$server_pid"
    local status=0
    wait "$server_pid" 2>/dev/null || status=$?
    server_pid=
    [ "${1:-TERM}" != TERM ] || [ "$status" -eq 0 ] || fail "kedge serve ended with $status on SIGTERM"
}
run_agent() { # DEVICE OPTION...
    local device=$1
    shift
    "$agent" run --server "${server:-http://127.0.0.1:1}" --name "$device" --key "$work/$device.key" \
        --director-key "$director" --state-dir "$work/$device" "$@" >>"$work/log/$device" 2>&1 &
    agent_pid[$device]=$!
}
end_agent() { # DEVICE [SIGNAL]
    kill "-${2:-TERM}" "${agent_pid[$1]}"
    local status=0
    wait "${agent_pid[$1]}" 2>/dev/null || status=$?
    unset "agent_pid[$1]"
    [ "${2:-TERM}" != TERM ] || [ "$status" -eq 0 ] || fail "kedge-agent of $1 ended with $status on SIGTERM"
}
converged() { # [SECONDS]
    "$kedge" wait --commit "$(head_commit)" --timeout "${1:-30}s" --quiet || {
        "$kedge" status >&2; "$kedge" validate "$desk" >&2
        fail "no convergence"
    }
}
settled() { # [SECONDS]: nothing is under way any more
    "$kedge" wait --commit "$(head_commit)" --timeout "${1:-30}s" --quiet --for settled || fail "it does not settle"
}

# --- a device from outside --------------------------------------------------------------------

endpoint() { # DEVICE [INSTANCE]
    "$agent" models --state-dir "$work/$1" -o json | jq -r --arg name "${2:-detector}" \
        '.models[] | select(.name == $name) | .endpoint // empty | sub("^tcp:"; "http:")'
}
answer() { curl -sS --max-time 5 "$(endpoint "$1" "${2:-}")/"; } # DEVICE [INSTANCE]
# says_version DEVICE VERSION: what the running model answers is the only thing believed.
says_version() {
    [ "$(answer "$1" | jq -r .version)" = "$2" ] || fail "$1 answers '$(answer "$1")', not version $2"
}
model_pids() { processes "$1/instances/"; } # DEVICE: processes of its models, one a line
one_model() { # DEVICE: exactly one, the one that answers
    local pids
    pids=$(model_pids "$1")
    [ "$(wc -w <<<"$pids")" -eq 1 ] || fail "$1 runs $(wc -w <<<"$pids") models, not one: $pids"
    [ "$(answer "$1" | jq .pid)" = "$pids" ] || fail "$1: what answers is not what runs"
}

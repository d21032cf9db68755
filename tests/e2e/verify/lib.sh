# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests of 'kedge verify' begin with: a fresh folder, and words to hold a verdict of ours
# against that of the stock tool. Each test is called as: TEST KEDGE.
set -eu
# shellcheck disable=SC2034 # the tests use it
kedge=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME="$work" NO_COLOR=1 TZ=UTC LC_ALL=C.UTF-8
export GIT_CONFIG_GLOBAL="$work/gitconfig" GIT_CONFIG_NOSYSTEM=1
unset KEDGE_REPO SSH_AUTH_SOCK
checks=0

fail() {
    echo "FAILED: $1"
    for file in out err; do [ ! -f "$work/$file" ] || sed "s/^/  $file: /" "$work/$file" | head -n 20; done
    exit 1
}
# needs TOOL...: 77 tells meson that the test was skipped.
needs() {
    for tool; do command -v "$tool" >/dev/null || { echo "no $tool"; exit 77; }; done
}
# expect STATUS COMMAND...: runs it into the files out and err.
expect() {
    wanted=$1 got=0
    shift
    checks=$((checks + 1))
    "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" -eq "$wanted" ] || fail "'$*' ended with $got, not $wanted"
}
says() {
    grep -qF -- "$2" "$work/$1" || fail "no '$2' in $1"
}
# refuses REASON TEXT COMMAND...: the verb says why, to people and to programs.
refuses() {
    reason=$1 text=$2
    shift 2
    expect 1 "$@"
    says err "refused ($reason)"
    says err "$text"
    expect 1 "$@" -o json
    jq -e --arg reason "$reason" '.accepted == false and .reason == $reason and (.message | length > 0)' \
        "$work/out" >/dev/null || fail "not refused as '$reason'"
}
# accepts COMMAND...
accepts() {
    expect 0 "$@"
    expect 0 "$@" -o json
    jq -e '.accepted == true and .reason == "accepted"' "$work/out" >/dev/null || fail "no JSON that accepts"
}
# alike WHAT ARGUMENT...: `ours` and `theirs`, the stock tool $peer, both accept or both refuse; gives
# which.
alike() {
    what=$1 a=0 b=0
    shift
    checks=$((checks + 1))
    ours "$@" >"$work/out" 2>"$work/err" || a=$?
    theirs "$@" >/dev/null 2>&1 || b=$?
    [ "$a" -le 1 ] || fail "$what: ended with $a"
    [ "$a" -eq "$((b != 0))" ] || fail "$what: $a here, $b from $peer"
    # shellcheck disable=SC2034 # the tests use it
    verdict=$a
}
# vectors: the folder of outside vectors; ends the test well when there is none.
vectors() {
    vectors=${KEDGE_VECTORS:-${KEDGE_SOURCE_ROOT:-.}/../shared/vectors}
    [ -d "$vectors/$1" ] || { echo "no vectors: all else is as it should be, $checks checks"; exit 0; }
}
# flip FILE BYTE BIT OUT: a copy with one bit turned.
flip() {
    cp "$1" "$4"
    old=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $((old ^ (1 << $3))))" | dd of="$4" bs=1 seek="$2" conv=notrunc status=none
}

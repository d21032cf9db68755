#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line as a person meets it: help, wrong use, formats, exit codes, and the words of
# validate and diff on a small repository.
# usage: verbs.sh KEDGE
set -eu
kedge=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_STATE_HOME="$work/state" HOME="$work" NO_COLOR=1
unset KEDGE_SERVER KEDGE_STORE KEDGE_REPO KEDGE_STATE_DIR

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
# same FILE: is equal to what is on standard input.
same() {
    cat >"$work/wanted"
    diff -u "$work/wanted" "$work/$1" || fail "$1 is not as it should be"
}

echo "help"
expect 0 "$kedge" --help
says out 'Usage: kedge VERB'
sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p' out >verbs
[ "$(wc -l <verbs)" -ge 15 ] || fail "few verbs"
while read -r verb; do
    # shellcheck disable=SC2086 # a verb may be two words
    expect 0 "$kedge" $verb --help
    says out "Usage: kedge $verb"
    [ ! -s err ] || fail "'$verb --help' writes to standard error"
    any=$(grep -c '^Usage: .* FILE\.\.\.$' out) || true # number of operands
    # shellcheck disable=SC2086
    expect 64 "$kedge" $verb --no-such-option
    # shellcheck disable=SC2086
    [ "$any" -gt 0 ] || expect 64 "$kedge" $verb a b c d e f
done <verbs
expect 0 "$kedge" --version
says out 'kedge '
expect 0 "$kedge" version -o json
jq -e .version out >/dev/null || fail "version is no JSON"
expect 0 "$kedge" help --man
says out '.TH KEDGE 1'
expect 0 "$kedge" completion bash
bash -n out || fail "the bash completion does not parse"
printf "%s\n" "COMP_WORDS=(kedge key \"\"); COMP_CWORD=2; _kedge; echo \"\${COMPREPLY[*]}\"" >>out
bash out >completed 2>err
says completed 'generate show'
expect 0 "$kedge" completion fish
expect 0 "$kedge" completion zsh

expect 0 "$kedge" schema
jq -e . out >/dev/null || fail "the schema is no JSON"
expect 0 "$kedge" schema Device
jq -e . out >/dev/null || fail "the schema of a kind is no JSON"
expect 64 "$kedge" schema Devise
says err "did you mean 'Device'?"

echo "wrong use"
expect 64 "$kedge"
says err 'a verb is missing'
expect 64 "$kedge" vaildate
says err "did you mean 'validate'?"
expect 64 "$kedge" key
says err "'key generate'"
expect 64 "$kedge" validate --ouput json
says err "did you mean '--output'?"
expect 64 "$kedge" validate -o yaml
says err 'text|json|sarif|junit|github'
expect 64 "$kedge" key show
says err 'needs FILE'
expect 64 "$kedge" completion tcsh
expect 1 "$kedge" -C nowhere version
says err "cannot work in 'nowhere'"
expect 1 sh -c '"$0" version >/dev/full' "$kedge"
says err 'cannot write to standard output'

echo "keys"
expect 0 "$kedge" key generate director.key
cp out public
[ "$(stat -c %a director.key)" = 600 ] || fail "a private key that others can read"
cmp -s public director.key.pub || fail "the .pub file differs from what was shown"
expect 1 "$kedge" key generate director.key
says err 'director.key'
expect 0 "$kedge" key show director.key
cmp -s public out || fail "key show of the private file"
expect 0 "$kedge" key show director.key.pub -o json
jq -e '.publicKey == $key and (.keyid | length == 64)' --arg key "$(cat public)" out >/dev/null || fail "key show -o json"

(umask 077 && echo 'correct horse' >passphrase && echo wrong >mistaken)
expect 0 "$kedge" key generate sealed.key --passphrase-file passphrase
cp out public
grep -q '^ed25519-sealed:' sealed.key || fail "the key is not sealed"
expect 0 "$kedge" key show sealed.key --passphrase-file passphrase
cmp -s public out || fail "key show of a sealed key"
expect 1 "$kedge" key show sealed.key
expect 1 "$kedge" key show sealed.key --passphrase-file mistaken

echo "blobs"
echo weights >model.bin
digest=$(sha256sum model.bin | cut -d' ' -f1)
expect 0 "$kedge" blob put model.bin --blobs hub
same out <<END
artifact:
  url: "hub:"
  digest: sha256:$digest
  size: 8
  format: file
END
cmp -s model.bin "hub/$digest" || fail "the blob is not the file"
[ "$(find hub -type f | wc -l)" -eq 1 ] || fail "something is left behind in the hub"
cp model.bin model.tar.gz
expect 0 "$kedge" blob put model.tar.gz --blobs hub -o json
jq -e '.format == "tar.gz" and .size == 8' out >/dev/null || fail "blob put -o json"
expect 1 "$kedge" blob put hub --blobs hub
expect 1 "$kedge" blob put nothing --blobs hub
expect 0 "$kedge" blob put model.bin
[ -f "state/kedge/blobs/$digest" ] || [ "$(id -u)" -eq 0 ] || fail "the default place"

echo "validate"
git init -q -b main fleet
cd fleet
git config user.name Ann
git config user.email ann@example.org
mkdir devices
for n in 1 2 3; do
    printf 'apiVersion: kedge.dev/v1alpha1\nkind: Device\nmetadata: {name: cam-%s, labels: {site: %s}}\nspec: {}\n' \
        "$n" "$([ "$n" -lt 3 ] && echo north || echo south)" >devices/cam-$n.yaml
done
version() {
    printf -- '---\napiVersion: kedge.dev/v1alpha1\nkind: ModelVersion\nmetadata: {name: detector-%s}\nspec:\n' "$1"
    printf '  {model: detector, version: %s, stage: ready,\n   artifact: {url: "hub:", digest: "sha256:%s", size: 8, format: file}}\n' "$1" "$2"
}
{
    printf 'apiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: detector}\n'
    version 1.0.0 "$digest"
} >detector.yaml
cat >north.yaml <<'END'
apiVersion: kedge.dev/v1alpha1
kind: Deployment
metadata: {name: north}
spec:
  model: detector
  version: ^1.0.0
  targets: {selector: {matchLabels: {site: north}}}
END
git add .
git commit -qm one
expect 0 "$kedge" validate
says out '0 errors, 0 warnings in 5 files; 3 devices, 2 assignments'
for format in json sarif; do
    expect 0 "$kedge" validate -o $format
    jq -e . "$work/out" >/dev/null || fail "validate -o $format is no JSON"
done
sed -i 's/model: detector/model: detecter/' north.yaml
expect 1 "$kedge" validate
says out "north.yaml:5:10: error[dangling-reference]: there is no Model 'detecter'"
says out '     5 |   model: detecter'
says out '       |          ^'
says out "remedy: did you mean 'detector'?"
expect 1 "$kedge" validate -o json
jq -e '.errors == 1 and (.items[0] | .file == "north.yaml" and .line == 5 and .column == 10)' "$work/out" >/dev/null || fail "validate -o json"
expect 1 "$kedge" validate -o sarif
jq -e '.version == "2.1.0" and (.runs[0].results[0].locations[0].physicalLocation.region.startLine == 5)' "$work/out" >/dev/null ||
    fail "validate -o sarif"
expect 1 "$kedge" validate -o junit
says out '<failure type="dangling-reference"'
expect 1 "$kedge" validate -o github
says out '::error file=north.yaml,line=5,col=10,title=dangling-reference::'
expect 1 "$kedge" validate -C .. fleet
says out 'fleet/north.yaml:5:10'
git checkout -q north.yaml
printf 'kind: "\033[31m::error::%%0A\001"\napiVersion: kedge.dev/v1alpha1\n' >evil.yaml
expect 1 "$kedge" validate -o github
if grep -q "$(printf '\033')" "$work/out" || grep -qv '^::error \|^::warning ' "$work/out"; then fail "a manifest gives commands"; fi
expect 1 "$kedge" validate
if grep -q "$(printf '[\001\033]')" "$work/out"; then fail "a manifest drives the terminal"; fi
rm evil.yaml
sed -i "s/sha256:$digest/sha256:$(printf other | sha256sum | cut -d' ' -f1)/" detector.yaml
expect 0 "$kedge" validate
expect 1 "$kedge" validate --base HEAD
says out 'error[immutable-version]'
git checkout -q detector.yaml
expect 1 "$kedge" validate nowhere
expect 1 "$kedge" validate --base nothing
mkdir empty
expect 1 "$kedge" validate empty

echo "diff"
version 1.1.0 "$(printf better | sha256sum | cut -d' ' -f1)" >>detector.yaml
sed -i 's/north/south/' devices/cam-2.yaml
cat >south.yaml <<'END'
apiVersion: kedge.dev/v1alpha1
kind: Deployment
metadata: {name: south}
spec:
  model: detector
  version: 1.0.0
  state: stopped
  targets: {selector: {matchLabels: {site: south}}}
END
git add .
git commit -qm two
expect 0 "$kedge" diff
same out <<'END'
detector  (deployment north)
  ~ update  1.0.0 -> 1.1.0     1 device: cam-1
detector  (deployment south)
  + deploy  1.0.0              1 device: cam-3
  s stop    1.0.0              1 device: cam-2

1 to deploy, 1 to update, 0 to destroy, 0 to start, 1 to stop, on 3 devices.
END
expect 2 "$kedge" diff --detailed-exitcode -o json
jq -e '.summary.update == 1 and (.changes | length == 3) and .changes[0].device == "cam-1"' "$work/out" >/dev/null || fail "diff -o json"
expect 0 "$kedge" diff -o markdown
says out '| update | detector | north | 1.0.0 → 1.1.0 | 1: cam-1 |'
expect 0 "$kedge" diff --base HEAD --detailed-exitcode
says out 'No changes.'
expect 2 "$kedge" diff --base HEAD --head HEAD~1 --detailed-exitcode
says out '- destroy'
says out '> start'
expect 1 "$kedge" diff --base nothing
says err "'nothing'"
expect 1 "$kedge" diff -C "$work/hub"
sed -i 's/model: detector/model: detecter/' south.yaml
git commit -qam three
expect 1 "$kedge" diff
says err 'dangling-reference'
says err 'is invalid'
echo "all as it should be"

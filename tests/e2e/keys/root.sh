#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Public keys in every form, and the life of a root document: made, signed, followed, rotated,
# revoked; and each attack on the chain is refused with its own reason.
# usage: root.sh KEDGE
# shellcheck source-path=SCRIPTDIR/../verify
. "$(dirname "$0")/../verify/lib.sh"
needs jq git

for name in ann bob eve director director2 release release2 thief; do "$kedge" key generate $name >$name.text; done
same_key() { # FILE: is on standard input
    diff -u "$1" - || fail "not the key of $1"
}

echo "forms"
expect 0 "$kedge" key export ann
cmp -s out ann.text || fail "ed25519:"
expect 0 "$kedge" key export ann.pub -o hex
base64 -d <<END | od -An -v -tx1 | tr -d ' \n' >hex
$(cut -d: -f2 ann.pub)
END
[ "$(cat out)" = "$(cat hex)" ] || fail "hex"
expect 0 "$kedge" key export ann -o minisign
cp out ann.minisign
expect 0 "$kedge" key export ann -o ssh
cp out ann.ssh
if command -v ssh-keygen >/dev/null; then ssh-keygen -lf ann.ssh >out || fail "ssh-keygen does not read it"; fi
if command -v minisign >/dev/null; then
    minisign -GWp peer.pub -s peer.key >/dev/null
    minisign -Sm hex -s peer.key >/dev/null
    minisign -Vp ann.minisign -m hex >out 2>&1 && fail "minisign accepts another's signature"
    says out 'key id in the public key'
fi
expect 64 "$kedge" key export ann -o pem
expect 1 "$kedge" key export nothing

echo "passphrases"
# A terminal has to be had: not so where /dev/pts is not mounted.
if command -v setsid >/dev/null && script -qec true /dev/null >/dev/null 2>&1; then
    # at_terminal STATUS ANSWERS COMMAND...: each answer is typed when it is asked for.
    at_terminal() {
        status=$1 answers=$2 got=0
        shift 2
        printf %s "$answers" | while IFS= read -r line; do sleep 2; printf '%s\n' "$line"; done |
            script -qec "$*" /dev/null >out 2>err || got=$?
        [ "$got" -eq "$status" ] || fail "'$*' ended with $got, not $status"
        if grep -q secret out; then fail "a passphrase is shown"; fi
        checks=$((checks + 1))
    }
    at_terminal 0 'secret one
secret one
' "$kedge" key generate sealed --passphrase
    grep -q '^ed25519-sealed:' sealed || fail "the key is not sealed"
    at_terminal 0 'secret one
' "$kedge" key export sealed
    grep -qF "$(cat sealed.pub)" out || fail "the key of a sealed file"
    at_terminal 1 'secret two
' "$kedge" key export sealed
    at_terminal 1 'secret one
secret two
' "$kedge" key generate other --passphrase
    git init -q -b main fleet
    printf 'apiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {title: M}\n' >fleet/m.yaml
    git -C fleet add . && git -C fleet -c user.name=A -c user.email=a@example.org commit -qm One
    director="--repo file://$PWD/fleet --store sqlite:$PWD/store.db --director-key sealed"
    # shellcheck disable=SC2086 # options are several words
    at_terminal 0 'secret one
' "$kedge" reconcile --once $director
    # shellcheck disable=SC2086
    at_terminal 1 'secret two
' "$kedge" reconcile --once $director
    # shellcheck disable=SC2086
    expect 1 setsid -w "$kedge" serve --listen 127.0.0.1:0 $director
    says err '--passphrase-file'
    [ ! -e other ] || fail "a key is left behind"
    expect 1 setsid -w "$kedge" key generate other --passphrase
    says err 'no terminal'
    expect 1 setsid -w "$kedge" key export sealed
    says err '--passphrase-file'
fi

echo "the first"
init() { # OUT OPTION...
    out=$1
    shift
    set -- "$kedge" root init --director director.pub --release "$(cat release.text)" --out "$out" "$@"
    "$@"
}
expect 0 init 1.json --root-key ann.pub --root-key "$("$kedge" key export -o hex bob)" --root-key eve.pub --threshold 2 -o json
jq -e '.version == 1 and .root.threshold == 2 and (.root.keys | length == 3) and .director.threshold == 1' out >/dev/null || fail "init"
expect 1 init 1.json --root-key ann.pub
says err "1.json"
refuses self-unsigned 'of which 0 by trusted keys, 2 are needed' "$kedge" verify root 1.json
expect 0 "$kedge" root sign 1.json ann
refuses self-unsigned 'of which 1 by trusted keys' "$kedge" verify root 1.json
expect 1 "$kedge" root sign 1.json ann
says err 'signed already'
expect 1 "$kedge" root sign 1.json thief
says err 'is no root key'
expect 1 "$kedge" key rotate director.pub director2.pub --root 1.json --out 2.json
says err "of which 1 by trusted keys"
expect 0 "$kedge" root sign 1.json bob
accepts "$kedge" verify root 1.json
jq -e '.version == "1" and (.digest | startswith("sha256:"))' out >/dev/null || fail "what was verified"
expect 1 init x.json --root-key ann.pub --threshold 2
says err 'threshold 2 of 1 keys'
expect 1 init x.json --root-key ann.pub --root-key ann.pub
says err 'listed twice'
expect 1 init x.json --root-key ann # a private key is no public one
expect 64 init x.json
expect 64 init x.json --root-key ann.pub --threshold none
expect 64 init x.json --root-key ann.pub --expires soon
expect 64 "$kedge" root init --root-key ann.pub --director director.pub --out x.json
[ ! -e x.json ] || fail "something is left behind"

echo "rotation of every role"
expect 0 "$kedge" key rotate director.pub "$(cat director2.text)" --root 1.json --out 2.json -o json
jq -e --arg key "$(cat director2.text)" '.version == 2 and .director.keys == [$key] and (.root.keys | length == 3)' out >/dev/null || fail "rotate"
sign() { file=$1; shift; for name; do expect 0 "$kedge" root sign "$file" "$name"; done; }
sign 2.json ann eve
accepts "$kedge" verify root 1.json 2.json
expect 0 "$kedge" key rotate ann.pub thief.pub --root 2.json --out 3.json # "thief" holds it rightly here
expect 1 "$kedge" root sign 3.json ann
says err 'is no root key'
expect 0 "$kedge" root sign 3.json ann --root 2.json
sign 3.json eve thief
accepts "$kedge" verify root 1.json 2.json 3.json
expect 0 "$kedge" root next --root 3.json --release release2.pub --out 4.json
sign 4.json eve thief
expect 0 "$kedge" key revoke release.pub --root 4.json --out 5.json
sign 5.json bob eve
accepts "$kedge" verify root 1.json 2.json 3.json 4.json 5.json
expect 0 "$kedge" root next --root 5.json --threshold 3 --out 6.json -o json
jq -e --arg key "$(cat release2.text)" '.root.threshold == 3 and .release.keys == [$key]' out >/dev/null || fail "next"
expect 0 init x.json --root-key ann.pub --root-key bob.pub --threshold root=2 --release "$(cat release2.text)" --threshold release=2 -o json
jq -e '.root.threshold == 2 and .release.threshold == 2 and .director.threshold == 1' out >/dev/null || fail "thresholds of roles"
rm x.json
expect 1 init x.json --root-key ann.pub --threshold director=2
says err "role 'director': threshold 2 of 1 keys"
expect 64 init x.json --root-key ann.pub --threshold device=1
expect 64 init x.json --root-key ann.pub --threshold release=0
expect 64 init x.json --root-key ann.pub --threshold release=
expect 64 init x.json --root-key ann.pub --threshold a-role-with-a-long-name=1
expect 1 "$kedge" key revoke release2.pub --root 5.json --out x.json
says err "'kedge key rotate' names another"
expect 1 "$kedge" key revoke release.pub --root 5.json --out x.json
says err 'does not name key'
expect 1 "$kedge" key rotate director2.pub thief.pub --role release --root 5.json --out x.json
expect 1 "$kedge" key rotate bob.pub eve.pub --root 5.json --out x.json
says err 'listed twice'
expect 1 "$kedge" key rotate bob.pub bob.pub --root 5.json --out x.json
expect 64 "$kedge" key rotate bob.pub ann.pub --root 5.json
expect 64 "$kedge" key rotate bob.pub ann.pub --out x.json
expect 64 "$kedge" key rotate bob.pub ann.pub --role device --root 5.json --out x.json
[ ! -e x.json ] || fail "something is left behind"

echo "attacks"
refuses rollback 'only 3 can follow' "$kedge" verify root 1.json 2.json 1.json
refuses rollback 'only 3 can follow' "$kedge" verify root 1.json 2.json 2.json
refuses gap 'only 2 can follow' "$kedge" verify root 1.json 3.json
refuses unsigned 'root keys of version 5' "$kedge" verify root 5.json 6.json
expect 0 "$kedge" root init --root-key thief.pub --director thief.pub --release thief.pub --out forged1.json
sign forged1.json thief
expect 0 "$kedge" root next --root forged1.json --out forged2.json
sign forged2.json thief
refuses unsigned 'root keys of version 1' "$kedge" verify root 1.json forged2.json
expect 0 "$kedge" key rotate ann.pub release.pub --root 1.json --out own.json # ann and bob agree, the new keys do not
expect 0 "$kedge" root sign own.json ann --root 1.json
sign own.json bob
refuses self-unsigned 'root keys of version 2' "$kedge" verify root 1.json own.json
expect 0 init old.json --root-key ann.pub --expires 1s
sign old.json ann
sleep 2
refuses expired 'publish a newer one' "$kedge" verify root old.json
expect 0 "$kedge" root next --root old.json --out new.json
sign new.json ann
accepts "$kedge" verify root old.json new.json # only the last must be fresh
head -c 300 1.json >broken.json
refuses malformed envelope "$kedge" verify root broken.json
head -c 70000 /dev/zero >broken.json
refuses malformed broken.json "$kedge" verify root broken.json
expect 1 "$kedge" verify root nothing
expect 64 "$kedge" verify root
for byte in $(seq 0 37 "$(($(wc -c <2.json) - 1))"); do
    flip 2.json "$byte" 0 mutant
    got=0
    "$kedge" verify root 1.json mutant >out 2>err || got=$?
    [ "$got" -le 1 ] || fail "byte $byte: ended with $got"
    # Where no signature counts, in the hint that a keyid is, a bit may turn.
    [ "$got" -eq 1 ] || [ "$(jq -c '[.payload, [.signatures[].sig]]' mutant)" = "$(jq -c '[.payload, [.signatures[].sig]]' 2.json)" ] ||
        fail "byte $byte turned and accepted"
    checks=$((checks + 1))
done
echo "all as it should be, $checks checks"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 'kedge verify dsse' on envelopes that openssl signed, and on the vectors.
# usage: dsse.sh KEDGE
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
needs openssl jq

type=application/vnd.in-toto+json
for name in a b c; do
    openssl genpkey -algorithm ed25519 -out $name.pem
    openssl pkey -in $name.pem -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n' >$name.hex
done
a=$(cat a.hex) b=$(cat b.hex) c=$(cat c.hex)
printf '{"hello": "w\303\266rld"}' >payload
# pae TYPE: of the file payload, as the specification writes it.
pae() {
    printf 'DSSEv1 %d %s %d ' "$(printf %s "$1" | wc -c)" "$1" "$(wc -c <payload)"
    cat payload
}
# envelope TYPE KEY...
# shellcheck disable=SC2094 # the function pae does not read the file pae
envelope() {
    kind=$1 signatures='[]'
    shift
    pae "$kind" >pae
    for name; do
        openssl pkeyutl -sign -inkey "$name.pem" -rawin -in pae -out raw
        signatures=$(printf %s "$signatures" | jq -c --arg sig "$(base64 -w0 raw)" --arg name "$name" '. + [{sig: $sig, keyid: $name}]')
    done
    jq -nc --arg payload "$(base64 -w0 payload)" --arg type "$kind" --argjson signatures "$signatures" \
        '{payload: $payload, payloadType: $type, signatures: $signatures}'
}
verify() { set -- "$kedge" verify dsse "$@"; "$@"; }

echo "verdicts"
envelope $type a >one
envelope $type a b >two
envelope $type a a >twice
accepts verify --key "$a" one
jq -e --arg digest "sha256:$(sha256sum payload | cut -d' ' -f1)" --arg type $type \
    '.payloadDigest == $digest and .payloadType == $type' out >/dev/null || fail "the payload"
accepts verify --key "$b" --key "$a" one
accepts verify --key "$b" "$a" one
accepts verify --key "$a" --key "$b" --threshold 2 --type $type two
accepts verify --key "$c" --key "$b" two
refuses unsigned 'of which 0 by trusted keys, 1 are needed' verify --key "$b" one
refuses unsigned '2 are needed' verify --key "$a" --key "$b" --threshold 2 one
refuses unsigned '2 are needed' verify --key "$a" --key "$b" --threshold 2 twice
refuses unsigned '2 are needed' verify --key "$a" --key "$a" --threshold 2 two
refuses unsigned '2 are needed' verify --key "$a" --threshold 2 two
refuses wrong-type 'is wanted' verify --key "$a" --type text/plain one
envelope text/plain a >plain
accepts verify --key "$a" --type text/plain plain
refuses wrong-type 'is wanted' verify --key "$a" plain
jq -c --arg type $type '.payloadType = $type' plain >swapped
refuses unsigned 'needed' verify --key "$a" swapped
accepts verify --key "ed25519:$(openssl pkey -in a.pem -pubout -outform DER | tail -c 32 | base64)" one

echo "malformed"
printf '%s {}' "$(cat one)" >trailing
sed 's/^{/{"payload":"eA==",/' one >double
sed 's/"payload":"../"payload":"*/' one >alphabet
sed 's/"payload":"./"payload":"/' one >short
jq -c 'del(.signatures)' one >missing
head -c 100 one >short.txt
printf '\0' | cat one - >nul
: >empty
for file in trailing double alphabet short missing short.txt nul empty; do
    refuses malformed envelope verify --key "$a" $file
done
jq -c '.signatures = []' one >none
refuses unsigned '0 signatures' verify --key "$a" none
head -c 4200000 /dev/zero | tr '\0' ' ' | cat one - >large
refuses limit large verify --key "$a" large

echo "mutants"
for byte in $(seq 0 7 "$(($(wc -c <one) - 1))"); do
    flip one "$byte" 0 mutant
    got=0
    verify --key "$a" mutant >out 2>err || got=$?
    [ "$got" -le 1 ] || fail "byte $byte: ended with $got"
    if [ "$got" -eq 0 ]; then # where no signature counts: the hint that a keyid is
        [ "$(jq -c '[.payload, .payloadType, .signatures[0].sig]' mutant)" = "$(jq -c '[.payload, .payloadType, .signatures[0].sig]' one)" ] ||
            fail "byte $byte turned and accepted"
    fi
    checks=$((checks + 1))
done

echo "wrong use"
expect 64 verify one
expect 64 verify --key "$a"
expect 64 verify --key "${a}0" one
expect 64 verify --key "$a" --threshold 0 one
expect 64 verify --key "$a" --threshold 1x one
expect 64 verify --key "$a" --threshold -1 one
expect 1 verify --key "$a" nothing
expect 1 verify --key 0100000000000000000000000000000000000000000000000000000000000000 one
says err 'not a safe point'

echo "vectors"
vectors dsse
count=$(jq '.vectors | length' "$vectors/dsse/vectors.json")
[ "$count" -ge 9 ] || fail "few vectors"
for i in $(seq 0 $((count - 1))); do
    jq -c ".vectors[$i].envelope" "$vectors/dsse/vectors.json" >vector
    jq -r --argjson i "$i" '.keys as $keys | .vectors[$i] | @sh "expect=\(.expect) threshold=\(.threshold) kind=\(
        .supportedPayloadTypes[0]) keys=\([.trustedKeys[] | $keys[.].public] | join(" "))"' \
        "$vectors/dsse/vectors.json" >case
    # shellcheck disable=SC1091 # made above
    . ./case
    set --
    # shellcheck disable=SC2154 # set by the case
    for key in $keys; do set -- "$@" --key "$key"; done
    # shellcheck disable=SC2154
    case $expect in
    accept) expect 0 verify "$@" --threshold "$threshold" --type "$kind" vector ;;
    *) expect 1 verify "$@" --threshold "$threshold" --type "$kind" vector ;;
    esac
done
echo "all as it should be, $checks checks"

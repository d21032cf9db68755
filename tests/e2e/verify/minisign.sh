#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 'kedge verify minisign' against minisign.
# usage: minisign.sh KEDGE
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
needs minisign jq

for name in ann bob; do minisign -GWp $name.pub -s $name.key >/dev/null; done
head -c 3000000 /dev/urandom >model.bin
: >empty
minisign -Sm model.bin -s ann.key -t 'counter=7 of the detector' >/dev/null
minisign -Slm model.bin -s ann.key -x older.minisig >/dev/null # signs the file, not its hash
minisign -Sm empty -s ann.key >/dev/null

# shellcheck disable=SC2034 # alike names it
peer=minisign
ours() { # PUBKEY SIGNATURE FILE
    "$kedge" verify minisign --pubkey "$1" --signature "$2" "$3"
}
theirs() { minisign -Vqp "$1" -x "$2" -m "$3"; }

echo "verdicts"
for signature in model.bin.minisig older.minisig empty.minisig; do
    for key in ann.pub bob.pub; do
        for file in model.bin empty; do alike "$signature of $file by $key" $key $signature $file; done
    done
done
alike "the older form" ann.pub older.minisig model.bin
[ "$verdict" -eq 0 ] || fail "the older form is refused"
sed 's/counter=7/counter=8/' model.bin.minisig >mutant
alike "another trusted comment" ann.pub mutant model.bin
[ "$verdict" -eq 1 ] || fail "a changed comment counts"
sed '1s/comment: .*/comment: anything/' model.bin.minisig >mutant
alike "another untrusted comment" ann.pub mutant model.bin
[ "$verdict" -eq 0 ] || fail "the untrusted comment counts"

echo "words"
verify() { set -- "$kedge" verify minisign "$@"; "$@"; }
accepts verify --pubkey ann.pub model.bin
jq -e '.trustedComment == "counter=7 of the detector" and (.key | startswith("ed25519:"))' out >/dev/null || fail "the comment"
tail -n 1 ann.pub >bare.pub
accepts verify --pubkey bare.pub model.bin
refuses bad-signature 'signature by key' verify --pubkey bob.pub model.bin
refuses bad-signature 'not of this file' verify --pubkey ann.pub --signature model.bin.minisig empty
refuses bad-signature 'trusted comment was changed' verify --pubkey ann.pub --signature "$(sed 's/counter=7/counter=8/' model.bin.minisig >mutant; echo mutant)" model.bin
refuses malformed 'untrusted comment' verify --pubkey ann.pub --signature empty model.bin
head -n 3 model.bin.minisig >short.txt
refuses malformed 'comment' verify --pubkey ann.pub --signature short.txt model.bin
refuses limit 'model.bin' verify --pubkey ann.pub --signature model.bin model.bin
expect 64 verify model.bin
expect 64 verify --pubkey ann.pub
expect 1 verify --pubkey nothing model.bin
expect 1 verify --pubkey ann.pub nothing
expect 1 verify --pubkey empty model.bin
says err 'minisign key'

echo "mutants"
for byte in $(seq 0 3 "$(($(wc -c <model.bin.minisig) - 1))"); do
    flip model.bin.minisig "$byte" 1 mutant
    a=0
    ours ann.pub mutant model.bin >out 2>err || a=$?
    # In the untrusted comment, which nobody signs, a bit says nothing; minisign takes more than is
    # written there, so only what it refuses must be refused.
    if ! theirs ann.pub mutant model.bin >/dev/null 2>&1 && [ "$a" -ne 1 ]; then fail "byte $byte"; fi
    checks=$((checks + 1))
done
flip model.bin 1234567 5 mutant
alike "a changed file" ann.pub model.bin.minisig mutant
[ "$verdict" -eq 1 ] || fail "a changed file counts"

echo "vectors"
vectors minisign
accepts verify --pubkey "$vectors/minisign/minisign.pub" "$vectors/minisign/message.txt"
refuses bad-signature 'signature by key' verify --pubkey ann.pub "$vectors/minisign/message.txt"
echo "all as it should be, $checks checks"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 'kedge verify ssh' against ssh-keygen: the same signatures, the same allowed signers, the same
# verdict.
# usage: ssh.sh KEDGE
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
needs ssh-keygen jq

for name in ann bob ca; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f $name; done
ssh-keygen -q -t rsa -b 2048 -N '' -f rsa
ssh-keygen -q -t ecdsa -N '' -f ecdsa
ann=$(cut -d' ' -f1,2 ann.pub) bob=$(cut -d' ' -f1,2 bob.pub) ca=$(cut -d' ' -f1,2 ca.pub)
head -c 300000 /dev/urandom >model.bin
: >empty
ssh-keygen -q -Y sign -f ann -n file model.bin
ssh-keygen -q -Y sign -f ann -n file empty

# shellcheck disable=SC2034 # alike names it
peer=ssh-keygen
ours() { # IDENTITY NAMESPACE [SIGNATURE [FILE]]
    "$kedge" verify ssh --allowed-signers signers --identity "$1" --namespace "$2" \
        --signature "${3:-model.bin.sig}" "${4:-model.bin}"
}
theirs() {
    ssh-keygen -Y verify -f signers -I "$1" -n "$2" -s "${3:-model.bin.sig}" <"${4:-model.bin}"
}

echo "lines of allowed signers"
for line in \
    "ann@example.org $ann" \
    "*@example.org $ann" \
    "?nn@example.org,bob $ann comment behind" \
    "!ann@example.org,*@example.org $ann" \
    "*@example.org,!ann@example.org $ann" \
    "bob@example.org $ann" \
    "\"ann@example.org\" $ann" \
    "ann@example.org $bob" \
    "ann@example.org namespaces=\"file\" $ann" \
    "ann@example.org namespaces=\"git,fi*\" $ann" \
    "ann@example.org namespaces=\"git\" $ann" \
    "ann@example.org namespaces=\"!file,*\" $ann" \
    "ann@example.org NAMESPACES=\"file\" $ann" \
    "ann@example.org valid-after=\"20200101Z\" $ann" \
    "ann@example.org valid-after=\"20990101Z\" $ann" \
    "ann@example.org valid-before=\"20990101Z\" $ann" \
    "ann@example.org valid-before=\"20200101Z\" $ann" \
    "ann@example.org valid-before=\"202001010000Z\",valid-after=\"20190101000000Z\" $ann" \
    "ann@example.org valid-after=\"20200101Z\",valid-before=\"20990101Z\",namespaces=\"file\" $ann" \
    "ann@example.org valid-before=\"20190101Z\",valid-after=\"20200101Z\" $ann" \
    "ann@example.org valid-after=\"tomorrow\" $ann" \
    "ann@example.org no-such-option $ann" \
    "ann@example.org cert-authority $ann" \
    "ann@example.org cert-authority $ca" \
    "ann@example.org" \
    "$ann" \
    "ann@example.org $(printf %.60s "$ann")" \
    "# ann@example.org $ann" \
    "   ann@example.org   $ann" \
    ""; do
    printf '%s\n' "$line" >signers
    alike "$line" ann@example.org file
done
printf 'ann@example.org valid-before="20200101Z" %s\nann@example.org %s\n' "$ann" "$ann" >signers
alike "the second line of a key" ann@example.org file
[ "$verdict" -eq 0 ] || fail "the second line does not count"
printf '\n# who\nbob %s\r\nann@example.org %s' "$bob" "$ann" >signers
alike "a file without a line end" ann@example.org file

echo "namespaces, identities and files"
printf 'ann@example.org %s\nbob@example.org namespaces="git" %s\n' "$ann" "$bob" >signers
for namespace in file git File 'fi*' file2; do alike "namespace $namespace" ann@example.org "$namespace"; done
for identity in ann@example.org bob@example.org '*' ANN@example.org; do alike "identity $identity" "$identity" file; done
alike "another file" ann@example.org file model.bin.sig signers
alike "an empty file" ann@example.org file empty.sig empty
[ "$verdict" -eq 0 ] || fail "an empty file"

echo "words"
verify() { set -- "$kedge" verify ssh --allowed-signers signers "$@"; "$@"; }
accepts verify --identity ann@example.org --namespace file --signature model.bin.sig model.bin
jq -e --arg key "$(ssh-keygen -lf ann.pub | cut -d' ' -f2)" '.principal == "ann@example.org" and .key == $key and
    .namespace == "file" and .subject == "model.bin"' out >/dev/null || fail "who signed"
refuses not-allowed 'it is not this principal' verify --identity bob@example.org --namespace file --signature model.bin.sig model.bin
refuses bad-signature 'another namespace' verify --identity ann@example.org --namespace git --signature model.bin.sig model.bin
refuses bad-signature 'not over this text' verify --identity ann@example.org --namespace file --signature model.bin.sig signers
refuses malformed 'does not start with' verify --identity ann@example.org --namespace file --signature signers model.bin
head -c 70000 /dev/zero >huge
refuses limit 'huge' verify --identity ann@example.org --namespace file --signature huge model.bin
refuses revoked 'revoked' verify --revoked ann.pub --identity ann@example.org --namespace file --signature model.bin.sig model.bin
accepts verify --revoked bob.pub --identity ann@example.org --namespace file --signature model.bin.sig model.bin
ssh-keygen -q -k -f krl ann.pub
expect 1 verify --revoked krl --identity ann@example.org --namespace file --signature model.bin.sig model.bin
says err 'KRL'
for kind in rsa ecdsa; do
    ssh-keygen -q -Y sign -f $kind -n file - <model.bin >$kind.sig 2>/dev/null
    printf 'ann@example.org %s\n' "$(cat $kind.pub)" >>signers
    refuses unsupported 'unsupported key type' verify --identity ann@example.org --namespace file --signature $kind.sig model.bin
done
expect 64 verify --identity ann@example.org --namespace file model.bin
expect 64 verify --identity ann@example.org --signature model.bin.sig model.bin
expect 64 verify --namespace file --signature model.bin.sig model.bin
expect 64 "$kedge" verify ssh --identity ann@example.org --namespace file --signature model.bin.sig model.bin
expect 64 verify --identity ann@example.org --namespace file --signature model.bin.sig
expect 1 verify --identity ann@example.org --namespace file --signature model.bin.sig nothing
expect 1 verify --identity ann@example.org --namespace file --signature nothing model.bin
expect 1 "$kedge" verify ssh --allowed-signers nothing --identity a --namespace b --signature model.bin.sig model.bin

echo "certificates"
# certify CA OPTION...: cert.sig, a signature by ann's key with a certificate by that authority.
certify() {
    authority=$1
    shift
    ssh-keygen -q -s "$authority" -I ann "$@" ann.pub 2>/dev/null
    ssh-keygen -q -Y sign -f ann-cert.pub -n file - <model.bin >cert.sig 2>/dev/null
}
# certified VERDICT WHAT ARGUMENT...: alike, with the verdict that it must be.
certified() {
    wanted=$1 what=$2
    shift 2
    alike "$what" "$1" "${2:-file}" cert.sig
    [ "$verdict" -eq "$wanted" ] || fail "$what: $verdict, not $wanted"
}
ssh-keygen -q -t ed25519 -N '' -C other -f other
printf '*@example.org cert-authority %s\n' "$ca" >signers
certify ca -n ann@example.org,bob@example.org
certified 0 "a certificate" ann@example.org
certified 0 "its other principal" bob@example.org
certified 1 "a principal that it does not name" eve@example.org
certified 1 "another namespace" ann@example.org git
accepts verify --identity ann@example.org --namespace file --signature cert.sig model.bin
jq -e --arg key "$(ssh-keygen -lf ann.pub | cut -d' ' -f2)" '.key == $key' out >/dev/null || fail "whose certificate"
alike "a certificate, another file" ann@example.org file cert.sig signers
[ "$verdict" -eq 1 ] || fail "a certified key has signed everything"
for list in ca ann ann-cert; do
    refuses revoked 'revoked' verify --revoked $list.pub --identity ann@example.org --namespace file --signature cert.sig model.bin
    ! ssh-keygen -Y verify -f signers -I ann@example.org -n file -s cert.sig -r $list.pub <model.bin >/dev/null 2>&1 ||
        fail "ssh-keygen does not revoke $list"
done
refuses revoked 'revoked' verify --revoked ann-cert.pub --identity ann@example.org --namespace file --signature model.bin.sig model.bin
accepts verify --revoked other.pub --identity ann@example.org --namespace file --signature cert.sig model.bin
for line in \
    "ann@example.org cert-authority $ca" "ann@example.org cert-authority,namespaces=\"file\" $ca" \
    "ann@example.org cert-authority,namespaces=\"git\" $ca" "bob@example.org cert-authority $ca" \
    "*,!ann@example.org cert-authority $ca" "ann@example.org $ca" "ann@example.org $ann" \
    "ann@example.org cert-authority $ann" "ann@example.org cert-authority $bob" \
    "ann@example.org cert-authority,valid-before=\"20200101Z\" $ca" \
    "ann@example.org cert-authority,valid-after=\"20200101Z\" $ca"; do
    printf '%s\n' "$line" >signers
    alike "certified: $line" ann@example.org file cert.sig
    alike "not certified: $line" ann@example.org file
done
printf 'ann@example.org %s\nann@example.org cert-authority %s\n' "$ann" "$ca" >signers
certified 0 "a key that has a line too" ann@example.org
base64=$(($(head -n 1 cert.sig | wc -c) + 1))
for byte in $(seq "$base64" 13 "$(($(wc -c <cert.sig) - 1))"); do
    flip cert.sig "$byte" 0 mutant
    alike "certified, byte $byte" ann@example.org file mutant
    head -c "$byte" cert.sig >mutant
    alike "certified, cut at $byte" ann@example.org file mutant
done
certify other -n ann@example.org
certified 1 "another authority" ann@example.org
refuses not-allowed 'not allowed to sign' verify --identity ann@example.org --namespace file --signature cert.sig model.bin
certify ca
certified 1 "no principals" ann@example.org
refuses not-allowed 'certificate names no principal' verify --identity ann@example.org --namespace file --signature cert.sig model.bin
certify ca -h -n ann@example.org
certified 1 "a host's certificate" ann@example.org
refuses not-allowed "host's" verify --identity ann@example.org --namespace file --signature cert.sig model.bin
certify ca -n ann@example.org -V 20200101:20210101
certified 1 "expired" ann@example.org
refuses not-allowed 'not valid any more' verify --identity ann@example.org --namespace file --signature cert.sig model.bin
certify ca -n ann@example.org -V 20980101:20990101
certified 1 "not valid yet" ann@example.org
refuses not-allowed 'not valid yet' verify --identity ann@example.org --namespace file --signature cert.sig model.bin
certify ca -n ann@example.org -V 20200101:20990101
certified 0 "valid now" ann@example.org
certify ca -n ann@example.org -O force-command=/bin/true -O source-address=192.0.2.0/24 -O no-pty -z 7
certified 0 "options for logins" ann@example.org
# PROTOCOL.certkeys has these refused; ssh-keygen passes over them.
certify ca -n ann@example.org -O critical:later@example.org=1
refuses not-allowed 'critical option' verify --identity ann@example.org --namespace file --signature cert.sig model.bin
certify rsa -n ann@example.org
refuses unsupported 'unsupported key type' verify --identity ann@example.org --namespace file --signature cert.sig model.bin

echo "mutants"
printf 'ann@example.org %s\n' "$ann" >signers
base64=$(($(head -n 1 model.bin.sig | wc -c) + 1))
for byte in $(seq 0 5 "$(($(wc -c <model.bin.sig) - 1))"); do
    flip model.bin.sig "$byte" 0 mutant
    alike "signature, byte $byte" ann@example.org file mutant
done
for byte in $(seq "$base64" 7 250); do
    head -c "$byte" model.bin.sig >mutant
    alike "cut at $byte" ann@example.org file mutant
    [ "$verdict" -eq 1 ] || fail "a signature cut at $byte counts"
done
for byte in 0 1000 299999; do
    flip model.bin $byte 7 mutant
    alike "file, byte $byte" ann@example.org file model.bin.sig mutant
    [ "$verdict" -eq 1 ] || fail "a changed file counts"
done

echo "vectors"
vectors sshsig
for public in "$vectors"/sshsig/*.pub; do
    kind=$(basename "$public" .pub)
    printf 'test %s\n' "$(cat "$public")" >signers
    set -- verify --identity test --namespace "$(cat "$vectors/sshsig/namespace")" \
        --signature "$vectors/sshsig/$kind.sig" "$vectors/sshsig/signed-data"
    case $kind in
    ed25519 | ed25519_sk) accepts "$@" ;;
    *) refuses unsupported 'unsupported key type' "$@" ;;
    esac
done
echo "all as it should be, $checks checks"

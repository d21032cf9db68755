#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 'kedge verify commit' against 'git verify-commit' and 'git verify-tag': the same objects, the same
# allowed signers, the same verdict.
# usage: commit.sh KEDGE
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
needs git ssh-keygen jq

for name in ann bob eve ca; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f $name; done
ssh-keygen -q -t rsa -b 2048 -N '' -f rsa
ssh-keygen -q -t ecdsa -N '' -f ecdsa
ann=$(cut -d' ' -f1,2 ann.pub) bob=$(cut -d' ' -f1,2 bob.pub)
git init -q -b main fleet
cd fleet
git config user.name Ann
git config user.email ann@example.org
git config gpg.format ssh
git config gpg.ssh.allowedSignersFile "$work/signers"
git config user.signingKey "$work/ann"
printf 'ann@example.org %s\nbob@example.org namespaces="git" %s\n' "$ann" "$bob" >../signers

verify() { set -- "$kedge" verify commit --allowed-signers "$work/signers" "$@"; "$@"; }
# agree WHAT REV [OPTION...]: both accept or both refuse; gives which.
agree() {
    what=$1 revision=$2 a=0 b=0
    shift 2
    checks=$((checks + 1))
    verify "$@" "$revision" >"$work/out" 2>"$work/err" || a=$?
    case $(git cat-file -t "$revision" 2>/dev/null) in
    tag) git verify-tag "$revision" >"$work/theirs" 2>&1 || b=$? ;;
    *) git verify-commit "$revision" >"$work/theirs" 2>&1 || b=$? ;;
    esac
    [ "$a" -le 1 ] || fail "$what: ended with $a"
    [ "$a" -eq "$((b != 0))" ] || { cat "$work/theirs"; fail "$what: $a here, $b from git"; }
    verdict=$a
}
# commit KEY [DATE]: a new commit signed with that key; "" for none.
commit() {
    date=${2:-2026-06-01T12:00:00Z}
    set -- "$1"
    if [ "$1" ]; then set -- -S"$work/$1"; else set -- --no-gpg-sign; fi
    GIT_COMMITTER_DATE=$date git commit -q --allow-empty -m "$date" "$@"
}

echo "signers"
commit ann
accepts verify HEAD
jq -e --arg id "$(git rev-parse HEAD)" --arg key "$(ssh-keygen -lf ../ann.pub | cut -d' ' -f2)" \
    '.commit == $id and .key == $key and .principal == "ann@example.org" and .subject == "HEAD"' ../out >/dev/null || fail "who signed"
agree ann HEAD
commit bob
agree bob HEAD
commit eve
agree eve HEAD
refuses not-allowed 'no line has it' verify HEAD
commit ''
agree unsigned HEAD
refuses unsigned 'not signed' verify HEAD
for kind in rsa ecdsa; do
    printf '%s@example.org %s\n' $kind "$(cat ../$kind.pub)" >>../signers
    commit $kind
    refuses unsupported 'unsupported key type' verify HEAD
done

echo "lines of allowed signers"
commit ann 2026-06-01T12:00:00Z
for line in \
    "ann@example.org namespaces=\"git\" $ann" "ann@example.org namespaces=\"file\" $ann" \
    "ann@example.org namespaces=\"g*,!git\" $ann" "* $ann" "ann@*,!ann@example.org $ann" \
    "!ann@example.org $ann" "!eve,ann $ann" "other@example.org $ann" "ann,bob $ann" \
    "ann cert-authority $ann" "ann valid-after=\"20260101Z\" $ann" "ann valid-after=\"20260701Z\" $ann" \
    "ann valid-before=\"20260701Z\" $ann" "ann valid-before=\"20260101Z\" $ann" \
    "ann valid-after=\"20260601115959Z\",valid-before=\"20260601120001Z\" $ann" \
    "ann valid-before=\"20260601120000Z\" $ann" "ann valid-after=\"20260601120000Z\" $ann" \
    "ann valid-before=\"20260601115959Z\" $ann" "ann valid-after=\"20260601120001Z\" $ann" \
    "ann $bob" "" "ann no-such-option $ann"; do
    printf '%s\n' "$line" >../signers
    agree "$line" HEAD
done
printf 'ann valid-before="20260101Z" %s\nnew valid-after="20260101Z" %s\n' "$ann" "$ann" >../signers
agree "a key with two spans" HEAD
[ "$verdict" -eq 0 ] || fail "the second span does not count"

echo "revoked keys"
printf 'ann@example.org %s\nbob@example.org %s\n' "$ann" "$bob" >../signers
cp ../ann.pub ../revoked
git config gpg.ssh.revocationFile "$work/revoked"
agree "ann is revoked" HEAD --revoked ../revoked
[ "$verdict" -eq 1 ] || fail "a revoked key counts"
refuses revoked 'is revoked' verify --revoked ../revoked HEAD
cp ../bob.pub ../revoked
agree "bob is revoked" HEAD --revoked ../revoked
[ "$verdict" -eq 0 ] || fail "another key's revocation counts"
git config --unset gpg.ssh.revocationFile
echo "no key" >../revoked
expect 1 verify --revoked ../revoked HEAD
says err 'revoked keys: line 1'

echo "certificates"
# certified VERDICT WHAT DATE CA OPTION...: a commit by ann with a certificate of that authority.
certified() {
    wanted=$1 what=$2 date=$3 authority=$4
    shift 4
    ssh-keygen -q -s "../$authority" -I ann "$@" ../ann.pub 2>/dev/null
    commit ann-cert.pub "$date"
    agree "$what" HEAD
    [ "$verdict" -eq "$wanted" ] || fail "$what: $verdict, not $wanted"
}
ca=$(cut -d' ' -f1,2 ../ca.pub)
printf '*@example.org cert-authority %s\n' "$ca" >../signers
certified 0 "a certificate" 2026-06-01T12:00:00Z ca -n ann@example.org
accepts verify HEAD
certified 0 "one principal of three" 2026-06-01T12:00:00Z ca -n eve,ann,bob@example.org
accepts verify HEAD
jq -e '.principal == "bob@example.org"' ../out >/dev/null || fail "who was certified"
certified 1 "no principal of the line" 2026-06-01T12:00:00Z ca -n eve
certified 1 "no principals" 2026-06-01T12:00:00Z ca
certified 1 "a host's" 2026-06-01T12:00:00Z ca -h -n ann@example.org
certified 1 "another authority" 2026-06-01T12:00:00Z eve -n ann@example.org
# What counts is the time of the commit, not that of the question.
certified 0 "expired since" 2020-06-01T12:00:00Z ca -n ann@example.org -V 20200101:20210101
certified 1 "not valid yet" 2019-12-31T23:59:59Z ca -n ann@example.org -V 20200101:20210101
certified 0 "the first second" 2020-01-01T00:00:00Z ca -n ann@example.org -V 20200101:20210101
certified 1 "behind the last second" 2021-01-01T00:00:00Z ca -n ann@example.org -V 20200101:20210101
refuses not-allowed 'not valid any more' verify HEAD
printf '*,!ann@example.org cert-authority %s\n' "$ca" >../signers
certified 1 "a principal that is left out" 2026-06-01T12:00:00Z ca -n ann@example.org
certified 0 "another beside it" 2026-06-01T12:00:00Z ca -n ann@example.org,bob@example.org
for line in "bob cert-authority $ca" "* $ca" "* $ann" "* cert-authority $ann" "* cert-authority,namespaces=\"git\" $ca" \
    "* cert-authority,namespaces=\"file\" $ca" "* cert-authority,valid-before=\"20260601115959Z\" $ca" \
    "* cert-authority,valid-before=\"20260601120000Z\" $ca"; do
    printf '%s\n' "$line" >../signers
    agree "certified: $line" HEAD
done
printf 'eve cert-authority %s\n* cert-authority %s\n' "$ca" "$ca" >../signers
certified 0 "the second line of an authority" 2026-06-01T12:00:00Z ca -n ann@example.org
git config gpg.ssh.revocationFile "$work/revoked"
for list in ca ann ann-cert; do
    cp ../$list.pub ../revoked
    agree "$list is revoked" HEAD --revoked ../revoked
    [ "$verdict" -eq 1 ] || fail "a revoked $list counts"
    refuses revoked revoked verify --revoked ../revoked HEAD
done
git config --unset gpg.ssh.revocationFile
for byte in $(seq 3 23 "$(($(git cat-file commit HEAD | wc -c) - 1))"); do
    git cat-file commit HEAD >../object
    flip ../object "$byte" 0 ../changed
    id=$(git hash-object -t commit -w --stdin --literally <../changed)
    if verify "$id" >../out 2>../err; then fail "certified: a bit in byte $byte turned and accepted"; fi
    checks=$((checks + 1))
done
printf 'ann@example.org %s\nbob@example.org %s\n' "$ann" "$bob" >../signers
commit ann

echo "objects"
git cat-file commit HEAD >../object
# object FILE: its id as a commit, however it looks.
object() { git hash-object -t commit -w --stdin --literally <"$1"; }
# changed WHAT SED: the commit, changed so.
changed() {
    LC_ALL=C sed "$2" ../object >../changed
    ! cmp -s ../object ../changed || fail "$1: nothing is changed"
    agree "$1" "$(object ../changed)"
}
refused() {
    changed "$@"
    [ "$verdict" -eq 1 ] || fail "$1: accepted"
}
agree "as it was" "$(object ../object)"
[ "$verdict" -eq 0 ] || fail "the object as it was"
refused "another message" 's/^2026/2027/'
refused "another author" 's/^author Ann/author Bob/'
refused "a flipped byte of the signature" '/BEGIN/{n;s/a/b/;s/A/B/}'
refused "no END" '/END SSH/d'
refused "no signature" '/^gpgsig/,/END SSH/d'
sed '/^gpgsig/,/END SSH/!d' ../object >../signature
size=$(wc -c <../signature)
for at in 30 100 200 $((size - 30)); do
    { sed '/^gpgsig/,$d' ../object; head -c "$at" ../signature; echo; sed '1,/END SSH/d' ../object; } >../changed
    agree "truncated at $at" "$(object ../changed)"
    [ "$verdict" -eq 1 ] || fail "a signature truncated at $at counts"
done
{ sed '/^gpgsig/,$d' ../object; cat ../signature ../signature; sed '1,/END SSH/d' ../object; } >../changed
expect 1 verify "$(object ../changed)"
refuses malformed 'two signatures' verify "$(object ../changed)"
for byte in $(seq 3 11 "$(($(wc -c <../object) - 1))"); do
    flip ../object "$byte" 0 ../changed
    id=$(object ../changed)
    if verify "$id" >../out 2>../err; then fail "a bit in byte $byte turned and accepted"; fi
    checks=$((checks + 1))
done
# What Git's own reader cuts at a NUL, ours signs whole.
{ sed 's/2026-06-01/a\x00b/;/^gpgsig/,/END SSH/d' ../object; } >../payload
ssh-keygen -q -Y sign -f ../ann -n git - <../payload >../armor 2>/dev/null
{ sed '/^$/,$d' ../payload; printf 'gpgsig '; sed '2,$s/^/ /' ../armor; sed '/^$/,$!d' ../payload; } >../changed
accepts verify "$(object ../changed)"
sed 's/^author/aut\x00hor/' ../object >../changed
refuses malformed 'NUL' verify "$(object ../changed)"
printf '' >../changed
refuses malformed commit verify "$(object ../changed)"
{ sed '/^gpgsig/,$d' ../object; printf 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\nm\n'; } >../changed
refuses unsupported 'OpenPGP' verify "$(object ../changed)"
{ cat ../object; head -c 1100000 /dev/zero | tr '\0' x; } >../changed
refuses limit bytes verify "$(object ../changed)"
refuses malformed 'neither a commit nor a tag' verify 'HEAD^{tree}'
refuses notfound 'names nothing' verify nothing
refuses notfound 'is not in' verify 0123456789012345678901234567890123456789

echo "tags"
git tag -s -m 'one' signed
git tag -a -m 'two' --no-sign annotated
agree "a signed tag" signed
[ "$verdict" -eq 0 ] || fail "a signed tag"
accepts verify signed
jq -e '.tag and (.commit | not)' ../out >/dev/null || fail "which tag"
agree "an annotated tag" annotated
refuses unsigned 'not signed' verify annotated
git cat-file tag signed | sed 's/^one/two/' >../changed
agree "a changed tag" "$(git hash-object -t tag -w --stdin --literally <../changed)"
[ "$verdict" -eq 1 ] || fail "a changed tag counts"
accepts verify 'signed^{commit}'

echo "many"
commit eve
expect 1 verify HEAD HEAD~1 signed
says out 'HEAD~1: accepted'
says out 'signed: accepted'
says err 'HEAD: refused (not-allowed)'
git rev-list --all >../revisions
expect 1 sh -c "\"$kedge\" verify commit --allowed-signers ../signers <../revisions"
[ "$(wc -l <../out)" -eq "$(wc -l <../revisions)" ] || fail "a line each"
while read -r id; do
    if git verify-commit "$id" 2>/dev/null; then echo true; else echo false; fi
done <../revisions >../theirs
jq -c '.accepted' ../out >../ours
# Git takes RSA and ECDSA keys; theirs are in no file of allowed signers now.
cmp -s ../ours ../theirs || { diff ../ours ../theirs; fail "verdicts of many"; }
jq -r '.subject' ../out | cmp -s - ../revisions || fail "the order"
# An answer comes before the next question.
mkfifo ../questions ../answers
"$kedge" verify commit --allowed-signers ../signers <../questions >../answers &
exec 3>../questions 4<../answers
echo HEAD~1 >&3
read -r answer <&4
case $answer in *'"accepted":true'*) ;; *) fail "no answer: $answer" ;; esac
exec 3>&- 4<&-
wait $!
expect 0 sh -c "\"$kedge\" verify commit --allowed-signers ../signers </dev/null"
expect 0 "$kedge" -C "$work" verify commit --repo fleet --allowed-signers signers HEAD~1
expect 0 "$kedge" -C "$work/fleet" verify commit --allowed-signers ../signers HEAD~1
expect 1 "$kedge" -C "$work" verify commit --allowed-signers signers HEAD
says err 'in no git repository'
expect 64 "$kedge" verify commit HEAD
expect 1 "$kedge" verify commit --allowed-signers nothing HEAD
echo "all as it should be, $checks checks"

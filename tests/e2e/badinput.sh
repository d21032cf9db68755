#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What people and bad luck push: each is refused with file, line, column and remedy, the last good
# revision stays in force, and the next good commit is taken.
# usage: badinput.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

fleet_new press-1
package 1.0.0 ok
deploy 1.0.0
push "good"
serve
run_agent press-1
converged
good=$(head_commit)

# refused WHAT WHERE RULE: what lies on the desk is refused by validate, and by the server when it
# is pushed; then it is taken back.
refused() {
    step "$1"
    expect 1 "$kedge" validate "$desk"
    says out "$desk/$2: error[$3]: "
    expect 1 "$kedge" validate "$desk" -o json
    holds '.errors >= 1'
    push "$1"
    until_ok 20 status_holds ".refused.commit == \"$(head_commit)\" and .revision.commit == \"$good\""
    holds_status "$2"
    says_version press-1 1.0.0
    git -C "$desk" reset -q --hard "$good"
    git -C "$desk" push -qf origin HEAD:main
    until_ok 20 status_holds ".refused == null and .revision.commit == \"$good\""
}
# Status names the place in text, and history too.
holds_status() {
    expect 0 "$kedge" status
    says out Refused
    says out "$1"
    expect 0 "$kedge" history --limit 3
    says out "$1"
}

printf 'apiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: a\n' >"$desk/models/a.yaml"
refused "broken YAML" models/a.yaml:4:1 syntax
manifest Model a '{titel: A}' >"$desk/models/a.yaml"
refused "unknown field" models/a.yaml:5:8 unknown-field
manifest Model detector '{title: Another}' >"$desk/models/z.yaml"
refused "duplicate name" models/z.yaml:2:1 duplicate-name
deploy 1.0.0 'sla: fastest'
refused "dangling reference" deployments/all.yaml:5:48 dangling-reference
deploy 9.9.9
refused "a version there is not" deployments/all.yaml:2:1 no-version
manifest Deployment again '{model: detector, version: 1.0.0, targets: {devices: [press-1]}}' >"$desk/deployments/z.yaml"
refused "two deployments claim one instance" deployments/all.yaml:2:1 conflict
printf 'apiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: a}\nspec: {title: "%s"}\n' $'\xff\xfe' >"$desk/models/a.yaml"
refused "bytes that are no UTF-8" models/a.yaml:4:16 encoding
printf '%s\n' "apiVersion: kedge.dev/v1alpha1" "kind: Model" "metadata: {name: a}" "spec: $(printf '[%.0s' $(seq 5000))" >"$desk/models/a.yaml"
refused "nesting" models/a.yaml:4:70 limit
{
    echo "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
    for n in 1 2 3 4 5 6 7 8 9; do
        printf 'a%s: &a%s [%s]\n' "$n" "$n" "$(printf "*a$((n - 1)),%.0s" 1 2 3 4 5 6 7 8 9 10)"
    done
} >"$desk/models/a.yaml"
refused "alias bomb" models/a.yaml:5:46 limit

step "all findings at once"
manifest Model a '{titel: A}' >"$desk/models/a.yaml"
manifest Model b '{titel: B}' >"$desk/models/b.yaml"
deploy 1.0.0 'sla: fastest'
expect 1 "$kedge" validate "$desk" -o json
holds '.errors == 3 and ([.items[].file] | unique | length == 3)'
git -C "$desk" reset -q --hard "$good"
git -C "$desk" clean -qfd

step "a selector that matches nothing is a warning"
manifest Deployment none '{model: detector, version: 1.0.0, targets: {selector: {matchLabels: {kind: kiln}}}}' >"$desk/deployments/none.yaml"
expect 0 "$kedge" validate "$desk"
says out 'warning[no-target]'
push "a selector for tomorrow"
converged
good=$(head_commit)

step "a blob of a gibibyte"
truncate -s 1G "$desk/models/huge.yaml"
before=$SECONDS
expect 1 "$kedge" validate "$desk"
says out huge.yaml
rm "$desk/models/huge.yaml"
blob=$(head -c 1G /dev/zero | git -C "$work/fleet.git" -c core.compression=1 hash-object -w --stdin)
export GIT_INDEX_FILE=$work/index
git -C "$work/fleet.git" read-tree "$good"
git -C "$work/fleet.git" update-index --add --cacheinfo "100644,$blob,models/huge.yaml"
tree=$(git -C "$work/fleet.git" write-tree)
unset GIT_INDEX_FILE
commit=$(git -C "$work/fleet.git" commit-tree -p "$good" -m huge "$tree")
git -C "$work/fleet.git" update-ref refs/heads/main "$commit"
until_ok 60 status_holds ".refused.commit == \"$commit\" and .revision.commit == \"$good\""
holds_status huge.yaml
[ $((SECONDS - before)) -lt 60 ] || fail "it took $((SECONDS - before)) s"
[ "$(awk '/VmHWM/ {print $2}' "/proc/$server_pid/status")" -lt 2000000 ] || fail "the blob is in memory more than once"
says_version press-1 1.0.0
git -C "$work/fleet.git" update-ref refs/heads/main "$good"
until_ok 20 status_holds '.refused == null'

step "no manifests means stop, not destroy everything"
git -C "$desk" rm -qr .
push "everything is gone"
until_ok 20 status_holds ".refused.commit == \"$(head_commit)\" and .revision.commit == \"$good\""
says_version press-1 1.0.0
git -C "$desk" revert -n HEAD
push "everything is back"
converged
good=$(head_commit)

step "history that was rewritten"
git -C "$desk" commit -q --amend -m "another past"
git -C "$desk" push -qf origin HEAD:main
until_ok 20 status_holds ".refused.reason == \"rewritten\" and .revision.commit == \"$good\""
holds_status accept-rewrite
says_version press-1 1.0.0
end_server
expect 0 "$kedge" reconcile --once --accept-rewrite
serve
converged
good=$(head_commit)

step "a repository that is out of reach"
mv "$work/fleet.git" "$work/elsewhere.git"
until_ok 20 status_holds '.source.reachable == false'
expect 0 "$kedge" status
says out unreachable
status_holds ".revision.commit == \"$good\"" || fail "the revision was lost"
says_version press-1 1.0.0
end_server KILL
serve
until_ok 20 status_holds ".source.reachable == false and .revision.commit == \"$good\""
mv "$work/elsewhere.git" "$work/fleet.git"
until_ok 20 status_holds '.source.reachable == true'
expect 0 "$kedge" history --limit 5
says out SourceRecovered

step "it goes on"
package 1.1.0 ok
deploy 1.1.0
push "1.1.0"
converged
says_version press-1 1.1.0
end_server

step "an empty repository"
git init -q --bare "$work/empty.git"
expect 1 "$kedge" reconcile --once --repo "$work/empty.git" --store "sqlite:$work/empty.db"
says err 'empty'
expect 1 "$kedge" reconcile --once --repo "$work/nowhere.git" --store "sqlite:$work/nowhere.db"
says err 'nowhere.git'
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

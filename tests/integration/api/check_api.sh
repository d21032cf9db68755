#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what developers get, and builds and runs a program on it: in C and C++, shared and static.
# usage: check_api.sh SOURCE_ROOT BUILD_ROOT [COMPILER_FLAG]
set -eu
source=$1 build=$2 flag=${3:-}
for program in git jq meson pkg-config; do
    command -v "$program" >/dev/null || { echo "no $program here"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work" GIT_CONFIG_NOSYSTEM=1
fail() {
    echo "FAILED: $1"
    exit 1
}

echo "install"
meson install -C "$build" --no-rebuild --tags devel,runtime --destdir "$work/root" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "meson install"; }
pc=$(find "$work/root" -name libkedge.pc)
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$work/root"
library=$(find "$work/root" -name 'libkedge.so.*.*.*')
include=$(find "$work/root" -type d -path '*/include/kedge')
export LD_LIBRARY_PATH="${library%/*}"
headers=$(cd "$include" && echo *)
[ "$headers" = "err.h kedge.h types.h" ] || fail "installed headers: $headers"
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ "$soname" = libkedge.so.0 ] || fail "soname: $soname"

echo "the library exports what its headers declare"
nm -D --defined-only "$library" | sed -n 's/.* T \([^@]*\).*/\1/p' | sort >"$work/exported"
sed 's://.*::' "$include"/*.h | grep -v '^ \*\|^/\*\|^#' | grep -o '\bkedge_[a-z_]*(' | tr -d '(' | sort -u >"$work/declared"
[ -s "$work/declared" ] || fail "no declarations found"
diff "$work/declared" "$work/exported" || fail "declared (<) and exported (>) differ"
if nm -D --defined-only "$library" | grep -v ' T kedge_\| A KEDGE_0'; then
    fail "it exports something that is no function of kedge"
fi
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
echo "$needed" | grep -q '^libgit2\.' || fail "no list of libraries"
! echo "$needed" | grep -E '^lib(curl|microhttpd|sqlite3|archive|uv)[-.]' || fail "it links what it does not need"

echo "compile"
strict='-Wall -Wextra -Wpedantic -Wshadow -Wundef -Wstrict-prototypes -Werror'
program=$source/tests/integration/api/api.c
# shellcheck disable=SC2046,SC2086 # flags are several words
{
    ${CC:-cc} -std=c11 $strict $flag "$program" -o "$work/c" $(pkg-config --cflags --libs libkedge)
    ${CC:-cc} -std=c11 $strict $flag "$source/examples/api/preview.c" -o "$work/preview" \
        $(pkg-config --cflags --libs libkedge)
    # All that is static is ours: the other libraries are taken as the system has them.
    ${CC:-cc} -std=c11 $strict $flag "$program" -o "$work/static" \
        $(pkg-config --static --cflags libkedge) "-L${library%/*}" -l:libkedge.a \
        $(pkg-config --libs jansson libsodium libcrypto yaml-0.1 libgit2) -pthread
    if command -v g++ >/dev/null; then
        g++ -x c++ -std=c++17 ${strict% -Wstrict*} -Werror $flag "$program" -o "$work/c++" \
            $(pkg-config --cflags --libs libkedge)
    else
        echo "no g++ here: C only"
    fi
}
readelf -d "$work/static" | grep -q 'libkedge' && fail "static is not"

echo "a fleet of two commits"
cd "$work"
umask 077
# Seeds and public keys of RFC 8032, section 7.1, tests 1 and 2.
echo "ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=" >one.key
echo "ed25519-private:TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=" >two.key
git init -q -b main fleet
git -C fleet config user.name test
git -C fleet config user.email test@example.org
cat >fleet/fleet.yaml <<END
apiVersion: kedge.dev/v1alpha1
kind: Device
metadata: {name: cam-1, labels: {site: north}}
spec: {publicKey: "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}
---
apiVersion: kedge.dev/v1alpha1
kind: Device
metadata: {name: cam-2, labels: {site: south}}
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
metadata: {name: cracks}
spec:
  model: detector
  version: 1.0.0
  targets: {selector: {matchLabels: {site: north}}}
END
git -C fleet add -A
git -C fleet commit -qm "one camera"
sed -i 's/site: south/site: north/' fleet/fleet.yaml
git -C fleet commit -qam "two cameras"
mkdir broken
sed 's/model: detector/model: detectr/' fleet/fleet.yaml >broken/fleet.yaml

for program in c static c++; do
    [ -x "./$program" ] || continue
    echo "run $program"
    "./$program" || fail "$program"
done

echo "run the example"
./preview fleet HEAD~1 HEAD >preview.json
jq -e '.changes | length == 1 and .[0].device == "cam-2" and .[0].verb == "deploy"' preview.json >/dev/null ||
    fail "preview: $(cat preview.json)"
! ./preview fleet HEAD~1 nowhere 2>preview.err || fail "preview of a branch that is not there"
grep -q nowhere preview.err || fail "preview: $(cat preview.err)"
echo "a plan of the library is one that kedge applies"
kedge=$(find "$work/root" -type f -name kedge -path '*/bin/*')
export KEDGE_REPO="$work/fleet" KEDGE_STATE_DIR="$work/state"
unset KEDGE_SERVER KEDGE_STORE
mkdir state
"$kedge" key generate state/director.key >/dev/null
"$kedge" reconcile --once >log 2>&1 || fail "reconcile: $(cat log)"
"$kedge" inventory export >inventory.json
./c HEAD inventory.json >ours.json
"$kedge" plan --out theirs.json >/dev/null
jq -S 'del(.made)' ours.json >ours
jq -S 'del(.made)' theirs.json >theirs
diff ours theirs || fail "the library (<) and kedge (>) plan differently"
jq -e '.plan.changes | length == 2' ours.json >/dev/null || fail "the plan is empty"
"$kedge" apply ours.json >log 2>&1 || fail "apply: $(cat log)"
./c HEAD~1 inventory.json >old.json
! "$kedge" apply old.json 2>log || fail "the plan of an old commit was applied"
grep -q commit log || fail "refused for another reason: $(cat log)"
echo "libkedge is as its headers say"

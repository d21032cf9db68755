#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packages that lie or bite: refused, nothing of them is left, the old version serves on, and the
# reason is read where a person looks for it. A download that is cut off goes on where it was.
# usage: artifacts.sh BIN_DIR LIB_DIR
. "$(dirname "$0")/lib.sh"

fleet_new press-1
package 1.0.0 ok
deploy 1.0.0
push "good"
serve
run_agent press-1 --wait 5
converged
process='driver: process, command: [./model], '$probe_http

# refused VERSION WHAT REASON: the version on the desk is never installed, and people are told why.
refused() {
    step "$2"
    deploy "$1"
    push "$1: $2"
    settled 60
    says_version press-1 1.0.0
    one_model press-1
    [ "$(ls "$work/press-1/instances/detector" | wc -l)" -eq 1 ] || fail "something was unpacked"
    [ -z "$(ls -A "$work/press-1/tmp")" ] || fail "tmp/ is not empty: $(ls -AR "$work/press-1/tmp")"
    [ ! -e "$work/outside" ] || fail "it wrote outside"
    expect 0 "$kedge" explain press-1 detector
    says out "$3"
    expect 0 "$kedge" history --limit 6
    says out "$3"
    status_holds '.assignments.outOfSync == 1' || fail "status hides it"
}
# crafted VERSION PYTHON: an archive made by hand; `t` is the open tar file, add(name, ...) adds to it.
crafted() {
    python3 - "$work/$1.tar.gz" "$model" "$2" <<'END'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as t:
    def add(name, data=b"x", kind=tarfile.REGTYPE, link="", mode=0o755):
        m = tarfile.TarInfo(name)
        m.type, m.linkname, m.mode, m.size = kind, link, mode, len(data) if kind == tarfile.REGTYPE else 0
        t.addfile(m, io.BytesIO(data) if m.size else None)
    add("model", open(sys.argv[2], "rb").read())
    exec(sys.argv[3])
END
    declare_version "$1" "$work/$1.tar.gz" "$process"
}

package 2.0.0 ok
size=$(stat -c %s "$work/packages/2.0.0.tar.gz")
sed -i "s/\"size\":$size/\"size\":$((size - 1))/" "$desk/models/detector-2.0.0.yaml"
refused 2.0.0 "it is larger than declared" "$((size - 1))"
package 2.0.1 ok
size=$(stat -c %s "$work/packages/2.0.1.tar.gz")
sed -i "s/\"size\":$size/\"size\":$((size + 1))/" "$desk/models/detector-2.0.1.yaml"
refused 2.0.1 "it is smaller than declared" "$((size + 1))"
package 2.0.2 ok
blob=$(sha256sum "$work/packages/2.0.2.tar.gz" | cut -d' ' -f1)
printf 'X' | dd of="$work/blobs/$blob" bs=1 seek=100 conv=notrunc status=none
refused 2.0.2 "it was changed on the hub" digest
crafted 2.1.0 'add("../outside")'
refused 2.1.0 "traversal" "'../outside'"
crafted 2.1.1 "add('$work/outside')"
refused 2.1.1 "absolute path" "$work/outside"
crafted 2.1.2 'add("link", kind=tarfile.SYMTYPE, link="/etc/passwd")'
refused 2.1.2 "symbolic link" "entry 'link'"
crafted 2.1.3 'add("link", kind=tarfile.LNKTYPE, link="model")'
refused 2.1.3 "hard link" "entry 'link'"
crafted 2.1.4 'add("null", kind=tarfile.CHRTYPE)'
refused 2.1.4 "device" "entry 'null'"
crafted 2.1.5 'add("pipe", kind=tarfile.FIFOTYPE)'
refused 2.1.5 "pipe" "entry 'pipe'"
crafted 2.1.6 'add("zeros", bytes(300 << 20))'
refused 2.1.6 "bomb" "unpack to more than"
crafted 2.1.7 'add("Model")'
refused 2.1.7 "two names in one" "only in case"

step "truncated"
package 2.2.0 ok
head -c 2000 "$work/packages/2.2.0.tar.gz" >"$work/cut.tar.gz"
declare_version 2.2.0 "$work/cut.tar.gz" "$process"
refused 2.2.0 "cut short before it was declared" "cannot be"

step "a program that is not there"
package 2.2.1 ok tar.gz "$probe_http"
declare_version 2.2.1 "$work/packages/2.2.1.tar.gz" "driver: process, command: [./modle], $probe_http"
refused 2.2.1 "a command that is not in the package" "./modle"

step "a download that is cut off"
mkdir "$work/packages/3.0.0"
cp "$model" "$work/packages/3.0.0/model"
echo 3.0.0 >"$work/packages/3.0.0/version"
echo ok >"$work/packages/3.0.0/behaviour"
openssl rand -out "$work/packages/3.0.0/weights" 200000000
tar -C "$work/packages/3.0.0" -cf "$work/packages/3.0.0.tar" .
declare_version 3.0.0 "$work/packages/3.0.0.tar" "$process"
part="$work/press-1/artifacts/sha256/$(sha256sum "$work/packages/3.0.0.tar" | cut -d' ' -f1).part"
deploy 3.0.0
push "3.0.0"
big_enough() { [ "$(stat -c %s "$part" 2>/dev/null || echo 0)" -gt 1000000 ]; }
until_ok 20 big_enough
end_server KILL
kept=$(stat -c %s "$part" 2>/dev/null || echo 0)
[ "$kept" -gt 0 ] || fail "it was over before it was cut off"
says_version press-1 1.0.0
serve
converged 60
says_version press-1 3.0.0
one_model press-1
[ ! -e "$part" ] || fail "the part is left behind"
if grep -E 'Sanitizer|runtime error' "$work"/log/*; then fail "errors in the logs"; fi
echo "all as it should be"

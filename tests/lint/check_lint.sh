#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The checks themselves: each passes a clean tree and fails the same tree with one planted fault.
# usage: check_lint.sh SOURCE_ROOT
set -eu
root=$(cd "$1" && pwd)
lint=$root/tests/lint
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
spdx='/* SPDX-License-Identifier: Apache-2.0 */'
bad=0

clean_tree() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/include/kedge" "$work/tree/reconciler/base" "$work/tree/reconciler/core" \
        "$work/tree/reconciler/state" "$work/tree/examples" "$work/tree/tests" "$work/tree/contrib" "$work/tree/schemas"
    cd "$work/tree"
    cp "$root/.clang-format" .
    printf '%s\n#pragma once\n' "$spdx" >include/kedge/err.h
    printf '%s\n#include "kedge/err.h"\n#include <jansson.h>\n' "$spdx" >reconciler/base/json.c
    printf '%s\n#include "base/arena.h"\nint f(void)\n{\n    return 0;\n}\n' "$spdx" >reconciler/core/diff.c
}

# expect pass|fail CHECK WHAT
expect() {
    result=pass
    sh "$lint/check_$2.sh" "$work/tree" >"$work/out" 2>&1 || result=fail
    [ "$result" = "$1" ] && return
    echo "check_$2 should $1: $3"
    cat "$work/out"
    bad=1
}

# plant CHECK FILE LINE: the check passes without the line and fails with it.
plant() {
    clean_tree
    expect pass "$1" "clean tree"
    printf '%b\n' "$3" >>"$2"
    expect fail "$1" "$2: $3"
}

plant includes reconciler/core/diff.c '#include "manifest/yaml.h"'
plant includes reconciler/core/diff.c '#include <jansson.h>'
plant includes reconciler/core/diff.c '  #  include <openssl/evp.h>'
plant includes reconciler/core/diff.c '#include "base/log.h"'
plant includes reconciler/core/diff.c '#include "base/fs.h"'
plant includes reconciler/base/json.c '#include "state/spec.h"'
plant includes reconciler/base/json.c '#include "nowhere/spec.h"'
plant includes include/kedge/err.h '#include "base/buf.h"'
plant headers include/kedge/err.h 'size_t kedge_undeclared(void);'
plant banned reconciler/core/diff.c 'int x = sprintf(a, b);'
plant banned reconciler/core/diff.c '/* TO''DO: later */'
plant banned reconciler/core/diff.c 'kedge_ms now = kedge_clock_wall();'
plant layout surprise.txt 'hello'
plant layout reconciler/base/utils.c "$spdx"
plant layout reconciler/base/new.c 'int x;'
plant layout tests/check_new.sh 'exit 0'
plant sizes reconciler/core/diff.c "$(awk 'BEGIN { print "int g(void)\n{"; for (i = 0; i < 101; i++) print "    i++;"; print "}" }')"
plant sizes reconciler/core/diff.c "$(awk 'BEGIN { for (i = 0; i < 1000; i++) print "int i;" }')"
if command -v clang-format >/dev/null; then
    plant format reconciler/core/diff.c 'int   spaced ;'
fi
[ "$bad" -eq 0 ] && echo "every check finds its fault"

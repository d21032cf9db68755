#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone: it includes what it needs.
# usage: check_headers.sh SOURCE_ROOT
set -eu
cd "$1"
flags=$(pkg-config --cflags jansson libsodium libcrypto yaml-0.1 libgit2 libcurl libmicrohttpd sqlite3 libarchive libuv)
bad=0 count=0
for header in $(find include reconciler -name '*.h' | sort); do
    count=$((count + 1))
    # shellcheck disable=SC2086 # flags are several words
    ${CC:-cc} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -Ireconciler $flags \
        -fsyntax-only -x c -include "$header" /dev/null || bad=$((bad + 1))
done
echo "$count headers, $bad do not compile alone"
[ "$bad" -eq 0 ] && [ "$count" -gt 0 ]

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The top level holds the agreed names, no file is called after nothing, every source names its licence.
# usage: check_layout.sh SOURCE_ROOT
set -eu
cd "$1"
agreed=' meson.build meson_options.txt README.md LICENSE CONTRIBUTING.md reconciler schemas include examples tests contrib '
bad=0
complain() {
    echo "$1"
    bad=1
}

for name in *; do
    case $name in build*) continue ;; esac # build folders are not part of the tree
    case $agreed in *" $name "*) ;; *) complain "$name: not a name of the top level" ;; esac
done
for path in $(find include reconciler examples tests contrib schemas \
    \( -iname '*util*' -o -iname '*common*' -o -iname '*misc*' -o -iname '*helper*' \) 2>/dev/null); do
    complain "$path: name it after what it does"
done
for path in $(find include reconciler examples tests -name '*.[ch]'); do
    [ "$(head -n 1 "$path")" = '/* SPDX-License-Identifier: Apache-2.0 */' ] ||
        complain "$path: the first line must be the SPDX line"
done
for path in $(find . -path './build*' -prune -o -name '*.sh' -print); do
    head -n 2 "$path" | grep -qx '# SPDX-License-Identifier: Apache-2.0' ||
        complain "$path: no SPDX line at the top"
done
[ "$bad" -eq 0 ] && echo "layout as agreed"

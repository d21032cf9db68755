#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the ten longest files and functions; fails over the hard stops. clang-format puts the braces of a function, and
# of nothing else with a body, alone in the first column: that is all this needs to know of C.
# usage: check_sizes.sh SOURCE_ROOT
set -eu
cd "$1"
file_stop=1000
function_stop=100

sizes=$(find include reconciler examples tests -name '*.[ch]' -exec awk '
FNR == 1 && NR > 1 { printf "file %d %s\n", lines, file }
{ file = FILENAME; lines = FNR }
/^[A-Za-z_].*\(/ { signature = $0; sub(/\(.*/, "", signature); sub(/.*[ *]/, "", signature) }
/^\{/ { start = FNR }
/^\}/ && start { printf "function %d %s:%d %s\n", FNR - start - 1, FILENAME, start, signature; start = 0 }
END { if (NR) printf "file %d %s\n", lines, file }' {} +)

for kind in file function; do
    echo "longest ${kind}s:"
    echo "$sizes" | grep "^$kind " | sort -k2,2nr | head -n 10 | cut -d' ' -f2-
done
echo "$sizes" | awk -v file="$file_stop" -v function_="$function_stop" '
($1 == "file" && $2 > file) || ($1 == "function" && $2 > function_) { print "too long: " $0; bad++ }
END { exit bad > 0 || NR == 0 }'

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The agent runs on small devices: it links none of the server's libraries.
# usage: check_agent_links.sh SOURCE_ROOT BUILD_ROOT
set -eu
agent=$(find "$2" -type f -name kedge-agent -perm -u+x | head -n 1)
[ -n "$agent" ] || { echo "kedge-agent is not built"; exit 77; }
command -v readelf >/dev/null || { echo "no readelf here"; exit 77; }
needed=$(readelf -d "$agent" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
echo "$needed"
echo "$needed" | grep -q '^libc\.so' || { echo "$agent: no list of libraries"; exit 1; }
! echo "$needed" | grep -E '^lib(git2|yaml|pq|microhttpd|sqlite3)[-.]'

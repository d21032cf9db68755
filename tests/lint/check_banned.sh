#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions that are never right here, and notes that belong in an issue.
# usage: check_banned.sh SOURCE_ROOT
set -eu
cd "$1"
functions='system|popen|gets|strcpy|strcat|stpcpy|sprintf|vsprintf|strtok|gmtime|localtime|ctime|asctime|tmpnam|mktemp|alloca|rand|srand|vfork'
notes='TODO|FIXME|XXX|HACK'

found=0
grep -rnE --include='*.[ch]' "(^|[^[:alnum:]_])($functions)[[:space:]]*\(" include reconciler && found=1
grep -rnwE --include='*.[ch]' --include=meson.build "$notes" include reconciler examples tests && found=1
if grep -rnE --include='*.[ch]' 'kedge_clock_(wall|monotonic)[[:space:]]*\(' reconciler/core reconciler/state; then
    echo "time is an argument in state/ and core/"
    found=1
fi
[ "$found" -eq 0 ] && echo "nothing banned"

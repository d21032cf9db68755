#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Layout as .clang-format says; put right with: clang-format -i FILE
# usage: check_format.sh SOURCE_ROOT
set -eu
cd "$1"
command -v clang-format >/dev/null || { echo "no clang-format here"; exit 77; }
find include reconciler examples tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +

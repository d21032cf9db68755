#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds schemas/ against tests/data with another validator (ajv) and another YAML reader (yaml), both from npm; skips
# without npm or its registry.
# usage: check_schemas.sh SOURCE_ROOT BUILD_ROOT
set -eu
modules=$2/npm
command -v npm >/dev/null && command -v node >/dev/null || exit 77
mkdir -p "$modules"
if [ ! -d "$modules/node_modules/ajv" ] || [ ! -d "$modules/node_modules/yaml" ]; then
    npm install --no-save --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=20000 --prefix "$modules" ajv@8 yaml@2 || exit 77
fi
exec node "$1/tests/integration/schemas/check_schemas.mjs" "$1" "$modules/node_modules"

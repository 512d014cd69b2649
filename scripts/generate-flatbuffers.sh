#!/usr/bin/env bash
# Regenerates src/generated from schemas/*.fbs. Needs flatc (Debian: flatbuffers-compiler).
# flatc 2.0 writes imports without file extensions, which Node's ESM loader refuses: they are rewritten to .js.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v flatc >/dev/null || { echo "flatc is missing: apt-get install flatbuffers-compiler" >&2; exit 1; }
rm -rf src/generated
flatc --ts -o src/generated schemas/batch.fbs schemas/frame.fbs
rm -f src/generated/*_generated.ts
find src/generated -name '*.ts' -print0 | xargs -0 sed -i -E \
  -e "s#(from ['\"])(\.\.?/[^'\"]+)(['\"])#\1\2.js\3#" -e 's#\.js\.js#.js#'

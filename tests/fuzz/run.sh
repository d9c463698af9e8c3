#!/usr/bin/env bash
# Runs every fuzzer over its corpus and beyond: tests/fuzz/run.sh BUILD_FOLDER EXECUTIONS [FUZZER…]
# As many at a time as there are cores. An input that breaks something is left in the build folder, and its path
# is the last thing that is said; add it to tests/fuzz/corpus/ when it is mended.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 executions=$2
shift 2
[ $# -gt 0 ] || set -- $(sed -n 's/^voucherd_fuzz(\([a-z_]*\).*/\1/p' tests/fuzz/CMakeLists.txt)

fuzz() {
  local build=$1 executions=$2 name=$3 folder
  folder=$(mktemp -d "$build/fuzz-$name-XXXX")
  if ! "$build/tests/fuzz/${name}_fuzz" -runs="$executions" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -verbosity=0 -print_final_stats=1 -artifact_prefix="$folder/" "$folder" "tests/fuzz/corpus/$name" \
    >"$folder.log" 2>&1; then
    cat "$folder.log"
    return 255
  fi
  echo "$name: $(grep -o 'stat::[a-z_]*: *[0-9]*' "$folder.log" | tr -s ' ' | grep -E 'units|exec' | tr '\n' ' ')"
  rm -rf "$folder" "$folder.log"
}
export -f fuzz
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'fuzz "$@"' fuzz "$build" "$executions" {}

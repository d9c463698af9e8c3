#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
#   deploy/check.sh           release build, all tests
#   deploy/check.sh --full    also: formatting, clang-tidy on the floors of metering, billing and config,
#                             their tests under AddressSanitizer + UBSan, and ingest under
#                             ThreadSanitizer, and all fuzzers a million times (so does CI=true)
#   deploy/check.sh --nightly all of clang-tidy and of the sanitizers, the fuzzers ten million times, and what a good
#                             client notices of a thousand stalled sockets
# The release tests come last, so that the output ends with ctest's summary.
set -euo pipefail
cd "$(dirname "$0")/.."

full=false nightly=false
if [ "${1:-}" = --full ] || [ "${CI:-}" = true ]; then full=true; fi
if [ "${1:-}" = --nightly ]; then full=true nightly=true; fi
jobs=$(nproc)
say() { printf '\n== %s (%s)\n' "$*" "$(date +%T)"; }

asan_targets=(metering_core_test metering_wire_test metering_state_test metering_ingest_test
  metering_proof_test billing_core_test billing_ledger_test billing_render_test)
tsan_targets=(metering_ingest_test)
fuzz_executions=1000000
tidy_paths=('metering/*.cpp' 'billing/*.cpp' 'config/*.cpp')
if $nightly; then
  asan_targets+=(metering_journal_test config_test daemon_test daemon_ctl_test simulation_test)
  tsan_targets+=(metering_journal_test simulation_test)
  tidy_paths+=('daemon/*.cpp')
  fuzz_executions=10000000
  export VOUCHERD_NIGHTLY=1
fi

run_sanitized() {
  local preset=$1
  shift
  say "$preset: $*"
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" --target "$@" -- -k 0
  local tests
  tests=$(printf '%s|' "${@%_test}")
  ctest --preset "$preset" -R "^(${tests%|})\$" -j "$jobs" --no-tests=error
}

run_fuzzers() {
  say "fuzzers"
  cmake --preset asan >/dev/null
  cmake --build --preset asan --target fuzzers
  tests/fuzz/run.sh build/asan "$fuzz_executions"
}

check_format() {
  say "clang-format"
  git ls-files -z '*.h' '*.cpp' | xargs -0 clang-format-14 --dry-run --Werror
}

# By build/release's compile commands, which are GCC's: some of its warning options clang doesn't know.
check_tidy() {
  say "clang-tidy"
  git ls-files -z "${tidy_paths[@]}" |
    xargs -0 -n 4 -P "$jobs" nice clang-tidy-14 --quiet --extra-arg=-Wno-unknown-warning-option -p build/release
}

deploy/install-packages.sh
say "release"
cmake --preset release
cmake --build --preset release
if $full; then
  check_format
  check_tidy
  run_sanitized asan "${asan_targets[@]}"
  run_sanitized tsan "${tsan_targets[@]}"
  run_fuzzers
  # As many forgeries as the design asks for; ctest by itself tries fewer.
  export VOUCHERD_AUDIT_BUNDLES=200 VOUCHERD_AUDIT_FORGERIES=10000 VOUCHERD_AUDIT_DIRECTORIES=3000
fi
say "tests"
ctest --preset release -j "$jobs" --no-tests=error

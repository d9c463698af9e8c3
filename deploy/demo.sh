#!/usr/bin/env bash
# The main job, once through: builds voucherd, starts it on a temporary directory, loads a
# small month of usage (deploy/demo), closes it and prints the statements.
#   deploy/demo.sh [--binaries DIR]     with DIR, nothing is installed or built
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --binaries ]; then
  voucherd_binaries=$2
else
  deploy/install-packages.sh
  cmake --preset release >&2
  cmake --build --preset release --target voucherd voucherctl >&2
  voucherd_binaries=build/release
fi
# shellcheck source=deploy/daemon.sh
. deploy/daemon.sh
period=2026-03

say() { printf '\n== %s\n' "$*"; }

start_daemon
say "voucherd listens on $api, metrics on $admin/metrics"

say "Facts: what is metered, for whom, at which price, under which policy"
put_facts deploy/demo
ctl firm list

say "Usage of $period: 263 events, one of them sent twice, one with a negative quantity"
ctl events send deploy/demo/events.ndjson || [ $? -eq 1 ]

say "What could not be counted waits in quarantine"
ctl quarantine list

say "Closing $period is refused while it does"
ctl period close "$period" && exit 1

say "Finance signs it off"
ctl period close "$period" --reason "隔离区 1 条：负数用量，计量侧已确认作废"

for firm in $(ctl --json statement list --period "$period" |
  python3 -c 'import json, sys; print(*(s["firm"]["uscc"] for s in json.load(sys.stdin)))'); do
  say "结算单 $period $firm"
  ctl statement show "$period" "$firm"
done

say "All of $period"
ctl statement list --period "$period"

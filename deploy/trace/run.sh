#!/usr/bin/env bash
# A real cluster's five months, billed and counted again:
#   deploy/trace/run.sh PODS.csv [BINARIES]
# PODS.csv is openb_pod_list_default.csv of Alibaba's cluster-trace-gpu-v2023; BINARIES is the
# folder of voucherd and voucherctl (default build/release). Fails where a fen differs.
set -euo pipefail
pods=$(realpath "$1")
voucherd_binaries=$(realpath "${2:-$(dirname "$0")/../../build/release}")
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/daemon.sh
. deploy/daemon.sh

# The trace ends on 30 May: the months before it are closed, May is left open.
closed=(2026-01 2026-02 2026-03 2026-04)
open=2026-05

start_daemon
python3 deploy/trace/convert_alibaba.py "$pods" --facts "$work/facts"
python3 deploy/trace/convert_alibaba.py "$pods" >"$work/events.ndjson"
put_facts "$work/facts"
ctl events send "$work/events.ndjson"
for period in "${closed[@]}"; do
  ctl period close "$period" >/dev/null
  echo "closed $period"
done
for period in "${closed[@]}" "$open"; do
  ctl statement export --period "$period" --format json --out "$work/statements"
done
python3 deploy/trace/recount.py "$pods" "$work/facts" "$work/statements" "${closed[@]}" "$open"

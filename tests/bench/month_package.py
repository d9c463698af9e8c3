#!/usr/bin/env python3
"""Measures a month's package: memory above the idle daemon, CPU seconds of the daemon, and how long ingest
waits meanwhile. Prints figures; asserts nothing.

    month_package.py [--firms 1000] [--lines 50] [--format pdf,xlsx] [--binaries build/release]
"""

import argparse
import io
import os
import pathlib
import sys
import threading
import time
import zipfile

PARSER = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
PARSER.add_argument("--firms", type=int, default=1000)
PARSER.add_argument("--lines", type=int, default=50)
PARSER.add_argument("--format", default="pdf,xlsx")
PARSER.add_argument("--binaries", default=None)
OPTIONS = PARSER.parse_args()
if OPTIONS.binaries:
    os.environ["VOUCHERD_BINARIES"] = str(pathlib.Path(OPTIONS.binaries).resolve())
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from daemon import Daemon  # noqa: E402
from reports import call, firm, put, put_policy, send, usage, uscc  # noqa: E402

PERIOD = "2026-03"


def memory(daemon, figure):
    text = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(figure + ":"))


def cpu_seconds(daemon):
    fields = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fill(daemon):
    put_policy(daemon)
    prices = {f"sku-{number:03d}": f"{number + 1}.25" for number in range(OPTIONS.lines)}
    for sku in prices:
        put(daemon, f"/v1/skus/{sku}", {"name": sku, "unit": "card_hour", "kind": "compute", "tax_rate": "0.06"})
    put(daemon, "/v1/price-books/b", {"effective_from": "2026-01-01", "tax_inclusive": False, "prices": prices})
    for number in range(OPTIONS.firms):
        put(daemon, f"/v1/firms/{uscc(number)}", firm(f"第{number}智能科技有限公司"))
        send(daemon, [usage(f"{number}-{sku}", uscc(number), sku, "12.5", "2026-03-05T10:00:00+08:00",
                            project="agent-platform") for sku in prices])


def ingest(daemon, stop, waits):
    """One event at a time, each timed."""
    number = 0
    while not stop.is_set():
        begin = time.monotonic()
        send(daemon, [usage(f"meanwhile-{number}", uscc(0), "sku-000", "1", "2026-04-05T10:00:00+08:00")])
        waits.append(time.monotonic() - begin)
        number += 1
        stop.wait(0.05)


def main():
    with Daemon() as daemon:
        fill(daemon)
        status, answer = call(daemon, "POST", f"/v1/periods/{PERIOD}/close", {})
        assert status == 200, answer
        idle, used, waits, stop = memory(daemon, "VmRSS"), cpu_seconds(daemon), [], threading.Event()
        pathlib.Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")
        meanwhile = threading.Thread(target=ingest, args=(daemon, stop, waits))
        meanwhile.start()
        begin = time.monotonic()
        data = call(daemon, "GET", f"/v1/statements/{PERIOD}.zip?format={OPTIONS.format}")[1]
        seconds = time.monotonic() - begin
        stop.set()
        meanwhile.join()
        files = len(zipfile.ZipFile(io.BytesIO(data)).namelist())
        waits.sort()
        print(f"{OPTIONS.firms} firms of {OPTIONS.lines} lines, {OPTIONS.format}: {files} files, "
              f"{len(data) / 2**20:.1f} MiB in {seconds:.1f} s")
        print(f"memory: {idle:.0f} MiB idle, {memory(daemon, 'VmHWM') - idle:.0f} MiB above it at the peak")
        print(f"CPU: {cpu_seconds(daemon) - used:.1f} s")
        print(f"an event's answer meanwhile: p50 {waits[len(waits) // 2] * 1e3:.1f} ms, "
              f"p99 {waits[len(waits) * 99 // 100] * 1e3:.1f} ms, longest {waits[-1] * 1e3:.1f} ms")


if __name__ == "__main__":
    main()

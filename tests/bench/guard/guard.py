#!/usr/bin/env python3
"""Counts the instructions of guarded.cpp's steps and compares them with instructions.txt.

    guard.py PROGRAM                     fails where a step takes over 10 % more than is recorded
    guard.py PROGRAM --record "reason"   records what it takes now, for the steps that differ

A slower program is sometimes right: then record the figure, with the reason, in the same commit.
Instructions, not seconds: they are the same on a busy machine, and a run differs from the next by far
less than 1 %. What depends on the CPU is pinned: simdjson's code by the program, libc's here. What
remains is zstd, which has a way of its own where the CPU has BMI2 (every x86-64 machine since 2015).
"""

import argparse
import datetime
import os
import pathlib
import re
import subprocess
import sys
import tempfile

RECORDED = pathlib.Path(__file__).with_name("instructions.txt")
MORE_ALLOWED = 0.10
UNCHANGED = 0.005
# libc has faster code for newer CPUs; all have this.
BASELINE_CPU = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI1,-BMI2,-RTM,-MOVBE"


def count(program):
    """Step → instructions."""
    with tempfile.TemporaryDirectory(prefix="voucherd-guard-") as directory:
        outcome = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=" + directory + "/out",
             program], env={**os.environ, "GLIBC_TUNABLES": BASELINE_CPU}, capture_output=True, text=True)
        if outcome.returncode != 0:
            sys.exit("the guarded program failed:\n" + outcome.stderr + outcome.stdout)
        figures = {}
        for file in sorted(pathlib.Path(directory).iterdir(), key=lambda file: int(file.suffix[1:] or 0)):
            text = file.read_text()
            step = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.MULTILINE)
            if step:
                figures[step.group(1)] = int(re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE).group(1))
        return figures


def read_recorded():
    """Step → (instructions, date, reason), in the file's order."""
    recorded = {}
    for line in RECORDED.read_text().splitlines():
        if line and not line.startswith("#"):
            step, figure, date, reason = line.split(None, 3)
            recorded[step] = (int(figure.replace(",", "")), date, reason)
    return recorded


def record(figures, recorded, reason):
    head = [line for line in RECORDED.read_text().splitlines() if line.startswith("#")]
    today = datetime.date.today().isoformat()
    for step, figure in figures.items():
        if step not in recorded or abs(figure / recorded[step][0] - 1) > UNCHANGED:
            recorded[step] = (figure, today, reason)
    rows = ["{:<10} {:>13,}  {}  {}".format(step, *recorded[step]) for step in figures]
    RECORDED.write_text("\n".join(head + rows) + "\n")


def compare(figures, recorded):
    """The faults, as sentences."""
    faults = []
    for step in sorted(figures.keys() | recorded.keys()):
        if step not in figures or step not in recorded:
            faults.append(f"{step}: counted or recorded, but not both")
            continue
        change = figures[step] / recorded[step][0] - 1
        print(f"{step:<10} {figures[step]:>13,} instructions, {change:+.1%} against {recorded[step][1]}")
        if change > MORE_ALLOWED:
            faults.append(f"{step} takes {figures[step]:,} instructions, {change:.1%} more than the {recorded[step][0]:,} "
                          f"of {recorded[step][1]} ({recorded[step][2]}): make it cheaper, or record the figure with "
                          f"the reason: {pathlib.Path(__file__).name} PROGRAM --record \"…\"")
        elif change < -MORE_ALLOWED:
            print("  record it, so that it stays there")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--record", metavar="REASON")
    arguments = parser.parse_args()
    figures, recorded = count(arguments.program), read_recorded()
    if arguments.record:
        record(figures, recorded, arguments.record)
        return
    faults = compare(figures, recorded)
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()

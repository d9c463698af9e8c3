#!/usr/bin/env python3
"""The guard's own rules: what it lets pass, what not, and what recording changes."""

import contextlib
import io
import pathlib
import tempfile
import unittest

import guard

RECORDED = {"decode": (1_000_000, "2026-01-01", "first figure"), "fold": (2_000_000, "2026-01-01", "first figure")}


def faults_of(figures):
    with contextlib.redirect_stdout(io.StringIO()):
        return guard.compare(figures, RECORDED)


class GuardTest(unittest.TestCase):
    def test_lets_a_tenth_more_pass(self):
        self.assertEqual(faults_of({"decode": 1_099_999, "fold": 2_000_000}), [])

    def test_refuses_more_than_a_tenth_more_and_says_how_to_record_it(self):
        faults = faults_of({"decode": 1_000_000, "fold": 2_210_000})
        self.assertEqual(len(faults), 1)
        self.assertIn("fold takes 2,210,000 instructions, 10.5% more", faults[0])
        self.assertIn("--record", faults[0])

    def test_refuses_a_step_that_is_no_longer_counted(self):
        self.assertEqual(faults_of({"decode": 1_000_000}), ["fold: counted or recorded, but not both"])

    def test_records_the_reason_of_what_differs_and_keeps_the_rest(self):
        with tempfile.TemporaryDirectory() as directory:
            kept, guard.RECORDED = guard.RECORDED, pathlib.Path(directory) / "instructions.txt"
            try:
                guard.RECORDED.write_text("# head\n")
                guard.record({"decode": 1_000_100, "fold": 3_000_000}, dict(RECORDED), "more is folded")
                written = guard.read_recorded()
                self.assertTrue(guard.RECORDED.read_text().startswith("# head\n"))
            finally:
                guard.RECORDED = kept
        self.assertEqual(written["decode"], RECORDED["decode"])
        self.assertEqual((written["fold"][0], written["fold"][2]), (3_000_000, "more is folded"))


if __name__ == "__main__":
    unittest.main()

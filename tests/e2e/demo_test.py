"""The demonstration runs, and its month says what a reader of deploy/demo can work out by hand."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from daemon import BINARIES, SOURCE, Daemon, put_facts

DEMO = SOURCE / "deploy" / "demo"
PERIOD = "2026-03"
AGENT, TWIN, OTHER, MODEL = "91500112MA5DEM001H", "91500105MA5DEM002G", "91500107MA5DEM003G", "91500108MA5DEM0042"


class DemoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.daemon.start()
        put_facts(cls.daemon, DEMO)
        cls.sent = cls.daemon.ctl("--json", "events", "send", DEMO / "events.ndjson")
        cls.refused = cls.daemon.ctl("period", "close", PERIOD)
        cls.closed = cls.daemon.ctl("--json", "period", "close", PERIOD, "--reason", "负数用量已作废")

    def statement(self, firm):
        return self.daemon.get_json(f"/v1/statements/{PERIOD}/{firm}")

    def test_counts_all_but_the_duplicate_and_the_bad_event(self):
        summary = json.loads(self.sent.stdout)
        self.assertEqual(self.sent.returncode, 1)
        self.assertEqual((summary["received"], summary["accepted"], summary["duplicate"], summary["quarantined"]),
                         (263, 261, 1, 1))
        self.assertEqual(summary["problems_by_code"], {"quantity_not_positive": 1})

    def test_the_bad_event_is_listed_and_holds_up_the_close_until_it_is_signed_off(self):
        listed = self.daemon.ctl("quarantine", "list", "--code", "quantity_not_positive")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("quantity_not_positive", listed.stdout)
        self.assertEqual(self.refused.returncode, 1)
        self.assertIn("409", self.refused.stderr)
        self.assertEqual(self.closed.returncode, 0, self.closed.stderr)
        self.assertEqual(json.loads(self.closed.stdout)["statements"], 4)

    def test_the_large_firm_reaches_the_cap_exactly(self):
        # 900 cards around the clock at 8.50 less 5 %, 20 % of it: far above the cap.
        statement = self.statement(MODEL)
        card_hours = 900 * 24 * 31
        line = next(line for line in statement["lines"] if line["sku"] == "gpu.a800")
        self.assertEqual(line["quantity"], str(card_hours))
        self.assertEqual(line["unit_price"], "8.075")
        self.assertEqual(line["net"], f"{card_hours * 8075 / 1000:.2f}")
        self.assertEqual(statement["subsidy"][0]["this_statement"], "1000000.00")
        self.assertEqual(statement["subsidy"][0]["remaining"], "0.00")

    def test_storage_is_billed_and_not_subsidised(self):
        line = next(line for line in self.statement(AGENT)["lines"] if line["sku"] == "storage.ssd")
        self.assertEqual((line["net"], line["eligible_amount"]), ("716.80", "0.00"))
        self.assertEqual(line["ineligible"], [{"code": "sku_not_subsidised", "quantity": "2048"}])

    def test_a_firm_that_is_not_eligible_pays_all(self):
        statement = self.statement(OTHER)
        self.assertEqual(statement["totals"]["subsidy"], "0.00")
        self.assertEqual(statement["totals"]["eligible"], "0.00")
        self.assertEqual({entry["code"] for line in statement["lines"] for entry in line["ineligible"]},
                         {"firm_not_eligible"})

    def test_a_firm_that_became_eligible_within_the_month_has_a_part(self):
        line = self.statement(TWIN)["lines"][0]
        self.assertLess(float(line["eligible_quantity"]), float(line["quantity"]))
        self.assertGreater(float(line["eligible_quantity"]), 0)

    def test_the_text_of_a_statement_is_in_both_languages(self):
        shown = self.daemon.ctl("statement", "show", PERIOD, MODEL)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for part in ("嘉陵大模型研究有限公司", "已结账 closed", "应付 Payable", "1000000.00", "人民币"):
            self.assertIn(part, shown.stdout)

    def test_the_export_holds_the_bytes_that_the_api_serves(self):
        with tempfile.TemporaryDirectory() as directory:
            done = self.daemon.ctl("statement", "export", "--period", PERIOD, "--format", "json,csv", "--out", directory)
            self.assertEqual(done.returncode, 0, done.stderr)
            names = {path.name for path in pathlib.Path(directory).iterdir()}
            self.assertEqual(names, {f"{PERIOD}-{firm}.{kind}" for firm in (AGENT, TWIN, OTHER, MODEL)
                                     for kind in ("json", "csv")} |
                             {f"{PERIOD}-summary.{kind}" for kind in ("csv", "xlsx")})
            for kind in ("json", "csv"):
                exported = (pathlib.Path(directory) / f"{PERIOD}-{MODEL}.{kind}").read_bytes()
                self.assertEqual(exported, self.daemon.get(f"/v1/statements/{PERIOD}/{MODEL}.{kind}"))

    def test_closing_again_gives_the_same_reply(self):
        again = self.daemon.ctl("--json", "period", "close", PERIOD)
        self.assertEqual((again.returncode, again.stdout), (0, self.closed.stdout))

    def test_facts_are_listed_and_shown(self):
        listed = json.loads(self.daemon.ctl("--json", "firm", "list").stdout)
        self.assertEqual({firm["uscc"] for firm in listed}, {AGENT, TWIN, OTHER, MODEL})
        shown = self.daemon.ctl("--json", "policy", "show", "cq-2025-12")
        self.assertEqual(json.loads(shown.stdout)["annual_cap"], "1000000.00")
        unknown = self.daemon.ctl("sku", "show", "no-such")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("404", unknown.stderr)


class JournalCheckTest(unittest.TestCase):
    def test_a_stopped_daemons_directory_is_sound(self):
        with Daemon() as daemon:
            put_facts(daemon, DEMO)
            daemon.ctl("events", "send", DEMO / "events.ndjson")
            self.assertEqual(daemon.stop(), 0, daemon.log())
            checked = subprocess.run([BINARIES / "voucherctl", "--json", "journal", "check", daemon.directory / "data"],
                                     capture_output=True, text=True, timeout=120)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            report = json.loads(checked.stdout)
            self.assertEqual((report["events"], report["differences"]), (261, []))
            daemon.start()


class DemoScriptTest(unittest.TestCase):
    def test_the_script_prints_every_statement(self):
        done = subprocess.run([SOURCE / "deploy" / "demo.sh", "--binaries", BINARIES], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for firm in (AGENT, TWIN, OTHER, MODEL):
            self.assertIn(f"{PERIOD}/{firm}", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)

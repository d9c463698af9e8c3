"""The programme's year and a month's summary: their sums are the statements'."""

import io
import unittest
import urllib.request
from fractions import Fraction

from daemon import Daemon
from reports import call, firm, put, put_policy, rows_of, send, usage, uscc

FIRMS = [(uscc(1), "渝中区", "ai_agent"), (uscc(2), "渝中区", "digital_twin"), (uscc(3), "江北区", "ai_agent"),
         (uscc(4), "江北区", None)]


def total(items, member):
    return sum(Fraction(item[member]) for item in items)


class ProgrammeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.daemon.start()
        put(cls.daemon, "/v1/skus/gpu", {"name": "GPU", "unit": "card_hour", "kind": "compute", "tax_rate": "0.06"})
        put(cls.daemon, "/v1/skus/disk", {"name": "盘", "unit": "gib_month", "kind": "storage", "tax_rate": "0.06"})
        put(cls.daemon, "/v1/price-books/b", {"effective_from": "2025-01-01", "tax_inclusive": False,
                                              "prices": {"gpu": "8.537", "disk": "0.313"}})
        put_policy(cls.daemon, **{"from": "2025-01-01", "annual_cap": "3000.00", "programme_budget": "6000.00"})
        for code, district, category in FIRMS:
            body = firm("企业" + code[-3:], district)
            body["eligibility"] = [] if category is None else [{**body["eligibility"][0], "category": category,
                                                                 "from": "2025-01-01"}]
            put(cls.daemon, f"/v1/firms/{code}", body)
        events = []
        for index, (code, _, _) in enumerate(FIRMS):
            for month in range(1, 13, index + 1):
                time = f"2025-{month:02d}-11T10:00:00+08:00"
                events.append(usage(f"g-{code}-{month}", code, "gpu", f"{100 * (index + 1)}.125", time))
                events.append(usage(f"d-{code}-{month}", code, "disk", "7.5", time))
        assert send(cls.daemon, events)["accepted"] == len(events)
        cls.year = cls.daemon.get_json("/v1/programme/2025")

    def test_the_parts_add_up_to_the_whole_and_to_the_statements(self):
        year = self.year
        for member in ("card_hours", "eligible_card_hours", "net", "eligible", "subsidy"):
            for parts in ("months", "districts", "categories"):
                self.assertEqual(total(year[parts], member), Fraction(year[member]), (parts, member))
        statements = [item for month in range(1, 13)
                      for item in self.daemon.items(f"/v1/statements?period=2025-{month:02d}")]
        for member in ("net", "eligible", "subsidy"):
            self.assertEqual(sum(Fraction(item["totals"][member]) for item in statements), Fraction(year[member]))
        self.assertEqual(year["firms"], {"with_usage": 4, "eligible": 3, "with_subsidy": 3, "at_cap": 0})
        self.assertEqual([row["category"] for row in year["categories"]], [None, "ai_agent", "digital_twin"])
        self.assertEqual(Fraction(year["granted"]), 0)

    def test_the_budget_is_compared_and_changes_nothing(self):
        year = self.year
        self.assertEqual(year["budget"], "6000.00")
        self.assertEqual(Fraction(year["budget_left"]), 6000 - Fraction(year["subsidy"]))
        self.assertEqual(year["forecast"]["subsidy"], year["subsidy"], "the year is over")
        metrics = urllib.request.urlopen(self.daemon.admin + "/metrics", timeout=30).read().decode()
        self.assertIn('voucherd_programme_budget_fen{year="2025"} 600000\n', metrics)
        fen = int(Fraction(year["subsidy"]) * 100)
        self.assertIn(f'voucherd_subsidy_cap_used_fen{{year="2025"}} {fen}\n', metrics)

    def test_the_forecast_is_never_below_what_is_calculated(self):
        for month in self.year["months"]:
            self.assertGreaterEqual(Fraction(month["forecast_to_date"]), Fraction(month["subsidy_to_date"]))

    def test_the_same_figures_stand_in_the_csv(self):
        data = self.daemon.get("/v1/programme/2025.csv?excel=1")
        self.assertTrue(data.startswith(b"\xef\xbb\xbf"))
        rows = rows_of(data)
        self.assertIn(["已测算补贴 Subsidy calculated", self.year["subsidy"]], rows)
        for month in self.year["months"]:
            self.assertIn([str(value) for value in month.values()], rows)
        shown = self.daemon.ctl("programme", "show", 2025)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(self.year["subsidy"], shown.stdout)
        self.assertEqual(self.daemon.ctl("programme", "show", 2025, "--format", "csv").returncode, 0)

    def test_the_workbooks_have_figures_as_numbers_and_codes_as_text(self):
        try:
            import openpyxl
        except ImportError:
            self.skipTest("openpyxl is not installed")
        for path in ("/v1/programme/2025", "/v1/periods/2025-07/summary"):
            report = self.daemon.get_json(path)
            data = self.daemon.get(path + ".xlsx")
            if "as_of" not in report:
                self.assertEqual(self.daemon.get(path + ".xlsx"), data, "equal figures are equal bytes")
            book = openpyxl.load_workbook(io.BytesIO(data))
            rows = [[cell.value for cell in row] for row in book["区县 Districts"].iter_rows(min_row=2)]
            shown = [[float(value) if name != "district" else value for name, value in district.items()]
                     for district in report["districts"]]
            self.assertEqual(rows, shown)
            for sheet in book:
                self.assertFalse([cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"])

    def test_a_months_summary_is_what_its_statements_add_up_to(self):
        summary = self.daemon.get_json("/v1/periods/2025-07/summary")
        statements = [self.daemon.get_json(f"/v1/statements/2025-07/{item['firm']['uscc']}")
                      for item in self.daemon.items("/v1/statements?period=2025-07")]
        self.assertEqual(summary["totals"]["statements"], len(statements))
        for member in ("net", "tax", "gross", "eligible", "subsidy", "payable"):
            whole = sum(Fraction(statement["totals"][member]) for statement in statements)
            self.assertEqual(Fraction(summary["totals"][member]), whole)
            for parts in ("districts", "firms"):
                self.assertEqual(total(summary[parts], member), whole, (parts, member))
            if member not in ("subsidy", "payable"):
                self.assertEqual(total(summary["skus"], member), whole)
        for sku in summary["skus"]:
            lines = [line for statement in statements for line in statement["lines"] if line["sku"] == sku["sku"]]
            self.assertEqual(total(lines, "quantity"), Fraction(sku["quantity"]))
        rows = rows_of(self.daemon.get("/v1/periods/2025-07/summary.csv"))
        for row in summary["firms"]:
            self.assertIn([str(value) for value in row.values()], rows)
        shown = self.daemon.ctl("period", "summary", "2025-07")
        self.assertIn(summary["totals"]["gross"], shown.stdout)

    def test_what_is_not_there_is_said(self):
        for path, status in (("/v1/programme/20x5", 422), ("/v1/programme/2025.txt", 404),
                             ("/v1/programme/2025?a=b", 422), ("/v1/periods/2025-13/summary", 422)):
            self.assertEqual(call(self.daemon, "GET", path)[0], status, path)
        self.assertEqual(self.daemon.get_json("/v1/programme/2031")["forecast"], None)


if __name__ == "__main__":
    unittest.main(verbosity=2)

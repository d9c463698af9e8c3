"""Every number of an explanation adds up to the statement's: reckoned again here, from the events."""

import collections
import json
import unittest
from fractions import Fraction

from daemon import SOURCE, Daemon, put_facts
from queries_test import NANO, instant, parts
from reports import call, send, usage

DEMO = SOURCE / "deploy" / "demo"
FIGURES = ("quantity", "net", "tax", "gross", "eligible_quantity", "eligible_amount")


def rounded(exact):
    """Half away from zero, to the fen."""
    fen = abs(exact) * 100
    whole = int(fen + Fraction(1, 2))
    return Fraction(whole if exact >= 0 else -whole, 100)


class ExplainTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__)
        self.daemon.start()
        put_facts(self.daemon, DEMO)
        self.daemon.ctl("events", "send", DEMO / "events.ndjson")

    def statements(self, period):
        return [item["firm"]["uscc"] for item in self.daemon.items(f"/v1/statements?period={period}")]

    def explained(self, period, firm, query=""):
        return self.daemon.get_json(f"/v1/statements/{period}/{firm}/explain{query}")

    def check_steps(self, charge, steps, quantity):
        """The formulas of the charge, or of its eligible part, with Python's own fractions."""
        price, by = charge["price"], {step["what"]: Fraction(step["result"]) for step in steps}
        if price["unit_price"] is not None:
            exact = quantity * Fraction(price["unit_price"])
            self.assertEqual(by["exact"], exact)
            first = by["gross"] if price["price_book"]["tax_inclusive"] else by["net"]
            self.assertEqual(first, rounded(exact))
        self.assertEqual(by["gross"], by["net"] + by["tax"])

    def check_line(self, line, statement_line):
        self.assertTrue(line["adds_up"], line)
        charge, after = line["charge"], line["after"]
        for figure in FIGURES:
            self.assertEqual(line["figures"][figure], statement_line[figure])
            self.assertEqual(charge[figure], after[figure])
            before = sum(Fraction(billed[figure]) for billed in line["before"])
            self.assertEqual(before + Fraction(line["figures"][figure]), Fraction(after[figure]), figure)
        quantity = sum(Fraction(day["quantity"]) for day in charge["days"])
        eligible = sum(Fraction(day["quantity"]) for day in charge["days"] if day["ineligible"] is None)
        self.assertEqual(quantity, Fraction(charge["quantity"]))
        self.assertEqual(eligible, Fraction(charge["eligible_quantity"]))
        if charge["days"]:
            self.check_steps(charge, charge["steps"], quantity)
            by = {step["what"]: step["result"] for step in charge["steps"]}
            self.assertEqual([by["net"], by["tax"], by["gross"]], [after["net"], after["tax"], after["gross"]])
        for part in charge["eligible"]:
            self.check_steps(charge, part["steps"], Fraction(part["quantity"]))
        amounts = sum(Fraction(part["amount"]) for part in charge["eligible"])
        self.assertEqual(amounts, Fraction(charge["eligible_amount"]))

    def check_events(self, line, firm, position):
        """The events behind the link, spread over days apart from the program, are the days' quantities."""
        items = [item for item in self.daemon.items(line["events"]) if item["position"] <= position]
        corrections = {}
        for item in items:
            event = item["event"]
            self.assertEqual(event["subject"], firm)
            if event["type"] != "compute.correction.v1":
                continue
            target = event["data"]["corrects"]["source"], event["data"]["corrects"]["id"]
            rank = instant(event["time"]), event["source"], event["id"]
            corrections[target] = max(corrections.get(target, (rank, "")), (rank, event["data"]["quantity"]))
        days = collections.Counter()
        for item in items:
            event = item["event"]
            if event["type"] == "compute.correction.v1":
                continue
            own = event["data"]["quantity"]
            quantity = corrections.get((event["source"], event["id"]), (None, own))[1]
            for day, nanos in parts(event, int(Fraction(quantity) * NANO)):
                days[day.isoformat()] += nanos
        for day in line["charge"]["days"]:
            self.assertEqual(days[day["day"]], Fraction(day["quantity"]) * NANO, day)
        self.assertEqual([item["event"]["id"] for item in line["first_events"]],
                         [item["event"]["id"] for item in items[:20]])

    def check_subsidy(self, explanation):
        for year in explanation["subsidy"]:
            self.assertTrue(year["adds_up"], year)
            self.assertNotIn("remark", year)
            rate = Fraction(year["policies"][0]["rate"])
            limit = max(Fraction(0), Fraction(year["cap"]) - Fraction(year["other_centres"]))
            earned = min(limit, rate * Fraction(year["eligible_to_date"]))
            target = max(Fraction(0), rounded(earned) - Fraction(year["other_awards"]))
            self.assertEqual(target, Fraction(year["target"]))
            self.assertEqual(sum(Fraction(granted["amount"]) for granted in year["granted"]),
                             Fraction(year["granted_before"]))
            self.assertEqual(target - Fraction(year["granted_before"]), Fraction(year["this_statement"]))
            by = {step["what"]: step["result"] for step in year["steps"]}
            self.assertEqual([by["target"], by["this_statement"]], [year["target"], year["this_statement"]])
        total = sum(Fraction(year["this_statement"]) for year in explanation["subsidy"])
        self.assertEqual(total, Fraction(explanation["totals"]["subsidy"]))

    def check_all(self, period):
        firms = self.statements(period)
        for firm in firms:
            statement = self.daemon.get_json(f"/v1/statements/{period}/{firm}")
            explanation = self.explained(period, firm)
            self.assertEqual(explanation["totals"], statement["totals"])
            self.assertEqual(len(explanation["lines"]), len(statement["lines"]))
            for number, line in enumerate(statement["lines"], 1):
                self.check_line(explanation["lines"][number - 1], line)
                single = self.explained(period, firm, f"?line={number}")
                self.assertEqual([shown["line"] for shown in single["lines"]], [number])
                self.check_events(single["lines"][0], firm, statement["journal"]["position"])
            self.check_subsidy(explanation)
        return firms

    def test_everything_adds_up_before_a_close_after_it_and_after_late_usage(self):
        firms = self.check_all("2026-03")
        self.assertGreaterEqual(len(firms), 3)
        status, closed = call(self.daemon, "POST", "/v1/periods/2026-03/close", {"reason": "测试"})
        self.assertEqual(status, 200, closed)
        frozen = {firm: self.explained("2026-03", firm) for firm in firms}
        line = frozen[firms[0]]["lines"][0]
        day = line["charge"]["days"][0]["day"]
        self.assertEqual(send(self.daemon, [
            usage("late-1", firms[0], line["sku"], "3.25", f"{day}T10:00:00+08:00"),
            usage("april-1", firms[0], "gpu.a800", "5", "2026-04-01T10:00:00+08:00")])["accepted"], 2)
        self.check_all("2026-03")
        for firm in firms:
            self.assertEqual(self.explained("2026-03", firm), frozen[firm], "a closed month's explanation is for ever")
        self.assertIn(firms[0], self.check_all("2026-04"))
        late = self.explained("2026-04", firms[0])["lines"][0]
        self.assertTrue(late["adjustment"])
        self.assertEqual(late["figures"]["quantity"], "3.25")
        self.assertEqual(late["before"][0]["statement"], f"2026-03/{firms[0]}")

    def test_people_read_it_in_two_languages(self):
        firm = self.statements("2026-03")[0]
        shown = self.daemon.ctl("explain", "2026-03", firm, "--line", 1)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        line = self.explained("2026-03", firm, "?line=1")["lines"][0]
        for text in ("政策条款", "渝经信规范〔2025〕12号", "Price book", "每日用量", "Usage events",
                     line["figures"]["net"], line["charge"]["steps"][0]["formula"],
                     line["first_events"][0]["event"]["id"]):
            self.assertIn(text, shown.stdout)
        self.assertNotIn("注意", shown.stdout)
        as_json = self.daemon.ctl("--json", "explain", "2026-03", firm)
        self.assertEqual(json.loads(as_json.stdout), self.explained("2026-03", firm))

    def test_what_is_not_there_is_said(self):
        firm = self.statements("2026-03")[0]
        for query, status in (("?line=99", 404), ("?line=0", 422), ("?line=x", 422), ("?other=1", 422)):
            self.assertEqual(call(self.daemon, "GET", f"/v1/statements/2026-03/{firm}/explain{query}")[0], status)
        self.assertEqual(call(self.daemon, "GET", f"/v1/statements/2031-03/{firm}/explain")[0], 404)
        self.assertEqual(self.daemon.ctl("explain", "2026-03", firm, "--line", 99).returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)

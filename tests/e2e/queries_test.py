"""What stands behind a figure, counted again from the file that was sent: usage, events, sources, subsidy."""

import collections
import csv
import datetime
import io
import json
import unittest
import urllib.request
from fractions import Fraction

from daemon import SOURCE, Daemon, put_facts

DEMO = SOURCE / "deploy" / "demo"
ZONE = datetime.timezone(datetime.timedelta(hours=8))
DAY = datetime.timedelta(days=1)
NANO = 10**9


def instant(text):
    return datetime.datetime.fromisoformat(text).astimezone(ZONE)


def milliseconds(span):
    return span // datetime.timedelta(milliseconds=1)


def midnight_after(moment):
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + DAY


def parts(event, quantity):
    """(day, nanos) of rules section 2, written apart from the program."""
    data = event["data"]
    if "start" not in data:
        return [(instant(event["time"]).date(), quantity)]
    start, end = instant(data["start"]), instant(data["end"])
    if start == end:
        return [(start.date(), quantity)]
    found, given, moment = [], 0, start
    while moment < end:
        upto = min(midnight_after(moment), end)
        share = quantity * milliseconds(upto - start) // milliseconds(end - start)
        found.append((moment.date(), share - given))
        given, moment = share, upto
    return found


def text(nanos):
    whole, rest = divmod(nanos, NANO)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


class QueriesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.daemon.start()
        put_facts(cls.daemon, DEMO)
        cls.daemon.ctl("events", "send", DEMO / "events.ndjson")
        cls.usage, cls.corrections = {}, {}
        for line in (DEMO / "events.ndjson").read_text().splitlines():
            event = json.loads(line)
            key = event["source"], event["id"]
            if event["type"] == "compute.correction.v1":
                cls.corrections[key] = event
            elif Fraction(str(event["data"]["quantity"])) > 0:
                cls.usage.setdefault(key, event)
        cls.firms = sorted({event["subject"] for event in cls.usage.values()})

    def counted(self, key):
        """The event's quantity as corrected, in 1e-9."""
        quantity = self.usage[key]["data"]["quantity"]
        targets = [event for event in self.corrections.values()
                   if (event["data"]["corrects"]["source"], event["data"]["corrects"]["id"]) == key]
        if targets:
            quantity = max(targets, key=lambda event: instant(event["time"]))["data"]["quantity"]
        return int(Fraction(str(quantity)) * NANO)

    def recount(self, firm):
        totals = collections.Counter()
        for key, event in self.usage.items():
            if event["subject"] != firm:
                continue
            for day, nanos in parts(event, self.counted(key)):
                totals[day.isoformat(), event["data"]["sku"], event["data"].get("project")] += nanos
        return {key: text(nanos) for key, nanos in totals.items() if nanos}

    def answer(self, path, accept="application/json"):
        request = urllib.request.Request(self.daemon.api + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def test_usage_is_what_the_file_adds_up_to(self):
        self.assertGreater(len(self.firms), 2)
        for firm in self.firms:
            with self.subTest(firm):
                shown = {(item["day"], item["sku"], item["project"]): item["quantity"]
                         for item in self.daemon.items(f"/v1/usage?firm={firm}")}
                self.assertEqual(shown, self.recount(firm))
                by_sku = collections.Counter()
                for (_, sku, _), quantity in self.recount(firm).items():
                    by_sku[sku] += Fraction(quantity)
                shown = json.loads(self.daemon.ctl("--json", "usage", "--firm", firm, "--by", "sku").stdout)
                self.assertEqual({item["sku"]: Fraction(item["quantity"]) for item in shown}, dict(by_sku))

    def test_the_events_behind_a_figure_are_those_of_the_file(self):
        for firm in self.firms:
            with self.subTest(firm):
                sent = [key for key, event in (self.usage | self.corrections).items() if event["subject"] == firm]
                path = f"/v1/events?subject={firm}"
                items = self.daemon.items(path)
                self.assertCountEqual([(item["event"]["source"], item["event"]["id"]) for item in items], sent)
                for item in items:
                    event = (self.usage | self.corrections)[item["event"]["source"], item["event"]["id"]]
                    self.assertEqual(Fraction(str(item["event"]["data"].pop("quantity"))),
                                     Fraction(str(event["data"]["quantity"])))
                    self.assertEqual(item["event"]["data"], {name: value for name, value in event["data"].items()
                                                             if name != "quantity"})
                lines = self.answer(path + "&format=ndjson").splitlines()
                self.assertEqual([json.loads(line)["position"] for line in lines],
                                 [item["position"] for item in items])
                rows = list(csv.DictReader(io.StringIO(self.answer(path, "text/csv"))))
                self.assertEqual([row["id"] for row in rows], [item["event"]["id"] for item in items])

    def test_a_day_holds_the_events_that_touch_it(self):
        firm, day = self.firms[0], datetime.date(2026, 3, 5)
        touching = [key for key, event in self.usage.items()
                    if event["subject"] == firm and day in [on for on, _ in parts(event, NANO * NANO)]]
        self.assertNotEqual(touching, [])
        listed = self.daemon.ctl("--json", "events", "list", "--firm", firm, "--from", day.isoformat(), "--until",
                                 (day + DAY).isoformat())
        shown = [(item["event"]["source"], item["event"]["id"]) for item in json.loads(listed.stdout)
                 if item["event"]["type"] == "compute.usage.v1"]
        self.assertCountEqual(shown, touching)

    def test_a_corrected_event_is_found_with_its_correction(self):
        (source, identity), correction = next(iter(self.corrections.items()))
        target = correction["data"]["corrects"]
        found = json.loads(self.daemon.ctl("--json", "events", "find", "--source", target["source"], "--id",
                                           target["id"]).stdout)
        self.assertEqual([(each["event"]["source"], each["event"]["id"], each["counts"])
                          for each in found["corrections"]], [(source, identity, True)])
        self.assertEqual(found["event"]["subject"], correction["subject"])

    def test_the_sources_are_those_of_the_file(self):
        days, events = collections.defaultdict(set), collections.Counter()
        for key, event in (self.usage | self.corrections).items():
            events[key[0]] += 1
            if key in self.usage:
                days[key[0]] |= {day for day, _ in parts(event, NANO * NANO)}
        for source in json.loads(self.daemon.ctl("--json", "sources").stdout):
            with self.subTest(source["source"]):
                self.assertEqual(source["events"], events[source["source"]])
                missing, have = set(), days[source["source"]]
                if have:
                    span = range((max(have) - min(have)).days)
                    missing = {min(have) + i * DAY for i in span} - have
                gaps = set()
                for gap in source["gaps"]:
                    first, until = map(datetime.date.fromisoformat, (gap["from"], gap["until"]))
                    gaps |= {first + i * DAY for i in range((until - first).days)}
                self.assertEqual(gaps, missing)

    def test_the_subsidy_of_the_year_is_that_of_the_statements(self):
        for firm in self.firms:
            with self.subTest(firm):
                statement = self.daemon.get_json(f"/v1/statements/2026-03/{firm}")
                year = json.loads(self.daemon.ctl("--json", "subsidy", firm, "2026").stdout)
                self.assertEqual(sum(Fraction(month["eligible"]) for month in year["months"]),
                                 Fraction(statement["totals"]["eligible"]))
                self.assertEqual(Fraction(year["target"]), Fraction(statement["totals"]["subsidy"]))
                self.assertEqual(sum(Fraction(month["subsidy"]) for month in year["months"]),
                                 Fraction(year["target"]))
                self.assertEqual(Fraction(year["remaining"]), Fraction(year["cap"]) - Fraction(year["target"]))

    def test_each_command_says_how_it_is_used(self):
        for command in (("events", "find"), ("events", "list"), ("usage",), ("sources",), ("subsidy",)):
            shown = self.daemon.ctl(*command, "--help")
            self.assertEqual(shown.returncode, 0)
            self.assertIn("Example", shown.stdout)
        self.assertEqual(self.daemon.ctl("usage").returncode, 2)
        self.assertEqual(self.daemon.ctl("usage", "--firm", "nobody").returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)

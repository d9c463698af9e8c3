#!/usr/bin/env python3
"""Counts the trace's statements again, from the CSV, and compares them with the daemon's.

    recount.py PODS.csv FACTS_DIR STATEMENTS_DIR 2026-01 2026-02 …

Shares no code with the converter or the daemon and never looks at an event. It works the other
way round: not pod → days → sums, but one stretch of constant conditions at a time (same month,
price book, contract, eligibility), for which a pod's part is the difference of two running
totals; money is exact fractions until the one rounding of a charge. Months are taken as closed
in order with all usage known, so a statement holds its own month's charges and no adjustment.
Exit status 1 where a figure differs by a fen, or a statement is missing or too many.
"""

import csv
import datetime
import hashlib
import json
import pathlib
import sys
from collections import defaultdict
from fractions import Fraction

TRACE_BEGIN = datetime.date(2026, 1, 1)
ENDLESS = "9999-12-31"


def half_away_from_zero(value):
    sign = -1 if value < 0 else 1
    return sign * int(abs(value) + Fraction(1, 2))


def second_of(date):
    return (datetime.date.fromisoformat(date) - TRACE_BEGIN).days * 86_400


def load(directory, kind):
    return {path.name[:-5]: json.loads(path.read_text("utf-8"))
            for path in sorted((pathlib.Path(directory) / kind).glob("*.json"))}


class Rules:
    """The facts, asked by date (as text: ISO dates compare as they should)."""

    def __init__(self, directory):
        self.firms, self.skus = load(directory, "firms"), load(directory, "skus")
        self.books, self.contracts = load(directory, "price-books"), load(directory, "contracts")
        self.policies = load(directory, "policies")

    @staticmethod
    def _covers(interval, date):
        return interval["from"] <= date < (interval["until"] or ENDLESS)

    def book(self, date):
        begun = [(book["effective_from"], version) for version, book in self.books.items()
                 if book["effective_from"] <= date]
        return max(begun)[1]

    def contract(self, firm, date):
        found = [number for number, contract in self.contracts.items()
                 if contract["firm"] == firm and self._covers(contract, date)]
        return found[0] if found else None

    def policy(self, date):
        found = [policy for policy in self.policies.values() if self._covers(policy, date)]
        return found[0] if found else None

    def eligible(self, firm, sku, date):
        policy, facts = self.policy(date), self.firms[firm]
        return (policy is not None and self.skus[sku]["kind"] in policy["subsidised_kinds"]
                and not any(self._covers(interval, date) for interval in facts["related_party"])
                and any(self._covers(interval, date) and interval["category"] in policy["categories"]
                        for interval in facts["eligibility"]))

    def turning_points(self, firm):
        """Every date on which something may change for the firm: months, books, intervals."""
        dates = {f"2026-{month:02d}-01" for month in range(1, 13)}
        dates |= {book["effective_from"] for book in self.books.values()}
        facts = self.firms[firm]
        intervals = facts["eligibility"] + facts["related_party"] + list(self.policies.values())
        intervals += [contract for contract in self.contracts.values() if contract["firm"] == firm]
        for interval in intervals:
            dates |= {interval["from"], interval["until"]}
        return sorted(date for date in dates if date and "2026-01-01" <= date < "2027-01-01") + ["2027-01-01"]


def usage_by_stretch(pods_file, rules):
    """{(firm, sku, first date of the stretch): quantity in 1e-9}."""
    firms = sorted(rules.firms)
    points = {firm: [(date, second_of(date)) for date in rules.turning_points(firm)] for firm in firms}
    usage = defaultdict(int)
    for row in csv.reader(open(pods_file, newline="", encoding="utf-8")):
        name, cpu_milli, _, num_gpu, gpu_milli, gpu_spec, _, _, created, deleted, scheduled = row
        if name == "name":
            continue
        firm = firms[int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) % len(firms)]
        if num_gpu == "0":
            sku, milli = "cpu.core_hour", int(cpu_milli)
        else:
            sku = "gpu." + min([m.lower() for m in gpu_spec.split("|") if m], default="any")
            milli = int(gpu_milli) if num_gpu == "1" else 1000 * int(num_gpu)
        begin, end = int(scheduled or created), int(deleted)

        def running_total(second):
            lasted = min(max(second, begin), end) - begin
            return Fraction(lasted * milli * 10**6, 3600).__floor__()

        for (date, at), (_, following) in zip(points[firm], points[firm][1:]):
            if at < end and begin < following:
                usage[firm, sku, date] += running_total(following) - running_total(at)
    return usage


def chain(quantity, price, rate, inclusive):
    """(net, tax, gross) in fen of `quantity` 1e-9 at `price` yuan."""
    exact = Fraction(quantity, 10**9) * price * 100
    if inclusive:
        gross = half_away_from_zero(exact)
        net = half_away_from_zero(gross / (1 + rate))
        return net, gross - net, gross
    net = half_away_from_zero(exact)
    tax = half_away_from_zero(net * rate)
    return net, tax, net + tax


def charges(usage, rules):
    """{(firm, month): {(sku, book, contract): figures}}."""
    quantities = defaultdict(lambda: [0, 0])
    for (firm, sku, date), quantity in usage.items():
        if quantity == 0:
            continue
        book, contract = rules.book(date), rules.contract(firm, date)
        entry = quantities[firm, date[:7], sku, book, contract]
        entry[0] += quantity
        entry[1] += quantity if rules.eligible(firm, sku, date) else 0
    found = defaultdict(dict)
    for (firm, month, sku, book, contract), (quantity, eligible_quantity) in quantities.items():
        price = Fraction(rules.books[book]["prices"][sku])
        if contract:
            price *= 1 - Fraction(rules.contracts[contract]["discount"])
        rate, inclusive = Fraction(rules.skus[sku]["tax_rate"]), rules.books[book]["tax_inclusive"]
        net, tax, gross = chain(quantity, price, rate, inclusive)
        policy = rules.policy(month + "-01")
        eligible = chain(eligible_quantity, price, rate, inclusive)[0 if policy["tax_basis"] == "net" else 2]
        found[firm, month][sku, book, contract] = {"quantity": quantity, "net": net, "tax": tax, "gross": gross,
                                                   "eligible_quantity": eligible_quantity,
                                                   "eligible_amount": eligible}
    return found


def target(eligible, policy):
    return min(int(Fraction(policy["annual_cap"]) * 100),
               half_away_from_zero(Fraction(policy["rate"]) * eligible))


def fen(text):
    return int(Fraction(text) * 100)


def lines_of(statement):
    lines = {}
    for line in statement["lines"]:
        assert not line["adjustment"], statement["statement"]
        figures = {name: fen(line[name]) for name in ("net", "tax", "gross", "eligible_amount")}
        figures |= {name: int(Fraction(line[name]) * 10**9) for name in ("quantity", "eligible_quantity")}
        lines[line["sku"], line["price_book"], line["contract"]] = figures
    return lines


def compare(expected, subsidy, statement):
    differences = []
    lines = lines_of(statement)
    if lines != expected:
        for key in sorted(set(lines) | set(expected), key=str):
            if lines.get(key) != expected.get(key):
                differences.append(f"{key}: recount {expected.get(key)}, statement {lines.get(key)}")
    totals = {"net": 0, "tax": 0, "gross": 0, "eligible": 0, "subsidy": subsidy}
    for figures in expected.values():
        for total, member in (("net", "net"), ("tax", "tax"), ("gross", "gross"), ("eligible", "eligible_amount")):
            totals[total] += figures[member]
    totals["payable"] = totals["gross"]
    for name, value in totals.items():
        if fen(statement["totals"][name]) != value:
            differences.append(f"{name}: recount {value}, statement {statement['totals'][name]}")
    return totals, differences


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    pods_file, facts_directory, statements_directory, *months = sys.argv[1:]
    rules = Rules(facts_directory)
    counted = charges(usage_by_stretch(pods_file, rules), rules)
    wrong = compared = 0
    at_cap = set()
    print(f"{'month':8}{'firm':20}{'card-hours':>16}{'core-hours':>16}{'net':>12}{'tax':>11}{'gross':>12}"
          f"{'eligible':>12}{'subsidy':>11}")
    for firm in sorted(rules.firms):
        eligible_to_date = granted = 0
        for month in sorted(months):
            expected = counted.get((firm, month), {})
            path = pathlib.Path(statements_directory) / f"{month}-{firm}.json"
            if not expected:
                wrong += path.exists()
                continue
            policy = rules.policy(month + "-01")
            eligible_to_date += sum(figures["eligible_amount"] for figures in expected.values())
            subsidy = target(eligible_to_date, policy) - granted
            granted += subsidy
            if granted == fen(policy["annual_cap"]):
                at_cap.add(firm)
            if not path.exists():
                print(f"{month} {firm}: there is no statement")
                wrong += 1
                continue
            totals, differences = compare(expected, subsidy, json.loads(path.read_text("utf-8")))
            hours = {kind: sum(figures["quantity"] for (sku, _, _), figures in expected.items()
                               if sku.startswith(kind)) / 1e9 for kind in ("gpu.", "cpu.")}
            print(f"{month:8}{firm:20}{hours['gpu.']:16.6f}{hours['cpu.']:16.6f}" +
                  "".join(f"{totals[name] / 100:{width}.2f}" for name, width in
                          (("net", 12), ("tax", 11), ("gross", 12), ("eligible", 12), ("subsidy", 11))))
            for difference in differences:
                print(f"  DIFFERENT {difference}")
            wrong += bool(differences)
            compared += 1
    known = {f"{month}-{firm}.json" for firm in rules.firms for month in months}
    stray = [path.name for path in pathlib.Path(statements_directory).glob("*.json") if path.name not in known]
    print(f"{compared} statements compared, {wrong} differ, {len(stray)} unknown; {len(at_cap)} firms at the cap")
    sys.exit(1 if wrong or stray or compared == 0 else 0)


if __name__ == "__main__":
    main()

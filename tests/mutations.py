#!/usr/bin/env python3
"""Breaks the rules one at a time and sees that a test notices: by night, not in ctest.

Each mutation replaces one piece of source, builds one test program and runs the test that must fail.
The source is put back whatever happens. Run in a clean clone that has been configured:

    tests/mutations.py                 all of them
    tests/mutations.py cap tiers       those with these names
    tests/mutations.py --build 'ninja -C build/release'
"""

import argparse
import pathlib
import shlex
import signal
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]

# name: (file, what stands there, what is put in its place, test program, test that must fail)
MUTATIONS = {
    "rounding": (
        "billing/core/money.cpp", "if (distance < denominator - distance) return {quotient};",
        "if (distance <= denominator - distance) return {quotient};",
        "billing_core", "MoneyTest.RoundsHalfAwayFromZero"),
    "half-open-end": (
        "billing/core/facts.h", "from <= day && (!until || day < *until)", "from <= day && (!until || day <= *until)",
        "billing_core", "EligibilityTest.AnIntervalIncludesItsFirstDayAndExcludesUntil"),
    "cap": (
        "billing/core/subsidy.cpp", "std::max(Fen{}, share.cap - other_centres)", "share.cap",
        "billing_core", "SubsidyTest.MatchesTheVectors"),
    "successor-cap": (
        "billing/core/subsidy.cpp",
        "earned = std::max(earned, std::min(checked_multiply(cap_left.value, millionths_per_fen), uncapped));",
        "earned = std::min(checked_multiply(cap_left.value, millionths_per_fen), uncapped);",
        "billing_core", "SubsidyTest.ALowerCapOfASuccessorTakesNothingBack"),
    "rounded-each-policy": (
        "billing/core/subsidy.cpp", "millionths_per_fen), uncapped));",
        "millionths_per_fen), uncapped));\n    earned = earned / millionths_per_fen * millionths_per_fen;",
        "billing_core", "SubsidyTest.SucceedingPoliciesAreRoundedOnceAtTheEnd"),
    "kinds-of-awards": (
        "billing/core/year.cpp", "award->kind == kind", "award->kind != kind",
        "billing_core", "SubsidyOfYearTest.ShowsCapOtherCentresAndWhatRemains"),
    "predecessors-in-turn": (
        "billing/core/year.cpp", "if (found.insert(predecessor).second) to_visit.push_back(predecessor);",
        "found.insert(predecessor);",
        "billing_core", "SubsidyOfYearTest.PredecessorsOfPredecessorsCountInTurnAndEachOnce"),
    "order-of-policies": (
        "billing/core/year.cpp", "return a.first->days.from < b.first->days.from;",
        "return a.first->id < b.first->id;",
        "billing_core", "SubsidyOfYearTest.PoliciesCountInTheOrderOfTimeNotOfTheirNames"),
    "order-of-reasons": (
        "billing/core/eligibility.cpp",
        "  if (!policy->subsidised_kinds.contains(sku.kind)) return IneligibleReason::sku_not_subsidised;\n"
        "  return of_firm;",
        "  if (of_firm) return of_firm;\n"
        "  if (!policy->subsidised_kinds.contains(sku.kind)) return IneligibleReason::sku_not_subsidised;\n"
        "  return std::nullopt;",
        "billing_core", "EligibilityTest.TheFirstReasonThatHoldsIsGiven"),
    "tier-bound": (
        "billing/core/pricing.cpp", "tier.up_to ? std::min(*tier.up_to, quantity) : quantity;",
        "tier.up_to ? std::min(*tier.up_to + *tier.up_to, quantity) : quantity;",
        "billing_core", "RatingTest.TiersApplyToTheChargesQuantity"),
    "tax-inclusive": (
        "billing/core/pricing.cpp", "if (tax.inclusive) {", "if (!tax.inclusive) {",
        "billing_core", "RatingTest.TaxInclusivePricesTakeTheTaxOutOfTheRoundedGross"),
    "latest-book": (
        "billing/core/facts.cpp", "book.effective_from > in_force->effective_from",
        "book.version > in_force->version",
        "billing_core", "PriceBookTest.PicksTheVersionInForceOnTheUsageDay"),
    "earliest-open-month": (
        "billing/core/bill.cpp", "is_earliest_(closed_through && closed_through->next() == period)",
        "is_earliest_(closed_through.has_value())",
        "billing_core", "BillTest.LateUsageIsAnAdjustmentInTheEarliestOpenMonthOnly"),
    "deducted": (
        "billing/core/statement.cpp", "settlement == Settlement::deduct", "settlement == Settlement::reimburse",
        "billing_core", "BillTest.PayableIsGrossAndLessTheSubsidyWhereItIsDeducted"),
    "order-of-closes": (
        "billing/ledger/close.cpp", "    if (firms == 0) continue;\n", "    continue;\n",
        "billing_ledger", "CloseTest.IsRefusedWhileAnEarlierOpenMonthHasALine"),
    "end-of-a-used-contract": (
        "billing/ledger/fact_closed.cpp", "*after.until >= first_day(closed_through.next());", "*after.until >= first_day(closed_through);",
        "billing_ledger", "JudgeFactsTest.LetsAUsedContractOnlyEndEarlierAfterTheLastClosedMonth"),
    "reason-for-the-target": (
        "billing/ledger/fact_closed.cpp", "  compare_targets(firm, sides, concerned);\n", "",
        "billing_ledger", "JudgeFactsTest.LooksAtTheFirmsThatSucceedAChangedOne"),
    "order-of-corrections": (
        "metering/state/usage_state.cpp", "std::tuple(*correction.time, correction.source, correction.id) <=",
        "std::tuple(*correction.time, correction.source, correction.id) >=",
        "metering_state", "UsageStateTest.CountsTheSameCorrectionInWhateverOrderTheyArrive"),
    "unlinked-chain": (
        "metering/proof/chains.cpp", ".add(bytes_of(chain.value))", "",
        "metering_proof", "ChainTest.LinksAsFormatMdSays"),
    "months-of-a-chain": (
        "metering/proof/event_bytes.cpp", "Instant{span.to.ms - 1}", "Instant{span.to.ms}",
        "metering_proof", "MonthsOfTest.AnEndAtMidnightDoesNotTouchTheMonthThatBegins"),
    "unsalted-parts": (
        "metering/proof/payload_parts.cpp", ".add(leaf_prefix).add(bytes_of(salt)).add(part)", ".add(leaf_prefix).add(part)",
        "metering_proof", "PayloadPartsTest.HasTheLeafOfFormatMd"),
    "any-history-is-signed": (
        "daemon/engine/tree_heads.cpp", "if (*root == last_->root) return std::nullopt;", "if (root.has_value()) return std::nullopt;",
        "daemon", "TreeHeadsTest.NeverSignsATreeThatDoesNotExtendTheLastOne"),
}


def notices(name, build):
    """True where the named test fails with the mutation."""
    file, old, new, program, test = MUTATIONS[name]
    path = SOURCE / file
    original = path.read_text()
    if original.count(old) != 1:
        print(f"{name}: {file} has changed: mend the mutation")
        return False
    try:
        path.write_text(original.replace(old, new))
        built = subprocess.run([*shlex.split(build), f"{program}_test"], cwd=SOURCE, capture_output=True, text=True)
        if built.returncode != 0:
            print(f"{name}: does not build\n{built.stdout[-2000:]}")
            return False
        run = subprocess.run([SOURCE / f"build/release/tests/{program}_test", f"--gtest_filter={test}"],
                             cwd=SOURCE, capture_output=True, text=True)
        ran = "[ RUN      ] " + test in run.stdout
        failed = ran and run.returncode != 0
        print(f"{name}: {test} {'fails, as it must' if failed else 'DOES NOT NOTICE' if ran else 'IS NOT THERE'}",
              flush=True)
        return failed
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *MUTATIONS], help="mutations; all where none is named")
    parser.add_argument("--build", default="ninja -C build/release", help="builds the target that is put behind it")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the source is put back
    missed = [name for name in arguments.names or MUTATIONS if not notices(name, arguments.build)]
    if missed:
        print("not noticed: " + ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

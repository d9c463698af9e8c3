// Which price book, contract and policy hold on a day.
#include <gtest/gtest.h>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;

TEST(PriceBookTest, PicksTheVersionInForceOnTheUsageDay) {
  Facts facts = example::facts();
  // The later one's name sorts first and the earlier one's last: only dates count.
  put(facts, book("0-later", "2026-04-01"));
  put(facts, book("z-earlier", "2025-07-01"));
  EXPECT_EQ(facts.price_book_on(day("2025-06-30")), nullptr);
  EXPECT_EQ(facts.price_book_on(day("2025-07-01"))->version.value, "z-earlier");
  EXPECT_EQ(facts.price_book_on(day("2026-01-01"))->version, book_q1);
  EXPECT_EQ(facts.price_book_on(day("2026-03-31"))->version, book_q1);
  EXPECT_EQ(facts.price_book_on(day("2026-04-01"))->version.value, "0-later");
  EXPECT_EQ(facts.price_book_on(day("2030-01-01"))->version.value, "0-later");
}

TEST(ContractTest, HoldsFromItsFirstDayToTheDayBeforeUntil) {
  Facts facts = example::facts();
  put(facts, contract("HT-1", rate("0.1"), days("2026-03-10", "2026-03-20")));
  EXPECT_EQ(facts.contract_on(firm, day("2026-03-09")), nullptr);
  EXPECT_NE(facts.contract_on(firm, day("2026-03-10")), nullptr);
  EXPECT_NE(facts.contract_on(firm, day("2026-03-19")), nullptr);
  EXPECT_EQ(facts.contract_on(firm, day("2026-03-20")), nullptr);
  EXPECT_EQ(facts.contract_on(FirmId("91500000MA5UOTHERX"), day("2026-03-10")), nullptr);
}

TEST(ContractTest, MovesToItsNewFirmWhereItIsReplaced) {
  Facts facts = example::facts();
  const FirmId other("91500000MA5UOTHERX");
  Contract moved = contract("HT-1", rate("0.1"), days("2026-03-10", "2026-03-20"));
  put(facts, moved);
  put(facts, contract("HT-0", rate("0.2"), days("2026-04-01")));
  EXPECT_EQ(facts.contracts.of(firm).size(), 2u);
  EXPECT_EQ(facts.contracts.of(firm).front()->number.value, "HT-0");
  moved.firm = other;
  put(facts, moved);
  EXPECT_EQ(facts.contract_on(firm, day("2026-03-10")), nullptr);
  EXPECT_NE(facts.contract_on(other, day("2026-03-10")), nullptr);
  EXPECT_EQ(facts.contracts.of(firm).size(), 1u);
  const Facts copy = facts;
  EXPECT_EQ(copy.contracts.of(other).front(), &copy.contracts.at(ContractNumber("HT-1")));
}

TEST(PolicyTest, EndsTheDayBeforeUntil) {
  const Facts facts = example::facts();
  EXPECT_EQ(facts.policy_on(day("2025-12-24")), nullptr);
  EXPECT_NE(facts.policy_on(day("2025-12-25")), nullptr);
  EXPECT_NE(facts.policy_on(day("2027-12-31")), nullptr);
  EXPECT_EQ(facts.policy_on(day("2028-01-01")), nullptr);
}

}  // namespace
}  // namespace voucherd::billing

// Rules §6, sentence by sentence: a statement is the difference between charges and what has
// been billed.
#include "billing/core/bill.h"

#include <gtest/gtest.h>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;

class BillTest : public testing::Test {
 protected:
  Statement open(std::string_view period) const {
    return open_statement(account_, month(period), closed_through_, facts_, head);
  }
  void close(std::string_view period) {
    bill(account_, open(period));
    closed_through_ = month(period);
  }
  void use(std::string_view on, std::string_view amount, const SkuId& sku = gpu) {
    account_.usage.push_back(used(on, amount, sku));
  }
  Facts facts_ = example::facts();
  FirmAccount account_ = account({});
  std::optional<Month> closed_through_;
};

using Texts = std::vector<std::string>;

Texts shown(const Statement& statement) {
  Texts lines;
  for (const StatementLine& line : statement.lines)
    lines.push_back(to_string(line.key.usage_month) + " " + line.key.sku.value + " " +
                    line.key.price_book.value +
                    (line.key.contract.empty() ? "" : " " + line.key.contract.value) + " " +
                    to_string(line.figures.quantity) + " " + to_string(line.figures.net) +
                    (line.adjustment ? " adjustment" : ""));
  return lines;
}
Texts years(const Statement& statement) {
  Texts years;
  for (const SubsidyYear& year : statement.subsidy)
    years.push_back(std::to_string(year.year) + " target " + to_string(year.target) + " before " +
                    to_string(year.granted_before) + " now " + to_string(year.this_statement));
  return years;
}

TEST_F(BillTest, AMonthWithoutAnythingIsEmpty) {
  EXPECT_TRUE(open("2026-03").empty());
  use("2026-03-01", "1");
  EXPECT_FALSE(open("2026-03").empty());
  EXPECT_TRUE(open("2026-02").empty());
  EXPECT_TRUE(open("2026-04").empty()) << "the month before is assumed closed as it stands";
}

TEST_F(BillTest, WithoutAClosedMonthEachMonthsUsageStandsOnItsOwnStatement) {
  use("2026-02-01", "1");
  use("2026-03-01", "2");
  EXPECT_EQ(shown(open("2026-02")), (Texts{"2026-02 gpu.a800 2026-q1 1 8.50"}));
  EXPECT_EQ(shown(open("2026-03")), (Texts{"2026-03 gpu.a800 2026-q1 2 17.00"}));
  EXPECT_EQ(years(open("2026-02")), (Texts{"2026 target 1.70 before 0.00 now 1.70"}));
  EXPECT_EQ(years(open("2026-03")), (Texts{"2026 target 5.10 before 1.70 now 3.40"}));
}

TEST_F(BillTest, LateUsageIsAnAdjustmentInTheEarliestOpenMonthOnly) {
  use("2026-02-01", "1");
  close("2026-02");
  use("2026-02-02", "2");
  use("2026-03-01", "4");
  use("2026-04-01", "8");
  EXPECT_EQ(shown(open("2026-03")),
            (Texts{"2026-02 gpu.a800 2026-q1 2 17.00 adjustment", "2026-03 gpu.a800 2026-q1 4 34.00"}));
  EXPECT_EQ(years(open("2026-03")), (Texts{"2026 target 11.90 before 1.70 now 10.20"}));
  EXPECT_EQ(shown(open("2026-04")), (Texts{"2026-04 gpu.a800 2026-q1 8 68.00"}));
  EXPECT_EQ(years(open("2026-04")), (Texts{"2026 target 25.50 before 11.90 now 13.60"}));
}

TEST_F(BillTest, AnAdjustmentShowsTheFiguresBeforeAndAfter) {
  use("2026-02-01", "1");
  close("2026-02");
  use("2026-02-02", "2");
  const StatementLine line = open("2026-03").lines.at(0);
  EXPECT_EQ(to_string(line.before.quantity), "1");
  EXPECT_EQ(to_string(line.before.gross), "9.01");
  EXPECT_EQ(to_string(line.after.quantity), "3");
  EXPECT_EQ(to_string(line.after.gross), "27.03");
  EXPECT_EQ(line.figures, line.after - line.before);
}

TEST_F(BillTest, LateUsageOfAMonthBeforeTheFirstCloseIsAnAdjustmentToo) {
  use("2026-02-01", "1");
  close("2026-02");
  use("2026-01-01", "1");
  const Statement march = open("2026-03");
  EXPECT_EQ(shown(march), (Texts{"2026-01 gpu.a800 2026-q1 1 8.50 adjustment"}));
  EXPECT_TRUE(march.lines.at(0).before.is_zero());
}

TEST_F(BillTest, ACorrectionTakesBackWhatWasBilledAndGranted) {
  use("2026-02-01", "10");
  close("2026-02");
  account_.usage.clear();
  use("2026-02-01", "4");
  EXPECT_EQ(shown(open("2026-03")), (Texts{"2026-02 gpu.a800 2026-q1 -6 -51.00 adjustment"}));
  EXPECT_EQ(years(open("2026-03")), (Texts{"2026 target 6.80 before 17.00 now -10.20"}));
  account_.usage.clear();
  EXPECT_EQ(shown(open("2026-03")), (Texts{"2026-02 gpu.a800 2026-q1 -10 -85.00 adjustment"}));
  EXPECT_EQ(years(open("2026-03")), (Texts{"2026 target 0.00 before 17.00 now -17.00"}))
      << "listed for its grants";
}

TEST_F(BillTest, AYearWithoutEligibleQuantityAndWithoutGrantsIsNotListed) {
  facts_.firms.at(firm).eligibility.clear();
  use("2026-02-01", "10");
  EXPECT_TRUE(open("2026-02").subsidy.empty());
}

TEST_F(BillTest, ATakenBackGrantLeavesTheListOnceItIsSettled) {
  use("2026-02-01", "10");
  close("2026-02");
  account_.usage.clear();
  close("2026-03");
  EXPECT_TRUE(open("2026-04").subsidy.empty());
  EXPECT_TRUE(open("2026-04").empty());
}

TEST_F(BillTest, AChargeThatIsNoneAnyMoreIsBilledBackAsItWas) {
  use("2026-02-01", "10");
  close("2026-02");
  PriceBook retroactive = book("2026-02-new", "2026-02-01");
  retroactive.prices[gpu] = flat("9");
  put(facts_, retroactive);
  const Statement march = open("2026-03");
  EXPECT_EQ(shown(march), (Texts{"2026-02 gpu.a800 2026-02-new 10 90.00 adjustment",
                                 "2026-02 gpu.a800 2026-q1 -10 -85.00 adjustment"}));
  const StatementLine& gone = march.lines.at(1);
  EXPECT_EQ(gone.unit, "card_hour");
  EXPECT_EQ(to_string(*gone.unit_price), "8.5");
  EXPECT_EQ(gone.tax_rate.text, "0.06");
  EXPECT_TRUE(gone.after.is_zero());
  EXPECT_EQ(years(march), (Texts{"2026 target 18.00 before 17.00 now 1.00"}));
}

TEST_F(BillTest, AContractThatIsPublishedLateMovesTheChargeUnderIt) {
  use("2026-02-01", "10");
  close("2026-02");
  put(facts_, contract("HT-1", rate("0.5"), days("2026-02-01")));
  EXPECT_EQ(shown(open("2026-03")), (Texts{"2026-02 gpu.a800 2026-q1 -10 -85.00 adjustment",
                                           "2026-02 gpu.a800 2026-q1 HT-1 10 42.50 adjustment"}));
}

TEST_F(BillTest, AChargeWithTheSameAmountsGivesNoLine) {
  account_.usage = {used("2026-02-01", "10", gpu, "a")};
  facts_.firms.at(firm).eligibility.clear();
  close("2026-02");
  account_.usage = {used("2026-02-01", "10", gpu, "b")};
  facts_.firms.at(firm).related_party = {days("2026-01-01")};  // another project, another reason: no figure
  EXPECT_TRUE(open("2026-03").lines.empty());
}

TEST_F(BillTest, EligibilityThatComesLateIsALineWithoutMoney) {
  const auto eligibility = facts_.firms.at(firm).eligibility;
  facts_.firms.at(firm).eligibility.clear();
  use("2026-02-01", "10");
  close("2026-02");
  facts_.firms.at(firm).eligibility = eligibility;
  const Statement march = open("2026-03");
  ASSERT_EQ(march.lines.size(), 1U);
  const ChargeFigures& line = march.lines[0].figures;
  EXPECT_TRUE(line.net.is_zero() && line.quantity.is_zero());
  EXPECT_EQ(to_string(line.eligible_amount), "85.00");
  EXPECT_EQ(to_string(line.ineligible.at(IneligibleReason::firm_not_eligible)), "-10");
  EXPECT_EQ(years(march), (Texts{"2026 target 17.00 before 0.00 now 17.00"}));
}

TEST_F(BillTest, LateUsageOfTheYearBeforeIsGrantedUnderItsOwnYear) {
  put(facts_, book("2025", "2025-01-01"));
  use("2025-12-31", "10");
  use("2026-01-01", "10");
  closed_through_ = month("2025-11");
  close("2025-12");
  close("2026-01");
  use("2025-12-25", "10");
  EXPECT_EQ(shown(open("2026-02")), (Texts{"2025-12 gpu.a800 2025 10 85.00 adjustment"}));
  EXPECT_EQ(years(open("2026-02")),
            (Texts{"2025 target 34.00 before 17.00 now 17.00", "2026 target 17.00 before 17.00 now 0.00"}));
  EXPECT_EQ(years(open("2026-03")),
            (Texts{"2025 target 34.00 before 34.00 now 0.00", "2026 target 17.00 before 17.00 now 0.00"}));
}

TEST_F(BillTest, TheFirstMonthOfAYearHasNothingGrantedBefore) {
  put(facts_, book("2025", "2025-01-01"));
  use("2025-12-31", "10");
  use("2026-01-01", "10");
  EXPECT_EQ(years(open("2026-01")),
            (Texts{"2025 target 17.00 before 17.00 now 0.00", "2026 target 17.00 before 0.00 now 17.00"}));
}

TEST_F(BillTest, UsageOfLaterMonthsDoesNotShow) {
  use("2026-02-01", "1");
  use("2026-03-01", "1");
  use("2026-03-01", "1", disk);
  closed_through_ = month("2026-01");
  EXPECT_EQ(open("2026-02").lines.size(), 1U);
  EXPECT_EQ(years(open("2026-02")), (Texts{"2026 target 1.70 before 0.00 now 1.70"}));
}

TEST_F(BillTest, UnpricedUsageIsShownUntilItHasAPriceThenItIsALine) {
  facts_.price_books.at(book_q1).prices.erase(gpu);
  use("2026-02-01", "3");
  use("2026-03-01", "4");
  close("2026-02");
  const Statement march = open("2026-03");
  ASSERT_EQ(march.unpriced.size(), 2U) << "what is outstanding, of all months";
  EXPECT_EQ(march.unpriced[0].key.usage_month, month("2026-02"));
  EXPECT_EQ(to_string(march.unpriced[1].quantity), "4");
  EXPECT_EQ(march.unpriced[1].unit, "card_hour");
  EXPECT_EQ(open("2026-03").lines.size(), 0U);
  facts_.price_books.at(book_q1).prices[gpu] = flat("8.5");
  EXPECT_EQ(shown(open("2026-03")),
            (Texts{"2026-02 gpu.a800 2026-q1 3 25.50 adjustment", "2026-03 gpu.a800 2026-q1 4 34.00"}));
}

TEST_F(BillTest, UnpricedUsageOfLaterMonthsDoesNotShow) {
  facts_.price_books.at(book_q1).prices.erase(gpu);
  use("2026-03-01", "4");
  EXPECT_TRUE(open("2026-02").empty());
  EXPECT_FALSE(open("2026-04").empty());
}

TEST_F(BillTest, TheStatementNamesTheLastPolicyInForceInTheMonth) {
  facts_.policies.at(policy_id).days = days("2025-12-25", "2026-03-16");
  Policy next = shipped_policy();
  next.id = PolicyId("a-successor");
  next.days = days("2026-03-16", "2026-05-01");
  next.settlement = Settlement::deduct;
  next.rate = rate("0.30");
  put(facts_, next);
  EXPECT_EQ(open("2026-02").policy, policy_id);
  EXPECT_EQ(open("2026-03").policy, next.id);
  EXPECT_EQ(open("2026-03").settlement, Settlement::deduct);
  EXPECT_EQ(open("2026-04").rate, rate("0.30"));
  const Statement after = open("2026-05");
  EXPECT_EQ(after.policy, std::nullopt);
  EXPECT_EQ(after.rate, std::nullopt);
  EXPECT_EQ(after.tax_basis, std::nullopt);
  EXPECT_EQ(after.settlement, Settlement::reimburse);
}

TEST_F(BillTest, PayableIsGrossAndLessTheSubsidyWhereItIsDeducted) {
  use("2026-02-01", "12.5");
  EXPECT_EQ(to_string(open("2026-02").payable()), "112.63");
  facts_.policies.at(policy_id).settlement = Settlement::deduct;
  EXPECT_EQ(to_string(open("2026-02").payable()), "91.38");
}

TEST_F(BillTest, ThePayableOfAClawbackThatWasDeductedIsMoreThanItsGross) {
  facts_.policies.at(policy_id).settlement = Settlement::deduct;
  use("2026-02-01", "12.5");
  close("2026-02");
  facts_.firms.at(firm).eligibility.clear();
  EXPECT_EQ(to_string(open("2026-03").payable()), "21.25") << "what was deducted is paid back";
  account_.usage.clear();
  EXPECT_EQ(to_string(open("2026-03").payable()), "-91.38") << "应退: what was paid";
}

TEST_F(BillTest, TheProgrammesBudgetAndRequiredPaymentChangeNoStatement) {
  use("2026-02-01", "12.5");
  const std::string before = to_canonical_json(open("2026-02"));
  facts_.policies.at(policy_id).programme_budget = yuan("0.01");
  facts_.policies.at(policy_id).require_payment = true;
  EXPECT_EQ(to_canonical_json(open("2026-02")), before);
}

TEST_F(BillTest, TheChargeOnWhichTheCapIsCrossedIsSplit) {
  facts_.policies.at(policy_id).annual_cap = yuan("10.00");
  use("2026-02-01", "4");  // 6.80
  use("2026-03-01", "4");  // 3.20 of 6.80
  use("2026-04-01", "4");
  EXPECT_EQ(years(open("2026-03")), (Texts{"2026 target 10.00 before 6.80 now 3.20"}));
  EXPECT_EQ(years(open("2026-04")), (Texts{"2026 target 10.00 before 10.00 now 0.00"}));
}

TEST_F(BillTest, CapacityThatACorrectionFreesGoesToLaterSpendingOfTheYear) {
  facts_.policies.at(policy_id).annual_cap = yuan("10.00");
  use("2026-02-01", "10");
  use("2026-03-01", "4");
  close("2026-02");
  close("2026-03");
  account_.usage = {used("2026-02-01", "2"), used("2026-03-01", "4"), used("2026-04-01", "1")};
  EXPECT_EQ(years(open("2026-04")), (Texts{"2026 target 10.00 before 10.00 now 0.00"}))
      << "3.40 + 6.80 + 1.70 still reach the cap";
  account_.usage = {used("2026-02-01", "0.5"), used("2026-03-01", "4"), used("2026-04-01", "1")};
  EXPECT_EQ(years(open("2026-04")), (Texts{"2026 target 9.35 before 10.00 now -0.65"}));
}

TEST_F(BillTest, AnAwardThatIsRegisteredLateIsADifferenceWithoutALine) {
  use("2026-02-01", "10");
  close("2026-02");
  put(facts_, award("a", AwardKind::other_policy, "5"));
  const Statement march = open("2026-03");
  EXPECT_TRUE(march.lines.empty());
  EXPECT_FALSE(march.empty());
  EXPECT_EQ(years(march), (Texts{"2026 target 12.00 before 17.00 now -5.00"}));
  EXPECT_TRUE(open("2026-04").empty()) << "it belongs to the earliest open month";
}

TEST_F(BillTest, LinesStandInTheOrderOfMonthSkuBookAndContract) {
  PriceBook next = book("2026-b", "2026-03-16");
  put(facts_, next);
  put(facts_, contract("HT-1", rate("0.5"), days("2026-03-20")));
  for (const char* on : {"2026-03-25", "2026-03-17", "2026-03-01"}) {
    use(on, "1");
    use(on, "1", disk);
  }
  EXPECT_EQ(shown(open("2026-03")),
            (Texts{"2026-03 disk.ssd 2026-b 1 0.30", "2026-03 disk.ssd 2026-b HT-1 1 0.15",
                   "2026-03 disk.ssd 2026-q1 1 0.30", "2026-03 gpu.a800 2026-b 1 8.50",
                   "2026-03 gpu.a800 2026-b HT-1 1 4.25", "2026-03 gpu.a800 2026-q1 1 8.50"}));
}

}  // namespace
}  // namespace voucherd::billing

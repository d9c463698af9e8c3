// Rules §3 and §4, sentence by sentence: usage → charges.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;

class RatingTest : public testing::Test {
 protected:
  RatedUsage rate_all(std::vector<UsageOfDay> usage) const { return rate_usage(firm, usage, facts_); }
  /// The only charge of `usage`.
  Charge charge(std::vector<UsageOfDay> usage) const {
    const RatedUsage rated = rate_all(std::move(usage));
    EXPECT_EQ(rated.charges.size(), 1U);
    return rated.charges.begin()->second;
  }
  PriceBook& q1() { return facts_.price_books.at(book_q1); }
  Policy& policy() { return facts_.policies.at(policy_id); }
  Firm& the_firm() { return facts_.firms.at(firm); }
  Facts facts_ = example::facts();
};

std::vector<std::string> names(const RatedUsage& rated) {
  std::vector<std::string> names;
  names.reserve(rated.charges.size());
  for (const auto& [key, charge] : rated.charges)
    names.push_back(to_string(key.usage_month) + " " + key.sku.value + " " + key.price_book.value + " " +
                    key.contract.value);
  return names;
}
using Names = std::vector<std::string>;

TEST_F(RatingTest, RatesTheExampleOfTheContract) {
  const Charge charge = this->charge({used("2026-03-01", "12.5", gpu, "agent-platform")});
  EXPECT_EQ(to_string(charge.figures.net), "106.25");
  EXPECT_EQ(to_string(charge.figures.tax), "6.38") << "6.375, half away from zero";
  EXPECT_EQ(to_string(charge.figures.gross), "112.63");
  EXPECT_EQ(to_string(charge.figures.eligible_amount), "106.25");
  EXPECT_EQ(to_string(charge.figures.eligible_quantity), "12.5");
  EXPECT_EQ(to_string(*charge.unit_price), "8.5");
  EXPECT_EQ(charge.unit, "card_hour");
  EXPECT_EQ(charge.tax_rate.text, "0.06");
}

TEST_F(RatingTest, RoundsOnceOnTheChargeNotOnTheDay) {
  q1().prices[gpu] = flat("0.001");
  const Charge charge =
      this->charge({used("2026-03-01", "4"), used("2026-03-02", "4"), used("2026-03-03", "4")});
  EXPECT_EQ(to_string(charge.figures.net), "0.01") << "0.012 in all; three days of 0.004 would give nothing";
}

TEST_F(RatingTest, TaxExclusivePricesTaxTheRoundedNet) {
  q1().prices[gpu] = flat("0.01");
  const Charge charge = this->charge({used("2026-03-01", "8.4")});
  EXPECT_EQ(to_string(charge.figures.net), "0.08");
  EXPECT_EQ(to_string(charge.figures.tax), "0.00") << "8 fen × 0.06 = 0.48; 8.4 fen would give 0.504";
  EXPECT_EQ(to_string(charge.figures.gross), "0.08");
}

TEST_F(RatingTest, TaxInclusivePricesTakeTheTaxOutOfTheRoundedGross) {
  q1().tax_inclusive = true;
  const Charge charge = this->charge({used("2026-03-01", "12.5")});
  EXPECT_EQ(to_string(charge.figures.gross), "106.25");
  EXPECT_EQ(to_string(charge.figures.net), "100.24") << "106.25 / 1.06 = 100.2358…";
  EXPECT_EQ(to_string(charge.figures.tax), "6.01");
  EXPECT_EQ(to_string(charge.figures.eligible_amount), "100.24");
}

TEST_F(RatingTest, ChargesAreSplitByUsageMonth) {
  EXPECT_EQ(names(rate_all({used("2026-03-31", "1"), used("2026-04-01", "1")})),
            (Names{"2026-03 gpu.a800 2026-q1 ", "2026-04 gpu.a800 2026-q1 "}));
}

TEST_F(RatingTest, ANewBookSplitsTheCharge) {
  PriceBook next = book("mid-march", "2026-03-16");
  next.prices[gpu] = flat("9");
  put(facts_, next);
  const RatedUsage rated = rate_all({used("2026-03-15", "1"), used("2026-03-16", "1")});
  ASSERT_EQ(names(rated), (Names{"2026-03 gpu.a800 2026-q1 ", "2026-03 gpu.a800 mid-march "}));
  EXPECT_EQ(to_string(rated.charges.rbegin()->second.figures.net), "9.00");
}

TEST_F(RatingTest, ABookIsCompleteSoAnUnlistedSkuHasNoPriceFromItsDayOn) {
  PriceBook next = book("mid-march", "2026-03-16");
  next.prices.erase(gpu);
  put(facts_, next);
  const RatedUsage rated =
      rate_all({used("2026-03-15", "1"), used("2026-03-16", "2"), used("2026-03-31", "3")});
  EXPECT_EQ(names(rated), (Names{"2026-03 gpu.a800 2026-q1 "}));
  EXPECT_EQ(to_string(rated.unpriced.at({month("2026-03"), gpu})), "5");
}

TEST_F(RatingTest, AContractsOwnPriceTakesPrecedenceForItsSkuOnly) {
  put(facts_, contract("HT-1", PriceList{{gpu, flat("7")}}, days("2026-01-01")));
  const RatedUsage rated = rate_all({used("2026-03-01", "1"), used("2026-03-01", "10", disk)});
  ASSERT_EQ(names(rated), (Names{"2026-03 disk.ssd 2026-q1 ", "2026-03 gpu.a800 2026-q1 HT-1"}))
      << "the charge at list price names no contract";
  EXPECT_EQ(to_string(rated.charges.begin()->second.figures.net), "3.00");
  EXPECT_EQ(to_string(rated.charges.rbegin()->second.figures.net), "7.00");
}

TEST_F(RatingTest, ADiscountIsExactAndNotRoundedBeforeTheCharge) {
  put(facts_, contract("HT-1", rate("0.333333"), days("2026-01-01")));
  q1().prices[gpu] = flat("0.000007");
  const Charge charge = this->charge({used("2026-03-01", "1000000")});
  EXPECT_EQ(to_string(*charge.unit_price), "0.000004666669");
  EXPECT_EQ(to_string(charge.figures.net), "4.67") << "4.666669; a price rounded to 0.000005 would give 5.00";
}

TEST_F(RatingTest, ADiscountNeedsAListPrice) {
  put(facts_, contract("HT-1", rate("0.1"), days("2026-01-01")));
  q1().prices.erase(gpu);
  const RatedUsage rated = rate_all({used("2026-03-01", "1")});
  EXPECT_TRUE(rated.charges.empty());
  EXPECT_EQ(rated.unpriced.size(), 1U);
}

TEST_F(RatingTest, ADiscountOfNothingStillNamesTheContract) {
  put(facts_, contract("HT-1", rate("0"), days("2026-01-01")));
  EXPECT_EQ(names(rate_all({used("2026-03-01", "1")})), (Names{"2026-03 gpu.a800 2026-q1 HT-1"}));
}

TEST_F(RatingTest, AContractsOwnPriceHoldsWhereTheBookOmitsTheSku) {
  put(facts_, contract("HT-1", PriceList{{gpu, flat("7")}}, days("2026-01-01")));
  q1().prices.erase(gpu);
  EXPECT_EQ(names(rate_all({used("2026-03-01", "1")})), (Names{"2026-03 gpu.a800 2026-q1 HT-1"}));
}

TEST_F(RatingTest, OnADayWithoutAnyBookNothingHasAPriceNotEvenUnderAContract) {
  put(facts_, contract("HT-1", PriceList{{gpu, flat("7")}}, days("2025-01-01")));
  const RatedUsage rated = rate_all({used("2025-12-31", "1.5"), used("2026-01-01", "1")});
  EXPECT_EQ(names(rated), (Names{"2026-01 gpu.a800 2026-q1 HT-1"}));
  EXPECT_EQ(to_string(rated.unpriced.at({month("2025-12"), gpu})), "1.5");
}

TEST_F(RatingTest, ANewBookSplitsTheChargeEvenUnderAContractAndBringsItsTax) {
  put(facts_, contract("HT-1", PriceList{{gpu, flat("106")}}, days("2026-01-01")));
  PriceBook next = book("mid-march", "2026-03-16");
  next.tax_inclusive = true;
  put(facts_, next);
  const RatedUsage rated = rate_all({used("2026-03-15", "1"), used("2026-03-16", "1")});
  ASSERT_EQ(names(rated), (Names{"2026-03 gpu.a800 2026-q1 HT-1", "2026-03 gpu.a800 mid-march HT-1"}));
  EXPECT_EQ(to_string(rated.charges.begin()->second.figures.net), "106.00");
  EXPECT_EQ(to_string(rated.charges.rbegin()->second.figures.net), "100.00")
      << "inclusive where the book's are";
}

TEST_F(RatingTest, AContractHoldsOnItsDaysOnly) {
  put(facts_, contract("HT-1", rate("0.5"), days("2026-03-10", "2026-03-20")));
  const RatedUsage rated = rate_all(
      {used("2026-03-09", "1"), used("2026-03-10", "1"), used("2026-03-19", "1"), used("2026-03-20", "1")});
  ASSERT_EQ(names(rated), (Names{"2026-03 gpu.a800 2026-q1 ", "2026-03 gpu.a800 2026-q1 HT-1"}));
  EXPECT_EQ(to_string(rated.charges.begin()->second.figures.quantity), "2")
      << "one charge of both list-price days";
}

TEST_F(RatingTest, AnotherFirmsContractDoesNotMatter) {
  Contract other = contract("HT-1", rate("0.5"), days("2026-01-01"));
  other.firm = FirmId("91500000MA5UOTHERX");
  put(facts_, other);
  EXPECT_EQ(names(rate_all({used("2026-03-01", "1")})), (Names{"2026-03 gpu.a800 2026-q1 "}));
}

TEST_F(RatingTest, TiersApplyToTheChargesQuantity) {
  q1().prices[gpu] = two_tiers("1000", "8.5", "7.9");
  const Charge charge = this->charge({used("2026-03-01", "900"), used("2026-03-02", "600")});
  EXPECT_EQ(to_string(charge.figures.net), "12450.00") << "1000 × 8.5 + 500 × 7.9";
  EXPECT_EQ(charge.unit_price, std::nullopt);
  EXPECT_EQ(to_string(this->charge({used("2026-03-01", "1000")}).figures.net), "8500.00");
  EXPECT_EQ(to_string(this->charge({used("2026-03-01", "1001")}).figures.net), "8507.90");
}

TEST_F(RatingTest, TiersStartAnewEachMonth) {
  q1().prices[gpu] = two_tiers("1000", "8.5", "7.9");
  const RatedUsage rated = rate_all({used("2026-03-01", "1000"), used("2026-04-01", "1000")});
  for (const auto& [key, charge] : rated.charges) EXPECT_EQ(to_string(charge.figures.net), "8500.00");
}

TEST_F(RatingTest, ADiscountAppliesToEachTier) {
  q1().prices[gpu] = two_tiers("1000", "8.5", "7.9");
  put(facts_, contract("HT-1", rate("0.10"), days("2026-01-01")));
  EXPECT_EQ(to_string(charge({used("2026-03-01", "1500")}).figures.net), "11205.00");
}

TEST_F(RatingTest, UsageOfNothingMakesNoCharge) {
  const RatedUsage rated = rate_all({used("2026-03-01", "0"), used("2025-03-01", "0")});
  EXPECT_TRUE(rated.charges.empty());
  EXPECT_TRUE(rated.unpriced.empty());
}

TEST_F(RatingTest, EligibleUsageAtAFlatPriceIsItsQuantityTimesThePrice) {
  the_firm().eligibility = {{"ai_agent", days("2026-03-02"), "文件", ""}};
  const Charge charge = this->charge({used("2026-03-01", "1.001"), used("2026-03-02", "2.001")});
  EXPECT_EQ(to_string(charge.figures.net), "25.52");
  EXPECT_EQ(to_string(charge.figures.eligible_quantity), "2.001");
  EXPECT_EQ(to_string(charge.figures.eligible_amount), "17.01") << "17.0085";
  ASSERT_EQ(charge.figures.ineligible.size(), 1U);
  EXPECT_EQ(to_string(charge.figures.ineligible.at(IneligibleReason::firm_not_eligible)), "1.001");
}

TEST_F(RatingTest, EligibleUsageUnderTiersIsItsShareOfTheExactAmount) {
  q1().prices[gpu] = two_tiers("10", "10", "1");
  the_firm().eligibility = {{"ai_agent", days("2026-03-02"), "文件", ""}};
  const Charge charge = this->charge({used("2026-03-01", "20"), used("2026-03-02", "10")});
  EXPECT_EQ(to_string(charge.figures.net), "120.00");
  EXPECT_EQ(to_string(charge.figures.eligible_amount), "40.00") << "120 × 10 / 30, whichever days came first";
}

TEST_F(RatingTest, TheTaxBasisDecidesWhichAmountIsEligible) {
  policy().tax_basis = TaxBasis::gross;
  EXPECT_EQ(to_string(charge({used("2026-03-01", "12.5")}).figures.eligible_amount), "112.63");
  q1().tax_inclusive = true;
  EXPECT_EQ(to_string(charge({used("2026-03-01", "12.5")}).figures.eligible_amount), "106.25");
}

TEST_F(RatingTest, TwoPoliciesThatShareAChargeAreChainedApartAndAdded) {
  policy().days = days("2025-12-25", "2026-03-16");
  Policy next = shipped_policy();
  next.id = PolicyId("a-successor");
  next.days = days("2026-03-16");
  next.tax_basis = TaxBasis::gross;
  put(facts_, next);
  const Charge charge = this->charge({used("2026-03-15", "1.001"), used("2026-03-16", "1.001")});
  EXPECT_EQ(to_string(charge.figures.net), "17.02") << "17.017";
  EXPECT_EQ(to_string(charge.eligible_by_policy.at(policy_id)), "8.51") << "8.5085";
  EXPECT_EQ(to_string(charge.eligible_by_policy.at(PolicyId("a-successor"))), "9.02")
      << "8.51 and 0.51 of tax";
  EXPECT_EQ(to_string(charge.figures.eligible_amount), "17.53");
}

TEST_F(RatingTest, AKindThatIsNotSubsidisedIsRatedButNotEligible) {
  const Charge charge = this->charge({used("2026-03-01", "10", disk)});
  EXPECT_EQ(to_string(charge.figures.net), "3.00");
  EXPECT_TRUE(charge.figures.eligible_amount.is_zero());
  EXPECT_TRUE(charge.eligible_by_policy.empty());
  EXPECT_EQ(to_string(charge.figures.ineligible.at(IneligibleReason::sku_not_subsidised)), "10");
}

TEST_F(RatingTest, ProjectsShareTheNetByCumulativeAllocationInTheOrderOfTheirBytes) {
  q1().prices[gpu] = flat("0.01");
  const auto projects = charge({used("2026-03-02", "0.5", gpu, "甲"), used("2026-03-01", "0.5", gpu, "b"),
                                used("2026-03-01", "0.5", gpu, "B"), used("2026-03-03", "0.5")})
                            .figures.projects;
  ASSERT_EQ(projects.size(), 4U);
  std::vector<std::string> shares;
  shares.reserve(projects.size());
  for (const auto& [project, share] : projects) shares.push_back(project.value + "=" + to_string(share.net));
  // Net is 0.02; cumulated 0.5, 1, 1.5, 2 fen round to 1, 1, 2, 2.
  EXPECT_EQ(shares, (Names{"=0.01", "B=0.00", "b=0.01", "甲=0.00"}));
}

TEST_F(RatingTest, ProjectsNeverChangeAnAmount) {
  q1().prices[gpu] = flat("0.003");
  const Charge whole = charge({used("2026-03-01", "5")});
  const Charge split = charge({used("2026-03-01", "2", gpu, "a"), used("2026-03-01", "3", gpu, "b")});
  EXPECT_TRUE(whole.figures.same_amounts(split.figures));
}

TEST_F(RatingTest, AProjectThatSpansReasonsHasOneShare) {
  the_firm().eligibility = {{"ai_agent", days("2026-03-02"), "文件", ""}};
  const Charge charge = this->charge({used("2026-03-01", "1", gpu, "a"), used("2026-03-02", "2", gpu, "a")});
  ASSERT_EQ(charge.figures.projects.size(), 1U);
  EXPECT_EQ(to_string(charge.figures.projects.at(ProjectId("a")).quantity), "3");
  EXPECT_EQ(charge.figures.projects.at(ProjectId("a")).net, charge.figures.net);
}

TEST_F(RatingTest, TheLargestQuantitiesAtTheHighestDiscountedPriceAreExact) {
  put(facts_, contract("HT-1", rate("0.000001"), days("2026-01-01")));
  q1().prices[gpu] = flat("999999.999999");
  std::vector<UsageOfDay> usage(10'000, used("2026-03-01", "1000000000", gpu, "a"));
  usage.resize(20'000, used("2026-03-01", "1000000000", gpu, "b"));
  const Charge charge = this->charge(usage);
  // 2e13 × 999998.999999000001 = 19999979999980000020
  EXPECT_EQ(to_string(charge.figures.net), "19999979999980000020.00");
  EXPECT_EQ(charge.figures.eligible_amount, charge.figures.net);
  EXPECT_EQ(to_string(charge.figures.projects.at(ProjectId("a")).net), "9999989999990000010.00");
}

TEST_F(RatingTest, TheLargestQuantitiesUnderTiersAreExact) {
  q1().prices[gpu] = two_tiers("1000000000", "999999.999999", "999999.999998");
  the_firm().eligibility = {{"ai_agent", days("2026-03-02"), "文件", ""}};
  std::vector<UsageOfDay> usage(5'000, used("2026-03-01", "1000000000"));
  usage.resize(10'000, used("2026-03-02", "1000000000"));
  const Charge charge = this->charge(usage);
  // 1e13 × 999999.999998 + 1e9 × 0.000001
  EXPECT_EQ(to_string(charge.figures.net), "9999999999980001000.00");
  EXPECT_EQ(to_string(charge.figures.eligible_amount), "4999999999990000500.00");
}

}  // namespace
}  // namespace voucherd::billing

// What an explanation shows adds up to what is billed: days to the quantity, formulas to the amounts, parts
// to the target.
#include "billing/core/explain.h"

#include <gtest/gtest.h>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;
using Json = nlohmann::ordered_json;

const ChargeKey march{month("2026-03"), gpu, book_q1, {}};

class ExplainTest : public testing::Test {
 protected:
  Json explained(const ChargeKey& key = march) const { return explain_charge(key, firm, usage_, facts_); }
  Facts facts_ = example::facts();
  std::vector<UsageOfDay> usage_ = {used("2026-03-01", "10", gpu, "a"), used("2026-03-01", "2.5", gpu, "b"),
                                    used("2026-03-31", "1", gpu), used("2026-04-01", "7"),
                                    used("2026-03-01", "9", disk)};
};

std::string formulas(const Json& steps) {
  std::string all;
  for (const Json& step : steps)
    all += step.at("formula").get<std::string>() + " = " + step.at("result").get<std::string>() + "\n";
  return all;
}

TEST_F(ExplainTest, ShowsTheDaysAndTheFormulasOfACharge) {
  const Json charge = explained();
  EXPECT_EQ(charge["quantity"], "13.5");
  EXPECT_EQ(
      formulas(charge["steps"]),
      "13.5 × 8.5 = 114.75\nround(114.75) = 114.75\nround(114.75 × 0.06) = 6.89\n114.75 + 6.89 = 121.64\n");
  EXPECT_EQ(charge["days"].dump(), R"([{"day":"2026-03-01","quantity":"12.5","ineligible":null},)"
                                   R"({"day":"2026-03-31","quantity":"1","ineligible":null}])");
  EXPECT_EQ(charge["eligible"][0]["amount"], "114.75");
  EXPECT_EQ(charge["eligible"][0]["policy"]["id"], policy_id.value);
  EXPECT_EQ(charge["price"]["unit_price"], "8.5");
}

TEST_F(ExplainTest, ShowsEachTiersPartAndItsExactAmount) {
  facts_.price_books.at(book_q1).prices[gpu] = two_tiers("10", "8.500001", "7");
  const Json charge = explained();
  EXPECT_EQ(charge["price"]["tiers"][0]["amount"], "85.00001");
  EXPECT_EQ(charge["price"]["tiers"][1]["quantity"], "3.5");
  EXPECT_TRUE(formulas(charge["steps"])
                  .starts_with("10 × 8.500001 + 3.5 × 7 = 109.50001\nround(109.50001) = 109.50\n"));
  EXPECT_TRUE(charge["price"]["unit_price"].is_null());
}

TEST_F(ExplainTest, TakesTheTaxOutOfInclusivePrices) {
  facts_.price_books.at(book_q1).tax_inclusive = true;
  EXPECT_EQ(formulas(explained()["steps"]),
            "13.5 × 8.5 = 114.75\nround(114.75) = 114.75\nround(114.75 / (1 + 0.06)) = 108.25\n"
            "114.75 − 108.25 = 6.50\n");
}

TEST_F(ExplainTest, NamesTheReasonOfEachDayThatIsNotEligible) {
  facts_.firms.at(firm).eligibility[0].days = days("2026-03-31");
  const Json charge = explained();
  EXPECT_EQ(charge["days"][0]["ineligible"], "firm_not_eligible");
  EXPECT_TRUE(charge["days"][1]["ineligible"].is_null());
  EXPECT_EQ(charge["eligible"][0]["quantity"], "1");
  EXPECT_EQ(charge["ineligible"].dump(), R"([{"code":"firm_not_eligible","quantity":"12.5"}])");
}

TEST_F(ExplainTest, TakesOnlyTheDaysOnWhichTheChargesPriceHeld) {
  put(facts_, contract("C1", rate("0.10"), days("2026-03-31", "2026-04-01")));
  EXPECT_EQ(explained()["quantity"], "12.5");
  const Json by_contract = explained({month("2026-03"), gpu, book_q1, ContractNumber("C1")});
  EXPECT_EQ(by_contract["quantity"], "1");
  EXPECT_EQ(by_contract["price"]["unit_price"], "7.65");
  EXPECT_EQ(by_contract["price"]["contract"]["discount"], "0.10");
}

TEST_F(ExplainTest, AChargeThatIsGoneHasNoDays) {
  usage_.clear();
  const Json charge = explained();
  EXPECT_EQ(charge["net"], "0.00");
  EXPECT_TRUE(charge["days"].empty());
}

TEST_F(ExplainTest, PutsTheYearsNumbersIntoTheSubsidysFormula) {
  put(facts_, award("o", AwardKind::other_policy, "5.00"));
  put(facts_, award("s", AwardKind::same_programme, "999900.00"));
  FirmAccount account = example::account(usage_);
  account.billed.granted[2026] = yuan("1.00");
  const SubsidyYear year = subsidy_of_year(account, rate_usage(firm, usage_, facts_), 2026, 12, facts_);
  const Json shown = explain_year(year, firm, {}, facts_);
  EXPECT_EQ(formulas(shown["steps"]),
            "max(0, 1000000.00 − 999900.00) = 100.00\n0.20 × 174.25 = 34.85\nmin(100.00, 34.85) = 34.85\n"
            "max(0, round(34.85) − 5.00) = 29.85\n29.85 − 1.00 = 28.85\n");
  EXPECT_EQ(shown["target"], "29.85");
  EXPECT_EQ(shown["of_predecessors"], "0.00");
  EXPECT_EQ(shown["awards"].size(), 2u);
}

TEST_F(ExplainTest, SaysWhereAYearsStepsDoNotGiveItsTarget) {
  SubsidyYear year =
      subsidy_of_year(example::account(usage_), rate_usage(firm, usage_, facts_), 2026, 12, facts_);
  const Json shown = explain_year(year, firm, {}, facts_);
  EXPECT_EQ(shown["adds_up"], true);
  EXPECT_FALSE(shown.contains("remark"));
  year.target += yuan("0.01");
  const Json wrong = explain_year(year, firm, {}, facts_);
  EXPECT_EQ(wrong["adds_up"], false);
  EXPECT_TRUE(wrong.contains("remark"));
  EXPECT_FALSE(wrong["steps"].empty());
}

TEST_F(ExplainTest, GoesFromPolicyToPolicyWithinAYear) {
  facts_.policies.at(policy_id).days.until = day("2026-03-15");
  Policy successor = shipped_policy();
  successor.id = PolicyId("next");
  successor.days = days("2026-03-15");
  successor.rate = rate("0.30");
  put(facts_, successor);
  FirmAccount account = example::account({used("2026-03-01", "10"), used("2026-03-20", "10")});
  const RatedUsage rated = rate_usage(firm, account.usage, facts_);
  const SubsidyYear year = subsidy_of_year(account, rated, 2026, 12, facts_);
  const auto& parts = rated.charges.begin()->second.eligible_by_policy;
  const Json shown = explain_year(year, firm, parts, facts_);
  EXPECT_EQ(shown["policies"].size(), 2u);
  EXPECT_EQ(shown["adds_up"], true);
  EXPECT_EQ(shown["steps"].back()["result"], shown["this_statement"]);
  EXPECT_EQ(shown["target"], "42.50");
  const Json changed = explain_year(year, firm, {{policy_id, yuan("85.01")}}, facts_);
  EXPECT_TRUE(changed["steps"].empty());
  EXPECT_EQ(changed["adds_up"], false);
  EXPECT_TRUE(changed.contains("remark"));
}

}  // namespace
}  // namespace voucherd::billing

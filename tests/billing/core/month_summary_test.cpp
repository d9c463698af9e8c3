// A month over all firms is what its statements add up to.
#include "billing/core/month_summary.h"

#include <gtest/gtest.h>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;
using Json = nlohmann::ordered_json;

Json statement_of(const Facts& facts, std::vector<UsageOfDay> usage) {
  return Json::parse(to_canonical_json(
      open_statement(account(std::move(usage)), month("2026-03"), std::nullopt, facts, head)));
}

TEST(MonthSummaryTest, AddsUpStatementsByFirmDistrictAndSku) {
  Facts facts = example::facts();
  MonthSummary summary(month("2026-03"));
  summary.add(statement_of(facts, {used("2026-03-01", "2"), used("2026-03-02", "10", disk)}));
  facts.firms.at(firm).district = "江北区";
  summary.add(statement_of(facts, {used("2026-03-01", "3")}));
  const Json shown = summary.shown();
  EXPECT_EQ(shown["totals"], Json::parse(R"({"statements":2,"net":"45.50","tax":"2.73","gross":"48.23",
      "eligible":"42.50","subsidy":"8.50","payable":"48.23"})"));
  ASSERT_EQ(shown["districts"].size(), 2u);
  EXPECT_EQ(shown["districts"][0]["district"], "江北区");
  EXPECT_EQ(shown["districts"][0]["net"], "25.50");
  EXPECT_EQ(shown["districts"][1]["net"], "20.00");
  ASSERT_EQ(shown["skus"].size(), 2u);
  EXPECT_EQ(shown["skus"][0]["sku"], "disk.ssd");
  EXPECT_EQ(shown["skus"][0]["eligible"], "0.00");
  EXPECT_EQ(shown["skus"][1]["quantity"], "5");
  EXPECT_EQ(shown["skus"][1]["statements"], 2);
  EXPECT_EQ(shown["firms"].size(), 2u);
}

TEST(MonthSummaryTest, KeepsUnpricedUsageApart) {
  Facts facts = example::facts();
  facts.price_books.clear();
  MonthSummary summary(month("2026-03"));
  summary.add(statement_of(facts, {used("2026-03-01", "2")}));
  EXPECT_EQ(summary.shown()["unpriced"],
            Json::parse(R"([{"usage_month":"2026-03","sku":"gpu.a800","unit":"card_hour","quantity":"2"}])"));
  EXPECT_EQ(summary.shown()["totals"]["net"], "0.00");
}

TEST(MonthSummaryTest, OfNoStatementIsZero) {
  const Json shown = MonthSummary(month("2026-03")).shown();
  EXPECT_EQ(shown["totals"]["statements"], 0);
  EXPECT_TRUE(shown["firms"].empty());
}

}  // namespace
}  // namespace voucherd::billing

// The programme's year: what is calculated, by month, district and category, and where it leads.
#include "billing/core/programme.h"

#include <gtest/gtest.h>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;
using Json = nlohmann::ordered_json;

class ProgrammeTest : public testing::Test {
 protected:
  void use(std::string_view on, std::string_view amount, const SkuId& sku = gpu) {
    account_.usage.push_back(used(on, amount, sku));
  }
  FirmOfProgramme firm_in_2026(int full_months) const {
    std::vector<UsageOfDay> of_year;
    for (const UsageOfDay& each : account_.usage)
      if (month_of(each.day).year() == 2026) of_year.push_back(each);
    return firm_of_programme(account_, rate_usage(account_.firm, account_.usage, facts_), of_year, 2026,
                             full_months, facts_);
  }
  Json shown(int full_months) const {
    ProgrammeYear year(2026, full_months, facts_);
    year.add(firm_in_2026(full_months));
    return year.shown();
  }
  Facts facts_ = example::facts();
  FirmAccount account_ = account({});
};

TEST_F(ProgrammeTest, AddsUpAYearByMonthDistrictAndCategory) {
  use("2025-12-31", "1000");
  use("2026-01-10", "100");
  use("2026-02-10", "200");
  use("2026-02-11", "5", disk);
  const Json year = shown(2);
  EXPECT_EQ(year["card_hours"], "300");
  EXPECT_EQ(year["net"], "2551.50");
  EXPECT_EQ(year["eligible"], "2550.00");
  EXPECT_EQ(year["subsidy"], "510.00");
  EXPECT_EQ(year["months"][0]["subsidy"], "170.00");
  EXPECT_EQ(year["months"][1]["subsidy"], "340.00");
  EXPECT_EQ(year["months"][11]["subsidy_to_date"], "510.00");
  EXPECT_EQ(year["districts"][0]["district"], "渝中区");
  EXPECT_EQ(year["districts"][0]["subsidy"], "510.00");
  EXPECT_EQ(year["categories"][0]["category"], "ai_agent");
  EXPECT_EQ(year["categories"][0]["eligible_card_hours"], "300");
}

TEST_F(ProgrammeTest, GoesOnWithTheMeanOfTheLastThreeFullMonths) {
  use("2026-01-10", "1000");
  for (const char* day : {"2026-02-10", "2026-03-10", "2026-04-10"}) use(day, "100");
  use("2026-05-10", "1");  // not a full month
  const FirmOfProgramme firm = firm_in_2026(4);
  // 0.2 × (8.5 × 1300 + 850 × 8 months)
  EXPECT_EQ(to_string(firm.forecast()), "3570.00");
  EXPECT_EQ(to_string(firm.months[4].forecast), "2380.00");
  EXPECT_EQ(to_string(firm.months[3].forecast), "2210.00") << "a full month is what it is";
  EXPECT_EQ(shown(4)["forecast"]["basis"], Json({"2026-02", "2026-03", "2026-04"}));
}

TEST_F(ProgrammeTest, ForecastsNobodyBeyondTheirCapNorBelowWhatIsCalculated) {
  facts_.policies.at(policy_id).annual_cap = yuan("600.00");
  use("2026-01-10", "100");
  EXPECT_EQ(to_string(firm_in_2026(1).forecast()), "600.00");
  use("2026-02-10", "1000");
  EXPECT_TRUE(firm_in_2026(2).at_cap);
  use("2026-03-10", "1");
  EXPECT_EQ(to_string(firm_in_2026(3).forecast()), "600.00");
}

TEST_F(ProgrammeTest, AFirmThatStoppedIsExpectedToStayWhereItIs) {
  use("2026-01-10", "100");
  EXPECT_EQ(to_string(firm_in_2026(4).forecast()), "170.00");
}

TEST_F(ProgrammeTest, CountsNoMonthThatBeginsWithoutAPolicy) {
  facts_.policies.at(policy_id).days.until = day("2026-07-01");
  use("2026-05-10", "100");
  use("2026-06-10", "100");
  const FirmOfProgramme firm = firm_in_2026(5);
  // The basis is March to May: 850 in three months, and only June is to come.
  EXPECT_EQ(to_string(firm.months[5].forecast), "340.00") << "June has more already than the mean";
  EXPECT_EQ(firm.forecast(), firm.months[5].forecast);
}

TEST_F(ProgrammeTest, AFirmAndItsPredecessorAreForecastUnderOneCap) {
  const FirmId predecessor{"91500000MA5UOLDXXX"};
  put(facts_, eligible_firm(predecessor));
  put(facts_, eligible_firm(firm, {predecessor}));
  facts_.policies.at(policy_id).annual_cap = yuan("2000.00");
  const auto forecast = [&](const FirmAccount& account) {
    const RatedUsage rated = rate_usage(account.firm, account.usage, facts_);
    return to_string(firm_of_programme(account, rated, account.usage, 2026, 3, facts_).forecast());
  };
  FirmAccount old{predecessor, {used("2026-03-01", "300")}, {}, {}};
  FirmAccount successor = account({used("2026-03-01", "900")});
  successor.predecessor_usage.emplace(predecessor, old.usage);
  // 0.2 × 850 = 170 a month go on: 510 now, 2,040 at the end, were it not for the cap.
  EXPECT_EQ(forecast(old), "2000.00");
  EXPECT_EQ(forecast(successor), "0.00");
  facts_.policies.at(policy_id).annual_cap = yuan("3000.00");
  EXPECT_EQ(forecast(old), "2040.00");
  EXPECT_EQ(forecast(successor), "960.00");
}

TEST_F(ProgrammeTest, CountsADayOfACardAsTwentyFourCardHours) {
  const SkuId by_day{"gpu.by-day"}, other{"gpu.pflops"};
  facts_.skus[by_day] = {by_day, "A800", "card_day", "compute", rate("0.06")};
  facts_.skus[other] = {other, "A800", "pflops_day", "compute", rate("0.06")};
  facts_.price_books.at(book_q1).prices[by_day] = flat("200");
  use("2026-01-10", "100");
  use("2026-01-11", "2.5", by_day);
  use("2026-01-12", "7", other);
  use("2025-12-31", "1", by_day);
  use("2026-02-01", "1", by_day);
  facts_.firms.at(firm).eligibility[0].days = days("2026-01-01", "2026-02-01");
  const Json year = shown(2);
  EXPECT_EQ(year["card_hours"], "184");
  EXPECT_EQ(year["eligible_card_hours"], "160");
  EXPECT_EQ(year["months"][0]["card_hours"], "160");
}

TEST_F(ProgrammeTest, CountsUnpricedCardDaysAsCardHoursToo) {
  const SkuId by_day{"gpu.by-day"};
  facts_.skus[by_day] = {by_day, "A800", "card_day", "compute", rate("0.06")};
  use("2026-01-11", "1", by_day);
  EXPECT_EQ(shown(1)["card_hours"], "24");
}

TEST_F(ProgrammeTest, HasNoForecastBeforeAFullMonth) {
  use("2026-01-10", "100");
  const Json year = shown(0);
  EXPECT_TRUE(year["forecast"].is_null());
  EXPECT_TRUE(year["months"][0]["forecast_to_date"].is_null());
  EXPECT_EQ(year["subsidy"], "170.00");
}

TEST_F(ProgrammeTest, SaysWhatOfTheBudgetIsUsedAndWhenItWillBe) {
  EXPECT_TRUE(shown(1)["budget"].is_null());
  facts_.policies.at(policy_id).programme_budget = yuan("1000.00");
  use("2026-01-10", "100");
  const Json year = shown(1);
  EXPECT_EQ(year["budget"], "1000.00");
  EXPECT_EQ(year["budget_used"], "0.1700");
  EXPECT_EQ(year["budget_left"], "830.00");
  EXPECT_EQ(year["forecast"]["subsidy"], "2040.00");
  EXPECT_EQ(year["forecast"]["budget_left"], "-1040.00");
  EXPECT_EQ(year["forecast"]["budget_reached"], "2026-06");
}

TEST_F(ProgrammeTest, LeavesOutFirmsWithoutUsageAndKeepsTheIneligibleApart) {
  EXPECT_EQ(shown(1)["firms"]["with_usage"], 0);
  facts_.firms.at(firm).eligibility.clear();
  use("2026-01-10", "100");
  const Json year = shown(1);
  EXPECT_EQ(year["firms"]["with_usage"], 1);
  EXPECT_EQ(year["firms"]["eligible"], 0);
  EXPECT_TRUE(year["categories"][0]["category"].is_null());
}

}  // namespace
}  // namespace voucherd::billing

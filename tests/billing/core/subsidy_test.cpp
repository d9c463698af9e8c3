// Rules §5: the target of a year.
#include "billing/core/subsidy.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;

PolicyShare share(std::string_view rate_text, std::string_view cap, std::string_view eligible) {
  return {rate(rate_text), yuan(cap), yuan(eligible)};
}
std::string target(const std::vector<PolicyShare>& shares, std::string_view other_centres = "0",
                   std::string_view other_awards = "0") {
  return to_string(subsidy_target(shares, yuan(other_centres), yuan(other_awards)));
}

TEST(SubsidyTest, MatchesTheVectors) {
  std::ifstream file(VOUCHERD_SOURCE_DIR "/tests/golden/subsidy.json");
  const nlohmann::json vectors = nlohmann::json::parse(file);
  ASSERT_GE(vectors.size(), 10U);
  for (const auto& vector : vectors) {
    Fen eligible;
    Fen granted;
    for (std::size_t i = 0; i < vector["eligible"].size(); ++i) {
      eligible += yuan(vector["eligible"][i].get<std::string>());
      const PolicyShare share{rate(vector["rate"].get<std::string>()),
                              yuan(vector["annual_cap"].get<std::string>()), eligible};
      const Fen target = subsidy_target({share}, yuan(vector["other_centres"].get<std::string>()),
                                        yuan(vector["other_award"].get<std::string>()));
      EXPECT_EQ(to_string(target - granted), vector["subsidy"][i].get<std::string>())
          << vector["name"] << " " << i;
      granted = target;
    }
  }
}

TEST(SubsidyTest, WithoutPoliciesThereIsNone) { EXPECT_EQ(target({}), "0.00"); }

TEST(SubsidyTest, OtherCentresAboveTheCapLeaveNothing) {
  EXPECT_EQ(target({share("0.20", "1000000", "5000000")}, "1000000.01"), "0.00");
}

TEST(SubsidyTest, AnotherAwardIsTakenOffWhatTheCapLeaves) {
  EXPECT_EQ(target({share("0.20", "100", "5000")}, "0", "30"), "70.00");
  EXPECT_EQ(target({share("0.20", "100", "5000")}, "20", "30"), "50.00");
  EXPECT_EQ(target({share("0.20", "100", "5000")}, "0", "100.01"), "0.00");
}

TEST(SubsidyTest, SucceedingPoliciesAddUpUnderTheCapThenInForce) {
  // 80 under the first; the second may fill up to 200.
  EXPECT_EQ(target({share("0.20", "100", "400"), share("0.30", "200", "100")}), "110.00");
  EXPECT_EQ(target({share("0.20", "100", "9000"), share("0.30", "200", "100")}), "130.00");
  EXPECT_EQ(target({share("0.20", "100", "9000"), share("0.30", "200", "9000")}), "200.00");
}

TEST(SubsidyTest, ALowerCapOfASuccessorTakesNothingBack) {
  EXPECT_EQ(target({share("0.20", "100", "9000"), share("0.30", "50", "9000")}), "100.00");
  EXPECT_EQ(target({share("0.20", "100", "200"), share("0.30", "50", "9000")}), "50.00");
}

TEST(SubsidyTest, SucceedingPoliciesAreRoundedOnceAtTheEnd) {
  // 0.4 fen and 0.4 fen: apart nothing, together one fen.
  EXPECT_EQ(target({share("0.20", "100", "0.02"), share("0.20", "100", "0.02")}), "0.01");
}

TEST(SubsidyTest, CrossesTheCapToTheFen) {
  EXPECT_TRUE(rc::check("E around cap / rate", [] {
    const auto cap_fen = *rc::gen::inRange<std::int64_t>(1, 200'000'000);
    const auto percent = *rc::gen::inRange<std::int64_t>(1, 101);
    const auto offset = *rc::gen::inRange<std::int64_t>(-3, 4);
    const std::int64_t eligible = std::max<std::int64_t>(0, cap_fen * 100 / percent + offset);
    const Rate rate{percent * 10'000, "?"};
    const Fen target = subsidy_target({{rate, Fen{cap_fen}, Fen{eligible}}}, {}, {});
    const Int128 doubled = static_cast<Int128>(eligible) * percent * 2;  // in 1/200 fen
    RC_ASSERT(target <= Fen{cap_fen});
    RC_ASSERT((target == Fen{cap_fen}) == (doubled >= (static_cast<Int128>(cap_fen) * 200) - 100));
    if (target < Fen{cap_fen}) RC_ASSERT(target.value == (doubled + 100) / 200);
  }));
}

class SubsidyOfYearTest : public testing::Test {
 protected:
  SubsidyYear year(int year, int month) const {
    return subsidy_of_year(account_, rate_usage(account_.firm, account_.usage, facts_), year, month, facts_);
  }
  void give_usage(const FirmId& to, std::string_view on, std::string_view amount) {
    if (to == firm)
      account_.usage.push_back(used(on, amount));
    else
      account_.predecessor_usage[to].push_back(used(on, amount));
  }
  Facts facts_ = [] {
    Facts facts = example::facts();
    facts.price_books.at(book_q1).prices[gpu] = flat("1");
    facts.policies.at(policy_id).annual_cap = yuan("1000");
    return facts;
  }();
  FirmAccount account_ = account({});
};

TEST_F(SubsidyOfYearTest, CountsTheUsageMonthsUpToTheMonth) {
  give_usage(firm, "2026-01-31", "100");
  give_usage(firm, "2026-02-01", "200");
  give_usage(firm, "2027-01-01", "400");
  EXPECT_EQ(to_string(year(2026, 1).target), "20.00");
  EXPECT_EQ(to_string(year(2026, 2).target), "60.00");
  EXPECT_EQ(to_string(year(2026, 12).eligible_to_date), "300.00");
  EXPECT_EQ(to_string(year(2027, 1).target), "80.00") << "each year has the whole cap";
}

TEST_F(SubsidyOfYearTest, ShowsCapOtherCentresAndWhatRemains) {
  give_usage(firm, "2026-01-01", "100");
  put(facts_, award("a", AwardKind::same_programme, "300"));
  put(facts_, award("b", AwardKind::same_programme, "50"));
  put(facts_, award("of another year", AwardKind::same_programme, "1", firm, 2027));
  put(facts_, award("of another firm", AwardKind::same_programme, "1", FirmId("other")));
  const SubsidyYear shown = year(2026, 3);
  EXPECT_EQ(to_string(shown.cap), "1000.00");
  EXPECT_EQ(to_string(shown.other_centres), "350.00");
  EXPECT_EQ(to_string(shown.remaining), "630.00");
}

TEST_F(SubsidyOfYearTest, AnAwardUnderAnotherPolicyIsToppedUpToTheHigherOfTheTwo) {
  give_usage(firm, "2026-01-01", "100");
  put(facts_, award("a", AwardKind::other_policy, "15"));
  EXPECT_EQ(to_string(year(2026, 3).target), "5.00");
  EXPECT_EQ(to_string(year(2026, 3).other_centres), "0.00");
  EXPECT_EQ(to_string(year(2026, 3).remaining), "995.00") << "it does not shrink the cap";
  put(facts_, award("a", AwardKind::other_policy, "25"));
  EXPECT_EQ(to_string(year(2026, 3).target), "0.00");
}

TEST_F(SubsidyOfYearTest, ThePolicyThatAnAwardNamesIsInformationOnly) {
  give_usage(firm, "2026-01-01", "100");
  Award named = award("a", AwardKind::other_policy, "15");
  named.policy = policy_id.value;
  put(facts_, named);
  EXPECT_EQ(to_string(year(2026, 3).target), "5.00");
}

TEST_F(SubsidyOfYearTest, AnAwardOfBothKindsIsTakenFromTheCapAndFromTheTarget) {
  give_usage(firm, "2026-01-01", "10000");  // 2,000 of a cap of 1,000
  put(facts_, award("a", AwardKind::same_programme, "300"));
  put(facts_, award("b", AwardKind::other_policy, "100"));
  EXPECT_EQ(to_string(year(2026, 3).target), "600.00");
}

TEST_F(SubsidyOfYearTest, WhatRemainsIsNeverBelowZero) {
  put(facts_, award("a", AwardKind::same_programme, "1200"));
  EXPECT_EQ(to_string(year(2026, 3).remaining), "0.00");
}

TEST_F(SubsidyOfYearTest, TheCapShownIsThatOfTheLastPolicySoFar) {
  facts_.policies.at(policy_id).days = days("2026-02-01", "2026-06-01");
  Policy next = shipped_policy();
  next.id = PolicyId("a-successor");
  next.days = days("2026-06-01");
  next.annual_cap = yuan("2000");
  put(facts_, next);
  EXPECT_EQ(to_string(year(2026, 1).cap), "0.00");
  EXPECT_EQ(to_string(year(2026, 5).cap), "1000.00");
  EXPECT_EQ(to_string(year(2026, 6).cap), "2000.00");
  EXPECT_EQ(to_string(year(2025, 12).cap), "0.00");
}

TEST_F(SubsidyOfYearTest, PoliciesCountInTheOrderOfTimeNotOfTheirNames) {
  facts_.policies.at(policy_id).days = days("2025-12-25", "2026-06-01");
  facts_.policies.at(policy_id).rate = rate("0.05");
  Policy next = shipped_policy();
  next.id = PolicyId("a-successor");
  next.days = days("2026-06-01");
  next.annual_cap = yuan("500");
  put(facts_, next);
  give_usage(firm, "2026-05-31", "9000");
  give_usage(firm, "2026-06-01", "9000");
  EXPECT_EQ(to_string(year(2026, 12).target), "500.00")
      << "450, then filled to 500; the other way round: 500, then 450 more under 1000";
}

TEST_F(SubsidyOfYearTest, APredecessorsTargetCountsAsAnotherCentres) {
  const FirmId old("91500000MA5UOLDXXX");
  put(facts_, eligible_firm(old));
  put(facts_, eligible_firm(firm, {old}));
  give_usage(old, "2026-02-01", "3000");
  give_usage(firm, "2026-06-01", "9000");
  EXPECT_EQ(to_string(year(2026, 1).other_centres), "0.00");
  EXPECT_EQ(to_string(year(2026, 12).other_centres), "600.00");
  EXPECT_EQ(to_string(year(2026, 12).target), "400.00");
  EXPECT_EQ(to_string(year(2027, 1).other_centres), "0.00") << "each year for itself";
}

TEST_F(SubsidyOfYearTest, PredecessorsOfPredecessorsCountInTurnAndEachOnce) {
  const FirmId root("91500000MA5UROOTXX");
  const FirmId left("91500000MA5ULEFTXX");
  const FirmId right("91500000MA5URIGHTX");
  put(facts_, eligible_firm(root));
  put(facts_, eligible_firm(left, {root}));
  put(facts_, eligible_firm(right, {root}));
  put(facts_, eligible_firm(firm, {left, right}));
  give_usage(root, "2026-01-01", "2000");   // 400
  give_usage(left, "2026-02-01", "500");    // 100
  give_usage(right, "2026-02-01", "9000");  // 600: its own cap is lowered by the root's 400
  give_usage(firm, "2026-03-01", "9000");
  EXPECT_EQ(to_string(year(2026, 12).other_centres), "1100.00");
  EXPECT_EQ(to_string(year(2026, 12).target), "0.00");
  EXPECT_EQ(to_string(year(2026, 12).remaining), "0.00");
}

TEST_F(SubsidyOfYearTest, ACircleOfPredecessorsEnds) {
  const FirmId other("91500000MA5UOTHERX");
  put(facts_, eligible_firm(other, {firm, other}));
  put(facts_, eligible_firm(firm, {other, firm}));
  give_usage(other, "2026-01-01", "1000");
  give_usage(firm, "2026-01-01", "1000");
  EXPECT_EQ(to_string(year(2026, 12).other_centres), "200.00");
  EXPECT_EQ(to_string(year(2026, 12).target), "200.00");
}

TEST_F(SubsidyOfYearTest, ALongChainOfPredecessorsIsReckonedOnceEach) {
  FirmId successor = firm;
  for (int i = 0; i < 40; ++i) {  // reckoned anew for each way, this would take 2^40 steps
    const FirmId predecessor("P" + std::to_string(i));
    put(facts_, eligible_firm(successor, {predecessor}));
    put(facts_, eligible_firm(predecessor));
    give_usage(predecessor, "2026-01-01", "5");
    successor = predecessor;
  }
  EXPECT_EQ(to_string(year(2026, 12).other_centres), "40.00");
}

TEST_F(SubsidyOfYearTest, GrantedBeforeIsWhatTheClosedStatementsGranted) {
  give_usage(firm, "2026-01-01", "100");
  account_.billed.granted[2026] = yuan("25");
  EXPECT_EQ(to_string(year(2026, 1).granted_before), "25.00");
  EXPECT_EQ(to_string(year(2026, 1).this_statement), "-5.00");
}

}  // namespace
}  // namespace voucherd::billing

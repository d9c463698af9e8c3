// Closing months: what refuses a close, what closes along, and that frozen bytes stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/billing/ledger/world.h"

namespace voucherd::billing::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CloseTest : public ::testing::Test {
 protected:
  CloseTest() {
    world_.furnish();
    world_.now = parse_instant("2026-06-01T00:00:00+08:00").value();
  }
  std::vector<std::string> reasons(const std::string& month, const std::string& signed_off = "") {
    std::vector<std::string> out;
    const auto judged = world_.judge_close(month, signed_off);
    if (!judged.refusal) return out;
    EXPECT_EQ(judged.refusal->status, 409);
    for (const auto& fault : judged.refusal->faults) out.push_back(fault.detail);
    return out;
  }
  const Ledger& ledger() { return *world_.ledger; }
  World world_;
};

TEST_F(CloseTest, WaitsForTheMonthsEndAtTheJournalsOffset) {
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  world_.now = parse_instant("2026-05-31T15:59:59.999Z").value();
  EXPECT_THAT(reasons("2026-05", "signed"), ElementsAre(HasSubstr("has not ended")));
  world_.now = parse_instant("2026-05-31T16:00:00Z").value();
  EXPECT_THAT(reasons("2026-05"), IsEmpty());
}

TEST_F(CloseTest, FreezesEveryFirmsStatement) {
  world_.use(firm_a, "gpu", "2026-05-10", "12.5", "p");
  world_.use(firm_b, "disk", "2026-05-31", "3");
  const auto before = ledger().open_totals(World::month("2026-05"));
  const auto judged = world_.judge_close("2026-05");
  ASSERT_FALSE(judged.refusal);
  world_.close("2026-05");
  EXPECT_EQ(judged.totals, before);
  const auto closed = ledger().closed(World::month("2026-05"));
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->totals, before);
  EXPECT_EQ(closed->totals.statements, 2u);
  EXPECT_EQ(to_string(closed->totals.net), "128.00");
  EXPECT_EQ(to_string(closed->totals.subsidy), "25.00");
  EXPECT_EQ(closed->at, world_.now);
  const auto statement = ledger().closed_statement(World::month("2026-05"), FirmId{firm_a});
  ASSERT_TRUE(statement);
  EXPECT_EQ(statement->position, closed->position);
  EXPECT_EQ(statement->root, "root-" + std::to_string(closed->position));
  const auto json = nlohmann::json::parse(statement->canonical);
  EXPECT_EQ(json.at("state"), "closed");
  EXPECT_EQ(json.at("closed_at"), "2026-06-01T00:00:00+08:00");
  EXPECT_EQ(json.at("closed_by").at("id"), "tester");
  EXPECT_EQ(ledger().open_statement(World::month("2026-05"), FirmId{firm_a}), nullptr);
  EXPECT_THAT(ledger().firms_with_statement(World::month("2026-05"), FirmId{}, 1),
              ElementsAre(FirmId{firm_b}));
  EXPECT_THAT(ledger().firms_with_statement(World::month("2026-05"), FirmId{firm_b}, 9),
              ElementsAre(FirmId{firm_a}));
}

TEST_F(CloseTest, ServesFrozenBytesWhateverComesLater) {
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  world_.close("2026-05");
  const auto before = ledger().closed_statement(World::month("2026-05"), FirmId{firm_a})->canonical;
  world_.use(firm_a, "gpu", "2026-05-11", "1");
  world_.put(FactKind::firm, firm_a, World::firm_body("2026-06-01"), "late evidence");
  EXPECT_EQ(ledger().closed_statement(World::month("2026-05"), FirmId{firm_a})->canonical, before);
}

TEST_F(CloseTest, CarriesLateUsageAsAnAdjustmentOfTheNextMonth) {
  const auto event = world_.use(firm_a, "gpu", "2026-04-10", "10");
  world_.close("2026-04");
  world_.correct(event, "4");
  const auto* statement = ledger().open_statement(World::month("2026-05"), FirmId{firm_a});
  ASSERT_TRUE(statement);
  ASSERT_EQ(statement->lines.size(), 1u);
  EXPECT_TRUE(statement->lines[0].adjustment);
  EXPECT_EQ(to_string(statement->lines[0].figures.net), "-60.00");
  EXPECT_EQ(to_string(statement->subsidy_total()), "-12.00");
  EXPECT_THAT(ledger().periods(), ElementsAre(World::month("2026-04"), World::month("2026-05")));
}

TEST_F(CloseTest, IsRefusedWhileAnEarlierOpenMonthHasALine) {
  world_.use(firm_a, "gpu", "2026-03-10", "1");
  world_.use(firm_b, "disk", "2026-04-10", "1");
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  EXPECT_THAT(reasons("2026-05", "signed"),
              ElementsAre(HasSubstr("close 2026-03 first"), HasSubstr("close 2026-04 first")));
  world_.close("2026-03");
  EXPECT_THAT(reasons("2026-05"), ElementsAre(HasSubstr("close 2026-04 first")));
}

TEST_F(CloseTest, IsRefusedWhileAnEarlierOpenMonthHasASubsidyDifferenceOnly) {
  world_.use(firm_a, "gpu", "2026-02-10", "10");
  world_.close("2026-02");
  world_.put(FactKind::external_award, "x",
             {{"firm", firm_a}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "5"}});
  EXPECT_THAT(reasons("2026-04"), ElementsAre(HasSubstr("close 2026-03 first")));
}

TEST_F(CloseTest, ClosesEmptyEarlierMonthsAlong) {
  world_.use(firm_a, "gpu", "2026-02-10", "1");
  world_.close("2026-02");
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  world_.close("2026-05");
  EXPECT_EQ(ledger().closed_through(), World::month("2026-05"));
  const auto along = ledger().closed(World::month("2026-03"));
  ASSERT_TRUE(along);
  EXPECT_EQ(along->totals, PeriodTotals{});
  EXPECT_EQ(along->period, World::month("2026-03"));
  EXPECT_EQ(along->position, ledger().closed(World::month("2026-05"))->position);
  EXPECT_TRUE(world_.judge_close("2026-04").already);
}

TEST_F(CloseTest, AnswersAlreadyForAClosedMonth) {
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  world_.close("2026-05");
  world_.now.ms += 1000;
  const auto again = world_.judge_close("2026-05");
  ASSERT_TRUE(again.already);
  EXPECT_EQ(again.already->totals, ledger().closed(World::month("2026-05"))->totals);
  EXPECT_EQ(again.already->at.ms, world_.now.ms - 1000);
  EXPECT_TRUE(again.payload.empty());
}

TEST_F(CloseTest, IsRefusedWhileUsageHasNoPrice) {
  world_.put(FactKind::sku, "npu", {{"name", "910B"}, {"unit", "card_hour"}, {"kind", "compute"}});
  world_.use(firm_a, "npu", "2026-05-10", "2");
  world_.use(firm_b, "npu", "2026-05-11", "1");
  EXPECT_THAT(reasons("2026-05"),
              ElementsAre(HasSubstr("3 card_hour of npu in 2026-05 have no price (2 firms)")));
  EXPECT_THAT(reasons("2026-05", "the price is being negotiated"), IsEmpty());
  world_.close("2026-05", "the price is being negotiated");
  EXPECT_EQ(ledger().closed(World::month("2026-05"))->reason, "the price is being negotiated");
  // What was signed off does not stand in the way of later months.
  world_.now = parse_instant("2026-07-01T00:00:00+08:00").value();
  EXPECT_THAT(reasons("2026-06"), IsEmpty());
}

TEST_F(CloseTest, HoldsTheRefusalsForMonthsClosedAlong) {
  world_.put(FactKind::sku, "npu", {{"name", "910B"}, {"unit", "card_hour"}, {"kind", "compute"}});
  world_.use(firm_a, "npu", "2026-03-10", "2");
  world_.quarantine("2026-02", "2026-02");
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  EXPECT_THAT(reasons("2026-05"),
              ElementsAre(HasSubstr("1 unresolved quarantine entry"), HasSubstr("npu in 2026-03")));
  world_.close("2026-05", "signed");
  // The statement that showed the unpriced usage of March is frozen with its month.
  EXPECT_TRUE(ledger().closed_statement(World::month("2026-03"), FirmId{firm_a}));
  EXPECT_EQ(ledger().closed(World::month("2026-03"))->totals.statements, 1u);
}

// A month with outstanding unpriced usage has a statement, whether anything was used in it or not.
TEST_F(CloseTest, FreezesWhatIsStillUnpricedInEveryMonthThatItCloses) {
  world_.put(FactKind::sku, "npu", {{"name", "910B"}, {"unit", "card_hour"}, {"kind", "compute"}});
  world_.use(firm_a, "npu", "2026-01-10", "2");
  world_.use(firm_b, "gpu", "2026-01-10", "1");
  world_.close("2026-01", "the price is being negotiated");
  for (const auto* month : {"2026-02", "2026-03", "2026-04"}) {
    EXPECT_NE(ledger().open_statement(World::month(month), FirmId{firm_a}), nullptr) << month;
  }
  const auto would = ledger().readiness(World::month("2026-04")).months.at(World::month("2026-04"));
  EXPECT_EQ(would.statements, 1u);
  EXPECT_EQ(would, world_.judge_close("2026-04").totals);
  world_.close("2026-04");
  for (const auto* month : {"2026-02", "2026-03", "2026-04"}) {
    EXPECT_TRUE(ledger().closed_statement(World::month(month), FirmId{firm_a})) << month;
    EXPECT_FALSE(ledger().closed_statement(World::month(month), FirmId{firm_b})) << month;
    EXPECT_EQ(ledger().closed(World::month(month))->totals, would) << month;
  }
}

TEST_F(CloseTest, IsRefusedWhileTheQuarantineTouchesTheMonth) {
  world_.quarantine("2026-04", "2026-05");
  world_.quarantine("2026-06", "2026-06");
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  EXPECT_THAT(reasons("2026-05"), ElementsAre(HasSubstr("1 unresolved quarantine entry touches")));
  world_.close("2026-05", "signed");
  world_.now = parse_instant("2026-07-01T00:00:00+08:00").value();
  EXPECT_THAT(reasons("2026-06"), ElementsAre(HasSubstr("1 unresolved quarantine entry")));
}

TEST_F(CloseTest, GivesAllReasonsAtOnce) {
  world_.put(FactKind::sku, "npu", {{"name", "910B"}, {"unit", "card_hour"}, {"kind", "compute"}});
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  world_.use(firm_a, "npu", "2026-06-10", "1");
  world_.quarantine("2026-06", "2026-06");
  EXPECT_THAT(reasons("2026-06"), ElementsAre(HasSubstr("has not ended"), HasSubstr("close 2026-05 first"),
                                              HasSubstr("quarantine"), HasSubstr("npu")));
  EXPECT_EQ(ledger().readiness(World::month("2026-06")).obstacles.size(), 3u);
  EXPECT_THAT(ledger().readiness(World::month("2026-05")).obstacles, IsEmpty());
}

TEST_F(CloseTest, ClosesAMonthInWhichNothingHappened) {
  world_.close("2026-04");
  EXPECT_EQ(ledger().closed(World::month("2026-04"))->totals, PeriodTotals{});
  EXPECT_THAT(ledger().periods(), ElementsAre(World::month("2026-04")));
}

TEST_F(CloseTest, IsRefusedForAMonthBeforeAnyUsageIsTaken) {
  const auto too_early = ElementsAre(HasSubstr("close 2025-01 or a later month"));
  EXPECT_THAT(reasons("0001-01", "signed"), too_early);
  EXPECT_THAT(reasons("2024-12", "signed"), too_early);
  EXPECT_THAT(reasons("2025-01"), IsEmpty());
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  EXPECT_THAT(reasons("2024-12", "signed"), too_early);
  EXPECT_EQ(ledger().readiness(World::month("2024-12")).obstacles.size(), 1u);
  // Usage that was taken while accept_from was earlier is billed in its months.
  world_.use(firm_a, "gpu", "2024-11-10", "1");
  EXPECT_THAT(reasons("2024-10", "signed"), ElementsAre(HasSubstr("close 2024-11 or a later month")));
  world_.close("2024-11", "without a price");
  world_.close("2024-12", "without a price");
}

TEST_F(CloseTest, ClosesMonthsBeforeAcceptFromThatFollowAClosedOne) {
  world_.close("2026-02");
  world_.put(FactKind::settings, "settings", {{"accept_from", "2026-05-15"}});
  EXPECT_THAT(reasons("2026-03"), IsEmpty());
}

TEST_F(CloseTest, AnswersAtOnceForAMonthFarAhead) {
  world_.use(firm_a, "gpu", "2026-05-10", "1");
  EXPECT_THAT(reasons("9999-11"), ElementsAre(HasSubstr("has not ended"), HasSubstr("close 2026-05 first")));
}

TEST_F(CloseTest, TellsBeforehandWhatACloseWouldFindAndDo) {
  world_.use(firm_a, "gpu", "2026-01-10", "10");
  world_.close("2026-01");
  world_.use(firm_a, "gpu", "2026-01-11", "1");   // late
  world_.use(firm_a, "disk", "2026-01-11", "2");  // late, another charge
  world_.use(firm_b, "gpu", "2026-02-10", "3");
  world_.put(FactKind::sku, "tape", {{"name", "T"}, {"unit", "gib"}, {"kind", "storage"}});
  world_.use(firm_b, "tape", "2026-02-10", "4");
  world_.use(firm_c, "tape", "2026-02-10", "5");
  world_.quarantine("2026-02", "2026-02");
  const auto readiness = ledger().readiness(World::month("2026-02"));
  EXPECT_EQ(readiness.obstacles.size(), 2u);
  ASSERT_EQ(readiness.unpriced.size(), 1u);
  EXPECT_EQ(to_string(readiness.unpriced[0].quantity) + readiness.unpriced[0].unit, "9gib");
  EXPECT_EQ(readiness.unpriced[0].firms, 2u);
  ASSERT_EQ(readiness.late.size(), 1u);
  const auto& late = readiness.late.at(World::month("2026-01"));
  EXPECT_EQ(late.lines, 2u);
  EXPECT_EQ(to_string(late.net) + " " + to_string(late.tax) + " " + to_string(late.eligible),
            "12.00 0.72 10.00");
  EXPECT_EQ(readiness.quarantine.at("firm_unknown"), 1u);
  ASSERT_EQ(readiness.months.size(), 1u);
  const auto would = readiness.months.at(World::month("2026-02"));
  EXPECT_EQ(would, world_.judge_close("2026-02", "signed off").totals);
}

TEST_F(CloseTest, RemarksAPolicyWithoutAnEndBeforeItsEndIsFixedForEver) {
  world_.use(firm_a, "gpu", "2026-01-10", "10");
  EXPECT_THAT(ledger().readiness(World::month("2026-01")).remarks, IsEmpty());
  auto endless = World::policy_body();
  endless["until"] = nullptr;
  world_.put(FactKind::policy, "policy", endless);
  EXPECT_EQ(ledger().readiness(World::month("2026-01")).remarks.size(), 1u);
  EXPECT_THAT(ledger().readiness(World::month("2025-11")).remarks, IsEmpty());
  world_.close("2026-01");
  EXPECT_THAT(ledger().readiness(World::month("2026-02")).remarks, IsEmpty());
}

}  // namespace
}  // namespace voucherd::billing::testing

// What a change would do, told before it is made: to closed statements, and by how much to open ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/billing/ledger/world.h"

namespace voucherd::billing::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PreviewTest : public ::testing::Test {
 protected:
  PreviewTest() { world_.furnish(); }

  Ledger::Preview preview(FactKind kind, const std::string& key, const json& body,
                          const std::string& reason = "") const {
    return world_.ledger->preview_facts({{kind, key, body}}, {"local", "tester"}, reason, std::nullopt);
  }
  /// January is closed with 10 card-hours of firm a, February is open with 20.
  void close_january() {
    world_.use(firm_a, "gpu", "2026-01-10", "10");
    world_.use(firm_a, "gpu", "2026-02-10", "20");
    world_.use(firm_b, "gpu", "2026-02-10", "1");
    world_.now = parse_instant("2026-02-05T00:00:00+08:00").value();
    world_.close("2026-01");
  }
  static json contract(const std::string& from) {
    return {{"firm", firm_a}, {"from", from}, {"discount", "0.5"}};
  }

  World world_;
};

TEST_F(PreviewTest, ListsTheOpenStatementsThatWouldChangeWithTheirAmountsBeforeAndAfter) {
  close_january();
  const auto shown = preview(FactKind::contract, "c", contract("2026-02-01"));
  ASSERT_FALSE(shown.refusal);
  EXPECT_FALSE(shown.needs_reason);
  EXPECT_THAT(shown.concerned, IsEmpty());
  ASSERT_THAT(shown.statements, SizeIs(1));
  EXPECT_EQ(to_string(shown.statements[0].period), "2026-02");
  EXPECT_EQ(shown.statements[0].firm.value, firm_a);
  const auto& [net, tax, gross, eligible, subsidy, payable] = shown.statements[0].before.value();
  EXPECT_EQ(to_string(net) + " " + to_string(tax) + " " + to_string(gross), "200.00 12.00 212.00");
  EXPECT_EQ(to_string(eligible) + " " + to_string(subsidy) + " " + to_string(payable), "200.00 40.00 212.00");
  const auto& after = shown.statements[0].after.value();
  EXPECT_EQ(to_string(after.net) + " " + to_string(after.tax) + " " + to_string(after.gross),
            "100.00 6.00 106.00");
  EXPECT_EQ(to_string(after.subsidy), "20.00");
}

TEST_F(PreviewTest, SaysThatAReasonIsNeededInsteadOfRefusing) {
  close_january();
  const auto shown = preview(FactKind::firm, firm_a, World::firm_body("2026-02-01"));
  ASSERT_FALSE(shown.refusal);
  EXPECT_TRUE(shown.needs_reason);
  EXPECT_THAT(shown.concerned, ElementsAre("2026-01/" + firm_a));
  ASSERT_THAT(shown.statements, SizeIs(1));
  EXPECT_EQ(to_string(shown.statements[0].before->subsidy), "40.00");
  EXPECT_EQ(to_string(shown.statements[0].after->subsidy), "20.00");  // 40 less the 20 of January
}

TEST_F(PreviewTest, KeepsNothing) {
  close_january();
  const std::string before = world_.saved();
  const std::string february = world_.open_bytes("2026-02", firm_a);
  preview(FactKind::contract, "c", contract("2026-02-01"));
  EXPECT_EQ(world_.saved(), before);
  EXPECT_EQ(world_.open_bytes("2026-02", firm_a), february);
}

TEST_F(PreviewTest, SaysWhatTheChangeItselfThenDoes) {
  close_january();
  const json body = contract("2026-02-01");
  const auto shown = preview(FactKind::contract, "c", body);
  world_.put(FactKind::contract, "c", body);
  const auto* open = world_.ledger->open_statement(World::month("2026-02"), FirmId{firm_a});
  EXPECT_EQ(to_string(open->net()), to_string(shown.statements.at(0).after->net));
  EXPECT_EQ(to_string(open->subsidy_total()), to_string(shown.statements.at(0).after->subsidy));
}

TEST_F(PreviewTest, RefusesWhatTheChangeWouldBeRefusedFor) {
  close_january();
  const auto used = preview(FactKind::price_book, "book", {{"effective_from", "2026-01-01"}, {"prices", {}}});
  ASSERT_TRUE(used.refusal);
  EXPECT_EQ(used.refusal->status, 422);
  json policy = World::policy_body();
  policy["rate"] = "0.30";
  EXPECT_EQ(preview(FactKind::policy, "policy", policy).refusal->status, 409);
}

TEST_F(PreviewTest, CountsAwardsAmongTheChangesThoughTheyNeedNoReason) {
  close_january();
  const auto shown = preview(FactKind::external_award, "a",
                             {{"firm", firm_a}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "15"}});
  EXPECT_FALSE(shown.needs_reason);
  ASSERT_THAT(shown.statements, SizeIs(1));
  EXPECT_EQ(to_string(shown.statements[0].after->subsidy), "25.00");
}

TEST_F(PreviewTest, ShowsAStatementThatWouldAppearAndOneThatWouldVanish) {
  world_.use(firm_a, "gpu", "2026-01-10", "10");
  world_.now = parse_instant("2026-02-05T00:00:00+08:00").value();
  world_.close("2026-01");
  const auto appears = preview(FactKind::firm, firm_a, World::firm_body("2026-02-01"));
  ASSERT_THAT(appears.statements, SizeIs(1));
  EXPECT_FALSE(appears.statements[0].before);
  EXPECT_EQ(to_string(appears.statements[0].after->subsidy), "-20.00");
  world_.put(FactKind::firm, firm_a, World::firm_body("2026-02-01"), "not recognised before");
  const auto vanishes = preview(FactKind::firm, firm_a, World::firm_body("2026-01-01"));
  ASSERT_THAT(vanishes.statements, SizeIs(1));
  EXPECT_FALSE(vanishes.statements[0].after);
}

TEST_F(PreviewTest, FollowsSuccessorsOfAFirmAndPricesOfEveryone) {
  close_january();
  json successor = World::firm_body();
  successor["predecessors"] = {firm_b};
  world_.put(FactKind::firm, firm_a, successor);
  // b's target shrinks a's cap; both change: b loses its 2 yuan of subsidy, a stays below its cap, but
  // shows less under other_centres.
  const auto shown = preview(FactKind::firm, firm_b, World::firm_body("2026-05-01"));
  ASSERT_THAT(shown.statements, SizeIs(2));
  const auto book = preview(FactKind::price_book, "q2",
                            {{"effective_from", "2026-02-01"}, {"prices", {{"gpu", "11"}, {"disk", "1"}}}});
  EXPECT_THAT(book.statements, SizeIs(2));
  EXPECT_THAT(preview(FactKind::settings, "settings", {{"accept_from", "2025-06-01"}}).statements, IsEmpty());
}

}  // namespace
}  // namespace voucherd::billing::testing

// What changes of facts are let through: references, overlaps, and what closed months forbid.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/billing/ledger/world.h"

namespace voucherd::billing::testing {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Actor actor{"local", "tester"};

class JudgeFactsTest : public ::testing::Test {
 protected:
  JudgeFactsTest() { world_.furnish(); }

  /// Usage of firm a in January and February, both closed; it is March.
  void close_january_and_february() {
    world_.use(firm_a, "gpu", "2026-01-10", "10");
    world_.use(firm_a, "gpu", "2026-02-10", "20");
    world_.now = parse_instant("2026-03-05T00:00:00+08:00").value();
    world_.close("2026-01");
    world_.close("2026-02");
  }

  static std::vector<std::string> pointers(const Ledger::Judged& judged) {
    std::vector<std::string> out;
    if (judged.refusal) {
      for (const auto& fault : judged.refusal->faults) out.push_back(fault.pointer);
    }
    return out;
  }
  static int status(const Ledger::Judged& judged) { return judged.refusal ? judged.refusal->status : 0; }

  static json contract(const std::string& from, const json& until, const std::string& firm = firm_a) {
    return {{"firm", firm}, {"from", from}, {"until", until}, {"discount", "0.10"}};
  }
  static json book(const std::string& from, const std::string& price) {
    return {{"effective_from", from}, {"prices", {{"gpu", price}, {"disk", "1"}}}};
  }
  static json award(const std::string& amount) {
    return {{"firm", firm_a}, {"year", 2026}, {"kind", "other_policy"}, {"amount", amount}};
  }

  World world_;
};

TEST_F(JudgeFactsTest, ListsUnknownReferencesBesideWhatElseIsWrong) {
  const std::string stranger = "9150000020286320X6";
  EXPECT_THAT(pointers(world_.judge(FactKind::contract, "c", contract("2026-13-01", nullptr, stranger))),
              UnorderedElementsAre("/from", "/firm"));
  json prices = book("2026-06-01", "eight");
  prices["prices"]["a/b"] = "1";
  EXPECT_THAT(pointers(world_.judge(FactKind::price_book, "q", prices)),
              UnorderedElementsAre("/prices/gpu", "/prices/a~1b"));
  json successor = World::firm_body();
  successor.erase("name");
  successor["predecessors"] = {"x", firm_b, stranger};
  EXPECT_THAT(pointers(world_.judge(FactKind::firm, firm_a, successor)),
              UnorderedElementsAre("/name", "/predecessors/0", "/predecessors/2"));
  // What couldn't be read is judged no further.
  EXPECT_THAT(pointers(world_.judge(FactKind::contract, "c", contract("2026-01-01", nullptr, "x"))),
              ElementsAre("/firm"));
  EXPECT_THAT(pointers(world_.judge(FactKind::external_award, "x", json::array())), ElementsAre(""));
}

TEST_F(JudgeFactsTest, RefusesReferencesToUnknownFirmsAndSkus) {
  const std::string stranger = "9150000020286320X6";
  EXPECT_THAT(pointers(world_.judge(FactKind::contract, "c", contract("2026-01-01", nullptr, stranger))),
              ElementsAre("/firm"));
  json prices = book("2026-06-01", "8");
  prices["prices"]["a/b"] = "1";
  EXPECT_THAT(pointers(world_.judge(FactKind::price_book, "q", prices)), ElementsAre("/prices/a~1b"));
  json successor = World::firm_body();
  successor["predecessors"] = {stranger};
  EXPECT_THAT(pointers(world_.judge(FactKind::firm, firm_a, successor)), ElementsAre("/predecessors/0"));
  json grant = award("1");
  grant["firm"] = stranger;
  EXPECT_THAT(pointers(world_.judge(FactKind::external_award, "x", grant)), ElementsAre("/firm"));
}

TEST_F(JudgeFactsTest, LetsChangesOfOneCallSeeEachOther) {
  const std::string newcomer = "9150000020286320X6";
  const auto judged =
      world_.ledger->judge_facts({{FactKind::contract, "c", contract("2026-01-01", nullptr, newcomer)},
                                  {FactKind::firm, newcomer, World::firm_body()}},
                                 actor, "", std::nullopt);
  EXPECT_FALSE(judged.refusal);
  EXPECT_THAT(judged.created, ElementsAre(true, true));
}

TEST_F(JudgeFactsTest, ListsTheFaultsOfAllChangesWithTheirIndex) {
  const auto judged =
      world_.ledger->judge_facts({{FactKind::contract, "c1", contract("2026-01-01", nullptr)},
                                  {FactKind::contract, "c2", contract("2026-06-01", nullptr)},
                                  {FactKind::sku, "x", json::object()},
                                  {FactKind::contract, "c1", contract("2026-01-01", nullptr)}},
                                 actor, "", std::nullopt);
  ASSERT_EQ(status(judged), 422);
  const auto found = pointers(judged);
  for (const std::string pointer : {"/0/from", "/1/from", "/2/name", "/2/unit", "/2/kind", "/3"}) {
    EXPECT_THAT(found, Contains(pointer));
  }
  EXPECT_TRUE(judged.payload.empty());
}

TEST_F(JudgeFactsTest, RefusesOverlappingContractsOfAFirmOnly) {
  world_.put(FactKind::contract, "c1", contract("2026-01-01", "2026-07-01"));
  EXPECT_THAT(pointers(world_.judge(FactKind::contract, "c2", contract("2026-06-30", nullptr))),
              ElementsAre("/from"));
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c2", contract("2026-07-01", nullptr))), 0);
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c2", contract("2026-06-30", nullptr, firm_b))), 0);
}

TEST_F(JudgeFactsTest, RefusesTwoBooksThatTakeEffectOnOneDay) {
  EXPECT_THAT(pointers(world_.judge(FactKind::price_book, "q2", book("2026-01-01", "8"))),
              ElementsAre("/effective_from"));
}

TEST_F(JudgeFactsTest, RefusesOverlappingPoliciesAndASecondProgramme) {
  EXPECT_THAT(pointers(world_.judge(FactKind::policy, "p2", World::policy_body())), ElementsAre("/from"));
  json other = World::policy_body();
  other["programme"] = "other";
  EXPECT_THAT(pointers(world_.judge(FactKind::policy, "p2", other)), ElementsAre("/programme"));
}

TEST_F(JudgeFactsTest, RefusesFirmsThatSucceedEachOtherInACircle) {
  json successor = World::firm_body();
  successor["predecessors"] = {firm_b};
  world_.put(FactKind::firm, firm_a, successor);
  successor["predecessors"] = {firm_c};
  world_.put(FactKind::firm, firm_b, successor);
  successor["predecessors"] = {firm_a};
  const auto judged = world_.judge(FactKind::firm, firm_c, successor);
  ASSERT_THAT(pointers(judged), ElementsAre("/predecessors/0"));
  EXPECT_THAT(judged.refusal->detail, HasSubstr("circle"));
}

TEST_F(JudgeFactsTest, WritesNothingWhereNothingChanges) {
  const auto judged = world_.judge(FactKind::policy, "policy", World::policy_body());
  EXPECT_FALSE(judged.refusal);
  EXPECT_TRUE(judged.payload.empty());
  EXPECT_THAT(judged.created, ElementsAre(false));
}

TEST_F(JudgeFactsTest, HonoursIfMatch) {
  const std::string etag = world_.ledger->etag_of(FactKind::firm, firm_a);
  const auto judge = [&](const std::string& key, const std::string& header) {
    return status(world_.ledger->judge_facts({{FactKind::firm, key, World::firm_body("2026-02-01")}}, actor,
                                             "", header));
  };
  EXPECT_EQ(judge(firm_a, etag), 0);
  EXPECT_EQ(judge(firm_a, "\"1\" , " + etag), 0);
  EXPECT_EQ(judge(firm_a, "*"), 0);
  EXPECT_EQ(judge(firm_a, "\"1\""), 412);
  EXPECT_EQ(judge(firm_a, "W/" + etag), 412);
  EXPECT_EQ(judge("9150000020286320X6", "*"), 412);
}

TEST_F(JudgeFactsTest, KeepsTheHistoryOfAFact) {
  world_.put(FactKind::firm, firm_a, World::firm_body("2026-02-01"), "typing error");
  const auto* versions = world_.ledger->history(FactKind::firm, firm_a);
  ASSERT_NE(versions, nullptr);
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ(versions->at(0).reason, "");
  EXPECT_EQ(versions->at(1).reason, "typing error");
  EXPECT_EQ(versions->at(1).by, actor);
  EXPECT_EQ(versions->at(1).shown.at("eligibility").at(0).at("from"), "2026-02-01");
  EXPECT_EQ(world_.ledger->history(FactKind::firm, "x"), nullptr);
  EXPECT_THAT(world_.ledger->keys(FactKind::firm, firm_b, 1), ElementsAre(firm_a));
}

TEST_F(JudgeFactsTest, ForbidsChangesOfWhatClosedStatementsUsed) {
  close_january_and_february();
  const auto refused = [&](FactKind kind, const std::string& key, const json& body) {
    return status(world_.judge(kind, key, body, "a reason does not help")) == 409;
  };
  EXPECT_TRUE(refused(FactKind::price_book, "book", book("2026-01-01", "11")));
  json policy = World::policy_body();
  policy["annual_cap"] = "2000";
  EXPECT_TRUE(refused(FactKind::policy, "policy", policy));
  json sku = {{"name", "A800"}, {"unit", "card_hour"}, {"kind", "network"}};
  EXPECT_TRUE(refused(FactKind::sku, "gpu", sku));
  sku["kind"] = "compute";
  sku["tax_rate"] = "0.13";
  EXPECT_TRUE(refused(FactKind::sku, "gpu", sku));
}

TEST_F(JudgeFactsTest, SaysWhatToDoInsteadOfAForbiddenChange) {
  close_january_and_february();
  const auto judged = world_.judge(FactKind::price_book, "book", book("2026-01-01", "11"));
  ASSERT_EQ(status(judged), 409);
  EXPECT_THAT(judged.refusal->detail, HasSubstr("new version"));
}

TEST_F(JudgeFactsTest, AllowsChangesOfWhatNoClosedStatementUsed) {
  close_january_and_february();
  EXPECT_EQ(
      status(world_.judge(FactKind::sku, "disk", {{"name", "D"}, {"unit", "gib"}, {"kind", "network"}})), 0);
  EXPECT_EQ(status(world_.judge(FactKind::sku, "gpu",
                                {{"name", "new name"}, {"unit", "card_hour"}, {"kind", "compute"}})),
            0);
  EXPECT_EQ(status(world_.judge(FactKind::price_book, "q2", book("2026-03-01", "11"))), 0);
}

TEST_F(JudgeFactsTest, LetsAUsedContractOnlyEndEarlierAfterTheLastClosedMonth) {
  world_.put(FactKind::contract, "c", contract("2026-01-01", nullptr));
  close_january_and_february();
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", contract("2026-01-01", "2026-03-01"))), 0);
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", contract("2026-01-01", "2026-02-28"), "r")), 409);
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", contract("2026-01-02", "2026-03-01"), "r")), 409);
  json other = contract("2026-01-01", "2026-03-01");
  other["discount"] = "0.20";
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", other, "r")), 409);
  world_.put(FactKind::contract, "c", contract("2026-01-01", "2026-06-01"));
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", contract("2026-01-01", "2026-07-01"), "r")), 409);
}

TEST_F(JudgeFactsTest, KeepsTheEndOfAPolicyThatWasInForceInAClosedMonth) {
  close_january_and_february();
  json policy = World::policy_body();
  for (const json& until : {json("2026-03-01"), json("2027-01-01"), json("2029-01-01"), json(nullptr)}) {
    policy["until"] = until;
    const auto judged = world_.judge(FactKind::policy, "policy", policy, "a reason does not help");
    ASSERT_EQ(status(judged), 409) << until;
    EXPECT_THAT(judged.refusal->detail,
                HasSubstr("add a new policy, with an id of its own, from 2028-01-01"));
  }
}

TEST_F(JudgeFactsTest, LetsASuccessorFollowAUsedPolicyOnTheDayOfItsEnd) {
  close_january_and_february();
  json successor = World::policy_body();
  successor["from"] = "2027-12-31";
  successor["until"] = nullptr;
  EXPECT_EQ(status(world_.judge(FactKind::policy, "next", successor)), 422);
  successor["from"] = "2028-01-01";
  EXPECT_EQ(status(world_.judge(FactKind::policy, "next", successor)), 0);
}

TEST_F(JudgeFactsTest, SaysThatAUsedPolicyWithoutAnEndCantBeFollowed) {
  json endless = World::policy_body();
  endless["until"] = nullptr;
  world_.put(FactKind::policy, "policy", endless);
  close_january_and_february();
  const auto judged = world_.judge(FactKind::policy, "policy", World::policy_body());
  ASSERT_EQ(status(judged), 409);
  EXPECT_THAT(judged.refusal->detail, HasSubstr("no other policy can follow it"));
}

TEST_F(JudgeFactsTest, LetsAPolicyChangeThatNoClosedMonthHasSeen) {
  close_january_and_february();
  json successor = World::policy_body();
  successor["from"] = "2028-01-01";
  successor["until"] = nullptr;
  world_.put(FactKind::policy, "next", successor);
  successor["rate"] = "0.30";
  EXPECT_EQ(status(world_.judge(FactKind::policy, "next", successor)), 0);
}

TEST_F(JudgeFactsTest, WantsAReasonForARelatedPartyThatReachesBack) {
  close_january_and_february();
  json related = World::firm_body();
  related["related_party"] = {{{"from", "2026-02-01"}, {"until", "2026-02-15"}}};
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, related)), 422);
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, related, "found by the audit")), 0);
  related["related_party"] = {{{"from", "2026-02-11"}, {"until", "2026-02-15"}}};  // after its usage
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, related)), 0);
}

TEST_F(JudgeFactsTest, WantsAReasonForAContractOrAPredecessorThatReachesBack) {
  close_january_and_february();
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", contract("2026-02-01", nullptr))), 422);
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", contract("2026-02-01", nullptr), "signed late")), 0);
  EXPECT_EQ(status(world_.judge(FactKind::contract, "c", contract("2026-03-01", nullptr))), 0);
  world_.use(firm_b, "gpu", "2026-01-05", "500");  // at the cap: nothing would be left for its successor
  json successor = World::firm_body();
  successor["predecessors"] = {firm_b};
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, successor)), 422);
}

TEST_F(JudgeFactsTest, WantsAReasonWhereAClosedFigureWouldDiffer) {
  close_january_and_february();
  const json later = World::firm_body("2026-02-01");
  const auto without = world_.judge(FactKind::firm, firm_a, later);
  ASSERT_EQ(status(without), 422);
  EXPECT_THAT(pointers(without), ElementsAre("/reason"));
  // January's charge and, by the year's target, February's statement.
  EXPECT_THAT(without.concerned, ElementsAre("2026-01/" + firm_a, "2026-02/" + firm_a));
  EXPECT_THAT(without.refusal->detail, HasSubstr("2 closed statements"));
  const auto with = world_.judge(FactKind::firm, firm_a, later, "evidence came late");
  EXPECT_FALSE(with.refusal);
  EXPECT_FALSE(with.payload.empty());
  EXPECT_THAT(with.concerned, ElementsAre("2026-01/" + firm_a, "2026-02/" + firm_a));
}

TEST_F(JudgeFactsTest, WantsAReasonForABookThatReachesBack) {
  close_january_and_february();
  EXPECT_EQ(status(world_.judge(FactKind::price_book, "q2", book("2026-02-01", "11"))), 422);
  // After the last usage of February nothing is rated differently.
  EXPECT_EQ(status(world_.judge(FactKind::price_book, "q2", book("2026-02-11", "11"))), 0);
}

TEST_F(JudgeFactsTest, WantsNoReasonWhereNoClosedFigureDiffers) {
  close_january_and_february();
  json renamed = World::firm_body();
  renamed["name"] = "新名";
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, renamed)), 0);
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_b, World::firm_body("2026-05-01"))), 0);
  json ends = World::firm_body();
  ends["eligibility"][0]["until"] = "2026-03-01";
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, ends)), 0);
}

TEST_F(JudgeFactsTest, WantsNoReasonForAwards) {
  close_january_and_february();
  world_.put(FactKind::external_award, "award", award("30"));
  const auto* statement = world_.ledger->open_statement(World::month("2026-03"), FirmId{firm_a});
  ASSERT_TRUE(statement);
  EXPECT_EQ(to_string(statement->subsidy_total()), "-30.00");
}

TEST_F(JudgeFactsTest, WantsNoReasonForBringingBackWhatWasBilled) {
  close_january_and_february();
  world_.put(FactKind::firm, firm_a, World::firm_body("2026-02-01"), "a mistake");
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, World::firm_body("2026-01-01"))), 0);
}

TEST_F(JudgeFactsTest, WantsNoReasonForUnrelatedChangesAfterLateUsage) {
  close_january_and_february();
  world_.use(firm_a, "gpu", "2026-01-20", "5");
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_c, World::firm_body("2026-02-01"))), 0);
  json renamed = World::firm_body();
  renamed["name"] = "新名";
  EXPECT_EQ(status(world_.judge(FactKind::firm, firm_a, renamed)), 0);
}

TEST_F(JudgeFactsTest, LooksAtTheFirmsThatSucceedAChangedOne) {
  json successor = World::firm_body();
  successor["predecessors"] = {firm_b};
  world_.put(FactKind::firm, firm_a, successor);
  world_.use(firm_b, "gpu", "2026-01-10", "400");
  world_.use(firm_a, "gpu", "2026-01-10", "400");  // 800 + 800 of a cap of 1,000: a gets 200
  world_.now = parse_instant("2026-02-05T00:00:00+08:00").value();
  world_.close("2026-01");
  const auto judged = world_.judge(FactKind::firm, firm_b, World::firm_body("2026-03-01"));
  ASSERT_EQ(status(judged), 422);
  EXPECT_THAT(judged.concerned, ElementsAre("2026-01/" + firm_b, "2026-01/" + firm_a));
}

TEST_F(JudgeFactsTest, RefusesWordsThatCantBeRecorded) {
  EXPECT_THAT(pointers(world_.judge(FactKind::firm, firm_a, World::firm_body("2026-02-01"), "a\nb")),
              ElementsAre("/reason"));
  const auto judged = world_.ledger->judge_facts({{FactKind::firm, firm_a, World::firm_body("2026-02-01")}},
                                                 Actor{"file", "\xff"}, "", std::nullopt);
  EXPECT_EQ(status(judged), 422);
}

TEST_F(JudgeFactsTest, WritesACanonicalRecord) {
  const auto judged = world_.judge(FactKind::settings, "settings", {{"accept_from", "2025-06-01"}}, "原因");
  EXPECT_EQ(judged.payload.shared, R"({"by":{"kind":"local","id":"tester"},"reason":"原因"})");
  EXPECT_THAT(judged.payload.parts,
              ElementsAre(R"({"kind":"settings","key":"settings","body":{"accept_from":"2025-06-01"}})"));
  EXPECT_EQ(judged.payload.rest, "");
  world_.fold(RecordType::facts, judged.payload);
  EXPECT_EQ(world_.ledger->facts().accept_from, parse_day("2025-06-01").value());
}

}  // namespace
}  // namespace voucherd::billing::testing

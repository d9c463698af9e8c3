// The auditor audited: the naive model against examples computed by hand from the rules, and
// against the shared vectors. It has to be right by itself before it judges anything else.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/naive_model.h"

namespace naive {
namespace {

constexpr const char* firm_a = "91500107MAABCDEF1R";
constexpr const char* firm_b = "9150000020286320X6";

Json load(const std::string& name) {
  std::ifstream file(std::string(VOUCHERD_SOURCE_DIR) + "/tests/golden/" + name);
  return Json::parse(file);
}

/// A model with two firms, a flat and a tiered SKU, one book and one policy.
class NaiveModelTest : public ::testing::Test {
 protected:
  NaiveModelTest() : model_({"中心", "91500000MA5U00000W", "CNY", 480}, at("2026-01-01T00:00:00+08:00")) {
    put("skus", "gpu", {{"name", "GPU"}, {"unit", "card_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}});
    put("skus", "disk", {{"name", "Disk"}, {"unit", "gib_month"}, {"kind", "storage"}, {"tax_rate", "0.06"}});
    const Json days = {{"category", "ai_agent"}, {"from", "2026-01-01"}, {"until", nullptr}, {"basis", "x"}};
    put("firms", firm_a, {{"name", "A"}, {"district", "d"}, {"eligibility", Json::array({days})}});
    put("firms", firm_b, {{"name", "B"}, {"district", "d"}});
    put("price-books", "b1",
        {{"effective_from", "2026-01-01"},
         {"tax_inclusive", false},
         {"prices", {{"gpu", "8.50"}, {"disk", "0.3"}}}});
    put("policies", "p1", policy("1000000.00"));
  }
  static std::int64_t at(const std::string& text) { return *read_instant(text); }
  static Json policy(const std::string& cap) {
    return {{"from", "2025-12-25"}, {"until", "2028-01-01"}, {"categories", {"ai_agent"}},
            {"rate", "0.20"},       {"annual_cap", cap},     {"tax_basis", "net"}};
  }
  void put(const std::string& kind, const std::string& key, const Json& body) {
    ASSERT_EQ(model_.change({kind, key, body}, "", now_), 0) << kind << " " << key;
  }
  Verdict send(const std::string& id, const std::string& quantity, const std::string& time,
               const std::string& firm = firm_a, const std::string& sku = "gpu") {
    SentEvent event;
    event.source = "s";
    event.id = id;
    event.subject = firm;
    event.sku = sku;
    event.quantity = quantity;
    event.time = time;
    event.raw = id + quantity + time + firm + sku;
    now_ = std::max(now_, at(time));
    return model_.take({event}, now_)->at(0);
  }
  Verdict correct(const std::string& id, const std::string& target, const std::string& quantity,
                  const std::string& time) {
    SentEvent event;
    event.type = "compute.correction.v1";
    event.source = "c";
    event.id = id;
    event.subject = firm_a;
    event.corrects_source = "s";
    event.corrects_id = target;
    event.quantity = quantity;
    event.time = time;
    event.reason = "r";
    return model_.take({event}, now_)->at(0);
  }
  Json statement(int month, const std::string& firm = firm_a) const {
    const int number = (2026 - 1970) * 12 + month - 1;
    return model_.reckon().open(number, firm).json;
  }
  int close(int month, const std::string& reason = "") {
    const int number = (2026 - 1970) * 12 + month - 1;
    now_ = std::max(now_, day_start_ms(first_day_of_month(number + 1), 480));
    return model_.close(number, "local", "x", reason, now_).status;
  }

  std::int64_t now_ = at("2026-01-01T00:00:00+08:00");
  Model model_;
};

TEST(NaiveNumbersTest, KnowsTheCalendar) {
  EXPECT_EQ(day_number(1970, 1, 1), 0);
  EXPECT_EQ(day_number(2025, 1, 1), 20089);
  EXPECT_EQ(show_day(20089), "2025-01-01");
  EXPECT_EQ(show_day(day_number(2024, 2, 29) + 1), "2024-03-01");
  EXPECT_EQ(show_instant(*read_instant("2026-03-01T00:00:00.1239-05:00"), 480),
            "2026-03-01T13:00:00.123+08:00");
  EXPECT_FALSE(read_instant("2026-02-29T00:00:00Z"));
}

TEST(NaiveNumbersTest, RoundsHalfAwayFromZero) {
  EXPECT_EQ(round_half_away(Fraction(1, 2)), 1);
  EXPECT_EQ(round_half_away(Fraction(-1, 2)), -1);
  EXPECT_EQ(round_half_away(Fraction(49, 100)), 0);
  EXPECT_EQ(round_half_away(Fraction(-3, 2)), -2);
}

TEST(NaiveNumbersTest, ReadsDecimalsFromTheirText) {
  EXPECT_EQ(*read_decimal("1e3"), 1000);
  EXPECT_EQ(*read_decimal("8.0"), 8);
  EXPECT_EQ(*read_decimal("1.250000"), Fraction(5, 4));
  EXPECT_FALSE(read_decimal("01"));
  EXPECT_FALSE(read_decimal(".5"));
  EXPECT_FALSE(read_decimal("NaN"));
  EXPECT_EQ(show_decimal(Fraction(-5, 4)), "-1.25");
}

TEST(NaiveNumbersTest, WritesTheVectorsOfMoneyWords) {
  for (const Json& vector : load("rmb-words.json")) {
    const Int fen = numerator(Fraction(*read_decimal(vector["amount"].get<std::string>()) * 100));
    EXPECT_EQ(rmb_words(fen), vector["words"].get<std::string>());
  }
}

TEST(NaiveNumbersTest, KnowsTheCheckCharacter) {
  EXPECT_EQ(uscc_check_character("91500107MAABCDEF1"), 'R');
  EXPECT_EQ(uscc_check_character("9150000020286320X"), '6');
}

TEST_F(NaiveModelTest, PrintsTheExampleOfTheContract) {
  send("1", "12.5", "2026-03-01T08:00:00+08:00");
  const Json json = statement(3);
  const Json& line = json["lines"][0];
  EXPECT_EQ(line["net"], "106.25");
  EXPECT_EQ(line["tax"], "6.38");
  EXPECT_EQ(line["gross"], "112.63");
  EXPECT_EQ(line["eligible_amount"], "106.25");
  EXPECT_EQ(json["totals"]["subsidy"], "21.25");
  EXPECT_EQ(json["payable_in_words"], "人民币壹佰壹拾贰元陆角叁分");
  EXPECT_EQ(json["subsidy"][0]["remaining"], "999978.75");
}

TEST_F(NaiveModelTest, TellsDuplicatesFromConflicts) {
  EXPECT_EQ(send("1", "8", "2026-03-01T08:00:00+08:00").outcome, "accepted");
  EXPECT_EQ(send("1", "8.0", "2026-03-01T00:00:00Z").outcome, "duplicate");
  EXPECT_EQ(send("1", "9", "2026-03-01T00:00:00Z").outcome, "conflict");
  EXPECT_EQ(send("1", "9", "2026-03-01T00:00:00Z").outcome, "conflict");
  EXPECT_EQ(model_.unresolved().size(), 1u);
  EXPECT_EQ(send("2", "-1", "2026-03-01T00:00:00Z").code, "quantity_not_positive");
  EXPECT_EQ(send("2", "1", "2026-03-01T00:00:00Z").outcome, "accepted");
  EXPECT_EQ(model_.unresolved().size(), 1u);
}

TEST_F(NaiveModelTest, SpreadsAnIntervalOverItsDays) {
  SentEvent event;
  event.source = "s";
  event.id = "1";
  event.subject = firm_a;
  event.sku = "gpu";
  event.quantity = "0.000000010";
  event.start = "2026-01-31T16:00:00+08:00";
  event.end = "2026-02-02T00:00:00+08:00";
  ASSERT_EQ(model_.take({event}, at("2026-02-03T00:00:00+08:00"))->at(0).outcome, "accepted");
  const UsageOfFirm usage = usage_of(firm_a, model_.events(), 480);
  ASSERT_EQ(usage.size(), 2u);  // floor(10·8/32) = 2, then the rest
  EXPECT_EQ(usage.begin()->second, 2);
  EXPECT_EQ(usage.rbegin()->second, 8);
}

TEST_F(NaiveModelTest, BillsLateUsageAsAnAdjustmentOfTheEarliestOpenMonth) {
  send("1", "10", "2026-01-05T08:00:00+08:00");
  ASSERT_EQ(close(1), 0);
  now_ = at("2026-03-05T00:00:00+08:00");
  send("2", "2", "2026-01-06T08:00:00+08:00");
  const Json february = statement(2);
  ASSERT_EQ(february["lines"].size(), 1u);
  const Json& line = february["lines"][0];
  EXPECT_EQ(line["adjustment"], true);
  EXPECT_EQ(line["usage_month"], "2026-01");
  EXPECT_EQ(line["net"], "17.00");
  EXPECT_EQ(line["before"]["net"], "85.00");
  EXPECT_EQ(line["after"]["net"], "102.00");
  EXPECT_EQ(statement(3)["lines"].size(), 0u);
  EXPECT_EQ(close(3), 409);  // February has a line
  EXPECT_EQ(close(2), 0);
}

TEST_F(NaiveModelTest, ClawsBackWhatACorrectionTakesAway) {
  send("1", "10", "2026-01-05T08:00:00+08:00");
  ASSERT_EQ(close(1), 0);
  EXPECT_EQ(correct("k1", "1", "4", "2026-02-02T00:00:00Z").outcome, "accepted");
  EXPECT_EQ(correct("k0", "1", "9", "2026-02-01T00:00:00Z").outcome, "accepted");  // an older one: no effect
  const Json february = statement(2);
  EXPECT_EQ(february["lines"][0]["quantity"], "-6");
  EXPECT_EQ(february["totals"]["subsidy"], "-10.20");
}

TEST_F(NaiveModelTest, ReleasesACorrectionThatCameBeforeItsEvent) {
  EXPECT_EQ(correct("k1", "1", "0", "2026-01-02T00:00:00Z").code, "correction_target_unknown");
  EXPECT_EQ(model_.unresolved().size(), 1u);
  send("1", "10", "2026-01-05T08:00:00+08:00");
  EXPECT_EQ(model_.unresolved().size(), 0u);
  EXPECT_TRUE(statement(1)["lines"].empty());
}

TEST_F(NaiveModelTest, ReleasesAndDismissesWhatItHolds) {
  send("1", "10", "2026-01-05T08:00:00+08:00", firm_a, "late");
  send("2", "-1", "2026-01-05T08:00:00+08:00");
  correct("k1", "1", "4", "2026-01-06T00:00:00Z");
  put("skus", "late", {{"name", "x"}, {"unit", "card_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}});
  const Released done = model_.release(model_.unresolved(), now_);
  EXPECT_EQ(done.released, 2);  // the event and the correction that it releases
  EXPECT_EQ(done.still, std::vector<std::string>{"quantity_not_positive"});
  ASSERT_EQ(model_.unresolved().size(), 1u);
  EXPECT_EQ(model_.events().size(), 2u);
  const std::size_t bad = model_.unresolved().front();
  EXPECT_EQ(model_.dismiss(bad, now_), 0);
  EXPECT_EQ(model_.dismiss(bad, now_), 404);
  send("2", "-1", "2026-01-05T08:00:00+08:00");
  send("2", "-1", "2026-01-05T08:00:00+08:00");
  ASSERT_EQ(model_.unresolved().size(), 1u);
  EXPECT_EQ(model_.quarantine().back().times_sent, 2);
}

TEST_F(NaiveModelTest, GivesTheFirstReasonThatHolds) {
  send("1", "10", "2026-01-05T08:00:00+08:00", firm_b, "disk");
  send("2", "10", "2026-01-05T08:00:00+08:00", firm_b, "gpu");
  const Json json = statement(1, firm_b);
  EXPECT_EQ(json["lines"][0]["ineligible"][0]["code"], "sku_not_subsidised");
  EXPECT_EQ(json["lines"][1]["ineligible"][0]["code"], "firm_not_eligible");
  EXPECT_TRUE(json["subsidy"].empty());
}

TEST_F(NaiveModelTest, BlocksACloseUntilItIsSignedOff) {
  send("1", "-1", "2026-01-05T08:00:00+08:00");
  send("2", "1", "2026-01-05T08:00:00+08:00");
  EXPECT_EQ(close(1), 409);
  EXPECT_EQ(close(1, "known"), 0);
}

TEST_F(NaiveModelTest, ComputesTiersAndTheirEligiblePart) {
  put("price-books", "b2",
      {{"effective_from", "2026-02-01"},
       {"tax_inclusive", true},
       {"prices", {{"gpu", {{"tiers", {{{"up_to", "10"}, {"price", "10"}}, {{"price", "5"}}}}}}}}});
  send("1", "20", "2026-02-05T08:00:00+08:00");
  const Json line = statement(2)["lines"][0];
  EXPECT_EQ(line["gross"], "150.00");
  EXPECT_EQ(line["net"], "141.51");  // 150 / 1.06
  EXPECT_EQ(line["tax"], "8.49");
  EXPECT_EQ(line["unit_price"], nullptr);
  send("2", "1", "2026-02-05T08:00:00+08:00", firm_a, "disk");
  EXPECT_EQ(statement(2)["unpriced"][0]["sku"], "disk");  // a book is complete
}

/// The shared vectors: one SKU at 0.01 yuan a unit, so that the quantity is the eligible amount in fen; a
/// step that lowers it becomes a correction of what came before.
TEST(NaiveSubsidyTest, ReproducesTheSharedVectors) {
  for (const Json& vector : load("subsidy.json")) {
    Facts facts;
    facts.put("skus", "gpu", {{"unit", "u"}, {"kind", "compute"}, {"tax_rate", "0"}});
    facts.put(
        "firms", firm_a,
        {{"eligibility", Json::array({{{"category", "x"}, {"from", "2026-01-01"}, {"until", nullptr}}})}});
    facts.put("price-books", "b", {{"effective_from", "2026-01-01"}, {"prices", {{"gpu", "0.01"}}}});
    facts.put("policies", "p",
              {{"from", "2026-01-01"},
               {"until", nullptr},
               {"categories", {"x"}},
               {"rate", vector["rate"]},
               {"annual_cap", vector["annual_cap"]},
               {"tax_basis", "net"}});
    facts.put(
        "external-awards", "1",
        {{"firm", firm_a}, {"year", 2026}, {"kind", "same_programme"}, {"amount", vector["other_centres"]}});
    facts.put(
        "external-awards", "2",
        {{"firm", firm_a}, {"year", 2026}, {"kind", "other_policy"}, {"amount", vector["other_award"]}});
    Int granted = 0;
    std::vector<Event> events;
    for (std::size_t i = 0; i < vector["eligible"].size(); ++i) {
      const Int fen = numerator(Fraction(*read_decimal(vector["eligible"][i].get<std::string>()) * 100));
      Event event;
      event.subject = firm_a;
      event.sku = "gpu";
      event.time = day_start_ms(day_number(2026, static_cast<int>(i) + 1, 15), 480);
      event.quantity = fen * 1'000'000'000;
      events.push_back(event);
      const Reckoning::Head head{"", "", "CNY", 480};
      const Reckoning::Frozen frozen;
      // Rating takes no negative charge, so a step that lowers E takes from the usage before it.
      if (fen < 0) {
        events.pop_back();
        events.back().quantity += fen * 1'000'000'000;
      }
      const Reckoning after(head, facts, events, frozen, std::nullopt);
      const YearRow row = after.year_row(firm_a, 2026, static_cast<int>(i) + 1, granted);
      EXPECT_EQ(show_fen(row.this_statement), vector["subsidy"][i].get<std::string>())
          << vector["name"] << " " << i;
      granted = row.target;
    }
  }
}

}  // namespace
}  // namespace naive

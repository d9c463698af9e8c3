// Reading and showing facts: every fault at once, each with its pointer.
#include "billing/ledger/fact_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace voucherd::billing {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

const std::string uscc = "91500000MA5U00000W";
const std::string other_uscc = "914403001922038216";

std::vector<FieldFault> faults_of(FactKind kind, const std::string& key, const json& body) {
  std::vector<FieldFault> faults;
  const auto fact = read_fact(kind, key, body, faults);
  EXPECT_EQ(fact.has_value(), faults.empty());
  return faults;
}

std::vector<std::string> pointers_of(FactKind kind, const std::string& key, const json& body) {
  std::vector<std::string> pointers;
  for (const auto& fault : faults_of(kind, key, body)) pointers.push_back(fault.pointer);
  return pointers;
}

std::string shown(FactKind kind, const std::string& key, const json& body) {
  std::vector<FieldFault> faults;
  const auto fact = read_fact(kind, key, body, faults);
  for (const auto& fault : faults) ADD_FAILURE() << fault.pointer << ": " << fault.detail;
  return fact ? show_fact(*fact).dump() : std::string();
}

json sku_body() { return {{"name", "A800"}, {"unit", "card_hour"}, {"kind", "compute"}}; }

json policy_body() {
  return json::parse(R"({"from":"2026-01-01","categories":["ai_agent"],"rate":"0.20",
                         "annual_cap":"1000000","tax_basis":"net"})");
}

json contract_body() {
  return json::parse(
      R"({"firm":"91500000MA5U00000W","from":"2026-01-01","until":"2027-01-01","discount":"0.10"})");
}

json prices_body(const std::string& price) {
  return {{"effective_from", "2026-01-01"}, {"prices", {{"gpu", json::parse(price)}}}};
}

TEST(FactCodecTest, ShowsAFactInTheContractsOrderWithItsDefaults) {
  EXPECT_EQ(
      shown(FactKind::firm, uscc, {{"name", "甲"}}),
      R"({"uscc":"91500000MA5U00000W","name":"甲","district":"","eligibility":[],"related_party":[],"predecessors":[]})");
  EXPECT_EQ(shown(FactKind::sku, "gpu", sku_body()),
            R"({"sku":"gpu","name":"A800","unit":"card_hour","kind":"compute","tax_rate":"0.06"})");
  EXPECT_EQ(shown(FactKind::price_book, "q1", prices_body("\"8.50\"")),
            R"({"version":"q1","effective_from":"2026-01-01","tax_inclusive":false,"prices":{"gpu":"8.5"}})");
  EXPECT_EQ(
      shown(FactKind::contract, "c1", contract_body()),
      R"({"number":"c1","firm":"91500000MA5U00000W","signed":null,"from":"2026-01-01","until":"2027-01-01","discount":"0.10"})");
  EXPECT_EQ(
      shown(FactKind::policy, "p", policy_body()),
      R"({"id":"p","programme":"compute-voucher","title":"","document":"","from":"2026-01-01","until":null,"categories":["ai_agent"],"rate":"0.20","annual_cap":"1000000.00","tax_basis":"net","subsidised_kinds":["compute"],"settlement":"reimburse","require_payment":false,"programme_budget":null})");
  EXPECT_EQ(
      shown(FactKind::external_award, "a",
            json::parse(R"({"firm":"91500000MA5U00000W","year":2026,"kind":"other_policy","amount":"5"})")),
      R"({"id":"a","firm":"91500000MA5U00000W","year":2026,"kind":"other_policy","amount":"5.00","policy":"","evidence_sha256":""})");
  EXPECT_EQ(shown(FactKind::settings, "settings", {{"accept_from", "2025-06-01"}}),
            R"({"accept_from":"2025-06-01"})");
  EXPECT_EQ(
      shown(FactKind::letterhead, "letterhead", {{"bank_name", "示例银行"}, {"due_days", 0}}),
      R"({"address":"","telephone":"","bank_name":"示例银行","bank_account":"","prepared_by":"","reviewed_by":"","approved_by":"","due_days":0})");
}

TEST(FactCodecTest, ReadsWhatItShows) {
  const std::vector<std::tuple<FactKind, std::string, json>> facts = {
      {FactKind::firm, uscc,
       json::parse(
           R"({"name":"甲","district":"渝北","eligibility":[{"category":"ai_agent","from":"2026-01-01","until":"2026-07-01","basis":"文","evidence_sha256":""}],
                   "related_party":[{"from":"2026-02-01","until":null}],"predecessors":["914403001922038216"]})")},
      {FactKind::sku, "gpu", sku_body()},
      {FactKind::price_book, "q1",
       prices_body(R"({"tiers":[{"up_to":"1000","price":"8.50"},{"price":"7.90"}]})")},
      {FactKind::contract, "c1", contract_body()},
      {FactKind::policy, "p", policy_body()}};
  for (const auto& [kind, key, body] : facts) {
    const std::string once = shown(kind, key, body);
    EXPECT_EQ(shown(kind, key, json::parse(once)), once);
  }
}

TEST(FactCodecTest, ListsEveryFaultOfABodyWithItsPointer) {
  const auto body = json::parse(R"({"name":"","district":7,"colour":"red","uscc":"914403001922038216",
    "eligibility":[{"category":"ai_agent","from":"2026-03-01","until":"2026-03-01"},{"from":"2026-02-30","x":1},"no"],
    "related_party":[{"from":"2026-01-01","until":"2026-03-01"},{"from":"2026-02-28"}],
    "predecessors":["91500000MA5U00000W","914403001922038216","914403001922038216","123",5]})");
  EXPECT_THAT(pointers_of(FactKind::firm, uscc, body),
              UnorderedElementsAre("/name", "/district", "/colour", "/uscc", "/eligibility/0/until",
                                   "/eligibility/1/category", "/eligibility/1/from", "/eligibility/1/x",
                                   "/eligibility/2", "/related_party/1", "/predecessors/0", "/predecessors/2",
                                   "/predecessors/3", "/predecessors/4"));
}

TEST(FactCodecTest, RefusesABodyThatIsNoObject) {
  EXPECT_THAT(pointers_of(FactKind::policy, "p", json::array()), ElementsAre(""));
  EXPECT_THAT(pointers_of(FactKind::contract, "c", json("x")), ElementsAre(""));
}

TEST(FactCodecTest, EscapesPointers) {
  json body = {{"effective_from", "2026-01-01"}, {"prices", {{"a/b~c", "free"}}}};
  EXPECT_THAT(pointers_of(FactKind::price_book, "q1", body), ElementsAre("/prices/a~1b~0c"));
}

TEST(FactCodecTest, RefusesNumbersWhereMoneyIsMeant) {
  json policy = policy_body();
  policy["rate"] = 0.2;
  policy["annual_cap"] = 1000000;
  const auto faults = faults_of(FactKind::policy, "p", policy);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_THAT(faults[0].detail, HasSubstr("quotes"));
  EXPECT_THAT(faults[1].detail, HasSubstr("quotes"));
  EXPECT_THAT(pointers_of(FactKind::price_book, "q", prices_body("8.5")), ElementsAre("/prices/gpu"));
}

TEST(FactCodecTest, RefusesAPolicyWithoutATaxBasis) {
  json policy = policy_body();
  policy.erase("tax_basis");
  const auto faults = faults_of(FactKind::policy, "p", policy);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].pointer, "/tax_basis");
  EXPECT_THAT(faults[0].detail, HasSubstr("no default"));
}

TEST(FactCodecTest, HoldsPoliciesToTheirLimits) {
  const std::vector<std::pair<std::string, json>> wrong = {{"/rate", "1.01"},
                                                           {"/rate", "-0.1"},
                                                           {"/annual_cap", "-1"},
                                                           {"/categories", json::array()},
                                                           {"/settlement", "cash"},
                                                           {"/tax_basis", "both"},
                                                           {"/require_payment", "yes"},
                                                           {"/programme_budget", "-5"},
                                                           {"/subsidised_kinds/0", json::array({"gpu"})},
                                                           {"/until", "2025-01-01"},
                                                           {"/categories/1", json::array({"a", "a"})}};
  for (const auto& [pointer, value] : wrong) {
    json policy = policy_body();
    policy[pointer.substr(1, pointer.find('/', 1) - 1)] = value;
    EXPECT_THAT(pointers_of(FactKind::policy, "p", policy), ElementsAre(pointer)) << value;
  }
}

TEST(FactCodecTest, RefusesOverlappingEligibilityOfOneCategoryOnly) {
  const auto body = [](const std::string& second) {
    return json{{"name", "甲"},
                {"eligibility",
                 {{{"category", "ai_agent"}, {"from", "2026-01-01"}, {"until", "2026-07-01"}},
                  {{"category", second}, {"from", "2026-06-30"}, {"until", nullptr}}}}};
  };
  EXPECT_THAT(pointers_of(FactKind::firm, uscc, body("ai_agent")), ElementsAre("/eligibility/1"));
  EXPECT_TRUE(pointers_of(FactKind::firm, uscc, body("digital_twin")).empty());
}

TEST(FactCodecTest, TakesIntervalsThatOnlyTouch) {
  const auto body = json::parse(R"({"name":"甲","eligibility":[
    {"category":"ai_agent","from":"2026-07-01"},{"category":"ai_agent","from":"2026-01-01","until":"2026-07-01"}]})");
  EXPECT_TRUE(pointers_of(FactKind::firm, uscc, body).empty());
}

TEST(FactCodecTest, WantsTiersToRiseAndOnlyTheLastToBeOpen) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {R"({"tiers":[]})", "/prices/gpu/tiers"},
      {R"({"tiers":[{"up_to":"10","price":"1"}]})", "/prices/gpu/tiers/0/up_to"},
      {R"({"tiers":[{"price":"1"},{"price":"1"}]})", "/prices/gpu/tiers/0/up_to"},
      {R"({"tiers":[{"up_to":"0","price":"1"},{"price":"1"}]})", "/prices/gpu/tiers/0/up_to"},
      {R"({"tiers":[{"up_to":"5","price":"1"},{"up_to":"5.0","price":"1"},{"price":"1"}]})",
       "/prices/gpu/tiers/1/up_to"},
      {R"({"tiers":[{"up_to":"5","price":"-1"},{"price":"1"}]})", "/prices/gpu/tiers/0/price"},
      {R"({"tiers":[{"up_to":5,"price":"1"},{"price":"1"}]})", "/prices/gpu/tiers/0/up_to"},
      {R"({"price":"1"})", "/prices/gpu/tiers"},
      {"null", "/prices/gpu"},
      {"\"1000000\"", "/prices/gpu"},
      {"\"0.0000001\"", "/prices/gpu"}};
  for (const auto& [price, pointer] : wrong) {
    EXPECT_THAT(pointers_of(FactKind::price_book, "q", prices_body(price)), Contains(pointer)) << price;
  }
}

TEST(FactCodecTest, WantsEitherPricesOrADiscount) {
  json neither = contract_body();
  neither.erase("discount");
  json both = contract_body();
  both["prices"] = {{"gpu", "8"}};
  EXPECT_THAT(pointers_of(FactKind::contract, "c", neither), ElementsAre(""));
  EXPECT_THAT(pointers_of(FactKind::contract, "c", both), ElementsAre(""));
}

TEST(FactCodecTest, TakesEvidenceAsALowerCaseDigestOnly) {
  const auto award = [](const std::string& digest) {
    return json{{"firm", uscc},
                {"year", 2026},
                {"kind", "other_policy"},
                {"amount", "1"},
                {"evidence_sha256", digest}};
  };
  EXPECT_TRUE(pointers_of(FactKind::external_award, "a", award(std::string(64, 'a'))).empty());
  EXPECT_THAT(pointers_of(FactKind::external_award, "a", award(std::string(64, 'A'))),
              ElementsAre("/evidence_sha256"));
  EXPECT_THAT(pointers_of(FactKind::external_award, "a", award(std::string(63, 'a'))),
              ElementsAre("/evidence_sha256"));
}

TEST(FactCodecTest, TakesAYearAsAWholeNumberOnly) {
  for (const std::string year : {"1999", "10000", "2026.0", "\"2026\"", "-1", "18446744073709551615"}) {
    json award = {{"firm", uscc}, {"kind", "other_policy"}, {"amount", "1"}};
    award["year"] = json::parse(year);
    EXPECT_THAT(pointers_of(FactKind::external_award, "a", award), ElementsAre("/year")) << year;
  }
}

TEST(FactCodecTest, RefusesKeysThatCantStandInAPath) {
  for (const std::string& key : {std::string("a/b"), std::string(""), std::string("."), std::string(".."),
                                 std::string("a\nb"), std::string("\xff"), std::string(129, 'x')}) {
    EXPECT_THAT(pointers_of(FactKind::sku, key, sku_body()), ElementsAre("")) << key;
  }
  EXPECT_TRUE(pointers_of(FactKind::sku, "显卡 A800", sku_body()).empty());
  EXPECT_THAT(pointers_of(FactKind::firm, "91500000MA5U00000X", {{"name", "甲"}}), ElementsAre(""));
}

TEST(FactCodecTest, RefusesTextThatIsTooLongOrHasControls) {
  for (const std::string& name : {std::string(513, 'x'), std::string("a\tb"), std::string("a\x7f"),
                                  std::string("a\xc2\x85"), std::string("\xed\xa0\x80")}) {
    json body = sku_body();
    body["name"] = name;
    EXPECT_THAT(pointers_of(FactKind::sku, "gpu", body), ElementsAre("/name"));
  }
  json body = sku_body();
  body["unit"] = std::string(65, 'x');
  body["kind"] = "gpu";
  body["tax_rate"] = "2";
  EXPECT_THAT(pointers_of(FactKind::sku, "gpu", body), UnorderedElementsAre("/unit", "/kind", "/tax_rate"));
}

TEST(FactCodecTest, RefusesALetterheadThatNobodyCouldPrint) {
  EXPECT_THAT(pointers_of(FactKind::letterhead, "other", {{"due_days", 1}}), ElementsAre(""));
  for (const json& days : {json(-1), json(3651), json("30"), json(1.5), json(18446744073709551615u)})
    EXPECT_THAT(pointers_of(FactKind::letterhead, "letterhead", {{"due_days", days}}),
                ElementsAre("/due_days"))
        << days;
  EXPECT_THAT(pointers_of(FactKind::letterhead, "letterhead", {{"address", "a\nb"}, {"phone", ""}}),
              UnorderedElementsAre("/address", "/due_days", "/phone"));
}

TEST(FactCodecTest, NamesKindsByPathAndByName) {
  EXPECT_EQ(fact_kind_of_path("external-awards"), FactKind::external_award);
  EXPECT_EQ(fact_kind_of_path("external_award"), std::nullopt);
  EXPECT_EQ(fact_kind_of_name("price_book"), FactKind::price_book);
  EXPECT_EQ(path_of(FactKind::settings), "settings");
  EXPECT_EQ(fact_kind_of_name("letterhead"), FactKind::letterhead);
  EXPECT_EQ(fact_kind_of_path("letterhead"), std::nullopt) << "it is the configuration's";
  EXPECT_EQ(fact_kind_of_path(""), std::nullopt);
}

}  // namespace
}  // namespace voucherd::billing

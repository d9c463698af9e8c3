// The canonical JSON, byte for byte, and its reader.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;

TEST(StatementJsonTest, WritesTheExampleOfTheContractByteForByte) {
  const FirmAccount account = example::account({used("2026-03-01", "12.5", gpu, "agent-platform")});
  EXPECT_EQ(
      to_canonical_json(open_statement(account, month("2026-03"), std::nullopt, facts(), head)),
      R"({"statement":"2026-03/91500000MA5U0000XX","period":"2026-03","state":"open",)"
      R"("provider":{"name":"某某智算中心","uscc":"91500000MA5UPROVID"},)"
      R"("firm":{"uscc":"91500000MA5U0000XX","name":"某某智能科技有限公司","district":"渝中区"},)"
      R"("currency":"CNY","utc_offset":"+08:00","policy":"cq-2025-12","rate":"0.20",)"
      R"("settlement":"reimburse","tax_basis":"net",)"
      R"("lines":[{"usage_month":"2026-03","adjustment":false,"sku":"gpu.a800","unit":"card_hour",)"
      R"("contract":null,"price_book":"2026-q1","quantity":"12.5","unit_price":"8.5","net":"106.25",)"
      R"("tax_rate":"0.06","tax":"6.38","gross":"112.63","eligible_quantity":"12.5",)"
      R"("eligible_amount":"106.25","ineligible":[],)"
      R"("projects":[{"project":"agent-platform","quantity":"12.5","net":"106.25"}]}],)"
      R"("unpriced":[],)"
      R"("totals":{"net":"106.25","tax":"6.38","gross":"112.63","eligible":"106.25",)"
      R"("subsidy":"21.25","payable":"112.63"},"payable_in_words":"人民币壹佰壹拾贰元陆角叁分",)"
      R"("subsidy":[{"year":2026,"eligible_to_date":"106.25","target":"21.25","granted_before":"0.00",)"
      R"("this_statement":"21.25","cap":"1000000.00","other_centres":"0.00","remaining":"999978.75"}]})");
}

/// A closed statement with all that the example lacks: an adjustment, tiers, a contract, usage
/// without a project, reasons, unpriced usage, no policy in the month.
Statement everything() {
  Facts facts = example::facts();
  FirmAccount account = example::account({used("2026-03-01", "1", gpu, "b")});
  bill(account, open_statement(account, month("2026-03"), std::nullopt, facts, head));
  account.usage = {used("2026-03-01", "0.5", gpu, "b"), used("2026-03-02", "0.25"),
                   used("2026-04-01", "2", disk)};
  facts.firms.at(firm).eligibility = {{"ai_agent", days("2026-01-01", "2026-03-02"), "文件", ""}};
  facts.policies.at(policy_id).days = days("2025-12-25", "2026-04-01");
  facts.price_books.at(book_q1).prices[disk] = two_tiers("1", "0.3", "0.2");
  put(facts, contract("HT-1", rate("0.5"), days("2026-04-01")));
  const SkuId unknown("npu");
  facts.skus[unknown] = {unknown, "NPU", "card_day", "compute", rate("0.13")};
  account.usage.push_back(used("2026-04-30", "0.000000001", unknown));
  Statement statement = open_statement(account, month("2026-04"), month("2026-03"), facts, head);
  statement.closed = {parse_instant("2026-05-02T09:00:00+08:00").value(), {"token", "finance"}};
  return statement;
}

TEST(StatementJsonTest, WritesAClosedStatementWithAdjustmentsByteForByte) {
  EXPECT_EQ(
      to_canonical_json(everything()),
      R"({"statement":"2026-04/91500000MA5U0000XX","period":"2026-04","state":"closed",)"
      R"("closed_at":"2026-05-02T09:00:00+08:00","closed_by":{"kind":"token","id":"finance"},)"
      R"("provider":{"name":"某某智算中心","uscc":"91500000MA5UPROVID"},)"
      R"("firm":{"uscc":"91500000MA5U0000XX","name":"某某智能科技有限公司","district":"渝中区"},)"
      R"("currency":"CNY","utc_offset":"+08:00","policy":null,"rate":null,)"
      R"("settlement":"reimburse","tax_basis":null,)"
      R"("lines":[{"usage_month":"2026-03","adjustment":true,"sku":"gpu.a800","unit":"card_hour",)"
      R"("contract":null,"price_book":"2026-q1","quantity":"-0.25","unit_price":"8.5","net":"-2.12",)"
      R"("tax_rate":"0.06","tax":"-0.13","gross":"-2.25","eligible_quantity":"-0.5",)"
      R"("eligible_amount":"-4.25","ineligible":[{"code":"firm_not_eligible","quantity":"0.25"}],)"
      R"("projects":[{"project":null,"quantity":"0.25","net":"2.13"},)"
      R"({"project":"b","quantity":"-0.5","net":"-4.25"}],)"
      R"("before":{"quantity":"1","net":"8.50","tax":"0.51","gross":"9.01","eligible_quantity":"1",)"
      R"("eligible_amount":"8.50"},)"
      R"("after":{"quantity":"0.75","net":"6.38","tax":"0.38","gross":"6.76","eligible_quantity":"0.5",)"
      R"("eligible_amount":"4.25"}},)"
      R"({"usage_month":"2026-04","adjustment":false,"sku":"disk.ssd","unit":"gib_month",)"
      R"("contract":"HT-1","price_book":"2026-q1","quantity":"2","unit_price":null,"net":"0.25",)"
      R"("tax_rate":"0.06","tax":"0.02","gross":"0.27","eligible_quantity":"0",)"
      R"("eligible_amount":"0.00","ineligible":[{"code":"policy_not_in_force","quantity":"2"}],)"
      R"("projects":[{"project":null,"quantity":"2","net":"0.25"}]}],)"
      R"("unpriced":[{"usage_month":"2026-04","sku":"npu","unit":"card_day","quantity":"0.000000001"}],)"
      R"("totals":{"net":"-1.87","tax":"-0.11","gross":"-1.98","eligible":"-4.25",)"
      R"("subsidy":"-0.85","payable":"-1.98"},"payable_in_words":"人民币（负数）壹元玖角捌分",)"
      R"("subsidy":[{"year":2026,"eligible_to_date":"4.25","target":"0.85","granted_before":"1.70",)"
      R"("this_statement":"-0.85","cap":"1000000.00","other_centres":"0.00","remaining":"999999.15"}]})");
}

TEST(StatementJsonTest, ReasonsStandInTheirOrder) {
  Facts facts = example::facts();
  facts.policies.at(policy_id).days = days("2026-03-02");
  facts.firms.at(firm).eligibility.clear();
  facts.firms.at(firm).related_party = {days("2026-03-03")};
  const FirmAccount account =
      example::account({used("2026-03-03", "4"), used("2026-03-02", "2"), used("2026-03-01", "1")});
  const Statement statement = open_statement(account, month("2026-03"), std::nullopt, facts, head);
  const auto json = nlohmann::json::parse(to_canonical_json(statement));
  EXPECT_EQ(json["lines"][0]["ineligible"].dump(),
            R"([{"code":"policy_not_in_force","quantity":"1"},{"code":"related_party","quantity":"4"},)"
            R"({"code":"firm_not_eligible","quantity":"2"}])");
}

TEST(StatementJsonTest, IsReadBackExactly) {
  const Statement statement = everything();
  const BilledStatement billed = parse_canonical_json(to_canonical_json(statement)).value();
  EXPECT_EQ(billed.firm, firm);
  ASSERT_EQ(billed.lines.size(), statement.lines.size());
  for (std::size_t i = 0; i < billed.lines.size(); ++i) {
    EXPECT_EQ(billed.lines[i].first, statement.lines[i].key);
    EXPECT_EQ(billed.lines[i].second, statement.lines[i].figures);
  }
  EXPECT_EQ(billed.granted, (std::map<int, Fen>{{2026, yuan("-0.85")}}));
  EXPECT_EQ(billed.net, statement.net());
  EXPECT_EQ(billed.tax, statement.tax());
  EXPECT_EQ(billed.gross, statement.gross());
  EXPECT_EQ(billed.eligible, statement.eligible());
  EXPECT_EQ(billed.subsidy, statement.subsidy_total());
}

TEST(StatementJsonTest, TakesOtherMembersBesideTheStatement) {
  std::string bytes = to_canonical_json(everything());
  bytes.insert(bytes.size() - 1, R"(,"journal":{"position":1842,"root":"00"})");
  EXPECT_TRUE(parse_canonical_json(bytes));
}

/// The canonical bytes with the first `what` replaced by `by`.
std::string damaged(std::string_view what, std::string_view by) {
  std::string bytes = to_canonical_json(everything());
  const std::size_t at = bytes.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return bytes.replace(at, what.size(), by);
}

TEST(StatementJsonTest, DamageIsAFaultNotAFigure) {
  for (const std::string& bytes :
       {std::string(), std::string("[]"), std::string("{"), std::string("{}"),
        damaged("\"-2.12\"", "\"-2.13\""), damaged("\"-2.12\"", "\"-2.120\""), damaged("\"-2.12\"", "-2.12"),
        damaged("\"net\"", "\"nett\""), damaged("\"2026-03\",\"adj", "\"2026-13\",\"adj"),
        damaged("firm_not_eligible", "firm_not_liked"), damaged("\"year\":2026", "\"year\":\"2026\""),
        damaged("\"-0.85\",\"cap\"", "\"-0.84\",\"cap\""), damaged("\"lines\":[", "\"lines\":[7,"),
        damaged("\"subsidy\":[", "\"subsidies\":[")}) {
    const auto result = parse_canonical_json(bytes);
    ASSERT_FALSE(result) << bytes;
    EXPECT_EQ(result.error().code, "statement_malformed");
  }
}

TEST(StatementJsonTest, EscapesTextAsJsonDoes) {
  Facts facts = example::facts();
  facts.firms.at(firm).name = "\"引号\"\\\n</script>";
  const FirmAccount account = example::account({used("2026-03-01", "1", gpu, "tab\there")});
  const std::string bytes =
      to_canonical_json(open_statement(account, month("2026-03"), std::nullopt, facts, head));
  EXPECT_NE(bytes.find(R"("name":"\"引号\"\\\n</script>")"), std::string::npos);
  EXPECT_EQ(parse_canonical_json(bytes).value().lines.at(0).second.projects.begin()->first.value,
            "tab\there");
}

}  // namespace
}  // namespace voucherd::billing

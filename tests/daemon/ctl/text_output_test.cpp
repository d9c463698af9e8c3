// Tables line up with Chinese in them, and nothing that a firm is called moves the cursor.
#include "daemon/ctl/text_output.h"

#include <gtest/gtest.h>

#include "daemon/ctl/explain_text.h"
#include "daemon/ctl/statement_text.h"

namespace voucherd::ctl {
namespace {

TEST(DisplayWidthTest, CountsTwoColumnsForChineseAndFullWidth) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("重庆"), 4U);
  EXPECT_EQ(display_width("（a）"), 5U);
  EXPECT_EQ(display_width("é–"), 2U);
  EXPECT_EQ(display_width("𠮷"), 2U);
}

TEST(TextTableTest, AlignsColumnsByWhatTheyTakeOnTheScreen) {
  TextTable table;
  table.add_column("企业", TextTable::Align::left, "Firm");
  table.add_column("金额", TextTable::Align::right);
  table.add_row({"甲", "1.00"});
  table.add_row({"乙公司", "1000.00"});
  EXPECT_EQ(table.text(),
            "企业       金额\n"
            "Firm\n"
            "---------------\n"
            "甲         1.00\n"
            "乙公司  1000.00\n");
}

TEST(TextTableTest, KeepsControlCharactersFromTheTerminal) {
  TextTable table;
  table.add_column("A");
  table.add_row({"x\x1b[2Jy\nz"});
  EXPECT_EQ(table.text().find('\x1b'), std::string::npos);
  EXPECT_NE(table.text().find("x [2Jy z\n"), std::string::npos);
}

TEST(OutlineTest, IndentsWhatIsNested) {
  const auto json =
      Json::parse(R"({"uscc":"9150","none":null,"eligibility":[{"from":"2026-01-01"}],"empty":[]})");
  EXPECT_EQ(outline(json),
            "uscc: 9150\n"
            "none: –\n"
            "eligibility:\n"
            "  -\n"
            "    from: 2026-01-01\n"
            "empty: []");
}

TEST(StatementTextTest, ShowsTheContractsExampleWithChineseAndEnglish) {
  const auto statement = Json::parse(R"({"statement":"2026-03/9150","period":"2026-03","state":"open",
    "provider":{"name":"示例智算中心","uscc":"91500000MA5U00000W"},
    "firm":{"uscc":"9150","name":"甲公司","district":"渝中区"},"currency":"CNY","policy":"cq-2025-12","rate":"0.20",
    "settlement":"reimburse","tax_basis":"net",
    "lines":[{"usage_month":"2026-02","adjustment":true,"sku":"gpu.a800","unit":"card_hour","contract":null,
      "price_book":"2026-q1","quantity":"12.5","unit_price":null,"net":"106.25","tax":"6.38","gross":"112.63",
      "eligible_amount":"85.00","ineligible":[{"code":"firm_not_eligible","quantity":"2.5"}]}],
    "unpriced":[{"usage_month":"2026-03","sku":"gpu.new","unit":"card_hour","quantity":"7"}],
    "totals":{"net":"106.25","tax":"6.38","gross":"112.63","eligible":"85.00","subsidy":"17.00","payable":"112.63"},
    "payable_in_words":"人民币壹佰壹拾贰元陆角叁分",
    "subsidy":[{"year":2026,"eligible_to_date":"85.00","target":"17.00","granted_before":"0.00",
      "this_statement":"17.00","cap":"1000000.00","other_centres":"0.00","remaining":"999983.00"}]})");
  const std::string text = statement_text(statement);
  for (const char* part : {"结算单 Statement", "未结账 open", "示例智算中心", "甲公司", "先付后补 reimburse",
                           "2026-02 调整 adj.", "gpu.a800", "企业不符合条件 firm_not_eligible", "gpu.new",
                           "999983.00", "应付 Payable", "人民币壹佰壹拾贰元陆角叁分"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(StatementTextTest, CallsANegativePayableARefund) {
  const auto shown = [](const char* payable) {
    return statement_text(Json{{"totals", {{"payable", payable}}}});
  };
  EXPECT_NE(shown("-5.00").find("应退 Refund"), std::string::npos);
  EXPECT_EQ(shown("-5.00").find("应付"), std::string::npos);
  EXPECT_EQ(shown("0.00").find("应退"), std::string::npos);
}

TEST(ExplainTextTest, CallsANegativePayableARefund) {
  const auto shown = [](const char* result) {
    return explain_text(Json{{"steps", {{{"what", "payable"}, {"formula", "f"}, {"result", result}}}}});
  };
  EXPECT_NE(shown("-5.00").find("应退 refund"), std::string::npos);
  EXPECT_NE(shown("5.00").find("应付 payable"), std::string::npos);
}

TEST(ExplainTextTest, ShowsWhyAYearsStepsDoNotAddUp) {
  const std::string text = explain_text(Json{{"subsidy", {{{"year", 2026}, {"remark", "变化 changed"}}}}});
  EXPECT_NE(text.find("变化 changed"), std::string::npos);
}

}  // namespace
}  // namespace voucherd::ctl

// The CSV of a statement, against a golden file and against hostile names.
#include "billing/render/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace voucherd::billing {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string file(const std::string& name) {
  std::ifstream in(std::string(VOUCHERD_SOURCE_DIR) + "/tests/golden/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

ordered_json statement() { return ordered_json::parse(file("statement.json")); }

TEST(CsvTest, PrintsAClosedStatementExactly) {
  EXPECT_EQ(render_csv(statement(), false), file("statement.csv"));
}

TEST(CsvTest, CallsANegativePayableARefundAndKeepsItsFigure) {
  ordered_json refund = statement();
  refund["totals"]["payable"] = "-5.00";
  const std::string csv = render_csv(refund, false);
  EXPECT_THAT(csv, HasSubstr("应退 Refund,-5.00\r\n应退大写 Refund in words,"));
  EXPECT_THAT(csv, Not(HasSubstr("应付")));
}

TEST(CsvTest, BeginsWithAByteOrderMarkForExcelOnly) {
  EXPECT_EQ(render_csv(statement(), true), "\xEF\xBB\xBF" + render_csv(statement(), false));
}

TEST(CsvTest, LeavesOutWhatAnOpenStatementDoesNotHave) {
  ordered_json open = statement();
  open["state"] = "open";
  for (const char* member : {"closed_at", "closed_by", "journal"}) open.erase(member);
  open["policy"] = open["rate"] = open["tax_basis"] = nullptr;
  open["lines"] = open["unpriced"] = open["subsidy"] = ordered_json::array();
  const std::string csv = render_csv(open, false);
  EXPECT_THAT(csv, HasSubstr("状态 State,未结账 open\r\n"));
  EXPECT_THAT(csv, HasSubstr("政策 Policy,\r\n"));
  EXPECT_THAT(csv, HasSubstr("明细 Lines\r\n"));
  for (const char* absent : {"Closed at", "Journal", "Projects", "Unpriced", "Subsidy\r\n"}) {
    EXPECT_THAT(csv, Not(HasSubstr(absent)));
  }
}

TEST(CsvTest, KeepsTextFromBecomingAFormula) {
  for (const char* lead : {"=", "+", "-", "@", "\t", "\r"}) {
    ordered_json hostile = statement();
    hostile["firm"]["name"] = std::string(lead) + "HYPERLINK";
    hostile["lines"][0]["projects"][0]["project"] = std::string(lead) + "cmd";
    const std::string csv = render_csv(hostile, false);
    EXPECT_THAT(csv, HasSubstr("'" + std::string(lead) + "HYPERLINK"));
    EXPECT_THAT(csv, HasSubstr("'" + std::string(lead) + "cmd"));
  }
}

TEST(CsvTest, LeavesNegativeFiguresNumbers) {
  EXPECT_THAT(render_csv(statement(), false), HasSubstr(",-17.00,"));
  EXPECT_THAT(render_csv(statement(), false), Not(HasSubstr("'-17.00")));
}

TEST(CsvTest, QuotesCommasQuotesAndLineBreaks) {
  ordered_json hostile = statement();
  hostile["firm"]["name"] = "甲,\"乙\"\r\n丙";
  hostile["lines"][0]["sku"] = "=1,2";
  const std::string csv = render_csv(hostile, false);
  EXPECT_THAT(csv, HasSubstr("企业 Firm,\"甲,\"\"乙\"\"\r\n丙\"\r\n"));
  EXPECT_THAT(csv, HasSubstr(",\"'=1,2\","));
}

TEST(CsvTest, GivesEveryRowOfATableItsColumns) {
  std::istringstream rows(render_csv(statement(), false));
  std::string row;
  std::ptrdiff_t columns = 0;
  int lines = 0;
  while (std::getline(rows, row)) {
    if (row.rfind("用量月份 Usage month,调整", 0) == 0) {
      columns = std::count(row.begin(), row.end(), ',');
    } else if (columns > 0) {
      if (row == "\r") break;
      ++lines;
      EXPECT_EQ(std::count(row.begin(), row.end(), ','), columns) << row;
    }
  }
  EXPECT_EQ(lines, 2);
}

}  // namespace
}  // namespace voucherd::billing

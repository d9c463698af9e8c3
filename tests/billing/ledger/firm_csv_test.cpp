// Firms as CSV: what is read, and every fault with its row and column.
#include "billing/ledger/firm_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/billing/ledger/world.h"

namespace voucherd::billing::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> places(const std::vector<FieldFault>& faults) {
  std::vector<std::string> out;
  for (const auto& fault : faults) out.push_back(fault.pointer);
  return out;
}

const std::string names = "uscc,name,district,category,from,until\r\n";

TEST(FirmCsvTest, ReadsFirmsWithTheirIntervals) {
  const FirmCsv file("\xef\xbb\xbf" + names + firm_a +
                         ",\"甲,公司\",渝北区,ai_agent,2026-01-01,2026-07-01\r\n" + firm_a +
                         ",,,digital_twin,2026-03-01,\r\n" + firm_b + ",乙,,,,\r\n",
                     {});
  ASSERT_THAT(file.faults(), IsEmpty());
  EXPECT_EQ(file.rows(), 3u);
  ASSERT_THAT(file.changes(), SizeIs(2));
  EXPECT_EQ(file.changes()[0].key, firm_a);
  EXPECT_EQ(file.changes()[0].body["name"], "甲,公司");
  ASSERT_THAT(file.changes()[0].body["eligibility"], SizeIs(2));
  EXPECT_EQ(file.changes()[0].body["eligibility"][0]["until"], "2026-07-01");
  EXPECT_EQ(file.changes()[0].body["eligibility"][1]["until"], nullptr);
  EXPECT_THAT(file.changes()[1].body["eligibility"], IsEmpty());
}

TEST(FirmCsvTest, KnowsTheColumnsByTheirChineseNamesInAnyOrder) {
  const FirmCsv file("企业名称,统一社会信用代码,起始日期,类别\n甲," + firm_a + ",2026-01-01,ai_agent\n", {});
  ASSERT_THAT(file.faults(), IsEmpty());
  EXPECT_EQ(file.changes()[0].body["eligibility"][0]["from"], "2026-01-01");
}

TEST(FirmCsvTest, LeavesRelatedPartyAndPredecessorsAsTheyAre) {
  World world;
  world.furnish();
  json body = World::firm_body();
  body["related_party"] = {{{"from", "2026-02-01"}, {"until", nullptr}}};
  body["predecessors"] = {firm_b};
  world.put(FactKind::firm, firm_a, body);
  const FirmCsv file(names + firm_a + ",新名,渝北区,,,\n", world.ledger->facts());
  EXPECT_EQ(file.changes()[0].body["related_party"][0]["from"], "2026-02-01");
  EXPECT_EQ(file.changes()[0].body["predecessors"], json({firm_b}));
}

TEST(FirmCsvTest, ListsEveryFaultWithItsRowAndColumn) {
  const FirmCsv file(names + "91500000MA5U00000X,甲,,ai_agent,2026-01-01,\n"  // 2: a wrong check character
                         + firm_b + ",,,ai_agent,2026-13-01,\n"               // 3: no name, no such day
                         + firm_c + ",丙,,,2026-01-01,2025-01-01\n"           // 4: no category, ends first
                         + firm_c + ",丁,,ai_agent,2026-01-01,\n"             // 5: another name
                         + firm_a + ",甲\n",                                  // 6: two fields
                     {});
  EXPECT_THAT(places(file.faults()),
              ElementsAre("row 5, column name", "row 6", "row 2, column uscc", "row 3, column name",
                          "row 3, column from", "row 4, column category", "row 4, column until"));
}

TEST(FirmCsvTest, NamesTheColumnsThatItDoesNotKnowOrLacks) {
  const FirmCsv file("uscc,telephone,uscc\n", {});
  EXPECT_THAT(places(file.faults()), ElementsAre("row 1, column 2", "row 1, column 3", "row 1"));
  EXPECT_THAT(file.faults()[0].detail, HasSubstr("企业名称"));
  EXPECT_THAT(FirmCsv("", {}).faults(), SizeIs(1));
  EXPECT_THAT(FirmCsv(names, {}).faults(), SizeIs(1));
}

TEST(FirmCsvTest, SaysWhatToDoWithGb18030AndUtf16) {
  // 甲 in GB18030.
  const FirmCsv chinese(names + firm_a + ",\xbc\xd7,,,,\n", {});
  ASSERT_THAT(chinese.faults(), SizeIs(1));
  EXPECT_THAT(chinese.faults()[0].detail, HasSubstr("line 2 is not UTF-8"));
  EXPECT_THAT(chinese.faults()[0].detail, HasSubstr("iconv -f GB18030"));
  EXPECT_THAT(FirmCsv(std::string("\xff\xfeu\0", 4), {}).faults()[0].detail, HasSubstr("UTF-16"));
}

TEST(FirmCsvTest, TellsTheJudgesFaultsByRowToo) {
  World world;
  world.furnish();
  const std::string twice =
      firm_a + ",甲,,ai_agent,2026-01-01,2026-03-01\n" + firm_a + ",,,ai_agent,2026-02-01,\n";
  const FirmCsv overlapping(names + firm_b + ",乙,,,,\n" + twice, {});
  EXPECT_THAT(places(overlapping.faults()), ElementsAre("row 4, column from"));
  const FirmCsv good(names + firm_b + ",乙,,,,\n" + firm_a + ",甲,,,,\n", {});
  EXPECT_THAT(places(good.located({{"/1/name", "x"}, {"/0", "y"}, {"/reason", "z"}})),
              ElementsAre("row 3, column name", "row 2, column uscc", "/reason"));
}

TEST(FirmCsvTest, SplitsQuotedFieldsToTheLetter) {
  std::vector<FieldFault> faults;
  const auto rows = split_csv("a,\"b \"\"c\"\"\nd\",\r\n\n\"\",e\n", faults);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b \"c\"\nd", ""));
  EXPECT_EQ(rows[1].number, 3u);
  EXPECT_THAT(rows[1].fields, ElementsAre("", "e"));
  EXPECT_THAT(faults, IsEmpty());
  split_csv("\"a\" b,c\nd\n\"e", faults);
  EXPECT_THAT(places(faults), ElementsAre("row 1", "row 3"));
}

}  // namespace
}  // namespace voucherd::billing::testing

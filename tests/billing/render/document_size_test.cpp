// What comes from data never ends the process: a document that would be too large, or that a library
// refuses, is a fault.
#include "billing/render/document_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "billing/render/pdf.h"
#include "billing/render/pdf_pages.h"
#include "billing/render/report.h"
#include "billing/render/xlsx.h"
#include "billing/render/xlsx_book.h"

namespace voucherd::billing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

Json statement() {
  std::ifstream in(std::string(VOUCHERD_SOURCE_DIR) + "/tests/golden/statement.json");
  return Json::parse(in);
}

DailyUsage usage_of_a_day() {
  return {parse_day("2026-03-01").value(), SkuId("gpu.a800"), "card_hour", ProjectId("p"),
          Quantity{1'000'000'000}};
}

/// The first line has so many projects.
Json with_projects(std::size_t count) {
  Json shown = statement();
  const Json project = {{"project", "p"}, {"quantity", "1"}, {"net", "1.00"}};
  shown["lines"][0]["projects"] = std::vector<Json>(count, project);
  return shown;
}

void expect_too_large(const Result<std::string>& made, const std::string& rows, const std::string& instead) {
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, document_too_large);
  EXPECT_THAT(made.error().detail, HasSubstr(rows));
  EXPECT_THAT(made.error().detail, HasSubstr(instead));
}

TEST(DocumentSizeTest, TakesSoManyRowsAndNoMore) {
  EXPECT_TRUE(check_rows("the sheet", 7, 7, ""));
  EXPECT_FALSE(check_rows("the sheet", 8, 7, ""));
}

TEST(DocumentSizeTest, AWorkbookWithTooManyRowsIsAFaultThatSaysWhereTheyAre) {
  expect_too_large(render_xlsx(statement(), std::vector<DailyUsage>(xlsx_rows_max + 1, usage_of_a_day()), {}),
                   "daily usage would have 200001 rows", "/v1/usage");
  expect_too_large(render_xlsx(with_projects(xlsx_rows_max + 1), {}, {}), "projects would have 20000",
                   "the statement's CSV has them all");
}

TEST(DocumentSizeTest, AReportWithTooManyRowsIsAFault) {
  Report report;
  report.title = "t";
  report.tables.push_back({"firms", {"a"}, {}});
  report.tables[0].rows.resize(xlsx_rows_max + 1, {{"x", ReportCell::Kind::text}});
  expect_too_large(report_xlsx(report), "the sheet firms would have 200001 rows", "CSV");
}

TEST(DocumentSizeTest, APdfWithTooManyRowsIsAFault) {
  const auto renderer = PdfRenderer::open("Noto Sans CJK SC", "Noto Sans CJK JP").value();
  expect_too_large(renderer->render(with_projects(pdf_rows_max), {}), "the PDF would have 200", "CSV");
  EXPECT_TRUE(renderer->render(statement(), {})) << "the next one is made";
}

TEST(XlsxBookTest, WhatTheLibraryRefusesIsAFaultAtTheEnd) {
  constexpr std::uint32_t rows_of_a_sheet = 1'048'576;
  XlsxBook book("t", {});
  XlsxSheet sheet = book.add_sheet("s");
  sheet.text(rows_of_a_sheet, 0, "beyond");
  sheet.text(0, 0, "within");
  const auto made = book.finish();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "xlsx_failed");
}

TEST(PdfPagesTest, WhatCairoRefusesIsAFault) {
  PdfPages pages(pt(100), pt(100));
  pages.begin_page();
  EXPECT_TRUE(pages.write("标题", "甲", {}));
  const auto made = pages.write("\xff\xfe", "甲", {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "pdf_failed");
}

}  // namespace
}  // namespace voucherd::billing

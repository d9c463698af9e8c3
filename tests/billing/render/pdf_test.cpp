// PDFs from inside: fonts that are missing, figures that are aligned, the same bytes from any thread.
// What they look like is kept by tests/documents.
#include "billing/render/pdf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "billing/render/pdf_fonts.h"
#include "tests/support/leak_suppressions.h"

namespace voucherd::billing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char *chinese = "Noto Sans CJK SC", *latin = "Noto Sans CJK JP";

nlohmann::ordered_json statement() {
  std::ifstream in(std::string(VOUCHERD_SOURCE_DIR) + "/tests/golden/statement.json");
  return nlohmann::ordered_json::parse(in);
}

TEST(PdfTest, RefusesAFontThatIsNotInstalled) {
  for (const auto& [families, key] :
       {std::pair{PdfFamilies{"No Such Font", latin}, "documents.font"},
        std::pair{PdfFamilies{chinese, "No Such Font"}, "documents.latin_font"}}) {
    const auto opened = PdfRenderer::open(families.chinese, families.latin);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "font_missing");
    EXPECT_THAT(opened.error().detail, HasSubstr("'No Such Font' is not installed"));
    EXPECT_THAT(opened.error().detail, HasSubstr("fonts-noto-cjk"));
    EXPECT_THAT(opened.error().detail, HasSubstr(key));
  }
}

TEST(PdfTest, RefusesAFontWithoutChinese) {
  const auto opened = PdfRenderer::open("DejaVu Sans", latin);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "font_missing");
}

TEST(PdfTest, HoldsTheGlyphsItUsesAndNotTheWholeFont) {
  auto all = statement();
  all["firm"]["name"] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz 甲乙丙丁";
  constexpr std::size_t bytes_max = 400'000;  // with all subroutines: 1.7 MB
  EXPECT_LT(PdfRenderer::open(chinese, latin).value()->render(all, {}).value().size(), bytes_max);
}

TEST(PdfTest, IsTheSameFromAnyThread) {
  const auto renderer = PdfRenderer::open(chinese, latin).value();
  const std::string first = renderer->render(statement(), {}).value();
  EXPECT_THAT(first, StartsWith("%PDF-"));
  std::string elsewhere;
  std::thread([&] { elsewhere = renderer->render(statement(), {}).value(); }).join();
  EXPECT_EQ(elsewhere, first);
  EXPECT_EQ(PdfRenderer::open(chinese, latin).value()->render(statement(), {}).value(), first);
}

TEST(PdfTest, TellsADraftFromAClosedStatement) {
  const auto renderer = PdfRenderer::open(chinese, latin).value();
  auto open = statement();
  open["state"] = "open";
  open.erase("closed_at");
  open.erase("closed_by");
  EXPECT_NE(renderer->render(open, {}).value().size(), renderer->render(statement(), {}).value().size());
}

TEST(PdfFontsTest, AllDigitsAreEquallyWide) {
  const auto fonts = PdfFonts::open({chinese, latin}).value();
  for (const bool bold : {false, true}) {
    const TypeStyle style{.size = pt(100), .bold = bold};
    for (const char* digit : {"1", "2", "3", "4", "5", "6", "7", "8", "9"}) {
      EXPECT_EQ(fonts->width_of(digit, style), fonts->width_of("0", style)) << digit;
    }
    EXPECT_NEAR(fonts->shape("-1,234,567.111", style).width, fonts->width_of("-1,234,567.111", style), pt(1))
        << "a figure is as wide as its characters: nothing is kerned";
  }
}

TEST(PdfFontsTest, WritesOutWhatNoFontHas) {
  const auto fonts = PdfFonts::open({chinese, latin}).value();
  EXPECT_EQ(fonts->printable("甲A𠮷"), "甲A𠮷");
  EXPECT_EQ(fonts->printable("甲\U0010FFFD"), "甲〓[U+10FFFD]") << "private use";
  EXPECT_EQ(fonts->printable("x\u202Ey"), "x〓[U+202E]y");
}

TEST(PdfFontsTest, BreaksATextThatIsTooWideAndNoFigure) {
  const auto fonts = PdfFonts::open({chinese, latin}).value();
  const auto broken = fonts->shape(std::string(128, 'x'), {}, pt(100));
  EXPECT_GT(broken.lines, 1);
  EXPECT_LE(broken.width, pt(100));
  EXPECT_EQ(fonts->shape("1,000,000,000,000,000.00", {}).lines, 1);
}

}  // namespace
}  // namespace voucherd::billing

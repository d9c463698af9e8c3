// What can't be seen is written out; what can is left alone.
#include "billing/render/visible_text.h"

#include <gtest/gtest.h>

#include "billing/render/grouped_figure.h"

namespace voucherd::billing {
namespace {

TEST(VisibleTextTest, LeavesWhatCanBeSeen) {
  for (const char* text : {"", "甲科技有限公司", "A & B <b>", "𠮷野家", "café", "a b\u3000c", "😀", "=1+1"}) {
    EXPECT_EQ(visible_text(text), text);
  }
}

TEST(VisibleTextTest, WritesOutControlsOverridesAndZeroWidths) {
  EXPECT_EQ(visible_text(std::string("a\0b", 3)), "a〓[U+0000]b");
  EXPECT_EQ(visible_text("a\tb\r\nc\x7F"), "a〓[U+0009]b〓[U+000D]〓[U+000A]c〓[U+007F]");
  EXPECT_EQ(visible_text("1\u202E2\u2066\u200B"), "1〓[U+202E]2〓[U+2066]〓[U+200B]");
  EXPECT_EQ(visible_text("\uFEFF\u2028\U000E0041\uFFFF"), "〓[U+FEFF]〓[U+2028]〓[U+E0041]〓[U+FFFF]");
}

TEST(VisibleTextTest, WritesOutBytesThatAreNoUtf8) {
  EXPECT_EQ(visible_text("\xED\xA0\x80"), "〓[0xED]〓[0xA0]〓[0x80]") << "a lone surrogate";
  EXPECT_EQ(visible_text("\xC0\xAF"), "〓[0xC0]〓[0xAF]") << "longer than it must be";
  EXPECT_EQ(visible_text("\xF5\x80\x80\x80x"), "〓[0xF5]〓[0x80]〓[0x80]〓[0x80]x");
  EXPECT_EQ(visible_text("甲\xE7\x94"), "甲〓[0xE7]〓[0x94]") << "cut off";
}

TEST(GroupedFigureTest, PartsThousands) {
  EXPECT_EQ(grouped("0.00"), "0.00");
  EXPECT_EQ(grouped("999.5"), "999.5");
  EXPECT_EQ(grouped("-1234567.123456789"), "-1,234,567.123456789");
  EXPECT_EQ(grouped("-100"), "-100");
  EXPECT_EQ(grouped("1000000000000000.00"), "1,000,000,000,000,000.00");
}

TEST(GroupedFigureTest, ShowsARateAsPercent) {
  EXPECT_EQ(as_percent("0.06"), "6%");
  EXPECT_EQ(as_percent("0.20"), "20%");
  EXPECT_EQ(as_percent("0.0625"), "6.25%");
  EXPECT_EQ(as_percent("0"), "0%");
  EXPECT_EQ(as_percent("1"), "100%");
}

}  // namespace
}  // namespace voucherd::billing

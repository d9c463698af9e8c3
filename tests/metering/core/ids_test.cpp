// The 统一社会信用代码 against the vectors, and against every slip of one character.
#include "metering/core/ids.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace voucherd {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The strings of one array of the vectors' file, which holds nothing but two arrays of strings.
std::vector<std::string> vectors(const std::string& name) {
  std::ifstream file(VOUCHERD_SOURCE_DIR "/tests/golden/uscc.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t open = text.find('[', text.find('"' + name + '"'));
  const std::size_t close = text.find(']', open);
  std::vector<std::string> found;
  for (std::size_t at = text.find('"', open); at < close; at = text.find('"', at + 1)) {
    const std::size_t end = text.find('"', at + 1);
    found.push_back(text.substr(at + 1, end - at - 1));
    at = end;
  }
  return found;
}

TEST(UsccTest, AcceptsTheValidVectors) {
  const std::vector<std::string> valid = vectors("valid");
  ASSERT_EQ(valid.size(), 6U);
  for (const std::string& text : valid) {
    EXPECT_TRUE(is_uscc(text)) << text;
    EXPECT_TRUE(check_uscc(text).has_value()) << text;
  }
}

TEST(UsccTest, RefusesTheInvalidVectors) {
  const std::vector<std::string> invalid = vectors("invalid");
  ASSERT_EQ(invalid.size(), 7U);
  for (const std::string& text : invalid) {
    EXPECT_FALSE(is_uscc(text)) << text;
    EXPECT_FALSE(check_uscc(text).has_value()) << text;
  }
}

TEST(UsccTest, CatchesEachWrongCharacterAtEachPlace) {
  for (const std::string& right : vectors("valid")) {
    for (std::size_t at = 0; at < right.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string wrong = right;
        wrong[at] = static_cast<char>(byte);
        EXPECT_EQ(is_uscc(wrong), wrong == right) << wrong;
      }
    }
  }
}

TEST(UsccTest, CatchesEachSwapOfNeighbours) {
  for (const std::string& right : vectors("valid")) {
    for (std::size_t at = 0; at + 2 < right.size(); ++at) {
      std::string wrong = right;
      std::swap(wrong[at], wrong[at + 1]);
      EXPECT_EQ(is_uscc(wrong), wrong == right) << wrong;
    }
  }
}

TEST(UsccTest, OneCheckCharacterOfThirtyOneIsRight) {
  std::string text = "91500107MAABCDEF1R";
  int right = 0;
  for (const char check : alphabet) {
    text.back() = check;
    right += is_uscc(text) ? 1 : 0;
  }
  EXPECT_EQ(right, 1);
}

TEST(UsccTest, TheFaultGivesTheRightCheckCharacter) {
  const Result<void> result = check_uscc("9150000020286320X7");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, "uscc_check_character");
  EXPECT_NE(result.error().detail.find("it should be 6"), std::string::npos) << result.error().detail;
}

TEST(UsccTest, TheFaultTellsALengthFromACharacter) {
  EXPECT_EQ(check_uscc("").error().code, "uscc_malformed");
  EXPECT_NE(check_uscc("9150").error().detail.find("4 bytes"), std::string::npos);
  EXPECT_NE(check_uscc("91500000ma5u000000").error().detail.find("a character other than"),
            std::string::npos);
  EXPECT_EQ(check_uscc("9150000020286320Xi").error().code, "uscc_check_character");
}

TEST(IdTest, ComparesAndHashesByItsText) {
  EXPECT_LT(SkuId("a"), SkuId("b"));
  EXPECT_EQ(SkuId("a"), SkuId(std::string("a")));
  EXPECT_EQ(std::hash<SkuId>{}(SkuId("a")), std::hash<SkuId>{}(SkuId("a")));
  EXPECT_TRUE(ProjectId().empty());
  static_assert(!std::is_convertible_v<FirmId, SkuId>);
}

}  // namespace
}  // namespace voucherd

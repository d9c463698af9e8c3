// 人民币大写 against the vectors of the rules, and what the vectors leave out.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "billing/core/statement.h"

namespace voucherd::billing {
namespace {

std::string words(std::string_view amount) { return amount_in_words({parse_decimal(amount, 2).value()}); }

TEST(AmountInWordsTest, MatchesTheVectors) {
  std::ifstream file(VOUCHERD_SOURCE_DIR "/tests/golden/rmb-words.json");
  const nlohmann::json vectors = nlohmann::json::parse(file);
  ASSERT_GT(vectors.size(), 30U);
  for (const auto& vector : vectors)
    EXPECT_EQ(words(vector["amount"].get<std::string>()), vector["words"].get<std::string>())
        << vector["amount"];
}

TEST(AmountInWordsTest, WritesOneZeroForARunOfThem) {
  EXPECT_EQ(words("1001.00"), "人民币壹仟零壹元整");
  EXPECT_EQ(words("1010.00"), "人民币壹仟零壹拾元整");
  EXPECT_EQ(words("100001000.00"), "人民币壹亿零壹仟元整");
  EXPECT_EQ(words("120000000.00"), "人民币壹亿贰仟万元整");
  EXPECT_EQ(words("101000000.00"), "人民币壹亿零壹佰万元整");
}

TEST(AmountInWordsTest, WritesAZeroForAGroupOfFourThatIsMissing) {
  EXPECT_EQ(amount_in_words(parse_fen("106000019954526.49").value()),
            "人民币壹佰零陆万亿零壹仟玖佰玖拾伍万肆仟伍佰贰拾陆元肆角玖分");
  EXPECT_EQ(amount_in_words(parse_fen("1019950000.00").value()), "人民币壹拾亿壹仟玖佰玖拾伍万元整");
}

TEST(AmountInWordsTest, ReadsAmountsAboveAHundredMillionTimesTenThousand) {
  EXPECT_EQ(words("1000000000000.00"), "人民币壹万亿元整");
  EXPECT_EQ(words("1000000000000000.00"), "人民币壹仟万亿元整");
  EXPECT_EQ(words("-0.30"), "人民币（负数）叁角");
}

}  // namespace
}  // namespace voucherd::billing

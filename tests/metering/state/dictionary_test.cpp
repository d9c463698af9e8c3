// Each text has one number, whatever was added since.
#include "metering/state/dictionary.h"

#include <gtest/gtest.h>

namespace voucherd {
namespace {

TEST(DictionaryTest, KeepsEachTextOnceAlsoAfterAMove) {
  Dictionary dictionary;
  EXPECT_EQ(dictionary.intern("a"), 0u);
  EXPECT_EQ(dictionary.intern(""), 1u);
  for (int i = 0; i < 1'000; ++i) dictionary.intern("text " + std::to_string(i));
  Dictionary moved = std::move(dictionary);
  EXPECT_EQ(moved.intern("a"), 0u);
  EXPECT_EQ(moved.intern("text 999"), 1'001u);
  EXPECT_EQ(moved.at(1'001), "text 999");
  EXPECT_EQ(moved.size(), 1'002u);
}

TEST(DictionaryTest, FindsOnlyWhatWasAdded) {
  Dictionary dictionary;
  EXPECT_EQ(dictionary.find("a"), std::nullopt);
  dictionary.intern("a");
  dictionary.intern(std::string_view("a\0", 2));
  EXPECT_EQ(dictionary.find("a"), 0u);
  EXPECT_EQ(dictionary.find(std::string_view("a\0", 2)), 1u);
  EXPECT_EQ(dictionary.find(""), std::nullopt);
  EXPECT_EQ(dictionary.size(), 2u);
}

TEST(DictionaryTest, FindsWhatWasPushedOnceSomethingIsInterned) {
  Dictionary dictionary;
  EXPECT_EQ(dictionary.intern("a"), 0u);
  for (std::uint32_t i = 1; i <= 100; ++i) EXPECT_EQ(dictionary.push("text " + std::to_string(i)), i);
  EXPECT_EQ(dictionary.intern("text 40"), 40u);
  EXPECT_EQ(dictionary.intern("b"), 101u);
  EXPECT_EQ(dictionary.push(""), 102u);
  EXPECT_EQ(dictionary.at(102), "");
  EXPECT_EQ(dictionary.intern(""), 102u);
  EXPECT_EQ(dictionary.find("text 100"), 100u);
  EXPECT_EQ(dictionary.size(), 103u);
}

TEST(DictionaryDeathTest, RefusesToPushWhatItHas) {
  Dictionary dictionary;
  dictionary.push("a");
  dictionary.push("a");
  EXPECT_DEATH(dictionary.intern("b"), "");
}

}  // namespace
}  // namespace voucherd

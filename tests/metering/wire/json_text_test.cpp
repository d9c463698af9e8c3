// The text-level rules of JSON that the decoder checks itself.
#include "metering/wire/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace voucherd::wire {
namespace {

bool is_value(std::string_view text) {
  std::string open;
  return is_json_value(text, open);
}

std::string unescaped(std::string_view text) {
  std::string out(text.size(), '?');
  std::size_t size = 0;
  switch (unescape(text, out.data(), size)) {
    case Unescaped::bad_escape:
      return "bad escape";
    case Unescaped::lone_surrogate:
      return "lone surrogate";
    case Unescaped::good:
      break;
  }
  return out.substr(0, size);
}

TEST(JsonTextTest, NumbersFollowTheGrammar) {
  for (const std::string_view good : {"0", "-0", "10", "1.5", "-1.5e10", "1E+2", "1e-2", "0.0"}) {
    EXPECT_TRUE(is_json_number(good)) << good;
  }
  for (const std::string_view bad :
       {"", "-", "01", "+1", "1.", ".1", "1e", "1e+", "1x", "0x1", "1.5.5", "--1", "1 "}) {
    EXPECT_FALSE(is_json_number(bad)) << bad;
  }
}

TEST(JsonTextTest, EscapesSpellTheirCharacters) {
  EXPECT_EQ(unescaped("a\\\"\\\\\\/\\b\\f\\n\\r\\tz"), "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(unescaped("\\u0041\\u00e9\\u4E2D\\ud83d\\uDE00"), "Aé中😀");
  EXPECT_EQ(unescaped("\\u0000"), std::string(1, '\0'));
  EXPECT_EQ(unescaped("\\uffff\\u07ff\\u0800\\udbff\\udfff"), "\uffff\u07ff\u0800\U0010ffff");
}

TEST(JsonTextTest, BadEscapesAndLoneSurrogatesAreTold) {
  for (const std::string_view bad :
       {"\\", "\\x", "\\u", "\\u12", "\\u12g4", "\\U0041", "\\ud800\\u12", "\\ud800\\x"}) {
    EXPECT_EQ(unescaped(bad), "bad escape") << bad;
  }
  for (const std::string_view lone : {"\\ud800", "\\udfff", "\\ud800 \\udc00", "\\ud800\\ud800"}) {
    EXPECT_EQ(unescaped(lone), "lone surrogate") << lone;
  }
}

TEST(JsonTextTest, AValueIsOneValue) {
  for (const std::string_view good : {"1", " {} ", "[]", "[[],{}]", R"({"a":[1,"]",{"b":null}],"c":"\"}"})",
                                      "true", R"("\u0041")", "[1 , 2]\n"}) {
    EXPECT_TRUE(is_value(good)) << good;
  }
  for (const std::string_view bad :
       {"",        " ",        "[",           "]",        "{",          "[}",
        "{]",      "[1,]",     "{,}",         R"({"a"})", R"({"a":})",  "[1 2]",
        "1 2",     R"({1:2})", R"(["a)",      R"("\x")",  R"("\u12")",  "[1]]",
        "tru",     "[,1]",     R"({"a":1,})", "\"\n\"",   R"({"a" 1})", R"({"a":1 "b":2})",
        R"("a":1)"}) {
    EXPECT_FALSE(is_value(bad)) << bad;
  }
  EXPECT_FALSE(is_value(std::string_view("1\0", 2)));
  EXPECT_TRUE(is_value(std::string(1'000'000, '[') + std::string(1'000'000, ']')));
}

TEST(JsonTextTest, FindsTheFirstBrokenUtf8) {
  EXPECT_EQ(first_broken_utf8("aé中😀"), std::string_view("aé中😀").size());
  EXPECT_EQ(first_broken_utf8("ab\xff"), 2U);
  EXPECT_EQ(first_broken_utf8("é\xc0\x80"), 2U);
  EXPECT_EQ(first_broken_utf8("\xed\xa0\x80"), 0U);
  EXPECT_EQ(first_broken_utf8("\xf4\x90\x80\x80"), 0U);
  EXPECT_EQ(first_broken_utf8("a\xe4\xb8"), 1U);
  EXPECT_EQ(first_broken_utf8("\xe0\x80\x80"), 0U);
}

}  // namespace
}  // namespace voucherd::wire

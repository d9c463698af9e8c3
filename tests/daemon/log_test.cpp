// Log lines: their shape, and that no value can break it.
#include "daemon/log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

namespace voucherd::log {
namespace {

std::string value_as_logged(std::string_view value) {
  const std::string line = format_line({0}, Level::info, "event", {{"v", value}});
  return line.substr(line.find(" v=") + 3);
}

TEST(LogTest, WritesTimeLevelEventAndFields) {
  const ManualClock clock(parse_instant("2026-03-01T09:00:00.123+08:00").value());
  std::ostringstream out;
  Logger logger(Level::info, clock, out);
  logger.info("listening", {{"address", "127.0.0.1:8080"}, {"connections", 7}, {"ready", true}});
  logger.warn("slow");
  EXPECT_EQ(
      out.str(),
      "time=2026-03-01T01:00:00.123+00:00 level=info event=listening address=127.0.0.1:8080 connections=7 "
      "ready=true\n"
      "time=2026-03-01T01:00:00.123+00:00 level=warn event=slow\n");
}

TEST(LogTest, LeavesOutWhatIsBelowTheLevel) {
  const ManualClock clock({0});
  std::ostringstream out;
  Logger logger(Level::warn, clock, out);
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  logger.error("d", Fault{"code_x", "what is wrong"});
  EXPECT_EQ(out.str(),
            "time=1970-01-01T00:00:00+00:00 level=warn event=c\n"
            "time=1970-01-01T00:00:00+00:00 level=error event=d code=code_x detail=\"what is wrong\"\n");
}

TEST(LogTest, NamesOfLevelsAreTheConfigurations) {
  EXPECT_EQ(parse_level("debug").value(), Level::debug);
  EXPECT_EQ(parse_level("error").value(), Level::error);
  EXPECT_EQ(parse_level("loud").error().code, "log_level_unknown");
}

TEST(LogTest, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(value_as_logged("a/b:c-d.e"), "a/b:c-d.e");
  EXPECT_EQ(value_as_logged(""), "\"\"");
  EXPECT_EQ(value_as_logged("a b"), "\"a b\"");
  EXPECT_EQ(value_as_logged("a=b"), "\"a=b\"");
  EXPECT_EQ(value_as_logged("算力"), "\"算力\"");
  EXPECT_EQ(value_as_logged("{%v} {}"), "\"{%v} {}\"");
}

TEST(LogTest, EscapesWhatCouldForgeALineOrCommandATerminal) {
  EXPECT_EQ(value_as_logged("a\nlevel=error"), "\"a\\nlevel=error\"");
  EXPECT_EQ(value_as_logged("\r\t\"\\"), "\"\\r\\t\\\"\\\\\"");
  EXPECT_EQ(value_as_logged("\x1b[31m"), "\"\\x1b[31m\"");
  EXPECT_EQ(value_as_logged(std::string_view("\0\x7f", 2)), "\"\\x00\\x7f\"");
  EXPECT_EQ(value_as_logged("\xc2\x9b"
                            "31m"),
            "\"\\u009b31m\"");
  EXPECT_EQ(value_as_logged("\xe2\x80\xa8"), "\"\\u2028\"");
  EXPECT_EQ(value_as_logged("\xe2\x80\xae"
                            "abc"),
            "\"\\u202eabc\"");
  EXPECT_EQ(value_as_logged("\xff\xc0\xaf\xe7"), "\"\\xff\\xc0\\xaf\\xe7\"");
}

TEST(LogTest, CutsEndlessValues) {
  const std::string logged = value_as_logged(std::string(10'000, 'a'));
  EXPECT_LT(logged.size(), 5'000u);
  EXPECT_THAT(logged, testing::EndsWith("…\""));
}

TEST(LogTest, AnyBytesStayOneLineOfPrintableText) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 1'000; ++round) {
    std::string value(random() % 40, '\0');
    for (char& byte : value) byte = static_cast<char>(random());
    const std::string logged = value_as_logged(value);
    EXPECT_TRUE(std::none_of(logged.begin(), logged.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte < 0x20 || byte == 0x7f;
    }));
    if (logged.front() != '"') continue;
    // A reader of quoted values finds the end where the value ends.
    std::size_t at = 1;
    while (logged[at] != '"') at += logged[at] == '\\' ? 2u : 1u;
    EXPECT_EQ(at, logged.size() - 1);
  }
}

}  // namespace
}  // namespace voucherd::log

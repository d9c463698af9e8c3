// A reader that remembers the instant before must say of every text what one that remembers nothing says.
#include "metering/core/instant_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace voucherd {
namespace {

TEST(InstantReaderTest, ReadsEachInstantAsIfItWereTheFirst) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> dates = {"2026-03-01", "2026-03-02", "2024-02-29",         "2026-02-29",
                                          "1970-01-01", "0000-01-01", "9999-12-31",         "2026-3-001",
                                          "2026_03-01", "2026-13-01", std::string(10, '\0')};
  const std::vector<std::string> times = {"T08:00:00",  "T23:59:59.999", "t00:00:00.1", "T24:00:00",
                                          "T08:00:00.", "T08-00:00",     " 08:00:00",   ""};
  const std::vector<std::string> zones = {"+08:00", "+00:00", "-11:30", "Z",     "z",
                                          "+24:00", "08:00",  "",       "+0800", std::string(6, '\0')};
  const auto one_of = [&](const std::vector<std::string>& all) { return all[random() % all.size()]; };
  InstantReader remembering;
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = one_of(dates) + one_of(times) + one_of(zones);
    Instant read;
    const bool known = remembering.read(text, read);
    const Result<Instant> expected = parse_instant(text);
    ASSERT_EQ(known, expected.has_value()) << text;
    if (!known) continue;
    ASSERT_EQ(read, *expected) << text;
    ++good;
  }
  EXPECT_GT(good, 1'000);
}

TEST(InstantReaderTest, DoesNotTakeNothingForTheDateOrOffsetBefore) {
  Instant read;
  EXPECT_FALSE(InstantReader().read(std::string(10, '\0') + "T08:00:00Z", read));
  EXPECT_FALSE(InstantReader().read("2026-03-01T08:00:00" + std::string(6, '\0'), read));
}

}  // namespace
}  // namespace voucherd

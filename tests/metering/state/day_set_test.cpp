// Days as runs, against a plain set.
#include "metering/state/day_set.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

TEST(DaySetTest, JoinsWhatTouchesAndKeepsApartWhatDoesNot) {
  DaySet days;
  days.insert({{10}, {12}});
  days.insert({{15}, {15}});
  EXPECT_EQ(days.runs(), (std::vector<DayRun>{{{10}, {12}}, {{15}, {15}}}));
  days.insert({{13}, {13}});
  EXPECT_EQ(days.runs(), (std::vector<DayRun>{{{10}, {13}}, {{15}, {15}}}));
  days.insert({{14}, {14}});
  EXPECT_EQ(days.runs(), (std::vector<DayRun>{{{10}, {15}}}));
  days.insert({{1}, {30}});
  EXPECT_EQ(days.runs(), (std::vector<DayRun>{{{1}, {30}}}));
}

TEST(DaySetTest, AgreesWithASetOfDaysInAnyOrder) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  for (int round = 0; round < 200; ++round) {
    DaySet days;
    std::set<std::int32_t> model;
    for (std::int64_t left = test::between(random, 1, 30); left > 0; --left) {
      const auto first = static_cast<std::int32_t>(test::between(random, -60, 60));
      const auto last = first + static_cast<std::int32_t>(test::between(random, 0, 3));
      days.insert({{first}, {last}});
      for (std::int32_t day = first; day <= last; ++day) model.insert(day);
    }
    std::set<std::int32_t> held;
    std::int32_t behind = -1000;
    for (const DayRun& run : days.runs()) {
      EXPECT_GT(run.first.days, behind + 1);
      for (std::int32_t day = run.first.days; day <= run.last.days; ++day) held.insert(day);
      behind = run.last.days;
    }
    ASSERT_EQ(held, model);
  }
}

}  // namespace
}  // namespace voucherd

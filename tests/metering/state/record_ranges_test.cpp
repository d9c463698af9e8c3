// Ranges of records: nothing that is there is passed over, and most of what is not.
#include "metering/state/record_ranges.h"

#include <gtest/gtest.h>

#include "metering/state/byte_coding.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

std::string firm_name(std::int64_t number) { return "91500000MA5U" + std::to_string(100'000 + number); }

TEST(RecordRangesTest, PassesOverWhatHasOtherDaysOrFirms) {
  RecordRanges ranges;
  for (const std::int32_t day : {10, 11, 12, 13}) {
    ranges.begin_record(static_cast<Position>(day) * 10, RecordRanges::range_events);
    ranges.add_firm(firm_name(day % 2));
    ranges.add_days({{day}, {day}});
  }
  const auto next = [&](Position from, std::int64_t firm, std::int32_t first, std::int32_t last) {
    return ranges.next(from, firm_name(firm), {{first}, {last}});
  };
  EXPECT_EQ(next(1, 0, 0, 100), 100u);
  EXPECT_EQ(next(101, 0, 0, 100), 120u);
  EXPECT_EQ(next(1, 1, 0, 100), 110u);
  EXPECT_EQ(next(1, 0, 11, 11), std::nullopt);
  EXPECT_EQ(next(1, 1, 12, 13), 130u);
  EXPECT_EQ(next(131, 1, 0, 100), std::nullopt);
  EXPECT_EQ(RecordRanges{}.next(1, firm_name(0), {{0}, {1}}), std::nullopt);
}

TEST(RecordRangesTest, GathersSmallRecords) {
  RecordRanges ranges;
  for (Position position = 1; position <= 2 * RecordRanges::range_events; ++position) {
    ranges.begin_record(position, 1);
    ranges.add_firm(firm_name(position <= RecordRanges::range_events ? 0 : 1));
    ranges.add_days({{1}, {1}});
  }
  EXPECT_EQ(ranges.next(1, firm_name(1), {{1}, {1}}), RecordRanges::range_events + 1);
  std::string saved;
  ranges.save(saved);
  EXPECT_LT(saved.size(), 1'100u);
}

TEST(RecordRangesTest, NeverPassesOverAnEventThatIsThereAndLoadsAsItWasSaved) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  struct Event {
    Position position;
    std::string firm;
    DayRun days;
  };
  std::vector<Event> events;
  RecordRanges ranges;
  Position position = 1;
  for (int record = 0; record < 300; ++record) {
    position += static_cast<Position>(test::between(random, 1, 3));
    ranges.begin_record(position, static_cast<std::uint64_t>(test::between(random, 1, 3'000)));
    for (int i = 0; i < 5; ++i) {
      const auto day = static_cast<std::int32_t>(record + test::between(random, -20, 20));
      events.push_back({position, firm_name(test::between(random, 0, 200)), {{day}, {day + 1}}});
      ranges.add_firm(events.back().firm);
      ranges.add_days(events.back().days);
    }
  }
  std::string saved;
  ranges.save(saved);
  RecordRanges loaded;
  ByteReader reader(saved);
  loaded.load(reader);
  EXPECT_TRUE(reader.ok() && reader.left() == 0);
  EXPECT_EQ(loaded, ranges);
  for (const Event& event : events) {
    ASSERT_EQ(loaded.next(event.position, event.firm, event.days), event.position);
  }
  for (std::size_t cut = 0; cut < saved.size(); cut += 97) {
    RecordRanges damaged;
    ByteReader short_reader(std::string_view(saved).substr(0, cut));
    damaged.load(short_reader);
    EXPECT_FALSE(short_reader.ok());
  }
}

}  // namespace
}  // namespace voucherd

// Where events are, against a list of all of them; and what a run of like records takes.
#include "metering/state/record_places.h"

#include <gtest/gtest.h>

#include "metering/state/byte_coding.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

using test::between;

std::string saved(const RecordPlaces& places) {
  std::string bytes;
  places.save(bytes);
  return bytes;
}

TEST(RecordPlacesTest, FindsEveryEventOfRecordsOfAnySizeAndDistance) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  RecordPlaces places;
  std::vector<EventPlace> expected;
  Position position = 0;
  for (int record = 0; record < 30'000; ++record) {
    position += test::one_in(random, 4) ? static_cast<Position>(between(random, 1, 3)) : 1;
    const auto events = static_cast<std::uint32_t>(test::one_in(random, 2) ? 1 : between(random, 1, 5));
    places.append(position, events);
    for (std::uint32_t index = 0; index < events; ++index) expected.push_back({position, index});
  }
  const RecordPlaces copy = places;
  places.append(position + 7, 9);
  const std::string bytes = saved(copy);
  ByteReader in(bytes);
  RecordPlaces loaded;
  loaded.load(in);
  ASSERT_TRUE(in.ok() && in.left() == 0);
  EXPECT_EQ(saved(loaded), bytes);
  for (const RecordPlaces* each : {&copy, static_cast<const RecordPlaces*>(&loaded)}) {
    ASSERT_EQ(each->events(), expected.size());
    for (EventOrdinal ordinal = 0; ordinal < expected.size(); ++ordinal) {
      ASSERT_EQ(each->place_of(ordinal), expected[ordinal]) << ordinal;
    }
  }
  EXPECT_EQ(places.place_of(expected.size()), (EventPlace{position + 7, 0}));
}

TEST(RecordPlacesTest, AMillionRecordsOfOneEventTakeNoMoreThanAFew) {
  RecordPlaces places;
  for (Position position = 2; position < 1'000'002; ++position) places.append(position, 1);
  EXPECT_EQ(places.place_of(999'999), (EventPlace{1'000'001, 0}));
  EXPECT_LT(places.memory_bytes(), 1'000u);
  EXPECT_LT(saved(places).size(), 20u);
}

TEST(RecordPlacesTest, RefusesBytesThatSaveDoesNotWrite) {
  const auto loads = [](std::initializer_list<std::uint64_t> numbers) {
    std::string bytes;
    for (const std::uint64_t number : numbers) put_varint(bytes, number);
    ByteReader in(bytes);
    RecordPlaces places;
    places.load(in);
    return in.ok();
  };
  EXPECT_TRUE(loads({1, 2, 3, 4}));
  EXPECT_FALSE(loads({1, 0, 3, 4})) << "a position twice";
  EXPECT_FALSE(loads({1, 2, 0, 4})) << "a record without events";
  EXPECT_FALSE(loads({1, 2, 3, 0})) << "a run without records";
  EXPECT_FALSE(loads({2, 2, 3, 4})) << "cut off";
  EXPECT_FALSE(loads({1, 2, std::uint64_t{1} << 23, 4})) << "more events than a record can hold";
  EXPECT_FALSE(loads({~std::uint64_t{0}, 2, 3, 4}));
  EXPECT_TRUE(loads({2, 2, 3, 4, 1, 2, 4}));
  EXPECT_FALSE(loads({2, 2, 3, 4, 1, 3, 4})) << "two runs that are one";
  constexpr std::uint64_t far = std::uint64_t{1} << 47;
  EXPECT_FALSE(loads({3, far, 3, 1, far, 3, 1, far, 3, 1})) << "a position beyond any journal";
}

}  // namespace
}  // namespace voucherd

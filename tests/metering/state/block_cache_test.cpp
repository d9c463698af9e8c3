// The cache in front of a real journal: the same record again without a read, within its bytes.
#include "metering/state/block_cache.h"

#include <gtest/gtest.h>

#include "tests/metering/state/sample_events.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

using testing::TempDir;

class BlockCacheTest : public ::testing::Test {
 protected:
  static constexpr Position last = 5;

  BlockCacheTest() {
    JournalOptions options;
    options.directory = directory_.path() + "/journal";
    journal_ = Journal::open(options).value();
    std::vector<Record> records;
    records.push_back({{1, Instant{1}, RecordType::genesis, genesis_version},
                       encode_genesis(Genesis{}, std::string(genesis_secret_bytes, 's'))});
    for (Position position = 2; position <= last; ++position) {
      records.push_back(
          {{position, Instant{1}, RecordType::usage, usage_record_version}, record(position)->encode()});
    }
    EXPECT_TRUE(journal_->append(records).has_value());
  }

  /// One event whose id is its record's position.
  static std::shared_ptr<UsageRecord> record(Position position) {
    test::SampleEvent event;
    event.id = std::to_string(position);
    event.time = Instant{test::sample_start_ms};
    auto record = std::make_shared<UsageRecord>();
    record->events.append(event.view());
    return record;
  }

  static RecordHeader header(Position position) {
    return {position, Instant{1}, RecordType::usage, usage_record_version};
  }

  TempDir directory_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(BlockCacheTest, ReadsARecordOnceAndKeepsIt) {
  BlockCache cache(*journal_, 1 << 20);
  const auto first = cache.get(3);
  EXPECT_EQ(first->events.at(0).id, "3");
  cache.get(2);
  EXPECT_EQ(cache.get(3), first);
}

TEST_F(BlockCacheTest, KeepsWhatWasPutInBeforeItIsAskedFor) {
  BlockCache cache(*journal_, 1 << 20);
  const std::shared_ptr<const UsageRecord> written = record(4);
  cache.put(header(4), written);
  EXPECT_EQ(cache.get(4), written);
  cache.put(header(4), record(4));
  EXPECT_EQ(cache.get(4), written);
}

TEST_F(BlockCacheTest, DropsTheLeastRecentlyUsedBeyondItsBytes) {
  const std::size_t bytes_of_one =
      sizeof(UsageRecord) + BlockCache(*journal_, 1).get(2)->events.memory_bytes();
  BlockCache cache(*journal_, 2 * bytes_of_one + bytes_of_one / 2);
  const std::weak_ptr<const UsageRecord> second = cache.get(2), third = cache.get(3);
  cache.get(2);
  cache.get(4);
  EXPECT_FALSE(second.expired());
  EXPECT_TRUE(third.expired());
  EXPECT_EQ(cache.get(3)->events.at(0).id, "3");
  EXPECT_TRUE(second.expired());
}

TEST_F(BlockCacheTest, KeepsTheNewestHoweverLargeItIs) {
  BlockCache cache(*journal_, 1);
  const std::weak_ptr<const UsageRecord> second = cache.get(2);
  EXPECT_FALSE(second.expired());
  cache.get(3);
  EXPECT_TRUE(second.expired());
}

TEST_F(BlockCacheTest, ReadsNoMoreOfALargeRecordThanTheRowsAroundAnEvent) {
  auto large = std::make_shared<UsageRecord>();
  test::Random random(1);
  for (int i = 0; i < 3'000; ++i) {
    large->events.append(test::ordinary_event(random, test::sample_start_ms + i).view());
  }
  RecordHeader written = header(last + 1);
  written.intake_time = Instant{77};
  const Record stored{written, large->encode()};
  ASSERT_TRUE(journal_->append({&stored, 1}).has_value());
  BlockCache cache(*journal_, 200'000);  // less than half of the record
  for (const std::uint32_t index : {0u, 511u, 512u, 1'700u, 2'999u, 3u}) {
    int visits = 0;
    cache.visit({last + 1, index}, [&](const EventView& event, Instant received_at) {
      EXPECT_EQ(event, large->events.at(index)) << index;
      EXPECT_EQ(received_at, Instant{77});
      ++visits;
    });
    EXPECT_EQ(visits, 1);
  }
}

TEST_F(BlockCacheTest, IsCertainOfScatteredEventsAndLeavesOnesSideBySideToAVisit) {
  UsageRecord large;
  test::Random random(2);
  for (int i = 0; i < 3'000; ++i) {
    large.events.append(test::ordinary_event(random, test::sample_start_ms + i).view());
  }
  const Record stored{header(last + 1), large.encode()};
  ASSERT_TRUE(journal_->append({&stored, 1}).has_value());
  BlockCache cache(*journal_, 1 << 20);
  EXPECT_TRUE(cache.holds({last + 1, 0}, large.events.at(0)));
  EXPECT_TRUE(cache.holds({last + 1, 1'700}, large.events.at(1'700)));
  EXPECT_FALSE(cache.holds({last + 1, 1'701}, large.events.at(1'701)));
  cache.visit({last + 1, 1'701}, [](const EventView&, Instant) {});
  EXPECT_FALSE(cache.holds({last + 1, 1'702}, large.events.at(1'702)));  // which is kept now
  EXPECT_TRUE(cache.holds({last + 1, 5}, large.events.at(5)));
  EXPECT_FALSE(cache.holds({last + 1, 2'999}, large.events.at(5)));
}

TEST_F(BlockCacheTest, MakesRoomForWhatIsNotedOfScatteredEvents) {
  const auto large = std::make_shared<UsageRecord>();
  test::Random random(3);
  for (int i = 0; i < 3'000; ++i) {
    large->events.append(test::ordinary_event(random, test::sample_start_ms + i).view());
  }
  const Record stored{header(last + 1), large->encode()};
  ASSERT_TRUE(journal_->append({&stored, 1}).has_value());
  StoredDuplicates noted(*journal_, 1 << 20);
  ASSERT_TRUE(noted.holds({last + 1, 0}, large->events.at(0)));
  const std::size_t room = sizeof(UsageRecord) + large->events.memory_bytes() + noted.memory_bytes();

  BlockCache cache(*journal_, room);
  const std::weak_ptr<const UsageRecord> second = cache.get(2);  // small, and used longest ago
  cache.put(header(3), large);
  EXPECT_FALSE(second.expired());
  EXPECT_TRUE(cache.holds({last + 1, 0}, large->events.at(0)));
  EXPECT_TRUE(second.expired());
  EXPECT_EQ(cache.get(3), large);
}

TEST_F(BlockCacheTest, StopsWhereARecordIsNotUsageOrNotThere) {
  BlockCache cache(*journal_, 1 << 20);
  EXPECT_DEATH(cache.get(1), "RecordType::usage");
  EXPECT_DEATH(cache.get(last + 1), "has_value");
}

}  // namespace
}  // namespace voucherd

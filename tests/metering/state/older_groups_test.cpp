// A usage record in groups of 512 rows, as they were written before 2026-11-23: such records are on disk. The
// file is what that encoder made of number_of_events events; it is never to be replaced.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "metering/state/block_cache.h"
#include "metering/state/event_columns.h"
#include "metering/state/stored_duplicates.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

using testing::TempDir;

constexpr std::uint32_t number_of_events = 1'100, rows_of_group = 512;
constexpr Position position = 2;

/// Told by its number alone.
struct NumberedEvent {
  std::string source, id, subject, node, job;
  EventView view;

  explicit NumberedEvent(std::uint32_t number)
      : source("/centre/node-" + std::to_string(number % 7)),
        subject("91500000MA5U" + std::to_string(100'000 + number * 13 % 50)),
        node("gpu-" + std::to_string(number % 11)),
        job(number % 3 == 0 ? "" : std::to_string(80'000 + number)) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", number * 0x9e37'79b9'7f4a'7c15ull);
    id = number % 5 == 0 ? "job/" + std::to_string(number) : digits;
    const Instant end{1'772'323'200'000 + std::int64_t{number} * 1'009};
    view.source = source;
    view.id = id;
    view.subject = subject;
    view.sku = number % 2 == 0 ? "gpu.a800" : "gpu.h800";
    view.project = number % 4 == 0 ? "" : "agent-platform";
    view.node = node;
    view.job = job;
    view.time = end;
    if (number % 6 != 0) {
      view.start = Instant{end.ms - 3'600'000};
      view.end = end;
    }
    view.quantity.nanos = static_cast<Int128>(number + 1) * 1'000'000;
  }
  NumberedEvent(const NumberedEvent&) = delete;
  NumberedEvent& operator=(const NumberedEvent&) = delete;
};

class OlderGroupsTest : public ::testing::Test {
 protected:
  OlderGroupsTest() {
    std::ifstream file(VOUCHERD_SOURCE_DIR "/tests/golden/usage_record_groups_of_512", std::ios::binary);
    payload_ = {std::istreambuf_iterator<char>(file), {}};
    JournalOptions options;
    options.directory = directory_.path() + "/journal";
    journal_ = Journal::open(options).value();
    const std::vector<Record> records{
        {{1, Instant{1}, RecordType::genesis, genesis_version},
         encode_genesis(Genesis{}, std::string(genesis_secret_bytes, 's'))},
        {{position, Instant{1}, RecordType::usage, usage_record_version}, payload_}};
    EXPECT_TRUE(journal_->append(records).has_value());
  }

  std::string payload_;
  TempDir directory_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(OlderGroupsTest, AreReadWhole) {
  const UsageRecord record = UsageRecord::decode(payload_, usage_record_version).value();
  ASSERT_EQ(record.events.size(), number_of_events);
  for (std::uint32_t i = 0; i < number_of_events; ++i) {
    ASSERT_TRUE(record.events.at(i) == NumberedEvent(i).view) << i;
  }
}

TEST_F(OlderGroupsTest, AreReadOneByOne) {
  const auto columns = EventColumns::open(payload_, usage_record_version);
  ASSERT_TRUE(columns.has_value());
  EXPECT_EQ(columns->rows_per_group(), rows_of_group);
  ASSERT_EQ(columns->groups(), 3U);
  const auto last = columns->read(2, 1, RowParts::all);
  ASSERT_TRUE(last.has_value());
  EXPECT_TRUE(last->at(0) == NumberedEvent(2 * rows_of_group).view);
}

TEST_F(OlderGroupsTest, AreVisitedInParts) {
  BlockCache cache(*journal_, 1 << 20);
  for (const std::uint32_t i : {0U, 127U, 128U, 511U, 512U, 1'023U, 1'024U, number_of_events - 1}) {
    cache.visit({position, i},
                [&](const EventView& event, Instant) { EXPECT_TRUE(event == NumberedEvent(i).view) << i; });
  }
}

TEST_F(OlderGroupsTest, TellScatteredDuplicates) {
  StoredDuplicates duplicates(*journal_, 1 << 20);
  for (std::uint32_t i = 0; i < number_of_events; ++i) {
    EXPECT_TRUE(duplicates.holds({position, i}, NumberedEvent(i).view)) << i;
    EXPECT_FALSE(duplicates.holds({position, i}, NumberedEvent(i + 1).view)) << i;
  }
}

}  // namespace
}  // namespace voucherd

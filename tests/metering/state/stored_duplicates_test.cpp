// Single rows compared where they are stored: in the journal's memory and in a table's file, whole and
// damaged.
#include "metering/state/stored_duplicates.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/metering/state/sample_events.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

using testing::TempDir;

class StoredDuplicatesTest : public ::testing::Test {
 protected:
  static constexpr Position small = 2, large = 3;
  static constexpr std::uint32_t rows = 3'000;

  StoredDuplicatesTest() {
    open();
    std::vector<Record> records;
    records.push_back({{1, Instant{1}, RecordType::genesis, genesis_version},
                       encode_genesis(Genesis{}, std::string(genesis_secret_bytes, 's'))});
    test::Random random(7);
    for (UsageRecord* record : {&small_, &large_}) {
      for (std::uint32_t i = 0; i < (record == &small_ ? 3 : rows); ++i) {
        record->events.append(test::ordinary_event(random, test::sample_start_ms + i).view());
      }
      const Position position = records.size() + 1;
      records.push_back({{position, Instant{1}, RecordType::usage, usage_record_version}, record->encode()});
    }
    EXPECT_TRUE(journal_->append(records).has_value());
  }

  void open() {
    journal_.reset();
    JournalOptions options;
    options.directory = directory_.path() + "/journal";
    options.block_cache_bytes = 4'096;  // else the record is there, from when its table was written
    journal_ = Journal::open(options).value();
  }

  /// Of all members of the event, each changed alone.
  static std::vector<EventView> others(const EventView& event) {
    std::vector<EventView> others(9, event);
    others[0].source = "/elsewhere";
    others[1].id = "another";
    others[2].subject = "91500000MA5U0000XX";
    others[3].sku = "gpu.other";
    others[4].project = "other";
    others[5].node = "other";
    others[6].job = "other";
    others[7].quantity.nanos += 1;
    if (event.time) others[8].time->ms += 1;
    if (!event.time) others[8].time = Instant{test::sample_start_ms};
    if (event.start) {
      others.push_back(event);
      others.back().start->ms -= 1;
      others.push_back(event);
      others.back().end->ms += 1;
    }
    return others;
  }

  void expect_exact(StoredDuplicates& duplicates) {
    for (const std::uint32_t row : {0u, 1u, 127u, 128u, 1'700u, rows - 1, 5u}) {
      const EventView event = large_.events.at(row);
      EXPECT_TRUE(duplicates.holds({large, row}, event)) << row;
      EXPECT_FALSE(duplicates.holds({large, row == 0 ? 1 : row - 1}, event)) << row;
      for (const EventView& other : others(event)) EXPECT_FALSE(duplicates.holds({large, row}, other)) << row;
    }
  }

  std::filesystem::path table() const {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path() + "/journal/database")) {
      if (entry.path().extension() == ".sst") return entry.path();
    }
    ADD_FAILURE() << "there is no table";
    return {};
  }

  TempDir directory_;
  UsageRecord small_, large_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(StoredDuplicatesTest, TellsARowFromAllOthersInMemoryAndInATable) {
  StoredDuplicates in_memory(*journal_, 1 << 20);
  expect_exact(in_memory);
  open();  // which puts all into a table
  StoredDuplicates in_table(*journal_, 1 << 20);
  expect_exact(in_table);
}

TEST_F(StoredDuplicatesTest, ReadsATableAgainOnlyInPart) {
  open();
  StoredDuplicates duplicates(*journal_, 1 << 20);
  EXPECT_TRUE(duplicates.holds({large, 0}, large_.events.at(0)));
  // What follows is not RocksDB's to answer any more.
  std::filesystem::resize_file(table(), 0);
  EXPECT_FALSE(duplicates.holds({large, 1}, large_.events.at(1)));
}

TEST_F(StoredDuplicatesTest, NeverTakesDamagedBytesForTheEvent) {
  open();
  const auto path = table();
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  test::Random random(11);
  for (int round = 0; round < 300; ++round) {
    StoredDuplicates duplicates(*journal_, 1 << 20);
    const std::uint32_t row = static_cast<std::uint32_t>(random() % rows);
    ASSERT_TRUE(duplicates.holds({large, row}, large_.events.at(row)));
    std::string damaged = bytes;
    for (int i = 0; i < 200; ++i) damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    std::ofstream(path, std::ios::binary | std::ios::in)
        .write(damaged.data(), static_cast<std::streamsize>(damaged.size()));
    for (const EventView& other : others(large_.events.at(row))) {
      EXPECT_FALSE(duplicates.holds({large, row}, other));
    }
    std::ofstream(path, std::ios::binary | std::ios::in)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

TEST_F(StoredDuplicatesTest, IsAsExactWithoutRoomToKeepAnything) {
  open();
  StoredDuplicates duplicates(*journal_, 1);
  expect_exact(duplicates);
}

TEST_F(StoredDuplicatesTest, KeepsWithinItsBytesAsRecordsPassBy) {
  constexpr std::uint32_t count = 40, rows_of_each = 400;
  std::vector<Record> records;
  std::vector<UsageRecord> usage(count);
  test::Random random(5);
  for (UsageRecord& record : usage) {
    for (std::uint32_t i = 0; i < rows_of_each; ++i) {
      test::SampleEvent event = test::ordinary_event(random, test::sample_start_ms + i);
      // Few names: they are never dropped one by one.
      event.source = "/a";
      event.subject = "91500000MA5U0000XX";
      event.node = "b";
      record.events.append(event.view());
    }
    const Position position = large + 1 + records.size();
    records.push_back({{position, Instant{1}, RecordType::usage, usage_record_version}, record.encode()});
  }
  ASSERT_TRUE(journal_->append(records).has_value());
  StoredDuplicates one(*journal_, 1 << 20);
  ASSERT_TRUE(one.holds({large + 1, 0}, usage[0].events.at(0)));
  const std::size_t bytes_max = 3 * one.memory_bytes();
  StoredDuplicates duplicates(*journal_, bytes_max);
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 5 * count; ++i) {
    const std::uint32_t record = static_cast<std::uint32_t>(random() % count),
                        row = static_cast<std::uint32_t>(random() % rows_of_each);
    EXPECT_TRUE(duplicates.holds({large + 1 + record, row}, usage[record].events.at(row)));
    most = std::max(most, duplicates.memory_bytes());
  }
  // Room is made before the next record is noted.
  EXPECT_LE(most, bytes_max + one.memory_bytes());
  EXPECT_GT(most, bytes_max);
}

TEST_F(StoredDuplicatesTest, TellsRecordsOfMoreNamesThanTwoBytesNumber) {
  constexpr std::uint32_t names = 70'000, rows_of_each = 7'000;
  std::vector<Record> records;
  test::Random random(6);
  std::vector<test::SampleEvent> last;
  for (std::uint32_t i = 0; i < names;) {
    UsageRecord record;
    last.clear();
    for (std::uint32_t row = 0; row < rows_of_each; ++row, ++i) {
      test::SampleEvent event = test::ordinary_event(random, test::sample_start_ms + i);
      event.node = "node-" + std::to_string(i);
      record.events.append(event.view());
      last.push_back(event);
    }
    const Position position = large + 1 + records.size();
    records.push_back({{position, Instant{1}, RecordType::usage, usage_record_version}, record.encode()});
  }
  ASSERT_TRUE(journal_->append(records).has_value());
  StoredDuplicates duplicates(*journal_, 64 << 20);
  for (const Record& record : records) duplicates.holds({record.header.position, 0}, last[0].view());
  for (const std::uint32_t row : {rows_of_each / 2 - 1, rows_of_each / 2, rows_of_each - 1}) {
    const Position position = large + records.size();
    EXPECT_TRUE(duplicates.holds({position, row}, last[row].view()));
    test::SampleEvent other = last[row];
    other.node = "node-" + std::to_string(names - rows_of_each + row - (1u << 16));  // the lower bytes alike
    EXPECT_FALSE(duplicates.holds({position, row}, other.view()));
  }
}

TEST_F(StoredDuplicatesTest, TellsNothingOfSmallRecordsAndOthers) {
  open();
  StoredDuplicates duplicates(*journal_, 1 << 20);
  EXPECT_FALSE(duplicates.holds({small, 0}, small_.events.at(0)));
  EXPECT_FALSE(duplicates.holds({1, 0}, small_.events.at(0)));
  EXPECT_FALSE(duplicates.holds({large, rows}, large_.events.at(0)));
}

}  // namespace
}  // namespace voucherd

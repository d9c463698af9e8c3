// What the journal promises while nothing is broken.
#include "metering/journal/journal.h"
#include "metering/journal/stored_bytes.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/metering/journal/journal_fixture.h"

namespace voucherd::journal_test {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> open() {
    auto journal = Journal::open(small_options(directory()));
    EXPECT_TRUE(journal) << journal.error().detail;
    return journal ? std::move(*journal) : nullptr;
  }
  std::string directory() const { return temporary_.sub("journal"); }
  TemporaryDirectory temporary_;
};

TEST_F(JournalTest, IsEmptyWhenCreated) {
  const auto journal = open();
  EXPECT_EQ(journal->last_position(), 0U);
  EXPECT_EQ(journal->last_intake_time(), Instant{0});
  EXPECT_EQ(journal->read(1).error().code, "position_unknown");
  EXPECT_EQ(difference(*journal), "");
}

TEST_F(JournalTest, StaysEmptyWhenOpenedAgainBeforeTheGenesis) {
  open();
  EXPECT_EQ(open()->last_position(), 0U);
}

TEST_F(JournalTest, ReadsBackWhatWasAppended) {
  const auto journal = open();
  append_up_to(*journal, 300);
  EXPECT_EQ(journal->last_intake_time(), record_at(300).header.intake_time);
  EXPECT_EQ(difference(*journal), "");
  for (const Position position : {1U, 37U, 299U, 300U}) {
    const auto record = journal->read(position);
    ASSERT_TRUE(record) << record.error().detail;
    EXPECT_EQ(record->header, record_at(position).header);
    EXPECT_EQ(record->payload, record_at(position).payload);
  }
  EXPECT_EQ(journal->read(0).error().code, "position_unknown");
  EXPECT_EQ(journal->read(301).error().code, "position_unknown");
}

TEST_F(JournalTest, SaysHowLongTheLogIs) {
  const auto journal = open();
  append_up_to(*journal, 1);
  const std::uint64_t before = journal->log_bytes();
  append_up_to(*journal, 2);
  EXPECT_GE(journal->log_bytes(), before + record_at(2).payload.size());
}

TEST_F(JournalTest, HoldsTheSameBytesAfterReopening) {
  for (const Position last : {1U, 2U, 150U, 300U, 310U}) {
    const auto journal = open();
    EXPECT_EQ(difference(*journal), "");
    append_up_to(*journal, last);
  }
  const auto journal = open();
  EXPECT_EQ(journal->last_position(), 310U);
  EXPECT_EQ(journal->last_intake_time(), record_at(310).header.intake_time);
  EXPECT_EQ(difference(*journal), "");
}

TEST_F(JournalTest, ScansFromAPositionInOrderUntilTheVisitorStops) {
  const auto journal = open();
  append_up_to(*journal, 20);
  std::vector<Position> seen;
  const auto stopped = journal->scan(5, [&](Record&& record) -> Result<void> {
    seen.push_back(record.header.position);
    if (seen.size() == 3) return Fault{"enough", ""};
    return {};
  });
  EXPECT_EQ(stopped.error().code, "enough");
  EXPECT_EQ(seen, (std::vector<Position>{5, 6, 7}));
  EXPECT_TRUE(journal->scan(21, [](Record&&) -> Result<void> { return Fault{"unexpected", ""}; }));
}

TEST_F(JournalTest, AppendsSeveralRecordsAtOnce) {
  const auto journal = open();
  ASSERT_TRUE(journal->append(records(1, 50)));
  EXPECT_EQ(journal->last_position(), 50U);
  EXPECT_EQ(difference(*journal), "");
  EXPECT_TRUE(journal->append({}));
  EXPECT_EQ(journal->last_position(), 50U);
}

TEST_F(JournalTest, CountsItsAppends) {
  const auto journal = open();
  ASSERT_TRUE(journal->append(records(1, 2)));
  append_up_to(*journal, 3);
  std::uint64_t bytes = 0;
  for (const Record& record : records(1, 3)) bytes += encode_record(record.header, record.payload).size();
  EXPECT_EQ(journal->append_figures().calls, 2U);
  EXPECT_EQ(journal->append_figures().bytes, bytes);
  EXPECT_EQ(journal->database_property("rocksdb.estimate-num-keys"), 3U);
  EXPECT_EQ(journal->database_property("no.such.property"), 0U);
}

TEST_F(JournalTest, ReadersSeeWholeRecordsWhileTheWriterAppends) {
  const auto journal = open();
  append_up_to(*journal, 1);
  std::string wrong;
  std::thread reader([&] {
    while (journal->last_position() < 200 && wrong.empty()) wrong = difference(*journal);
  });
  append_up_to(*journal, 200);
  reader.join();
  EXPECT_EQ(wrong, "");
}

TEST_F(JournalTest, RefusesASecondOpeningWhileTheFirstLives) {
  const auto journal = open();
  append_up_to(*journal, 3);
  EXPECT_EQ(Journal::open(small_options(directory())).error().code, "journal_locked");
  EXPECT_EQ(Journal::open_read_only(small_options(directory())).error().code, "journal_locked");
}

TEST_F(JournalTest, RefusesReadingOnlyWhereThereIsNothing) {
  EXPECT_EQ(Journal::open_read_only(small_options(directory())).error().code, "journal_missing");
  EXPECT_FALSE(fs::exists(directory()));
  fs::create_directory(directory());
  EXPECT_EQ(Journal::open_read_only(small_options(directory())).error().code, "journal_missing");
}

// Names, sizes, contents and times of everything below the directory.
std::map<std::string, std::string> snapshot(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    files[entry.path().string()] = std::to_string(entry.last_write_time().time_since_epoch().count()) +
                                   (entry.is_regular_file() ? read_file(entry.path()) : "");
  }
  files[""] = std::to_string(fs::last_write_time(directory).time_since_epoch().count());
  return files;
}

TEST_F(JournalTest, ReadingOnlyWritesNothing) {
  append_up_to(*open(), 300);
  const auto before = snapshot(directory());
  {
    const auto first = Journal::open_read_only(small_options(directory()));
    ASSERT_TRUE(first) << first.error().detail;
    const auto second = Journal::open_read_only(small_options(directory()));
    ASSERT_TRUE(second) << "two checks at once: " << second.error().detail;
    EXPECT_EQ((*first)->last_position(), 300U);
    EXPECT_EQ(difference(**first), "");
  }
  EXPECT_EQ(snapshot(directory()), before);
}

using JournalDeathTest = JournalTest;

TEST_F(JournalDeathTest, AbortsOnAGapAndOnFallingTime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const auto journal = open();
        append_up_to(*journal, 3);
        static_cast<void>(journal->append(records(5, 5)));
      },
      "invariant broken");
  EXPECT_DEATH(
      {
        const auto journal = open();
        append_up_to(*journal, 3);
        auto earlier = records(4, 4);
        earlier[0].header.intake_time.ms -= 1'000;
        static_cast<void>(journal->append(earlier));
      },
      "invariant broken");
}

TEST_F(JournalTest, TellsWhereInATableAPayloadStandsAndNothingElse) {
  const Record large = record_at(37);
  TemporaryDirectory directory;
  JournalOptions options = small_options(directory.sub("journal"));
  options.block_cache_bytes = 4'096;  // else the record is there, from when its table was written
  {
    const auto journal = Journal::open(options).value();
    append_up_to(*journal, 40);
    const auto in_memory = journal->locate(
        40, [](const RecordHeader&, std::string_view payload) { EXPECT_EQ(payload, record_at(40).payload); });
    ASSERT_TRUE(in_memory);
    EXPECT_FALSE(*in_memory);
  }
  const auto journal = Journal::open(options).value();  // all in tables
  const auto found = journal->locate(37, [&](const RecordHeader& header, std::string_view payload) {
    EXPECT_EQ(header, large.header);
    EXPECT_EQ(payload, large.payload);
  });
  ASSERT_TRUE(found);
  ASSERT_TRUE(*found);
  std::vector<char> part(100);
  ASSERT_TRUE((*found)->read(50'000, part));
  EXPECT_EQ(std::string(part.begin(), part.end()), large.payload.substr(50'000, 100));
  part.resize(100u << 20);
  EXPECT_FALSE((*found)->read(0, part)) << "more than the file has";
  EXPECT_FALSE(journal->locate(41, [](const RecordHeader&, std::string_view) { FAIL(); }));
}

}  // namespace
}  // namespace voucherd::journal_test

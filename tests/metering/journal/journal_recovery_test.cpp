// The heart of the journal: after crashes, cut-off tails and flipped bits, an open either
// gives back every acknowledged record or refuses; it never gives back fewer.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "metering/journal/journal.h"
#include "tests/metering/journal/journal_fixture.h"

namespace voucherd::journal_test {
namespace {

constexpr Position acknowledged_last = 300;
constexpr int trials = 500;

/// What came of opening a directory in which something is broken.
struct Opened {
  std::string refused;  // the fault's code and detail
  Position last = 0;
  std::string difference;
  bool harmless() const { return refused.empty() && difference.empty(); }
};

Opened open_and_scan(const std::string& directory) {
  const auto journal = Journal::open(small_options(directory));
  if (!journal) return {journal.error().code + ": " + journal.error().detail, 0, ""};
  return {"", (*journal)->last_position(), difference(**journal)};
}

class JournalRecoveryTest : public ::testing::Test {
 protected:
  // 300 acknowledged records, some of them only in the log, as a crash would leave them.
  void SetUp() override {
    auto journal = Journal::open(small_options(temporary_.sub("live")));
    ASSERT_TRUE(journal) << journal.error().detail;
    live_ = std::move(*journal);
    append_up_to(*live_, acknowledged_last);
    copy_image(temporary_.sub("live"), image_);
    ASSERT_FALSE(database_files(image_, ".sst").empty());
    ASSERT_GT(fs::file_size(log(image_)), 50'000U);
  }

  /// The newest log file.
  static fs::path log(const fs::path& directory) { return database_files(directory, ".log").back(); }

  void trial_image() { copy_image(image_, trial_); }

  TemporaryDirectory temporary_;
  const fs::path image_ = temporary_.path() / "image";
  const fs::path trial_ = temporary_.path() / "trial";
  std::unique_ptr<Journal> live_;
};

TEST_F(JournalRecoveryTest, GivesBackEverythingAfterACrash) {
  const Opened opened = open_and_scan(image_.string());
  EXPECT_EQ(opened.refused + opened.difference, "");
  EXPECT_EQ(opened.last, acknowledged_last);
}

TEST_F(JournalRecoveryTest, NeverLosesAnAcknowledgedRecordToAFlippedBitInTheLog) {
  std::mt19937_64 random(test_seed());
  // Of the newest log: an older one may be there that RocksDB no longer needs, only not yet deleted.
  int flipped = 0, refused = 0;
  for (int i = 0; i < trials; ++i) {
    trial_image();
    const auto logs = database_files(trial_, ".log");
    const fs::path& file = logs[random() % logs.size()];
    if (fs::file_size(file) == 0) continue;
    const std::uint64_t bit = random() % (fs::file_size(file) * 8);
    flip_bit(file, bit);
    const bool newest = file == logs.back();
    if (newest) ++flipped;
    const Opened opened = open_and_scan(trial_.string());
    if (!opened.refused.empty()) {
      EXPECT_TRUE(opened.refused.starts_with("journal_")) << opened.refused;
      if (newest) ++refused;
      continue;
    }
    ASSERT_TRUE(opened.harmless()) << file << " bit " << bit << ": " << opened.difference;
    ASSERT_EQ(opened.last, acknowledged_last) << file << " bit " << bit;
  }
  // Only the zeros at a block's end may be flipped without harm.
  EXPECT_GT(flipped, trials / 10);
  EXPECT_GT(refused, flipped * 9 / 10);
}

TEST_F(JournalRecoveryTest, ReadingOnlyPassesTheSameGuards) {
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 50; ++i) {
    trial_image();
    const fs::path file = log(trial_);
    flip_bit(file, random() % (fs::file_size(file) * 8));
    const auto checked = Journal::open_read_only(small_options(trial_.string()));
    const Opened opened = open_and_scan(trial_.string());
    EXPECT_EQ(checked.has_value(), opened.refused.empty()) << opened.refused;
  }
}

TEST_F(JournalRecoveryTest, ChangesNothingWhereItRefuses) {
  trial_image();
  const fs::path file = log(trial_);
  flip_bit(file, 8 * 1'000);
  const std::string before = read_file(file);
  const auto tables = database_files(trial_, ".sst");
  const Opened first = open_and_scan(trial_.string());
  ASSERT_TRUE(first.refused.starts_with("journal_damaged")) << first.refused;
  EXPECT_NE(first.refused.find(file.string()), std::string::npos) << first.refused;
  EXPECT_EQ(read_file(file), before);
  EXPECT_EQ(database_files(trial_, ".sst"), tables);
  EXPECT_EQ(open_and_scan(trial_.string()).refused, first.refused);
}

TEST_F(JournalRecoveryTest, NeverLosesAnAcknowledgedRecordToAFlippedBitElsewhere) {
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 200; ++i) {
    trial_image();
    std::vector<fs::path> files = database_files(trial_, ".sst");
    for (const auto& entry : fs::directory_iterator(trial_ / "database")) {
      if (entry.path().filename().string().starts_with("MANIFEST")) files.push_back(entry.path());
    }
    files.push_back(trial_ / "database" / "CURRENT");
    files.push_back(trial_ / "acknowledged");
    // A flush that the crash met may have made its table and written nothing to it.
    std::erase_if(files, [](const fs::path& made) { return fs::file_size(made) == 0; });
    const fs::path file = files[random() % files.size()];
    const std::uint64_t bit = random() % (fs::file_size(file) * 8);
    flip_bit(file, bit);
    const Opened opened = open_and_scan(trial_.string());
    if (!opened.refused.empty()) continue;
    // A table's block is read by the scan: refused there as well.
    if (opened.difference.starts_with("record_damaged")) continue;
    ASSERT_EQ(opened.difference, "") << file << " bit " << bit;
    ASSERT_EQ(opened.last, acknowledged_last) << file << " bit " << bit;
  }
}

class JournalTornTailTest : public JournalRecoveryTest {
 protected:
  // Two more appends than the acknowledged file knows of: of one record and of ten.
  void SetUp() override {
    JournalRecoveryTest::SetUp();
    acknowledged_bytes_ = fs::file_size(log(image_));
    const std::string acknowledged_file = read_file(image_ / "acknowledged");
    ASSERT_TRUE(live_->append(records(301, 301)));
    const std::uint64_t before_last = fs::file_size(log(temporary_.sub("live")));
    ASSERT_TRUE(live_->append(records(302, 311)));
    const fs::path log_before = log(image_);
    copy_image(temporary_.sub("live"), image_);
    ASSERT_EQ(log(image_), log_before) << "the records must be in one log file";
    write_file(image_ / "acknowledged", acknowledged_file);
    whole_bytes_ = fs::file_size(log(image_));
    last_append_bytes_ = whole_bytes_ - before_last;
  }

  // Opens the trial: all acknowledged records, and of the others a whole append or nothing.
  void expect_accepted(const std::string& what) {
    const Opened opened = open_and_scan(trial_.string());
    ASSERT_EQ(opened.refused + opened.difference, "") << what;
    ASSERT_TRUE(opened.last == 300 || opened.last == 301 || opened.last == 311) << opened.last << " " << what;
    ++ends_at_[opened.last];
  }

  std::uint64_t acknowledged_bytes_ = 0;
  std::uint64_t whole_bytes_ = 0;
  std::uint64_t last_append_bytes_ = 0;
  std::map<Position, int> ends_at_;
};

TEST_F(JournalTornTailTest, AcceptsATailThatWasCutOffAndNeverAcknowledged) {
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < trials; ++i) {
    trial_image();
    const fs::path file = log(trial_);
    const std::uint64_t cut = acknowledged_bytes_ + random() % (whole_bytes_ - acknowledged_bytes_ + 1);
    fs::resize_file(file, cut);
    // As file systems leave it: the size is there already, the bytes are zeros.
    const std::uint64_t zeros = i % 2 == 0 ? 0 : random() % 100'000;
    fs::resize_file(file, cut + zeros);
    expect_accepted("cut at " + std::to_string(cut) + " with " + std::to_string(zeros) + " zeros behind");
  }
  EXPECT_GT(ends_at_[300], 0);
  EXPECT_GT(ends_at_[301], 0);
}

TEST_F(JournalTornTailTest, AcceptsALastAppendOfWhichPagesAreMissing) {
  // After a power loss the pages of one write may be there in any order.
  std::mt19937_64 random(test_seed());
  constexpr std::uint64_t page = 4096;
  for (int i = 0; i < 100; ++i) {
    trial_image();
    const fs::path file = log(trial_);
    std::string bytes = read_file(file);
    const std::uint64_t last_append = bytes.size() - last_append_bytes_;
    for (std::uint64_t at = (last_append / page + 1) * page; at < bytes.size(); at += page) {
      if (random() % 3 == 0) bytes.replace(at, page, std::min(page, bytes.size() - at), '\0');
    }
    write_file(file, bytes);
    expect_accepted("with pages missing");
  }
  EXPECT_GT(ends_at_[301], 0);
}

TEST_F(JournalTornTailTest, GoesOnBehindATornTailAndSurvivesTheNextCrash) {
  trial_image();
  fs::resize_file(log(trial_), whole_bytes_ - 1'000);
  {
    auto journal = Journal::open(small_options(trial_.string()));
    ASSERT_TRUE(journal) << journal.error().detail;
    ASSERT_EQ((*journal)->last_position(), 301U);
    copy_image(trial_, image_);  // a crash right after the open
    EXPECT_EQ(open_and_scan(image_.string()).last, 301U);
    append_up_to(**journal, 305);
    copy_image(trial_, image_);  // and one after further appends
  }
  const Opened opened = open_and_scan(image_.string());
  EXPECT_EQ(opened.refused + opened.difference, "");
  EXPECT_EQ(opened.last, 305U);
}

TEST_F(JournalTornTailTest, RefusesDamageBeforeATornTail) {
  trial_image();
  flip_bit(log(trial_), 8 * (acknowledged_bytes_ / 2));
  fs::resize_file(log(trial_), whole_bytes_ - 1'000);
  EXPECT_TRUE(open_and_scan(trial_.string()).refused.starts_with("journal_damaged"));
}

TEST_F(JournalRecoveryTest, RefusesALogThatLacksAcknowledgedRecords) {
  std::mt19937_64 random(test_seed());
  for (int i = 0; i < 50; ++i) {
    trial_image();
    fs::resize_file(log(trial_), random() % fs::file_size(log(trial_)));
    const Opened opened = open_and_scan(trial_.string());
    ASSERT_TRUE(opened.refused.starts_with("journal_truncated")) << opened.refused;
    EXPECT_NE(opened.refused.find("position 300 was acknowledged"), std::string::npos) << opened.refused;
  }
  trial_image();
  fs::remove(log(trial_));
  EXPECT_TRUE(open_and_scan(trial_.string()).refused.starts_with("journal_truncated"));
}

TEST_F(JournalRecoveryTest, AcceptsAnAcceptedLossOnceTheAcknowledgedFileIsDeleted) {
  trial_image();
  fs::resize_file(log(trial_), fs::file_size(log(trial_)) / 2);
  fs::remove(trial_ / "acknowledged");
  const Opened opened = open_and_scan(trial_.string());
  EXPECT_EQ(opened.refused + opened.difference, "");
  EXPECT_LT(opened.last, acknowledged_last);
  EXPECT_TRUE(fs::exists(trial_ / "acknowledged"));
}

TEST_F(JournalRecoveryTest, RefusesAMissingTable) {
  const auto tables = database_files(image_, ".sst");
  ASSERT_GT(tables.size(), 1U);
  for (const fs::path& table : tables) {
    trial_image();
    fs::remove(trial_ / "database" / table.filename());
    const Opened opened = open_and_scan(trial_.string());
    // The image may be of the moment at which the newest table is written and read back, and no manifest
    // names it yet: its records are then still in their log.
    if (table == tables.back() && opened.harmless()) {
      EXPECT_EQ(opened.last, acknowledged_last);
      continue;
    }
    EXPECT_TRUE(opened.refused.starts_with("journal_")) << table << ": " << opened.difference;
  }
}

TEST_F(JournalRecoveryTest, RefusesToCreateAnEmptyJournalOverRecords) {
  trial_image();
  fs::remove(trial_ / "database" / "CURRENT");
  const auto tables = database_files(trial_, ".sst");
  EXPECT_TRUE(open_and_scan(trial_.string()).refused.starts_with("journal_damaged"));
  EXPECT_EQ(database_files(trial_, ".sst"), tables);
  fs::remove_all(trial_ / "database");
  EXPECT_TRUE(open_and_scan(trial_.string()).refused.starts_with("journal_truncated"));
}

TEST_F(JournalRecoveryTest, PassesOverADamagedLogThatIsNoLongerNeeded) {
  // A log whose records are in tables may outlive a crash for a while.
  fs::path old_log;
  {
    const auto journal = Journal::open(small_options(image_.string()));
    ASSERT_TRUE(journal) << journal.error().detail;
  }
  trial_image();
  old_log = trial_ / "database" / "000004.log";
  ASSERT_LT(old_log, log(trial_));
  write_file(old_log, "no log at all, but long enough to be read as one");
  const Opened opened = open_and_scan(trial_.string());
  EXPECT_EQ(opened.refused + opened.difference, "");
  EXPECT_EQ(opened.last, acknowledged_last);
}

TEST_F(JournalRecoveryTest, GuardsWithOneSlotOfTheAcknowledgedFileAndRefusesWithNone) {
  constexpr std::uint64_t slot_bits = 8 * 4096;
  for (std::uint64_t bit = 0; bit < std::uint64_t{8} * 24; ++bit) {
    trial_image();
    flip_bit(trial_ / "acknowledged", bit % 2 == 0 ? bit : slot_bits + bit);
    fs::resize_file(log(trial_), fs::file_size(log(trial_)) / 2);
    EXPECT_TRUE(open_and_scan(trial_.string()).refused.starts_with("journal_truncated")) << "bit " << bit;
    if (bit > 16) continue;
    flip_bit(trial_ / "acknowledged", bit % 2 == 0 ? slot_bits : 0);
    EXPECT_TRUE(open_and_scan(trial_.string()).refused.starts_with("journal_damaged")) << "bit " << bit;
  }
}

}  // namespace
}  // namespace voucherd::journal_test

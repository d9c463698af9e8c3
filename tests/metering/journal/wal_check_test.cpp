// The judgement over several log files, which a crash leaves behind only in moments that are
// hard to hit: files of real logs are put side by side here.
#include "metering/journal/wal_check.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/metering/journal/journal_fixture.h"

namespace voucherd::journal_test {
namespace {

class WalCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    JournalOptions options;
    options.directory = temporary_.sub("journal");
    auto journal = Journal::open(options);
    ASSERT_TRUE(journal) << journal.error().detail;
    append_up_to(**journal, 40);
    log_ = read_file(database_files(options.directory, ".log").back());
    fs::create_directory(logs_);
  }

  void put_log(std::uint64_t number, const std::string& bytes) {
    write_file(logs_ / ("00000" + std::to_string(number) + ".log"), bytes);
  }
  Result<WalVerdict> judge(std::uint64_t first_live) {
    const auto files = read_wal(logs_.string());
    EXPECT_TRUE(files) << files.error().detail;
    return judge_wal(*files, first_live);
  }
  std::string cut_off() const { return log_.substr(0, log_.size() - 100); }

  TemporaryDirectory temporary_;
  const fs::path logs_ = temporary_.path() / "logs";
  std::string log_;
};

TEST_F(WalCheckTest, FindsAWholeLogWhole) {
  put_log(3, log_);
  const auto verdict = judge(0);
  ASSERT_TRUE(verdict) << verdict.error().detail;
  EXPECT_FALSE(verdict->torn_tail);
  EXPECT_EQ(verdict->last_position, 40U);
}

TEST_F(WalCheckTest, AcceptsATornTailOfTheLastLogOnly) {
  put_log(3, cut_off());
  const auto alone = judge(0);
  ASSERT_TRUE(alone) << alone.error().detail;
  EXPECT_TRUE(alone->torn_tail);
  EXPECT_EQ(alone->last_position, 39U);

  put_log(5, log_);
  const auto followed = judge(0);
  ASSERT_FALSE(followed);
  EXPECT_EQ(followed.error().code, "journal_damaged");
  EXPECT_NE(followed.error().detail.find("000003.log"), std::string::npos) << followed.error().detail;
}

TEST_F(WalCheckTest, AcceptsATornTailBeforeLogsWithoutRecords) {
  put_log(3, cut_off());
  put_log(5, "");
  EXPECT_TRUE(judge(0));
}

TEST_F(WalCheckTest, PassesOverLogsThatAreNoLongerRead) {
  put_log(3, cut_off());
  put_log(5, log_);
  const auto verdict = judge(5);
  ASSERT_TRUE(verdict) << verdict.error().detail;
  EXPECT_FALSE(verdict->torn_tail);
}

TEST_F(WalCheckTest, TellsWhereTheDamageIs) {
  log_[40'000] = static_cast<char>(log_[40'000] ^ 1);
  put_log(3, log_);
  const auto files = read_wal(logs_.string());
  ASSERT_TRUE(files) << files.error().detail;
  const auto& first_break = files->at(0).first_break;
  ASSERT_TRUE(first_break);
  EXPECT_LE(first_break->offset, 40'000U);
  EXPECT_GT(first_break->offset, 30'000U);
  ASSERT_TRUE(first_break->record_behind);
  EXPECT_GT(*first_break->record_behind, 40'000U);
}

TEST_F(WalCheckTest, FindsRecordsBehindALengthThatCannotBeTrusted) {
  // The first fragment claims to fill its block: what follows begins at no known offset.
  log_[4] = static_cast<char>(0xf9);
  log_[5] = static_cast<char>(0x7f);
  put_log(3, log_.substr(0, 32'768));
  const auto verdict = judge(0);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, "journal_damaged");
}

TEST_F(WalCheckTest, TakesZerosForATornTail) {
  put_log(3, log_ + std::string(70'000, '\0'));
  const auto verdict = judge(0);
  ASSERT_TRUE(verdict) << verdict.error().detail;
  EXPECT_TRUE(verdict->torn_tail);
  EXPECT_EQ(verdict->last_position, 40U);
}

}  // namespace
}  // namespace voucherd::journal_test

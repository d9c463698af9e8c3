// A full disk: what did not fit is refused whole, what is there stays readable, and once there is space
// the same positions are written as if nothing had been.
#include "tests/support/full_disk.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/metering/journal/journal_fixture.h"

namespace voucherd::journal_test {
namespace {

class FullDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> open(const std::string& directory) {
    JournalOptions options = small_options(directory);
    options.environment = disk_.environment();
    auto journal = Journal::open(options);
    EXPECT_TRUE(journal) << journal.error().detail;
    return journal ? std::move(*journal) : nullptr;
  }
  std::unique_ptr<Journal> open() { return open(temporary_.sub("journal")); }
  static void expect_full(Journal& journal, const std::vector<Record>& records) {
    const auto appended = journal.append(records);
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, "journal_full") << appended.error().detail;
  }

  voucherd::testing::FullDisk disk_;
  TemporaryDirectory temporary_;
};

TEST_F(FullDiskTest, RefusesWhatDoesNotFitAndGoesOnReading) {
  const auto journal = open();
  append_up_to(*journal, 50);
  disk_.full = true;
  expect_full(*journal, records(51, 53));
  expect_full(*journal, records(51, 51));
  EXPECT_EQ(journal->last_position(), 50U);
  EXPECT_EQ(difference(*journal), "");
}

TEST_F(FullDiskTest, GoesOnOnceThereIsSpace) {
  const auto journal = open();
  append_up_to(*journal, 50);
  disk_.full = true;
  expect_full(*journal, records(51, 53));
  disk_.full = false;
  append_up_to(*journal, 120);
  EXPECT_EQ(difference(*journal), "");
}

TEST_F(FullDiskTest, GoesOnWhereItWasFullBeforeAnythingWasWritten) {
  append_up_to(*open(), 5);
  for (Position last : {5U, 10U, 15U}) {
    const auto journal = open();
    ASSERT_NE(journal, nullptr);
    disk_.full = true;
    expect_full(*journal, records(last + 1, last + 3));
    expect_full(*journal, records(last + 1, last + 3));
    disk_.full = false;
    append_up_to(*journal, last + 5);
    EXPECT_EQ(difference(*journal), "");
  }
  EXPECT_EQ(open()->last_position(), 20U);
}

// A log that holds nothing but a torn record goes into no table, so RocksDB keeps it.
TEST_F(FullDiskTest, ARestartAfterATornFirstRecordIsFollowedByOthers) {
  append_up_to(*open(), 5);
  {
    const auto journal = open();
    disk_.full = true;
    expect_full(*journal, records(6, 6));
    disk_.full = false;
  }
  for (const Position last : {10U, 15U}) {
    const auto journal = open();
    ASSERT_NE(journal, nullptr);
    append_up_to(*journal, last);
    EXPECT_EQ(difference(*journal), "");
  }
  EXPECT_EQ(open()->last_position(), 15U);
}

TEST_F(FullDiskTest, OthersReadWhileItGoesOn) {
  append_up_to(*open(), 50);
  const auto journal = open();
  disk_.full = true;
  expect_full(*journal, records(51, 53));
  disk_.full = false;
  std::atomic<bool> stop = false;
  std::string differs;
  std::thread reader([&] {
    do differs = difference(*journal);
    while (!stop && differs.empty());
  });
  append_up_to(*journal, 55);
  stop = true;
  reader.join();
  EXPECT_EQ(differs, "");
}

TEST_F(FullDiskTest, DoesNotTryBeforeThereIsSpaceForATable) {
  const auto journal = open();
  append_up_to(*journal, 50);
  disk_.full = true;
  expect_full(*journal, records(51, 51));
  disk_.full = false;
  disk_.free_bytes = 1u << 20;
  expect_full(*journal, records(51, 51));
  disk_.free_bytes = 1u << 30;
  append_up_to(*journal, 51);
}

TEST_F(FullDiskTest, WhatWasRefusedIsNoPartOfTheJournalAfterwards) {
  auto journal = open();
  append_up_to(*journal, 50);
  disk_.full = true;
  auto refused = record_at(51);
  refused.payload = std::string(100'000, 'x');  // another one than difference() expects
  expect_full(*journal, {refused});
  disk_.full = false;
  append_up_to(*journal, 52);
  // As a crash would leave it, with whatever is left of the log that the refused record went to.
  copy_image(temporary_.sub("journal"), temporary_.sub("crashed"));
  EXPECT_EQ(difference(*open(temporary_.sub("crashed"))), "");
  journal.reset();
  journal = open();
  EXPECT_EQ(journal->last_position(), 52U);
  EXPECT_EQ(difference(*journal), "");
}

TEST_F(FullDiskTest, ACrashWhileItIsFullLosesNothing) {
  const auto journal = open();
  append_up_to(*journal, 50);
  disk_.full = true;
  expect_full(*journal, records(51, 51));
  copy_image(temporary_.sub("journal"), temporary_.sub("crashed"));
  disk_.full = false;
  const auto again = open(temporary_.sub("crashed"));
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->last_position(), 50U);  // half of the record was written: a torn tail
  EXPECT_EQ(difference(*again), "");
}

TEST_F(FullDiskTest, AFullDiskUnderAFlushIsNotFatalEither) {
  const auto journal = open();
  append_up_to(*journal, 20);
  for (int round = 0; round < 3; ++round) {
    const Position before = journal->last_position();
    append_up_to(*journal, before + 100);  // flushes are under way
    disk_.full = true;
    expect_full(*journal, records(before + 101, before + 101));
    disk_.full = false;
  }
  append_up_to(*journal, 400);
  EXPECT_EQ(difference(*journal), "");
}

}  // namespace
}  // namespace voucherd::journal_test

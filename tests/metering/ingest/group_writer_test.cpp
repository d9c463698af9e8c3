// The writer alone: the order of its two threads, and how they end.
#include "metering/ingest/group_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd {
namespace {

class GroupWriterTest : public ::testing::Test {
 protected:
  GroupWriterTest() {
    writer_.emplace(
        *journal_,
        [this](std::shared_ptr<CommitGroup> group) {
          loop_.post([this, group = std::move(group)] { durable_.push_back(group->record.header.position); });
        },
        [this] { loop_.post([this] { ++refused_; }); },
        [this](const Fault&) { loop_.post([this] { ++fatal_; }); }, Sequencer::ObserveCommit(),
        UtcOffset{480});
  }

  /// A large one takes some milliseconds to hash, a small one none.
  void write(Position position, bool large) {
    auto group = std::make_shared<CommitGroup>();
    group->record = {{position, {}, RecordType::quarantine_dismissed, 1},
                     std::string(large ? 2u << 20 : 10, 'x')};
    writer_->write(std::move(group));
  }

  testing::TempDir dir_;
  testing::FullDisk disk_;
  testing::OwnerLoop loop_;
  std::unique_ptr<Journal> journal_ = testing::new_journal(dir_.path() + "/data", disk_, {});
  std::vector<Position> durable_;
  int refused_ = 0, fatal_ = 0;
  std::optional<GroupWriter> writer_;  // last: its threads use the rest
};

TEST_F(GroupWriterTest, AppendsInTheirOrderHoweverLongEachTakes) {
  constexpr Position last = 41;
  for (Position position = 2; position <= last; ++position) {
    write(position, position % 2 == 0);
    loop_.run_until([&] { return durable_.size() + 2 >= position - 1; });  // two under way
  }
  loop_.run_until([&] { return durable_.size() == last - 1; });
  for (Position position = 2; position <= last; ++position) EXPECT_EQ(durable_[position - 2], position);
  EXPECT_EQ(journal_->last_position(), last);
}

TEST_F(GroupWriterTest, FinishesWhatItWasGivenBeforeItEnds) {
  write(2, true);
  write(3, false);
  writer_.reset();
  loop_.run_until([&] { return durable_.size() == 2; });
  EXPECT_EQ(journal_->last_position(), 3u);
}

TEST_F(GroupWriterTest, EndsBehindAFatalAppendAndWritesNothingMore) {
  disk_.broken = true;
  write(2, true);
  write(3, false);
  loop_.run_until([&] { return fatal_ > 0; });
  disk_.broken = false;
  write(4, false);
  writer_.reset();
  loop_.post([this] { durable_.push_back(0); });  // behind whatever they have posted
  loop_.run_until([&] { return !durable_.empty(); });
  EXPECT_EQ(durable_, std::vector<Position>{0});
  EXPECT_EQ(fatal_, 1);
  EXPECT_EQ(journal_->last_position(), 1u);
}

TEST_F(GroupWriterTest, EndsWhileItRefuses) {
  disk_.full = true;
  write(2, true);
  write(3, false);
  loop_.run_until([&] { return refused_ > 0; });
  writer_.reset();
  EXPECT_EQ(refused_, 1);
  EXPECT_TRUE(durable_.empty());
  EXPECT_EQ(journal_->last_position(), 1u);
}

TEST_F(GroupWriterTest, WritesAgainOnceWhatWasRefusedIsForgotten) {
  for (int round = 0; round < 5; ++round) {
    disk_.full = true;
    write(2, round % 2 == 0);
    write(3, round % 2 == 1);
    loop_.run_until([&] { return refused_ > round; });
    disk_.full = false;
    writer_->forget_all();
  }
  write(2, true);
  write(3, false);
  loop_.run_until([&] { return durable_.size() == 2; });
  EXPECT_EQ(durable_, (std::vector<Position>{2, 3}));
  EXPECT_EQ(refused_, 5);
}

}  // namespace
}  // namespace voucherd

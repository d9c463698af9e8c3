// Identities beyond memory: with a budget so small that most of them are on disk, everything is found
// that was inserted, and nothing is lost by restarts, damaged files or a disk that refuses.
#include "metering/state/known_identities.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "tests/metering/state/sample_events.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

constexpr std::uint64_t seed_of_journal = 7;

IdentityBudget tiny_budget() { return {1U << 20, 500, 300, 4096, 64}; }

/// What must be known: the hash of each ordinal, and how many of them are durable.
struct Model {
  std::vector<std::uint64_t> hashes;
  std::size_t durable = 0;

  std::vector<EventOrdinal> with(std::uint64_t hash) const {
    std::vector<EventOrdinal> ordinals;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (HashBits::of(hashes[i]) == HashBits::of(hash)) ordinals.push_back(i);
    }
    return ordinals;
  }
};

std::vector<EventOrdinal> candidates(const KnownIdentities& known, std::uint64_t hash) {
  std::vector<EventOrdinal> ordinals;
  known.prefetch(hash);
  known.find(hash, [&](EventOrdinal ordinal) {
    ordinals.push_back(ordinal);
    return false;
  });
  std::sort(ordinals.begin(), ordinals.end());
  return ordinals;
}

bool knows(const KnownIdentities& known, std::uint64_t hash, EventOrdinal ordinal) {
  return known.find(hash, [&](EventOrdinal found) { return found == ordinal; });
}

class KnownIdentitiesTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure()) std::cout << "VOUCHERD_TEST_SEED=" << seed_ << "\n";
  }

  std::string directory() const { return dir_.path() + "/identity-runs"; }

  /// As a start does: what runs there are, then all hashes. Tells whether the runs were the journal's.
  bool start(const IdentityBudget& budget = tiny_budget()) {
    known_.reset();
    known_ = std::make_unique<KnownIdentities>(budget, directory(), seed_of_journal);
    faults_ = known_->open();
    known_->expect(model_.hashes.size());
    model_.durable = model_.hashes.size();
    const std::span<const std::uint64_t> all(model_.hashes);
    // In two pieces, as the checkpoint's and the tail's come.
    const std::size_t half = all.size() / 2;
    EXPECT_TRUE(known_->load(all.first(half), 0).has_value());
    EXPECT_TRUE(known_->load(all.subspan(half), half).has_value());
    if (known_->loaded()) return true;
    known_->forget();
    known_->expect(all.size());
    EXPECT_TRUE(known_->load(all, 0).has_value());
    EXPECT_TRUE(known_->loaded());
    return false;
  }

  void insert(std::uint64_t hash) {
    known_->insert(hash, model_.hashes.size());
    model_.hashes.push_back(hash);
  }
  void make_durable() {
    model_.durable = model_.hashes.size();
    known_->durable(model_.durable);
  }
  /// For what waits for a spill.
  void await_room(std::size_t ids) {
    while (known_->room_for(ids) != KnownIdentities::Room::yes) std::this_thread::yield();
  }
  /// Inserts in groups as ingest does: where there is no room, the sender waits.
  void insert_many(std::size_t count) {
    while (count > 0) {
      const std::size_t group = std::min<std::size_t>(count, 50);
      await_room(group);
      for (std::size_t i = 0; i < group; ++i) insert(random_());
      make_durable();
      count -= group;
    }
  }
  void expect_all() const {
    ASSERT_EQ(known_->size(), model_.hashes.size());
    for (std::size_t i = 0; i < model_.hashes.size(); ++i) {
      ASSERT_TRUE(knows(*known_, model_.hashes[i], i)) << "ordinal " << i;
    }
  }
  std::vector<std::filesystem::path> run_files() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory())) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  const std::uint64_t seed_ = test::seed_of_this_run();
  test::Random random_{seed_};
  testing::TempDir dir_;
  Model model_;
  std::vector<Fault> faults_;
  std::unique_ptr<KnownIdentities> known_;
};

TEST_F(KnownIdentitiesTest, TellsAlsoOfASpillThatBeganBeforeAnyoneAsked) {
  start();
  // The table's last place: the spill begins with nobody to tell.
  while (model_.hashes.size() < 499) insert(random_());
  make_durable();
  insert(random_());
  make_durable();
  // Whether it still runs or has just ended: a quick disk may have taken all by now.
  std::atomic<bool> told = false;
  known_->on_spill_end([&] { told = true; });
  while (!told) std::this_thread::yield();
  EXPECT_FALSE(run_files().empty());
  EXPECT_EQ(known_->room_for(400), KnownIdentities::Room::yes);
}

TEST_F(KnownIdentitiesTest, AgreesWithAMapThroughSpillsTakeBacksAndRestarts) {
  start();
  std::uint64_t most_runs = 0;
  for (int step = 0; step < 4'000; ++step) {
    const std::int64_t what = test::between(random_, 1, 1'000);
    if (what <= 3) {
      ASSERT_TRUE(start());
    } else if (what < 100 && model_.hashes.size() > model_.durable) {
      // A group is taken back: its greatest ordinals go.
      const auto kept = static_cast<std::size_t>(
          test::between(random_, std::int64_t(model_.durable), std::int64_t(model_.hashes.size()) - 1));
      for (std::size_t i = kept; i < model_.hashes.size(); ++i) known_->erase(model_.hashes[i], i);
      model_.hashes.resize(kept);
    } else if (what < 500) {
      make_durable();
    } else {
      if (known_->room_for(20) != KnownIdentities::Room::yes) make_durable();
      await_room(20);
      // Few different ones at times: several events with one hash, on disk and in memory.
      for (int i = 0; i < 20; ++i) insert(test::one_in(random_, 20) ? random_() % 64 << 56 : random_());
    }
    const std::uint64_t hash = model_.hashes.empty() || test::one_in(random_, 4)
                                   ? random_()
                                   : model_.hashes[random_() % model_.hashes.size()];
    ASSERT_EQ(candidates(*known_, hash), model_.with(hash)) << "step " << step;
    most_runs = std::max(most_runs, known_->figures().runs);
  }
  expect_all();
  EXPECT_GT(known_->figures().on_disk, model_.hashes.size() / 2);
  EXPECT_GT(most_runs, 16u);
}

TEST_F(KnownIdentitiesTest, KeepsEverythingInTheTableWithinTheBudget) {
  start();
  insert_many(499);
  EXPECT_EQ(known_->figures().in_memory, 499u);
  EXPECT_EQ(known_->figures().runs, 0u);
  EXPECT_FALSE(std::filesystem::exists(directory()));
}

TEST_F(KnownIdentitiesTest, WritesOnlyDurableEventsToRuns) {
  start();
  for (int i = 0; i < 600; ++i) insert(random_());
  known_->durable(499);  // the table was full with the 500th
  EXPECT_EQ(known_->room_for(300), KnownIdentities::Room::spilling);
  EXPECT_FALSE(std::filesystem::exists(directory()));
  // The frozen table takes back what is not durable, too, and its ordinals are given again.
  for (std::size_t i = 499; i < 600; ++i) known_->erase(model_.hashes[i], i);
  model_.hashes.resize(499);
  insert_many(800);
  expect_all();
  EXPECT_GT(known_->figures().on_disk, 0u);
}

TEST_F(KnownIdentitiesTest, KeepsTheNumberOfRunsLogarithmic) {
  start();
  insert_many(300 * 64);
  await_room(300);
  EXPECT_GT(known_->figures().on_disk, 60u * 300);
  EXPECT_LE(known_->figures().runs, RunExtent::partitions * 8);
  EXPECT_EQ(run_files().size(), known_->figures().runs);
  expect_all();
}

TEST_F(KnownIdentitiesTest, TakesTheRunsThatItFindsAtStart) {
  start();
  insert_many(5'000);
  ASSERT_TRUE(start());
  EXPECT_TRUE(faults_.empty());
  EXPECT_GT(known_->figures().on_disk, 4'000u);
  expect_all();
}

TEST_F(KnownIdentitiesTest, BuildsDamagedRunsAgain) {
  start();
  insert_many(3'000);
  for (int round = 0; round < 20; ++round) {
    known_.reset();
    auto files = run_files();
    const auto& file = files[random_() % files.size()];
    const auto size = std::filesystem::file_size(file);
    switch (random_() % 4) {
      case 0:
        std::filesystem::remove(file);
        break;
      case 1:
        std::filesystem::resize_file(file, random_() % size);
        break;
      case 2:
        std::filesystem::resize_file(file, size + 1 + random_() % 8192);
        break;
      default: {
        // One bit. What is behind the header's fields and the last entry is checked too.
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        const auto at = static_cast<std::streamoff>(random_() % size);
        bytes.seekg(at);
        const int byte = bytes.get();
        bytes.seekp(at);
        bytes.put(static_cast<char>(byte ^ 1 << random_() % 8));
      }
    }
    start();
    expect_all();
    ASSERT_FALSE(HasFailure()) << "round " << round;
    insert_many(100);
  }
}

TEST_F(KnownIdentitiesTest, DoesNotTakeTheRunsOfAnotherJournal) {
  start();
  insert_many(3'000);
  known_.reset();
  // The journal was restored from a backup, and went on otherwise: the runs are whole, and not its.
  for (std::size_t i = 1'000; i < 2'000; ++i) model_.hashes[i] = random_();
  EXPECT_FALSE(start());
  expect_all();
}

TEST_F(KnownIdentitiesTest, DoesNotTakeRunsThatAreAheadOfTheJournal) {
  start();
  insert_many(3'000);
  known_.reset();
  model_.hashes.resize(700);
  EXPECT_FALSE(start());
  expect_all();
}

TEST_F(KnownIdentitiesTest, GoesOnWithinItsBoundsWhileTheDiskRefuses) {
  start();
  std::ofstream(directory()) << "a file where the folder should be";
  while (known_->room_for(50) == KnownIdentities::Room::yes) {
    for (int i = 0; i < 50; ++i) insert(random_());
    make_durable();
  }
  while (known_->room_for(50) == KnownIdentities::Room::spilling) std::this_thread::yield();
  EXPECT_EQ(known_->room_for(50), KnownIdentities::Room::disk);
  EXPECT_TRUE(known_->figures().spill_failed);
  EXPECT_LE(model_.hashes.size(), 500u + 300u);
  expect_all();
  std::filesystem::remove(directory());
  insert_many(1'000);  // which waits for room: each refusal tries again
  expect_all();
  EXPECT_GT(known_->figures().on_disk, 500u);
}

TEST_F(KnownIdentitiesTest, SpillsAtStartWhereTheBudgetBecameSmaller) {
  start(IdentityBudget::of(64U << 20));
  insert_many(5'000);
  ASSERT_TRUE(start());
  EXPECT_GT(known_->figures().on_disk, 4'000u);
  expect_all();
}

TEST_F(KnownIdentitiesTest, StaysWithinItsBudget) {
  constexpr std::uint64_t bytes_max = 64U << 20;
  start(IdentityBudget::of(bytes_max));
  std::size_t most = 0;
  std::uint64_t most_in_memory = 0;
  for (int i = 0; i < 140; ++i) {
    while (known_->room_for(50'000) != KnownIdentities::Room::yes) std::this_thread::yield();
    for (int k = 0; k < 50'000; ++k) insert(random_());
    most = std::max(most, known_->memory_bytes());
    make_durable();
    most = std::max(most, known_->memory_bytes());
    most_in_memory = std::max(most_in_memory, known_->figures().in_memory);
  }
  EXPECT_LE(most, bytes_max);
  EXPECT_GT(known_->figures().on_disk, 4'000'000u);
  // Before anything is on disk, most of the budget serves identities.
  EXPECT_LE(bytes_max / most_in_memory, 16u);
  for (std::size_t i = 0; i < model_.hashes.size(); i += 1 + random_() % 2'000) {
    ASSERT_TRUE(knows(*known_, model_.hashes[i], i));
  }
  const std::uint64_t before = known_->figures().disk_lookups;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(candidates(*known_, random_()).empty());
  EXPECT_LT(known_->figures().disk_lookups - before, 100u);  // the filter says no
}

}  // namespace
}  // namespace voucherd

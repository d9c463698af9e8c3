// Runs on disk: what was written is found, and what is damaged is never used.
#include "metering/state/identity_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "metering/state/identity_runs.h"
#include "tests/metering/state/sample_events.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

constexpr unsigned partition = 5;

class IdentityRunTest : public ::testing::Test {
 protected:
  std::uint64_t bits_of(std::uint64_t low) const { return std::uint64_t{partition} << 42 | low; }

  std::vector<RunEntry> some_entries(std::size_t count, std::uint64_t different) {
    std::set<RunEntry> entries;
    while (entries.size() < count) {
      const std::uint64_t low = (random_() % different) * ((std::uint64_t{1} << 42) / different);
      entries.insert({bits_of(low), 100 + random_() % (4 * count)});
    }
    return {entries.begin(), entries.end()};
  }
  RunExtent extent(std::size_t count) const {
    return {partition, 100, 100 + 4 * std::max<std::size_t>(count, 1)};
  }
  IdentityRun::Shared write(const std::vector<RunEntry>& entries) {
    auto writer = RunWriter::create(settings_, extent(entries.size())).value();
    for (const RunEntry& entry : entries) writer->add(entry).value();
    return writer->finish().value();
  }
  Result<IdentityRun::Shared> read(const std::string& path, std::vector<RunEntry>& entries) const {
    return IdentityRun::open(path, settings_, [&](std::span<const RunEntry> page) {
      entries.insert(entries.end(), page.begin(), page.end());
    });
  }
  static std::vector<EventOrdinal> found(const IdentityRun& run, std::uint64_t bits) {
    std::vector<EventOrdinal> ordinals;
    run.find({bits}, ordinals).value();
    return ordinals;
  }
  void expect_found(const IdentityRun& run, const std::vector<RunEntry>& entries) {
    std::map<std::uint64_t, std::vector<EventOrdinal>> wanted;
    for (const RunEntry& entry : entries) wanted[entry.bits].push_back(entry.ordinal);
    for (const auto& [bits, ordinals] : wanted) ASSERT_EQ(found(run, bits), ordinals) << bits;
    for (int i = 0; i < 1'000; ++i) {
      const std::uint64_t bits = bits_of(random_() % (std::uint64_t{1} << 42));
      ASSERT_EQ(found(run, bits).size(), wanted.contains(bits) ? wanted[bits].size() : 0);
    }
  }
  void TearDown() override {
    if (HasFailure()) std::cout << "VOUCHERD_TEST_SEED=" << seed_ << "\n";
  }

  const std::uint64_t seed_ = test::seed_of_this_run();
  test::Random random_{seed_};
  testing::TempDir dir_;
  RunSettings settings_{dir_.path(), 7, 1U << 20};
};

TEST_F(IdentityRunTest, FindsWhatWasWrittenAndNothingElse) {
  for (const std::size_t count : {0U, 1U, 407U, 408U, 409U, 816U, 30'000U}) {
    const auto entries = some_entries(count, std::uint64_t{1} << 40);
    const auto written = write(entries);
    expect_found(*written, entries);
    std::vector<RunEntry> again;
    const auto opened = read(written->path(), again).value();
    EXPECT_EQ(again, entries);
    EXPECT_EQ(opened->extent(), written->extent());
    EXPECT_EQ(opened->entries(), count);
    expect_found(*opened, entries);
  }
}

TEST_F(IdentityRunTest, FindsAllIdentitiesOfOneHashWhereverPagesEnd) {
  // Some 300 entries a hash: most of these hashes go over the end of a page.
  const auto entries = some_entries(10'000, 33);
  expect_found(*write(entries), entries);
}

TEST_F(IdentityRunTest, FindsTheSameWithLessMemory) {
  const auto entries = some_entries(5'000, std::uint64_t{1} << 40);
  for (const std::uint64_t bytes : {0U, 16U, 100U}) {
    settings_.index_bytes_max = bytes;
    const auto run = write(entries);
    EXPECT_LE(run->memory_bytes(), sizeof(IdentityRun) + 100);
    expect_found(*run, entries);
    std::vector<RunEntry> again;
    expect_found(*read(run->path(), again).value(), entries);
  }
}

TEST_F(IdentityRunTest, TakesTenBytesAnIdentity) {
  const auto run = write(some_entries(100'000, std::uint64_t{1} << 41));
  EXPECT_LT(std::filesystem::file_size(run->path()), 1'020'000u);
  EXPECT_LT(run->memory_bytes(), 2'000u);
}

TEST_F(IdentityRunTest, RefusesEveryFlippedBitAndEveryOtherLength) {
  const auto entries = some_entries(500, std::uint64_t{1} << 40);
  const std::string path = write(entries)->path();
  const auto size = std::filesystem::file_size(path);
  std::string bytes(size, '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(size));
  const auto refused = [&](const std::string& changed) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << changed;
    std::vector<RunEntry> ignored;
    const auto opened = read(path, ignored);
    return !opened && opened.error().code == "identity_run_damaged";
  };
  for (int i = 0; i < 2'000; ++i) {
    std::string changed = bytes;
    const std::size_t at = i < 64 ? static_cast<std::size_t>(i) : random_() % size;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random_() % 8);
    ASSERT_TRUE(refused(changed)) << at;
  }
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{10}, std::size_t{4096}, size - 4096, size - 1}) {
    EXPECT_TRUE(refused(bytes.substr(0, length))) << length;
  }
  EXPECT_TRUE(refused(bytes + "x"));
  EXPECT_TRUE(refused(bytes + bytes));
  // Pages that are whole, in each other's places.
  std::string swapped = bytes.substr(0, 4096) + bytes.substr(8192) + bytes.substr(4096, 4096);
  EXPECT_TRUE(refused(swapped));
  EXPECT_FALSE(refused(bytes));
}

TEST_F(IdentityRunTest, FindsDamageThatComesAfterItWasOpened) {
  const auto entries = some_entries(2'000, std::uint64_t{1} << 40);
  const auto run = write(entries);
  std::fstream(run->path(), std::ios::in | std::ios::out | std::ios::binary)
      .seekp(4096 + 2000)
      .write("wrong", 5);
  std::vector<EventOrdinal> ordinals;
  const auto found = run->find({entries.front().bits}, ordinals);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, "identity_run_damaged");
}

TEST_F(IdentityRunTest, BelongsToOneJournal) {
  const auto run = write(some_entries(10, 1U << 20));
  settings_.seed = 8;
  std::vector<RunEntry> ignored;
  EXPECT_EQ(read(run->path(), ignored).error().code, "identity_run_damaged");
}

TEST_F(IdentityRunTest, IsNotThereBeforeItIsFinished) {
  {
    auto writer = RunWriter::create(settings_, extent(10)).value();
    writer->add({bits_of(1), 100}).value();
    RunSums sums;
    const auto opened = open_runs(settings_, sums, [](std::span<const RunEntry>) {});
    EXPECT_TRUE(opened.chains[partition].empty());
    EXPECT_EQ(opened.left_over.size(), 1u);
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(IdentityRunTest, TheLongestRunThatIsWholeIsTaken) {
  const auto run_of = [&](EventOrdinal first, EventOrdinal end) {
    auto writer = RunWriter::create(settings_, {partition, first, end}).value();
    for (EventOrdinal ordinal = first; ordinal < end; ++ordinal)
      writer->add({bits_of(ordinal), ordinal}).value();
    return writer->finish().value()->path();
  };
  // A crash between the renaming of [0, 20) and the removal of what it replaces.
  const std::string first = run_of(0, 10), second = run_of(10, 20), both = run_of(0, 20),
                    third = run_of(20, 30);
  run_of(40, 50);  // behind a gap
  const auto ends = [&] {
    RunSums sums;
    const OpenedRuns opened = open_runs(settings_, sums, [](std::span<const RunEntry>) {});
    std::vector<EventOrdinal> all;
    for (const auto& run : opened.chains[partition]) all.push_back(run->extent().end);
    return all;
  };
  EXPECT_EQ(ends(), (std::vector<EventOrdinal>{20, 30}));
  std::filesystem::resize_file(both, 5'000);
  EXPECT_EQ(ends(), (std::vector<EventOrdinal>{10, 20, 30}));
  std::filesystem::remove(second);
  EXPECT_EQ(ends(), (std::vector<EventOrdinal>{10}));
}

TEST(RunSumsTest, TellOneIdentityFromAnother) {
  RunSums sums;
  const std::vector<RunEntry> entries{{5, 1}, {6, 2}};
  sums.add_stored(0, entries);
  EXPECT_FALSE(sums.agree());
  sums.see({6}, 2);
  RunSums other = sums;
  sums.see({5}, 1);
  EXPECT_TRUE(sums.agree());
  other.see({5}, 3);
  EXPECT_FALSE(other.agree());
}

}  // namespace
}  // namespace voucherd

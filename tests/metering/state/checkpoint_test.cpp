// Checkpoints may be missing, torn, flipped or of another version: then they are passed over,
// and never loaded wrong.
#include "metering/state/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"

namespace voucherd {
namespace {

namespace fs = std::filesystem;

class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "voucherd-checkpoint-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  static std::vector<std::uint64_t> hashes(std::uint64_t from, std::uint64_t until) {
    std::vector<std::uint64_t> made;
    for (std::uint64_t i = from; i < until; ++i) made.push_back(i * 0x9e3779b97f4a7c15U);
    return made;
  }

  static Result<std::vector<std::uint64_t>> load_hashes(const CheckpointStore& store, std::uint64_t count) {
    std::vector<std::uint64_t> all;
    const auto loaded = store.load_hashes(count, [&](std::span<const std::uint64_t> some) -> Result<void> {
      all.insert(all.end(), some.begin(), some.end());
      return {};
    });
    if (!loaded) return loaded.error();
    return all;
  }

  static Checkpoint checkpoint_at(Position position, std::uint64_t hash_count) {
    return {position,
            hash_count,
            {{"usage", "state at " + std::to_string(position)},
             {"ledger", std::string(5'000, '\xff')},
             {"tree", ""}}};
  }

  // Three saves of one store: at 10 with 100 hashes, at 20 with 250, at 30 with 250.
  void save_three() {
    CheckpointStore store(directory());
    ASSERT_TRUE(store.save(checkpoint_at(10, 100), hashes(0, 100)));
    ASSERT_TRUE(store.save(checkpoint_at(20, 250), hashes(100, 250)));
    ASSERT_TRUE(store.save(checkpoint_at(30, 250), {}));
  }

  static void expect_equal(const Checkpoint& left, const Checkpoint& right) {
    EXPECT_EQ(left.position, right.position);
    EXPECT_EQ(left.identity_hashes, right.identity_hashes);
    EXPECT_EQ(left.sections, right.sections);
  }

  static std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write_file(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  std::string directory() const { return (root_ / "checkpoints").string(); }
  fs::path file(Position position) const {
    const std::string digits = std::to_string(position);
    return fs::path(directory()) / ("checkpoint-" + std::string(20 - digits.size(), '0') + digits);
  }
  fs::path hash_file() const { return fs::path(directory()) / "identity-hashes"; }

  fs::path root_;
};

TEST_F(CheckpointTest, FindsNoneWhereNoneWasSaved) {
  const CheckpointStore store(directory());
  EXPECT_FALSE(store.load_newest(100));
  EXPECT_TRUE(store.load_all().empty());
  const auto none = load_hashes(store, 0);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(load_hashes(store, 1).error().code, "checkpoint_damaged");
}

TEST_F(CheckpointTest, LoadsTheNewestAtOrBeforeAPosition) {
  save_three();
  const CheckpointStore store(directory());
  const auto newest = store.load_newest(1'000);
  ASSERT_TRUE(newest);
  expect_equal(*newest, checkpoint_at(30, 250));
  expect_equal(store.load_newest(30).value(), checkpoint_at(30, 250));
  expect_equal(store.load_newest(29).value(), checkpoint_at(20, 250));
  EXPECT_FALSE(store.load_newest(19)) << "only the two newest are kept";
  const auto loaded = load_hashes(store, 250);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(*loaded, hashes(0, 250));
}

TEST_F(CheckpointTest, KeepsTheNewestTwoAndNothingUnfinished) {
  save_three();
  write_file(file(25).string() + ".new", "torn");
  CheckpointStore store(directory());
  ASSERT_TRUE(store.save(checkpoint_at(40, 260), hashes(250, 260)));
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory()))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{file(30).filename().string(), file(40).filename().string(),
                                             "identity-hashes"}));
  const auto all = store.load_all();
  ASSERT_EQ(all.size(), 2U);
  expect_equal(all[0], checkpoint_at(30, 250));
  expect_equal(all[1], checkpoint_at(40, 260));
}

TEST_F(CheckpointTest, GoesOnInANewProcess) {
  save_three();
  CheckpointStore store(directory());
  ASSERT_TRUE(store.save(checkpoint_at(40, 300), hashes(250, 300)));
  EXPECT_EQ(load_hashes(CheckpointStore(directory()), 300).value(), hashes(0, 300));
}

TEST_F(CheckpointTest, DropsHashesOfASaveThatACrashCutShort) {
  save_three();
  std::ofstream(hash_file(), std::ios::binary | std::ios::app) << "hashes without a checkpoint";
  EXPECT_EQ(load_hashes(CheckpointStore(directory()), 250).value(), hashes(0, 250));
  CheckpointStore store(directory());
  ASSERT_TRUE(store.save(checkpoint_at(40, 251), hashes(250, 251)));
  EXPECT_EQ(fs::file_size(hash_file()), 251U * 8);
  EXPECT_EQ(load_hashes(store, 251).value(), hashes(0, 251));
}

TEST_F(CheckpointTest, BeginsAgainAfterAFoldFromTheFirstRecord) {
  save_three();
  CheckpointStore store(directory());
  ASSERT_TRUE(store.save(checkpoint_at(15, 120), hashes(0, 120)));
  EXPECT_EQ(store.load_newest(1'000).value().position, 15U) << "what is ahead of the fold was not usable";
  EXPECT_EQ(load_hashes(store, 120).value(), hashes(0, 120));
}

TEST_F(CheckpointTest, PassesOverATornCheckpoint) {
  save_three();
  const std::string whole = read_file(file(30));
  for (std::size_t length = 0; length < whole.size(); length += 97) {
    write_file(file(30), whole.substr(0, length));
    const auto newest = CheckpointStore(directory()).load_newest(1'000);
    ASSERT_TRUE(newest);
    EXPECT_EQ(newest->position, 20U) << length << " bytes";
  }
}

TEST_F(CheckpointTest, PassesOverACheckpointWithAnyFlippedBit) {
  save_three();
  const std::string whole = read_file(file(30));
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 300; ++i) {
    std::string flipped = whole;
    const std::uint64_t bit = random() % (8 * whole.size());
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_file(file(30), flipped);
    const auto newest = CheckpointStore(directory()).load_newest(1'000);
    ASSERT_TRUE(newest);
    ASSERT_EQ(newest->position, 20U) << "bit " << bit << " seed " << seed;
  }
}

TEST_F(CheckpointTest, PassesOverAnotherFoldsCheckpoint) {
  save_three();
  std::string bytes = read_file(file(30));
  bytes[12] = static_cast<char>(fold_version + 1);  // behind the magic and the format
  bytes.resize(bytes.size() - 8);
  put_little_endian(bytes, checksum64(bytes));
  write_file(file(30), bytes);
  EXPECT_EQ(CheckpointStore(directory()).load_newest(1'000).value().position, 20U);
  EXPECT_EQ(CheckpointStore(directory()).load_all().size(), 1U);
}

TEST_F(CheckpointTest, FindsAFlippedBitInTheHashes) {
  save_three();
  const std::string whole = read_file(hash_file());
  for (std::size_t bit = 0; bit < 8 * whole.size(); bit += 61) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_file(hash_file(), flipped);
    const auto loaded = load_hashes(CheckpointStore(directory()), 250);
    ASSERT_FALSE(loaded) << "bit " << bit;
    EXPECT_EQ(loaded.error().code, "checkpoint_damaged");
  }
  // Nor is it given a good checksum by the next save.
  CheckpointStore store(directory());
  EXPECT_EQ(store.save(checkpoint_at(40, 251), hashes(250, 251)).error().code, "checkpoint_damaged");
}

TEST_F(CheckpointTest, PassesOverACheckpointWhoseHashesAreMissing) {
  save_three();
  fs::resize_file(hash_file(), 249 * 8);
  EXPECT_FALSE(CheckpointStore(directory()).load_newest(1'000));
  EXPECT_EQ(load_hashes(CheckpointStore(directory()), 250).error().code, "checkpoint_damaged");
}

TEST_F(CheckpointTest, TellsWhereItCannotWrite) {
  write_file(root_ / "checkpoints", "a file in the directory's place");
  CheckpointStore store(directory());
  const auto saved = store.save(checkpoint_at(10, 0), {});
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, "file_failed");
  EXPECT_NE(saved.error().detail.find(directory()), std::string::npos) << saved.error().detail;
}

}  // namespace
}  // namespace voucherd

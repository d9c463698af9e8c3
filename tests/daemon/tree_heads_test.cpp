// Signed heads: a file beside the database that every later tree must extend. What was signed is never signed
// differently, a journal that is not the signed one is not opened, and nobody sees a head that is not on
// disk.
#include "daemon/engine/tree_heads.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "metering/core/clock.h"
#include "metering/proof/payload_parts.h"
#include "tests/support/owner_loop.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

namespace fs = std::filesystem;

constexpr const char* origin = "here";

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TreeHash leaf(std::uint64_t index, const std::string& history = "") {
  return leaf_hash(history + std::to_string(index));
}

/// Heads over a tree that the test grows; a journal is there for old leaves only.
class TreeHeadsTest : public ::testing::Test {
 protected:
  void grow(std::uint64_t size, const std::string& history = "") {
    while (tree_.size() < size) tree_.append(leaf(tree_.size(), history));
  }
  Result<void> start() {
    heads_.reset();
    auto opened = TreeHeads::open(files_, origin);
    if (!opened) return opened.error();
    heads_ = std::move(*opened);
    return heads_->start(tree_, reader_, [this](std::function<void()> task) { loop_.post(std::move(task)); });
  }
  Result<void> sign() {
    std::optional<Result<void>> outcome;
    heads_->sign([&](const Result<void>& done) { outcome = done; });
    loop_.run_until([&] { return outcome.has_value(); });
    return *outcome;
  }
  TreeHead head_on_disk() { return read_signed_head(files_.directory).value().value(); }

  testing::TempDir dir_;
  TreeHeadFiles files_{dir_.path() + "/proof", dir_.path() + "/proof/signing-key.pem"};
  testing::OwnerLoop loop_;
  std::unique_ptr<Journal> journal_ = Journal::open({dir_.path() + "/data"}).value();
  MerkleTree tree_;
  ProofReader reader_{*journal_, tree_, [this](std::function<void()> task) { loop_.post(std::move(task)); }};
  std::unique_ptr<TreeHeads> heads_;
};

TEST_F(TreeHeadsTest, TheFirstStartMakesAKeyAndSignsWhatIsThere) {
  grow(1);
  ASSERT_TRUE(start());
  struct stat status {};
  ASSERT_EQ(::stat(files_.key_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(head_on_disk(), (TreeHead{origin, 1, tree_.root()}));
  EXPECT_EQ(heads_->note(), text_of(files_.directory + "/signed-head"));
  EXPECT_EQ(heads_->verifier().open(heads_->note()).value(), to_text(head_on_disk()));
}

TEST_F(TreeHeadsTest, ShowsAHeadOnlyOnceItIsOnDisk) {
  grow(1);
  ASSERT_TRUE(start());
  grow(10);
  const std::string before = heads_->note();
  bool done = false;
  heads_->sign([&](const Result<void>& outcome) {
    EXPECT_TRUE(outcome);
    EXPECT_EQ(text_of(files_.directory + "/signed-head"), heads_->note());
    done = true;
  });
  EXPECT_EQ(heads_->note(), before);
  loop_.run_until([&] { return done; });
  EXPECT_EQ(heads_->signed_size(), 10U);
  EXPECT_EQ(head_on_disk().size, 10U);
}

TEST_F(TreeHeadsTest, WhoeverAsksWhileOneIsWrittenGetsTheNextOne) {
  grow(1);
  ASSERT_TRUE(start());
  grow(5);
  int done = 0;
  heads_->sign([&](const Result<void>&) { ++done; });
  grow(7);
  heads_->sign([&](const Result<void>& outcome) {
    EXPECT_TRUE(outcome);
    EXPECT_EQ(heads_->signed_size(), 7U);
    ++done;
  });
  loop_.run_until([&] { return done == 2; });
}

TEST_F(TreeHeadsTest, SignsNothingAgainThatIsSigned) {
  grow(3);
  ASSERT_TRUE(start());
  const std::string note = heads_->note();
  ASSERT_TRUE(sign());
  EXPECT_EQ(heads_->note(), note);
  ASSERT_TRUE(start());
  EXPECT_EQ(heads_->note(), note);
}

TEST_F(TreeHeadsTest, AStartComparesTheTreeWithTheLastSignedHead) {
  grow(300);
  ASSERT_TRUE(start());
  tree_ = {};
  grow(400, "another history ");
  EXPECT_EQ(start().error().code, "tree_inconsistent");
  tree_ = {};
  grow(299);
  EXPECT_EQ(start().error().code, "journal_shorter_than_signed");
  grow(300);
  EXPECT_TRUE(start());
  grow(400);
  EXPECT_TRUE(start());
  EXPECT_EQ(head_on_disk().size, 400U);
}

TEST_F(TreeHeadsTest, NeverSignsATreeThatDoesNotExtendTheLastOne) {
  grow(300);
  ASSERT_TRUE(start());
  const std::string note = heads_->note();
  tree_ = {};
  grow(301, "another history ");
  EXPECT_EQ(sign().error().code, "tree_inconsistent");
  EXPECT_EQ(heads_->fault()->code, "tree_inconsistent");
  EXPECT_EQ(heads_->note(), note);
  EXPECT_EQ(text_of(files_.directory + "/signed-head"), note);
  EXPECT_EQ(heads_->stop().error().code, "tree_inconsistent");
  EXPECT_EQ(text_of(files_.directory + "/signed-head"), note);
}

TEST_F(TreeHeadsTest, AStopSignsTheLastRecords) {
  grow(3);
  ASSERT_TRUE(start());
  grow(8);
  ASSERT_TRUE(heads_->stop());
  EXPECT_EQ(head_on_disk(), (TreeHead{origin, 8, tree_.root()}));
}

TEST_F(TreeHeadsTest, WhatCantBeWrittenIsTriedAgain) {
  grow(3);
  ASSERT_TRUE(start());
  grow(4);
  fs::create_directories(files_.directory + "/signed-head.new/in-the-way");
  EXPECT_EQ(sign().error().code, "file_failed");
  EXPECT_TRUE(heads_->fault());
  EXPECT_EQ(heads_->signed_size(), 3U);
  fs::remove_all(files_.directory + "/signed-head.new");
  EXPECT_TRUE(sign());
  EXPECT_FALSE(heads_->fault());
  EXPECT_EQ(head_on_disk().size, 4U);
}

TEST_F(TreeHeadsTest, ADiskThatTakesNoHeadIsNoReasonNotToStart) {
  grow(3);
  ASSERT_TRUE(start());
  grow(4);
  fs::create_directories(files_.directory + "/signed-head.new/in-the-way");
  EXPECT_TRUE(start());
  EXPECT_EQ(heads_->fault()->code, "file_failed");
  EXPECT_EQ(heads_->signed_size(), 3U);
}

TEST_F(TreeHeadsTest, RefusesAKeyThatOthersMayRead) {
  grow(1);
  ASSERT_TRUE(start());
  fs::permissions(files_.key_file, fs::perms::owner_read | fs::perms::others_read);
  EXPECT_EQ(start().error().code, "signing_key_exposed");
}

TEST_F(TreeHeadsTest, RefusesAnotherKeyNameOrNoKeyWhileThereIsASignedHead) {
  grow(1);
  ASSERT_TRUE(start());
  const std::string first = files_.key_file;
  files_.key_file = dir_.path() + "/other.pem";
  EXPECT_EQ(start().error().code, "signing_key_missing");
  ASSERT_TRUE(SigningKey::create(files_.key_file, origin));
  EXPECT_EQ(start().error().code, "signed_head_of_another_key");
  files_.key_file = first;
  EXPECT_EQ(TreeHeads::open(files_, "elsewhere").error().code, "signed_head_of_another_key");
  EXPECT_TRUE(start());
}

TEST_F(TreeHeadsTest, RefusesAHeadThatWasChanged) {
  grow(1);
  ASSERT_TRUE(start());
  const std::string path = files_.directory + "/signed-head", good = text_of(path);
  for (const std::string& bad : {good.substr(0, good.size() / 2), "2" + good, good + "x",
                                 std::string(good).replace(good.find("\n1\n"), 3, "\n0\n")}) {
    std::ofstream(path, std::ios::trunc) << bad;
    const auto started = start();
    ASSERT_FALSE(started) << bad;
    EXPECT_TRUE(started.error().code == "signed_head_damaged" ||
                started.error().code == "signed_head_of_another_key")
        << started.error().code;
  }
  std::ofstream(path, std::ios::trunc) << good;
  EXPECT_TRUE(start());
}

// Proofs of what the tree no longer holds ---------------------------------------------------------

class ProofReaderTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t records = 6'000;
  ProofReaderTest() {
    std::vector<Record> all;
    for (Position position = 1; position <= records; ++position) {
      all.push_back(
          {{position, {}, RecordType::quarantine_dismissed, 1}, "record " + std::to_string(position)});
      roots_.push_back(tree_.root());
      Sha256 sha;
      tree_.append(record_leaf_hash(sha, all.back().header, all.back().payload).value());
    }
    roots_.push_back(tree_.root());
    journal_->append(all).value();
  }
  void run() {
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
      ++turns_;
    }
  }

  testing::TempDir dir_;
  std::unique_ptr<Journal> journal_ = Journal::open({dir_.path() + "/data"}).value();
  MerkleTree tree_;
  std::vector<TreeHash> roots_;  // by size
  std::deque<std::function<void()>> tasks_;
  int turns_ = 0;
};

TEST_F(ProofReaderTest, ProvesOldRecordsInTurns) {
  ProofReader reader(*journal_, tree_,
                     [this](std::function<void()> task) { tasks_.push_back(std::move(task)); });
  int proven = 0;
  for (const std::uint64_t size : {1'000U, 4'097U, 6'000U}) {
    for (const Position position : {1U, 256U, 257U, 999U}) {
      reader.inclusion(position, size, [&, size, position](const Result<InclusionProof>& proof) {
        ASSERT_TRUE(proof) << proof.error().detail;
        EXPECT_EQ(proof->root, roots_[size]);
        EXPECT_TRUE(proves_inclusion(proof->leaf, position - 1, size, proof->hashes, roots_[size]));
        ++proven;
      });
    }
    reader.consistency(700, size, [&, size](const Result<ConsistencyProof>& proof) {
      ASSERT_TRUE(proof) << proof.error().detail;
      EXPECT_TRUE(proves_consistency(700, roots_[700], size, roots_[size], proof->hashes));
      ++proven;
    });
  }
  EXPECT_LT(proven, 15);
  run();
  EXPECT_EQ(proven, 15);
  EXPECT_GT(turns_, 3);
  EXPECT_EQ(reader.root_at_now(123).value(), roots_[123]);
}

TEST_F(ProofReaderTest, RefusesWhatIsNotThere) {
  ProofReader reader(*journal_, tree_, {});
  std::vector<std::string> codes;
  const auto note = [&](const auto& proof) { codes.push_back(proof ? "proven" : proof.error().code); };
  reader.inclusion(0, 10, note);
  reader.inclusion(11, 10, note);
  reader.inclusion(1, records + 1, note);
  reader.consistency(5, records + 1, note);
  reader.consistency(6, 5, note);
  EXPECT_EQ(codes, std::vector<std::string>(5, "proof_out_of_range"));
}

TEST_F(ProofReaderTest, TellsThatTheJournalIsNotTheOneThatWasHashed) {
  MerkleTree other;
  for (std::uint64_t i = 0; i < records; ++i) other.append(leaf(i));
  ProofReader reader(*journal_, other,
                     [this](std::function<void()> task) { tasks_.push_back(std::move(task)); });
  std::string code;
  reader.inclusion(5, records, [&](const auto& proof) { code = proof ? "proven" : proof.error().code; });
  run();
  EXPECT_EQ(code, "tree_inconsistent");
  EXPECT_EQ(reader.root_at_now(300).error().code, "tree_inconsistent");
}

}  // namespace
}  // namespace voucherd

// Inclusion and consistency proofs: RFC 6962's published ones, and all of every tree size up to 1,025 leaves.
#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "metering/proof/tree.h"
#include "metering/proof/tree_proof.h"

namespace voucherd {
namespace {

constexpr std::uint64_t sizes_max = 1'025;

std::vector<TreeHash> leaves_of(std::uint64_t count) {
  std::vector<TreeHash> leaves;
  for (std::uint64_t i = 0; i < count; ++i) leaves.push_back(leaf_hash("leaf " + std::to_string(i)));
  return leaves;
}

/// What the certificate transparency project publishes for RFC 6962.
std::vector<TreeHash> published_leaves() {
  const std::vector<std::string> leaves = {
      std::string(),
      std::string(1, '\0'),
      "\x10",
      "\x20\x21",
      "\x30\x31",
      "\x40\x41\x42\x43",
      "\x50\x51\x52\x53\x54\x55\x56\x57",
      "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  std::vector<TreeHash> hashes;
  for (const std::string& leaf : leaves) hashes.push_back(leaf_hash(leaf));
  return hashes;
}

std::vector<std::string> hex_of(const std::vector<TreeHash>& hashes) {
  std::vector<std::string> hex;
  for (const TreeHash& hash : hashes) hex.push_back(to_hex(hash));
  return hex;
}

RootOfRange roots_of(const std::vector<TreeHash>& leaves) {
  return [&leaves](std::uint64_t from, std::uint64_t until) {
    return tree_root(std::span<const TreeHash>(leaves).subspan(from, until - from));
  };
}

TEST(TreeProofTest, GivesThePublishedInclusionProofs) {
  const auto leaves = published_leaves();
  using Hex = std::vector<std::string>;
  EXPECT_EQ(hex_of(inclusion_proof(0, 1, roots_of(leaves))), Hex{});
  EXPECT_EQ(hex_of(inclusion_proof(0, 8, roots_of(leaves))),
            (Hex{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(hex_of(inclusion_proof(5, 8, roots_of(leaves))),
            (Hex{"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(hex_of(inclusion_proof(2, 3, roots_of(leaves))),
            (Hex{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}));
}

TEST(TreeProofTest, GivesThePublishedConsistencyProofs) {
  const auto leaves = published_leaves();
  using Hex = std::vector<std::string>;
  EXPECT_EQ(hex_of(consistency_proof(1, 1, roots_of(leaves))), Hex{});
  EXPECT_EQ(hex_of(consistency_proof(1, 8, roots_of(leaves))),
            (Hex{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(hex_of(consistency_proof(6, 8, roots_of(leaves))),
            (Hex{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(hex_of(consistency_proof(2, 5, roots_of(leaves))),
            (Hex{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
}

/// The roots of all complete subtrees, so that every range's root is near.
class CompleteSubtrees {
 public:
  explicit CompleteSubtrees(std::vector<TreeHash> leaves) : levels_{std::move(leaves)} {
    while (levels_.back().size() > 1) {
      std::vector<TreeHash> level;
      for (std::size_t i = 0; i + 1 < levels_.back().size(); i += 2) {
        level.push_back(node_hash(levels_.back()[i], levels_.back()[i + 1]));
      }
      levels_.push_back(std::move(level));
    }
  }
  const TreeHash& leaf(std::uint64_t index) const { return levels_[0][index]; }
  TreeHash root_of(std::uint64_t from, std::uint64_t until) const {
    const std::uint64_t leaves = until - from;
    if (std::has_single_bit(leaves)) {
      const auto level = static_cast<unsigned>(std::countr_zero(leaves));
      return levels_[level][from >> level];
    }
    const std::uint64_t split = from + std::bit_floor(leaves - 1);
    return node_hash(root_of(from, split), root_of(split, until));
  }
  RootOfRange roots() const {
    return [this](std::uint64_t from, std::uint64_t until) { return root_of(from, until); };
  }

 private:
  std::vector<std::vector<TreeHash>> levels_;
};

TEST(TreeProofTest, EveryLeafOfEverySizeUpTo1025IsProven) {
  const CompleteSubtrees all(leaves_of(sizes_max));
  for (std::uint64_t size = 1; size <= sizes_max; ++size) {
    const TreeHash root = all.root_of(0, size);
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(index, size, all.roots());
      ASSERT_TRUE(proves_inclusion(all.leaf(index), index, size, proof, root)) << index << " of " << size;
    }
  }
}

TEST(TreeProofTest, EverySizeUpTo1025IsConsistentWithEverySmallerOne) {
  const CompleteSubtrees all(leaves_of(sizes_max));
  std::vector<TreeHash> roots = {empty_tree_root()};
  for (std::uint64_t size = 1; size <= sizes_max; ++size) {
    roots.push_back(all.root_of(0, size));
    for (std::uint64_t from = 0; from <= size; ++from) {
      const auto proof = consistency_proof(from, size, all.roots());
      ASSERT_TRUE(proves_consistency(from, roots[from], size, roots[size], proof)) << from << " to " << size;
    }
  }
}

TEST(TreeProofTest, AGrowingTreeGivesTheSameProofs) {
  const CompleteSubtrees all(leaves_of(sizes_max));
  MerkleTree tree;
  for (std::uint64_t size = 1; size <= sizes_max; ++size) {
    tree.append(all.leaf(size - 1));
    ASSERT_EQ(tree.root(), all.root_of(0, size));
    for (const std::uint64_t index : {std::uint64_t{0}, size / 3, size / 2, size - 1}) {
      ASSERT_EQ(tree.inclusion_proof(index, size, {}), inclusion_proof(index, size, all.roots()));
      ASSERT_EQ(tree.consistency_proof(index, size, {}), consistency_proof(index, size, all.roots()));
    }
  }
}

TEST(TreeProofTest, NothingElseIsProven) {
  const std::uint64_t size = 77;
  const auto leaves = leaves_of(size + 1);
  const auto all = std::span<const TreeHash>(leaves).first(size);
  const TreeHash root = tree_root(all);
  for (std::uint64_t index = 0; index < size; ++index) {
    auto proof = inclusion_proof(index, all);
    EXPECT_FALSE(proves_inclusion(leaves[size], index, size, proof, root));
    EXPECT_FALSE(proves_inclusion(leaves[index], index, size, proof, leaves[0]));
    EXPECT_FALSE(proves_inclusion(leaves[index], (index + 1) % size, size, proof, root));
    EXPECT_FALSE(proves_inclusion(leaves[index], size, size, proof, root));
    for (TreeHash& hash : proof) {
      hash[7] ^= 1;
      EXPECT_FALSE(proves_inclusion(leaves[index], index, size, proof, root));
      hash[7] ^= 1;
    }
    proof.push_back(root);
    EXPECT_FALSE(proves_inclusion(leaves[index], index, size, proof, root));
    proof.resize(proof.size() - 2);
    EXPECT_FALSE(proves_inclusion(leaves[index], index, size, proof, root));
  }
}

TEST(TreeProofTest, NoOtherHistoryIsConsistent) {
  const std::uint64_t size = 77;
  const auto leaves = leaves_of(size);
  const TreeHash root = tree_root(leaves);
  for (std::uint64_t from = 1; from < size; ++from) {
    const TreeHash from_root = tree_root(std::span<const TreeHash>(leaves).first(from));
    auto proof = consistency_proof(from, size, roots_of(leaves));
    EXPECT_FALSE(proves_consistency(from, root, size, root, proof));
    EXPECT_FALSE(proves_consistency(from, from_root, size, from_root, proof));
    EXPECT_FALSE(proves_consistency(size + 1, root, size, root, proof));
    for (TreeHash& hash : proof) {
      hash[0] ^= 0x80;
      EXPECT_FALSE(proves_consistency(from, from_root, size, root, proof)) << from;
      hash[0] ^= 0x80;
    }
    proof.pop_back();
    EXPECT_FALSE(proves_consistency(from, from_root, size, root, proof)) << from;
  }
}

}  // namespace
}  // namespace voucherd

// The tree against RFC 6962: the published vectors of the certificate transparency project,
// and the definition of the RFC, computed by recursion, for many sizes.
#include "metering/proof/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

namespace voucherd {
namespace {

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// RFC 6962 §2.1: k is the largest power of two below n.
TreeHash root_by_definition(const std::vector<TreeHash>& leaves, std::size_t from, std::size_t until) {
  const std::size_t n = until - from;
  if (n == 1) return leaves[from];
  const std::size_t k = std::bit_floor(n - 1);
  return node_hash(root_by_definition(leaves, from, from + k), root_by_definition(leaves, from + k, until));
}

TEST(MerkleTreeTest, EmptyTreeHasTheHashOfNothing) {
  EXPECT_EQ(to_hex(MerkleTree().root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(MerkleTreeTest, GivesThePublishedRootsOfRfc6962) {
  const std::vector<std::string> leaves = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                          "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                          "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                          "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                          "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                          "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleTree tree;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    tree.append(leaf_hash(bytes_of_hex(leaves[i])));
    EXPECT_EQ(to_hex(tree.root()), roots[i]) << "of " << i + 1 << " leaves";
  }
}

TEST(MerkleTreeTest, FollowsTheDefinitionForEverySizeUpTo130) {
  std::vector<TreeHash> leaves;
  MerkleTree tree;
  for (std::size_t n = 1; n <= 130; ++n) {
    leaves.push_back(leaf_hash("leaf " + std::to_string(n)));
    tree.append(leaves.back());
    EXPECT_EQ(tree.size(), n);
    EXPECT_EQ(tree.root(), root_by_definition(leaves, 0, n)) << "of " << n << " leaves";
  }
}

TEST(MerkleTreeTest, ContinuesFromItsSavedBytes) {
  MerkleTree tree;
  for (int i = 0; i < 777; ++i) {
    std::string saved = "before";
    tree.save(saved);
    saved += "behind";
    std::string_view in = std::string_view(saved).substr(6);
    auto loaded = MerkleTree::load(in);
    ASSERT_TRUE(loaded) << loaded.error().detail;
    EXPECT_EQ(*loaded, tree);
    EXPECT_EQ(in, "behind");
    const TreeHash leaf = leaf_hash(std::to_string(i));
    tree.append(leaf);
    loaded->append(leaf);
    EXPECT_EQ(loaded->root(), tree.root());
  }
}

TEST(MerkleTreeTest, ProvesOldLeavesWithTheirBlocksReadAgain) {
  constexpr std::uint64_t leaves_count = 12'345;  // 48 blocks: the first ones are no longer held
  std::vector<TreeHash> leaves;
  MerkleTree tree;
  for (std::uint64_t i = 0; i < leaves_count; ++i) {
    leaves.push_back(leaf_hash(std::to_string(i)));
    tree.append(leaves.back());
  }
  const auto read = [&](const std::vector<std::uint64_t>& wanted) {
    MerkleTree::Blocks blocks;
    for (const std::uint64_t block : wanted) {
      const auto first = leaves.begin() + static_cast<std::ptrdiff_t>(block * MerkleTree::block_leaves);
      blocks[block] = {first, first + static_cast<std::ptrdiff_t>(MerkleTree::block_leaves)};
      EXPECT_TRUE(tree.holds_block(block, blocks[block]));
      auto other = blocks[block];
      other[3][0] ^= 1;
      EXPECT_FALSE(tree.holds_block(block, other));
    }
    return blocks;
  };
  for (const std::uint64_t size : {1'000U, 1'024U, 5'000U, 12'300U, 12'345U}) {
    const auto at_size = tree.blocks_for_sizes({size});
    EXPECT_LE(at_size.size(), 1U);
    const TreeHash root = tree.root_at(size, read(at_size));
    EXPECT_EQ(root, root_by_definition(leaves, 0, size));
    for (const std::uint64_t index : {0U, 255U, 256U, 700U, 999U}) {
      const auto wanted = tree.blocks_for_leaf(index, size);
      EXPECT_LE(wanted.size(), 2U);
      EXPECT_TRUE(proves_inclusion(leaves[index], index, size,
                                   tree.inclusion_proof(index, size, read(wanted)), root));
    }
    const auto wanted = tree.blocks_for_sizes({700, size});
    EXPECT_LE(wanted.size(), 2U);
    EXPECT_TRUE(proves_consistency(700, root_by_definition(leaves, 0, 700), size, root,
                                   tree.consistency_proof(700, size, read(wanted))));
  }
}

TEST(MerkleTreeTest, RefusesBytesThatAreCutShort) {
  MerkleTree tree;
  for (int i = 0; i < 263; ++i) tree.append(leaf_hash(std::to_string(i)));
  std::string saved;
  tree.save(saved);
  for (std::size_t length = 0; length < saved.size(); ++length) {
    std::string_view in = std::string_view(saved).substr(0, length);
    const auto loaded = MerkleTree::load(in);
    ASSERT_FALSE(loaded) << "of " << length << " bytes";
    EXPECT_EQ(loaded.error().code, "tree_damaged");
  }
}

}  // namespace
}  // namespace voucherd

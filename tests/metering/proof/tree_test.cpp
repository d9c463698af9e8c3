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

// A node's hash is not public; it is the root of a tree of two leaves, which the vectors above check.
TreeHash node(const TreeHash& left, const TreeHash& right) {
  TreeEdge pair;
  pair.append(left);
  pair.append(right);
  return pair.root();
}

// RFC 6962 §2.1: k is the largest power of two below n.
TreeHash root_by_definition(const std::vector<TreeHash>& leaves, std::size_t from, std::size_t until) {
  const std::size_t n = until - from;
  if (n == 1) return leaves[from];
  const std::size_t k = std::bit_floor(n - 1);
  return node(root_by_definition(leaves, from, from + k), root_by_definition(leaves, from + k, until));
}

TEST(TreeEdgeTest, EmptyTreeHasTheHashOfNothing) {
  EXPECT_EQ(to_hex(TreeEdge().root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(TreeEdgeTest, GivesThePublishedRootsOfRfc6962) {
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
  TreeEdge edge;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    edge.append(leaf_hash(bytes_of_hex(leaves[i])));
    EXPECT_EQ(to_hex(edge.root()), roots[i]) << "of " << i + 1 << " leaves";
  }
}

TEST(TreeEdgeTest, FollowsTheDefinitionForEverySizeUpTo130) {
  std::vector<TreeHash> leaves;
  TreeEdge edge;
  for (std::size_t n = 1; n <= 130; ++n) {
    leaves.push_back(leaf_hash("leaf " + std::to_string(n)));
    edge.append(leaves.back());
    EXPECT_EQ(edge.size(), n);
    EXPECT_EQ(edge.root(), root_by_definition(leaves, 0, n)) << "of " << n << " leaves";
  }
}

TEST(TreeEdgeTest, ContinuesFromItsSavedBytes) {
  TreeEdge edge;
  for (int i = 0; i < 77; ++i) {
    std::string saved = "before";
    edge.save(saved);
    saved += "behind";
    std::string_view in = std::string_view(saved).substr(6);
    auto loaded = TreeEdge::load(in);
    ASSERT_TRUE(loaded) << loaded.error().detail;
    EXPECT_EQ(*loaded, edge);
    EXPECT_EQ(in, "behind");
    const TreeHash leaf = leaf_hash(std::to_string(i));
    edge.append(leaf);
    loaded->append(leaf);
    EXPECT_EQ(loaded->root(), edge.root());
  }
}

TEST(TreeEdgeTest, RefusesBytesThatAreCutShort) {
  TreeEdge edge;
  for (int i = 0; i < 7; ++i) edge.append(leaf_hash(std::to_string(i)));
  std::string saved;
  edge.save(saved);
  for (std::size_t length = 0; length < saved.size(); ++length) {
    std::string_view in = std::string_view(saved).substr(0, length);
    const auto loaded = TreeEdge::load(in);
    ASSERT_FALSE(loaded) << "of " << length << " bytes";
    EXPECT_EQ(loaded.error().code, "tree_damaged");
  }
}

}  // namespace
}  // namespace voucherd

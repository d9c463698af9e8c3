// The RFC 6962 Merkle tree over the journal's records, kept so that any proof is near: the roots of all
// complete subtrees from 256 leaves on (64 bytes for 256 records) and the hashes of the last leaves. What
// lies below an older subtree of 256 leaves is hashed again from the journal when a proof needs it: two at
// most.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"
#include "metering/proof/tree_proof.h"

namespace voucherd {

/// A value; owned by one thread.
class MerkleTree {
 public:
  /// A block: so many leaves, from a multiple of it on.
  static constexpr std::uint64_t block_leaves = 256;
  /// The hashes of complete blocks' leaves, by the number of the block.
  using Blocks = std::map<std::uint64_t, std::vector<TreeHash>>;

  void append(const TreeHash& leaf);
  std::uint64_t size() const { return size_; }
  /// RFC 6962's tree head hash.
  TreeHash root() const;

  /// The blocks of which a proof needs the leaves and that are no longer here: for the tree as it was at each
  /// of `sizes`, and for the path of a leaf.
  std::vector<std::uint64_t> blocks_for_sizes(std::initializer_list<std::uint64_t> sizes) const;
  std::vector<std::uint64_t> blocks_for_leaf(std::uint64_t index, std::uint64_t size) const;
  /// True where these are the leaves of the complete block.
  bool holds_block(std::uint64_t block, const std::vector<TreeHash>& leaves) const;

  // Preconditions (asserted): no size is beyond size(), and `blocks` has what blocks_for_…() named.
  TreeHash leaf(std::uint64_t index, const Blocks& blocks) const;
  TreeHash root_at(std::uint64_t size, const Blocks& blocks) const;
  std::vector<TreeHash> inclusion_proof(std::uint64_t index, std::uint64_t size, const Blocks& blocks) const;
  std::vector<TreeHash> consistency_proof(std::uint64_t from, std::uint64_t to, const Blocks& blocks) const;

  void save(std::string& out) const;
  static Result<MerkleTree> load(std::string_view& in);
  friend bool operator==(const MerkleTree& a, const MerkleTree& b) {
    return a.size_ == b.size_ && a.root() == b.root();
  }

 private:
  static constexpr unsigned block_level = 8;  // a block's root is at this height
  static constexpr std::uint64_t recent_blocks = 16;

  /// The root of a complete subtree of 2^level leaves comes behind the leaves that are there.
  void append_subtree(unsigned level, TreeHash hash);
  TreeHash root_of_range(std::uint64_t from, std::uint64_t until, const Blocks& blocks) const;
  TreeHash root_in_block(std::uint64_t from, std::uint64_t until, const Blocks& blocks) const;
  RootOfRange reader(const Blocks& blocks) const;

  std::uint64_t size_ = 0;
  std::vector<TreeHash> edge_;                   // roots of the complete subtrees, largest first
  std::vector<std::vector<TreeHash>> subtrees_;  // by height above a block's, in order
  std::uint64_t recent_from_ = 0;                // a multiple of block_leaves
  std::deque<TreeHash> recent_;                  // hashes of the leaves from there on
};

}  // namespace voucherd

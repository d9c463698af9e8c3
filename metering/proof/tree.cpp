// A complete subtree of 2^k leaves ends at each size that 2^k divides: appending is adding one in binary, and
// each carry is a node that never changes again.
#include "metering/proof/tree.h"

#include <algorithm>
#include <bit>

#include "metering/core/assert.h"
#include "metering/journal/encoding.h"

namespace voucherd {

void MerkleTree::append(const TreeHash& leaf) {
  recent_.push_back(leaf);
  append_subtree(0, leaf);
  if (size_ - recent_from_ >= (recent_blocks + 1) * block_leaves) {
    recent_.erase(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(block_leaves));
    recent_from_ += block_leaves;
  }
}

void MerkleTree::append_subtree(unsigned level, TreeHash hash) {
  const auto keep = [&](unsigned height) {
    if (height < block_level) return;
    if (subtrees_.size() <= height - block_level) subtrees_.emplace_back();
    subtrees_[height - block_level].push_back(hash);
  };
  const std::uint64_t added = std::uint64_t{1} << level;
  keep(level);
  for (std::uint64_t carry = size_ >> level; (carry & 1) != 0; carry >>= 1) {
    hash = node_hash(edge_.back(), hash);
    edge_.pop_back();
    keep(++level);
  }
  edge_.push_back(hash);
  size_ += added;
  VOUCHERD_ASSERT(edge_.size() == static_cast<std::size_t>(std::popcount(size_)));
}

TreeHash MerkleTree::root() const {
  if (edge_.empty()) return empty_tree_root();
  TreeHash hash = edge_.back();
  for (std::size_t i = edge_.size() - 1; i > 0; --i) hash = node_hash(edge_[i - 1], hash);
  return hash;
}

std::vector<std::uint64_t> MerkleTree::blocks_for_sizes(std::initializer_list<std::uint64_t> sizes) const {
  std::vector<std::uint64_t> blocks;
  for (const std::uint64_t size : sizes) {
    if (size % block_leaves != 0 && size < recent_from_) blocks.push_back(size / block_leaves);
  }
  return blocks;
}

std::vector<std::uint64_t> MerkleTree::blocks_for_leaf(std::uint64_t index, std::uint64_t size) const {
  std::vector<std::uint64_t> blocks = blocks_for_sizes({size});
  if (index < recent_from_) blocks.push_back(index / block_leaves);
  return blocks;
}

bool MerkleTree::holds_block(std::uint64_t block, const std::vector<TreeHash>& leaves) const {
  VOUCHERD_ASSERT((block + 1) * block_leaves <= size_);
  return leaves.size() == block_leaves && tree_root(leaves) == subtrees_[0][block];
}

TreeHash MerkleTree::root_in_block(std::uint64_t from, std::uint64_t until, const Blocks& blocks) const {
  const std::uint64_t block = from / block_leaves;
  VOUCHERD_ASSERT(until <= (block + 1) * block_leaves);
  std::vector<TreeHash> leaves;
  if (from >= recent_from_) {
    const auto first = recent_.begin() + static_cast<std::ptrdiff_t>(from - recent_from_);
    leaves.assign(first, first + static_cast<std::ptrdiff_t>(until - from));
  } else {
    const std::vector<TreeHash>& all = blocks.at(block);
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(from % block_leaves);
    leaves.assign(first, first + static_cast<std::ptrdiff_t>(until - from));
  }
  return tree_root(leaves);
}

TreeHash MerkleTree::root_of_range(std::uint64_t from, std::uint64_t until, const Blocks& blocks) const {
  const std::uint64_t leaves = until - from;
  const auto level = static_cast<unsigned>(std::countr_zero(leaves));
  if (std::has_single_bit(leaves) && level >= block_level) {
    return subtrees_[level - block_level][from >> level];
  }
  if (leaves <= block_leaves) return root_in_block(from, until, blocks);
  const std::uint64_t split = from + std::bit_floor(leaves - 1);
  return node_hash(root_of_range(from, split, blocks), root_of_range(split, until, blocks));
}

RootOfRange MerkleTree::reader(const Blocks& blocks) const {
  return
      [this, &blocks](std::uint64_t from, std::uint64_t until) { return root_of_range(from, until, blocks); };
}

TreeHash MerkleTree::leaf(std::uint64_t index, const Blocks& blocks) const {
  VOUCHERD_ASSERT(index < size_);
  return root_in_block(index, index + 1, blocks);
}

TreeHash MerkleTree::root_at(std::uint64_t size, const Blocks& blocks) const {
  VOUCHERD_ASSERT(size <= size_);
  if (size == size_) return root();
  return size == 0 ? empty_tree_root() : root_of_range(0, size, blocks);
}

std::vector<TreeHash> MerkleTree::inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                  const Blocks& blocks) const {
  VOUCHERD_ASSERT(size <= size_);
  return voucherd::inclusion_proof(index, size, reader(blocks));
}

std::vector<TreeHash> MerkleTree::consistency_proof(std::uint64_t from, std::uint64_t to,
                                                    const Blocks& blocks) const {
  VOUCHERD_ASSERT(to <= size_);
  return voucherd::consistency_proof(from, to, reader(blocks));
}

void MerkleTree::save(std::string& out) const {
  put_little_endian(out, size_);
  if (!subtrees_.empty()) {
    for (const TreeHash& hash : subtrees_[0]) out.append(bytes_of(hash));
  }
  const std::uint64_t open = size_ % block_leaves;
  for (auto leaf = recent_.end() - static_cast<std::ptrdiff_t>(open); leaf != recent_.end(); ++leaf) {
    out.append(bytes_of(*leaf));
  }
}

Result<MerkleTree> MerkleTree::load(std::string_view& in) {
  FixedReader reader(in);
  const auto size = reader.integer<std::uint64_t>();
  MerkleTree tree;
  const auto take = [&reader] {
    TreeHash hash{};
    const std::string_view bytes = reader.bytes(hash.size());
    bytes.copy(reinterpret_cast<char*>(hash.data()), bytes.size());
    return hash;
  };
  for (std::uint64_t block = 0; block < size / block_leaves && reader.ok(); ++block) {
    tree.append_subtree(block_level, take());
  }
  tree.recent_from_ = size - size % block_leaves;
  for (std::uint64_t leaf = 0; leaf < size % block_leaves && reader.ok(); ++leaf) tree.append(take());
  if (!reader.ok()) {
    return Fault{"tree_damaged", "A saved tree is cut short; the checkpoint that holds it can't be used."};
  }
  in.remove_prefix(sizeof size + sizeof(TreeHash) * (size / block_leaves + size % block_leaves));
  return tree;
}

}  // namespace voucherd

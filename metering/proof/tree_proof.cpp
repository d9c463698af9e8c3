// Making follows RFC 6962's recursion, checking RFC 9162's loops (§2.1.3.2, §2.1.4.2): two ways, so that a
// slip in one shows in the other.
#include "metering/proof/tree_proof.h"

#include <bit>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

// RFC 6962 §2.1: the two prefixes keep a leaf from being passed off as a node.
constexpr std::string_view leaf_prefix("\x00", 1);
constexpr std::string_view node_prefix("\x01", 1);

/// The greatest power of two below n. Precondition: n > 1.
std::uint64_t split_of(std::uint64_t n) { return std::bit_floor(n - 1); }

TreeHash root_of_leaves(Sha256& sha, std::span<const TreeHash> leaves) {
  if (leaves.size() == 1) return leaves[0];
  const std::size_t split = split_of(leaves.size());
  const TreeHash left = root_of_leaves(sha, leaves.first(split));
  return node_hash(sha, left, root_of_leaves(sha, leaves.subspan(split)));
}

}  // namespace

TreeHash leaf_hash(std::string_view leaf) { return Sha256().add(leaf_prefix).add(leaf).finish(); }

TreeHash node_hash(Sha256& sha, const TreeHash& left, const TreeHash& right) {
  return sha.add(node_prefix).add(bytes_of(left)).add(bytes_of(right)).finish();
}

TreeHash node_hash(const TreeHash& left, const TreeHash& right) {
  Sha256 sha;
  return node_hash(sha, left, right);
}

TreeHash empty_tree_root() { return sha256({}); }

TreeHash tree_root(std::span<const TreeHash> leaves) {
  if (leaves.empty()) return empty_tree_root();
  Sha256 sha;
  return root_of_leaves(sha, leaves);
}

std::vector<TreeHash> inclusion_proof(std::uint64_t index, std::uint64_t size, const RootOfRange& root_of) {
  VOUCHERD_ASSERT(index < size);
  std::vector<TreeHash> proof;
  std::uint64_t from = 0, until = size;
  while (until - from > 1) {
    const std::uint64_t split = from + split_of(until - from);
    const bool left = index < split;
    proof.push_back(left ? root_of(split, until) : root_of(from, split));
    (left ? until : from) = split;
  }
  return {proof.rbegin(), proof.rend()};
}

std::vector<TreeHash> inclusion_proof(std::uint64_t index, std::span<const TreeHash> leaves) {
  return inclusion_proof(index, leaves.size(), [&](std::uint64_t from, std::uint64_t until) {
    return tree_root(leaves.subspan(from, until - from));
  });
}

std::vector<TreeHash> consistency_proof(std::uint64_t from, std::uint64_t to, const RootOfRange& root_of) {
  VOUCHERD_ASSERT(from <= to);
  std::vector<TreeHash> proof;
  if (from == 0 || from == to) return proof;
  // SUBPROOF(from, D[begin:until], known): `known` while the older tree's root is this range's own.
  std::uint64_t begin = 0, until = to;
  bool known = true;
  while (until != from) {
    const std::uint64_t split = begin + split_of(until - begin);
    if (from <= split) {
      proof.push_back(root_of(split, until));
      until = split;
    } else {
      proof.push_back(root_of(begin, split));
      begin = split;
      known = false;
    }
  }
  if (!known) proof.push_back(root_of(begin, until));
  return {proof.rbegin(), proof.rend()};
}

bool proves_inclusion(const TreeHash& leaf, std::uint64_t index, std::uint64_t size,
                      std::span<const TreeHash> proof, const TreeHash& root) {
  if (index >= size) return false;
  Sha256 sha;
  TreeHash hash = leaf;
  std::uint64_t node = index, last = size - 1;
  for (const TreeHash& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = node_hash(sha, sibling, hash);
      for (; (node & 1) == 0 && node != 0; node >>= 1) last >>= 1;
    } else {
      hash = node_hash(sha, hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool proves_consistency(std::uint64_t from, const TreeHash& from_root, std::uint64_t to,
                        const TreeHash& to_root, std::span<const TreeHash> proof) {
  if (from > to) return false;
  if (from == to) return proof.empty() && from_root == to_root;
  if (from == 0) return proof.empty() && from_root == empty_tree_root();
  // Of a complete older tree the proof leaves its root out.
  const bool complete = std::has_single_bit(from);
  if (!complete && proof.empty()) return false;
  TreeHash older = complete ? from_root : proof.front(), newer = older;
  std::uint64_t node = from - 1, last = to - 1;
  for (; (node & 1) != 0; node >>= 1) last >>= 1;
  Sha256 sha;
  for (const TreeHash& sibling : proof.subspan(complete ? 0 : 1)) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      older = node_hash(sha, sibling, older);
      newer = node_hash(sha, sibling, newer);
      for (; (node & 1) == 0 && node != 0; node >>= 1) last >>= 1;
    } else {
      newer = node_hash(sha, newer, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && older == from_root && newer == to_root;
}

}  // namespace voucherd

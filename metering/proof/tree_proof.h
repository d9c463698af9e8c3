// RFC 6962's tree as a definition: roots of ranges of leaves, inclusion and consistency proofs, and their
// checks. Pure functions; a checker needs nothing else of this program.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "metering/proof/sha256.h"

namespace voucherd {

using TreeHash = Sha256Hash;

/// RFC 6962 §2.1: SHA-256(0x00 ‖ leaf).
TreeHash leaf_hash(std::string_view leaf);
TreeHash node_hash(const TreeHash& left, const TreeHash& right);
TreeHash node_hash(Sha256& sha, const TreeHash& left, const TreeHash& right);
/// SHA-256 of nothing.
TreeHash empty_tree_root();
TreeHash tree_root(std::span<const TreeHash> leaves);

/// The root of the leaves [from, until), which is a complete subtree or the right edge of a tree.
using RootOfRange = std::function<TreeHash(std::uint64_t from, std::uint64_t until)>;
/// §2.1.1: PATH(index, D[size]), from the leaf upwards. Precondition (asserted): index < size.
std::vector<TreeHash> inclusion_proof(std::uint64_t index, std::uint64_t size, const RootOfRange& root_of);
std::vector<TreeHash> inclusion_proof(std::uint64_t index, std::span<const TreeHash> leaves);
/// §2.1.2: PROOF(from, D[to]); empty where from is 0 or to. Precondition (asserted): from <= to.
std::vector<TreeHash> consistency_proof(std::uint64_t from, std::uint64_t to, const RootOfRange& root_of);

/// True where `proof` shows that the leaf with this hash stands at `index` in the tree of this size and root.
bool proves_inclusion(const TreeHash& leaf, std::uint64_t index, std::uint64_t size,
                      std::span<const TreeHash> proof, const TreeHash& root);
/// True where `proof` shows that the tree of `to` leaves begins with the one of `from` leaves.
bool proves_consistency(std::uint64_t from, const TreeHash& from_root, std::uint64_t to,
                        const TreeHash& to_root, std::span<const TreeHash> proof);

}  // namespace voucherd

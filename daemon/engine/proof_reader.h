// Proofs over the journal's tree. What the tree no longer holds (leaves of older blocks) is hashed again from
// the journal, in turns, so that nobody waits behind an auditor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "metering/journal/journal.h"
#include "metering/proof/tree.h"

namespace voucherd {

struct InclusionProof {
  std::uint64_t index = 0, size = 0;
  TreeHash leaf{}, root{};
  std::vector<TreeHash> hashes;
};
struct ConsistencyProof {
  std::uint64_t from = 0, to = 0;
  TreeHash from_root{}, to_root{};
  std::vector<TreeHash> hashes;
};

/// The owner thread's. Journal and tree outlive it.
class ProofReader {
 public:
  /// Runs a task on the owner thread, behind what waits for it.
  using Later = std::function<void(std::function<void()> task)>;
  ProofReader(const Journal& journal, const MerkleTree& tree, Later later);

  // Faults "proof_out_of_range"; "tree_inconsistent" where the journal's records are not those of the tree.
  using InclusionDone = std::function<void(Result<InclusionProof>)>;
  /// That the record at `position` stands in the tree of the first `size` records.
  void inclusion(Position position, std::uint64_t size, InclusionDone done);
  using ConsistencyDone = std::function<void(Result<ConsistencyProof>)>;
  /// That the tree of `to` records begins with the one of `from` records.
  void consistency(std::uint64_t from, std::uint64_t to, ConsistencyDone done);
  /// The root of the tree of the first `size` records. Precondition (asserted): there are so many.
  using RootDone = std::function<void(Result<TreeHash>)>;
  void root_at(std::uint64_t size, RootDone done);
  /// The same at once: for a start and a stop.
  Result<TreeHash> root_at_now(std::uint64_t size);

 private:
  using Wanted = std::function<std::vector<std::uint64_t>()>;
  using Ready = std::function<void(Result<void>)>;
  struct Block;
  /// Has all blocks read that `wanted` names, then calls `ready`: at once where all are there.
  void gather(Wanted wanted, Ready ready);
  void read_in_turns(const std::shared_ptr<Block>& block, const Ready& ready);
  std::optional<std::uint64_t> first_missing(const Wanted& wanted) const;
  /// Some records more, up to a turn's share; all where `whole`.
  Result<void> read_some(Block& block, bool whole);
  Result<void> keep(Block& block);

  const Journal& journal_;
  const MerkleTree& tree_;
  Later later_;
  Sha256 sha_;
  MerkleTree::Blocks blocks_;  // read before: bounded
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace voucherd

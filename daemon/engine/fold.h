// The fold of the whole journal: usage state, ledger, identity index and tree, kept in step.
// The engine folds with it as records become durable; a start folds the tail with it; a check
// folds everything with it. No clock, no configuration.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "billing/ledger/ledger.h"
#include "daemon/access/token_book.h"
#include "metering/journal/journal.h"
#include "metering/proof/record_proof.h"
#include "metering/proof/tree.h"
#include "metering/state/block_cache.h"
#include "metering/state/checkpoint.h"
#include "metering/state/known_identities.h"
#include "metering/state/usage_state.h"

namespace voucherd {

/// Of the record's accepted events, in their order.
std::vector<std::uint64_t> identity_hashes(const UsageRecord& record, std::uint64_t seed);

/// Owned by one thread. The journal outlives it.
class Fold {
 public:
  /// An empty fold that stands before the first record. Tells `identities`, which outlive it, what it folds;
  /// nullptr: a check, which looks nothing up.
  Fold(const Journal& journal, const Genesis& genesis, std::size_t event_cache_bytes,
       KnownIdentities* identities);

  /// Takes over a checkpoint of this journal, all of whose identities are loaded. Faults: what its
  /// sections' load() say.
  Result<void> load(const Checkpoint& checkpoint);
  /// Folds a record as read from the journal: decodes it and loads its identities too.
  Result<void> replay(const Record& record);
  /// Folds a record whose events are decoded and among the known identities already.
  void apply(const Record& record, const std::shared_ptr<const UsageRecord>& usage,
             std::span<const std::uint64_t> hashes, const RecordProof& proof);

  /// The state as a checkpoint at position().
  Checkpoint checkpoint() const;
  /// The same, to be made by another thread while the fold goes on; thaw() once that is done.
  struct Frozen {
    Position position = 0;
    std::uint64_t events = 0;
    UsageState::Snapshot usage;
    std::string ledger, tree, chains, tokens;
    Checkpoint checkpoint() &&;
  };
  Frozen freeze();
  void thaw() { usage_.thaw(); }
  /// Puts the identity hashes of the events since the last call behind `hashes`, in their order: for the
  /// checkpoint store. Into none they are not copied, and the memory of `hashes` takes the next ones.
  void take_new_hashes(std::vector<std::uint64_t>& hashes);
  std::size_t new_hashes() const { return new_hashes_.size(); }

  Position position() const { return position_; }
  const Genesis& genesis() const { return genesis_; }
  const UsageState& usage() const { return usage_; }
  UsageState& usage() { return usage_; }
  const billing::Ledger& ledger() const { return *ledger_; }
  const access::TokenBook& tokens() const { return tokens_; }
  KnownIdentities& identities() { return *identities_; }
  BlockCache& blocks() { return blocks_; }
  const MerkleTree& tree() const { return tree_; }
  const Chains& chains() const { return chains_; }

 private:
  billing::StatementHead head() const;
  void dismiss(const Record& record);
  /// Fault "chain_differs" where a close names another chain than that of the events before it.
  Result<void> compare_chains(const Record& close) const;
  /// Of a record as read from the journal. Fault "payload_damaged".
  Result<RecordProof> prove(const Record& record, const UsageRecord* usage);
  void visit_event(EventOrdinal ordinal, const UsageRecord& current,
                   const std::function<void(const EventView&)>& visit);

  Genesis genesis_;
  BlockCache blocks_;
  UsageState usage_;
  std::unique_ptr<billing::Ledger> ledger_;
  KnownIdentities* identities_;
  MerkleTree tree_;
  Chains chains_;
  RecordProver prover_;  // of replayed records
  access::TokenBook tokens_;
  Position position_ = 0;
  std::vector<std::uint64_t> new_hashes_;
};

}  // namespace voucherd

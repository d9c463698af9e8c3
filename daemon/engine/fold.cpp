#include "daemon/engine/fold.h"

#include "metering/core/assert.h"
#include "metering/proof/close_part.h"
#include "metering/proof/payload_parts.h"
#include "metering/state/quarantine_dismissal.h"

namespace voucherd {

std::vector<std::uint64_t> identity_hashes(const UsageRecord& record, std::uint64_t seed) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(record.events.size());
  for (std::uint32_t i = 0; i < record.events.size(); ++i) {
    const EventView event = record.events.at(i);
    hashes.push_back(identity_hash(event.source, event.id, seed));
  }
  return hashes;
}

Fold::Fold(const Journal& journal, const Genesis& genesis, std::size_t event_cache_bytes,
           KnownIdentities* identities)
    : genesis_(genesis),
      blocks_(journal, event_cache_bytes),
      usage_(genesis.offset),
      ledger_(std::make_unique<billing::Ledger>(head(), usage_)),
      identities_(identities),
      prover_(genesis.offset) {}

billing::StatementHead Fold::head() const {
  return {{genesis_.provider_name, genesis_.provider_uscc}, genesis_.currency, genesis_.offset};
}

Result<void> Fold::load(const Checkpoint& checkpoint) {
  const auto section = [&](const char* name) -> std::string_view {
    const auto found = checkpoint.sections.find(name);
    return found == checkpoint.sections.end() ? std::string_view() : std::string_view(found->second);
  };
  std::string_view bytes = section("usage");
  auto usage = UsageState::load(bytes);
  if (!usage) return usage.error();
  bytes = section("tree");
  auto tree = MerkleTree::load(bytes);
  if (!tree) return tree.error();
  bytes = section("chains");
  auto chains = Chains::load(bytes);
  if (!chains) return chains.error();
  if (usage->events() != checkpoint.identity_hashes || tree->size() != checkpoint.position ||
      usage->last_position() > checkpoint.position) {
    return Fault{"checkpoint_damaged", "the sections of the checkpoint at position " +
                                           std::to_string(checkpoint.position) + " do not belong together"};
  }
  usage_ = std::move(*usage);
  tree_ = std::move(*tree);
  chains_ = std::move(*chains);
  bytes = section("ledger");
  auto ledger = billing::Ledger::load(bytes, head(), usage_);
  if (!ledger) return ledger.error();
  ledger_ = std::move(*ledger);
  bytes = section("tokens");
  auto tokens = access::TokenBook::load(bytes);
  if (!tokens) return tokens.error();
  tokens_ = std::move(*tokens);
  position_ = checkpoint.position;
  return {};
}

Result<void> Fold::replay(const Record& record) {
  if (record.header.type == RecordType::quarantine_dismissed) {
    if (auto dismissal = QuarantineDismissal::decode(record.payload); !dismissal) return dismissal.error();
  }
  if (record.header.type == RecordType::token && !tokens_.can_apply(record.payload)) {
    return Fault{"record_damaged",
                 "the token record at position " + std::to_string(record.header.position) +
                     " can't be read, or does not follow on those before it; restore the directory "
                     "from a backup"};
  }
  if (record.header.type != RecordType::usage) {
    const auto proof = prove(record, nullptr);
    if (!proof) return proof.error();
    if (record.header.type == RecordType::close) {
      if (auto compared = compare_chains(record); !compared) return compared;
    }
    apply(record, nullptr, {}, *proof);
    return {};
  }
  auto decoded = UsageRecord::decode(record.payload, record.header.version);
  if (!decoded) {
    return Fault{"record_damaged", "the usage record at position " + std::to_string(record.header.position) +
                                       " can't be decoded: " + decoded.error().detail +
                                       "; restore the directory from a backup"};
  }
  auto usage = std::make_shared<UsageRecord>(std::move(*decoded));
  const auto hashes = identity_hashes(*usage, genesis_.hash_seed);
  if (identities_ != nullptr) {
    if (auto loaded = identities_->load(hashes, usage->first_ordinal); !loaded) return loaded;
  }
  const auto proof = prove(record, usage.get());
  if (!proof) return proof.error();
  apply(record, usage, hashes, *proof);
  return {};
}

Result<void> Fold::compare_chains(const Record& close) const {
  if (close.header.version < payload_in_parts_version) return {};
  const auto sealed = unseal(close.payload);
  if (!sealed) return sealed.error();
  for (const std::string& bytes : sealed->content.parts) {
    const auto part = decode_close_part(bytes);
    if (!part) return part.error();
    const MonthChains* chains = chains_.of(part->firm.value);
    for (const auto& [month, chain] : part->chains) {
      const bool same = chains != nullptr && chains->contains(month) && chains->at(month) == chain;
      if (same) continue;
      return Fault{"chain_differs",
                   "the close at position " + std::to_string(close.header.position) +
                       " vouches for other events of firm " + part->firm.value + " in " + to_string(month) +
                       " than the records before it hold; restore the directory from a backup"};
    }
  }
  return {};
}

Result<RecordProof> Fold::prove(const Record& record, const UsageRecord* usage) {
  if (usage == nullptr) return prover_.prove(record.header, record.payload);
  std::vector<UsageSpan> corrected;
  for (std::uint32_t row = 0; row < usage->events.size(); ++row) {
    if (usage->events.figures(row).kind != EventKind::correction) continue;
    visit_event(usage->events.corrected(row), *usage,
                [&](const EventView& event) { corrected.push_back(usage_span(event)); });
  }
  return prover_.prove(record.header, record.payload, usage->events, corrected);
}

void Fold::apply(const Record& record, const std::shared_ptr<const UsageRecord>& usage,
                 std::span<const std::uint64_t> hashes, const RecordProof& proof) {
  VOUCHERD_ASSERT(record.header.position == position_ + 1);
  position_ = record.header.position;
  tree_.append(proof.leaf);
  switch (record.header.type) {
    case RecordType::genesis:
      break;  // read apart, before there is a fold
    case RecordType::usage:
      VOUCHERD_ASSERT(usage != nullptr && usage->events.size() == hashes.size());
      blocks_.put(record.header, usage);
      usage_.apply(record.header, *usage,
                   [&](EventOrdinal ordinal, const std::function<void(const EventView&)>& visit) {
                     visit_event(ordinal, *usage, visit);
                   });
      extend(chains_, record.header.position, usage->events, proof.steps, usage_.firm_numbers());
      if (identities_ != nullptr) identities_->durable(usage_.events());
      new_hashes_.insert(new_hashes_.end(), hashes.begin(), hashes.end());
      break;
    case RecordType::facts:
    case RecordType::close:
      ledger_->apply(record, to_hex(tree_.root()));
      break;
    case RecordType::quarantine_dismissed:
      dismiss(record);
      break;
    case RecordType::token:
      tokens_.apply(record.header, record.payload);
      break;
  }
}

void Fold::take_new_hashes(std::vector<std::uint64_t>& hashes) {
  if (hashes.empty()) {
    hashes.swap(new_hashes_);
  } else {
    hashes.insert(hashes.end(), new_hashes_.begin(), new_hashes_.end());
  }
  new_hashes_.clear();
}

void Fold::dismiss(const Record& record) {
  const auto dismissal = QuarantineDismissal::decode(record.payload);
  VOUCHERD_ASSERT(dismissal.has_value());
  for (const QuarantineNumber number : dismissal->numbers) usage_.quarantine().close(number);
}

void Fold::visit_event(EventOrdinal ordinal, const UsageRecord& current,
                       const std::function<void(const EventView&)>& visit) {
  if (ordinal >= current.first_ordinal) {
    return visit(current.events.at(static_cast<std::uint32_t>(ordinal - current.first_ordinal)));
  }
  blocks_.visit(usage_.place_of(ordinal), [&](const EventView& event, Instant) { visit(event); });
}

Checkpoint Fold::checkpoint() const {
  Checkpoint checkpoint;
  checkpoint.position = position_;
  checkpoint.identity_hashes = usage_.events();
  usage_.save(checkpoint.sections["usage"]);
  ledger_->save(checkpoint.sections["ledger"]);
  tree_.save(checkpoint.sections["tree"]);
  chains_.save(checkpoint.sections["chains"]);
  tokens_.save(checkpoint.sections["tokens"]);
  return checkpoint;
}

Fold::Frozen Fold::freeze() {
  Frozen frozen{position_, usage_.events(), usage_.freeze(), {}, {}, {}, {}};
  ledger_->save(frozen.ledger);
  tree_.save(frozen.tree);
  chains_.save(frozen.chains);
  tokens_.save(frozen.tokens);
  return frozen;
}

Checkpoint Fold::Frozen::checkpoint() && {
  Checkpoint checkpoint;
  checkpoint.position = position;
  checkpoint.identity_hashes = events;
  usage.save(checkpoint.sections["usage"]);
  checkpoint.sections["ledger"] = std::move(ledger);
  checkpoint.sections["tree"] = std::move(tree);
  checkpoint.sections["chains"] = std::move(chains);
  checkpoint.sections["tokens"] = std::move(tokens);
  return checkpoint;
}

}  // namespace voucherd

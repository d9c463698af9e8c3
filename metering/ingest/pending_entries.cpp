// Two indexes beside the groups, which own the entries.
#include "metering/ingest/pending_entries.h"

#include "metering/core/assert.h"

namespace voucherd {

std::uint64_t PendingEntries::target_of(const QuarantinedEvent& event) const {
  return identity_hash(event.corrects_source, event.corrects_id, hash_seed_);
}

void PendingEntries::add(const QuarantinedEvent& event, QuarantineNumber number) {
  by_fingerprint_[event.fingerprint] = number;
  if (event.code == ReasonCode::correction_target_unknown) waiting_[target_of(event)].insert(number);
}

void PendingEntries::remove(const QuarantinedEvent& event, QuarantineNumber number) {
  const auto known = by_fingerprint_.find(event.fingerprint);
  if (known != by_fingerprint_.end() && known->second == number) by_fingerprint_.erase(known);
  if (event.code != ReasonCode::correction_target_unknown) return;
  const auto waiting = waiting_.find(target_of(event));
  VOUCHERD_ASSERT(waiting != waiting_.end());
  waiting->second.erase(number);
  if (waiting->second.empty()) waiting_.erase(waiting);
}

std::optional<QuarantineNumber> PendingEntries::find(std::uint64_t fingerprint) const {
  const auto known = by_fingerprint_.find(fingerprint);
  if (known == by_fingerprint_.end()) return std::nullopt;
  return known->second;
}

std::vector<QuarantineNumber> PendingEntries::waiting_for(std::uint64_t identity) const {
  const auto waiting = waiting_.find(identity);
  if (waiting == waiting_.end()) return {};
  return {waiting->second.begin(), waiting->second.end()};
}

}  // namespace voucherd

// The quarantine entries of groups under way: the state knows durable ones only, and what is
// sent again, or waited for, may not be durable yet.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "metering/state/usage_record.h"

namespace voucherd {

/// Owned by one thread.
class PendingEntries {
 public:
  explicit PendingEntries(std::uint64_t hash_seed) : hash_seed_(hash_seed) {}

  void add(const QuarantinedEvent& event, QuarantineNumber number);
  /// The entry is durable and folded.
  void remove(const QuarantinedEvent& event, QuarantineNumber number);

  /// The entry of this content.
  std::optional<QuarantineNumber> find(std::uint64_t fingerprint) const;

  /// Whether any correction waits for its event.
  bool corrections_wait() const { return !waiting_.empty(); }
  /// Entries that wait for an event with this identity hash (other identities may share it), in order.
  std::vector<QuarantineNumber> waiting_for(std::uint64_t identity) const;

 private:
  std::uint64_t target_of(const QuarantinedEvent& event) const;

  std::uint64_t hash_seed_;
  std::unordered_map<std::uint64_t, QuarantineNumber> by_fingerprint_;
  std::unordered_map<std::uint64_t, std::set<QuarantineNumber>> waiting_;  // by the event's identity hash
};

}  // namespace voucherd

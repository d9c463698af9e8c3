// Which identities are known: exact for ever, 8 bytes a slot (28-bit fingerprint, 36-bit
// ordinal). A match of fingerprints is only a candidate: the caller verifies it on the stored
// bytes. The table is derived: it is rebuilt from hashes kept in the checkpoint and the tail.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "metering/state/usage_record.h"

namespace voucherd {

/// Owned by one thread. At most 2^36 events.
class IdentityIndex {
 public:
  IdentityIndex();
  /// Brings the hash's slot into the cache: call some events ahead of find().
  void prefetch(std::uint64_t hash) const;
  /// Calls `is_same(ordinal)` for each candidate until it returns true. Returns whether one did.
  template <class IsSame>
  bool find(std::uint64_t hash, IsSame&& is_same) const;
  void insert(std::uint64_t hash, EventOrdinal ordinal);
  std::uint64_t size() const { return size_; }
  std::size_t memory_bytes() const;

 private:
  // Shards by the top bits; within a shard, open addressing in the order of the fingerprint,
  // so that a shard grows (by a quarter) without knowing more of the hash.
  struct Shard {
    std::vector<std::uint64_t> slots;  // 0: empty; else fingerprint << 36 | (ordinal + 1)
    std::uint32_t used = 0;
  };
  static constexpr int shard_bits = 12;
  void grow(Shard& shard);
  std::vector<Shard> shards_;
  std::uint64_t size_ = 0;
};

}  // namespace voucherd

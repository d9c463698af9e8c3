// Which identities are known: exact for ever, 8 bytes a slot (28-bit fingerprint, 36-bit
// ordinal). A match of fingerprints is only a candidate: the caller verifies it on the stored
// bytes. The table is derived: it is rebuilt from hashes kept in the checkpoint and the tail.
#pragma once

#include <cstdint>
#include <vector>

#include "metering/state/huge_pages.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// Owned by one thread. At most 2^36 events.
class IdentityIndex {
 public:
  static constexpr EventOrdinal ordinals_max = (EventOrdinal{1} << 36) - 1;

  IdentityIndex();
  /// Brings the hash's slot into the cache: call some events ahead of find().
  void prefetch(std::uint64_t hash) const;
  /// Calls `is_same(ordinal)` for each candidate until it returns true. Returns whether one did.
  template <class IsSame>
  bool find(std::uint64_t hash, IsSame&& is_same) const;
  /// Precondition (asserted): ordinal < ordinals_max.
  void insert(std::uint64_t hash, EventOrdinal ordinal);
  /// Takes back an insert(). Precondition (asserted): the pair is there.
  void erase(std::uint64_t hash, EventOrdinal ordinal);
  std::uint64_t size() const { return size_; }
  std::size_t memory_bytes() const;

 private:
  // Shards by the top bits; within a shard, open addressing in the order of the fingerprint, so that
  // a shard grows without knowing more of the hash. The shards lie side by side in one array, all of
  // one size. When they fill up, the array is made longer and they move to their new places, the last
  // one first, between inserts: growing all at once would be a long stop, and a second array beside the
  // first would cost twice the memory and, page by page, more time than the moving.
  struct Shard {
    std::uint64_t* slots = nullptr;  // 0: empty; else fingerprint << 36 | (ordinal + 1)
    std::uint32_t size = 0;          // in slots
    std::uint32_t used = 0;
  };
  static constexpr int shard_bits = 12;
  static constexpr std::size_t shard_count = std::size_t{1} << shard_bits;
  static constexpr int fingerprint_bits = 28;
  static constexpr int ordinal_bits = 64 - fingerprint_bits;
  static constexpr std::uint64_t ordinal_mask = (std::uint64_t{1} << ordinal_bits) - 1;

  static std::size_t shard_of(std::uint64_t hash) { return hash >> (64 - shard_bits); }
  static std::uint64_t fingerprint_of(std::uint64_t hash) {
    return (hash << shard_bits) >> (64 - fingerprint_bits);
  }
  /// Where the search for a fingerprint begins.
  static std::size_t home(const Shard& shard, std::uint64_t fingerprint) {
    return (fingerprint * shard.size) >> fingerprint_bits;
  }
  static void place(const Shard& shard, std::uint64_t slot);
  bool moving() const { return unmoved_ > 0; }
  void start_moving();
  void move_next();

  HugePages slots_;
  std::vector<Shard> shards_;
  std::vector<std::uint64_t> moved_slots_;  // of the shard that moves: its new place may overlap the old one
  std::uint32_t shard_slots_;               // of a shard that has moved
  std::size_t unmoved_ = 0;                 // so many shards are at their former places, the first ones
  std::uint64_t next_move_at_ = 0;          // size at which the next shard moves
  std::uint64_t move_every_ = 1;            // inserts
  std::uint64_t start_moving_at_ = 0;       // size
  std::uint64_t size_ = 0;
};

inline void IdentityIndex::prefetch(std::uint64_t hash) const {
  const Shard& shard = shards_[shard_of(hash)];
  __builtin_prefetch(&shard.slots[home(shard, fingerprint_of(hash))]);
}

template <class IsSame>
bool IdentityIndex::find(std::uint64_t hash, IsSame&& is_same) const {
  const Shard& shard = shards_[shard_of(hash)];
  const std::uint64_t fingerprint = fingerprint_of(hash);
  // A shard is never full: there is an empty slot to stop at.
  for (std::size_t at = home(shard, fingerprint);; at = at + 1 == shard.size ? 0 : at + 1) {
    const std::uint64_t slot = shard.slots[at];
    if (slot == 0) return false;
    if (slot >> ordinal_bits == fingerprint && is_same(EventOrdinal{(slot & ordinal_mask) - 1})) return true;
  }
}

}  // namespace voucherd

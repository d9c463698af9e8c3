// Identities in memory: a table of 8-byte slots (34-bit fingerprint, 30-bit ordinal, counted from
// the table's first). Together with the shard it knows 46 bits of the hash, so a match is only a
// candidate: the caller verifies it on the stored bytes. It stands nearly in the order of the hash,
// so that a full one is written to disk in that order without being sorted as a whole
// (identity_spill.h).
#pragma once

#include <cstdint>
#include <future>
#include <vector>

#include "metering/state/huge_pages.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// What is kept of an identity's hash: its upper 46 bits, as a number.
struct HashBits {
  static constexpr int count = 46;
  std::uint64_t value = 0;
  static HashBits of(std::uint64_t hash) { return {hash >> (64 - count)}; }
  friend bool operator==(const HashBits&, const HashBits&) = default;
};

/// Owned by one thread; may be read by others while that one only reads.
class IdentityIndex {
 public:
  static constexpr int shard_bits = 12;
  static constexpr std::size_t shard_count = std::size_t{1} << shard_bits;
  /// How far ordinals may lie from the first.
  static constexpr std::uint64_t span_max = (std::uint64_t{1} << 30) - 1;
  /// How many identities so much memory holds before the table is made longer.
  static std::uint64_t ids_in(std::uint64_t bytes);

  /// For ordinals from `first` on. Its last growth is to the size that holds `ids_max`; beyond, it grows
  /// only where it must.
  explicit IdentityIndex(EventOrdinal first = 0, std::uint64_t ids_max = span_max);
  /// Makes the table as large as `ids` need it, at once. Precondition (asserted): it is empty.
  void reserve(std::uint64_t ids);
  /// Brings the hash's slot into the cache: call some events ahead of find().
  void prefetch(std::uint64_t hash) const;
  /// Calls `is_same(ordinal)` for each candidate until it returns true. Returns whether one did.
  template <class IsSame>
  bool find(std::uint64_t hash, IsSame&& is_same) const;
  /// Precondition (asserted): first() <= ordinal < first() + span_max.
  void insert(std::uint64_t hash, EventOrdinal ordinal);
  /// Takes back an insert(). Precondition (asserted): the pair is there.
  void erase(std::uint64_t hash, EventOrdinal ordinal);
  std::uint64_t size() const { return size_; }
  EventOrdinal first() const { return first_; }
  bool full() const { return size_ >= ids_max_; }
  std::size_t memory_bytes() const;

  /// Ends a growth that is under way: what follows may be called.
  void settle();
  std::uint32_t shard_size(std::size_t shard) const { return shards_[shard].used; }
  /// Calls `visit(HashBits, EventOrdinal)` for each identity of the shard, nearly in order.
  template <class Visit>
  void visit_shard(std::size_t shard, Visit&& visit) const;
  /// Gives the memory of all shards before `shard` back: nothing may look for their identities again.
  void release_before(std::size_t shard);

 private:
  // Shards by the top bits; within a shard, open addressing in the order of the fingerprint, so that
  // a shard grows without knowing more of the hash. The shards lie side by side in one array, all of
  // one size. When they fill up, the array is made longer and they move to their new places, the last
  // one first, between inserts: growing all at once would be a long stop, and a second array beside the
  // first would cost twice the memory and, page by page, more time than the moving.
  struct Shard {
    std::uint64_t* slots = nullptr;  // 0: empty; else fingerprint << 30 | (ordinal - first + 1)
    std::uint32_t size = 0;          // in slots
    std::uint32_t used = 0;
  };
  static constexpr int fingerprint_bits = HashBits::count - shard_bits;
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
  std::uint64_t slot_of(std::uint64_t hash, EventOrdinal ordinal) const {
    return fingerprint_of(hash) << ordinal_bits | (ordinal - first_ + 1);
  }
  void place_shards();
  void plan_moving();
  std::uint32_t next_shard_slots() const;
  void prepare_or_start_moving();
  bool moving() const { return unmoved_ > 0; }
  void start_moving();
  void move_next();

  EventOrdinal first_;
  std::uint64_t ids_max_;
  std::uint32_t shard_slots_max_;  // of a shard that holds its part of ids_max_
  HugePages slots_;
  std::future<HugePages> next_slots_;  // what they grow into, while a thread of its own takes the pages
  std::vector<Shard> shards_;
  std::vector<std::uint64_t> moved_slots_;  // of the shard that moves: its new place may overlap the old one
  std::uint32_t shard_slots_;               // of a shard that has moved
  std::size_t unmoved_ = 0;                 // so many shards are at their former places, the first ones
  std::uint64_t next_move_at_ = 0;          // size at which the next shard moves
  std::uint64_t move_every_ = 1;            // inserts
  std::uint64_t prepare_at_ = 0;            // size
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
    if (slot >> ordinal_bits == fingerprint && is_same(EventOrdinal{first_ + (slot & ordinal_mask) - 1})) {
      return true;
    }
  }
}

template <class Visit>
void IdentityIndex::visit_shard(std::size_t number, Visit&& visit) const {
  const Shard& shard = shards_[number];
  for (std::uint32_t at = 0; at < shard.size; ++at) {
    const std::uint64_t slot = shard.slots[at];
    if (slot == 0) continue;
    visit(HashBits{std::uint64_t{number} << fingerprint_bits | slot >> ordinal_bits},
          EventOrdinal{first_ + (slot & ordinal_mask) - 1});
  }
}

}  // namespace voucherd

// Insertion and growth; the search stands in the header, since it takes the caller's test.
#include "metering/state/identity_index.h"

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::size_t shard_slots_at_start = 64;  // 2 MiB in all
// Grown at four fifths: probes stay within a cache line or two, and 10 to 13 bytes hold an identity.
constexpr bool is_crowded(std::size_t used, std::size_t slots) { return used * 5 >= slots * 4; }

}  // namespace

IdentityIndex::IdentityIndex() : shards_(std::size_t{1} << shard_bits) {
  for (Shard& shard : shards_) shard.slots.resize(shard_slots_at_start);
}

void IdentityIndex::place(Shard& shard, std::uint64_t slot) {
  std::size_t at = home(shard, slot >> ordinal_bits);
  while (shard.slots[at] != 0) at = at + 1 == shard.slots.size() ? 0 : at + 1;
  shard.slots[at] = slot;
}

void IdentityIndex::insert(std::uint64_t hash, EventOrdinal ordinal) {
  VOUCHERD_ASSERT(ordinal < ordinals_max);
  Shard& shard = shards_[shard_of(hash)];
  if (is_crowded(shard.used + 1, shard.slots.size())) grow(shard);
  place(shard, fingerprint_of(hash) << ordinal_bits | (ordinal + 1));
  ++shard.used;
  ++size_;
}

void IdentityIndex::grow(Shard& shard) {
  Shard larger;
  larger.slots.resize(shard.slots.size() + shard.slots.size() / 4);
  larger.used = shard.used;
  for (const std::uint64_t slot : shard.slots) {
    if (slot != 0) place(larger, slot);
  }
  shard = std::move(larger);
}

std::size_t IdentityIndex::memory_bytes() const {
  std::size_t bytes = shards_.size() * sizeof(Shard);
  for (const Shard& shard : shards_) bytes += shard.slots.capacity() * sizeof(std::uint64_t);
  return bytes;
}

}  // namespace voucherd

// Insertion and growth; the search stands in the header, since it takes the caller's test.
#include "metering/state/identity_index.h"

#include <algorithm>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::uint32_t shard_slots_at_start = 64;  // 2 MiB in all: one huge page
// Moving begins at 78 % of all slots and ends at 80 %: probes stay within a cache line or two, and 10 to
// 13 bytes hold an identity.
constexpr std::uint64_t start_percent = 78, end_percent = 80;
// A shard that is fuller than its neighbours moves out of turn.
constexpr bool is_crowded(std::uint32_t used, std::uint32_t slots) {
  return std::uint64_t{used} * 8 >= std::uint64_t{slots} * 7;
}

}  // namespace

IdentityIndex::IdentityIndex()
    : slots_(shard_count * shard_slots_at_start), shards_(shard_count), shard_slots_(shard_slots_at_start) {
  for (std::size_t shard = 0; shard < shard_count; ++shard) {
    shards_[shard] = {slots_.data() + shard * shard_slots_, shard_slots_, 0};
  }
  start_moving_at_ = shard_count * shard_slots_ * start_percent / 100;
}

void IdentityIndex::place(const Shard& shard, std::uint64_t slot) {
  std::size_t at = home(shard, slot >> ordinal_bits);
  while (shard.slots[at] != 0) at = at + 1 == shard.size ? 0 : at + 1;
  shard.slots[at] = slot;
}

void IdentityIndex::insert(std::uint64_t hash, EventOrdinal ordinal) {
  VOUCHERD_ASSERT(ordinal < ordinals_max);
  if (size_ >= start_moving_at_ && !moving()) start_moving();
  if (moving() && size_ >= next_move_at_) move_next();
  const std::size_t number = shard_of(hash);
  // In a young table shards differ much: one may have to move, all of them once more if it has moved.
  while (is_crowded(shards_[number].used + 1, shards_[number].size)) {
    if (moving() && shards_[number].size < shard_slots_) {
      move(number);
    } else {
      while (moving()) move_next();
      start_moving();
    }
  }
  Shard& shard = shards_[number];
  place(shard, fingerprint_of(hash) << ordinal_bits | (ordinal + 1));
  ++shard.used;
  ++size_;
}

void IdentityIndex::erase(std::uint64_t hash, EventOrdinal ordinal) {
  Shard& shard = shards_[shard_of(hash)];
  const std::size_t count = shard.size;
  const std::uint64_t wanted = fingerprint_of(hash) << ordinal_bits | (ordinal + 1);
  std::size_t hole = home(shard, fingerprint_of(hash));
  while (shard.slots[hole] != wanted) {
    VOUCHERD_ASSERT(shard.slots[hole] != 0);
    hole = hole + 1 == count ? 0 : hole + 1;
  }
  // What follows moves up where the hole would part it from its home: no search stops too early.
  for (std::size_t at = hole + 1 == count ? 0 : hole + 1; shard.slots[at] != 0;
       at = at + 1 == count ? 0 : at + 1) {
    const std::size_t from = home(shard, shard.slots[at] >> ordinal_bits);
    if ((at + count - from) % count < (at + count - hole) % count) continue;
    shard.slots[hole] = shard.slots[at];
    hole = at;
  }
  shard.slots[hole] = 0;
  --shard.used;
  --size_;
}

void IdentityIndex::start_moving() {
  const std::uint64_t slots = shard_count * shard_slots_;
  shard_slots_ += shard_slots_ / 4;
  former_ = std::move(slots_);
  slots_ = HugePages(shard_count * shard_slots_);
  moved_ = 0;
  next_move_at_ = size_;
  move_every_ = std::max<std::uint64_t>(slots * (end_percent - start_percent) / 100 / shard_count, 1);
  start_moving_at_ = shard_count * shard_slots_ * start_percent / 100;
}

void IdentityIndex::move_next() {
  if (shards_[moved_].size < shard_slots_) move(moved_);
  ++moved_;
  next_move_at_ += move_every_;
  if (moving()) {
    former_.release_front(former_.size() / shard_count * moved_);
  } else {
    former_ = {};
  }
}

void IdentityIndex::move(std::size_t number) {
  const Shard former = shards_[number];
  Shard& shard = shards_[number];
  shard = {slots_.data() + number * shard_slots_, shard_slots_, former.used};
  for (std::uint32_t at = 0; at < former.size; ++at) {
    if (former.slots[at] != 0) place(shard, former.slots[at]);
  }
}

std::size_t IdentityIndex::memory_bytes() const {
  const std::size_t unmoved = former_.size() / shard_count * (shard_count - moved_);
  const std::size_t reached = moving() ? slots_.size() / shard_count * moved_ : slots_.size();
  return shards_.size() * sizeof(Shard) + (unmoved + reached) * sizeof(std::uint64_t);
}

}  // namespace voucherd

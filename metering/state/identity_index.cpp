// Insertion and growth; the search stands in the header, since it takes the caller's test.
#include "metering/state/identity_index.h"

#include <algorithm>
#include <cmath>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::uint32_t shard_slots_at_start = 64;  // 2 MiB in all: one huge page
// Moving begins at 78 % of all slots and ends at 80 %: probes stay within a cache line or two, and 10 to
// 13 bytes hold an identity.
constexpr double start_share = 0.78;
constexpr std::uint64_t moving_percent = 2;
// A shard that is so full does not wait for its turn to move.
constexpr double crowded_share = 0.875;
// Small shards differ much in what falls to them: moving begins so many standard deviations before one
// is crowded.
constexpr double spread_deviations = 6;

bool is_crowded(std::uint32_t used, std::uint32_t slots) { return used >= crowded_share * slots; }

/// How many identities a table of such shards holds before it is made longer.
std::uint64_t full_at(std::size_t shards, std::uint32_t shard_slots) {
  // used + d √used = crowded, solved for used.
  const double root = (std::sqrt(spread_deviations * spread_deviations + 4 * crowded_share * shard_slots) -
                       spread_deviations) /
                      2;
  return static_cast<std::uint64_t>(static_cast<double>(shards) *
                                    std::min(root * root, start_share * shard_slots));
}

}  // namespace

IdentityIndex::IdentityIndex()
    : slots_(shard_count * shard_slots_at_start), shards_(shard_count), shard_slots_(shard_slots_at_start) {
  for (std::size_t shard = 0; shard < shard_count; ++shard) {
    shards_[shard] = {slots_.data() + shard * shard_slots_, shard_slots_, 0};
  }
  start_moving_at_ = full_at(shard_count, shard_slots_);
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
  // Hardly ever: the hash is keyed, so nobody can choose what falls to one shard.
  while (is_crowded(shards_[number].used + 1, shards_[number].size)) {
    if (!moving()) start_moving();
    while (moving()) move_next();
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
  slots_.grow(shard_count * (shard_slots_ + shard_slots_ / 4));
  for (std::size_t shard = 0; shard < shard_count; ++shard) {
    shards_[shard].slots = slots_.data() + shard * shard_slots_;
  }
  shard_slots_ += shard_slots_ / 4;
  unmoved_ = shard_count;
  next_move_at_ = size_;
  move_every_ = std::max<std::uint64_t>(slots * moving_percent / 100 / shard_count, 1);
  start_moving_at_ = full_at(shard_count, shard_slots_);
}

void IdentityIndex::move_next() {
  Shard& shard = shards_[--unmoved_];
  moved_slots_.assign(shard.slots, shard.slots + shard.size);
  shard = {slots_.data() + unmoved_ * shard_slots_, shard_slots_, shard.used};
  std::fill_n(shard.slots, shard.size, 0);
  for (const std::uint64_t slot : moved_slots_) {
    if (slot != 0) place(shard, slot);
  }
  next_move_at_ += move_every_;
}

std::size_t IdentityIndex::memory_bytes() const {
  return shards_.size() * sizeof(Shard) + (slots_.size() + moved_slots_.capacity()) * sizeof(std::uint64_t);
}

}  // namespace voucherd

// Insertion and growth; the search stands in the header, since it takes the caller's test.
#include "metering/state/identity_index.h"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::uint32_t shard_slots_at_start = 64;  // 2 MiB in all: one huge page
// Moving begins at 78 % of all slots and ends at 80 %: probes stay within a cache line or two, and 10 to
// 13 bytes hold an identity.
constexpr double start_share = 0.78;
constexpr std::uint64_t moving_percent = 2;
// The pages of the next table are taken so much before moving begins: at a million identities a second it
// leaves three times of what a slow host needs for them.
constexpr std::uint64_t prepare_share = 32;
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

/// The smallest shards whose table holds so many.
std::uint32_t shard_slots_for(std::uint64_t ids) {
  std::uint32_t from = shard_slots_at_start, until = std::uint32_t{1} << 20;
  while (from < until) {
    const std::uint32_t middle = from + (until - from) / 2;
    if (full_at(IdentityIndex::shard_count, middle) < ids) {
      from = middle + 1;
    } else {
      until = middle;
    }
  }
  return from;
}

}  // namespace

std::uint64_t IdentityIndex::ids_in(std::uint64_t bytes) {
  return full_at(shard_count, static_cast<std::uint32_t>(bytes / sizeof(std::uint64_t) / shard_count));
}

IdentityIndex::IdentityIndex(EventOrdinal first, std::uint64_t ids_max)
    : first_(first),
      ids_max_(std::min(ids_max, span_max)),
      shard_slots_max_(shard_slots_for(ids_max_)),
      slots_(shard_count * shard_slots_at_start),
      shards_(shard_count),
      shard_slots_(shard_slots_at_start) {
  for (Shard& shard : shards_) shard.size = shard_slots_;
  place_shards();
  plan_moving();
}

void IdentityIndex::reserve(std::uint64_t ids) {
  VOUCHERD_ASSERT(size_ == 0);
  next_slots_ = {};
  shard_slots_ = shard_slots_for(std::min(ids, ids_max_));
  slots_ = HugePages(shard_count * shard_slots_);
  for (Shard& shard : shards_) shard.size = shard_slots_;
  place_shards();
  plan_moving();
}

/// At the places of shards of their size; those that have not moved are smaller, and come first.
void IdentityIndex::place_shards() {
  for (std::size_t shard = 0; shard < shard_count; ++shard) {
    shards_[shard].slots = slots_.data() + shard * shards_[shard].size;
  }
}

void IdentityIndex::plan_moving() {
  start_moving_at_ = full_at(shard_count, shard_slots_);
  // A table at its largest is about to be replaced: what is still put into it finds some more room.
  if (shard_slots_ >= shard_slots_max_) start_moving_at_ += start_moving_at_ / 16;
  // Its memory is all that it may take: nothing is prepared for what should not be needed.
  prepare_at_ = start_moving_at_ - (shard_slots_ < shard_slots_max_ ? start_moving_at_ / prepare_share : 0);
}

void IdentityIndex::place(const Shard& shard, std::uint64_t slot) {
  std::size_t at = home(shard, slot >> ordinal_bits);
  while (shard.slots[at] != 0) at = at + 1 == shard.size ? 0 : at + 1;
  shard.slots[at] = slot;
}

void IdentityIndex::insert(std::uint64_t hash, EventOrdinal ordinal) {
  VOUCHERD_ASSERT(ordinal - first_ < span_max);  // also where it lies before the first
  if (size_ >= prepare_at_ && !moving()) prepare_or_start_moving();
  if (moving() && size_ >= next_move_at_) move_next();
  const std::size_t number = shard_of(hash);
  // Hardly ever: the hash is keyed, so nobody can choose what falls to one shard.
  while (is_crowded(shards_[number].used + 1, shards_[number].size)) {
    if (!moving()) start_moving();
    settle();
  }
  Shard& shard = shards_[number];
  place(shard, slot_of(hash, ordinal));
  ++shard.used;
  ++size_;
}

void IdentityIndex::erase(std::uint64_t hash, EventOrdinal ordinal) {
  Shard& shard = shards_[shard_of(hash)];
  const std::size_t count = shard.size;
  const std::uint64_t wanted = slot_of(hash, ordinal);
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

/// A quarter more; the last step to the largest size is a longer one, so that none is very short.
std::uint32_t IdentityIndex::next_shard_slots() const {
  const std::uint32_t next = shard_slots_ + shard_slots_ / 4;
  return shard_slots_ < shard_slots_max_ && next + next / 4 > shard_slots_max_ ? shard_slots_max_ : next;
}

void IdentityIndex::prepare_or_start_moving() {
  if (size_ >= start_moving_at_) return start_moving();
  prepare_at_ = start_moving_at_;
  try {
    next_slots_ =
        std::async(std::launch::async, [now = slots_.size(), next = shard_count * next_shard_slots()] {
          HugePages pages(next);
          pages.populate_behind(now);
          return pages;
        });
  } catch (const std::system_error&) {  // no thread: the pages are taken as they are written to
  }
}

void IdentityIndex::start_moving() {
  const std::uint64_t slots = shard_count * shard_slots_;
  const std::uint32_t next = next_shard_slots();
  slots_.grow_into(next_slots_.valid() ? next_slots_.get() : HugePages(shard_count * next));
  place_shards();
  shard_slots_ = next;
  unmoved_ = shard_count;
  next_move_at_ = size_;
  move_every_ = std::max<std::uint64_t>(slots * moving_percent / 100 / shard_count, 1);
  plan_moving();
}

void IdentityIndex::settle() {
  while (moving()) move_next();
}

void IdentityIndex::release_before(std::size_t shard) {
  VOUCHERD_ASSERT(!moving());
  slots_.release_front(shard * shard_slots_);
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
  const std::size_t slots = next_slots_.valid() ? shard_count * next_shard_slots() : slots_.size();
  return shards_.size() * sizeof(Shard) + (slots + moved_slots_.capacity()) * sizeof(std::uint64_t) -
         slots_.released_bytes();
}

}  // namespace voucherd

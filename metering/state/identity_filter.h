// Which identities may be on disk: one Bloom filter of fixed size over all runs, whose bits of one
// identity lie in one cache line, so that asking costs one cache miss. It says "no" truthfully or
// "maybe"; with more identities than it was made for "maybe" comes more often, which costs time and
// is never wrong. Its lines stand in the order of the hash: a spill, which goes in that order too,
// touches the filter's memory piece by piece.
#pragma once

#include <atomic>
#include <cstdint>

#include "metering/state/huge_pages.h"
#include "metering/state/identity_index.h"

namespace voucherd {

/// One thread adds while another asks: what was published after add() is found.
class IdentityFilter {
 public:
  IdentityFilter() = default;
  /// Rounded down to whole lines, at least one.
  explicit IdentityFilter(std::uint64_t bytes);
  void add(HashBits bits);
  bool may_hold(HashBits bits) const;
  void prefetch(HashBits bits) const { __builtin_prefetch(line_of(bits)); }
  std::uint64_t bytes() const { return lines_ * line_bytes; }

 private:
  using Word = std::atomic_ref<std::uint64_t>;
  static constexpr std::uint64_t line_bytes = 64;
  static constexpr std::size_t words_per_line = line_bytes / sizeof(std::uint64_t);
  static constexpr int bits_per_identity = 6;
  static constexpr int place_bits = 9;  // a line has 2^9 bits

  std::uint64_t* line_of(HashBits bits) const {
    constexpr int upper = 32;
    const std::uint64_t line = (bits.value >> (HashBits::count - upper)) * lines_ >> upper;
    return words_.data() + line * words_per_line;
  }
  /// The places within the line come from the bits that the line's number leaves over, spread over a word.
  static std::uint64_t places_of(HashBits bits) {
    std::uint64_t mixed = bits.value * 0x9e3779b97f4a7c15U;
    mixed ^= mixed >> 32;
    return mixed * 0xd6e8feb86659fd93U;
  }

  HugePages words_;
  std::uint64_t lines_ = 0;
};

inline bool IdentityFilter::may_hold(HashBits bits) const {
  std::uint64_t* const line = line_of(bits);
  std::uint64_t places = places_of(bits);
  for (int i = 0; i < bits_per_identity; ++i, places <<= place_bits) {
    const std::uint64_t place = places >> (64 - place_bits);
    if ((Word(line[place / 64]).load(std::memory_order_relaxed) >> place % 64 & 1U) == 0) return false;
  }
  return true;
}

}  // namespace voucherd

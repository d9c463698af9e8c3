#include "metering/state/identity_filter.h"

#include <algorithm>

namespace voucherd {

IdentityFilter::IdentityFilter(std::uint64_t bytes)
    : words_(std::max<std::uint64_t>(bytes / line_bytes, 1) * words_per_line),
      lines_(std::max<std::uint64_t>(bytes / line_bytes, 1)) {}

void IdentityFilter::add(HashBits bits) {
  std::uint64_t* const line = line_of(bits);
  std::uint64_t places = places_of(bits);
  for (int i = 0; i < bits_per_identity; ++i, places <<= place_bits) {
    const std::uint64_t place = places >> (64 - place_bits);
    const Word word(line[place / 64]);
    // Only one thread adds: no bit is lost between the load and the store.
    word.store(word.load(std::memory_order_relaxed) | std::uint64_t{1} << place % 64,
               std::memory_order_relaxed);
  }
}

}  // namespace voucherd

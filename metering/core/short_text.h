// Comparing short texts, a few dozen times an event: a call of memcmp costs more than the comparison.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace voucherd {

/// Whether the `bytes` bytes at `a` and at `b` are the same.
inline bool is_same_text(const char* a, const char* b, std::size_t bytes) {
  const auto word = [](const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  if (bytes < sizeof(std::uint64_t)) return std::equal(a, a + bytes, b);
  const std::size_t last = bytes - sizeof(std::uint64_t);  // the last word may overlap the one before
  for (std::size_t at = 0; at < last; at += sizeof(std::uint64_t)) {
    if (word(a + at) != word(b + at)) return false;
  }
  return word(a + last) == word(b + last);
}

}  // namespace voucherd

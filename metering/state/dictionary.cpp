#include "metering/state/dictionary.h"

#include <cstring>
#include <limits>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "metering/core/assert.h"
#include "metering/core/short_text.h"

namespace voucherd {

namespace {

constexpr std::size_t slots_at_start = 16;  // a power of two, as all sizes

std::uint32_t tag_of(std::string_view text) {
  return static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()) >> 32);
}

}  // namespace

/// Where `text` is, or the empty slot where it would be. There is always an empty one.
std::size_t Dictionary::slot_of(std::string_view text, std::uint32_t tag) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
    const std::uint64_t slot = slots_[at];
    if (slot == 0) return at;
    if (slot >> 32 != tag) continue;
    const std::string_view found = this->at(static_cast<std::uint32_t>(slot) - 1);
    if (found.size() == text.size() && is_same_text(found.data(), text.data(), text.size())) return at;
  }
}

std::uint32_t Dictionary::intern(std::string_view text) {
  // Half empty at least: most searches end at the first slot.
  if ((std::size_t{size()} + 1) * 2 > slots_.size()) grow();
  const std::uint32_t tag = tag_of(text);
  std::uint64_t& slot = slots_[slot_of(text, tag)];
  if (slot != 0) return static_cast<std::uint32_t>(slot) - 1;
  const std::uint32_t number = size();
  VOUCHERD_ASSERT(number < std::numeric_limits<std::uint32_t>::max() - 1 &&
                  bytes_.size() + text.size() <= std::numeric_limits<std::uint32_t>::max());
  bytes_.append(text);
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  slot = std::uint64_t{tag} << 32 | (number + 1);
  return number;
}

void Dictionary::push(std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  push_all(text, {&length, 1});
}

void Dictionary::push_all(std::string_view texts, std::span<const std::uint32_t> lengths) {
  VOUCHERD_ASSERT(slots_.empty() &&
                  bytes_.size() + texts.size() <= std::numeric_limits<std::uint32_t>::max());
  std::uint64_t end = bytes_.size();
  bytes_.append(texts);
  ends_.reserve(ends_.size() + lengths.size());
  for (const std::uint32_t length : lengths) ends_.push_back(static_cast<std::uint32_t>(end += length));
  VOUCHERD_ASSERT(end == bytes_.size());
}

std::optional<std::uint32_t> Dictionary::find(std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint64_t slot = slots_[slot_of(text, tag_of(text))];
  if (slot == 0) return std::nullopt;
  return static_cast<std::uint32_t>(slot) - 1;
}

void Dictionary::grow() {
  std::vector<std::uint64_t> former(slots_.empty() ? slots_at_start : slots_.size() * 2);
  former.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const std::uint64_t slot : former) {
    if (slot == 0) continue;
    std::size_t at = (slot >> 32) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

std::size_t Dictionary::memory_bytes() const {
  return bytes_.capacity() + ends_.capacity() * sizeof(std::uint32_t) +
         slots_.capacity() * sizeof(std::uint64_t);
}

}  // namespace voucherd

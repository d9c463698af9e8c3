#include "metering/state/dictionary.h"

#include <algorithm>
#include <bit>
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
    const Slot& slot = slots_[at];
    if (slot.number_plus == 0) return at;
    if (slot.tag == tag && slot.size == text.size() &&
        is_same_text(bytes_.data() + slot.begin, text.data(), text.size())) {
      return at;
    }
  }
}

std::uint32_t Dictionary::intern(std::string_view text) {
  if (indexed_ < size()) index_pushed();
  grow_slots(std::size_t{size()} + 1);
  const std::uint32_t tag = tag_of(text);
  Slot& slot = slots_[slot_of(text, tag)];
  if (slot.number_plus != 0) return slot.number_plus - 1;
  const auto begin = static_cast<std::uint32_t>(bytes_.size());
  const std::uint32_t number = push(text);
  slot = {tag, number + 1, begin, static_cast<std::uint32_t>(text.size())};
  indexed_ = size();
  return number;
}

std::uint32_t Dictionary::push(std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  push_all(text, {&length, 1});
  return size() - 1;
}

void Dictionary::push_all(std::string_view texts, std::span<const std::uint32_t> lengths) {
  VOUCHERD_ASSERT(ends_.size() + lengths.size() < std::numeric_limits<std::uint32_t>::max() &&
                  bytes_.size() + texts.size() <= std::numeric_limits<std::uint32_t>::max());
  std::uint64_t end = bytes_.size();
  bytes_.append(texts);
  for (const std::uint32_t length : lengths) ends_.push_back(static_cast<std::uint32_t>(end += length));
  VOUCHERD_ASSERT(end == bytes_.size());
}

void Dictionary::reserve_as(const Dictionary& like) {
  bytes_.reserve(like.bytes_.size());
  ends_.reserve(like.ends_.size());
}

void Dictionary::give_back_unused() {
  bytes_.shrink_to_fit();
  ends_.shrink_to_fit();
}

std::optional<std::uint32_t> Dictionary::find(std::string_view text) const {
  VOUCHERD_ASSERT(slots_.empty() || indexed_ == size());
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(text, tag_of(text))];
  if (slot.number_plus == 0) return std::nullopt;
  return slot.number_plus - 1;
}

void Dictionary::index_pushed() {
  grow_slots(size());
  for (; indexed_ < size(); ++indexed_) {
    const std::string_view text = at(indexed_);
    const std::uint32_t tag = tag_of(text);
    Slot& slot = slots_[slot_of(text, tag)];
    VOUCHERD_ASSERT(slot.number_plus == 0);  // push() is for what is new
    slot = {tag, indexed_ + 1, static_cast<std::uint32_t>(text.data() - bytes_.data()),
            static_cast<std::uint32_t>(text.size())};
  }
}

/// Half empty at least: most searches end at the first slot.
void Dictionary::grow_slots(std::size_t texts) {
  if (texts * 2 <= slots_.size()) return;
  std::vector<Slot> former(std::max(slots_at_start, std::bit_ceil(texts * 2)));
  former.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : former) {
    if (slot.number_plus == 0) continue;
    std::size_t at = slot.tag & mask;
    while (slots_[at].number_plus != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

std::size_t Dictionary::memory_bytes() const {
  return bytes_.capacity() + ends_.capacity() * sizeof(std::uint32_t) + slots_.capacity() * sizeof(Slot);
}

}  // namespace voucherd

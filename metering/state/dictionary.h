// Numbers for texts: each distinct text once, numbered in order of first use. The columns of a
// commit group and the names of the totals are such numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace voucherd {

/// Owned by one thread. At most 2^32 − 2 texts and 4 GiB of them (asserted).
class Dictionary {
 public:
  /// The number of `text`, added where new. The Dictionary keeps its own copy.
  std::uint32_t intern(std::string_view text);
  /// The same for a text that is known to be new: nothing is hashed, before one is looked for.
  std::uint32_t push(std::string_view text);
  /// push() of many, one behind another in `texts`. Precondition: the lengths add up to its size (asserted).
  void push_all(std::string_view texts, std::span<const std::uint32_t> lengths);
  /// Makes room for as much as `like` holds.
  void reserve_as(const Dictionary& like);
  void give_back_unused();
  std::optional<std::uint32_t> find(std::string_view text) const;
  /// Lives until the next intern() or push().
  std::string_view at(std::uint32_t number) const {
    const std::uint32_t begin = number == 0 ? 0 : ends_[number - 1];
    return {bytes_.data() + begin, ends_[number] - begin};
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  std::size_t text_bytes() const { return bytes_.size(); }
  std::size_t memory_bytes() const;

 private:
  /// What a search compares stands in the slot: of the texts it touches only those with the same hash.
  struct Slot {
    std::uint32_t tag = 0;          // the high half of the text's hash
    std::uint32_t number_plus = 0;  // its number + 1; 0: empty
    std::uint32_t begin = 0, size = 0;
  };
  std::size_t slot_of(std::string_view text, std::uint32_t tag) const;
  void index_pushed();
  void grow_slots(std::size_t texts);

  std::string bytes_;                // the texts, one after another
  std::vector<std::uint32_t> ends_;  // of each text in bytes_
  std::vector<Slot> slots_;          // open addressing
  std::uint32_t indexed_ = 0;        // texts before it have a slot
};

/// The numbers of one dictionary's texts in another one: a text is looked up there once, and not for each
/// record that has it. Both must live as long as this.
class NumbersElsewhere {
 public:
  /// `look_up` gives the number there.
  template <class LookUp>
  std::uint32_t of(std::uint32_t number, LookUp&& look_up) {
    if (number >= numbers_.size()) numbers_.resize(std::size_t{number} + 1, unknown);
    std::uint32_t& elsewhere = numbers_[number];
    if (elsewhere == unknown) elsewhere = look_up();
    return elsewhere;
  }

 private:
  static constexpr std::uint32_t unknown = 0xffff'ffff;  // more than a dictionary has
  std::vector<std::uint32_t> numbers_;
};

}  // namespace voucherd

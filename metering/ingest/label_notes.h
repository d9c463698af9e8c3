// What the owner thread knows of labels: the index that each has in the open group's dictionaries,
// and which firms and SKUs are registered. Both are notes only: the text says it again.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "metering/state/usage_record.h"

namespace voucherd {

/// The owner thread's alone.
class LabelNotes {
 public:
  /// The batch that follows has labels of this generation.
  void expect(std::uint32_t generation) {
    if (generation == generation_) return;
    generation_ = generation;
    only_by_label_ = false;
    for (auto& notes : indexes_) notes.clear();
    forget_registry();
  }
  /// A new group is open.
  void begin_group() {
    ++group_;
    only_by_label_ = true;
  }
  /// Another group is open again: its indexes are not known.
  void forget_indexes() {
    ++group_;
    only_by_label_ = false;
  }
  /// The open group takes texts in from elsewhere.
  void others_follow() { only_by_label_ = false; }
  void forget_registry() {
    known_firms_.clear();
    known_skus_.clear();
  }

  /// Turns a row's labels into indexes of `block`, the open group's. `event` has the texts.
  void index(EventBlock::Row& row, const EventView& event, EventBlock& block) {
    for (std::size_t column = 0; column < EventBlock::columns.size(); ++column) {
      std::uint32_t& number = row.*EventBlock::columns[column];
      Index& note = at(indexes_[column], number);
      if (note.group != group_) {
        const std::string_view text = EventBlock::texts_of(event)[column];
        note = {group_, only_by_label_ ? block.push(column, text) : block.intern(column, text)};
      }
      number = note.index;
    }
  }

  // Whether a labelled row's firm or SKU is known to be registered; set once it is.
  std::uint8_t& known_firm(const EventBlock::Row& row) { return at(known_firms_, row.subject); }
  std::uint8_t& known_sku(const EventBlock::Row& row) { return at(known_skus_, row.sku); }

 private:
  struct Index {
    std::uint64_t group = 0;  // in which it is true
    std::uint32_t index = 0;
  };
  template <class Note>
  static Note& at(std::vector<Note>& notes, std::uint32_t label) {
    if (label >= notes.size()) notes.resize(std::size_t{label} + label / 2 + 1);
    return notes[label];
  }

  std::uint32_t generation_ = 0;
  std::uint64_t group_ = 1;
  // All texts of the open group came with labels of this generation: a label that is new to it has a text
  // that is new to it.
  bool only_by_label_ = false;
  std::array<std::vector<Index>, EventBlock::columns.size()> indexes_;
  std::vector<std::uint8_t> known_firms_, known_skus_;
};

}  // namespace voucherd

// Where the parts of one stored usage record stand, so that a single row can be compared with an event after
// reading some KB of the record: the row's keys and the pieces of its group.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/journal/stored_bytes.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// A value. What is read through it has passed no checksum: that a row is the event is certain, since damage
/// does not make all of its members equal; that it is not has to be found out from the whole record.
class StoredRows {
 public:
  /// Of a payload that can be trusted. Its names get numbers in `names`. nullopt where there is little to be
  /// saved (few events, or version 1).
  static std::optional<StoredRows> of(std::string_view payload, std::uint16_t version, Dictionary& names);

  /// Whether the row is certainly `event`, which is no correction. `names` is what of() was given.
  bool holds(std::uint32_t row, const EventView& event, const Dictionary& names,
             const StoredBytes& payload) const;
  /// The same where the payload is at hand.
  bool holds(std::uint32_t row, const EventView& event, const Dictionary& names,
             std::string_view payload) const;

  std::size_t memory_bytes() const;

 private:
  static constexpr std::size_t columns = EventBlock::columns.size();
  static constexpr std::size_t pieces = 3;
  /// A column of keys, uncompressed.
  struct Keys {
    std::uint64_t begin = 0;
    std::uint32_t width = 0;
  };
  /// The pieces of a group stand one behind another.
  struct Group {
    std::uint32_t begin = 0;
    std::array<std::uint32_t, pieces> bytes{};
    std::array<bool, pieces> compressed{};
  };
  template <class Read>
  bool compare(std::uint32_t row, const EventView& event, const Dictionary& names, Read&& read) const;
  /// Where a row is among those of its group.
  struct InGroup {
    std::uint32_t rows, row;
  };
  using Flags = std::string_view;  // of all rows of the group
  template <class Read>
  bool read_row(std::uint32_t row, EventBlock& into, EventBlock::Row& found, Read&& read) const;
  static std::optional<Flags> read_figures(std::string_view bytes, InGroup at, EventBlock::Row& row);
  static bool read_details(std::string_view bytes, std::string_view packed_ids, const Flags& flags,
                           InGroup at, EventBlock::Row& row, EventBlock& into);
  template <class Read>
  static std::optional<std::uint32_t> read_key(const Keys& keys, std::uint32_t row, Read&& read);
  void keep_numbers(const std::vector<std::uint32_t>& numbers);
  std::uint32_t number(std::uint32_t index) const;
  std::uint32_t texts(std::size_t column) const {
    return ends_[column] - (column == 0 ? 0 : ends_[column - 1]);
  }

  std::uint32_t events_ = 0, rows_per_group_ = 1;
  Keys subjects_, skus_;
  // The names' numbers, by column and index: most of what is kept, so in no more bytes than they need.
  std::string numbers_;
  std::uint32_t number_width_ = 1;
  std::array<std::uint32_t, columns> ends_{};  // of each column's among them
  std::vector<Group> groups_;
};

}  // namespace voucherd

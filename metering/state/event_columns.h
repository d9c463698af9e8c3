// The events of a stored usage record, read in part: one row, the rows of one firm, or the columns that
// totals need, without unpacking the rest. FORMAT.md (metering/journal) describes the layout: rows in groups,
// and of each group the columns that charges rest on apart from sources, ids and texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "metering/core/result.h"
#include "metering/state/byte_coding.h"
#include "metering/state/compression.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// What of each row is read. `figures`: subject, SKU, project, times, quantity; the rest is empty.
enum class RowParts { figures, all };

/// Of one record; a value. The payload that it was opened on outlives it. Trusts nothing, as
/// UsageRecord::decode(), but takes a dictionary's word that no text stands twice in it.
class EventColumns {
 public:
  /// Fault "usage_record_damaged".
  static Result<EventColumns> open(std::string_view payload, std::uint16_t version);

  EventOrdinal first_ordinal() const { return first_ordinal_; }
  std::uint32_t size() const { return events_; }
  /// Rows of a group but the last, which may have fewer; at least 1.
  std::uint32_t rows_per_group() const { return rows_per_group_; }
  std::uint32_t groups() const { return (events_ + rows_per_group_ - 1) / rows_per_group_; }

  /// The rows of `count` groups, from row first × rows_per_group() on, which is row 0 of the result.
  /// Precondition (asserted): the groups are there. Fault "usage_record_damaged".
  Result<EventBlock> read(std::uint32_t first, std::uint32_t count, RowParts parts) const;
  /// The rows of the subject, and of the SKU unless it is null, ascending; corrections of the subject
  /// whatever they correct. Fault "usage_record_damaged".
  Result<std::vector<std::uint32_t>> rows_of(std::string_view subject, const std::string_view* sku) const;

 private:
  friend class EventBlock;
  friend class StoredRows;
  struct Piece {
    std::string_view bytes;
    bool compressed = false;
  };
  class Content;
  class GroupReader;
  /// Of a dictionary index, by the dictionary's size.
  static std::uint32_t width_of(std::uint32_t texts);
  static Result<EventColumns> open_block(std::string_view block, std::uint16_t version);
  bool take_directory(ByteReader& in);
  bool read_names(EventBlock& into, RowParts parts, bool checked) const;
  template <class Take>
  bool read_keys(std::size_t piece, std::uint32_t texts, std::uint32_t first, std::uint32_t count,
                 Take&& take) const;
  std::optional<EventBlock> read_rows(std::uint32_t first, std::uint32_t count, RowParts parts,
                                      bool checked) const;

  EventOrdinal first_ordinal_ = 0;
  std::uint32_t events_ = 0, rows_per_group_ = 1;
  std::uint16_t version_ = 0;
  std::string_view first_version_;  // the frame of all columns, where version_ is 1
  std::vector<Piece> pieces_;
};

}  // namespace voucherd

// The payload of a usage record: one commit group. Accepted events are kept in columns with
// dictionaries of their own, so that a record can be read by itself; the quarantined ones
// with their bytes. The layout is described in metering/journal/FORMAT.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/reason_code.h"
#include "metering/core/result.h"
#include "metering/core/usage_event.h"
#include "metering/state/dictionary.h"
#include "metering/state/submissions.h"

namespace voucherd {

/// Ordinal of an accepted event in the whole journal, from 0. A usage record says its first one.
using EventOrdinal = std::uint64_t;

/// Of the payload as it is written; earlier ones can be read.
inline constexpr std::uint16_t usage_record_version = 3;
/// From this one on a record says who sent what it holds.
inline constexpr std::uint16_t submissions_version = 3;

/// Identity hash: of source and id, keyed with the genesis' seed. The same everywhere.
std::uint64_t identity_hash(std::string_view source, std::string_view id, std::uint64_t seed);

/// The accepted events of one commit group, in columns; appended to while the group is open,
/// encoded by the writer thread, decoded by whoever reads. Not thread-safe.
class EventBlock {
 public:
  /// Events of one block (asserted): far above any commit group's limit.
  static constexpr std::uint32_t events_max = 1u << 22;

  /// Copies `event`, which is a good one (asserted: both or neither of start and end, in order; usage
  /// has one of interval and time, a correction a time). For a correction, `corrected` is the ordinal
  /// of the event it corrects, decided at intake. Returns its index in the block.
  std::uint32_t append(const EventView& event, EventOrdinal corrected = 0);

  /// An event's numbers; of its short texts, numbers too: indexes of the block's dictionaries.
  struct Row {
    std::int64_t time_ms, start_ms, end_ms, quantity_nanos;
    std::uint32_t source, subject, sku, project, node, id_end, text_end;
    std::uint8_t kind, flags;
  };
  static constexpr std::array columns = {&Row::source, &Row::subject, &Row::sku, &Row::project, &Row::node};
  /// The texts of the columns, in their order.
  static std::array<std::string_view, columns.size()> texts_of(const EventView& event);
  /// A good event's numbers (asserted), without those of its texts.
  static Row row_of(const EventView& event);
  /// The index of a column's text in the block's dictionary, added where new.
  std::uint32_t intern(std::size_t column, std::string_view text) { return dictionary(column).intern(text); }
  /// The same for a text that the block is known not to have.
  std::uint32_t push(std::size_t column, std::string_view text) { return dictionary(column).push(text); }
  /// The span of a usage event's row.
  static UsageSpan span_of(const Row& row);
  /// append() of a usage event whose row is made already: row_of() it, its texts by intern().
  std::uint32_t append_usage(Row row, std::string_view id, std::string_view job);

  /// Makes room for as much as `like` holds.
  void reserve_as(const EventBlock& like);
  /// Where it has become less than half as much: else the copy costs more than it gives.
  void give_back_unused();

  std::uint32_t size() const { return static_cast<std::uint32_t>(rows_.size()); }
  /// The event at `index`; views live as long as the block is neither changed nor destroyed.
  EventView at(std::uint32_t index) const;
  EventOrdinal corrected(std::uint32_t index) const;

  /// A row's dictionary indexes and numbers: for folding without touching text.
  struct Figures {
    EventKind kind;
    std::uint32_t source, subject, sku, project;
    UsageSpan span;  // of usage only
    Quantity quantity;
  };
  Figures figures(std::uint32_t index) const;
  std::uint32_t subject(std::uint32_t index) const { return rows_[index].subject; }
  const Dictionary& sources() const { return sources_; }
  const Dictionary& subjects() const { return subjects_; }
  const Dictionary& skus() const { return skus_; }
  const Dictionary& projects() const { return projects_; }

  /// Rough bytes in memory: for the group's limit.
  std::size_t memory_bytes() const;

  /// The same bytes for the same sequence of append() calls.
  std::string encode() const;
  /// Trusts nothing: Fault "usage_record_damaged" where the bytes are not what encode() gives.
  static Result<EventBlock> decode(std::string_view bytes, std::uint16_t version);

 private:
  friend class EventColumns;  // reads parts of what encode() wrote
  friend class StoredRows;    // the same, of single rows
  struct Encoder;
  struct FirstDecoder;
  /// nullopt where the bytes are not what version 1 was.
  static std::optional<EventBlock> decode_first_version(std::string_view frame, std::uint64_t events);
  bool rows_are_storable(bool texts) const;
  Dictionary& dictionary(std::size_t column) { return this->*dictionaries[column]; }
  std::uint32_t push_row(Row row, std::string_view id, std::string_view job);
  std::string_view id_of(std::uint32_t index) const;
  std::string_view text_of(std::uint32_t index) const;
  /// Takes a correction's text apart into `event`; false where it is damaged.
  static bool split_correction(std::string_view text, EventView& event);
  Dictionary sources_, subjects_, skus_, projects_, nodes_;
  static constexpr std::array<Dictionary EventBlock::*, columns.size()> dictionaries = {
      &EventBlock::sources_, &EventBlock::subjects_, &EventBlock::skus_, &EventBlock::projects_,
      &EventBlock::nodes_};
  std::vector<Row> rows_;
  std::string ids_;    // id bytes, one after another
  std::string texts_;  // job; before it, in a correction, three lengths (u16, little-endian) and the
                       // texts corrects_source, corrects_id and reason
  std::vector<std::pair<std::uint32_t, EventOrdinal>> corrected_;  // (row, ordinal), rows ascending
};

/// Months that an unresolved quarantine entry blocks the close of (rules §6), decided at intake.
struct MonthSpan {
  Month first, last;
  friend bool operator==(const MonthSpan&, const MonthSpan&) = default;
};

/// An event that could not be counted, as recorded.
struct QuarantinedEvent {
  ReasonCode code{};
  std::string detail;
  std::string source, id, subject, sku;  // "" where unreadable
  MonthSpan months;
  // Of a correction whose event is not there (correction_target_unknown): what it waits for.
  std::string corrects_source, corrects_id;
  std::string raw;                // its bytes as they came
  std::uint64_t fingerprint = 0;  // of its content: "sent again unchanged"
  friend bool operator==(const QuarantinedEvent&, const QuarantinedEvent&) = default;
};

/// Number of a quarantine entry: position of its record and index among the record's entries.
struct QuarantineNumber {
  std::uint64_t position = 0;
  std::uint32_t index = 0;
  friend auto operator<=>(const QuarantineNumber&, const QuarantineNumber&) = default;
};
std::string to_string(QuarantineNumber number);  // "1842.0"
/// Fault "quarantine_number_malformed".
Result<QuarantineNumber> parse_quarantine_number(std::string_view text);

/// An entry that someone tried again and that is counted now.
struct QuarantineRelease {
  QuarantineNumber number;
  std::string by_kind, by_id;  // who
  friend bool operator==(const QuarantineRelease&, const QuarantineRelease&) = default;
};

/// One commit group.
struct UsageRecord {
  EventOrdinal first_ordinal = 0;
  EventBlock events;
  std::vector<QuarantinedEvent> quarantined;
  /// Entries that were sent again, unchanged and still bad: adds to their count only.
  std::vector<QuarantineNumber> resent;
  /// Entries of records before that were released by hand: their events are among `events`, or of a
  /// record before. Corrections that their event released are not here: the events tell.
  std::vector<QuarantineRelease> released;
  /// Who sent them; of what was released, who had sent it first.
  Submissions submissions;

  /// What is put in from here on was sent by `by`.
  void sent_by(const Submitter& by) { submissions.begin(by, counts()); }
  bool empty() const {
    return events.size() == 0 && quarantined.empty() && resent.empty() && released.empty();
  }
  std::string encode() const;
  /// Trusts nothing: Fault "usage_record_damaged".
  static Result<UsageRecord> decode(std::string_view payload, std::uint16_t version);
  /// Of a payload of which nothing else is read.
  static Result<Submissions> submissions_of(std::string_view payload, std::uint16_t version);

 private:
  Submissions::Counts counts() const {
    return {events.size(), static_cast<std::uint32_t>(quarantined.size()),
            static_cast<std::uint32_t>(resent.size())};
  }
};

}  // namespace voucherd

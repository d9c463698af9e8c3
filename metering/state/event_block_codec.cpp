// EventBlock as bytes, version 2: columns in pieces, so that a reader unpacks only what it asks for; the
// pieces of a group of rows together are one event's surroundings. Like stands beside like, and what a
// compressor would only copy (ids of random digits, numbers of a fixed width) is left as it is. FORMAT.md
// (metering/journal) describes the layout; event_columns.cpp reads it.
#include <algorithm>
#include <cstring>
#include <optional>

#include "metering/core/assert.h"
#include "metering/journal/encoding.h"
#include "metering/state/compression.h"
#include "metering/state/event_column_coding.h"
#include "metering/state/event_columns.h"
#include "metering/state/event_flags.h"
#include "metering/state/event_pieces.h"
#include "metering/state/hex_packing.h"

namespace voucherd {

namespace {

// A row's share of the columns at most: flags, five indexes, four numbers of time and quantity,
// the exponent, a corrected ordinal and two lengths.
constexpr std::size_t row_bytes_max = 2 + 12 * varint_bytes_max;

// Rows of a group. More: fewer bytes an event; fewer: less to unpack for one event.
constexpr std::uint32_t rows_of_group = 128;

// Records of fewer events are left unpacked: there is little in one that repeats, but much from one to the
// next, and RocksDB packs its tables' blocks of many records.
constexpr std::uint32_t events_to_compress = 64;

Fault damaged(const char* what) {
  return {"usage_record_damaged", std::string("the events of a usage record can't be read: ") + what +
                                      "; restore the journal from a backup"};
}

}  // namespace

struct EventBlock::Encoder {
  const EventBlock& block;
  std::unique_ptr<char[]> room;  // of one piece
  char* at;
  std::string directory, pieces;
  std::uint32_t begin = 0, end = 0;  // rows of the group

  explicit Encoder(const EventBlock& of)
      : block(of), room(std::make_unique_for_overwrite<char[]>(bytes_max(of))), at(room.get()) {}

  static std::size_t bytes_max(const EventBlock& block) {
    std::size_t bytes = block.rows_.size() * row_bytes_max + block.ids_.size() + block.texts_.size();
    for (const Dictionary* column :
         {&block.sources_, &block.subjects_, &block.skus_, &block.projects_, &block.nodes_}) {
      bytes += varint_bytes_max * (column->size() + 1) + column->text_bytes();
    }
    return bytes;
  }

  /// Puts what was written since the last call behind the pieces before it.
  void end_piece(std::optional<Packing> packing) {
    const std::string_view plain(room.get(), static_cast<std::size_t>(at - room.get()));
    at = room.get();
    const std::size_t before = pieces.size();
    bool compressed = false;
    if (packing && block.size() >= events_to_compress && !plain.empty()) {
      append_compressed(pieces, plain, *packing);
      compressed = pieces.size() - before < plain.size();
      if (!compressed) pieces.resize(before);
    }
    if (!compressed) pieces.append(plain);
    put_varint(directory, (pieces.size() - before) * 2 + (compressed ? 1 : 0));
  }

  void bytes(std::string_view text) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }

  void dictionary(const Dictionary& column) {
    at = write_varint(at, column.size());
    for (std::uint32_t i = 0; i < column.size(); ++i) at = write_varint(at, column.at(i).size());
    for (std::uint32_t i = 0; i < column.size(); ++i) bytes(column.at(i));
  }

  template <std::uint32_t Row::*Member>
  void keys(const Dictionary& column) {
    const std::uint32_t width = EventColumns::width_of(column.size());
    for (const Row& row : block.rows_) {
      const std::uint32_t index = row.*Member;
      for (std::uint32_t byte = 0; byte < width; ++byte) {
        *at++ = static_cast<char>(static_cast<unsigned char>(index >> (8 * byte) & 0xff));
      }
    }
    end_piece(std::nullopt);
  }

  template <std::uint32_t Row::*Member>
  void indexes() {
    for (std::uint32_t i = begin; i < end; ++i) at = write_varint(at, block.rows_[i].*Member);
  }

  std::string flags() {
    std::string flags(end - begin, '\0');
    for (std::uint32_t i = begin; i < end; ++i) {
      const Row& row = block.rows_[i];
      unsigned bits = row.flags & (event_has_time | event_has_interval);
      if (row.kind == static_cast<std::uint8_t>(EventKind::correction)) bits |= event_is_correction;
      if (is_packable_hex(block.id_of(i))) bits |= event_id_is_packed;
      flags[i - begin] = static_cast<char>(bits);
    }
    return flags;
  }

  void times() {
    std::int64_t before = 0;
    for (std::uint32_t i = begin; i < end; ++i) {
      const Row& row = block.rows_[i];
      if ((row.flags & event_has_time) == 0) continue;
      at = write_varint(at, difference(row.time_ms, before));
      before = row.time_ms;
    }
    before = 0;
    for (std::uint32_t i = begin; i < end; ++i) {
      const Row& row = block.rows_[i];
      if ((row.flags & event_has_interval) == 0) continue;
      at = write_varint(at, difference(row.end_ms, before));
      before = row.end_ms;
    }
    for (std::uint32_t i = begin; i < end; ++i) {
      const Row& row = block.rows_[i];
      if ((row.flags & event_has_interval) != 0) at = write_varint(at, difference(row.end_ms, row.start_ms));
    }
  }

  void quantities() {
    char* exponent = at;
    at += end - begin;
    for (std::uint32_t i = begin; i < end; ++i) {
      const Scaled scaled = scale_down(static_cast<std::uint64_t>(block.rows_[i].quantity_nanos));
      *exponent++ = static_cast<char>(scaled.exponent);
      at = write_varint(at, scaled.mantissa);
    }
  }

  void figures(const std::string& row_flags) {
    bytes(row_flags);
    indexes<&Row::project>();
    times();
    quantities();
    const auto first =
        std::lower_bound(block.corrected_.begin(), block.corrected_.end(), begin,
                         [](const auto& entry, std::uint32_t row) { return entry.first < row; });
    for (auto entry = first; entry != block.corrected_.end() && entry->first < end; ++entry) {
      at = write_varint(at, entry->second);
    }
    end_piece(Packing::fast);
  }

  void details(const std::string& row_flags) {
    const auto is_packed = [&](std::uint32_t row) {
      return (static_cast<unsigned char>(row_flags[row - begin]) & event_id_is_packed) != 0;
    };
    indexes<&Row::source>();
    indexes<&Row::node>();
    for (std::uint32_t i = begin; i < end; ++i) at = write_varint(at, block.id_of(i).size());
    for (std::uint32_t i = begin; i < end; ++i) at = write_varint(at, block.text_of(i).size());
    for (std::uint32_t i = begin; i < end; ++i) {
      if (!is_packed(i)) bytes(block.id_of(i));
    }
    for (std::uint32_t i = begin; i < end; ++i) bytes(block.text_of(i));
    end_piece(Packing::fast);
    for (std::uint32_t i = begin; i < end; ++i) {
      if (is_packed(i)) at = pack_hex(block.id_of(i), at);
    }
    end_piece(std::nullopt);
  }

  void encode() {
    dictionary(block.subjects_);
    dictionary(block.skus_);
    dictionary(block.projects_);
    end_piece(Packing::small);
    dictionary(block.sources_);
    dictionary(block.nodes_);
    end_piece(Packing::small);
    keys<&Row::subject>(block.subjects_);
    keys<&Row::sku>(block.skus_);
    while (end < block.size()) {
      begin = end;
      end = std::min(block.size(), begin + rows_of_group);
      const std::string row_flags = flags();
      figures(row_flags);
      details(row_flags);
    }
  }
};

std::string EventBlock::encode() const {
  std::string out;
  put_varint(out, rows_.size());
  if (rows_.empty()) return out;
  Encoder encoder(*this);
  encoder.encode();
  put_varint(out, rows_of_group);
  return out + encoder.directory + encoder.pieces;
}

Result<EventBlock> EventBlock::decode(std::string_view bytes, std::uint16_t version) {
  const auto columns = EventColumns::open_block(bytes, version);
  if (!columns) return columns.error();
  auto rows = columns->read_rows(0, columns->groups(), RowParts::all, true);
  if (!rows) return damaged("the columns contradict each other");
  return std::move(*rows);
}

/// Without `texts`, what a correction keeps in its text is not there to be looked at.
bool EventBlock::rows_are_storable(bool texts) const {
  for (std::uint32_t i = 0; i < size(); ++i) {
    const Row& row = rows_[i];
    const bool correction = row.kind == static_cast<std::uint8_t>(EventKind::correction);
    const bool has_time = (row.flags & event_has_time) != 0,
               has_interval = (row.flags & event_has_interval) != 0;
    if (!has_time && (correction || !has_interval)) return false;
    if (has_time && !is_storable(Instant{row.time_ms})) return false;
    if (has_interval && (row.end_ms < row.start_ms || !is_storable(Instant{row.start_ms}) ||
                         !is_storable(Instant{row.end_ms}))) {
      return false;
    }
    if (row.quantity_nanos < (correction ? 0 : 1) || row.quantity_nanos > Quantity::event_nanos_max)
      return false;
    EventView event;
    if (texts && correction && !split_correction(text_of(i), event)) return false;
  }
  return true;
}

}  // namespace voucherd

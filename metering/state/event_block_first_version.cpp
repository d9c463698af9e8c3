// The events of usage records of version 1, which earlier programs wrote: all columns in one frame. They stay
// readable for ever; FORMAT.md (metering/journal) describes them. Nothing writes them any more.
#include <cstring>

#include "metering/state/byte_coding.h"
#include "metering/state/compression.h"
#include "metering/state/event_column_coding.h"
#include "metering/state/event_flags.h"
#include "metering/state/hex_packing.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// Each step leaves `in` not ok where the bytes can't be; the steps after it then do no harm.
struct EventBlock::FirstDecoder {
  ByteReader in;
  std::uint64_t events;
  EventBlock block;
  std::string_view flags;

  void dictionary(Dictionary& column) {
    const std::uint64_t count = in.varint_up_to(events);
    std::vector<std::size_t> lengths(count);
    for (std::size_t& length : lengths) length = in.varint();
    for (const std::size_t length : lengths) {
      const std::uint32_t expected = column.size();
      if (column.intern(in.bytes(length)) != expected) in.fail();
    }
  }

  unsigned flags_of(std::size_t row) const { return static_cast<unsigned char>(flags[row]); }

  void row_flags() {
    flags = in.bytes(events);
    block.rows_.resize(flags.size());
    for (std::size_t i = 0; i < flags.size(); ++i) {
      const unsigned bits = flags_of(i);
      if (bits > event_flags_known) in.fail();
      const bool correction = (bits & event_is_correction) != 0;
      block.rows_[i].flags = static_cast<std::uint8_t>(bits & (event_has_time | event_has_interval));
      block.rows_[i].kind = static_cast<std::uint8_t>(correction ? EventKind::correction : EventKind::usage);
    }
  }

  template <std::uint32_t Row::*Member>
  void indexes(const Dictionary& column) {
    std::uint64_t largest = 0;
    for (Row& row : block.rows_) {
      const std::uint64_t index = in.varint();
      largest = std::max(largest, index);
      row.*Member = static_cast<std::uint32_t>(index);
    }
    if (largest >= column.size()) in.fail();
  }

  void times() {
    std::int64_t before = 0;
    for (Row& row : block.rows_) {
      if ((row.flags & event_has_time) != 0) row.time_ms = before = add(before, in.varint());
    }
    before = 0;
    for (Row& row : block.rows_) {
      if ((row.flags & event_has_interval) != 0) row.end_ms = before = add(before, in.varint());
    }
    for (Row& row : block.rows_) {
      if ((row.flags & event_has_interval) != 0) row.start_ms = subtract(row.end_ms, in.varint());
    }
  }

  void quantities() {
    const std::string_view exponents = in.bytes(block.rows_.size());
    if (!in.ok()) return;
    for (std::size_t i = 0; i < exponents.size(); ++i) {
      block.rows_[i].quantity_nanos = scale_up({in.varint(), static_cast<unsigned char>(exponents[i])});
    }
  }

  void corrected_ordinals() {
    for (std::uint32_t i = 0; i < block.size(); ++i) {
      if ((flags_of(i) & event_is_correction) != 0) block.corrected_.emplace_back(i, in.varint());
    }
  }

  /// Lengths to ends. A text takes at least a byte for two characters, so a sum beyond twice what is
  /// left is damage, found before anything is allocated for it.
  template <std::uint32_t Row::*Member>
  std::size_t ends() {
    std::uint64_t end = 0;
    for (Row& row : block.rows_) {
      end += in.varint_up_to(uncompressed_bytes_max);
      if (end > uncompressed_bytes_max) end = in.fail();
      row.*Member = static_cast<std::uint32_t>(end);
    }
    return end / 2 <= in.left() ? end : in.fail();
  }

  void ids(std::size_t total) {
    block.ids_.resize(total);
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i < block.rows_.size(); ++i) {
      const std::uint32_t length = block.rows_[i].id_end - begin;
      const bool packed = (flags_of(i) & event_id_is_packed) != 0;
      if (packed && length % 2 != 0) in.fail();
      const std::string_view stored = in.bytes(packed ? length / 2 : length);
      if (!in.ok()) return;
      char* const to = block.ids_.data() + begin;
      if (packed) {
        unpack_hex(stored, to);
      } else if (!stored.empty()) {
        std::memcpy(to, stored.data(), stored.size());
      }
      begin = block.rows_[i].id_end;
    }
  }

  bool decode() {
    dictionary(block.sources_);
    dictionary(block.subjects_);
    dictionary(block.skus_);
    dictionary(block.projects_);
    dictionary(block.nodes_);
    row_flags();
    indexes<&Row::source>(block.sources_);
    indexes<&Row::subject>(block.subjects_);
    indexes<&Row::sku>(block.skus_);
    indexes<&Row::project>(block.projects_);
    indexes<&Row::node>(block.nodes_);
    times();
    quantities();
    if (!in.ok()) return false;
    corrected_ordinals();
    const std::size_t id_bytes = ends<&Row::id_end>();
    const std::size_t text_bytes = ends<&Row::text_end>();
    if (!in.ok()) return false;
    ids(id_bytes);
    block.texts_ = in.bytes(text_bytes);
    return in.ok() && in.left() == 0 && block.rows_are_storable(true);
  }
};

std::optional<EventBlock> EventBlock::decode_first_version(std::string_view frame, std::uint64_t events) {
  const Bytes columns = decompress(frame);
  if (columns.data == nullptr) return std::nullopt;
  FirstDecoder decoder{.in = ByteReader(columns.view()), .events = events, .block = {}, .flags = {}};
  if (!decoder.decode()) return std::nullopt;
  return std::move(decoder.block);
}

}  // namespace voucherd

// EventBlock as bytes: one column after another, so that like stands beside like, and all of
// them in one zstd frame. FORMAT.md (metering/journal) describes the layout; both halves of
// this file follow it in the same order.
#include <algorithm>
#include <cstring>

#include "metering/core/assert.h"
#include "metering/state/byte_coding.h"
#include "metering/state/compression.h"
#include "metering/state/event_flags.h"
#include "metering/state/hex_packing.h"
#include "metering/state/usage_record.h"

namespace voucherd {

namespace {

// A row's share of the columns at most: flags, five indexes, four numbers of time and quantity,
// the exponent, a corrected ordinal and two lengths.
constexpr std::size_t row_bytes_max = 2 + 12 * varint_bytes_max;

/// A quantity as mantissa × 10^exponent: most have few digits and nine zeros behind them.
struct Scaled {
  std::uint64_t mantissa;
  unsigned exponent;
};

Scaled scale_down(std::uint64_t value) {
  Scaled scaled{value, 0};
  if (value == 0) return scaled;
  const auto divide = [&](std::uint64_t power, unsigned digits) {
    if (scaled.mantissa % power != 0) return;
    scaled.mantissa /= power;
    scaled.exponent += digits;
  };
  divide(100'000'000, 8);
  divide(100'000'000, 8);
  divide(10'000, 4);
  divide(100, 2);
  divide(10, 1);
  return scaled;
}

constexpr unsigned exponent_max = 18;

/// The value, or a negative number where it is no quantity of an event.
std::int64_t scale_up(Scaled scaled) {
  if (scaled.exponent > exponent_max) return -1;
  UInt128 value = scaled.mantissa;
  for (unsigned i = 0; i < scaled.exponent; ++i) value *= 10;
  return value <= static_cast<UInt128>(Quantity::event_nanos_max) ? static_cast<std::int64_t>(value) : -1;
}

// Differences are taken without a sign, so that no pair of numbers is beyond the range.
std::uint64_t difference(std::int64_t value, std::int64_t base) {
  return zigzag(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base)));
}
std::int64_t add(std::int64_t base, std::uint64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(base) +
                                   static_cast<std::uint64_t>(unzigzag(difference)));
}
std::int64_t subtract(std::int64_t base, std::uint64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(base) -
                                   static_cast<std::uint64_t>(unzigzag(difference)));
}

Fault damaged(const char* what) {
  return {"usage_record_damaged", std::string("the events of a usage record can't be read: ") + what +
                                      "; restore the journal from a backup"};
}

}  // namespace

struct EventBlock::Encoder {
  const EventBlock& block;
  std::unique_ptr<char[]> room;
  char* at;

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
  void indexes() {
    for (const Row& row : block.rows_) at = write_varint(at, row.*Member);
  }

  std::string flags() {
    std::string flags(block.rows_.size(), '\0');
    for (std::uint32_t i = 0; i < block.size(); ++i) {
      const Row& row = block.rows_[i];
      unsigned bits = row.flags;
      if (row.kind == static_cast<std::uint8_t>(EventKind::correction)) bits |= event_is_correction;
      if (is_packable_hex(block.id_of(i))) bits |= event_id_is_packed;
      flags[i] = static_cast<char>(bits);
    }
    bytes(flags);
    return flags;
  }

  void times() {
    std::int64_t before = 0;
    for (const Row& row : block.rows_) {
      if ((row.flags & event_has_time) == 0) continue;
      at = write_varint(at, difference(row.time_ms, before));
      before = row.time_ms;
    }
    before = 0;
    for (const Row& row : block.rows_) {
      if ((row.flags & event_has_interval) == 0) continue;
      at = write_varint(at, difference(row.end_ms, before));
      before = row.end_ms;
    }
    for (const Row& row : block.rows_) {
      if ((row.flags & event_has_interval) != 0) at = write_varint(at, difference(row.end_ms, row.start_ms));
    }
  }

  void quantities() {
    char* exponent = at;
    at += block.rows_.size();
    for (const Row& row : block.rows_) {
      const Scaled scaled = scale_down(static_cast<std::uint64_t>(row.quantity_nanos));
      *exponent++ = static_cast<char>(scaled.exponent);
      at = write_varint(at, scaled.mantissa);
    }
  }

  void texts(const std::string& flags) {
    for (const auto& [row, ordinal] : block.corrected_) at = write_varint(at, ordinal);
    for (std::uint32_t i = 0; i < block.size(); ++i) at = write_varint(at, block.id_of(i).size());
    for (std::uint32_t i = 0; i < block.size(); ++i) at = write_varint(at, block.text_of(i).size());
    for (std::uint32_t i = 0; i < block.size(); ++i) {
      const bool packed = (static_cast<unsigned char>(flags[i]) & event_id_is_packed) != 0;
      if (packed) {
        at = pack_hex(block.id_of(i), at);
      } else {
        bytes(block.id_of(i));
      }
    }
    bytes(block.texts_);
  }

  std::string_view encode() {
    dictionary(block.sources_);
    dictionary(block.subjects_);
    dictionary(block.skus_);
    dictionary(block.projects_);
    dictionary(block.nodes_);
    const std::string row_flags = flags();
    indexes<&Row::source>();
    indexes<&Row::subject>();
    indexes<&Row::sku>();
    indexes<&Row::project>();
    indexes<&Row::node>();
    times();
    quantities();
    texts(row_flags);
    return {room.get(), static_cast<std::size_t>(at - room.get())};
  }
};

std::string EventBlock::encode() const {
  std::string out;
  put_varint(out, rows_.size());
  if (!rows_.empty()) append_compressed(out, Encoder(*this).encode());
  return out;
}

/// Each step leaves `in` not ok where the bytes can't be; the steps after it then do no harm.
struct EventBlock::Decoder {
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

  bool rows_are_storable() const {
    for (std::uint32_t i = 0; i < block.size(); ++i) {
      EventView event = block.at(i);
      if (!is_storable(event)) return false;
      if (event.kind == EventKind::correction && !split_correction(block.text_of(i), event)) return false;
    }
    return true;
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
    return in.ok() && in.left() == 0 && rows_are_storable();
  }
};

Result<EventBlock> EventBlock::decode(std::string_view bytes) {
  ByteReader head(bytes);
  const std::uint64_t events = head.varint_up_to(events_max);
  if (!head.ok()) return damaged("their number is missing or beyond the limit");
  if (events == 0) {
    if (head.left() != 0) return damaged("bytes follow where there are no events");
    return EventBlock();
  }
  const Bytes columns = decompress(head.rest());
  if (columns.data == nullptr) return damaged("the compressed columns are damaged");
  Decoder decoder{.in = ByteReader(columns.view()), .events = events, .block = {}, .flags = {}};
  if (!decoder.decode()) return damaged("the columns contradict each other");
  return std::move(decoder.block);
}

}  // namespace voucherd

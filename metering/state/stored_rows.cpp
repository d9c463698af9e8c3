#include "metering/state/stored_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <span>

#include "metering/core/ids.h"
#include "metering/state/compression.h"
#include "metering/state/event_column_coding.h"
#include "metering/state/event_columns.h"
#include "metering/state/event_flags.h"
#include "metering/state/event_pieces.h"
#include "metering/state/hex_packing.h"

namespace voucherd {

namespace {

constexpr std::uint32_t events_min = 256;

// Of a row in one piece: its numbers, its id, its texts. What a damaged frame asks for ends at that of its
// rows.
constexpr std::size_t numbers_bytes_max = 256;
constexpr std::size_t row_bytes_max = numbers_bytes_max + event_source_bytes_max + 2 * event_id_bytes_max +
                                      event_reason_bytes_max + event_label_bytes_max;

/// A column after the other of one group, of which a single row counts.
class ColumnReader {
 public:
  ColumnReader(std::string_view bytes, std::uint32_t rows, std::uint32_t row)
      : in_(bytes), rows_(rows), row_(row) {}

  /// A byte for each row.
  std::string_view bytes() { return in_.bytes(rows_); }
  /// The row's number of a column that has one for each row.
  std::uint64_t number() { return number_of(rows_, row_); }
  /// Of a column of `count` numbers, the one behind `before` others.
  std::uint64_t number_of(std::uint32_t count, std::uint32_t before) {
    skip(before);
    const std::uint64_t number = in_.varint();
    skip(count - before - 1);
    return number;
  }
  /// The same of a column of differences.
  std::int64_t sum_of(std::uint32_t count, std::uint32_t before) {
    std::int64_t sum = 0;
    for (std::uint32_t i = 0; i <= before; ++i) sum = add(sum, in_.varint());
    skip(count - before - 1);
    return sum;
  }
  void skip(std::uint32_t numbers) {
    std::string_view rest = in_.rest();
    std::size_t at = 0;
    for (std::uint64_t word = 0; numbers > 0 && rest.size() - at >= sizeof word; at += sizeof word) {
      std::memcpy(&word, rest.data() + at, sizeof word);
      // A number ends with the byte whose upper bit is clear.
      const auto ends = static_cast<std::uint32_t>(std::popcount(~word & 0x8080'8080'8080'8080));
      if (ends >= numbers) break;
      numbers -= ends;
    }
    for (; numbers > 0 && at < rest.size(); ++at) {
      if (static_cast<unsigned char>(rest[at]) < 0x80) --numbers;
    }
    if (numbers > 0) in_.fail();
    in_.bytes(at);
  }
  ByteReader& in() { return in_; }

 private:
  ByteReader in_;
  std::uint32_t rows_, row_;
};

/// Of up to four bytes, the lowest first.
std::uint32_t narrow_number(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t byte = bytes.size(); byte-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(bytes[byte]);
  }
  return number;
}

}  // namespace

std::optional<StoredRows> StoredRows::of(std::string_view payload, std::uint16_t version, Dictionary& names) {
  const auto opened = EventColumns::open(payload, version);
  if (!opened || version == 1 || opened->size() < events_min) return std::nullopt;
  const EventColumns& from = *opened;
  EventBlock named;
  if (!from.read_names(named, RowParts::all, false)) return std::nullopt;
  StoredRows rows;
  rows.events_ = from.events_;
  rows.rows_per_group_ = from.rows_per_group_;
  std::vector<std::uint32_t> numbers;
  for (std::size_t column = 0; column < columns; ++column) {
    const Dictionary& texts = named.dictionary(column);
    for (std::uint32_t i = 0; i < texts.size(); ++i) numbers.push_back(names.intern(texts.at(i)));
    rows.ends_[column] = static_cast<std::uint32_t>(numbers.size());
  }
  rows.keep_numbers(numbers);
  const auto place_of = [&](std::size_t piece) {
    return static_cast<std::uint32_t>(from.pieces_[piece].bytes.data() - payload.data());
  };
  const auto keys = [&](std::size_t piece, const Dictionary& texts) {
    return Keys{place_of(piece), EventColumns::width_of(texts.size())};
  };
  rows.subjects_ = keys(piece_subjects, named.subjects_);
  rows.skus_ = keys(piece_skus, named.skus_);
  if (from.pieces_[piece_subjects].compressed || from.pieces_[piece_skus].compressed) return std::nullopt;
  rows.groups_.resize(from.groups());
  for (std::size_t group = 0; group < rows.groups_.size(); ++group) {
    const std::size_t first = pieces_before_groups + group * pieces_of_group;
    rows.groups_[group].begin = place_of(first);
    for (std::size_t i = 0; i < pieces; ++i) {
      rows.groups_[group].bytes[i] = static_cast<std::uint32_t>(from.pieces_[first + i].bytes.size());
      rows.groups_[group].compressed[i] = from.pieces_[first + i].compressed;
    }
  }
  return rows;
}

void StoredRows::keep_numbers(const std::vector<std::uint32_t>& numbers) {
  const std::uint32_t largest = numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end());
  number_width_ = std::max(1u, static_cast<std::uint32_t>(std::bit_width(largest) + 7) / 8);
  numbers_.reserve(numbers.size() * number_width_);
  for (const std::uint32_t number : numbers) {
    for (std::uint32_t byte = 0; byte < number_width_; ++byte) {
      numbers_.push_back(static_cast<char>(number >> 8 * byte));
    }
  }
}

std::uint32_t StoredRows::number(std::uint32_t index) const {
  return narrow_number({numbers_.data() + std::size_t{index} * number_width_, number_width_});
}

template <class Read>
std::optional<std::uint32_t> StoredRows::read_key(const Keys& keys, std::uint32_t row, Read&& read) {
  char bytes[sizeof(std::uint32_t)];
  if (!read(keys.begin + std::uint64_t{row} * keys.width, std::span(bytes, keys.width))) return std::nullopt;
  return narrow_number({bytes, keys.width});
}

std::optional<StoredRows::Flags> StoredRows::read_figures(std::string_view bytes, InGroup at,
                                                          EventBlock::Row& row) {
  ColumnReader in(bytes, at.rows, at.row);
  const std::string_view flags = in.bytes();
  if (flags.empty()) return std::nullopt;
  const auto with = [&](unsigned flag, std::size_t end) {
    return static_cast<std::uint32_t>(
        std::count_if(flags.begin(), flags.begin() + static_cast<std::ptrdiff_t>(end),
                      [&](char bits) { return (static_cast<unsigned char>(bits) & flag) != 0; }));
  };
  const auto bits = static_cast<unsigned char>(flags[at.row]);
  if ((bits & event_is_correction) != 0) return std::nullopt;
  row.kind = static_cast<std::uint8_t>(EventKind::usage);
  row.flags = static_cast<std::uint8_t>(bits & (event_has_time | event_has_interval));
  row.project = static_cast<std::uint32_t>(in.number());
  const std::uint32_t times = with(event_has_time, at.rows), intervals = with(event_has_interval, at.rows);
  const std::uint32_t times_before = with(event_has_time, at.row), before = with(event_has_interval, at.row);
  if ((bits & event_has_time) != 0) {
    row.time_ms = in.sum_of(times, times_before);
  } else {
    in.skip(times);
  }
  if ((bits & event_has_interval) != 0) {
    row.end_ms = in.sum_of(intervals, before);
    row.start_ms = subtract(row.end_ms, in.number_of(intervals, before));
  } else {
    in.skip(2 * intervals);
  }
  const std::string_view exponents = in.bytes();
  if (exponents.empty()) return std::nullopt;
  row.quantity_nanos = scale_up({in.number(), static_cast<unsigned char>(exponents[at.row])});
  if (!in.in().ok()) return std::nullopt;
  return Flags(flags);
}

bool StoredRows::read_details(std::string_view bytes, std::string_view packed_ids, const Flags& flags,
                              InGroup at, EventBlock::Row& row, EventBlock& into) {
  ColumnReader in(bytes, at.rows, at.row);
  row.source = static_cast<std::uint32_t>(in.number());
  row.node = static_cast<std::uint32_t>(in.number());
  const auto is_packed = [&](std::uint32_t i) {
    return (static_cast<unsigned char>(flags[i]) & event_id_is_packed) != 0;
  };
  std::uint64_t id_bytes = 0, text_bytes = 0, packed_before = 0, plain_before = 0, plain = 0,
                texts_before = 0;
  for (std::uint32_t i = 0; i < at.rows; ++i) {
    const std::uint64_t length = in.in().varint_up_to(uncompressed_bytes_max);
    if (i == at.row) {
      id_bytes = length;
      plain_before = plain;
    }
    if (!is_packed(i)) {
      plain += length;
    } else if (i < at.row) {
      packed_before += length / 2;
    }
  }
  for (std::uint32_t i = 0; i < at.row; ++i) texts_before += in.in().varint_up_to(uncompressed_bytes_max);
  text_bytes = in.in().varint_up_to(uncompressed_bytes_max);
  in.skip(at.rows - at.row - 1);
  ByteReader ids(is_packed(at.row) ? packed_ids : in.in().bytes(plain));
  if (is_packed(at.row)) {
    in.in().bytes(plain);
    ids.bytes(packed_before);
    const std::string_view packed = ids.bytes(id_bytes / 2);
    into.ids_.resize(packed.size() * 2);
    unpack_hex(packed, into.ids_.data());
  } else {
    ids.bytes(plain_before);
    into.ids_ = ids.bytes(id_bytes);
  }
  in.in().bytes(texts_before);
  into.texts_ = in.in().bytes(text_bytes);
  row.id_end = static_cast<std::uint32_t>(into.ids_.size());
  row.text_end = static_cast<std::uint32_t>(into.texts_.size());
  return in.in().ok() && ids.ok();
}

/// The row alone, its texts' numbers those of the record; without subject and SKU.
template <class Read>
bool StoredRows::read_row(std::uint32_t row, EventBlock& into, EventBlock::Row& found, Read&& read) const {
  const Group& group = groups_[row / rows_per_group_];
  const std::uint32_t begin = row / rows_per_group_ * rows_per_group_;
  const InGroup at{std::min(rows_per_group_, events_ - begin), row - begin};
  const std::size_t bytes = std::size_t{group.bytes[0]} + group.bytes[1] + group.bytes[2];
  const auto content = std::make_unique_for_overwrite<char[]>(bytes);
  if (!read(group.begin, std::span(content.get(), bytes))) return false;
  std::array<Bytes, pieces> unpacked;
  std::array<std::string_view, pieces> piece;
  for (std::size_t i = 0, from = 0; i < pieces; from += group.bytes[i++]) {
    piece[i] = {content.get() + from, group.bytes[i]};
    if (!group.compressed[i]) continue;
    unpacked[i] = decompress(piece[i], std::min(uncompressed_bytes_max, at.rows * row_bytes_max));
    if (unpacked[i].data == nullptr) return false;
    piece[i] = unpacked[i].view();
  }
  const auto flags = read_figures(piece[piece_figures], at, found);
  return flags && read_details(piece[piece_details], piece[piece_packed_ids], *flags, at, found, into);
}

template <class Read>
bool StoredRows::compare(std::uint32_t row, const EventView& event, const Dictionary& names,
                         Read&& read) const {
  if (row >= events_) return false;
  const auto subject = read_key(subjects_, row, read), sku = read_key(skus_, row, read);
  EventBlock block;
  EventBlock::Row found{};
  if (!subject || !sku || !read_row(row, block, found, read)) return false;
  found.subject = *subject;
  found.sku = *sku;
  for (std::size_t column = 0; column < columns; ++column) {
    std::uint32_t& index = found.*EventBlock::columns[column];
    if (index >= texts(column)) return false;
    index = block.push(column, names.at(number(ends_[column] - texts(column) + index)));
  }
  block.rows_.push_back(found);
  return block.at(0) == event;
}

bool StoredRows::holds(std::uint32_t row, const EventView& event, const Dictionary& names,
                       const StoredBytes& payload) const {
  return compare(row, event, names,
                 [&](std::uint64_t from, std::span<char> into) { return payload.read(from, into); });
}

bool StoredRows::holds(std::uint32_t row, const EventView& event, const Dictionary& names,
                       std::string_view payload) const {
  return compare(row, event, names, [&](std::uint64_t from, std::span<char> into) {
    if (from > payload.size() || into.size() > payload.size() - from) return false;
    std::copy_n(payload.data() + from, into.size(), into.data());
    return true;
  });
}

std::size_t StoredRows::memory_bytes() const {
  return numbers_.capacity() + groups_.capacity() * sizeof(Group);
}

}  // namespace voucherd

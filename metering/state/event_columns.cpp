// Each step of a reader leaves its input not ok where the bytes can't be; the steps after it then do no harm.
#include "metering/state/event_columns.h"

#include <algorithm>
#include <cstring>

#include "metering/core/assert.h"
#include "metering/journal/encoding.h"
#include "metering/state/event_column_coding.h"
#include "metering/state/event_flags.h"
#include "metering/state/event_pieces.h"
#include "metering/state/hex_packing.h"

namespace voucherd {

namespace {

Fault damaged(const char* what) {
  return {"usage_record_damaged", std::string("the events of a usage record can't be read: ") + what +
                                      "; restore the journal from a backup"};
}

bool read_dictionary(ByteReader& in, std::uint64_t most, bool checked, Dictionary& column) {
  const std::uint64_t count =
      in.varint_up_to(std::min<std::uint64_t>(most, in.left()));  // a byte each at least
  std::vector<std::uint32_t> lengths(count);
  std::uint64_t bytes = 0;
  for (std::uint32_t& length : lengths) {
    length = static_cast<std::uint32_t>(in.varint_up_to(uncompressed_bytes_max));
    bytes += length;
  }
  const std::string_view texts = in.bytes(bytes);
  if (!in.ok()) return false;
  if (!checked) {
    column.push_all(texts, lengths);
    return true;
  }
  std::size_t begin = 0;
  for (const std::uint32_t length : lengths) {
    const std::uint32_t expected = column.size();
    if (column.intern(texts.substr(begin, length)) != expected) return false;
    begin += length;
  }
  return true;
}

}  // namespace

/// A piece's bytes, unpacked where they are packed.
class EventColumns::Content {
 public:
  explicit Content(const Piece& piece) {
    if (piece.compressed) {
      unpacked_ = decompress(piece.bytes);
      ok_ = unpacked_.data != nullptr;
    }
    view_ = piece.compressed ? unpacked_.view() : piece.bytes;
  }
  bool ok() const { return ok_; }
  std::string_view view() const { return ok_ ? view_ : std::string_view(); }

 private:
  Bytes unpacked_;
  std::string_view view_;
  bool ok_ = true;
};

/// Fills rows of `block` that are there already, with subject and SKU.
class EventColumns::GroupReader {
 public:
  GroupReader(EventBlock& block, std::uint32_t begin, std::uint32_t end)
      : block_(block), begin_(begin), end_(end) {}

  bool figures(std::string_view bytes) {
    ByteReader in(bytes);
    flags(in);
    indexes<&EventBlock::Row::project>(in, block_.projects_);
    times(in);
    quantities(in);
    for (std::uint32_t i = begin_; i < end_; ++i) {
      if (is_correction(i)) block_.corrected_.emplace_back(i, in.varint());
    }
    return in.ok() && in.left() == 0;
  }

  bool details(std::string_view bytes, std::string_view packed_ids) {
    ByteReader in(bytes), packed(packed_ids);
    indexes<&EventBlock::Row::source>(in, block_.sources_);
    indexes<&EventBlock::Row::node>(in, block_.nodes_);
    const std::size_t ids_before = block_.ids_.size(), texts_before = block_.texts_.size();
    const std::size_t id_end = ends<&EventBlock::Row::id_end>(in, ids_before);
    const std::size_t text_end = ends<&EventBlock::Row::text_end>(in, texts_before);
    // Two characters take a byte at least: a length beyond that is damage, found before anything is
    // allocated.
    if (!in.ok() || (id_end - ids_before) / 2 > in.left() + packed.left()) return false;
    if (text_end - texts_before > in.left()) return false;
    ids(in, packed, ids_before, id_end);
    block_.texts_.append(in.bytes(text_end - texts_before));
    return in.ok() && in.left() == 0 && packed.ok() && packed.left() == 0;
  }

 private:
  using Row = EventBlock::Row;
  bool is_correction(std::uint32_t row) const {
    return block_.rows_[row].kind == static_cast<std::uint8_t>(EventKind::correction);
  }

  void flags(ByteReader& in) {
    const std::string_view flags = in.bytes(end_ - begin_);
    for (std::uint32_t i = begin_; i < end_ && in.ok(); ++i) {
      const unsigned bits = static_cast<unsigned char>(flags[i - begin_]);
      if (bits > event_flags_known) in.fail();
      const bool correction = (bits & event_is_correction) != 0;
      Row& row = block_.rows_[i];
      // The packed ids are told from the others when the details are read.
      row.flags = static_cast<std::uint8_t>(bits & ~event_is_correction);
      row.kind = static_cast<std::uint8_t>(correction ? EventKind::correction : EventKind::usage);
    }
  }

  template <std::uint32_t Row::*Member>
  void indexes(ByteReader& in, const Dictionary& column) {
    std::uint64_t largest = 0;
    for (std::uint32_t i = begin_; i < end_; ++i) {
      const std::uint64_t index = in.varint();
      largest = std::max(largest, index);
      block_.rows_[i].*Member = static_cast<std::uint32_t>(index);
    }
    if (largest >= column.size()) in.fail();
  }

  void times(ByteReader& in) {
    std::int64_t before = 0;
    for (std::uint32_t i = begin_; i < end_; ++i) {
      Row& row = block_.rows_[i];
      if ((row.flags & event_has_time) != 0) row.time_ms = before = add(before, in.varint());
    }
    before = 0;
    for (std::uint32_t i = begin_; i < end_; ++i) {
      Row& row = block_.rows_[i];
      if ((row.flags & event_has_interval) != 0) row.end_ms = before = add(before, in.varint());
    }
    for (std::uint32_t i = begin_; i < end_; ++i) {
      Row& row = block_.rows_[i];
      if ((row.flags & event_has_interval) != 0) row.start_ms = subtract(row.end_ms, in.varint());
    }
  }

  void quantities(ByteReader& in) {
    const std::string_view exponents = in.bytes(end_ - begin_);
    for (std::uint32_t i = begin_; i < end_ && in.ok(); ++i) {
      const auto exponent = static_cast<unsigned char>(exponents[i - begin_]);
      block_.rows_[i].quantity_nanos = scale_up({in.varint(), exponent});
    }
  }

  /// Lengths to ends; the last one.
  template <std::uint32_t Row::*Member>
  std::size_t ends(ByteReader& in, std::size_t before) {
    std::uint64_t end = before;
    for (std::uint32_t i = begin_; i < end_; ++i) {
      end += in.varint_up_to(uncompressed_bytes_max);
      if (end > uncompressed_bytes_max) {
        in.fail();
        end = before;
      }
      block_.rows_[i].*Member = static_cast<std::uint32_t>(end);
    }
    return end;
  }

  void ids(ByteReader& in, ByteReader& packed, std::size_t begin, std::size_t end) {
    block_.ids_.resize(end);
    for (std::uint32_t i = begin_; i < end_; ++i) {
      Row& row = block_.rows_[i];
      const std::size_t length = row.id_end - begin;
      const bool is_packed = (row.flags & event_id_is_packed) != 0;
      if (is_packed && length % 2 != 0) in.fail();
      const std::string_view stored = is_packed ? packed.bytes(length / 2) : in.bytes(length);
      if (!in.ok() || !packed.ok()) return;
      char* const to = block_.ids_.data() + begin;
      if (is_packed) {
        unpack_hex(stored, to);
      } else if (!stored.empty()) {
        std::memcpy(to, stored.data(), stored.size());
      }
      begin = row.id_end;
    }
  }

  EventBlock& block_;
  std::uint32_t begin_, end_;
};

std::uint32_t EventColumns::width_of(std::uint32_t texts) {
  return texts <= 1u << 8 ? 1 : texts <= 1u << 16 ? 2 : 4;
}

Result<EventColumns> EventColumns::open(std::string_view payload, std::uint16_t version) {
  ByteReader in(payload);
  const EventOrdinal first = in.varint();
  in.text();  // the quarantine
  if (version >= submissions_version) in.text();
  if (!in.ok()) return damaged("they are cut off");
  auto columns = open_block(in.rest(), version);
  if (columns) columns->first_ordinal_ = first;
  return columns;
}

Result<EventColumns> EventColumns::open_block(std::string_view block, std::uint16_t version) {
  if (version == 0 || version > usage_record_version) {
    return damaged("they are of a version that this program does not know");
  }
  ByteReader in(block);
  EventColumns columns;
  columns.version_ = version;
  columns.events_ = static_cast<std::uint32_t>(in.varint_up_to(EventBlock::events_max));
  if (!in.ok()) return damaged("their number is missing or beyond the limit");
  if (columns.events_ == 0) {
    if (in.left() != 0) return damaged("bytes follow where there are no events");
  } else if (version == 1) {
    columns.first_version_ = in.rest();
    columns.rows_per_group_ = columns.events_;
  } else if (!columns.take_directory(in)) {
    return damaged("their directory contradicts itself");
  }
  return columns;
}

bool EventColumns::take_directory(ByteReader& in) {
  rows_per_group_ = static_cast<std::uint32_t>(in.varint_up_to(EventBlock::events_max));
  if (rows_per_group_ == 0) return false;
  const std::size_t count = pieces_before_groups + std::size_t{groups()} * pieces_of_group;
  if (count > in.left()) return false;  // a byte each at least
  std::vector<std::uint64_t> sizes(count);
  for (std::uint64_t& size : sizes) size = in.varint();
  pieces_.reserve(count);
  for (const std::uint64_t size : sizes) pieces_.push_back({in.bytes(size / 2), size % 2 != 0});
  return in.ok() && in.left() == 0;
}

bool EventColumns::read_names(EventBlock& into, RowParts parts, bool checked) const {
  const Content charged(pieces_[piece_charged_names]);
  ByteReader in(charged.view());
  if (!charged.ok() || !read_dictionary(in, events_, checked, into.subjects_) ||
      !read_dictionary(in, events_, checked, into.skus_) ||
      !read_dictionary(in, events_, checked, into.projects_) || in.left() != 0) {
    return false;
  }
  if (parts == RowParts::figures) {
    into.sources_.push({});
    into.nodes_.push({});
    return true;
  }
  const Content others(pieces_[piece_other_names]);
  in = ByteReader(others.view());
  return others.ok() && read_dictionary(in, events_, checked, into.sources_) &&
         read_dictionary(in, events_, checked, into.nodes_) && in.left() == 0;
}

template <class Take>
bool EventColumns::read_keys(std::size_t piece, std::uint32_t texts, std::uint32_t first, std::uint32_t count,
                             Take&& take) const {
  const Content content(pieces_[piece]);
  const std::uint32_t width = width_of(texts);
  if (!content.ok() || content.view().size() != std::size_t{events_} * width) return false;
  const char* at = content.view().data() + std::size_t{first} * width;
  std::uint32_t largest = 0;
  for (std::uint32_t i = 0; i < count; ++i, at += width) {
    std::uint32_t index = static_cast<unsigned char>(at[0]);
    if (width > 1) index |= static_cast<std::uint32_t>(static_cast<unsigned char>(at[1])) << 8;
    if (width > 2) {
      index |= static_cast<std::uint32_t>(static_cast<unsigned char>(at[2])) << 16 |
               static_cast<std::uint32_t>(static_cast<unsigned char>(at[3])) << 24;
    }
    largest = std::max(largest, index);
    take(i, index);
  }
  return largest < texts;
}

std::optional<EventBlock> EventColumns::read_rows(std::uint32_t first, std::uint32_t count, RowParts parts,
                                                  bool checked) const {
  if (events_ == 0) return EventBlock();
  if (version_ == 1) return EventBlock::decode_first_version(first_version_, events_);
  const std::uint32_t from = first * rows_per_group_;
  const std::uint32_t rows = std::min(events_, from + count * rows_per_group_) - from;
  EventBlock block;
  if (!read_names(block, parts, checked)) return std::nullopt;
  block.rows_.resize(rows);
  const bool keys =
      read_keys(piece_subjects, block.subjects_.size(), from, rows,
                [&](std::uint32_t row, std::uint32_t index) { block.rows_[row].subject = index; }) &&
      read_keys(piece_skus, block.skus_.size(), from, rows,
                [&](std::uint32_t row, std::uint32_t index) { block.rows_[row].sku = index; });
  if (!keys) return std::nullopt;
  for (std::uint32_t begin = 0, group = first; begin < rows; begin += rows_per_group_, ++group) {
    const std::size_t pieces = pieces_before_groups + std::size_t{group} * pieces_of_group;
    GroupReader reader(block, begin, std::min(rows, begin + rows_per_group_));
    const Content figures(pieces_[pieces + piece_figures]);
    if (!figures.ok() || !reader.figures(figures.view())) return std::nullopt;
    if (parts == RowParts::figures) continue;
    const Content details(pieces_[pieces + piece_details]), ids(pieces_[pieces + piece_packed_ids]);
    if (!details.ok() || !ids.ok() || !reader.details(details.view(), ids.view())) return std::nullopt;
  }
  if (!block.rows_are_storable(parts == RowParts::all)) return std::nullopt;
  return block;
}

Result<EventBlock> EventColumns::read(std::uint32_t first, std::uint32_t count, RowParts parts) const {
  VOUCHERD_ASSERT(first <= groups() && count <= groups() - first);
  auto rows = read_rows(first, count, parts, false);
  if (!rows) return damaged("the columns contradict each other");
  return std::move(*rows);
}

Result<std::vector<std::uint32_t>> EventColumns::rows_of(std::string_view subject,
                                                         const std::string_view* sku) const {
  std::vector<std::uint32_t> found;
  if (events_ == 0) return found;
  if (version_ == 1) {
    const auto all = EventBlock::decode_first_version(first_version_, events_);
    if (!all) return damaged("the columns contradict each other");
    for (std::uint32_t row = 0; row < all->size(); ++row) {
      const EventView event = all->at(row);
      const bool fits = sku == nullptr || event.kind == EventKind::correction || event.sku == *sku;
      if (event.subject == subject && fits) found.push_back(row);
    }
    return found;
  }
  EventBlock names;
  if (!read_names(names, RowParts::figures, false)) return damaged("the names contradict each other");
  const auto number_of = [](const Dictionary& column, std::string_view text) {
    std::uint32_t number = 0;
    while (number < column.size() && column.at(number) != text) ++number;
    return number;
  };
  const std::uint32_t wanted = number_of(names.subjects_, subject);
  if (wanted == names.subjects_.size()) return found;
  bool read = read_keys(piece_subjects, names.subjects_.size(), 0, events_,
                        [&](std::uint32_t row, std::uint32_t index) {
                          if (index == wanted) found.push_back(row);
                        });
  if (sku != nullptr && !found.empty()) {
    // A correction has the empty SKU.
    const std::uint32_t number = number_of(names.skus_, *sku), none = number_of(names.skus_, {});
    auto next = found.begin(), kept = found.begin();
    read = read &&
           read_keys(piece_skus, names.skus_.size(), 0, events_, [&](std::uint32_t row, std::uint32_t index) {
             if (next == found.end() || *next != row) return;
             if (index == number || index == none) *kept++ = row;
             ++next;
           });
    if (read) found.erase(kept, found.end());
  }
  if (!read) return damaged("the columns contradict each other");
  return found;
}

}  // namespace voucherd

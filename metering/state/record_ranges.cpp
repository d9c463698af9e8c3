#include "metering/state/record_ranges.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "metering/core/assert.h"
#include "metering/journal/encoding.h"
#include "metering/state/saved_values.h"
#include "metering/state/usage_record.h"

namespace voucherd {

namespace {

constexpr std::size_t word_bits = 64;
constexpr DayRun no_days{{std::numeric_limits<std::int32_t>::max()},
                         {std::numeric_limits<std::int32_t>::min()}};

std::size_t filter_bit(std::string_view firm, std::size_t bits) { return identity_hash(firm, {}, 0) % bits; }

}  // namespace

void RecordRanges::begin_record(Position position, std::uint64_t events) {
  VOUCHERD_ASSERT(ranges_.empty() || ranges_.back().last < position);
  if (ranges_.empty() || ranges_.back().events >= range_events) {
    ranges_.emplace_back();
    ranges_.back().first = position;
    ranges_.back().days = no_days;
  }
  ranges_.back().last = position;
  ranges_.back().events += events;
}

void RecordRanges::add_firm(std::string_view firm) {
  const std::size_t bit = filter_bit(firm, filter_words * word_bits);
  ranges_.back().firms[bit / word_bits] |= std::uint64_t{1} << (bit % word_bits);
}

std::optional<Position> RecordRanges::next(Position from, std::string_view firm, DayRun days) const {
  const std::size_t bit = filter_bit(firm, filter_words * word_bits);
  auto range = std::partition_point(ranges_.begin(), ranges_.end(),
                                    [&](const Range& behind) { return behind.last < from; });
  for (; range != ranges_.end(); ++range) {
    const bool has_days = range->days.first <= days.last && days.first <= range->days.last;
    if (has_days && (range->firms[bit / word_bits] >> (bit % word_bits) & 1) != 0) {
      return std::max(from, range->first);
    }
  }
  return std::nullopt;
}

void RecordRanges::save(std::string& out) const {
  put_varint(out, ranges_.size());
  Position before = 0;
  for (const Range& range : ranges_) {
    put_varint(out, range.first - before);
    put_varint(out, range.last - range.first);
    before = range.last;
    put_varint(out, range.events);
    put_signed(out, range.days.first.days);
    put_signed(out, range.days.last.days);
    for (const std::uint64_t word : range.firms) put_little_endian(out, word);
  }
}

void RecordRanges::load(ByteReader& in) {
  Position before = 0;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    Range& range = ranges_.emplace_back();
    range.first = before + in.varint_up_to(saved_count_max);
    range.last = range.first + in.varint_up_to(saved_count_max);
    if (range.first <= before || range.last > saved_count_max) in.fail();
    before = range.last;
    range.events = in.varint_up_to(saved_count_max);
    // All but the last one are full.
    if (range.events < (left == 1 ? 1 : range_events)) in.fail();
    range.days.first = read_day(in);
    range.days.last = read_day(in);
    if (range.days.last < range.days.first) in.fail();
    for (std::uint64_t& word : range.firms) word = in.fixed64();
  }
}

std::uint64_t RecordRanges::events() const {
  return std::accumulate(ranges_.begin(), ranges_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Range& range) { return sum + range.events; });
}

}  // namespace voucherd

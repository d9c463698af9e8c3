// EventBlock in memory: rows of fixed size, and the texts that are rarely the same (ids, jobs)
// one after another behind them.
#include <algorithm>

#include "metering/core/assert.h"
#include "metering/state/event_flags.h"
#include "metering/state/usage_record.h"

namespace voucherd {

namespace {

// The three lengths in front of a correction's texts.
constexpr std::size_t correction_head_bytes = 6;

void put_length(std::string& out, std::size_t length) {
  VOUCHERD_ASSERT(length <= 0xffff);
  out.push_back(static_cast<char>(static_cast<unsigned char>(length & 0xff)));
  out.push_back(static_cast<char>(static_cast<unsigned char>(length >> 8)));
}

std::size_t length_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) |
         static_cast<std::size_t>(static_cast<unsigned char>(text[at + 1])) << 8;
}

std::uint8_t flags_of(const EventView& event) {
  unsigned flags = 0;
  if (event.time) flags |= event_has_time;
  if (event.start) flags |= event_has_interval;
  return static_cast<std::uint8_t>(flags);
}

std::uint32_t end_of(const std::string& texts) {
  VOUCHERD_ASSERT(texts.size() <= 0xffff'ffff);
  return static_cast<std::uint32_t>(texts.size());
}

}  // namespace

std::array<std::string_view, EventBlock::columns.size()> EventBlock::texts_of(const EventView& event) {
  return {event.source, event.subject, event.sku, event.project, event.node};
}

EventBlock::Row EventBlock::row_of(const EventView& event) {
  VOUCHERD_ASSERT(is_storable(event));
  Row row{};
  row.time_ms = event.time.value_or(Instant{}).ms;
  row.start_ms = event.start.value_or(Instant{}).ms;
  row.end_ms = event.end.value_or(Instant{}).ms;
  row.quantity_nanos = static_cast<std::int64_t>(event.quantity.nanos);
  row.kind = static_cast<std::uint8_t>(event.kind);
  row.flags = flags_of(event);
  return row;
}

std::uint32_t EventBlock::append(const EventView& event, EventOrdinal corrected) {
  Row row = row_of(event);
  const auto texts = texts_of(event);
  for (std::size_t column = 0; column < columns.size(); ++column) {
    row.*columns[column] = intern(column, texts[column]);
  }
  if (event.kind == EventKind::correction) {
    corrected_.emplace_back(size(), corrected);
    put_length(texts_, event.corrects_source.size());
    put_length(texts_, event.corrects_id.size());
    put_length(texts_, event.reason.size());
    texts_.append(event.corrects_source).append(event.corrects_id).append(event.reason);
  }
  return push_row(row, event.id, event.job);
}

std::uint32_t EventBlock::append_usage(Row row, std::string_view id, std::string_view job) {
  VOUCHERD_ASSERT(static_cast<EventKind>(row.kind) == EventKind::usage);
  return push_row(row, id, job);
}

std::uint32_t EventBlock::push_row(Row row, std::string_view id, std::string_view job) {
  VOUCHERD_ASSERT(size() < events_max);
  const std::uint32_t index = size();
  ids_.append(id);
  texts_.append(job);
  row.id_end = end_of(ids_);
  row.text_end = end_of(texts_);
  rows_.push_back(row);
  return index;
}

void EventBlock::reserve_as(const EventBlock& like) {
  for (const auto dictionary : dictionaries) (this->*dictionary).reserve_as(like.*dictionary);
  rows_.reserve(like.rows_.size());
  ids_.reserve(like.ids_.size());
  texts_.reserve(like.texts_.size());
}

void EventBlock::give_back_unused() {
  if (rows_.capacity() < 2 * rows_.size()) return;
  for (const auto dictionary : dictionaries) (this->*dictionary).give_back_unused();
  rows_.shrink_to_fit();
  ids_.shrink_to_fit();
  texts_.shrink_to_fit();
}

std::string_view EventBlock::id_of(std::uint32_t index) const {
  const std::uint32_t begin = index == 0 ? 0 : rows_[index - 1].id_end;
  return std::string_view(ids_).substr(begin, rows_[index].id_end - begin);
}

std::string_view EventBlock::text_of(std::uint32_t index) const {
  const std::uint32_t begin = index == 0 ? 0 : rows_[index - 1].text_end;
  return std::string_view(texts_).substr(begin, rows_[index].text_end - begin);
}

EventView EventBlock::at(std::uint32_t index) const {
  VOUCHERD_ASSERT(index < size());
  const Row& row = rows_[index];
  EventView event;
  event.kind = static_cast<EventKind>(row.kind);
  event.source = sources_.at(row.source);
  event.id = id_of(index);
  event.subject = subjects_.at(row.subject);
  if ((row.flags & event_has_time) != 0) event.time = Instant{row.time_ms};
  event.quantity.nanos = row.quantity_nanos;
  event.sku = skus_.at(row.sku);
  event.project = projects_.at(row.project);
  event.node = nodes_.at(row.node);
  if ((row.flags & event_has_interval) != 0) {
    event.start = Instant{row.start_ms};
    event.end = Instant{row.end_ms};
  }
  event.job = text_of(index);
  if (event.kind == EventKind::correction) split_correction(event.job, event);
  return event;
}

bool EventBlock::split_correction(std::string_view text, EventView& event) {
  if (text.size() < correction_head_bytes) return false;
  const std::size_t source = length_at(text, 0);
  const std::size_t id = length_at(text, 2);
  const std::size_t reason = length_at(text, 4);
  text.remove_prefix(correction_head_bytes);
  if (text.size() < source + id + reason) return false;
  event.corrects_source = text.substr(0, source);
  event.corrects_id = text.substr(source, id);
  event.reason = text.substr(source + id, reason);
  event.job = text.substr(source + id + reason);
  return true;
}

EventOrdinal EventBlock::corrected(std::uint32_t index) const {
  const auto found = std::lower_bound(corrected_.begin(), corrected_.end(), index,
                                      [](const auto& entry, std::uint32_t row) { return entry.first < row; });
  VOUCHERD_ASSERT(found != corrected_.end() && found->first == index);
  return found->second;
}

EventBlock::Figures EventBlock::figures(std::uint32_t index) const {
  VOUCHERD_ASSERT(index < size());
  const Row& row = rows_[index];
  return {.kind = static_cast<EventKind>(row.kind),
          .source = row.source,
          .subject = row.subject,
          .sku = row.sku,
          .project = row.project,
          .span = span_of(row),
          .quantity = Quantity{row.quantity_nanos}};
}

UsageSpan EventBlock::span_of(const Row& row) {
  const bool interval = (row.flags & event_has_interval) != 0;
  return {Instant{interval ? row.start_ms : row.time_ms}, Instant{interval ? row.end_ms : row.time_ms}};
}

std::size_t EventBlock::memory_bytes() const {
  std::size_t bytes = rows_.size() * sizeof(Row) + ids_.size() + texts_.size();
  for (const auto dictionary : dictionaries) bytes += (this->*dictionary).memory_bytes();
  return bytes;
}

}  // namespace voucherd

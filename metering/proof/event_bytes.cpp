// One layout for both kinds, so that no two events have the same bytes.
#include "metering/proof/event_bytes.h"

#include <cstring>

#include "metering/core/assert.h"
#include "metering/journal/encoding.h"

namespace voucherd {

namespace {

constexpr std::uint8_t has_time = 1, has_interval = 2;
constexpr std::size_t text_bytes_max = 0xffff;
// Kind, index, presence, three instants and the quantity; nine lengths.
constexpr std::size_t fixed_bytes_max = 1 + 4 + 1 + 4 * 8, lengths_bytes = 9 * 2;

template <class Integer>
char* write_integer(char* at, Integer value) {
  const auto bits = static_cast<std::uint64_t>(value);
  for (unsigned i = 0; i < sizeof(Integer); ++i) {
    at[i] = static_cast<char>(static_cast<unsigned char>(bits >> (8 * i) & 0xff));
  }
  return at + sizeof(Integer);
}

char* write_text(char* at, std::string_view text) {
  VOUCHERD_ASSERT(text.size() <= text_bytes_max);
  at = write_integer(at, static_cast<std::uint16_t>(text.size()));
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

std::size_t event_bytes_max(const EventView& event) {
  return fixed_bytes_max + lengths_bytes + event.source.size() + event.id.size() + event.sku.size() +
         event.project.size() + event.node.size() + event.job.size() + event.corrects_source.size() +
         event.corrects_id.size() + event.reason.size();
}

char* write_event_bytes(char* at, const EventView& event, std::uint32_t index) {
  at = write_integer(at, static_cast<std::uint8_t>(event.kind));
  at = write_integer(at, index);
  at = write_integer(
      at, static_cast<std::uint8_t>((event.time ? has_time : 0) | (event.start ? has_interval : 0)));
  if (event.time) at = write_integer(at, event.time->ms);
  if (event.start) at = write_integer(write_integer(at, event.start->ms), event.end->ms);
  at = write_integer(at, static_cast<std::int64_t>(event.quantity.nanos));
  for (const std::string_view text :
       {event.source, event.id, event.sku, event.project, event.node, event.job}) {
    at = write_text(at, text);
  }
  if (event.kind == EventKind::correction) {
    for (const std::string_view text : {event.corrects_source, event.corrects_id, event.reason}) {
      at = write_text(at, text);
    }
  }
  return at;
}

void append_event_bytes(std::string& out, const EventView& event, std::uint32_t index) {
  const std::size_t before = out.size();
  out.resize(before + event_bytes_max(event));
  out.resize(static_cast<std::size_t>(write_event_bytes(out.data() + before, event, index) - out.data()));
}

Result<IndexedEvent> take_event_bytes(std::string_view& in) {
  FixedReader reader(in);
  const auto take_instant = [&reader] { return Instant{reader.integer<std::int64_t>()}; };
  const auto take_text = [&reader] { return reader.bytes(reader.integer<std::uint16_t>()); };
  const auto kind = reader.integer<std::uint8_t>();
  IndexedEvent taken;
  taken.index = reader.integer<std::uint32_t>();
  const auto present = reader.integer<std::uint8_t>();
  EventView& event = taken.event;
  event.kind = static_cast<EventKind>(kind);
  if ((present & has_time) != 0) event.time = take_instant();
  if ((present & has_interval) != 0) {
    event.start = take_instant();
    event.end = take_instant();
  }
  event.quantity.nanos = reader.integer<std::int64_t>();
  for (std::string_view* text :
       {&event.source, &event.id, &event.sku, &event.project, &event.node, &event.job}) {
    *text = take_text();
  }
  const bool correction = event.kind == EventKind::correction;
  if (correction) {
    for (std::string_view* text : {&event.corrects_source, &event.corrects_id, &event.reason}) {
      *text = take_text();
    }
  }
  const bool known = correction || event.kind == EventKind::usage;
  if (!reader.ok() || !known || present == 0 || present > (has_time | has_interval)) {
    return Fault{"event_bytes_malformed", "these are not the bytes of an event"};
  }
  in = reader.rest();
  return taken;
}

MonthRun months_of(UsageSpan span, UtcOffset offset) {
  // An end at midnight does not touch the day that begins.
  const Instant last = span.to > span.from ? Instant{span.to.ms - 1} : span.from;
  return {month_of(local_day(span.from, offset)), month_of(local_day(last, offset))};
}

}  // namespace voucherd

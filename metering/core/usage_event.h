// A usage event and a correction, as views: into a request's body, an arena, or a
// decoded block. What is kept of an event is exactly these members; two events have
// the same content when all of them are equal (rules §7).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "metering/core/quantity.h"
#include "metering/core/time.h"

namespace voucherd {

enum class EventKind : std::uint8_t { usage = 1, correction = 2 };  // stored; never to change

/// Views only: whoever holds an EventView keeps the bytes alive. An empty view stands
/// for an absent optional member (project, node, job): "" and null are read as absent.
struct EventView {
  EventKind kind = EventKind::usage;
  std::string_view source, id, subject;
  std::optional<Instant> time;
  Quantity quantity;

  // usage
  std::string_view sku, project, node, job;
  std::optional<Instant> start, end;  // both or neither in a good event

  // correction
  std::string_view corrects_source, corrects_id, reason;

  /// Content equality, identity included.
  friend bool operator==(const EventView&, const EventView&) = default;
};

/// Whether `source` is `allowed`, or lies below it: "/a" allows "/a" and "/a/b", not "/ab".
inline bool is_source_within(std::string_view source, std::string_view allowed) {
  return source.starts_with(allowed) &&
         (source.size() == allowed.size() || allowed.ends_with('/') || source[allowed.size()] == '/');
}

/// The half-open span of time that the usage lies in: the interval, or the instant of `time`
/// twice. Precondition: the event has an interval or a time.
struct UsageSpan {
  Instant from, to;
};
inline UsageSpan usage_span(const EventView& event) {
  if (event.start) return {*event.start, *event.end};
  return {*event.time, *event.time};
}

/// Calls `part(LocalDay, Quantity)` for each local day that the span touches, in order, with
/// the parts of rules §2: floor(Q·t_k/T) − floor(Q·t_{k−1}/T). They add up to `quantity`;
/// a part may be 0. `from == to` is one part on that instant's day.
template <class Part>
void spread_over_days(Quantity quantity, UsageSpan span, UtcOffset offset, Part&& part) {
  LocalDay day = local_day(span.from, offset);
  const std::int64_t whole = span.to.ms - span.from.ms;
  Int128 given = 0;
  for (;; ++day.days) {
    const std::int64_t day_end = start_of(LocalDay{day.days + 1}, offset).ms;
    if (whole == 0 || day_end >= span.to.ms) {
      part(day, Quantity{quantity.nanos - given});
      return;
    }
    // 1e18 · 31 days in ms (2.7e9) is below 2^127.
    const Int128 upto = quantity.nanos * (day_end - span.from.ms) / whole;
    part(day, Quantity{upto - given});
    given = upto;
  }
}

}  // namespace voucherd

// What an EventBlock stores of an event beside its columns, and which events it takes at all:
// asserted before one is stored, checked again after it was read.
#pragma once

#include <cstdint>

#include "metering/core/usage_event.h"

namespace voucherd {

// Stored: never to change.
inline constexpr unsigned event_has_time = 1;
inline constexpr unsigned event_has_interval = 2;
inline constexpr unsigned event_is_correction = 4;  // in the bytes only
inline constexpr unsigned event_id_is_packed = 8;   // in the bytes only: hex digits, two to a byte
inline constexpr unsigned event_flags_known = 15;

/// Instants of the years 0000 to 9999 at any offset: local days of them fit their type.
inline bool is_storable(Instant instant) {
  return instant.ms >= -62'167'305'600'000 && instant.ms <= 253'402'387'200'000;
}

inline bool is_storable(const EventView& event) {
  const bool correction = event.kind == EventKind::correction;
  if (event.start.has_value() != event.end.has_value()) return false;
  if (!event.time && (correction || !event.start)) return false;
  if (event.time && !is_storable(*event.time)) return false;
  if (event.start && (!is_storable(*event.start) || !is_storable(*event.end) || *event.end < *event.start)) {
    return false;
  }
  return event.quantity.nanos >= (correction ? 0 : 1) && event.quantity.nanos <= Quantity::event_nanos_max;
}

}  // namespace voucherd

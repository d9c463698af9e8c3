// Values that checkpoints hold, read within what a journal can lead to: an instant, a day, a sum beyond that
// is damage. What was loaded can so be added to and shown like anything else.
#pragma once

#include "metering/core/quantity.h"
#include "metering/core/time.h"
#include "metering/state/byte_coding.h"
#include "metering/state/event_flags.h"

namespace voucherd {

/// Beyond any journal: of positions, and of events.
inline constexpr std::uint64_t saved_count_max = std::uint64_t{1} << 48;
/// More than so many events of the greatest quantity amount to: 2^48 · 10^18 < 2^108.
inline constexpr Int128 saved_nanos_max = Int128{1} << 108;
/// Beyond any day of the years 0000 to 9999, either way.
inline constexpr std::int32_t saved_days_max = 4'000'000;

inline Instant read_instant(ByteReader& in) {
  const Instant instant{in.signed_varint()};
  if (!is_storable(instant)) in.fail();
  return instant;
}

inline LocalDay read_day(ByteReader& in) {
  const std::int64_t days = in.signed_varint();
  if (days < -saved_days_max || days > saved_days_max) in.fail();
  return in.ok() ? LocalDay{static_cast<std::int32_t>(days)} : LocalDay{};
}

inline Quantity read_quantity(ByteReader& in) {
  const Quantity quantity{in.int128()};
  if (quantity.nanos < -saved_nanos_max || quantity.nanos > saved_nanos_max) in.fail();
  return in.ok() ? quantity : Quantity{};
}

}  // namespace voucherd

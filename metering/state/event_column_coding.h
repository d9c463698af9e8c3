// How numbers of events are coded in columns, the same in all versions of the payload.
#pragma once

#include <cstdint>

#include "metering/core/quantity.h"
#include "metering/state/byte_coding.h"

namespace voucherd {

/// A quantity as mantissa × 10^exponent: most have few digits and nine zeros behind them.
struct Scaled {
  std::uint64_t mantissa;
  unsigned exponent;
};

inline Scaled scale_down(std::uint64_t value) {
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

inline constexpr unsigned exponent_max = 18;

/// The value, or a negative number where it is no quantity of an event.
inline std::int64_t scale_up(Scaled scaled) {
  if (scaled.exponent > exponent_max) return -1;
  UInt128 value = scaled.mantissa;
  for (unsigned i = 0; i < scaled.exponent; ++i) value *= 10;
  return value <= static_cast<UInt128>(Quantity::event_nanos_max) ? static_cast<std::int64_t>(value) : -1;
}

// Differences are taken without a sign, so that no pair of numbers is beyond the range.
inline std::uint64_t difference(std::int64_t value, std::int64_t base) {
  return zigzag(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base)));
}
inline std::int64_t add(std::int64_t base, std::uint64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(base) +
                                   static_cast<std::uint64_t>(unzigzag(difference)));
}
inline std::int64_t subtract(std::int64_t base, std::uint64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(base) -
                                   static_cast<std::uint64_t>(unzigzag(difference)));
}

}  // namespace voucherd

// The one place that rounds what 128 bits don't hold.
#include "billing/core/exact_fen.h"

#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

Int128 to_narrow(const Wide& value) {
  static const Wide limit = (Wide(1) << 126);
  VOUCHERD_ASSERT(value < limit && value > -limit);
  const Wide magnitude = abs(value);
  const Wide low_mask = (Wide(1) << 64) - 1;
  const auto high = static_cast<std::uint64_t>(magnitude >> 64);
  const auto low = static_cast<std::uint64_t>(magnitude & low_mask);
  const auto joined = static_cast<Int128>((static_cast<UInt128>(high) << 64) | low);
  return value < 0 ? -joined : joined;
}

}  // namespace

Wide to_wide(Int128 value) {
  const bool negative = value < 0;
  const UInt128 magnitude = negative ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
  const Wide wide =
      (Wide(static_cast<std::uint64_t>(magnitude >> 64)) << 64) + static_cast<std::uint64_t>(magnitude);
  return negative ? Wide(-wide) : wide;
}

Fen round_half_away(const ExactFen& exact) {
  VOUCHERD_ASSERT(exact.denominator > 0);
  const Wide magnitude = abs(exact.numerator);
  Wide quotient;
  Wide remainder;
  divide_qr(magnitude, exact.denominator, quotient, remainder);
  if (remainder >= exact.denominator - remainder) ++quotient;
  const Int128 rounded = to_narrow(quotient);
  return {exact.numerator < 0 ? -rounded : rounded};
}

}  // namespace voucherd::billing

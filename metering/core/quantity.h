// Quantity: how much of a SKU, in units of 1e-9 (rules §3). One event's is at most
// 1e9; sums are exact in 128 bits. A value: copied, compared, printed.
#pragma once

#include <compare>

#include "metering/core/decimal.h"

namespace voucherd {

struct Quantity {
  Int128 nanos = 0;  // units of 1e-9

  static constexpr int scale = 9;
  static constexpr Int128 event_nanos_max = static_cast<Int128>(1'000'000'000) * 1'000'000'000;

  friend auto operator<=>(const Quantity&, const Quantity&) = default;
  friend Quantity operator+(Quantity a, Quantity b) { return {checked_add(a.nanos, b.nanos)}; }
  friend Quantity operator-(Quantity a, Quantity b) { return {checked_add(a.nanos, -b.nanos)}; }
  Quantity& operator+=(Quantity other) { return *this = *this + other; }
  Quantity& operator-=(Quantity other) { return *this = *this - other; }
  bool is_zero() const { return nanos == 0; }
};

inline std::string to_string(Quantity q) { return format_decimal(q.nanos, Quantity::scale); }

/// An event's quantity: 0 < q ≤ 1e9, a whole multiple of 1e-9 (0 only where `zero_allowed`,
/// in a correction). Faults: "quantity_malformed", "quantity_too_fine",
/// "quantity_out_of_range", "quantity_not_positive"; the detail names the text and the limit.
Result<Quantity> parse_event_quantity(std::string_view text, bool zero_allowed);

}  // namespace voucherd

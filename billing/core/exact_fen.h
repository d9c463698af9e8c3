// Exact amounts before they are rounded to fen (rules §3). Apart from money.h, since the wide integers take a
// compiler longer than most files that know money.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include "billing/core/money.h"

namespace voucherd::billing {

/// Wide enough for any product that the limits of rules §3 allow; checked, so it throws
/// instead of wrapping (std::overflow_error: a bug, not input).
using Wide = boost::multiprecision::checked_int512_t;

/// `value` as a Wide (multiprecision does not know __int128 in strict mode).
Wide to_wide(Int128 value);

/// An exact amount: numerator / denominator of a fen. Denominator > 0.
struct ExactFen {
  Wide numerator = 0;
  Wide denominator = 1;
};
/// Half away from zero: round(0.5) = 1, round(−0.5) = −1.
Fen round_half_away(const ExactFen& exact);

}  // namespace voucherd::billing

// The target of a year (rules §5): exact in millionths of a fen, rounded once at the end.
#include "billing/core/subsidy.h"

#include <algorithm>

#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

constexpr Int128 millionths_per_fen = 1'000'000;

Int128 checked_multiply(Int128 a, Int128 b) {
  Int128 product = 0;
  const bool overflow = __builtin_mul_overflow(a, b, &product);
  VOUCHERD_ASSERT(!overflow);
  return product;
}

}  // namespace

Fen subsidy_target(const std::vector<PolicyShare>& shares, Fen other_centres, Fen other_awards) {
  VOUCHERD_ASSERT(other_centres >= Fen{} && other_awards >= Fen{});
  Int128 earned = 0;  // s_k, in millionths of a fen
  for (const PolicyShare& share : shares) {
    const Fen cap_left = std::max(Fen{}, share.cap - other_centres);
    const Int128 uncapped =
        checked_add(earned, checked_multiply(share.eligible.value, share.rate.millionths));
    earned = std::max(earned, std::min(checked_multiply(cap_left.value, millionths_per_fen), uncapped));
  }
  return std::max(Fen{}, round_product(earned, 1, millionths_per_fen) - other_awards);
}

}  // namespace voucherd::billing

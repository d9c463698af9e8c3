// 128-bit integers, spelled once. Sums of quantities and products of money need
// more than 64 bits; __int128 is what GCC and Clang offer on every 64-bit machine.
#pragma once

#include <cstdint>
#include <string>

namespace voucherd {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

/// Decimal text of `value`, with a leading '-' where negative.
std::string to_string(Int128 value);

/// `a + b`; aborts on overflow: callers' limits make it unreachable, so it is a bug.
inline Int128 checked_add(Int128 a, Int128 b) {
  Int128 sum;
  if (__builtin_add_overflow(a, b, &sum)) __builtin_trap();
  return sum;
}

}  // namespace voucherd

// Decimal text of 128-bit integers, which the standard library doesn't print.
#include "metering/core/int128.h"

namespace voucherd {

std::string to_string(Int128 value) {
  char text[40];  // 2^127 has 39 digits, and a sign
  char* const end = text + sizeof text;
  char* at = end;
  // Unsigned, so that the smallest value has a magnitude too.
  UInt128 rest = value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
  do {
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (value < 0) *--at = '-';
  return {at, end};
}

}  // namespace voucherd

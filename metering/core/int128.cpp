// Decimal text of 128-bit integers, which the standard library doesn't print.
#include "metering/core/int128.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace voucherd {

namespace {

constexpr std::uint64_t eighteen_digits = 1'000'000'000'000'000'000;

/// Writes to `at`, with leading zeros up to `digits_min` digits; returns the end.
char* write_digits(char* at, std::uint64_t value, std::ptrdiff_t digits_min) {
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  at = std::fill_n(at, std::max<std::ptrdiff_t>(digits_min - (end - digits), 0), '0');
  return std::copy(static_cast<const char*>(digits), end, at);
}

/// Divides by 10^18 instead of by 10 for each digit: a division of 128 bits takes as long as ten of 64.
char* write_digits(char* at, UInt128 value) {
  if (value <= UINT64_MAX) return write_digits(at, static_cast<std::uint64_t>(value), 1);
  at = write_digits(at, value / eighteen_digits);
  return write_digits(at, static_cast<std::uint64_t>(value % eighteen_digits), 18);
}

}  // namespace

std::string to_string(Int128 value) {
  char text[40];  // 2^127 has 39 digits, and a sign
  char* at = text;
  if (value < 0) *at++ = '-';
  // Unsigned, so that the smallest value has a magnitude too.
  at = write_digits(at, value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value));
  return {text, at};
}

}  // namespace voucherd

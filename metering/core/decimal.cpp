// Decimals: the text is split into digits and an exponent, the digits are read as one
// integer, and a power of ten brings it to the wanted scale. Nothing is ever rounded: what
// is no whole multiple of the unit is refused. Texts of up to 19 characters, which is all
// that meters send in practice, stay within 64 bits.
#include "metering/core/decimal.h"

#include <array>

#include "metering/core/assert.h"

namespace voucherd {
namespace {

constexpr int magnitude_digits_max = 36;  // of the result: at most 10^36 units
constexpr int u64_text_bytes_max = 19;    // so many digits always fit 64 bits
constexpr int exponent_max = 100'000;     // far out of range already; keeps the sum below from overflowing

constexpr auto powers_of_ten = [] {
  std::array<UInt128, 39> table{};
  UInt128 power = 1;
  for (UInt128& entry : table) {
    entry = power;
    power *= 10;
  }
  return table;
}();

/// A JSON number, taken apart. Value: ± digits · 10^exponent, the digits with the point left out.
struct Scanned {
  bool negative = false;
  const char* digits = nullptr;      // the first digit
  const char* digits_end = nullptr;  // behind the last one; a '.' may stand between
  int exponent = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

const char* skip_digits(const char* at, const char* end) {
  while (at != end && is_digit(*at)) ++at;
  return at;
}

/// Reads what stands behind 'e'; false where there is no digit or something behind the digits.
bool scan_exponent(const char* at, const char* end, int& exponent) {
  const bool negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  if (at == end) return false;
  int value = 0;
  for (; at != end; ++at) {
    if (!is_digit(*at)) return false;
    if (value < exponent_max) value = value * 10 + (*at - '0');
  }
  exponent += negative ? -value : value;
  return true;
}

/// The grammar of RFC 8259 §6; false where `text` is none of it.
bool scan(std::string_view text, Scanned& out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at != end && *at == '-') {
    out.negative = true;
    ++at;
  }
  out.digits = at;
  at = skip_digits(at, end);
  if (at == out.digits) return false;
  if (*out.digits == '0' && at - out.digits > 1) return false;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    at = skip_digits(at, end);
    if (at == fraction) return false;
    out.exponent = -static_cast<int>(at - fraction);
  }
  out.digits_end = at;
  if (at == end) return true;
  if (*at != 'e' && *at != 'E') return false;
  return scan_exponent(at + 1, end, out.exponent);
}

Fault malformed(std::string_view text) {
  if (text.size() > decimal_text_bytes_max) {
    return {"decimal_malformed", "a decimal of " + std::to_string(text.size()) + " characters; at most " +
                                     std::to_string(decimal_text_bytes_max) + " are read"};
  }
  return {"decimal_malformed", "\"" + std::string(text) + "\" is no decimal; write it like 12, 0.5 or 1e3"};
}

Fault too_fine(std::string_view text, int scale) {
  return {"decimal_too_fine", std::string(text) + " is finer than " + std::to_string(scale) +
                                  " fraction digits; nothing is rounded"};
}

Fault out_of_range(std::string_view text) {
  return {"decimal_out_of_range", std::string(text) + " is too large"};
}

/// The digits as one integer. Precondition: they fit.
template <class Unsigned>
Unsigned read_digits(const char* at, const char* end) {
  Unsigned value = 0;
  for (; at != end; ++at) {
    if (*at != '.') value = value * 10 + static_cast<Unsigned>(*at - '0');
  }
  return value;
}

/// Leaves out zeros at both ends, which change the exponent only; returns the digits left.
int strip_zeros(Scanned& number) {
  int digits = 0;
  for (const char* at = number.digits; at != number.digits_end; ++at) digits += *at != '.' ? 1 : 0;
  while (number.digits != number.digits_end && (*number.digits == '0' || *number.digits == '.')) {
    digits -= *number.digits == '0' ? 1 : 0;
    ++number.digits;
  }
  while (number.digits != number.digits_end &&
         (number.digits_end[-1] == '0' || number.digits_end[-1] == '.')) {
    const bool zero = number.digits_end[-1] == '0';
    digits -= zero ? 1 : 0;
    number.exponent += zero ? 1 : 0;
    --number.digits_end;
  }
  return digits;
}

enum class Scaling { exact, too_fine, out_of_range };

/// `value` · 10^shift into `units`, exactly or not at all.
Scaling scale_up_or_down(UInt128 value, int shift, UInt128& units) {
  units = 0;
  if (value == 0) return Scaling::exact;
  if (shift >= 0) {
    if (shift > magnitude_digits_max) return Scaling::out_of_range;
    if (value > powers_of_ten[static_cast<std::size_t>(magnitude_digits_max - shift)]) {
      return Scaling::out_of_range;
    }
    units = value * powers_of_ten[static_cast<std::size_t>(shift)];
    return Scaling::exact;
  }
  if (-shift >= static_cast<int>(powers_of_ten.size())) return Scaling::too_fine;
  const UInt128 divisor = powers_of_ten[static_cast<std::size_t>(-shift)];
  units = value / divisor;
  if (units * divisor != value) return Scaling::too_fine;
  return units > powers_of_ten[magnitude_digits_max] ? Scaling::out_of_range : Scaling::exact;
}

}  // namespace

Result<Int128> parse_decimal(std::string_view text, int scale) {
  VOUCHERD_ASSERT(scale >= 0 && scale <= 18);
  Scanned number;
  if (text.size() > decimal_text_bytes_max || !scan(text, number)) return malformed(text);
  UInt128 value = 0;
  if (number.digits_end - number.digits <= u64_text_bytes_max) {
    value = read_digits<std::uint64_t>(number.digits, number.digits_end);
  } else {
    const int digits = strip_zeros(number);
    const int shift = scale + number.exponent;
    // Without zeros at its end, so many digits are either finer than the unit or too many.
    if (digits > 38) return shift < 0 ? too_fine(text, scale) : out_of_range(text);
    value = read_digits<UInt128>(number.digits, number.digits_end);
  }
  UInt128 units = 0;
  switch (scale_up_or_down(value, scale + number.exponent, units)) {
    case Scaling::too_fine:
      return too_fine(text, scale);
    case Scaling::out_of_range:
      return out_of_range(text);
    case Scaling::exact:
      break;
  }
  const auto magnitude = static_cast<Int128>(units);
  return number.negative ? -magnitude : magnitude;
}

std::string format_fixed(Int128 units, int scale) {
  VOUCHERD_ASSERT(scale >= 0 && scale <= 18);
  std::string text = to_string(units);
  if (scale == 0) return text;
  const std::size_t sign = units < 0 ? 1 : 0;
  const auto fraction = static_cast<std::size_t>(scale);
  if (text.size() - sign <= fraction) text.insert(sign, fraction + 1 - (text.size() - sign), '0');
  text.insert(text.size() - fraction, 1, '.');
  return text;
}

std::string format_decimal(Int128 units, int scale) {
  std::string text = format_fixed(units, scale);
  if (scale == 0) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace voucherd

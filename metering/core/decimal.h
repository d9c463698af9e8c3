// Decimals taken from their text, exactly: never through a binary float.
// Grammar: that of a JSON number (RFC 8259 §6), for strings as well.
#pragma once

#include <string>
#include <string_view>

#include "metering/core/int128.h"
#include "metering/core/result.h"

namespace voucherd {

inline constexpr std::size_t decimal_text_bytes_max = 40;  // rules §3: at most 40 characters

/// The value of `text` as a whole number of 10^-scale (0 ≤ scale ≤ 18).
/// Faults: "decimal_malformed" (not a JSON number, or over 40 characters),
/// "decimal_too_fine" (not a whole multiple of 10^-scale; trailing zeros are fine),
/// "decimal_out_of_range" (above 10^36 units, exponent included).
Result<Int128> parse_decimal(std::string_view text, int scale);

/// `units` of 10^-scale without trailing zeros: (12500000000, 9) is "12.5", 0 is "0".
std::string format_decimal(Int128 units, int scale);

/// `units` of 10^-scale with exactly `scale` fraction digits: (10, 2) is "0.10".
std::string format_fixed(Int128 units, int scale);

}  // namespace voucherd

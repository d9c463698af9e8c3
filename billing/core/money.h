// Money: amounts are integers of 分, prices exact decimals, and rounding happens in one
// place, half away from zero (rules §3). No floating point anywhere.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/quantity.h"

namespace voucherd::billing {

/// An amount of 分 (0.01 yuan), positive or negative.
struct Fen {
  Int128 value = 0;
  friend auto operator<=>(const Fen&, const Fen&) = default;
  friend Fen operator+(Fen a, Fen b) { return {checked_add(a.value, b.value)}; }
  friend Fen operator-(Fen a, Fen b) { return {checked_add(a.value, -b.value)}; }
  Fen& operator+=(Fen other) { return *this = *this + other; }
  Fen& operator-=(Fen other) { return *this = *this - other; }
  bool is_zero() const { return value == 0; }
};
/// "106.25", always two digits.
std::string to_string(Fen amount);
/// "106.25", "106.2" or "106"; at most 2 fraction digits, magnitude ≤ 10^15 yuan.
Result<Fen> parse_fen(std::string_view text);

/// A unit price in units of 1e-12 yuan: 6 digits of the price times 6 of a discount.
struct UnitPrice {
  Int128 pico = 0;
  static constexpr int scale = 12;
  friend auto operator<=>(const UnitPrice&, const UnitPrice&) = default;
};
std::string to_string(UnitPrice price);
/// 0 ≤ p < 1,000,000, at most 6 fraction digits. Faults "price_malformed", "price_too_fine",
/// "price_out_of_range".
Result<UnitPrice> parse_price(std::string_view text);

/// A rate in millionths with the text that it was given as ("0.20" is printed as "0.20").
/// 0 ≤ r ≤ 1, at most 6 digits.
struct Rate {
  std::int64_t millionths = 0;
  std::string text = "0";
  friend bool operator==(const Rate& a, const Rate& b) { return a.millionths == b.millionths; }
};
Result<Rate> parse_rate(std::string_view text);

/// `price × (1 − discount)`, exact. Precondition: `price` has at most 6 fraction digits.
UnitPrice discounted(UnitPrice price, const Rate& discount);

/// round(a × b / denominator), half away from zero. Takes 128 bits where the product fits, and
/// the wide way (exact_fen.h) where it does not: the figure is the same. Precondition: denominator > 0.
Fen round_product(Int128 a, Int128 b, Int128 denominator);

}  // namespace voucherd::billing

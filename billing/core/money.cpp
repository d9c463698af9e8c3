// Amounts, prices and rates as text and as integers, and rounding in 128 bits. The wide way (exact_fen.cpp)
// must give the same figure; a test compares them.
#include "billing/core/money.h"

#include "billing/core/exact_fen.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

constexpr int fen_digits = 2;
constexpr int price_digits = 6;
constexpr Int128 fen_magnitude_max = static_cast<Int128>(1'000'000'000'000'000) * 100;
constexpr Int128 micro = 1'000'000;  // 10^price_digits, also the unit of a rate

/// `text` in units of 10^-digits; parse_decimal()'s faults under the name of `what`.
Result<Int128> parse_scaled(std::string_view text, int digits, std::string_view what) {
  Result<Int128> units = parse_decimal(text, digits);
  if (units) return units;
  Fault fault = units.error();
  fault.code.replace(0, std::string_view("decimal").size(), what);
  return fault;
}

Fault out_of_range(std::string_view what, std::string_view text, std::string_view limits) {
  return {std::string(what) + "_out_of_range",
          std::string(text) + " is out of range; " + std::string(limits)};
}

}  // namespace

std::string to_string(Fen amount) { return format_fixed(amount.value, fen_digits); }

Result<Fen> parse_fen(std::string_view text) {
  const Result<Int128> units = parse_scaled(text, fen_digits, "amount");
  if (!units) return units.error();
  if (*units > fen_magnitude_max || *units < -fen_magnitude_max)
    return out_of_range("amount", text, "an amount is at most 10^15 yuan");
  return Fen{*units};
}

std::string to_string(UnitPrice price) { return format_decimal(price.pico, UnitPrice::scale); }

Result<UnitPrice> parse_price(std::string_view text) {
  const Result<Int128> units = parse_scaled(text, price_digits, "price");
  if (!units) return units.error();
  if (*units < 0 || *units >= 1'000'000 * micro)
    return out_of_range("price", text, "a unit price is at least 0 and below 1000000 yuan");
  return UnitPrice{*units * micro};
}

Result<Rate> parse_rate(std::string_view text) {
  const Result<Int128> units = parse_scaled(text, price_digits, "rate");
  if (!units) return units.error();
  if (*units < 0 || *units > micro)
    return out_of_range("rate", text, "a rate is from 0 to 1 (20 % is \"0.20\")");
  return Rate{static_cast<std::int64_t>(*units), std::string(text)};
}

UnitPrice discounted(UnitPrice price, const Rate& discount) {
  VOUCHERD_ASSERT(price.pico % micro == 0);
  return {price.pico / micro * (micro - discount.millionths)};
}

Fen round_product(Int128 a, Int128 b, Int128 denominator) {
  VOUCHERD_ASSERT(denominator > 0);
  Int128 product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    return round_half_away({to_wide(a) * to_wide(b), to_wide(denominator)});
  const Int128 quotient = product / denominator;
  const Int128 remainder = product % denominator;
  const Int128 distance = remainder < 0 ? -remainder : remainder;
  if (distance < denominator - distance) return {quotient};
  return {product < 0 ? quotient - 1 : quotient + 1};
}

}  // namespace voucherd::billing

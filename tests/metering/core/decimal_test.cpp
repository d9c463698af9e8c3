// Decimals against the grammar of JSON numbers, against their limits, and, for random ones,
// against long arithmetic on the digits as text.
#include "metering/core/decimal.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace voucherd {
namespace {

constexpr Int128 ten_to(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

std::string fault_of(std::string_view text, int scale) {
  const Result<Int128> result = parse_decimal(text, scale);
  return result ? "none" : result.error().code;
}

std::string units_of(std::string_view text, int scale) {
  const Result<Int128> result = parse_decimal(text, scale);
  return result ? to_string(*result) : result.error().code;
}

TEST(DecimalTest, ReadsAsWholeUnitsOfItsScale) {
  EXPECT_EQ(units_of("0", 9), "0");
  EXPECT_EQ(units_of("-0", 9), "0");
  EXPECT_EQ(units_of("8", 9), "8000000000");
  EXPECT_EQ(units_of("8.0", 9), "8000000000");
  EXPECT_EQ(units_of("1.250000", 9), "1250000000");
  EXPECT_EQ(units_of("-1.25", 2), "-125");
  EXPECT_EQ(units_of("0.000000001", 9), "1");
  EXPECT_EQ(units_of("12", 0), "12");
  EXPECT_EQ(units_of("1.0", 0), "1");
  EXPECT_EQ(units_of("0.123456789012345678", 18), "123456789012345678");
}

TEST(DecimalTest, ReadsExponentsOfEitherSign) {
  EXPECT_EQ(units_of("1e3", 9), "1000000000000");
  EXPECT_EQ(units_of("1E+3", 9), "1000000000000");
  EXPECT_EQ(units_of("1.5e-3", 9), "1500000");
  EXPECT_EQ(units_of("1000e-12", 9), "1");
  EXPECT_EQ(units_of("0e999999999999999999999999", 9), "0");
  EXPECT_EQ(units_of("0.0e-99999", 9), "0");
  EXPECT_EQ(units_of("1e00000000000000000000000000000000003", 0), "1000");
}

TEST(DecimalTest, RefusesWhatIsNoJsonNumber) {
  for (const std::string_view text :
       {"",    "-",        "+1",   "01",    "-01",   "00", ".5",   "5.",  "1.e3", "1e",
        "1e+", "1e-",      "e3",   "1e3.5", "1.2.3", " 1", "1 ",   "1,5", "0x10", "NaN",
        "nan", "Infinity", "-inf", "1_000", "--1",   "1-", "1e3 ", "１",  "1\n"}) {
    EXPECT_EQ(fault_of(text, 9), "decimal_malformed") << text;
  }
  EXPECT_EQ(fault_of(std::string_view("1\0", 2), 9), "decimal_malformed");
}

TEST(DecimalTest, ReadsFortyCharactersAndRefusesMore) {
  EXPECT_EQ(units_of("0." + std::string(38, '0'), 9), "0");
  EXPECT_EQ(units_of("1." + std::string(38, '0'), 9), "1000000000");
  EXPECT_EQ(fault_of("1." + std::string(39, '0'), 9), "decimal_malformed");
  EXPECT_EQ(fault_of(std::string(1000, '1'), 9), "decimal_malformed");
}

TEST(DecimalTest, RefusesFinerFractionsInsteadOfRounding) {
  EXPECT_EQ(fault_of("0.0000000001", 9), "decimal_too_fine");
  EXPECT_EQ(fault_of("1.0000000001", 9), "decimal_too_fine");
  EXPECT_EQ(fault_of("1e-10", 9), "decimal_too_fine");
  EXPECT_EQ(fault_of("1e-99999999999", 9), "decimal_too_fine");
  EXPECT_EQ(fault_of("0." + std::string(37, '0') + "1", 9), "decimal_too_fine");
  EXPECT_EQ(fault_of("1.5", 0), "decimal_too_fine");
  EXPECT_EQ(units_of("1.0000000000000000000000000000000000000", 9), "1000000000");
}

TEST(DecimalTest, HoldsTenToThe36UnitsAndRefusesMore) {
  EXPECT_EQ(units_of("1" + std::string(36, '0'), 0), to_string(ten_to(36)));
  EXPECT_EQ(units_of("-1" + std::string(36, '0'), 0), to_string(-ten_to(36)));
  EXPECT_EQ(fault_of("1" + std::string(35, '0') + "1", 0), "decimal_out_of_range");
  EXPECT_EQ(units_of("1e27", 9), to_string(ten_to(36)));
  EXPECT_EQ(fault_of("1e28", 9), "decimal_out_of_range");
  EXPECT_EQ(fault_of("1.000000001e27", 9), "decimal_out_of_range");
  EXPECT_EQ(fault_of("1e99999999999999", 9), "decimal_out_of_range");
  EXPECT_EQ(fault_of(std::string(40, '9'), 0), "decimal_out_of_range");
  EXPECT_EQ(fault_of("1" + std::string(39, '0'), 0), "decimal_out_of_range");
  EXPECT_EQ(fault_of("18446744073709551616e18", 0), "decimal_out_of_range");
}

TEST(DecimalTest, RandomDecimalsKeepEachDigit) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const int scale = static_cast<int>(random() % 19);
    std::string whole = std::to_string(random() % 10 == 0 ? 0U : random());
    if (random() % 2 == 0 && whole != "0") whole += std::to_string(random());
    std::string fraction;
    for (auto i = random() % static_cast<std::uint32_t>(scale + 1); i > 0; --i) {
      fraction += static_cast<char>('0' + static_cast<int>(random() % 10));
    }
    // The same value with its point moved by `shift` digits and an exponent that moves it back.
    const std::string text = fraction.empty() ? whole : whole + "." + fraction;
    if (text.size() > decimal_text_bytes_max) continue;
    std::string units =
        whole + fraction + std::string(static_cast<std::size_t>(scale) - fraction.size(), '0');
    units.erase(0, std::min(units.find_first_not_of('0'), units.size() - 1));
    if (units.size() > 36) continue;
    ASSERT_EQ(units_of(text, scale), units) << text << " at scale " << scale;
    if (fraction.empty() || whole == "0") continue;
    const std::string moved = whole + fraction + "e-" + std::to_string(fraction.size());
    if (moved.size() <= decimal_text_bytes_max) {
      ASSERT_EQ(units_of(moved, scale), units) << moved;
    }
  }
}

TEST(DecimalTest, PrintsWithoutTrailingZeros) {
  EXPECT_EQ(format_decimal(12'500'000'000, 9), "12.5");
  EXPECT_EQ(format_decimal(0, 9), "0");
  EXPECT_EQ(format_decimal(1, 9), "0.000000001");
  EXPECT_EQ(format_decimal(-1, 9), "-0.000000001");
  EXPECT_EQ(format_decimal(100'000'000'000, 9), "100");
  EXPECT_EQ(format_decimal(100, 0), "100");
  EXPECT_EQ(format_decimal(-ten_to(36), 9), "-1000000000000000000000000000");
}

TEST(DecimalTest, PrintsWithExactlyTheDigitsOfItsScale) {
  EXPECT_EQ(format_fixed(10, 2), "0.10");
  EXPECT_EQ(format_fixed(0, 2), "0.00");
  EXPECT_EQ(format_fixed(-5, 2), "-0.05");
  EXPECT_EQ(format_fixed(-12345, 2), "-123.45");
  EXPECT_EQ(format_fixed(7, 0), "7");
}

TEST(DecimalTest, WhatIsPrintedReadsBackTheSame) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const int scale = static_cast<int>(random() % 19);
    auto units =
        static_cast<Int128>(static_cast<UInt128>(random()) * random() % static_cast<UInt128>(ten_to(36)));
    for (auto shrink = random() % 36; shrink > 0; --shrink) units /= 10;
    if (random() % 2 == 0) units = -units;
    ASSERT_EQ(units_of(format_decimal(units, scale), scale), to_string(units));
    ASSERT_EQ(units_of(format_fixed(units, scale), scale), to_string(units));
  }
}

TEST(Int128Test, PrintsTheEndsOfItsRange) {
  const auto largest = static_cast<Int128>(~UInt128{0} >> 1);
  EXPECT_EQ(to_string(largest), "170141183460469231731687303715884105727");
  EXPECT_EQ(to_string(-largest - 1), "-170141183460469231731687303715884105728");
  EXPECT_EQ(to_string(Int128{0}), "0");
}

TEST(Int128DeathTest, AddingBeyondTheRangeAborts) {
  const auto largest = static_cast<Int128>(~UInt128{0} >> 1);
  EXPECT_EQ(checked_add(largest, 0), largest);
  EXPECT_DEATH(static_cast<void>(checked_add(largest, 1)), "");
}

}  // namespace
}  // namespace voucherd

// Text of 128-bit integers against one digit after another.
#include "metering/core/int128.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace voucherd {
namespace {

std::string digit_by_digit(Int128 value) {
  std::string text;
  UInt128 rest = value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
  for (; rest != 0 || text.empty(); rest /= 10) text += static_cast<char>('0' + static_cast<int>(rest % 10));
  if (value < 0) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

TEST(Int128Test, HasTheTextOfItsDigits) {
  constexpr Int128 largest = static_cast<Int128>(~UInt128{0} >> 1);
  EXPECT_EQ(to_string(Int128{0}), "0");
  EXPECT_EQ(to_string(largest), "170141183460469231731687303715884105727");
  EXPECT_EQ(to_string(-largest - 1), "-170141183460469231731687303715884105728");
  EXPECT_EQ(to_string(Int128{1'000'000'000'000'000'000} * 1'000'000'000'000'000'000 + 7),
            "1000000000000000000000000000000000007");
}

TEST(Int128Test, IsRightAroundEveryPowerOfTenAndTwo) {
  for (const int base : {2, 10}) {
    const UInt128 last = (~UInt128{0} >> 1) / static_cast<unsigned>(base);
    for (UInt128 power = 1, before = 0; before <= last;
         before = power, power *= static_cast<unsigned>(base)) {
      for (int away = -1; away <= 1; ++away) {
        const Int128 value = static_cast<Int128>(power) + away;
        EXPECT_EQ(to_string(value), digit_by_digit(value));
        EXPECT_EQ(to_string(-value), digit_by_digit(-value));
      }
    }
  }
}

TEST(Int128Test, IsRightForAnyBits) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const UInt128 bits = static_cast<UInt128>(random()) << 64 | random();
    const auto value = static_cast<Int128>(bits >> (random() % 128));
    ASSERT_EQ(to_string(value), digit_by_digit(value));
    ASSERT_EQ(to_string(-value), digit_by_digit(-value));
  }
}

}  // namespace
}  // namespace voucherd

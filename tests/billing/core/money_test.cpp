// Amounts, prices, rates and the one place that rounds.
#include "billing/core/money.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "billing/core/exact_fen.h"

namespace voucherd::billing {
namespace {

std::string price_fault(std::string_view text) { return parse_price(text).error().code; }
std::string rate_fault(std::string_view text) { return parse_rate(text).error().code; }
std::string amount_fault(std::string_view text) { return parse_fen(text).error().code; }

TEST(MoneyTest, AnAmountIsPrintedWithExactlyTwoDigits) {
  EXPECT_EQ(to_string(Fen{10625}), "106.25");
  EXPECT_EQ(to_string(Fen{10}), "0.10");
  EXPECT_EQ(to_string(Fen{0}), "0.00");
  EXPECT_EQ(to_string(Fen{-5}), "-0.05");
}

TEST(MoneyTest, AnAmountIsReadWithUpToTwoDigits) {
  EXPECT_EQ(parse_fen("106.25").value(), Fen{10625});
  EXPECT_EQ(parse_fen("106.2").value(), Fen{10620});
  EXPECT_EQ(parse_fen("-106").value(), Fen{-10600});
  EXPECT_EQ(parse_fen("1000000000000000").value(), Fen{100'000'000'000'000'000});
  EXPECT_EQ(amount_fault("1.005"), "amount_too_fine");
  EXPECT_EQ(amount_fault("1000000000000000.01"), "amount_out_of_range");
  EXPECT_EQ(amount_fault("-1000000000000000.01"), "amount_out_of_range");
  EXPECT_EQ(amount_fault("1,5"), "amount_malformed");
}

TEST(MoneyTest, APriceHasItsLimits) {
  EXPECT_EQ(parse_price("8.50").value(), UnitPrice{8'500'000'000'000});
  EXPECT_EQ(to_string(parse_price("8.50").value()), "8.5");
  EXPECT_EQ(to_string(parse_price("999999.999999").value()), "999999.999999");
  EXPECT_EQ(parse_price("0").value(), UnitPrice{0});
  EXPECT_EQ(price_fault("1000000"), "price_out_of_range");
  EXPECT_EQ(price_fault("-0.01"), "price_out_of_range");
  EXPECT_EQ(price_fault("0.0000001"), "price_too_fine");
  EXPECT_EQ(price_fault("NaN"), "price_malformed");
}

TEST(MoneyTest, ARateKeepsTheTextThatItWasGivenAs) {
  EXPECT_EQ(parse_rate("0.20").value().millionths, 200'000);
  EXPECT_EQ(parse_rate("0.20").value().text, "0.20");
  EXPECT_EQ(parse_rate("0.20").value(), parse_rate("0.2").value());
  EXPECT_EQ(parse_rate("1").value().millionths, 1'000'000);
  EXPECT_EQ(rate_fault("1.000001"), "rate_out_of_range");
  EXPECT_EQ(rate_fault("-0.1"), "rate_out_of_range");
  EXPECT_EQ(rate_fault("0.0000001"), "rate_too_fine");
  EXPECT_EQ(rate_fault(""), "rate_malformed");
}

TEST(MoneyTest, ADiscountIsExactToTwelveDigits) {
  const UnitPrice price = discounted(parse_price("999999.999999").value(), parse_rate("0.000001").value());
  EXPECT_EQ(to_string(price), "999998.999999000001");
  EXPECT_EQ(discounted(parse_price("8.5").value(), parse_rate("1").value()).pico, 0) << "nothing is left";
  EXPECT_EQ(to_string(discounted(parse_price("8.5").value(), parse_rate("0.10").value())), "7.65");
}

TEST(MoneyTest, RoundsHalfAwayFromZero) {
  EXPECT_EQ(round_half_away({1, 2}), Fen{1});
  EXPECT_EQ(round_half_away({-1, 2}), Fen{-1});
  EXPECT_EQ(round_half_away({5, 2}), Fen{3}) << "not half to even";
  EXPECT_EQ(round_half_away({49, 100}), Fen{0});
  EXPECT_EQ(round_half_away({-151, 100}), Fen{-2});
  EXPECT_EQ(round_product(1, 1, 2), Fen{1});
  EXPECT_EQ(round_product(-5, 1, 2), Fen{-3});
  EXPECT_EQ(round_product(7, 1, 5), Fen{1});
  EXPECT_EQ(round_product(-8, 1, 5), Fen{-2});
  EXPECT_EQ(round_product(0, 1, 5), Fen{0});
}

TEST(MoneyTest, AProductBeyond128BitsTakesTheWideWay) {
  // 1e24 units of 1e-9 at 999,999.999999 yuan: 2^140.
  const Int128 quantity = static_cast<Int128>(1'000'000'000'000) * 1'000'000'000'000;
  const Int128 price = parse_price("999999.999999").value().pico;
  const Int128 per_fen = static_cast<Int128>(10'000'000'000) * 1'000'000'000;
  EXPECT_EQ(to_string(round_product(quantity, price, per_fen)), "999999999999000000000.00");
  EXPECT_EQ(to_string(round_product(-quantity, price, per_fen)), "-999999999999000000000.00");
}

TEST(MoneyTest, TheNarrowAndTheWideWayRoundAlike) {
  EXPECT_TRUE(rc::check("round_product equals round_half_away", [](std::int64_t a, std::int64_t b) {
    const auto denominator = *rc::gen::positive<std::int64_t>();
    RC_ASSERT(round_product(a, b, denominator) ==
              round_half_away({to_wide(a) * to_wide(b), to_wide(denominator)}));
  }));
}

TEST(MoneyTest, WideHoldsEvery128BitValue) {
  EXPECT_TRUE(rc::check("to_wide keeps the value", [](std::int64_t high, std::uint64_t low) {
    const Int128 value = (static_cast<Int128>(high) * 1'000'000'007) + static_cast<Int128>(low);
    RC_ASSERT(to_wide(value).str() == voucherd::to_string(value));
  }));
}

}  // namespace
}  // namespace voucherd::billing

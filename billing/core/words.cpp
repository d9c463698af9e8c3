// 人民币大写 (支付结算办法 附一; rules §9). Numbers are read in groups of four digits: 万 and 亿
// join them, and 零 stands once where digits are missing in between.
#include <array>

#include "billing/core/statement.h"

namespace voucherd::billing {

namespace {

constexpr std::array<std::string_view, 10> digit_words{"零", "壹", "贰", "叁", "肆",
                                                       "伍", "陆", "柒", "捌", "玖"};
struct Place {
  UInt128 value;
  std::string_view name;
};
constexpr std::array<Place, 5> places{
    {{100'000'000, "亿"}, {10'000, "万"}, {1'000, "仟"}, {100, "佰"}, {10, "拾"}}};

std::string digit(UInt128 value) { return std::string(digit_words[static_cast<std::size_t>(value)]); }

/// `number` > 0 without a unit. The highest place that it reaches divides it in two; 零 is
/// written where the lower part does not reach the place below.
std::string in_words(UInt128 number) {
  for (const Place& place : places) {
    if (number < place.value) continue;
    const UInt128 lower = number % place.value;
    std::string words = in_words(number / place.value) + std::string(place.name);
    if (lower == 0) return words;
    const bool group_missing = number / place.value % 10'000 == 0;  // as in 1060 0000 1995 4526
    if (lower < place.value / 10 || group_missing) words += digit_words[0];
    return words + in_words(lower);
  }
  return digit(number);
}

}  // namespace

std::string amount_in_words(Fen amount) {
  const bool negative = amount.value < 0;
  const UInt128 fen = negative ? -static_cast<UInt128>(amount.value) : static_cast<UInt128>(amount.value);
  const UInt128 yuan = fen / 100;
  const UInt128 jiao = fen / 10 % 10;
  const UInt128 rest = fen % 10;
  std::string words = negative ? "人民币（负数）" : "人民币";
  if (fen == 0) return words + "零元整";
  if (yuan > 0) {
    words += in_words(yuan) + "元";
    if (jiao == 0 && rest == 0) return words + "整";
    if (yuan % 10 == 0 || jiao == 0) words += digit_words[0];
  }
  if (jiao > 0) words += digit(jiao) + "角";
  if (rest > 0) words += digit(rest) + "分";
  return words;
}

}  // namespace voucherd::billing

#include "billing/render/grouped_figure.h"

#include <algorithm>

#include "metering/core/decimal.h"

namespace voucherd::billing {

std::string grouped(std::string_view decimal) {
  const bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  const std::size_t whole = std::min(decimal.find('.'), decimal.size());
  std::string out = negative ? "-" : "";
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % 3 == 0) out += ',';
    out += decimal[i];
  }
  return out.append(decimal.substr(whole));
}

std::string as_percent(std::string_view rate) {
  constexpr int rate_digits = 6;
  const auto millionths = parse_decimal(rate, rate_digits);
  if (!millionths) return std::string(rate);
  return format_decimal(*millionths, rate_digits - 2) + "%";
}

}  // namespace voucherd::billing

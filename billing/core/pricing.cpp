// Prices are kept in 1e-12 yuan and quantities in 1e-9, so a product is in 1e-21 yuan: 1e19 of
// them are a fen. Nothing is rounded before the whole amount stands there.
#include "billing/core/pricing.h"

#include <algorithm>

#include "billing/core/exact_fen.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

constexpr std::int64_t rate_unit = 1'000'000;
constexpr Int128 products_per_fen = static_cast<Int128>(10'000'000'000) * 1'000'000'000;  // 1e19

const SkuPrice* find_price(const PriceList& prices, const SkuId& sku) {
  const auto found = prices.find(sku);
  return found == prices.end() ? nullptr : &found->second;
}

/// Σ over the tiers of the quantity in it × its price, in 1e-21 yuan. Always wide: it is
/// needed once a charge, and only for graduated prices.
Wide graduated_product(const SkuPrice& price, Quantity quantity) {
  Wide sum = 0;
  Quantity below;
  for (const PriceTier& tier : price.tiers) {
    const Quantity upper = tier.up_to ? std::min(*tier.up_to, quantity) : quantity;
    if (upper <= below) break;
    sum += to_wide((upper - below).nanos) * to_wide(tier.price.pico);
    below = upper;
  }
  VOUCHERD_ASSERT(below == quantity);
  return sum;
}

Fen rounded_amount(const SkuPrice& price, Quantity part, Quantity whole) {
  VOUCHERD_ASSERT(!price.tiers.empty() && whole.nanos > 0 && part.nanos >= 0 && part <= whole);
  if (price.is_flat()) return round_product(part.nanos, price.tiers.front().price.pico, products_per_fen);
  return round_half_away({graduated_product(price, whole) * to_wide(part.nanos),
                          to_wide(products_per_fen) * to_wide(whole.nanos)});
}

}  // namespace

SkuPrice AppliedPrice::price() const {
  SkuPrice price = *stated;
  if (discount == nullptr) return price;
  for (PriceTier& tier : price.tiers) tier.price = discounted(tier.price, *discount);
  return price;
}

std::optional<AppliedPrice> price_of(const PriceBook& book, const Contract* contract, const SkuId& sku) {
  const SkuPrice* listed = find_price(book.prices, sku);
  if (contract != nullptr) {
    if (const auto* own_prices = std::get_if<PriceList>(&contract->terms)) {
      if (const SkuPrice* own = find_price(*own_prices, sku)) return AppliedPrice{own, nullptr, true};
    } else if (listed != nullptr) {
      return AppliedPrice{listed, &std::get<Rate>(contract->terms), true};
    }
  }
  if (listed == nullptr) return std::nullopt;
  return AppliedPrice{listed, nullptr, false};
}

std::optional<UnitPrice> shown_price(const SkuPrice& price) {
  if (!price.is_flat()) return std::nullopt;
  return price.tiers.front().price;
}

TaxedAmount amount_of(const SkuPrice& price, Quantity part, Quantity whole, const Tax& tax) {
  const Fen amount = rounded_amount(price, part, whole);
  if (tax.inclusive) {
    const Fen net = round_product(amount.value, rate_unit, rate_unit + tax.rate.millionths);
    return {net, amount - net, amount};
  }
  const Fen tax_amount = round_product(amount.value, tax.rate.millionths, rate_unit);
  return {amount, tax_amount, amount + tax_amount};
}

}  // namespace voucherd::billing

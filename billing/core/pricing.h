// From a quantity to an amount (rules §3): which price holds, graduated tiers, and tax either
// way. Private to billing/core: rating and the billing of charges that are gone use it.
#pragma once

#include <optional>

#include "billing/core/facts.h"

namespace voucherd::billing {

/// The price of a SKU where `book` and `contract` (may be nullptr) are in force; points into them.
struct AppliedPrice {
  const SkuPrice* stated = nullptr;
  const Rate* discount = nullptr;  // on what is stated; nullptr: none
  bool by_contract = false;        // then the charge names the contract
  SkuPrice price() const;
};
/// nullopt: there is no price.
std::optional<AppliedPrice> price_of(const PriceBook& book, const Contract* contract, const SkuId& sku);

/// The unit price to print: nullopt for tiers.
std::optional<UnitPrice> shown_price(const SkuPrice& price);

struct Tax {
  Rate rate;
  bool inclusive = false;
};
struct TaxedAmount {
  Fen net, tax, gross;
};

/// The amount of `part` of a charge whose quantity is `whole`: for a flat price `part × price`,
/// for tiers `x × part / whole` with x the exact amount of the whole (rules §4). The charge's own
/// amount is that of part = whole. Precondition: 0 < whole, 0 ≤ part ≤ whole.
TaxedAmount amount_of(const SkuPrice& price, Quantity part, Quantity whole, const Tax& tax);

}  // namespace voucherd::billing

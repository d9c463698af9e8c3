// Price lists of price books and contracts: a price for each SKU, flat or graduated.
#pragma once

#include "billing/ledger/field_reader.h"

namespace voucherd::billing {

/// The bound of a tier: above any month's quantity, small enough for exact products.
inline constexpr Int128 tier_bound_nanos_max = Quantity::event_nanos_max * 1'000'000;  // 1e15

/// Reads the member `prices`: `{sku: "8.50"}` or
/// `{sku: {"tiers": [{"up_to": "1000", "price": "8.50"}, {"price": "7.90"}]}}`.
PriceList read_prices(FieldReader& reader, Need need, std::vector<FieldFault>& faults);

/// The list as it is shown: one tier is a plain string.
nlohmann::ordered_json show_prices(const PriceList& prices);

}  // namespace voucherd::billing

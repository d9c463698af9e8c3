// Reading and showing price lists; see price_reader.h.
#include "billing/ledger/price_reader.h"

namespace voucherd::billing {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::optional<UnitPrice> read_price(const std::string& text, const std::string& pointer,
                                    std::vector<FieldFault>& faults) {
  const auto price = parse_price(text);
  if (price) return *price;
  faults.push_back({pointer, price.error().detail});
  return std::nullopt;
}

std::optional<Quantity> read_bound(FieldReader& fields) {
  const auto text = fields.decimal("up_to", Need::optional, "a quantity as a string, like \"1000\"");
  if (!text) return std::nullopt;
  const auto nanos = parse_decimal(*text, Quantity::scale);
  if (!nanos) {
    fields.fault("up_to", "up_to: " + nanos.error().detail);
  } else if (*nanos <= 0 || *nanos > tier_bound_nanos_max) {
    fields.fault("up_to", "up_to is " + *text + "; it must be above 0 and at most " +
                              format_decimal(tier_bound_nanos_max, Quantity::scale));
  } else {
    return Quantity{*nanos};
  }
  return std::nullopt;
}

/// One tier; `is_last` decides whether it must go without an up_to.
void read_tier(const json& value, const std::string& pointer, bool is_last, SkuPrice& price,
               std::vector<FieldFault>& faults) {
  FieldReader fields(value, pointer, faults);
  const auto bound = read_bound(fields);
  const bool has_bound = fields.find("up_to", Need::optional, "") != nullptr;
  const auto text = fields.decimal("price", Need::required, "a price in yuan as a string, like \"8.50\"");
  const auto unit_price = text ? read_price(*text, fields.at("price"), faults) : std::nullopt;
  fields.refuse_others();
  if (fields.is_object() && !is_last && !has_bound) {
    fields.fault("up_to", "up_to is missing; only the last tier goes without it");
  }
  if (is_last && has_bound) {
    fields.fault("up_to",
                 "The last tier is the price of everything above the tiers before it; remove its up_to");
  }
  if (bound && !price.tiers.empty() && price.tiers.back().up_to && *bound <= *price.tiers.back().up_to) {
    fields.fault("up_to", "up_to is " + to_string(*bound) + "; it must be above the tier's before it, " +
                              to_string(*price.tiers.back().up_to));
  }
  if (unit_price) price.tiers.push_back({bound, *unit_price});
}

SkuPrice read_sku_price(const json& value, const std::string& pointer, std::vector<FieldFault>& faults) {
  SkuPrice price;
  if (value.is_string()) {
    const auto flat = read_price(value.get<std::string>(), pointer, faults);
    if (flat) price.tiers.push_back({std::nullopt, *flat});
    return price;
  }
  if (!value.is_object()) {
    faults.push_back(
        {pointer,
         "A price must be a string in yuan, like \"8.50\" (a number would lose digits: put it in "
         "quotes), or an object with tiers"});
    return price;
  }
  FieldReader fields(value, pointer, faults);
  const auto* tiers = fields.find("tiers", Need::required, "an array of at least one tier");
  const std::size_t count = tiers != nullptr && tiers->is_array() ? tiers->size() : 0;
  std::size_t index = 0;
  fields.array("tiers", Need::optional, "an array of at least one tier",
               [&](const json& tier, const std::string& at) {
                 ++index;
                 read_tier(tier, at, index == count, price, faults);
               });
  if (tiers != nullptr && tiers->is_array() && count == 0) {
    fields.fault("tiers", "tiers is empty; it must have at least one tier");
  }
  fields.refuse_others();
  return price;
}

}  // namespace

PriceList read_prices(FieldReader& reader, Need need, std::vector<FieldFault>& faults) {
  PriceList prices;
  const auto* value = reader.find("prices", need, "an object of prices by SKU");
  if (value == nullptr) return prices;
  if (!value->is_object()) {
    reader.fault("prices", "prices must be an object of prices by SKU, like {\"gpu.a800\": \"8.50\"}");
    return prices;
  }
  const std::string parent = reader.at("prices");
  for (const auto& [sku, price] : value->items()) {
    SkuPrice read = read_sku_price(price, pointer_to(parent, sku), faults);
    if (!read.tiers.empty()) prices.emplace(SkuId{sku}, std::move(read));
  }
  return prices;
}

ordered_json show_prices(const PriceList& prices) {
  ordered_json out = ordered_json::object();
  for (const auto& [sku, price] : prices) {
    if (price.is_flat()) {
      out[sku.value] = to_string(price.tiers.front().price);
      continue;
    }
    ordered_json tiers = ordered_json::array();
    for (const auto& tier : price.tiers) {
      ordered_json shown = ordered_json::object();
      if (tier.up_to) shown["up_to"] = to_string(*tier.up_to);
      shown["price"] = to_string(tier.price);
      tiers.push_back(std::move(shown));
    }
    out[sku.value] = ordered_json{{"tiers", std::move(tiers)}};
  }
  return out;
}

}  // namespace voucherd::billing

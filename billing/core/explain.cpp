// The formulas are those of rules §3 to §5, with the numbers in their places. Each result is reckoned by the
// code that bills; the exact product in front of the rounding is printed digit by digit.
#include "billing/core/explain.h"

#include <algorithm>

#include "billing/core/eligibility.h"
#include "billing/core/exact_fen.h"
#include "billing/core/pricing.h"
#include "billing/core/year.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::ordered_json;

constexpr int product_scale = Quantity::scale + UnitPrice::scale;

/// `units` of 10^-scale without trailing zeros, however many digits it has.
std::string exact_text(const Wide& units, int scale) {
  std::string digits = Wide(abs(units)).str();
  const auto fraction = static_cast<std::size_t>(scale);
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  digits.insert(digits.size() - fraction, ".");
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return (units < 0 ? "-" : "") + digits;
}

Wide product_of(Quantity quantity, UnitPrice price) { return to_wide(quantity.nanos) * to_wide(price.pico); }

Json until_json(const DayInterval& days) { return days.until ? Json(to_string(*days.until)) : Json(); }

Json step(const char* what, std::string formula, std::string result) {
  return {{"what", what}, {"formula", std::move(formula)}, {"result", std::move(result)}};
}

/// The price that held, its book and its contract.
struct Price {
  const PriceBook* book = nullptr;
  const Contract* contract = nullptr;  // nullptr: the list price
  SkuPrice price;
};

std::optional<Price> price_of_charge(const ChargeKey& key, const Facts& facts) {
  const auto book = facts.price_books.find(key.price_book);
  if (book == facts.price_books.end()) return std::nullopt;
  Price price{&book->second, nullptr, {}};
  if (!key.contract.empty()) {
    const auto contract = facts.contracts.find(key.contract);
    if (contract == facts.contracts.end()) return std::nullopt;
    price.contract = &contract->second;
  }
  const auto applied = price_of(*price.book, price.contract, key.sku);
  if (!applied) return std::nullopt;
  price.price = applied->price();
  return price;
}

/// The part of `whole` in each tier, with its exact amount.
Json tiers_json(const SkuPrice& price, Quantity whole, Wide& sum) {
  Json tiers = Json::array();
  Quantity below;
  for (const PriceTier& tier : price.tiers) {
    const Quantity upper = tier.up_to ? std::min(*tier.up_to, whole) : whole;
    const Quantity part = upper > below ? upper - below : Quantity{};
    const Wide amount = product_of(part, tier.price);
    sum += amount;
    tiers.push_back({{"up_to", tier.up_to ? Json(to_string(*tier.up_to)) : Json()},
                     {"price", to_string(tier.price)},
                     {"quantity", to_string(part)},
                     {"amount", exact_text(amount, product_scale)}});
    below = std::max(below, upper);
  }
  return tiers;
}

Json contract_json(const Contract& contract) {
  const auto* discount = std::get_if<Rate>(&contract.terms);
  return {{"number", contract.number.value},
          {"signed", contract.signed_on ? Json(to_string(*contract.signed_on)) : Json()},
          {"from", to_string(contract.days.from)},
          {"until", until_json(contract.days)},
          {"discount", discount != nullptr ? Json(discount->text) : Json()}};
}

Json policy_json(const Policy& policy) {
  return {{"id", policy.id.value},
          {"title", policy.title},
          {"document", policy.document},
          {"from", to_string(policy.days.from)},
          {"until", until_json(policy.days)},
          {"rate", policy.rate.text},
          {"annual_cap", to_string(policy.annual_cap)},
          {"tax_basis", policy.tax_basis == TaxBasis::net ? "net" : "gross"}};
}

/// x → net, tax and gross (rules §3), with `x` written as `exact`.
void add_tax_steps(const std::string& exact, bool inclusive, const Rate& tax_rate, const TaxedAmount& amount,
                   Json& steps) {
  const std::string net = to_string(amount.net), tax = to_string(amount.tax), gross = to_string(amount.gross);
  if (inclusive) {
    steps.push_back(step("gross", "round(" + exact + ")", gross));
    steps.push_back(step("net", "round(" + gross + " / (1 + " + tax_rate.text + "))", net));
    steps.push_back(step("tax", gross + " − " + net, tax));
  } else {
    steps.push_back(step("net", "round(" + exact + ")", net));
    steps.push_back(step("tax", "round(" + net + " × " + tax_rate.text + ")", tax));
    steps.push_back(step("gross", net + " + " + tax, gross));
  }
}

/// The charge's own amount, from the quantity to net, tax and gross.
void explain_amount(const Charge& charge, const Price& price, Json& json) {
  const Quantity quantity = charge.figures.quantity;
  Wide product = 0;
  const Json tiers = tiers_json(price.price, quantity, product);
  const std::string exact = exact_text(product, product_scale);
  json["price"] = {
      {"price_book",
       {{"version", price.book->version.value},
        {"effective_from", to_string(price.book->effective_from)},
        {"tax_inclusive", price.book->tax_inclusive}}},
      {"contract", price.contract == nullptr ? Json() : contract_json(*price.contract)},
      {"unit_price", price.price.is_flat() ? Json(to_string(price.price.tiers[0].price)) : Json()},
      {"tiers", price.price.is_flat() ? Json::array() : tiers}};
  Json& steps = json["steps"] = Json::array();
  std::string formula;
  if (price.price.is_flat()) {
    formula = to_string(quantity) + " × " + to_string(price.price.tiers[0].price);
  } else {
    for (const Json& tier : tiers) {
      formula += (formula.empty() ? "" : " + ") + tier["quantity"].get<std::string>() + " × " +
                 tier["price"].get<std::string>();
    }
  }
  steps.push_back(step("exact", formula, exact));
  const TaxedAmount amount{charge.figures.net, charge.figures.tax, charge.figures.gross};
  add_tax_steps(exact, price.book->tax_inclusive, charge.tax_rate, amount, steps);
}

/// The eligible part under one policy: the same chain on the eligible quantity (rules §4).
Json eligible_json(const Policy& policy, Quantity part, const Charge& charge, const Price& price) {
  const TaxedAmount amount =
      amount_of(price.price, part, charge.figures.quantity, {charge.tax_rate, price.book->tax_inclusive});
  Json steps = Json::array();
  Wide whole = 0;
  tiers_json(price.price, charge.figures.quantity, whole);
  std::string exact;
  if (price.price.is_flat()) {
    exact = exact_text(product_of(part, price.price.tiers[0].price), product_scale);
    steps.push_back(step("exact", to_string(part) + " × " + to_string(price.price.tiers[0].price), exact));
  } else {
    exact = exact_text(whole, product_scale) + " × " + to_string(part) + " / " +
            to_string(charge.figures.quantity);
  }
  add_tax_steps(exact, price.book->tax_inclusive, charge.tax_rate, amount, steps);
  return {{"policy", policy_json(policy)},
          {"quantity", to_string(part)},
          {"steps", std::move(steps)},
          {"amount", to_string(policy.tax_basis == TaxBasis::net ? amount.net : amount.gross)}};
}

/// The days, and the eligible quantity under each policy.
std::map<PolicyId, Quantity> explain_days(const FirmId& firm, std::span<const UsageOfDay> usage,
                                          const Facts& facts, Json& json) {
  std::map<LocalDay, Quantity> days;
  for (const UsageOfDay& each : usage) days[each.day] += each.quantity;
  std::map<PolicyId, Quantity> eligible;
  json["days"] = Json::array();
  for (const auto& [day, quantity] : days) {
    const auto reason = why_ineligible(firm, facts.skus.at(usage.front().sku), day, facts);
    json["days"].push_back({{"day", to_string(day)},
                            {"quantity", to_string(quantity)},
                            {"ineligible", reason ? Json(to_string(*reason)) : Json()}});
    if (!reason) eligible[facts.policy_on(day)->id] += quantity;
  }
  return eligible;
}

}  // namespace

std::vector<UsageOfDay> usage_of_charge(const ChargeKey& key, const FirmId& firm,
                                        std::span<const UsageOfDay> usage, const Facts& facts) {
  std::vector<UsageOfDay> days;
  for (const UsageOfDay& each : usage) {
    if (each.sku != key.sku || month_of(each.day) != key.usage_month || each.quantity.is_zero()) continue;
    const PriceBook* book = facts.price_book_on(each.day);
    if (book == nullptr || book->version != key.price_book) continue;
    const Contract* contract = facts.contract_on(firm, each.day);
    const auto applied = price_of(*book, contract, each.sku);
    if (!applied) continue;
    if ((applied->by_contract ? contract->number : ContractNumber{}) == key.contract) days.push_back(each);
  }
  return days;
}

Json explain_charge(const ChargeKey& key, const FirmId& firm, std::span<const UsageOfDay> usage,
                    const Facts& facts) {
  const auto days = usage_of_charge(key, firm, usage, facts);
  const RatedUsage rated = rate_usage(firm, days, facts);
  const auto found = rated.charges.find(key);
  const Charge charge = found == rated.charges.end() ? Charge{} : found->second;
  const ChargeFigures& figures = charge.figures;
  Json json = {{"quantity", to_string(figures.quantity)},
               {"net", to_string(figures.net)},
               {"tax", to_string(figures.tax)},
               {"gross", to_string(figures.gross)},
               {"eligible_quantity", to_string(figures.eligible_quantity)},
               {"eligible_amount", to_string(figures.eligible_amount)},
               {"price", nullptr},
               {"steps", Json::array()},
               {"eligible", Json::array()},
               {"ineligible", Json::array()},
               {"days", Json::array()}};
  const auto price = price_of_charge(key, facts);
  if (found == rated.charges.end() || !price) return json;
  explain_amount(charge, *price, json);
  for (const auto& [policy, part] : explain_days(firm, days, facts, json))
    json["eligible"].push_back(eligible_json(facts.policies.at(policy), part, charge, *price));
  for (const auto& [reason, quantity] : figures.ineligible)
    json["ineligible"].push_back({{"code", to_string(reason)}, {"quantity", to_string(quantity)}});
  return json;
}

}  // namespace voucherd::billing

// The rules of charges once more, written apart from the code and for nothing but clarity:
// rationals of any size, one usage entry at a time, no memory of days. The auditor of the
// property tests.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include <map>
#include <span>

#include "billing/core/charge.h"

namespace voucherd::billing::naive {

using Rational = boost::multiprecision::cpp_rational;
using Integer = boost::multiprecision::cpp_int;

inline Integer integer(Int128 value) { return Integer(voucherd::to_string(value)); }
inline Rational hours(Quantity quantity) { return {integer(quantity.nanos), Integer("1000000000")}; }
inline Rational yuan(UnitPrice price) { return {integer(price.pico), Integer("1000000000000")}; }
inline Rational of(const Rate& rate) { return {rate.millionths, 1'000'000}; }

/// Whole fen as text, half away from zero.
inline Integer round(const Rational& exact) {
  const Rational shifted = abs(exact) + Rational(1, 2);
  const Integer whole = numerator(shifted) / denominator(shifted);
  return exact < 0 ? Integer(-whole) : whole;
}

struct Amounts {
  Integer net, tax, gross;
};

inline Amounts with_tax(const Rational& exact, const Rate& rate, bool inclusive) {
  const Integer rounded = round(exact);
  if (inclusive) {
    const Integer net = round(Rational(rounded) / (1 + of(rate)));
    return {net, rounded - net, rounded};
  }
  const Integer tax = round(Rational(rounded) * of(rate));
  return {rounded, tax, rounded + tax};
}

struct Line {
  Rational quantity, eligible_quantity;
  Amounts amounts;
  Integer eligible_amount;
  std::map<IneligibleReason, Rational> ineligible;
  std::map<ProjectId, Integer> project_nets;
};

struct Raw {
  const SkuPrice* price = nullptr;
  Rate discount;
  bool inclusive = false;
  Rational quantity;
  std::map<PolicyId, Rational> eligible;
  std::map<IneligibleReason, Rational> ineligible;
  std::map<ProjectId, Rational> projects;
};

inline Rational exact_fen(const Raw& raw) {
  Rational sum = 0;
  Rational below = 0;
  for (const PriceTier& tier : raw.price->tiers) {
    Rational upper = raw.quantity;
    if (tier.up_to && hours(*tier.up_to) < upper) upper = hours(*tier.up_to);
    sum += (upper - below) * yuan(tier.price) * (1 - of(raw.discount)) * 100;
    below = upper;
  }
  return sum;
}

inline Line finish(const Raw& raw, const Rate& tax, const Facts& facts) {
  const Rational exact = exact_fen(raw);
  Line line;
  line.quantity = raw.quantity;
  line.amounts = with_tax(exact, tax, raw.inclusive);
  line.ineligible = raw.ineligible;
  for (const auto& [id, quantity] : raw.eligible) {
    const Amounts part = with_tax(exact * quantity / raw.quantity, tax, raw.inclusive);
    line.eligible_quantity += quantity;
    line.eligible_amount += facts.policies.at(id).tax_basis == TaxBasis::net ? part.net : part.gross;
  }
  Rational so_far = 0;
  Integer given = 0;
  for (const auto& [project, quantity] : raw.projects) {
    so_far += quantity;
    const Integer up_to_here = round(Rational(line.amounts.net) * so_far / raw.quantity);
    line.project_nets[project] = up_to_here - given;
    given = up_to_here;
  }
  return line;
}

struct Rated {
  std::map<ChargeKey, Line> lines;
  std::map<UnpricedKey, Rational> unpriced;
};

inline Rated rate_usage(const FirmId& firm, std::span<const UsageOfDay> usage, const Facts& facts) {
  std::map<ChargeKey, Raw> raws;
  Rated rated;
  for (const UsageOfDay& entry : usage) {
    if (entry.quantity.is_zero()) continue;
    const Rational quantity = hours(entry.quantity);
    const PriceBook* book = facts.price_book_on(entry.day);
    const Contract* contract = facts.contract_on(firm, entry.day);
    const SkuPrice* price = nullptr;
    Rate discount;
    bool by_contract = false;
    if (book != nullptr && book->prices.contains(entry.sku)) price = &book->prices.at(entry.sku);
    if (book != nullptr && contract != nullptr) {
      const auto* own = std::get_if<PriceList>(&contract->terms);
      if (own != nullptr && own->contains(entry.sku)) {
        price = &own->at(entry.sku);
        by_contract = true;
      }
      if (own == nullptr && price != nullptr) {
        discount = std::get<Rate>(contract->terms);
        by_contract = true;
      }
    }
    if (price == nullptr) {
      rated.unpriced[{month_of(entry.day), entry.sku}] += quantity;
      continue;
    }
    Raw& raw = raws[{month_of(entry.day), entry.sku, book->version,
                     by_contract ? contract->number : ContractNumber()}];
    raw.price = price;
    raw.discount = discount;
    raw.inclusive = book->tax_inclusive;
    raw.quantity += quantity;
    raw.projects[entry.project] += quantity;
    if (const auto reason = why_ineligible(firm, facts.skus.at(entry.sku), entry.day, facts))
      raw.ineligible[*reason] += quantity;
    else
      raw.eligible[facts.policy_on(entry.day)->id] += quantity;
  }
  for (const auto& [key, raw] : raws) rated.lines[key] = finish(raw, facts.skus.at(key.sku).tax_rate, facts);
  return rated;
}

}  // namespace voucherd::billing::naive

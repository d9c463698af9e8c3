// The world that the tests of billing/core start from, in few words: one eligible firm, two
// SKUs, one price book and the shipped policy. Each test changes what it is about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "billing/core/bill.h"

namespace voucherd::billing::example {

inline const FirmId firm{"91500000MA5U0000XX"};
inline const SkuId gpu{"gpu.a800"};
inline const SkuId disk{"disk.ssd"};
inline const PriceBookVersion book_q1{"2026-q1"};
inline const PolicyId policy_id{"cq-2025-12"};

inline Quantity quantity(std::string_view text) { return {parse_decimal(text, Quantity::scale).value()}; }
inline Fen yuan(std::string_view text) { return {parse_decimal(text, 2).value()}; }
inline Rate rate(std::string_view text) { return parse_rate(text).value(); }
inline LocalDay day(std::string_view text) { return parse_day(text).value(); }
inline Month month(std::string_view text) { return parse_month(text).value(); }
inline SkuPrice flat(std::string_view price) { return {{{std::nullopt, parse_price(price).value()}}}; }
inline SkuPrice two_tiers(std::string_view up_to, std::string_view first, std::string_view rest) {
  return {{{quantity(up_to), parse_price(first).value()}, {std::nullopt, parse_price(rest).value()}}};
}
inline DayInterval days(std::string_view from, std::string_view until = {}) {
  return {day(from), until.empty() ? std::nullopt : std::optional(day(until))};
}
inline UsageOfDay used(std::string_view on, std::string_view amount, const SkuId& sku = gpu,
                       std::string_view project = {}) {
  return {day(on), sku, ProjectId(project), quantity(amount)};
}

inline Policy shipped_policy() {
  Policy policy;
  policy.id = policy_id;
  policy.days = days("2025-12-25", "2028-01-01");
  policy.categories = {"ai_agent", "digital_twin"};
  policy.rate = rate("0.20");
  policy.annual_cap = yuan("1000000.00");
  policy.tax_basis = TaxBasis::net;
  return policy;
}

inline void put(Facts& facts, const Policy& policy) { facts.policies[policy.id] = policy; }
inline void put(Facts& facts, const Contract& contract) { facts.contracts.put(contract.number, contract); }
inline void put(Facts& facts, const PriceBook& book) { facts.price_books[book.version] = book; }
inline void put(Facts& facts, const Award& award) { facts.awards.put(award.id, award); }
inline void put(Facts& facts, const Firm& of) { facts.firms[of.uscc] = of; }

inline Firm eligible_firm(const FirmId& id, std::vector<FirmId> predecessors = {}) {
  return {id, "某某智能科技有限公司", "渝中区", {{"ai_agent", days("2025-01-01"), "文件", ""}},
          {}, std::move(predecessors)};
}

inline Award award(const char* id, AwardKind kind, std::string_view amount, const FirmId& of = firm,
                   int year = 2026) {
  return {AwardId(id), of, year, kind, yuan(amount), "", ""};
}

inline Contract contract(const char* number, std::variant<PriceList, Rate> terms, DayInterval on) {
  return {ContractNumber(number), firm, std::nullopt, on, std::move(terms)};
}

/// A price book that lists both SKUs: the GPU at 8.5, the disk at 0.3, without tax.
inline PriceBook book(const char* version, std::string_view effective_from) {
  return {PriceBookVersion(version), day(effective_from), false, {{gpu, flat("8.5")}, {disk, flat("0.3")}}};
}

inline Facts facts() {
  Facts facts;
  put(facts, eligible_firm(firm));
  facts.skus[gpu] = {gpu, "A800", "card_hour", "compute", rate("0.06")};
  facts.skus[disk] = {disk, "SSD", "gib_month", "storage", rate("0.06")};
  put(facts, book("2026-q1", "2026-01-01"));
  put(facts, shipped_policy());
  return facts;
}

inline const StatementHead head{{"某某智算中心", "91500000MA5UPROVID"}, "CNY", UtcOffset{480}};

inline FirmAccount account(std::vector<UsageOfDay> usage) { return {firm, std::move(usage), {}, {}}; }

/// Closes a statement as the ledger does: through its canonical bytes.
inline void bill(FirmAccount& account, const Statement& statement) {
  const BilledStatement billed = parse_canonical_json(to_canonical_json(statement)).value();
  for (const auto& [key, figures] : billed.lines) {
    ChargeFigures& sum = account.billed.charges[key];
    sum = sum + figures;
  }
  for (const auto& [year, granted] : billed.granted) account.billed.granted[year] += granted;
}

}  // namespace voucherd::billing::example

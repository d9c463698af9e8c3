// Rating: one firm's usage → charges (rules §3, §4). One charge per usage month × SKU ×
// price book × contract; each is rounded once. Pure.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "billing/core/facts.h"
#include "metering/core/numbered_usage.h"

namespace voucherd::billing {

/// Orders as statements do: usage month, SKU, price book, contract (none first).
struct ChargeKey {
  Month usage_month;
  SkuId sku;
  PriceBookVersion price_book;  // empty where no book was in force (a contract's own price needs one too)
  ContractNumber contract;      // empty: list price
  friend auto operator<=>(const ChargeKey&, const ChargeKey&) = default;
};

/// Why usage is not eligible, in the order of rules §4: the first that holds is the reason.
enum class IneligibleReason { policy_not_in_force, sku_not_subsidised, related_party, firm_not_eligible };
std::string_view to_string(IneligibleReason reason);
std::optional<IneligibleReason> parse_ineligible_reason(std::string_view text);

struct ProjectShare {
  Quantity quantity;
  Fen net;
  friend bool operator==(const ProjectShare&, const ProjectShare&) = default;
};

/// The figures of a charge, of what was billed of it, or of a line (their difference).
struct ChargeFigures {
  Quantity quantity;
  Fen net, tax, gross;
  Quantity eligible_quantity;
  Fen eligible_amount;
  std::map<IneligibleReason, Quantity> ineligible;  // without zeros
  std::map<ProjectId, ProjectShare> projects;       // in the order of the names' bytes; without zeros

  /// True where quantity, net, tax, gross, eligible quantity and amount are all equal (rules §6:
  /// then there is no line).
  bool same_amounts(const ChargeFigures& other) const;
  bool is_zero() const { return same_amounts({}); }
  /// Member by member; entries that become zero are dropped.
  ChargeFigures operator-(const ChargeFigures& other) const;
  ChargeFigures operator+(const ChargeFigures& other) const;
  friend bool operator==(const ChargeFigures&, const ChargeFigures&) = default;
};

struct Charge {
  ChargeFigures figures;
  std::optional<UnitPrice> unit_price;  // nullopt for tiers
  Rate tax_rate;
  std::string unit;
  std::map<PolicyId, Fen> eligible_by_policy;  // adds up to figures.eligible_amount
};

/// One firm's usage of one day, SKU and project: what rating starts from.
struct UsageOfDay {
  LocalDay day;
  SkuId sku;
  ProjectId project;
  Quantity quantity;
};

struct UnpricedKey {
  Month usage_month;
  SkuId sku;
  friend auto operator<=>(const UnpricedKey&, const UnpricedKey&) = default;
};

struct RatedUsage {
  std::map<ChargeKey, Charge> charges;
  std::map<UnpricedKey, Quantity> unpriced;
};

/// Rates all of `usage` of `firm` by `facts`. The order of `usage` does not matter.
/// Precondition: every SKU of `usage` is in `facts` (ingest refuses unknown ones).
/// Usage of a day that is zero after corrections makes no charge.
RatedUsage rate_usage(const FirmId& firm, const NumberedUsage& usage, const Facts& facts);
RatedUsage rate_usage(const FirmId& firm, std::span<const UsageOfDay> usage, const Facts& facts);

/// The reason for which a firm's usage of `sku` on `day` is not eligible; nullopt: it is,
/// under `facts.policy_on(day)`.
std::optional<IneligibleReason> why_ineligible(const FirmId& firm, const Sku& sku, LocalDay day,
                                               const Facts& facts);

}  // namespace voucherd::billing

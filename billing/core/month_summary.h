// A month over all firms: what its statements add up to, by firm, by district and by SKU. Taken from the
// statements' canonical JSON, so that the sums are those of what was frozen, never computed again.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "billing/core/money.h"
#include "metering/core/time.h"

namespace voucherd::billing {

class MonthSummary {
 public:
  explicit MonthSummary(Month period) : period_(period) {}

  /// Adds a statement as to_canonical_json() wrote it, with or without `journal`. Each firm's once; in the
  /// order of the firms' codes. Throws where a member is missing: statements are ours.
  void add(const nlohmann::ordered_json& statement);

  /// {period, totals, districts, skus, unpriced, firms}. Subsidy belongs to a statement, not to a line, so
  /// SKUs have none.
  nlohmann::ordered_json shown() const;

 private:
  struct Amounts {
    std::uint64_t statements = 0;
    Fen net, tax, gross, eligible, subsidy, payable;
    void add(const nlohmann::ordered_json& totals);
    nlohmann::ordered_json shown() const;
  };
  struct SkuKey {
    std::string sku, unit;  // a SKU's unit may change from one month to the next
    friend auto operator<=>(const SkuKey&, const SkuKey&) = default;
  };
  struct SkuAmounts {
    std::uint64_t statements = 0;
    Quantity quantity, eligible_quantity;
    Fen net, tax, gross, eligible;
  };
  struct UnpricedKey {
    std::string usage_month;
    SkuKey sku;
    friend auto operator<=>(const UnpricedKey&, const UnpricedKey&) = default;
  };
  void add_lines(const nlohmann::ordered_json& lines);

  Month period_;
  nlohmann::ordered_json firms_ = nlohmann::ordered_json::array();
  Amounts totals_;
  std::map<std::string, Amounts> districts_;
  std::map<SkuKey, SkuAmounts> skus_;
  std::map<UnpricedKey, Quantity> unpriced_;
};

}  // namespace voucherd::billing

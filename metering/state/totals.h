// Usage totals: sums of quantities per firm × local day × SKU × project, exact and
// order-free. Money is never stored here: it is computed from them (billing/core).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "metering/core/ids.h"
#include "metering/core/quantity.h"
#include "metering/core/time.h"

namespace voucherd {

/// One firm's usage of one SKU and project on one day.
struct UsageTotal {
  LocalDay day;
  SkuId sku;
  ProjectId project;  // empty: none
  Quantity quantity;
  friend bool operator==(const UsageTotal&, const UsageTotal&) = default;
};

/// Owned by one thread.
class Totals {
 public:
  /// Numbers for texts, given in order of first use. For the fold's inner loop.
  std::uint32_t firm_number(std::string_view firm);
  std::uint32_t sku_number(std::string_view sku);
  std::uint32_t project_number(std::string_view project);

  void add(std::uint32_t firm, LocalDay day, std::uint32_t sku, std::uint32_t project, Quantity quantity);

  /// Firms that have any usage, in order of their code.
  std::vector<FirmId> firms() const;
  /// One firm's totals in the order of (day, SKU, project) with day in [from, until); zeros left out.
  std::vector<UsageTotal> of(const FirmId& firm, LocalDay from, LocalDay until) const;
  /// Increases whenever a total of the firm changes; 0 for a firm without usage.
  std::uint64_t version_of(const FirmId& firm) const;
  /// Sum over everything: rules §6's first identity.
  Quantity sum() const { return sum_; }

  /// Canonical bytes: equal totals have equal bytes, whatever the order of arrival.
  void save(std::string& out) const;
  static Result<Totals> load(std::string_view& in);

 private:
  struct Names {
    std::vector<std::string> texts;
    boost::unordered_flat_map<std::string, std::uint32_t> numbers;
    std::uint32_t number(std::string_view text);
  };
  struct Key {
    std::int32_t day;
    std::uint32_t sku, project;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct FirmTotals {
    boost::unordered_flat_map<Key, Quantity, KeyHash> by_key;
    std::uint64_t version = 0;
  };
  Names firm_names_, sku_names_, project_names_;
  std::vector<FirmTotals> firms_;
  Quantity sum_;
};

}  // namespace voucherd

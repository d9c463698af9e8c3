// Usage totals: sums of quantities per firm × local day × SKU × project, exact and
// order-free. Money is never stored here: it is computed from them (billing/core).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container_hash/hash.hpp>
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

  /// Adds `quantity`, which may be negative: a correction takes back before it adds.
  void add(std::uint32_t firm, LocalDay day, std::uint32_t sku, std::uint32_t project, Quantity quantity);

  /// Firms that have a total that is not zero, in order of their code.
  std::vector<FirmId> firms() const;
  /// One firm's totals in the order of (day, SKU, project) with day in [from, until); zeros left out.
  std::vector<UsageTotal> of(const FirmId& firm, LocalDay from, LocalDay until) const;
  /// Increases whenever a total of the firm changes; 0 for a firm that never had usage. Not saved: after
  /// load() it begins again at 1.
  std::uint64_t version_of(const FirmId& firm) const;
  /// Sum over everything: rules §6's first identity.
  Quantity sum() const { return sum_; }

  /// Canonical bytes: equal totals have equal bytes, whatever the order of arrival.
  void save(std::string& out) const;
  /// Takes what save() wrote off the front of `in`. Numbers are given anew. Fault "checkpoint_damaged".
  static Result<Totals> load(std::string_view& in);

 private:
  struct TextHash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return boost::hash<std::string_view>{}(text);
    }
  };
  struct Names {
    std::vector<std::string> texts;
    boost::unordered_flat_map<std::string, std::uint32_t, TextHash, std::equal_to<>> numbers;
    std::uint32_t number(std::string_view text);
  };
  struct Key {
    std::int32_t day;
    std::uint32_t sku, project;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct FirmTotals {
    // Totals that became zero are taken out: what never was and what is no more look the same.
    boost::unordered_flat_map<Key, Quantity, KeyHash> by_key;
    std::uint64_t version = 0;
  };
  struct Canonical;
  const FirmTotals* totals_of(std::string_view firm) const;

  Names firm_names_, sku_names_, project_names_;
  std::vector<FirmTotals> firms_;
  Quantity sum_;
};

}  // namespace voucherd

// Usage totals: sums of quantities per firm × local day × SKU × project, exact and
// order-free. Money is never stored here: it is computed from them (billing/core).
//
// A checkpoint of millions of totals takes a second, too long for their owner to stand still. So they can be
// frozen: another thread reads the tables, which don't change meanwhile, and what is added goes into small
// tables beside them, which are added to the large ones firm by firm once they are thawed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "metering/core/ids.h"
#include "metering/core/numbered_usage.h"
#include "metering/core/quantity.h"
#include "metering/core/time.h"
#include "metering/state/dictionary.h"

namespace voucherd {

class ByteReader;

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
  Totals() = default;
  // A copy would share the tables.
  Totals(const Totals&) = delete;
  Totals& operator=(const Totals&) = delete;
  Totals(Totals&&) = default;
  Totals& operator=(Totals&&) = default;
  /// Numbers for texts, given in order of first use. For the fold's inner loop.
  std::uint32_t firm_number(std::string_view firm);
  std::uint32_t sku_number(std::string_view sku);
  std::uint32_t project_number(std::string_view project);

  /// Bring the firm's table, then the total's place in it, into the cache: call some events ahead of add(),
  /// the first one twice as many.
  void prefetch_firm(std::uint32_t firm) const { __builtin_prefetch(&firms_[firm], 1); }
  void prefetch(std::uint32_t firm, LocalDay day, std::uint32_t sku, std::uint32_t project) const;
  /// Adds `quantity`, which may be negative: a correction takes back before it adds.
  void add(std::uint32_t firm, LocalDay day, std::uint32_t sku, std::uint32_t project, Quantity quantity);

  /// Firms that have a total that is not zero, in order of their code.
  std::vector<FirmId> firms() const;
  /// One firm's totals in the order of (day, SKU, project) with day in [from, until); zeros left out.
  std::vector<UsageTotal> of(const FirmId& firm, LocalDay from, LocalDay until) const;
  /// All of one firm's, in no order; of the names those that they use.
  NumberedUsage of(const FirmId& firm) const;
  /// Increases whenever a total of the firm changes; 0 for a firm that never had usage. Not saved: after
  /// load() it begins again at 1.
  std::uint64_t version_of(const FirmId& firm) const;
  /// Sum over everything: rules §6's first identity.
  Quantity sum() const { return sum_; }

  /// The totals as they were at one moment.
  class Snapshot;
  /// A snapshot that another thread may read and destroy, until thaw().
  Snapshot freeze();
  /// Precondition: the snapshot that freeze() gave is no longer read.
  void thaw() { frozen_ = false; }

  /// Canonical bytes: equal totals have equal bytes, whatever the order of arrival.
  void save(std::string& out) const;
  /// Takes what save() wrote off the front of `in`. Numbers are given anew. Fault "checkpoint_damaged".
  static Result<Totals> load(std::string_view& in);

 private:
  struct Key {
    std::int32_t day;
    std::uint32_t sku, project;
    friend bool operator==(const Key&, const Key&) = default;
  };
  static auto in_order(const Key& key) { return std::tie(key.day, key.sku, key.project); }
  struct Ranked {
    Key key;
    Quantity quantity;
  };
  // Half a cache line, so that adding to a total touches one line of memory.
  struct alignas(32) Slot {
    Key key{};
    bool taken = false;
    Quantity quantity;  // zero: as if it had never been
  };
  /// Open addressing; copies share the slots.
  struct Table {
    std::shared_ptr<Slot[]> slots;
    std::uint32_t size = 0;  // in slots: a power of two, or 0
    std::uint32_t taken = 0;

    explicit Table(std::size_t slots_wanted = 0);
    Slot& slot(std::size_t at) const { return slots.get()[at]; }
    Slot& slot_of(const Key& key) const;
    Quantity at(const Key& key) const { return size == 0 ? Quantity{} : slot_of(key).quantity; }
    Quantity& take(const Key& key);
    void grow();
    template <class Visit>
    void each(Visit&& visit) const;
  };
  /// One cache line.
  struct alignas(64) FirmTotals {
    Table table;
    Table since;               // what came while `table` was frozen; its size is 0 where nothing did
    std::uint32_t totals = 0;  // that are not zero, of both together
    std::uint64_t version = 0;

    void gather();
    Table gathered() const;
  };
  static_assert(sizeof(FirmTotals) == 64);
  struct Canonical;
  /// By number: the names that a total was loaded of.
  struct NamesUsed {
    std::vector<bool> skus, projects;
  };
  static void load_names(ByteReader& in, Dictionary& names);
  void load_firm(ByteReader& in, std::uint32_t firm, NamesUsed& used);
  static std::size_t hash(const Key& key);
  using Rows = std::vector<NumberedUsage::Row>;
  template <class RankOf>
  static void order_by(Rows& rows, std::size_t ranks, RankOf&& rank_of);
  NumberedUsage between(const FirmTotals& totals, LocalDay from, LocalDay until) const;
  const FirmTotals* totals_of(std::string_view firm) const;
  Snapshot snapshot() const;

  Dictionary firm_names_, sku_names_, project_names_;
  std::vector<FirmTotals> firms_;
  Quantity sum_;
  bool frozen_ = false;
};

class Totals::Snapshot {
 public:
  void save(std::string& out) const;

 private:
  friend class Totals;
  Dictionary firm_names_, sku_names_, project_names_;
  std::vector<Table> tables_;  // by firm
};

}  // namespace voucherd

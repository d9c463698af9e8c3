// What billing knows: firms, SKUs, price books, contracts, policies, awards. Values, as the
// API takes them and the ledger keeps them. `until` is exclusive everywhere; nullopt: no end.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "billing/core/money.h"
#include "metering/core/ids.h"
#include "metering/core/time.h"

namespace voucherd::billing {

/// [from, until) in local days.
struct DayInterval {
  LocalDay from;
  std::optional<LocalDay> until;
  bool covers(LocalDay day) const { return from <= day && (!until || day < *until); }
  friend bool operator==(const DayInterval&, const DayInterval&) = default;
};

struct Eligibility {
  std::string category;  // of the policy: "ai_agent", "digital_twin"
  DayInterval days;
  std::string basis;            // the document that it rests on
  std::string evidence_sha256;  // 64 hex digits, or empty
  friend bool operator==(const Eligibility&, const Eligibility&) = default;
};

struct Firm {
  FirmId uscc;
  std::string name, district;
  std::vector<Eligibility> eligibility;
  std::vector<DayInterval> related_party;
  std::vector<FirmId> predecessors;
};

struct Sku {
  SkuId id;
  std::string name;
  std::string unit;  // "card_hour", …
  std::string kind;  // "compute", "storage", "network", "support"
  Rate tax_rate;     // default 0.06
};

/// One step of a graduated price: the part of the quantity up to `up_to` (nullopt: the rest).
struct PriceTier {
  std::optional<Quantity> up_to;
  UnitPrice price;
  friend bool operator==(const PriceTier&, const PriceTier&) = default;
};
/// One tier without `up_to` is a flat price. Never empty; up_to rises; only the last has none.
struct SkuPrice {
  std::vector<PriceTier> tiers;
  bool is_flat() const { return tiers.size() == 1; }
  friend bool operator==(const SkuPrice&, const SkuPrice&) = default;
};
using PriceList = std::map<SkuId, SkuPrice>;

struct PriceBook {
  PriceBookVersion version;
  LocalDay effective_from;
  bool tax_inclusive = false;
  PriceList prices;
};

struct Contract {
  ContractNumber number;
  FirmId firm;
  std::optional<LocalDay> signed_on;
  DayInterval days;
  std::variant<PriceList, Rate> terms;  // own prices, or a discount on the list
};

enum class TaxBasis { net, gross };
enum class Settlement { reimburse, deduct };

struct Policy {
  PolicyId id;
  std::string programme = "compute-voucher";
  std::string title, document;
  DayInterval days;
  std::set<std::string> categories;
  Rate rate;
  Fen annual_cap;
  TaxBasis tax_basis = TaxBasis::net;  // has no default in the API: a policy without it is refused
  std::set<std::string> subsidised_kinds = {"compute"};
  Settlement settlement = Settlement::reimburse;
  bool require_payment = false;
  std::optional<Fen> programme_budget;
};

enum class AwardKind { same_programme, other_policy };

struct Award {
  AwardId id;
  FirmId firm;
  int year = 0;
  AwardKind kind = AwardKind::same_programme;
  Fen amount;
  std::string policy;  // information only
  std::string evidence_sha256;
};

/// Facts that belong to one firm each, by their key and by their firm: a firm's are found without a
/// look at anybody else's. Values are replaced whole, never changed in place, so that both agree.
template <class Key, class Value>
class OfFirms {
 public:
  using Map = std::map<Key, Value>;
  using const_iterator = typename Map::const_iterator;

  /// Adds the value, or replaces the one with its key.
  void put(const Key& key, Value value);
  /// The firm's values, in the order of their keys. They stay where they are until they are replaced.
  std::vector<const Value*> of(const FirmId& firm) const;

  const_iterator find(const Key& key) const { return by_key_.find(key); }
  const Value& at(const Key& key) const { return by_key_.at(key); }
  bool contains(const Key& key) const { return by_key_.contains(key); }
  const_iterator begin() const { return by_key_.begin(); }
  const_iterator end() const { return by_key_.end(); }

 private:
  Map by_key_;
  std::map<FirmId, std::set<Key>> by_firm_;
};

/// All facts in force now. The ledger keeps it up to date; billing/core only reads it.
struct Facts {
  std::map<FirmId, Firm> firms;
  std::map<SkuId, Sku> skus;
  std::map<PriceBookVersion, PriceBook> price_books;
  OfFirms<ContractNumber, Contract> contracts;
  std::map<PolicyId, Policy> policies;
  OfFirms<AwardId, Award> awards;
  LocalDay accept_from{20089};  // 2025-01-01 (rules §2)

  /// The book with the latest effective_from not after `day`, or nullptr.
  const PriceBook* price_book_on(LocalDay day) const;
  /// The firm's contract on `day`, or nullptr.
  const Contract* contract_on(const FirmId& firm, LocalDay day) const;
  /// The policy in force on `day`, or nullptr.
  const Policy* policy_on(LocalDay day) const;
};

}  // namespace voucherd::billing

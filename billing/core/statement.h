// The statement of a firm and month (rules §6), as a value, and its canonical JSON: the bytes
// that a close freezes (api.md, "What finance pulls").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "billing/core/charge.h"
#include "billing/core/subsidy.h"

namespace voucherd::billing {

struct Provider {
  std::string name, uscc;
};

/// Who did something: kind is local, file, token or certificate.
struct Actor {
  std::string kind, id;
  friend bool operator==(const Actor&, const Actor&) = default;
};

struct StatementLine {
  ChargeKey key;
  bool adjustment = false;  // of an earlier usage month than the statement's
  std::string unit;
  std::optional<UnitPrice> unit_price;
  Rate tax_rate;
  ChargeFigures figures;        // the difference
  ChargeFigures before, after;  // of an adjustment: as a whole
};

struct UnpricedUsage {
  UnpricedKey key;
  std::string unit;
  Quantity quantity;
};

struct Statement {
  Month period;
  Provider provider;
  FirmId firm;
  std::string firm_name, firm_district;
  std::string currency;
  UtcOffset offset;
  std::optional<PolicyId> policy;  // the last policy in force in the month
  std::optional<Rate> rate;
  Settlement settlement = Settlement::reimburse;
  std::optional<TaxBasis> tax_basis;
  std::vector<StatementLine> lines;  // in the order of ChargeKey
  std::vector<UnpricedUsage> unpriced;
  std::vector<SubsidyYear> subsidy;  // in order of the years
  struct Closed {
    Instant at;
    Actor by;
  };
  std::optional<Closed> closed;  // nullopt: open

  bool empty() const;  // no line, no unpriced usage, no subsidy difference: there is none (404)
  Fen net() const, tax() const, gross() const, eligible() const, subsidy_total() const;
  /// gross, less the subsidy where the settlement is deduct.
  Fen payable() const;
};

/// "2026-03/9150…".
std::string statement_number(Month period, const FirmId& firm);

/// Canonical JSON: compact, UTF-8, members in the order of api.md, without `journal`. Equal
/// statements give equal bytes, in every build.
std::string to_canonical_json(const Statement& statement);

/// What a frozen statement says, read back from its canonical bytes: what has been billed and
/// granted is taken from here and never computed again. Fault "statement_malformed".
struct BilledStatement {
  FirmId firm;
  std::vector<std::pair<ChargeKey, ChargeFigures>> lines;
  std::map<int, Fen> granted;  // by year, this statement's part
  Fen net, tax, gross, eligible, subsidy;
};
Result<BilledStatement> parse_canonical_json(std::string_view bytes);

/// 人民币大写 (支付结算办法 附一; rules §9).
std::string amount_in_words(Fen amount);

}  // namespace voucherd::billing

// A small world for the ledger's tests: a usage state that is fed event by event, a ledger
// whose records are kept, and a position and intake time that move as the journal's would.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "billing/ledger/ledger.h"

namespace voucherd::billing::testing {

inline const std::string firm_a = "91500000MA5U00000W";
inline const std::string firm_b = "914403001922038216";
inline const std::string firm_c = "91330106673959654P";

class World {
 public:
  /// Begins on 2026-01-01 with an empty ledger.
  World();

  /// Firms a, b and c (eligible from 2026-01-01), the SKUs gpu (compute) and disk (storage), the price
  /// book "book" from 2026-01-01 with gpu at 10 and disk at 1, and the policy "policy": 20 %, cap 1,000.
  void furnish();

  Ledger::Judged judge(FactKind kind, const std::string& key, const nlohmann::json& body,
                       const std::string& reason = "") const;
  /// Judges, expects no refusal, and folds.
  void put(FactKind kind, const std::string& key, const nlohmann::json& body, const std::string& reason = "");
  void fold(RecordType type, const PayloadParts& content);

  /// Takes in an event; returns its ordinal.
  EventOrdinal use(const std::string& firm, const std::string& sku, const std::string& day,
                   const std::string& quantity, const std::string& project = "");
  void correct(EventOrdinal event, const std::string& quantity);
  void quarantine(const std::string& from_month, const std::string& to_month);

  Ledger::JudgedClose judge_close(const std::string& month, const std::string& reason = "") const;
  /// Judges, expects no refusal, and folds.
  void close(const std::string& month, const std::string& reason = "");

  /// "" where there is none.
  std::string open_bytes(const std::string& month, const std::string& firm) const;
  std::string saved() const;
  /// A ledger folded again from the records so far.
  std::unique_ptr<Ledger> replayed() const;
  /// The same from what earlier programs would have written: payloads of version 1.
  std::unique_ptr<Ledger> replayed_from_first_version() const;
  StatementHead head() const;

  static Month month(const std::string& text);
  static nlohmann::json firm_body(const std::string& eligible_from = "2026-01-01");
  static nlohmann::json policy_body();

  Instant now;  // the intake time of the next record
  UsageState usage{UtcOffset{480}};
  Chains chains;  // empty: who takes in events here extends none
  std::unique_ptr<Ledger> ledger;

 private:
  struct KeptEvent {
    std::string id, firm, sku, project;
    EventView view;
  };
  void take_in(const KeptEvent& event, EventOrdinal corrected);
  Position position_ = 1;
  std::deque<KeptEvent> events_;  // stable: views point into them
  std::vector<std::pair<Record, std::string>> records_;
};

}  // namespace voucherd::billing::testing

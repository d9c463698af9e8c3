// What explains a statement that was closed long ago: the facts as they were then, from their history, and
// what was billed before it.
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

/// Of the kinds that belong to one firm each, the others' are left out.
bool concerns(FactKind kind, const std::string& key, const nlohmann::ordered_json& shown,
              const FirmId& firm) {
  if (kind == FactKind::firm) return key == firm.value;
  if (kind != FactKind::contract && kind != FactKind::external_award) return true;
  return shown.at("firm").get_ref<const std::string&>() == firm.value;
}

}  // namespace

Facts Ledger::facts_at(const FirmId& firm, Position position) const {
  Facts facts;
  for (const auto& [kind, by_key] : impl_->histories) {
    for (const auto& [key, versions] : by_key) {
      const FactVersion* then = nullptr;
      for (const FactVersion& version : versions)
        if (version.position <= position) then = &version;
      if (then == nullptr || !concerns(kind, key, then->shown, firm)) continue;
      std::vector<FieldFault> faults;
      const auto fact = read_fact(kind, key, nlohmann::json::parse(then->shown.dump()), faults);
      VOUCHERD_ASSERT(fact.has_value());  // it was read when it was recorded
      put_fact(facts, *fact);
    }
  }
  return facts;
}

std::vector<std::pair<Month, BilledStatement>> Ledger::billed_before(const FirmId& firm, Month before) const {
  std::vector<std::pair<Month, BilledStatement>> billed;
  for (const auto& [month, statements] : impl_->statements) {
    const auto found = statements.find(firm);
    if (month >= before || found == statements.end()) continue;
    auto read = parse_canonical_json(found->second);
    VOUCHERD_ASSERT(read.has_value());
    billed.emplace_back(month, std::move(*read));
  }
  return billed;
}

}  // namespace voucherd::billing

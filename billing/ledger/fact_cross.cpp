// What must hold between facts: references lead somewhere, intervals that may not overlap
// don't, and predecessors make no circle. Judged on the facts as they would be after all
// changes of a call, so that changes made together see each other. Of a faulty body, what could be
// read still has its references judged: whoever sent it learns of all faults at once.
#include <algorithm>

#include "billing/ledger/field_reader.h"
#include "billing/ledger/ledger_state.h"

namespace voucherd::billing {
namespace {

class References {
 public:
  References(const std::vector<DraftChange>& changes, const Facts& after, std::vector<FieldFault>& faults)
      : changes_(changes), after_(after), faults_(faults) {}

  void judge(const DraftChange& change) {
    prefix_ = change.prefix;
    const auto* readable = change.fact ? &*change.fact : &change.faulty.value();
    std::visit([this](const auto& fact) { check_references(fact); }, *readable);
    if (change.fact) std::visit([this](const auto& fact) { check(fact); }, *change.fact);
  }

 private:
  void fault(const std::string& pointer, std::string detail) {
    faults_.push_back({prefix_ + pointer, std::move(detail)});
  }

  /// A key that this call mentions counts as known even where its own body is faulty: that
  /// fault is listed anyway.
  bool in_call(FactKind kind, const std::string& key) const {
    return std::any_of(changes_.begin(), changes_.end(),
                       [&](const DraftChange& change) { return change.kind == kind && change.key == key; });
  }

  void check_firm(const FirmId& firm, const std::string& pointer) {
    if (firm.value.empty()) return;  // it couldn't be read
    if (after_.firms.contains(firm) || in_call(FactKind::firm, firm.value)) return;
    fault(pointer, "The firm " + firm.value + " is unknown; register it first, at /v1/firms/" + firm.value);
  }

  void check_prices(const PriceList& prices) {
    for (const auto& [sku, price] : prices) {
      if (after_.skus.contains(sku) || in_call(FactKind::sku, sku.value)) continue;
      fault(pointer_to("/prices", sku.value),
            "The SKU " + sku.value + " is unknown; register it first, under /v1/skus");
    }
  }

  void check_references(const Firm& firm) {
    for (std::size_t i = 0; i < firm.predecessors.size(); ++i) {
      check_firm(firm.predecessors[i], pointer_to("/predecessors", i));
    }
  }
  void check_references(const Sku&) {}
  void check_references(const PriceBook& book) { check_prices(book.prices); }
  void check_references(const Contract& contract) {
    check_firm(contract.firm, "/firm");
    if (const auto* prices = std::get_if<PriceList>(&contract.terms)) check_prices(*prices);
  }
  void check_references(const Policy&) {}
  void check_references(const Award& award) { check_firm(award.firm, "/firm"); }
  void check_references(const Settings&) {}
  void check_references(const Letterhead&) {}

  void check(const Firm& firm) {
    for (std::size_t i = 0; i < firm.predecessors.size(); ++i) {
      if (leads_to(firm.predecessors[i], firm.uscc)) {
        fault(pointer_to("/predecessors", i), firm.predecessors[i].value + " itself succeeds " +
                                                  firm.uscc.value +
                                                  ": firms can't succeed each other in a circle");
      }
    }
  }

  bool leads_to(const FirmId& from, const FirmId& to) const {
    std::set<FirmId> seen = {from};
    std::vector<FirmId> waiting = {from};
    while (!waiting.empty()) {
      const auto firm = after_.firms.find(waiting.back());
      waiting.pop_back();
      if (firm == after_.firms.end()) continue;
      for (const auto& predecessor : firm->second.predecessors) {
        if (predecessor == to) return true;
        if (seen.insert(predecessor).second) waiting.push_back(predecessor);
      }
    }
    return false;
  }

  void check(const Sku&) {}
  void check(const Settings&) {}
  void check(const Letterhead&) {}
  void check(const Award&) {}

  void check(const PriceBook& book) {
    for (const auto& [version, other] : after_.price_books) {
      if (version == book.version || other.effective_from != book.effective_from) continue;
      fault("/effective_from", "Price book " + version.value + " takes effect on " +
                                   to_string(book.effective_from) + " too; choose another day");
    }
  }

  void check(const Contract& contract) {
    for (const Contract* other : after_.contracts.of(contract.firm)) {
      if (other->number == contract.number || !overlap(other->days, contract.days)) continue;
      fault("/from", "The firm has contract " + other->number.value + " " + describe(other->days) +
                         ", which overlaps this one's days (" + describe(contract.days) +
                         "); a firm has one contract on a day: end one of them earlier");
    }
  }

  void check(const Policy& policy) {
    for (const auto& [id, other] : after_.policies) {
      if (id == policy.id) continue;
      if (other.programme != policy.programme) {
        fault("/programme", "Policy " + id.value + " is of the programme " + other.programme +
                                "; a data directory serves one programme: run another daemon for " +
                                policy.programme);
      } else if (overlap(other.days, policy.days)) {
        fault("/from", "Policy " + id.value + " is in force " + describe(other.days) +
                           ", which overlaps this one's days (" + describe(policy.days) +
                           "); one policy is in force at a time");
      }
    }
  }

  const std::vector<DraftChange>& changes_;
  const Facts& after_;
  std::vector<FieldFault>& faults_;
  std::string prefix_;
};

}  // namespace

void judge_references(const std::vector<DraftChange>& changes, const Facts& after,
                      std::vector<FieldFault>& faults) {
  References references(changes, after, faults);
  for (const auto& change : changes) {
    references.judge(change);
  }
}

}  // namespace voucherd::billing

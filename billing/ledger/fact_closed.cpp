// What closed statements mean for a change of facts (rules §6): what they used is immutable,
// and what would make a closed figure differ needs a reason. Whether it would is found by
// rating the closed months again, with the facts before and after the change.
#include <algorithm>

#include "billing/ledger/field_reader.h"
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"

namespace voucherd::billing {
namespace {

/// The days that closed statements have billed.
DayInterval closed_days(const Used& used, Month closed_through) {
  VOUCHERD_ASSERT(used.first_month.has_value());
  return {first_day(*used.first_month), first_day(closed_through.next())};
}

bool same_but_for_until(const Contract& a, const Contract& b) {
  return a.firm == b.firm && a.signed_on == b.signed_on && a.days.from == b.days.from && a.terms == b.terms;
}

/// An end that comes earlier, but after the last closed day.
bool ends_earlier_after(const DayInterval& before, const DayInterval& after, Month closed_through) {
  return after.until && (!before.until || *after.until < *before.until) &&
         *after.until >= first_day(closed_through.next());
}

/// Why `after` can't replace `before`; "" where it can.
struct Immutable {
  const Used& used;
  Month closed_through;

  std::string operator()(const PriceBook& before, const PriceBook&) const {
    if (!used.price_books.contains(before.version)) return {};
    return "Price book " + before.version.value +
           " has been used by closed statements and can't be changed; publish a new version with an "
           "effective_from of its own: from " +
           to_string(first_day(closed_through.next())) + " on it alters nothing that is closed";
  }
  std::string operator()(const Contract& before, const Contract& after) const {
    if (!used.contracts.contains(before.number)) return {};
    if (same_but_for_until(before, after) && ends_earlier_after(before.days, after.days, closed_through))
      return {};
    return "Contract " + before.number.value +
           " has been used by closed statements; it can only be ended earlier, after " +
           to_string(LocalDay{first_day(closed_through.next()).days - 1}) +
           ". Agree on a new contract, with a number of its own, for the days after that";
  }
  std::string operator()(const Policy& before, const Policy&) const {
    if (!used.first_month || !overlap(before.days, closed_days(used, closed_through))) return {};
    const std::string what = "Policy " + before.id.value +
                             " was in force in closed months and can't be changed, its end included; ";
    if (before.days.until) {
      return what + "add a new policy, with an id of its own, from " + to_string(*before.days.until) +
             " on, when this one ends";
    }
    return what +
           "and it has no end, so that no other policy can follow it. What can still change is who is "
           "eligible: end the eligibility of the firms";
  }
  std::string operator()(const Sku& before, const Sku& after) const {
    if (!used.skus.contains(before.id)) return {};
    if (before.kind == after.kind && before.tax_rate == after.tax_rate) return {};
    return "SKU " + before.id.value +
           " stands on closed statements: its kind and tax_rate can't be changed; register a new SKU and "
           "meter "
           "future usage under it";
  }
};

template <class All, class Key, class Value>
std::string ask(const Immutable& immutable, const All& before, const Key& key, const Value& after) {
  const auto found = before.find(key);
  return found == before.end() ? std::string() : immutable(found->second, after);
}

std::string immutable_fault(const Immutable& immutable, const Facts& before, const Fact& after) {
  if (const auto* book = std::get_if<PriceBook>(&after)) {
    return ask(immutable, before.price_books, book->version, *book);
  }
  if (const auto* contract = std::get_if<Contract>(&after)) {
    return ask(immutable, before.contracts, contract->number, *contract);
  }
  if (const auto* policy = std::get_if<Policy>(&after)) {
    return ask(immutable, before.policies, policy->id, *policy);
  }
  if (const auto* sku = std::get_if<Sku>(&after)) return ask(immutable, before.skus, sku->id, *sku);
  return {};
}

}  // namespace

std::vector<FieldFault> immutable_faults(const std::vector<DraftChange>& changes, const Facts& before,
                                         const Used& used, Month closed_through) {
  std::vector<FieldFault> faults;
  const Immutable immutable{used, closed_through};
  for (const auto& change : changes) {
    if (!change.differs) continue;
    std::string detail = immutable_fault(immutable, before, *change.fact);
    if (!detail.empty()) faults.push_back({change.prefix, std::move(detail)});
  }
  return faults;
}

std::optional<Month> LedgerState::last_statement(const FirmId& firm, Month not_after) const {
  for (auto month = statements.upper_bound(not_after); month != statements.begin();) {
    --month;
    if (month->second.contains(firm)) return month->first;
  }
  return std::nullopt;
}

void LedgerState::compare(const FirmId& firm, const Facts& before, const Facts& after,
                          Concerned& concerned) const {
  auto rows = usage_of(firm);
  const LocalDay open_from = first_day(closed_through()->next());
  std::erase_if(rows, [&](const UsageOfDay& row) { return row.day >= open_from; });
  const Comparison sides{before, after, rate_usage(firm, rows, before), rate_usage(firm, rows, after)};
  compare_charges(firm, sides, concerned);
  compare_targets(firm, sides, concerned);
}

void LedgerState::compare_charges(const FirmId& firm, const Comparison& sides, Concerned& concerned) const {
  const auto& closed_charges = billed.at(firm).charges;
  const auto figures = [](const auto& charges, const ChargeKey& key) {
    const auto found = charges.find(key);
    return found == charges.end() ? ChargeFigures{} : found->second.figures;
  };
  std::set<ChargeKey> keys;
  for (const auto& [key, charge] : sides.was.charges) keys.insert(key);
  for (const auto& [key, charge] : sides.would_be.charges) keys.insert(key);
  for (const auto& key : keys) {
    const ChargeFigures now = figures(sides.would_be.charges, key);
    if (now.same_amounts(figures(sides.was.charges, key))) continue;
    const auto closed_charge = closed_charges.find(key);
    const ChargeFigures said =
        closed_charge == closed_charges.end() ? ChargeFigures{} : closed_charge->second;
    if (now.same_amounts(said)) continue;  // the change brings back what was billed
    const auto month = statements.find(key.usage_month);
    if (month != statements.end() && month->second.contains(firm)) {
      concerned.emplace(key.usage_month, firm);
    } else if (closed_charge != closed_charges.end()) {
      concerned.emplace(*last_statement(firm, *closed_through()), firm);  // billed as an adjustment
    }
  }
}

void LedgerState::compare_targets(const FirmId& firm, const Comparison& sides, Concerned& concerned) const {
  const Month closed = *closed_through();
  const FirmAccount was = account_of(firm, sides.before);
  const FirmAccount would_be = account_of(firm, sides.after);
  std::set<int> years;
  for (const auto* rated : {&sides.was, &sides.would_be}) {
    for (const auto& [key, charge] : rated->charges) years.insert(key.usage_month.year());
  }
  for (const auto& [year, granted] : was.billed.granted) years.insert(year);
  for (const int year : years) {
    if (year > closed.year()) continue;
    const int month = year == closed.year() ? closed.month() : 12;
    const Fen now = subsidy_of_year(would_be, sides.would_be, year, month, sides.after).target;
    if (now == subsidy_of_year(was, sides.was, year, month, sides.before).target) continue;
    const auto granted = was.billed.granted.find(year);
    if (now == (granted == was.billed.granted.end() ? Fen{} : granted->second)) continue;
    const auto last = last_statement(firm, std::min(closed, make_month(year, 12)));
    if (last && last->year() == year) concerned.emplace(*last, firm);
  }
}

LedgerState::Affected LedgerState::affected_by(const std::vector<DraftChange>& changes, In months) const {
  const bool closed_only = months == In::closed_months;
  Affected affected;
  // A book concerns the usage from its day on; awards move closed targets too, but without a reason.
  const auto reaches_back = [&](const PriceBook& book) {
    return !closed_only || book.effective_from < first_day(closed_through()->next());
  };
  const auto add = [&](const auto& all, const auto& key, const FirmId& firm) {
    affected.firms.insert(firm);
    if (const auto old = all.find(key); old != all.end()) affected.firms.insert(old->second.firm);
  };
  for (const auto& change : changes) {
    if (!change.differs) continue;
    if (const auto* firm = std::get_if<Firm>(&*change.fact)) {
      affected.firms.insert(firm->uscc);
    } else if (const auto* contract = std::get_if<Contract>(&*change.fact)) {
      add(facts.contracts, contract->number, contract->firm);
    } else if (const auto* award = std::get_if<Award>(&*change.fact)) {
      if (!closed_only) add(facts.awards, award->id, award->firm);
    } else if (const auto* book = std::get_if<PriceBook>(&*change.fact)) {
      const auto old = facts.price_books.find(book->version);
      const bool reached = old != facts.price_books.end() && reaches_back(old->second);
      affected.everyone = affected.everyone || reached || reaches_back(*book);
    } else if (std::holds_alternative<Policy>(*change.fact) || std::holds_alternative<Sku>(*change.fact)) {
      affected.everyone = true;
    }
  }
  return affected;
}

bool LedgerState::reaches(const Affected& affected, const FirmId& firm, const Facts& before,
                          const Facts& after) const {
  if (affected.everyone || affected.firms.contains(firm)) return true;
  if (affected.firms.empty()) return false;
  const auto succeeds = [&](const Facts& by) {
    const auto predecessors = predecessors_of(firm, by);
    return std::any_of(predecessors.begin(), predecessors.end(),
                       [&](const FirmId& predecessor) { return affected.firms.contains(predecessor); });
  };
  return succeeds(before) || succeeds(after);
}

LedgerState::Concerned LedgerState::concerned_by(const std::vector<DraftChange>& changes,
                                                 const Facts& after) const {
  const Affected affected = affected_by(changes, In::closed_months);
  Concerned concerned;
  if (!affected.everyone && affected.firms.empty()) return concerned;
  // Awards never need a reason: they are the same on both sides of the comparison.
  Facts before = facts;
  before.awards = after.awards;
  // A firm with a closed statement stands in `billed`, if only for its unpriced usage.
  for (const auto& [firm, said] : billed) {
    if (reaches(affected, firm, before, after)) compare(firm, before, after, concerned);
  }
  return concerned;
}

}  // namespace voucherd::billing

// What the ledger answers: facts and their history, periods, statements, and the identities
// of rules §6.
#include <algorithm>

#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

void add_to(PeriodTotals& totals, const Statement& statement) {
  totals.statements += 1;
  totals.net += statement.net();
  totals.tax += statement.tax();
  totals.gross += statement.gross();
  totals.eligible += statement.eligible();
  totals.subsidy += statement.subsidy_total();
}

const Facts& Ledger::facts() const { return impl_->facts; }

bool Ledger::knows_firm(std::string_view uscc) const { return impl_->facts.firms.contains(FirmId{uscc}); }

bool Ledger::knows_sku(std::string_view sku) const { return impl_->facts.skus.contains(SkuId{sku}); }

const std::vector<FactVersion>* LedgerState::history(FactKind kind, const std::string& key) const {
  const auto by_key = histories.find(kind);
  if (by_key == histories.end()) return nullptr;
  const auto found = by_key->second.find(key);
  return found == by_key->second.end() ? nullptr : &found->second;
}

std::string LedgerState::etag_of(FactKind kind, const std::string& key) const {
  const auto* known = history(kind, key);
  return known == nullptr ? std::string() : "\"" + std::to_string(known->back().position) + "\"";
}

const std::vector<FactVersion>* Ledger::history(FactKind kind, const std::string& key) const {
  return impl_->history(kind, key);
}

std::vector<std::string> Ledger::keys(FactKind kind, const std::string& after, std::size_t limit) const {
  std::vector<std::string> out;
  const auto by_key = impl_->histories.find(kind);
  if (by_key == impl_->histories.end()) return out;
  for (auto key = by_key->second.upper_bound(after); key != by_key->second.end() && out.size() < limit;
       ++key) {
    out.push_back(key->first);
  }
  return out;
}

std::string Ledger::etag_of(FactKind kind, const std::string& key) const { return impl_->etag_of(kind, key); }

Letterhead Ledger::letterhead_at(Position position) const {
  const auto* versions = impl_->history(FactKind::letterhead, letterhead_key);
  if (versions == nullptr) return {};
  const FactVersion* then = &versions->front();
  for (const FactVersion& version : *versions)
    if (version.position <= position) then = &version;
  std::vector<FieldFault> faults;
  const auto fact =
      read_fact(FactKind::letterhead, letterhead_key, nlohmann::json::parse(then->shown.dump()), faults);
  VOUCHERD_ASSERT(fact.has_value());  // it was read when it was recorded
  return std::get<Letterhead>(*fact);
}

std::optional<Month> Ledger::closed_through() const { return impl_->closed_through(); }

std::vector<Month> Ledger::periods() const {
  std::optional<Month> first, last = closed_through();
  if (last) first = impl_->closes.begin()->second.first;
  for (const auto& firm : impl_->firms()) {
    const FirmView& view = impl_->view_of(firm);
    if (!view.first_usage) continue;
    if (!first || *view.first_usage < *first) first = view.first_usage;
    if (!last || *last < *view.last_usage) last = view.last_usage;
  }
  std::vector<Month> months;
  if (!first) return months;
  // An adjustment stands in the first open month, whether that has usage or not.
  if (const auto closed = closed_through(); closed && *last == *closed) {
    const Month open = closed->next();
    if (!firms_with_statement(open, FirmId{""}, 1).empty()) last = open;
  }
  for (Month month = *first; month <= *last; month = month.next()) months.push_back(month);
  return months;
}

std::optional<ClosedPeriod> Ledger::closed(Month period) const {
  if (!impl_->is_closed(period)) return std::nullopt;
  const CloseEntry& close = impl_->closes.lower_bound(period)->second;
  const auto totals = close.totals.find(period);
  return ClosedPeriod{period,       close.position,
                      close.at,     close.by,
                      close.reason, totals == close.totals.end() ? PeriodTotals{} : totals->second};
}

std::vector<FirmId> Ledger::firms_with_statement(Month period, const FirmId& after, std::size_t limit) const {
  std::vector<FirmId> out;
  if (impl_->is_closed(period)) {
    const auto month = impl_->statements.find(period);
    if (month == impl_->statements.end()) return out;
    for (auto firm = month->second.upper_bound(after); firm != month->second.end() && out.size() < limit;
         ++firm) {
      out.push_back(firm->first);
    }
    return out;
  }
  const auto all = impl_->firms();
  for (auto firm = std::upper_bound(all.begin(), all.end(), after); firm != all.end() && out.size() < limit;
       ++firm) {
    if (!impl_->statement_of(*firm, period).empty()) out.push_back(*firm);
  }
  return out;
}

const Statement* Ledger::open_statement(Month period, const FirmId& firm) const {
  if (impl_->is_closed(period) || !impl_->facts.firms.contains(firm)) return nullptr;
  const Statement& statement = impl_->statement_of(firm, period);
  return statement.empty() ? nullptr : &statement;
}

std::optional<ClosedStatement> Ledger::closed_statement(Month period, const FirmId& firm) const {
  const auto month = impl_->statements.find(period);
  if (month == impl_->statements.end()) return std::nullopt;
  const auto found = month->second.find(firm);
  if (found == month->second.end()) return std::nullopt;
  const CloseEntry& close = impl_->closes.lower_bound(period)->second;
  return ClosedStatement{found->second, close.position, close.root};
}

PeriodTotals Ledger::open_totals(Month period) const {
  PeriodTotals totals;
  if (impl_->is_closed(period)) return totals;
  for (const auto& firm : impl_->firms()) {
    const Statement& statement = impl_->statement_of(firm, period);
    if (!statement.empty()) add_to(totals, statement);
  }
  return totals;
}

namespace {

/// Both sides of the identities, added up apart from each other.
struct Sums {
  Quantity charged;
  Fen charges, lines, granted, open, targets;
};

void add_charges(const FirmView& view, const Facts& facts, Ledger::Figures& figures, Sums& sums) {
  for (const auto& [key, charge] : view.rated.charges) {
    figures.charged_by_kind[facts.skus.at(key.sku).kind] += charge.figures.quantity;
    sums.charged += charge.figures.quantity;
    sums.charges += charge.figures.gross;
  }
  for (const auto& [key, quantity] : view.rated.unpriced) figures.unpriced += quantity;
  for (const auto& [kind, quantity] : view.accepted_by_kind) figures.accepted_by_kind[kind] += quantity;
}

}  // namespace

Ledger::Figures Ledger::figures() const {
  Figures figures;
  Sums sums;
  const auto open = impl_->open_months();
  for (const auto& firm : impl_->firms()) {
    add_charges(impl_->view_of(firm), impl_->facts, figures, sums);
    if (const auto gross = impl_->billed_gross.find(firm); gross != impl_->billed_gross.end()) {
      sums.lines += gross->second;
      for (const auto& [year, granted] : impl_->billed.at(firm).granted) {
        sums.granted += granted;
        figures.subsidy_by_year[year] += granted;
      }
    }
    if (!open) continue;
    for (Month month = open->first; month <= open->last; month = month.next()) {
      const Statement& statement = impl_->statement_of(firm, month);
      for (const auto& line : statement.lines) sums.lines += line.figures.gross;
      for (const auto& year : statement.subsidy) {
        sums.open += year.this_statement;
        figures.subsidy_by_year[year.year] += year.this_statement;
      }
    }
    for (const auto& year : impl_->years_of(firm, open->last)) {
      sums.targets += year.target;
      if (year.year == open->last.year() && impl_->cap_left_of(firm, year).used_up) figures.firms_at_cap += 1;
    }
  }
  for (const auto& [year, subsidy] : figures.subsidy_by_year) {
    if (const auto budget = programme_budget(year, impl_->facts))
      figures.budget_by_year.emplace(year, *budget);
  }
  figures.difference_quantity = (impl_->usage.accepted_quantity() - sums.charged - figures.unpriced).nanos;
  figures.difference_lines = (sums.lines - sums.charges).value;
  figures.difference_subsidy = (sums.granted + sums.open - sums.targets).value;
  figures.subsidy_granted = sums.granted;
  figures.subsidy_open = sums.open;
  return figures;
}

}  // namespace voucherd::billing

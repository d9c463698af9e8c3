// What is derived of a firm: its rated usage and open statements, kept until its usage, its
// predecessors' usage, the facts or the closes change. Figures and lists ask for every firm
// each time; only the firms that changed are rated again.
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"

namespace voucherd::billing {
namespace {

/// Open statements kept per firm: enough for the months that are open together in practice.
constexpr std::size_t open_statements_kept_max = 24;

constexpr LocalDay first_day_of_all{-800'000};  // before year 1

}  // namespace

std::set<FirmId> LedgerState::predecessors_of(const FirmId& firm, const Facts& by) const {
  std::set<FirmId> found;
  std::vector<FirmId> waiting = {firm};
  while (!waiting.empty()) {
    const auto known = by.firms.find(waiting.back());
    waiting.pop_back();
    if (known == by.firms.end()) continue;
    for (const auto& predecessor : known->second.predecessors) {
      if (found.insert(predecessor).second) waiting.push_back(predecessor);
    }
  }
  return found;
}

std::vector<UsageOfDay> LedgerState::usage_of(const FirmId& firm) const {
  auto totals = usage.totals().of(firm, first_day_of_all, LocalDay{local_day_max.days + 1});
  std::vector<UsageOfDay> rows;
  rows.reserve(totals.size());
  for (auto& total : totals) {
    rows.push_back({total.day, std::move(total.sku), std::move(total.project), total.quantity});
  }
  return rows;
}

FirmAccount LedgerState::account_of(const FirmId& firm, const Facts& by) const {
  FirmAccount account;
  account.firm = firm;
  if (const auto found = billed.find(firm); found != billed.end()) account.billed = found->second;
  for (const auto& predecessor : predecessors_of(firm, by)) {
    account.predecessor_usage.emplace(predecessor, usage_of(predecessor));
  }
  return account;
}

std::vector<std::uint64_t> LedgerState::stamp_of(const FirmId& firm) const {
  const auto own = versions.of_firm.find(firm);
  return {versions.shared, own == versions.of_firm.end() ? 0 : own->second, usage.totals().version_of(firm)};
}

std::vector<std::uint64_t> LedgerState::statements_stamp_of(const FirmId& firm) const {
  std::vector<std::uint64_t> stamp = {versions.closes};
  for (const auto& predecessor : predecessors_of(firm, facts)) {
    for (const std::uint64_t version : stamp_of(predecessor)) stamp.push_back(version);
  }
  return stamp;
}

FirmView& LedgerState::view_of(const FirmId& firm) const {
  FirmView& view = views[firm];
  auto stamp = stamp_of(firm);
  auto statements_stamp = statements_stamp_of(firm);
  const bool rated_before = view.stamp == stamp;
  if (rated_before && view.statements_stamp == statements_stamp) return view;
  view.open.clear();
  view.years_through.reset();
  view.statements_stamp = std::move(statements_stamp);
  if (rated_before) return view;
  view.first_usage = view.last_usage = std::nullopt;
  view.accepted_by_kind.clear();
  const NumberedUsage numbered = usage.totals().of(firm);
  view.rated = rate_usage(firm, numbered, facts);
  if (!numbered.rows.empty()) {
    view.first_usage = month_of(numbered.first_day);
    view.last_usage = month_of(numbered.last_day);
  }
  std::vector<Quantity> by_sku(numbered.skus.size());
  for (const auto& row : numbered.rows) by_sku[row.sku] += row.quantity;
  for (std::size_t sku = 0; sku < by_sku.size(); ++sku) {
    view.accepted_by_kind[facts.skus.at(numbered.skus[sku]).kind] += by_sku[sku];
  }
  view.stamp = std::move(stamp);
  return view;
}

const Statement& LedgerState::statement_of(const FirmId& firm, Month period) const {
  VOUCHERD_ASSERT(!is_closed(period));
  FirmView& view = view_of(firm);
  const auto known = view.open.find(period);
  if (known != view.open.end()) return known->second;
  if (view.open.size() >= open_statements_kept_max) view.open.clear();
  return view.open
      .emplace(period,
               open_statement(account_of(firm, facts), view.rated, period, closed_through(), facts, head))
      .first->second;
}

const std::vector<SubsidyYear>& LedgerState::years_of(const FirmId& firm, Month through) const {
  FirmView& view = view_of(firm);
  if (view.years_through == through) return view.years;
  std::set<int> years;
  for (const auto& [key, charge] : view.rated.charges) years.insert(key.usage_month.year());
  const FirmAccount account = account_of(firm, facts);
  for (const auto& [year, granted] : account.billed.granted) years.insert(year);
  view.years.clear();
  for (const int year : years) {
    if (year > through.year()) continue;
    const int month = year == through.year() ? through.month() : 12;
    view.years.push_back(subsidy_of_year(account, view.rated, year, month, facts));
  }
  view.years_through = through;
  return view.years;
}

LedgerState::CapLeft LedgerState::cap_left_of(const FirmId& firm, const SubsidyYear& year) const {
  CapLeft cap;
  for (const Award* award : facts.awards.of(firm)) {
    if (award->year == year.year && award->kind == AwardKind::other_policy) cap.other_awards += award->amount;
  }
  cap.left = year.remaining - cap.other_awards;
  cap.used_up = cap.left <= Fen{} && !year.eligible_to_date.is_zero();
  return cap;
}

std::vector<FirmId> LedgerState::firms() const {
  std::set<FirmId> all;
  for (auto& firm : usage.totals().firms()) all.insert(std::move(firm));
  for (const auto& [firm, what] : billed) all.insert(firm);
  return {all.begin(), all.end()};
}

std::optional<Month> LedgerState::closed_through() const {
  if (closes.empty()) return std::nullopt;
  return closes.rbegin()->first;
}

std::optional<LedgerState::MonthRange> LedgerState::open_months() const {
  std::optional<Month> first, last;
  for (const auto& firm : firms()) {
    const FirmView& view = view_of(firm);
    if (!view.first_usage) continue;
    if (!first || *view.first_usage < *first) first = view.first_usage;
    if (!last || *last < *view.last_usage) last = view.last_usage;
  }
  // What changes after a close stands in the month after it, whether that has usage or not.
  if (const auto closed = closed_through()) {
    first = closed->next();
    last = last ? std::max(*last, *first) : *first;
  }
  if (!first) return std::nullopt;
  return MonthRange{*first, *last};
}

}  // namespace voucherd::billing

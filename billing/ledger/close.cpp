// Closing a month (rules §6): what stands in the way, all of it at once, and the record that
// freezes every firm's statement. Months close in order; open months before the closed one
// that bill nothing are closed along with it.
#include <algorithm>
#include <functional>

#include "billing/ledger/field_reader.h"
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"
#include "metering/core/usage_event.h"

namespace voucherd::billing {
namespace {

bool bills_something(const Statement& statement) {
  if (!statement.lines.empty()) return true;
  for (const auto& year : statement.subsidy) {
    if (!year.this_statement.is_zero()) return true;
  }
  return false;
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

void refuse_earlier_months(const LedgerState& ledger, Month period, std::vector<FieldFault>& faults) {
  const auto open = ledger.open_months();
  if (!open) return;
  for (Month month = open->first; month < period && month <= open->last; month = month.next()) {
    std::uint64_t firms = 0;
    for (const auto& firm : ledger.firms()) {
      if (bills_something(ledger.statement_of(firm, month))) ++firms;
    }
    if (firms == 0) continue;
    faults.push_back({"", to_string(month) + " is open and has amounts for " +
                              counted(firms, "firm", "firms") + "; months close in order: close " +
                              to_string(month) + " first"});
  }
}

/// The first close fixes where the open months begin, and everything walks them from there: it is not
/// before usage is taken, unless there is usage all the same.
void refuse_before_all_usage(const LedgerState& ledger, Month period, std::vector<FieldFault>& faults) {
  const Month earliest = month_of(ledger.facts.accept_from);
  if (ledger.closed_through() || earliest <= period) return;
  const auto open = ledger.open_months();
  if (open && open->first <= period) return;
  faults.push_back({"", "Usage is taken from " + to_string(ledger.facts.accept_from) +
                            " on (accept_from), and "
                            "none stands in " +
                            to_string(period) +
                            " or before it, so that there is nothing "
                            "to close; close " +
                            to_string(open ? std::min(earliest, open->first) : earliest) +
                            " or a later month, or set an earlier accept_from in /v1/settings"});
}

/// Unresolved entries that touch a month which a close of `period` closes: each, in their order.
void visit_quarantine(const LedgerState& ledger, Month period,
                      const std::function<void(const QuarantineEntry&)>& visit) {
  ledger.usage.quarantine().visit({}, [&](const QuarantineEntry& entry) {
    if (entry.months.first <= period && !ledger.is_closed(entry.months.last)) visit(entry);
    return true;
  });
}

void refuse_quarantine(const LedgerState& ledger, Month period, std::vector<FieldFault>& faults) {
  std::uint64_t entries = 0;
  std::string first;
  visit_quarantine(ledger, period, [&](const QuarantineEntry& entry) {
    if (entries++ == 0) first = to_string(entry.number) + ", " + std::string(to_string(entry.code));
  });
  if (entries == 0) return;
  faults.push_back(
      {"", counted(entries, "unresolved quarantine entry touches ", "unresolved quarantine entries touch ") +
               "the months up to " + to_string(period) + " (the first is " + first +
               "); release or dismiss them, or close with a reason"});
}

/// Usage without a price in the months that a close of `period` closes, over all firms.
std::vector<Ledger::Unpriced> unpriced_until(const LedgerState& ledger, Month period) {
  std::map<UnpricedKey, Ledger::Unpriced> outstanding;
  for (const auto& firm : ledger.firms()) {
    for (const auto& [key, quantity] : ledger.view_of(firm).rated.unpriced) {
      if (period < key.usage_month || ledger.is_closed(key.usage_month) || quantity.is_zero()) continue;
      auto& sum = outstanding[key];
      sum.quantity += quantity;
      sum.firms += 1;
    }
  }
  std::vector<Ledger::Unpriced> all;
  for (auto& [key, sum] : outstanding) {
    sum.key = key;
    sum.unit = ledger.facts.skus.at(key.sku).unit;
    all.push_back(std::move(sum));
  }
  return all;
}

void refuse_unpriced(const LedgerState& ledger, Month period, std::vector<FieldFault>& faults) {
  for (const auto& sum : unpriced_until(ledger, period)) {
    faults.push_back({"", to_string(sum.quantity) + " " + sum.unit + " of " + sum.key.sku.value + " in " +
                              to_string(sum.key.usage_month) + " have no price (" +
                              counted(sum.firms, "firm", "firms") +
                              "); publish a price for those days, or close with a reason"});
  }
}

}  // namespace

std::vector<FieldFault> LedgerState::close_obstacles(Month period, bool signed_off) const {
  std::vector<FieldFault> faults;
  refuse_before_all_usage(*this, period, faults);
  refuse_earlier_months(*this, period, faults);
  if (signed_off) return faults;
  refuse_quarantine(*this, period, faults);
  refuse_unpriced(*this, period, faults);
  return faults;
}

ClosePayload LedgerState::freeze_months(Month period, const Actor& by, const std::string& reason, Instant at,
                                        PeriodTotals& totals) const {
  ClosePayload close{period, period, by, reason, {}};
  const auto open = open_months();
  if (open && open->first < period) close.first = open->first;
  const auto all = firms();
  const bool unpriced_stands = std::any_of(
      all.begin(), all.end(), [this](const FirmId& firm) { return !view_of(firm).rated.unpriced.empty(); });
  for (Month month = close.first; month <= period; month = month.next()) {
    // Between the last month with usage and the closed one nothing but outstanding unpriced usage stands.
    if (month < period && (!open || open->last < month) && !unpriced_stands) continue;
    for (const auto& firm : all) {
      Statement statement = statement_of(firm, month);
      if (statement.empty()) continue;
      statement.closed = Statement::Closed{at, by};
      close.statements.push_back({month, firm, to_canonical_json(statement)});
      if (month == period) add_to(totals, statement);
    }
  }
  return close;
}

Ledger::JudgedClose Ledger::judge_close(Month period, const Actor& by, const std::string& reason, Instant at,
                                        const Chains& chains) const {
  JudgedClose judged;
  if (auto already = closed(period)) {
    judged.totals = already->totals;
    judged.already = std::move(already);
    return judged;
  }
  auto faults = words_faults(by, reason);
  if (!faults.empty()) {
    std::string detail = faults.front().detail;
    judged.refusal = Refusal{422, "The close is wrong", std::move(detail), std::move(faults)};
    return judged;
  }
  const Instant end = start_of(first_day(period.next()), impl_->head.offset);
  if (at < end) {
    faults.push_back({"", to_string(period) + " has not ended; it can be closed from " +
                              format_instant(end, impl_->head.offset) + " on"});
  }
  for (auto& fault : impl_->close_obstacles(period, !reason.empty())) faults.push_back(std::move(fault));
  if (!faults.empty()) {
    std::string detail = to_string(period) + " can't be closed";
    for (std::size_t i = 0; i < faults.size(); ++i) detail += (i == 0 ? ": " : "; ") + faults[i].detail;
    judged.refusal = Refusal{409, "The month can't be closed", std::move(detail), std::move(faults)};
    return judged;
  }
  const ClosePayload close = impl_->freeze_months(period, by, reason, at, judged.totals);
  judged.payload = close_in_parts(close, impl_->closes.empty() ? 0 : impl_->closes.rbegin()->second.position);
  judged.payload.parts = impl_->close_parts(close, chains);
  return judged;
}

namespace {

void add_late(const Statement& statement, std::map<Month, Ledger::LateUsage>& late) {
  for (const StatementLine& line : statement.lines) {
    if (!line.adjustment) continue;
    auto& sum = late[line.key.usage_month];
    sum.lines += 1;
    sum.net += line.figures.net;
    sum.tax += line.figures.tax;
    sum.gross += line.figures.gross;
    sum.eligible += line.figures.eligible_amount;
  }
}

/// Once a month is closed under a policy, its end is fixed: one without an end stays for ever.
void remark_endless_policies(const LedgerState& ledger, Month period, std::vector<std::string>& remarks) {
  for (const auto& [id, policy] : ledger.facts.policies) {
    if (policy.days.until || first_day(period.next()) <= policy.days.from) continue;
    if (ledger.used.first_month && policy.days.from < first_day(ledger.closed_through()->next())) continue;
    remarks.push_back("Policy " + id.value +
                      " has no end. Once a month is closed under it, it can't be given one, and no other "
                      "policy can follow it: set its until before the close");
  }
}

}  // namespace

Ledger::Readiness Ledger::readiness(Month period) const {
  VOUCHERD_ASSERT(!impl_->is_closed(period));
  Readiness readiness;
  readiness.obstacles = impl_->close_obstacles(period, false);
  remark_endless_policies(*impl_, period, readiness.remarks);
  visit_quarantine(*impl_, period, [&](const QuarantineEntry& entry) {
    readiness.quarantine[std::string(to_string(entry.code))] += 1;
  });
  readiness.unpriced = unpriced_until(*impl_, period);
  readiness.months[period] = {};
  const auto open = impl_->open_months();
  if (!open) return readiness;
  for (const auto& firm : impl_->firms()) {
    for (Month month = open->first; month < period && month <= open->last; month = month.next()) {
      PeriodTotals& totals = readiness.months[month];
      const Statement& statement = impl_->statement_of(firm, month);
      if (!statement.empty()) add_to(totals, statement);
    }
    // The asked month too where it lies past all usage: outstanding unpriced usage stands on it.
    PeriodTotals& totals = readiness.months[period];
    const Statement& statement = impl_->statement_of(firm, period);
    if (!statement.empty()) add_to(totals, statement);
    add_late(statement, readiness.late);
  }
  return readiness;
}

}  // namespace voucherd::billing

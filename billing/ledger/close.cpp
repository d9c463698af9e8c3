// Closing a month (rules §6): what stands in the way, all of it at once, and the record that
// freezes every firm's statement. Months close in order; open months before the closed one
// that bill nothing are closed along with it.
#include "billing/ledger/field_reader.h"
#include "billing/ledger/ledger_state.h"
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

void refuse_quarantine(const LedgerState& ledger, Month period, std::vector<FieldFault>& faults) {
  std::uint64_t entries = 0;
  std::string first;
  ledger.usage.quarantine().visit({}, [&](const QuarantineEntry& entry) {
    if (entry.months.first <= period && !ledger.is_closed(entry.months.last)) {
      if (entries++ == 0) first = to_string(entry.number) + ", " + std::string(to_string(entry.code));
    }
    return true;
  });
  if (entries == 0) return;
  faults.push_back(
      {"", counted(entries, "unresolved quarantine entry touches ", "unresolved quarantine entries touch ") +
               "the months up to " + to_string(period) + " (the first is " + first +
               "); release or dismiss them, or close with a reason"});
}

void refuse_unpriced(const LedgerState& ledger, Month period, std::vector<FieldFault>& faults) {
  struct Outstanding {
    Quantity quantity;
    std::uint64_t firms = 0;
  };
  std::map<UnpricedKey, Outstanding> outstanding;
  for (const auto& firm : ledger.firms()) {
    for (const auto& [key, quantity] : ledger.view_of(firm).rated.unpriced) {
      if (period < key.usage_month || ledger.is_closed(key.usage_month) || quantity.is_zero()) continue;
      auto& sum = outstanding[key];
      sum.quantity += quantity;
      sum.firms += 1;
    }
  }
  for (const auto& [key, sum] : outstanding) {
    faults.push_back({"", to_string(sum.quantity) + " " + ledger.facts.skus.at(key.sku).unit + " of " +
                              key.sku.value + " in " + to_string(key.usage_month) + " have no price (" +
                              counted(sum.firms, "firm", "firms") +
                              "); publish a price for those days, or close with a reason"});
  }
}

}  // namespace

std::vector<FieldFault> LedgerState::close_obstacles(Month period, bool signed_off) const {
  std::vector<FieldFault> faults;
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
  for (Month month = close.first; month <= period; month = month.next()) {
    // Between the last month with usage and the closed one nothing can stand.
    if (month < period && (!open || open->last < month)) continue;
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

Ledger::JudgedClose Ledger::judge_close(Month period, const Actor& by, const std::string& reason,
                                        Instant at) const {
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
  judged.payload = encode_close(impl_->freeze_months(period, by, reason, at, judged.totals));
  return judged;
}

std::vector<FieldFault> Ledger::not_ready(Month period) const {
  return impl_->is_closed(period) ? std::vector<FieldFault>{} : impl_->close_obstacles(period, false);
}

}  // namespace voucherd::billing

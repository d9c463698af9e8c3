// A firm's year month by month, and where it leads: the targets of rules §5, a projection of the day on
// which the cap is used up, and its part of the programme's year.
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

/// The year's days of usage, first and last; nullopt: it has none.
struct DaySpan {
  LocalDay first, last;
};
std::optional<DaySpan> days_of_usage(const std::vector<UsageTotal>& totals) {
  if (totals.empty()) return std::nullopt;
  return DaySpan{totals.front().day, totals.back().day};  // in the order of the days
}

/// The first day on which what is left of the cap is used up where `target` was reached in the days of
/// `span`. What awards under other policies cover has been earned in those days too; how much of it, no one
/// knows while they cover all of it.
std::optional<LocalDay> project(const SubsidyYear& year, const LedgerState::CapLeft& cap, const DaySpan& span,
                                const Facts& facts) {
  if (year.target <= Fen{} || cap.left <= Fen{}) return std::nullopt;
  const Int128 days = span.last.days - span.first.days + 1;
  const Int128 earned = (year.target + cap.other_awards).value;
  VOUCHERD_ASSERT(earned > 0);
  // Amounts are below 10^19 fen and a year has 366 days: far from 128 bits.
  const Int128 needed = (cap.left.value * days + earned - 1) / earned;
  const LocalDay end = first_day(make_month(year.year + 1, 1));
  if (needed >= end.days - span.last.days) return std::nullopt;
  const LocalDay day{span.last.days + static_cast<std::int32_t>(needed)};
  if (facts.policy_on(day) == nullptr) return std::nullopt;
  return day;
}

}  // namespace

std::optional<Ledger::SubsidyOverview> Ledger::subsidy_overview(const FirmId& firm, int year) const {
  if (!impl_->facts.firms.contains(firm)) return std::nullopt;
  const Month january = make_month(year, 1);
  const auto span =
      days_of_usage(impl_->usage.totals().of(firm, first_day(january), first_day(make_month(year + 1, 1))));
  const RatedUsage& rated = impl_->view_of(firm).rated;
  const FirmAccount account = impl_->account_of(firm, impl_->facts);
  SubsidyOverview overview;
  overview.year = subsidy_of_year(account, rated, year, 12, impl_->facts);
  if (!span) return overview;
  SubsidyYear before;
  for (Month month = january; month <= month_of(span->last); month = month.next()) {
    const SubsidyYear now = subsidy_of_year(account, rated, year, month.month(), impl_->facts);
    overview.months.push_back(
        {month, now.eligible_to_date - before.eligible_to_date, now.target, now.target - before.target});
    const bool used_up = impl_->cap_left_of(firm, now).used_up;
    if (!used_up) overview.cap_used_up.reset();
    if (used_up && !overview.cap_used_up) overview.cap_used_up = month;
    before = now;
  }
  overview.year = before;
  overview.cap_projected = project(before, impl_->cap_left_of(firm, before), *span, impl_->facts);
  return overview;
}

std::vector<FirmId> Ledger::firms() const { return impl_->firms(); }

FirmOfProgramme Ledger::firm_of_programme(const FirmId& firm, int year, int full_months) const {
  const LocalDay from = first_day(make_month(year, 1));
  const LocalDay until = first_day(make_month(year + 1, 1));
  std::vector<UsageOfDay> usage;
  for (auto& total : impl_->usage.totals().of(firm, from, until))
    usage.push_back({total.day, std::move(total.sku), std::move(total.project), total.quantity});
  return billing::firm_of_programme(impl_->account_of(firm, impl_->facts), impl_->view_of(firm).rated, usage,
                                    year, full_months, impl_->facts);
}

}  // namespace voucherd::billing

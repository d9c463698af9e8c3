// What a change would do to open statements: each firm that it concerns is rated by the facts as
// they would be, and its statements are set beside those of now. Closed statements don't change;
// what the change makes of their months stands on the next open one, as an adjustment.
#include <algorithm>

#include "billing/ledger/ledger_state.h"

namespace voucherd::billing {
namespace {

std::optional<StatementAmounts> amounts_of(const Statement& statement) {
  if (statement.empty()) return std::nullopt;
  return StatementAmounts{statement.net(),      statement.tax(),           statement.gross(),
                          statement.eligible(), statement.subsidy_total(), statement.payable()};
}

bool same(const Statement& a, const Statement& b) {
  if (a.empty() || b.empty()) return a.empty() == b.empty();
  return to_canonical_json(a) == to_canonical_json(b);
}

}  // namespace

std::vector<StatementChange> LedgerState::changed_statements(const DraftCall& call) const {
  std::vector<StatementChange> changed;
  const auto open = open_months();
  if (!open || !call.differs()) return changed;
  const Affected affected = affected_by(call.changes, In::open_months);
  for (const auto& firm : firms()) {
    if (!reaches(affected, firm, facts, call.after)) continue;
    const FirmAccount account = account_of(firm, call.after);
    const RatedUsage rated = rate_usage(firm, usage_of(firm), call.after);
    for (Month month = open->first; month <= open->last; month = month.next()) {
      const Statement& before = statement_of(firm, month);
      const Statement after = open_statement(account, rated, month, closed_through(), call.after, head);
      if (!same(before, after)) changed.push_back({month, firm, amounts_of(before), amounts_of(after)});
    }
  }
  std::sort(changed.begin(), changed.end(), [](const StatementChange& a, const StatementChange& b) {
    return std::tie(a.period, a.firm) < std::tie(b.period, b.firm);
  });
  return changed;
}

}  // namespace voucherd::billing

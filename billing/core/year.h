// The years of one firm on its statements: eligible amounts by policy, the cap, awards, and
// the targets of predecessors, each predecessor rated once. Private to billing/core.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "billing/core/bill.h"

namespace voucherd::billing {

/// The policies' parts of `year` up to and including `month`, in order of time.
std::vector<PolicyShare> shares_of(const RatedUsage& rated, int year, int month, const Facts& facts);

/// The last policy that is in force on a day of the months from … through, or nullptr.
const Policy* last_policy_between(Month from, Month through, const Facts& facts);

class YearReckoning {
 public:
  /// The arguments outlive the object.
  YearReckoning(const FirmAccount& account, const RatedUsage& rated, const Facts& facts);

  /// See subsidy_of_year().
  SubsidyYear year_to(int year, int month);
  /// The target that the year is taken to reach where, beside what is known up to and including `through`,
  /// each firm concerned may reach what `expected` makes of its usage: for predecessors too, since what they
  /// will get is taken off the cap. The greater of the two counts.
  using Expected = std::function<std::vector<PolicyShare>(const RatedUsage&)>;
  Fen forecast(int year, int through, const Expected& expected);
  /// True where the year has eligible usage and nothing of the cap is left to come, awards of other policies
  /// taken off.
  bool is_used_up(int year, int month);

 private:
  struct Figures {
    Fen eligible, target, other_centres;
  };
  /// `reckoned` and `under_way` hold the firms of one call of year_to() or forecast().
  struct Walk {
    int year = 0, month = 0;
    const Expected* expected = nullptr;  // nullptr: only what is known counts
    std::map<FirmId, Fen> reckoned = {};
    std::set<FirmId> under_way = {};
  };

  Figures figures_of(const FirmId& firm, Walk& walk);
  Fen targets_of_predecessors(const FirmId& firm, Walk& walk);
  std::set<FirmId> all_predecessors(const FirmId& firm) const;
  const RatedUsage& rated_of(const FirmId& firm);
  Fen awards(const FirmId& firm, int year, AwardKind kind) const;

  const FirmAccount& account_;
  const RatedUsage& rated_;
  const Facts& facts_;
  std::map<FirmId, RatedUsage> rated_predecessors_;
};

}  // namespace voucherd::billing

// The subsidy (rules §5): a firm's target of a year, by the eligible amounts under each
// policy of the year, the cap, other centres and other awards. Pure.
#pragma once

#include <vector>

#include "billing/core/facts.h"

namespace voucherd::billing {

/// One policy's part of a year, in order of time.
struct PolicyShare {
  Rate rate;
  Fen cap;
  Fen eligible;  // eligible amount of the year's usage months so far under this policy
};

/// target(Y, m). `other_centres` and `other_awards` are ≥ 0.
Fen subsidy_target(const std::vector<PolicyShare>& shares, Fen other_centres, Fen other_awards);

/// One year on a statement.
struct SubsidyYear {
  int year = 0;
  Fen eligible_to_date, target, granted_before, this_statement, cap, other_centres, remaining;
};

}  // namespace voucherd::billing

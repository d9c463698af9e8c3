// A closed statement made once more from what a bundle holds, by the same pure functions that make it in the
// daemon. Private to billing/audit.
#pragma once

#include <vector>

#include "billing/audit/firm_events.h"
#include "billing/core/bill.h"

namespace voucherd::billing {

struct StatementGrounds {
  FirmId firm;
  Month period;
  StatementHead head;
  Statement::Closed closed;
  Facts facts;                              // of this firm and those of everybody
  std::vector<BilledStatement> earlier;     // statements closed before, in order
  std::map<int, Fen> stated_other_centres;  // by year: asked only for a firm with predecessors
};

/// The canonical bytes that the rules give. Throws Refused where the grounds do not suffice.
std::string recompute(const StatementGrounds& grounds, const FirmEvents& events);

}  // namespace voucherd::billing

// A set of local days as runs: a source sends usage of most days, so that years are a few runs and the
// days that are missing stand between them.
#pragma once

#include <vector>

#include "metering/core/time.h"

namespace voucherd {

/// Both days belong to it.
struct DayRun {
  LocalDay first, last;
  friend bool operator==(const DayRun&, const DayRun&) = default;
};

class DaySet {
 public:
  /// Precondition (asserted): first <= last.
  void insert(DayRun days);
  /// Ascending, with at least one day between one and the next.
  const std::vector<DayRun>& runs() const { return runs_; }
  friend bool operator==(const DaySet&, const DaySet&) = default;

 private:
  std::vector<DayRun> runs_;
};

}  // namespace voucherd

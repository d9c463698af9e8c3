#include "metering/state/day_set.h"

#include <algorithm>

#include "metering/core/assert.h"

namespace voucherd {

void DaySet::insert(DayRun days) {
  VOUCHERD_ASSERT(days.first <= days.last);
  // Nearly always it is the latest days again.
  if (!runs_.empty() && runs_.back().first <= days.first && days.last <= runs_.back().last) return;
  const auto touching = std::partition_point(
      runs_.begin(), runs_.end(), [&](const DayRun& run) { return run.last.days + 1 < days.first.days; });
  if (touching != runs_.end() && touching->first <= days.first && days.last <= touching->last) return;
  auto behind = touching;
  for (; behind != runs_.end() && behind->first.days <= days.last.days + 1; ++behind) {
    days = {std::min(days.first, behind->first), std::max(days.last, behind->last)};
  }
  runs_.insert(runs_.erase(touching, behind), days);
}

}  // namespace voucherd

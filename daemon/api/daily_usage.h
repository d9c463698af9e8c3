// A firm's daily usage behind a statement, as it was known at the statement's journal position: what a
// closed statement's workbook shows never changes.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "billing/render/daily_usage.h"
#include "daemon/engine/engine.h"

namespace voucherd::api {

struct UsageAsKnown {
  FirmId firm;
  MonthSpan months;
  Position known = 0;  // whose knowledge it is: the last position, or one at which all these months had ended
};
using UsageGathered = std::function<void(std::vector<billing::UsageOfDay>)>;

/// A firm's usage of all days of these months, in the order of day, SKU and project. What changed it behind
/// the position is read and taken back, in parts, so that others get their turn; `done` is called once, now
/// or later, on the owner's thread.
void gather_usage(const Engine& engine, UsageAsKnown wanted, UsageGathered done);

/// The same of the months and SKUs that `statement` (canonical JSON with `journal`) has lines or unpriced
/// usage of, as it was known at its journal position.
void gather_daily_usage(const Engine& engine, const nlohmann::ordered_json& statement,
                        std::function<void(std::vector<billing::DailyUsage>)> done);

}  // namespace voucherd::api

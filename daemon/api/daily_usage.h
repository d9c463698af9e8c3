// A firm's daily usage behind a statement, as it was known at the statement's journal position: what a
// closed statement's workbook shows never changes.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "billing/render/letterhead.h"
#include "daemon/engine/engine.h"

namespace voucherd::api {

/// The usage of the months and SKUs that `statement` (canonical JSON with `journal`) has lines or unpriced
/// usage of, in the order of day, SKU and project. Reads the records behind a close, one at a time, so
/// that others get their turn; `done` is called once, now or later, on the owner's thread.
void gather_daily_usage(const Engine& engine, const nlohmann::ordered_json& statement,
                        std::function<void(std::vector<billing::DailyUsage>)> done);

}  // namespace voucherd::api

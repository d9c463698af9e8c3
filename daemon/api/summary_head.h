// What stands above a month's sums: whose they are, and as of when.
#pragma once

#include <nlohmann/json.hpp>

#include "daemon/engine/engine.h"

namespace voucherd::api {

/// period, state, position, provider and currency: MonthSummary::shown() is put behind it. A closed month's
/// is always the same.
nlohmann::ordered_json summary_head(const Engine& engine, Month period);

}  // namespace voucherd::api

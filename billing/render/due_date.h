// When a statement is to be paid: so many days after the day of its close.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "billing/core/letterhead.h"
#include "metering/core/time.h"

namespace voucherd::billing {

/// nullopt: the statement is open, and so not due.
std::optional<LocalDay> due_date(const nlohmann::ordered_json& statement, const Letterhead& letterhead);
/// When a document of the statement counts as made: its close; of an open one the month's beginning, so that
/// equal drafts are equal bytes.
Instant made_at(const nlohmann::ordered_json& statement);

}  // namespace voucherd::billing

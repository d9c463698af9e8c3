// A statement as a workbook of three sheets: the statement, its lines, its daily usage. Amounts are
// numbers, codes are text, and nothing is a formula. Equal arguments give equal bytes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "billing/core/letterhead.h"
#include "billing/render/daily_usage.h"
#include "metering/core/result.h"

namespace voucherd::billing {

/// `statement` is the canonical JSON with `journal`; `daily` is in the order in which it shall stand.
/// Fault "xlsx_failed": the temporary files could not be written; "document_too_large" (document_size.h).
/// Any thread.
Result<std::string> render_xlsx(const nlohmann::ordered_json& statement, const std::vector<DailyUsage>& daily,
                                const Letterhead& letterhead);

}  // namespace voucherd::billing

// A statement as CSV: for spreadsheets, headings in Chinese with English beside them. Made
// from the canonical JSON, so that what is printed is what was frozen.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace voucherd::billing {

/// RFC 4180 with CRLF, UTF-8 without BOM (`excel`: with BOM). No text can become a formula (CsvWriter says
/// how); figures are not text.
std::string render_csv(const nlohmann::ordered_json& statement, bool excel);

}  // namespace voucherd::billing

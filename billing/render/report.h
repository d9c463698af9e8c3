// Figures over many firms as tables: a month's summary, the programme's year. One description of the
// tables serves CSV and XLSX, so that both say the same.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "metering/core/result.h"
#include "metering/core/time.h"

namespace voucherd::billing {

struct ReportCell {
  /// Text of others; a word of ours (a month, a state); an amount of yuan; another figure.
  enum class Kind { text, word, amount, figure };
  std::string value;  // "" for nothing
  Kind kind = Kind::text;
};

struct ReportTable {
  std::string name;  // of the sheet: at most 31 characters
  std::vector<std::string> headings;
  std::vector<std::vector<ReportCell>> rows;
};

struct Report {
  std::string title;
  std::vector<ReportTable> tables;
  Instant made;  // stands in the workbook's properties: its bytes depend on the figures alone
};

/// Of what MonthSummary::shown() gives, with the `state` and `provider` that the API adds.
Report summary_report(const nlohmann::ordered_json& summary);
/// Of what ProgrammeYear::shown() gives, with the `as_of` that the API adds.
Report programme_report(const nlohmann::ordered_json& programme);

/// The tables under each other, each with its name above it; an empty row between. RFC 4180 as render_csv()
/// of a statement.
std::string report_csv(const Report& report, bool excel);
/// A sheet a table. Fault "xlsx_failed" or "document_too_large" (document_size.h).
Result<std::string> report_xlsx(const Report& report);

}  // namespace voucherd::billing

#include "billing/render/csv_writer.h"

namespace voucherd::billing {

void CsvWriter::cell(std::string_view value) {
  if (!at_row_start_) out_ += ',';
  at_row_start_ = false;
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
    out_ += value;
    return;
  }
  out_ += '"';
  for (const char c : value) {
    if (c == '"') out_ += '"';
    out_ += c;
  }
  out_ += '"';
}

void CsvWriter::text(std::string_view value) {
  const bool formula =
      !value.empty() && std::string_view("=+-@\t\r").find(value.front()) != std::string_view::npos;
  cell(formula ? "'" + std::string(value) : std::string(value));
}

void CsvWriter::end_row() {
  out_ += "\r\n";
  at_row_start_ = true;
}

}  // namespace voucherd::billing

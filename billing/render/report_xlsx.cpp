// A report's tables as sheets. What is a figure is a number, what is text is text.
#include <algorithm>

#include "billing/render/document_size.h"
#include "billing/render/report.h"
#include "billing/render/xlsx_book.h"

namespace voucherd::billing {

namespace {

using Kind = ReportCell::Kind;

constexpr int width_min = 12, width_max = 44;

void write_cell(XlsxSheet& sheet, std::uint32_t row, std::uint16_t column, const ReportCell& cell) {
  if (cell.value.empty()) return;
  if (cell.kind == Kind::amount) {
    sheet.amount(row, column, cell.value);
  } else if (cell.kind == Kind::figure) {
    sheet.figure(row, column, cell.value);
  } else {
    sheet.text(row, column, cell.value);
  }
}

/// Wide enough for a heading on two lines and for the longest value, within reason; a character beyond
/// ASCII has three bytes and the width of two.
int width_of(const ReportTable& table, std::size_t column) {
  const auto width = [](const std::string& text) { return static_cast<int>(text.size() * 2 / 3); };
  int widest = width_min;
  for (const auto& row : table.rows) widest = std::max(widest, width(row[column].value) + 4);
  return std::min(std::max(widest, width(table.headings[column]) * 2 / 3), width_max);
}

void write_table(XlsxSheet sheet, const ReportTable& table, const std::string& title) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < table.headings.size(); ++i) widths.push_back(width_of(table, i));
  sheet.headings(0, table.headings);
  sheet.widths(widths);
  std::uint32_t number = 1;
  for (const auto& row : table.rows) {
    std::uint16_t column = 0;
    for (const ReportCell& cell : row) write_cell(sheet, number, column++, cell);
    ++number;
  }
  sheet.freeze_above(1);
  constexpr bool landscape = true;
  sheet.print(landscape, title);
}

}  // namespace

Result<std::string> report_xlsx(const Report& report) {
  for (const ReportTable& table : report.tables) {
    const auto fits =
        check_rows("the sheet " + table.name, table.rows.size(), xlsx_rows_max, "the CSV has them all");
    if (!fits) return fits.error();
  }
  XlsxBook book(report.title, report.made);
  for (const ReportTable& table : report.tables) write_table(book.add_sheet(table.name), table, report.title);
  return book.finish();
}

}  // namespace voucherd::billing

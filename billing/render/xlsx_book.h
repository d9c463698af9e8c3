// A workbook as finance wants it: figures are numbers, codes are text, nothing is a formula, and equal
// contents give equal bytes. All that is known of libxlsxwriter stands in the file beside this one.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"
#include "metering/core/time.h"

namespace voucherd::billing {

/// How a cell looks beside its value.
struct CellLook {
  bool bold = false;
  bool heading = false;  // of a table: filled, wrapped, centred
  bool total = false;    // a line above
  bool warning = false;  // red
  bool title = false;    // large
  friend auto operator<=>(const CellLook&, const CellLook&) = default;
};

class XlsxBook;

/// One sheet; rows and columns count from 0. Lives as long as its book.
class XlsxSheet {
 public:
  /// Text of whatever origin: never a formula, a link or a number. It is made visible (visible_text.h).
  void text(std::uint32_t row, std::uint16_t column, std::string_view value, CellLook look = {});
  /// A decimal as canonical JSON has it. A number where 15 significant digits hold it, since that is what
  /// spreadsheets keep; else text, so that no digit is lost. It is shown with the digits that it has.
  void figure(std::uint32_t row, std::uint16_t column, std::string_view decimal, CellLook look = {});
  /// The same with the format `#,##0.00`.
  void amount(std::uint32_t row, std::uint16_t column, std::string_view decimal, CellLook look = {});
  /// A rate, as "0.06", shown as 6%.
  void rate(std::uint32_t row, std::uint16_t column, std::string_view decimal, CellLook look = {});
  /// A date that can be sorted and filtered.
  void day(std::uint32_t row, std::uint16_t column, LocalDay day, CellLook look = {});
  /// Our own words as the heads of a table, from column 0 on, two lines high.
  void headings(std::uint32_t row, const std::vector<std::string>& words);
  /// In characters, from column 0 on.
  void widths(const std::vector<int>& characters);

  /// Rows up to `row` stay in sight, and stand on every page.
  void freeze_above(std::uint32_t row);
  void filter(std::uint32_t first_row, std::uint32_t last_row, std::uint16_t last_column);
  /// A4, as wide as the page, with `footer` (our own words) and page numbers.
  void print(bool landscape, const std::string& footer);

 private:
  friend class XlsxBook;
  XlsxSheet(XlsxBook& book, void* sheet) : book_(book), sheet_(sheet) {}
  void number(std::uint32_t row, std::uint16_t column, std::string_view decimal, const std::string& format,
              CellLook look);

  XlsxBook& book_;
  void* sheet_;  // lxw_worksheet, which the book owns
};

class XlsxBook {
 public:
  /// `created` stands in the file's properties: nothing else in it tells when it was made.
  XlsxBook(const std::string& title, Instant created);
  ~XlsxBook();
  XlsxBook(const XlsxBook&) = delete;
  XlsxBook& operator=(const XlsxBook&) = delete;

  /// At most 31 characters, none of []:*?/\ (asserted).
  XlsxSheet add_sheet(const std::string& name);
  /// The file. Once only, and last. Fault "xlsx_failed": the temporary files could not be written, or the
  /// library refused something on the way (a row beyond the sheet's end).
  Result<std::string> finish();

 private:
  friend class XlsxSheet;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd::billing

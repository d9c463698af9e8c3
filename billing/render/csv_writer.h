// Rows of CSV by RFC 4180, safe to open in a spreadsheet. Whatever the project writes as CSV goes
// through here.
#pragma once

#include <string>
#include <string_view>

namespace voucherd::billing {

/// Not thread-safe.
class CsvWriter {
 public:
  /// Our own words, figures and dates: taken as they are, so a minus sign stays one.
  void cell(std::string_view value);
  /// Text of others (names, labels, codes): what a spreadsheet would take for a formula (it begins with
  /// = + - @ tab or CR) is prefixed with an apostrophe.
  void text(std::string_view value);
  /// CRLF.
  void end_row();
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool at_row_start_ = true;
};

}  // namespace voucherd::billing

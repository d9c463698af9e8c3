// Rows of CSV by RFC 4180, safe to open in a spreadsheet. Whatever the project writes as CSV goes
// through here.
#pragma once

#include <string>
#include <string_view>

namespace voucherd::billing {

/// A byte order mark: a file that begins with it is UTF-8 to Excel, which takes it for the host's code page
/// otherwise (GBK in China). Only where it is asked for: other readers take it for text.
inline constexpr std::string_view excel_mark = "\xEF\xBB\xBF";

/// Not thread-safe.
class CsvWriter {
 public:
  /// Our own words, figures and dates: taken as they are, so a minus sign stays one.
  void cell(std::string_view value);
  /// Text of others (names, labels, codes), which is UTF-8. What a spreadsheet could take for a formula is
  /// prefixed with an apostrophe: it begins with a tab, CR or LF, or its first visible character is one of
  /// = + - @ or of their full-width forms. Control characters other than tab, CR and LF, which no
  /// spreadsheet shows and some stop at, become U+FFFD.
  void text(std::string_view value);
  /// CRLF.
  void end_row();
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool at_row_start_ = true;
};

}  // namespace voucherd::billing

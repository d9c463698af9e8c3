// RFC 4180, read to the letter: a quoted field may hold commas, quotes (twice) and line ends.
#include <algorithm>

#include "billing/ledger/firm_csv.h"

namespace voucherd::billing {
namespace {

class Splitter {
 public:
  Splitter(std::string_view text, std::vector<FieldFault>& faults) : text_(text), faults_(faults) {}

  std::vector<CsvRow> split() {
    while (at_ < text_.size()) {
      CsvRow row{row_, {}};
      do {
        row.fields.push_back(field());
      } while (take(','));
      take('\r');
      if (at_ < text_.size() && !take('\n')) {
        fault("text follows the closing quote of a field; quotes within a field are written twice");
        skip_line();
      }
      ++row_;
      const bool blank = row.fields.size() == 1 && row.fields.front().empty();
      if (!blank) rows_.push_back(std::move(row));
    }
    return std::move(rows_);
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string field() {
    if (take('"')) return quoted();
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    std::string value(text_.substr(at_, end - at_));
    at_ = end;
    return value;
  }

  std::string quoted() {
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && !take('"')) return value;
      value += c;
    }
    fault("a quote is opened here and never closed");
    return value;
  }

  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1; }
  void fault(std::string detail) { faults_.push_back({"row " + std::to_string(row_), std::move(detail)}); }

  std::string_view text_;
  std::vector<FieldFault>& faults_;
  std::vector<CsvRow> rows_;
  std::size_t at_ = 0, row_ = 1;
};

}  // namespace

std::vector<CsvRow> split_csv(std::string_view text, std::vector<FieldFault>& faults) {
  return Splitter(text, faults).split();
}

}  // namespace voucherd::billing

// Firms with their eligibility as CSV: how a list of firms that a bureau has recognised is taken in
// at once. One row per interval of eligibility; rows with the same code belong to one firm. What
// the file can't say of a firm that is known (related_party, predecessors) stays as it is.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "billing/ledger/ledger.h"

namespace voucherd::billing {

/// A CSV file as changes of firms; unusable where there are faults.
class FirmCsv {
 public:
  /// UTF-8 with or without a byte order mark, RFC 4180, with a row of column names: uscc and name;
  /// district, category, from, until, basis, evidence_sha256 where wanted; or their Chinese names.
  /// `known` gives what the file leaves as it is.
  FirmCsv(std::string_view text, const Facts& known);

  const std::vector<FactChange>& changes() const { return changes_; }
  /// All at once, each with row and column ("row 3, column until"); rows count from 1, the names' row.
  const std::vector<FieldFault>& faults() const { return faults_; }
  std::size_t rows() const { return rows_; }  // without the names'
  /// Faults of the ledger's judge about changes(), told by row and column.
  std::vector<FieldFault> located(const std::vector<FieldFault>& judged) const;

 private:
  /// Where a change's members stand.
  struct Places {
    std::size_t first_row = 0;
    std::vector<std::size_t> interval_rows;  // of its eligibility, in order
  };
  struct Row;
  bool read_names(const std::vector<std::string>& names);
  void add_row(const Row& row, const Facts& known);
  void check_bodies();
  std::string column(std::string_view member) const;
  std::string place(const Places& places, std::string_view pointer) const;

  std::vector<FactChange> changes_;
  std::vector<Places> places_;  // in step with changes_
  std::map<std::string, std::size_t> change_of_;
  std::vector<FieldFault> faults_;
  std::size_t rows_ = 0;
  std::map<std::string, std::string, std::less<>> names_;    // member → the column's name in the file
  std::map<std::string, std::size_t, std::less<>> columns_;  // member → its place in a row
};

/// Splits RFC 4180 text into rows of fields; blank rows are counted and left out. Faults where quotes do
/// not close or are followed by text; nothing is guessed.
struct CsvRow {
  std::size_t number = 0;  // from 1, as a spreadsheet counts
  std::vector<std::string> fields;
};
std::vector<CsvRow> split_csv(std::string_view text, std::vector<FieldFault>& faults);

}  // namespace voucherd::billing

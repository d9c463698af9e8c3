// Text for people: tables whose columns line up with Chinese in them, and an outline of any
// JSON value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/ctl/api_client.h"

namespace voucherd::ctl {

/// Text of others for a terminal: a space for each control character (C1 too), and for each mark that would
/// change the direction or the line of what follows. Line feeds stay where `keep_lines`.
std::string printable(std::string_view utf8, bool keep_lines = false);

/// Columns of a terminal that `utf8` takes: CJK and full-width characters take two.
std::size_t display_width(std::string_view utf8);

/// A table of text. Columns are as wide as their widest cell.
class TextTable {
 public:
  enum class Align { left, right };
  /// A column's name; `english` stands in a second head line where any column has one.
  void add_column(std::string name, Align align = Align::left, std::string english = "");
  /// As many cells as there are columns.
  void add_row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  struct Column {
    std::string name, english;
    Align align;
  };
  std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// A scalar as people read it: strings bare, null as "–".
std::string plain(const Json& value);
/// Members on lines of their own, nested ones indented, as YAML has them.
std::string outline(const Json& value);

/// A list of objects as a table with these members as columns.
struct ListColumn {
  const char* member;
  const char* title;
};
/// Pages through `path` and prints all: as a JSON array where `as_json`, else as a table.
Result<void> print_list(ApiClient& api, const std::string& path, const Query& query,
                        const std::vector<ListColumn>& columns, bool as_json);

}  // namespace voucherd::ctl

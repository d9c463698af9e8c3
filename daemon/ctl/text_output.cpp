// Control characters never reach the terminal: what events and firms are called is not ours.
#include "daemon/ctl/text_output.h"

#include <algorithm>
#include <iostream>

namespace voucherd::ctl {

namespace {

constexpr std::string_view column_gap = "  ";

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

/// The code point at `at` of text that JSON's reader has already found to be UTF-8.
CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {((lead & 0x1FU) << 6U) | (byte(1) & 0x3FU), 2};
  if (lead < 0xF0) return {((lead & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU), 3};
  return {
      ((lead & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U) | ((byte(2) & 0x3FU) << 6U) | (byte(3) & 0x3FU),
      4};
}

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x20000 && c <= 0x3FFFD);
}

bool is_command(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F || c == 0x2028 ||
         c == 0x2029 || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void add_outline(const Json& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  const auto add_entry = [&](const std::string& name, const Json& entry) {
    out += margin + name;
    if (entry.is_structured() && !entry.empty()) {
      out += '\n';
      add_outline(entry, indent + 2, out);
    } else {
      out += " " + plain(entry) + "\n";
    }
  };
  if (value.is_object()) {
    for (const auto& [name, entry] : value.items()) add_entry(printable(name) + ":", entry);
  } else if (value.is_array()) {
    for (const auto& entry : value) add_entry("-", entry);
  } else {
    out += margin + plain(value) + "\n";
  }
}

}  // namespace

std::string printable(std::string_view utf8, bool keep_lines) {
  std::string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto point = code_point_at(utf8, at);
    if (is_command(point.value) && !(keep_lines && point.value == '\n')) {
      out += ' ';
    } else {
      out += utf8.substr(at, point.bytes);
    }
    at += point.bytes;
  }
  return out;
}

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto point = code_point_at(utf8, at);
    width += is_wide(point.value) ? 2U : 1U;
    at += point.bytes;
  }
  return width;
}

void TextTable::add_column(std::string name, Align align, std::string english) {
  columns_.push_back({std::move(name), std::move(english), align});
}

void TextTable::add_row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::line_of(const std::vector<std::string>& cells,
                               const std::vector<std::size_t>& widths) const {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - display_width(cells[i]), ' ');
    const bool right = columns_[i].align == Align::right;
    if (i > 0) line += column_gap;
    line += right ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string TextTable::text() const {
  std::vector<std::string> names, english;
  std::vector<std::size_t> widths;
  for (const auto& column : columns_) {
    names.push_back(column.name);
    english.push_back(column.english);
    widths.push_back(std::max(display_width(column.name), display_width(column.english)));
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string out = line_of(names, widths);
  const auto has_text = [](const std::string& text) { return !text.empty(); };
  if (std::any_of(english.begin(), english.end(), has_text)) out += line_of(english, widths);
  std::size_t whole = column_gap.size() * (columns_.size() - 1);
  for (const auto width : widths) whole += width;
  out += std::string(whole, '-') + "\n";
  for (const auto& row : rows_) out += line_of(row, widths);
  return out;
}

std::string plain(const Json& value) {
  if (value.is_null()) return "–";
  if (value.is_string()) return printable(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

std::string outline(const Json& value) {
  std::string out;
  add_outline(value, 0, out);
  if (!out.empty()) out.pop_back();
  return out;
}

Result<void> print_list(ApiClient& api, const std::string& path, const Query& query,
                        const std::vector<ListColumn>& columns, bool as_json) {
  TextTable table;
  for (const auto& column : columns) table.add_column(column.title);
  bool first = true;
  if (as_json) std::cout << '[';
  const auto done = api.for_each_item(path, query, [&](Json&& item) {
    if (as_json) {
      std::cout << (first ? "\n" : ",\n") << item.dump();
      first = false;
      return true;
    }
    std::vector<std::string> row;
    for (const auto& column : columns) {
      const auto found = item.find(column.member);
      row.push_back(found == item.end() ? "–" : plain(*found));
    }
    table.add_row(std::move(row));
    return true;
  });
  if (as_json) std::cout << "\n]\n";
  if (!as_json && done) std::cout << (table.empty() ? "nothing\n" : table.text());
  std::cout << std::flush;
  return done;
}

}  // namespace voucherd::ctl

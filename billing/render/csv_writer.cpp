#include "billing/render/csv_writer.h"

#include <algorithm>
#include <array>

namespace voucherd::billing {

namespace {

using namespace std::literals;

constexpr std::array formula_starts = {"="sv, "+"sv, "-"sv, "@"sv, "＝"sv, "＋"sv, "－"sv, "＠"sv};
/// What takes no ink, so that a formula may hide behind it: spaces, joiners, marks of direction and order.
constexpr std::array invisible = {
    " "sv,      "\t"sv,     "\r"sv,     "\n"sv,     "\u00A0"sv, "\u00AD"sv, "\u2028"sv,
    "\u2029"sv, "\u200B"sv, "\u200C"sv, "\u200D"sv, "\u200E"sv, "\u200F"sv, "\u202A"sv,
    "\u202B"sv, "\u202C"sv, "\u202D"sv, "\u202E"sv, "\u2060"sv, "\u2066"sv, "\u2067"sv,
    "\u2068"sv, "\u2069"sv, "\u3000"sv, "\uFEFF"sv,
};

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7F;
}

bool is_c1_tail(char c) { return (static_cast<unsigned char>(c) & 0xE0U) == 0x80U; }

/// The bytes of what is in front of `text` and takes no ink; 0: it begins with something visible.
std::size_t invisible_bytes(std::string_view text) {
  if (is_control(text.front())) return 1;
  const auto found = std::find_if(invisible.begin(), invisible.end(),
                                  [text](std::string_view start) { return text.starts_with(start); });
  return found == invisible.end() ? 0 : found->size();
}

bool could_be_formula(std::string_view text) {
  if (!text.empty() && "\t\r\n"sv.find(text.front()) != std::string_view::npos) return true;
  while (!text.empty()) {
    const std::size_t bytes = invisible_bytes(text);
    if (bytes == 0) break;
    text.remove_prefix(bytes);
  }
  return std::any_of(formula_starts.begin(), formula_starts.end(),
                     [text](std::string_view start) { return text.starts_with(start); });
}

/// Appends the text; a control character (C0, DEL, and C1, which is two bytes) becomes U+FFFD.
void add_without_controls(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool c1 = text[at] == '\xC2' && at + 1 < text.size() && is_c1_tail(text[at + 1]);
    if (c1) ++at;
    if (c1 || is_control(text[at])) {
      out += "\uFFFD";
    } else {
      out += text[at];
    }
  }
}

}  // namespace

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
  std::string shown;
  if (could_be_formula(value)) shown += '\'';
  add_without_controls(value, shown);
  cell(shown);
}

void CsvWriter::end_row() {
  out_ += "\r\n";
  at_row_start_ = true;
}

}  // namespace voucherd::billing

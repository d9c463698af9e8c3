#include "daemon/audit/statement_scan.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

// Of lines alone, and of each its second member; what stands before it has the same length in all.
constexpr std::string_view mark_of_line = R"("adjustment":)";
constexpr std::string_view before_mark = R"({"usage_month":"2026-03",)";
constexpr std::string_view mark_of_sku = R"("sku":)";

/// Calls `visit` with each place of `mark`, until it returns false.
void find_all(std::string_view text, std::string_view mark, const std::function<bool(std::size_t)>& visit) {
  for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + mark.size()))
    if (!visit(at)) return;
}

/// The place behind the text that begins at `at` with its quotation mark.
std::size_t end_of_text(std::string_view json, std::size_t at) {
  for (++at; json.at(at) != '"'; ++at)
    if (json[at] == '\\') ++at;
  return at + 1;
}

/// The place behind the object that begins at `at`.
std::size_t end_of_object(std::string_view json, std::size_t at) {
  for (int depth = 0;;) {
    const char c = json.at(at);
    if (c == '"') {
      at = end_of_text(json, at);
      continue;
    }
    if (c == '{') ++depth;
    ++at;
    if (c == '}' && --depth == 0) return at;
  }
}

}  // namespace

std::uint64_t lines_in(std::string_view canonical) {
  std::uint64_t lines = 0;
  find_all(canonical, mark_of_line, [&lines](std::size_t) {
    ++lines;
    return true;
  });
  return lines;
}

std::string_view line_in(std::string_view canonical, std::uint64_t index) {
  std::string_view line;
  find_all(canonical, mark_of_line, [&](std::size_t at) {
    if (index-- > 0) return true;
    const std::size_t begin = at - before_mark.size();
    line = canonical.substr(begin, end_of_object(canonical, begin) - begin);
    return false;
  });
  VOUCHERD_ASSERT(line.starts_with('{'));
  return line;
}

std::set<std::string> skus_in(std::string_view canonical) {
  std::set<std::string> skus;
  find_all(canonical, mark_of_sku, [&](std::size_t at) {
    const std::size_t begin = at + mark_of_sku.size();
    const auto text = canonical.substr(begin, end_of_text(canonical, begin) - begin);
    skus.insert(nlohmann::json::parse(text).get<std::string>());
    return true;
  });
  return skus;
}

}  // namespace voucherd

#include "billing/audit/untrusted_text.h"

#include "billing/ledger/field_reader.h"

namespace voucherd::billing {

namespace {

/// How deep brackets stand in each other; those within strings are no brackets.
bool nests_too_deep(std::string_view bytes) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

void refuse_broken_text(std::string_view text, const std::string& where) {
  refuse_unless(utf8_prefix(text) == text.size(), where, "holds text that is not UTF-8");
}

nlohmann::json read_json(std::string_view bytes, const std::string& where) {
  refuse_unless(!nests_too_deep(bytes), where, "nests deeper than anything that a centre writes");
  nlohmann::json json = nlohmann::json::parse(bytes, nullptr, false);
  refuse_unless(!json.is_discarded(), where, "is not JSON in UTF-8");
  return json;
}

}  // namespace voucherd::billing

#include "daemon/api/preview.h"

#include <algorithm>

#include "daemon/api/problem.h"

namespace voucherd::api {

namespace {

nlohmann::ordered_json show(const std::optional<billing::StatementAmounts>& amounts) {
  if (!amounts) return nullptr;
  return {{"net", to_string(amounts->net)},         {"tax", to_string(amounts->tax)},
          {"gross", to_string(amounts->gross)},     {"eligible", to_string(amounts->eligible)},
          {"subsidy", to_string(amounts->subsidy)}, {"payable", to_string(amounts->payable)}};
}

}  // namespace

std::variant<bool, http::Response> read_dry_run(const http::Request& request,
                                                std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (name == "dry_run") {
      if (value != "1") return problem(422, "invalid", "Wrong query", "dry_run is 1, or left out");
    } else if (std::find(known.begin(), known.end(), name) == known.end()) {
      return problem(422, "invalid", "Wrong query", request.path + " takes no query parameter " + name);
    }
  }
  return request.query_value("dry_run") != nullptr;
}

nlohmann::ordered_json show_preview(const billing::Ledger::Preview& preview) {
  nlohmann::ordered_json statements = nlohmann::ordered_json::array();
  for (const auto& change : preview.statements) {
    if (statements.size() == previewed_statements_max) break;
    statements.push_back({{"statement", billing::statement_number(change.period, change.firm)},
                          {"period", to_string(change.period)},
                          {"firm", change.firm.value},
                          {"before", show(change.before)},
                          {"after", show(change.after)}});
  }
  return {{"dry_run", true},
          {"needs_reason", preview.needs_reason},
          {"closed_statements", preview.concerned},
          {"statements_changed", preview.statements.size()},
          {"statements", std::move(statements)}};
}

}  // namespace voucherd::api

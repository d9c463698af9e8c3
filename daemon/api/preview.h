// What `?dry_run=1` answers on changes of facts: the statements that they would change.
#pragma once

#include "billing/ledger/ledger.h"
#include "daemon/api/request.h"

namespace voucherd::api {

/// Of the changed statements, this many are listed; `statements_changed` counts all.
inline constexpr std::size_t previewed_statements_max = 1000;

/// `?dry_run=1` or absent; the Response refuses other values and query parameters other than `known`.
std::variant<bool, http::Response> read_dry_run(const http::Request& request,
                                                std::initializer_list<std::string_view> known);

/// {"dry_run", "needs_reason", "closed_statements", "statements_changed", "statements"}.
nlohmann::ordered_json show_preview(const billing::Ledger::Preview& preview);

}  // namespace voucherd::api

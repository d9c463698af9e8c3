// GET /v1/quarantine: what could not be counted, and why.
#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

nlohmann::ordered_json show(const QuarantineEntry& entry, UtcOffset offset) {
  return {{"quarantine", to_string(entry.number)},
          {"code", to_string(entry.code)},
          {"detail", entry.detail},
          {"source", entry.source},
          {"id", entry.id},
          {"subject", entry.subject},
          {"sku", entry.sku},
          {"months", {{"first", to_string(entry.months.first)}, {"last", to_string(entry.months.last)}}},
          {"received_at", format_instant(entry.received_at, offset)},
          {"times_sent", entry.times_sent}};
}

bool fits(const std::string* filter, std::string_view value) { return filter == nullptr || *filter == value; }

http::Response list(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after", "code", "subject", "sku"}))
    return *refusal;
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  QuarantineNumber from;
  if (!after.empty()) {
    const auto parsed = parse_quarantine_number(after);
    if (!parsed) return problem(422, "invalid", "Wrong query", "after is a quarantine number like 1842.0");
    from = *parsed;
  }
  nlohmann::ordered_json items;
  std::optional<std::string> next;
  std::string last;
  engine.usage().quarantine().visit(from, [&](const QuarantineEntry& entry) {
    if (!fits(request.query_value("code"), to_string(entry.code)) ||
        !fits(request.query_value("subject"), entry.subject) ||
        !fits(request.query_value("sku"), entry.sku)) {
      return true;
    }
    if (items.size() == limit) {
      next = last;
      return false;
    }
    items.push_back(show(entry, engine.genesis().offset));
    last = to_string(entry.number);
    return true;
  });
  return list_response(std::move(items), next);
}

}  // namespace

void add_quarantine_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/quarantine",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list(engine, request));
             });
}

}  // namespace voucherd::api

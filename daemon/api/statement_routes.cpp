// GET /v1/statements: the list of a month, and one as JSON or CSV.
#include "billing/render/csv.h"
#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"
#include "metering/core/assert.h"

namespace voucherd::api {

namespace {

/// A statement's canonical bytes and what stands beside them.
struct Found {
  std::string canonical;
  Position position;
  std::string root;
};

std::optional<Found> find(const Engine& engine, Month period, const FirmId& firm) {
  if (auto closed = engine.ledger().closed_statement(period, firm)) {
    return Found{std::move(closed->canonical), closed->position, std::move(closed->root)};
  }
  if (const auto open = engine.ledger().open_statement(period, firm)) {
    return Found{to_canonical_json(*open), engine.position(), engine.tree_root()};
  }
  return std::nullopt;
}

/// `journal` stands beside the canonical members: what is frozen is everything but it.
std::string with_journal(const Found& found) {
  VOUCHERD_ASSERT(!found.canonical.empty() && found.canonical.back() == '}');
  const nlohmann::ordered_json journal = {{"position", found.position}, {"root", found.root}};
  return found.canonical.substr(0, found.canonical.size() - 1) + ",\"journal\":" + journal.dump() + "}\n";
}

enum class Format { json, csv };

/// By extension, which is cut off `name`; else by Accept. None where neither names one of ours.
std::optional<Format> choose_format(std::string& name, std::string_view accept) {
  const std::size_t dot = name.find('.');
  if (dot != std::string::npos) {
    const std::string extension = name.substr(dot);
    name.resize(dot);
    if (extension == ".json") return Format::json;
    if (extension == ".csv") return Format::csv;
    return std::nullopt;
  }
  const auto chosen = choose_type(accept, {"application/json", "text/csv"});
  if (!chosen) return std::nullopt;
  return *chosen == 0 ? Format::json : Format::csv;
}

http::Response show(const Engine& engine, const http::Request& request, const PathValues& values) {
  if (auto refusal = refuse_unknown_query(request, {"excel"})) return *refusal;
  const auto period = parse_month(values[0]);
  if (!period) return problem(422, "invalid", "Wrong period", period.error().detail);
  std::string firm = values[1];
  const auto format = choose_format(firm, request.header("accept"));
  if (!format && firm.size() < values[1].size()) return not_found("a statement comes as .json or .csv");
  if (!format) return not_acceptable("a statement comes as application/json or text/csv");
  const auto found = find(engine, *period, FirmId(firm));
  if (!found) return not_found("firm " + firm + " has no statement for " + values[0]);
  http::Response response;
  if (*format == Format::json) {
    response.body = with_journal(*found);
  } else {
    const std::string* excel = request.query_value("excel");
    response.content_type = "text/csv; charset=utf-8";
    response.body =
        billing::render_csv(nlohmann::ordered_json::parse(found->canonical), excel && *excel == "1");
    response.headers.emplace_back("Content-Disposition",
                                  "attachment; filename=\"" + to_string(*period) + "-" + firm + ".csv\"");
  }
  response.headers.emplace_back("Vary", "Accept");
  return response;
}

http::Response list(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after", "period"})) return *refusal;
  const std::string* given = request.query_value("period");
  if (given == nullptr) return problem(422, "invalid", "Wrong query", "name the period: ?period=2026-03");
  const auto period = parse_month(*given);
  if (!period) return problem(422, "invalid", "Wrong period", period.error().detail);
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  auto firms = engine.ledger().firms_with_statement(*period, FirmId(after), limit + 1);
  std::optional<std::string> next;
  if (firms.size() > limit) {
    firms.pop_back();
    next = firms.back().value;
  }
  nlohmann::ordered_json items;
  for (const FirmId& firm : firms) {
    const auto statement = nlohmann::ordered_json::parse(find(engine, *period, firm).value().canonical);
    nlohmann::ordered_json item;
    for (const char* member : {"statement", "period", "state", "closed_at", "firm", "totals"}) {
      if (statement.contains(member)) item[member] = statement[member];
    }
    items.push_back(std::move(item));
  }
  return list_response(std::move(items), next);
}

}  // namespace

void add_statement_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/statements",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list(engine, request));
             });
  router.add("GET", "/v1/statements/{}/{}",
             [&engine](http::Request&& request, const PathValues& values, const http::Reply& reply) {
               reply(show(engine, request, values));
             });
}

}  // namespace voucherd::api

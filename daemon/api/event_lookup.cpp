// GET /v1/events?source=…&id=…: one event, what corrects it, and the statements that carry it.
#include <algorithm>
#include <set>

#include "daemon/api/api.h"
#include "daemon/api/event_queries.h"
#include "daemon/api/event_view.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;

/// What a line of the event is found by.
struct Trace {
  FirmId firm;
  SkuId sku;
  std::set<Month> usage_months;
};

/// A correction changes the figures of the event that it corrects: it is traced by that one.
Trace trace_of(const Engine& engine, const EventView& event) {
  Trace trace{FirmId(event.subject), SkuId(event.sku), {}};
  const auto add_months = [&](const EventView& usage) {
    trace.sku = SkuId(usage.sku);
    spread_over_days(usage.quantity, usage_span(usage), engine.genesis().offset,
                     [&](LocalDay day, Quantity) { trace.usage_months.insert(month_of(day)); });
  };
  if (event.kind == EventKind::usage) {
    add_months(event);
  } else {
    engine.find_event(event.corrects_source, event.corrects_id,
                      [&](const EventView& corrected, EventPlace, Instant) { add_months(corrected); });
  }
  return trace;
}

/// Whether the statement has the usage month and SKU on a line, or as unpriced.
bool carries(const Json& statement, Month usage_month, const SkuId& sku) {
  for (const char* part : {"lines", "unpriced"}) {
    for (const Json& entry : statement.at(part)) {
      if (entry.at("usage_month") == to_string(usage_month) && entry.at("sku") == sku.value) return true;
    }
  }
  return false;
}

/// The statement that carries usage which came at `position`: of the first close after it, else of the
/// earliest month that is open to it (rules §6). nullopt where that one has no line of it.
std::optional<Month> carrying_period(const Engine& engine, const Trace& trace, Month usage_month,
                                     Position position) {
  const auto& ledger = engine.ledger();
  const auto closed_through = ledger.closed_through();
  Month period = usage_month;
  for (; closed_through && period <= *closed_through; period = period.next()) {
    if (ledger.closed(period).value().position < position) continue;
    // A close may have taken months along that had nothing to bill: then its own has the line.
    const auto statement = ledger.closed_statement(period, trace.firm);
    if (statement && carries(Json::parse(statement->canonical), usage_month, trace.sku)) return period;
  }
  const auto statement = ledger.open_statement(period, trace.firm);
  if (statement && carries(Json::parse(to_canonical_json(*statement)), usage_month, trace.sku)) return period;
  return std::nullopt;
}

Json statements_of(const Engine& engine, const EventView& event, EventPlace place) {
  const Trace trace = trace_of(engine, event);
  std::set<Month> periods;
  for (const Month month : trace.usage_months) {
    if (const auto period = carrying_period(engine, trace, month, place.position)) periods.insert(*period);
  }
  Json numbers = Json::array();
  for (const Month period : periods) numbers.push_back(billing::statement_number(period, trace.firm));
  return numbers;
}

Json corrections_of(const Engine& engine, EventPlace place) {
  Json corrections = Json::array();
  const auto winning = engine.winning_correction(place);
  if (!winning) return corrections;
  engine.scan_events(*winning, [&](const EventView& event, EventPlace at, Instant received_at) {
    corrections.push_back(show_kept_event(event, at, received_at, engine.genesis().offset));
    return false;
  });
  return corrections;
}

}  // namespace

http::Response find_event(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"source", "id"})) return *refusal;
  const std::string* source = request.query_value("source");
  const std::string* id = request.query_value("id");
  if (source == nullptr || id == nullptr) {
    return problem(422, "invalid", "Wrong query", "one event is named by both: ?source=…&id=…");
  }
  std::optional<Json> found;
  engine.find_event(*source, *id, [&](const EventView& event, EventPlace place, Instant received_at) {
    found.emplace(show_kept_event(event, place, received_at, engine.genesis().offset));
    (*found)["corrections"] = corrections_of(engine, place);
    (*found)["statements"] = statements_of(engine, event, place);
  });
  if (!found) return not_found("no event of the source " + *source + " has the id " + *id);
  return json_response(200, *found);
}

}  // namespace voucherd::api

// GET /v1/events?source=…&id=…: one event, what corrects it, and the statements that carry it.
#include <algorithm>
#include <set>

#include "daemon/access/identity.h"
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

enum class Carried { no, unpriced, line };

/// How the statement shows usage of the month and SKU.
Carried carried(const Json& statement, Month usage_month, const SkuId& sku) {
  const auto has = [&](const char* part) {
    return std::any_of(statement.at(part).begin(), statement.at(part).end(), [&](const Json& entry) {
      return entry.at("usage_month") == to_string(usage_month) && entry.at("sku") == sku.value;
    });
  };
  if (has("lines")) return Carried::line;
  return has("unpriced") ? Carried::unpriced : Carried::no;
}

/// Adds the statements that carry usage which came at `position`: of the closes after it, or of the earliest
/// month that is open to it (rules §6), up to the first one with a line; before a price exists, each one
/// shows it as unpriced.
void add_periods(const Engine& engine, const Trace& trace, Month usage_month, Position position,
                 std::set<Month>& periods) {
  const auto& ledger = engine.ledger();
  const auto closed_through = ledger.closed_through();
  const auto add = [&](Month period, const Json& statement) {
    const Carried how = carried(statement, usage_month, trace.sku);
    if (how != Carried::no) periods.insert(period);
    return how == Carried::line;
  };
  Month period = usage_month;
  for (; closed_through && period <= *closed_through; period = period.next()) {
    // A close may have taken months along that had nothing to bill: then its own has the line.
    const auto closed = ledger.closed(period);
    if (!closed || closed->position < position) continue;
    const auto statement = ledger.closed_statement(period, trace.firm);
    if (statement && add(period, Json::parse(statement->canonical))) return;
  }
  if (const auto* statement = ledger.open_statement(period, trace.firm)) {
    add(period, Json::parse(to_canonical_json(*statement)));
  }
}

Json statements_of(const Engine& engine, const EventView& event, EventPlace place) {
  const Trace trace = trace_of(engine, event);
  std::set<Month> periods;
  for (const Month month : trace.usage_months) {
    add_periods(engine, trace, month, place.position, periods);
  }
  Json numbers = Json::array();
  for (const Month period : periods) numbers.push_back(billing::statement_number(period, trace.firm));
  return numbers;
}

Json submitter_at(const Engine& engine, EventPlace place) {
  return show_submitter(engine.submissions_of(place.position).of_event(place.index));
}

/// All corrections of the event as they came; `counts` says of which one the quantity is in force.
Json corrections_of(const Engine& engine, EventPlace place, bool submitters) {
  Json corrections = Json::array();
  const EventOrdinal ordinal = engine.ordinal_of(place);
  const auto winning = engine.usage().winning_correction(ordinal);
  for (const EventOrdinal correction : engine.usage().corrections_of(ordinal)) {
    engine.visit_event(correction, [&](const EventView& event, EventPlace at, Instant received_at) {
      Json shown = show_kept_event(event, at, received_at, engine.genesis().offset);
      if (submitters) shown["submitted_by"] = submitter_at(engine, at);
      shown["counts"] = correction == winning;
      corrections.push_back(std::move(shown));
    });
  }
  return corrections;
}

}  // namespace

bool may_see_submitters(const http::Request& request) {
  return !request.caller || request.caller->role != access::Role::firm;
}

Json show_traced_event(const Engine& engine, const EventView& event, EventPlace place, Instant received_at,
                       bool submitters) {
  Json shown = show_kept_event(event, place, received_at, engine.genesis().offset);
  if (submitters) shown["submitted_by"] = submitter_at(engine, place);
  shown["corrections"] = corrections_of(engine, place, submitters);
  shown["statements"] = statements_of(engine, event, place);
  return shown;
}

http::Response find_event(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"source", "id"})) return *refusal;
  const std::string* source = request.query_value("source");
  const std::string* id = request.query_value("id");
  if (source == nullptr || id == nullptr) {
    return problem(422, "invalid", "Wrong query", "one event is named by both: ?source=…&id=…");
  }
  std::optional<Json> found;
  engine.find_event(*source, *id, [&](const EventView& event, EventPlace place, Instant received_at) {
    found.emplace(show_traced_event(engine, event, place, received_at, may_see_submitters(request)));
  });
  if (!found) return not_found("no event of the source " + *source + " has the id " + *id);
  return json_response(200, *found);
}

}  // namespace voucherd::api

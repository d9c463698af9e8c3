// GET /v1/periods, one period's readiness, and its close.
#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

void put_totals(nlohmann::ordered_json& body, const billing::PeriodTotals& totals) {
  body["statements"] = totals.statements;
  body["net"] = to_string(totals.net);
  body["tax"] = to_string(totals.tax);
  body["gross"] = to_string(totals.gross);
  body["eligible"] = to_string(totals.eligible);
  body["subsidy"] = to_string(totals.subsidy);
}

nlohmann::ordered_json show_closed(const billing::ClosedPeriod& closed, UtcOffset offset) {
  nlohmann::ordered_json body = {{"period", to_string(closed.period)},
                                 {"position", closed.position},
                                 {"closed_at", format_instant(closed.at, offset)},
                                 {"closed_by", show_actor(closed.by)}};
  if (!closed.reason.empty()) body["reason"] = closed.reason;
  put_totals(body, closed.totals);
  return body;
}

nlohmann::ordered_json summary(const Engine& engine, Month period) {
  nlohmann::ordered_json body = {{"period", to_string(period)}};
  const auto closed = engine.ledger().closed(period);
  const auto through = engine.ledger().closed_through();
  body["state"] = through && period <= *through ? "closed" : "open";
  if (closed) body.update(show_closed(*closed, engine.genesis().offset));
  return body;
}

billing::PeriodTotals totals_of(const Engine& engine, Month period) {
  const auto closed = engine.ledger().closed(period);
  return closed ? closed->totals : engine.ledger().open_totals(period);
}

http::Response show(const Engine& engine, const PathValues& values) {
  const auto period = parse_month(values[0]);
  if (!period) return problem(422, "invalid", "Wrong period", period.error().detail);
  nlohmann::ordered_json body = summary(engine, *period);
  if (body["state"] == "open") {
    nlohmann::ordered_json reasons = nlohmann::ordered_json::array();
    for (const auto& fault : engine.ledger().not_ready(*period)) reasons.push_back(fault.detail);
    body["ready"] = reasons.empty();
    body["reasons"] = std::move(reasons);
    body["quarantine"] = engine.usage().quarantine().blocking(*period);
    put_totals(body, engine.ledger().open_totals(*period));
  }
  nlohmann::ordered_json before = {{"period", to_string(period->previous())}};
  put_totals(before, totals_of(engine, period->previous()));
  body["month_before"] = std::move(before);
  return json_response(200, body);
}

http::Response list(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after"})) return *refusal;
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  nlohmann::ordered_json items;
  std::optional<std::string> next;
  for (const Month period : engine.ledger().periods()) {
    if (to_string(period) <= after) continue;
    if (items.size() == limit) {
      next = items.back()["period"].get<std::string>();
      break;
    }
    items.push_back(summary(engine, period));
  }
  return list_response(std::move(items), next);
}

void close(Engine& engine, const http::Request& request, const PathValues& values, const http::Reply& reply) {
  const auto period = parse_month(values[0]);
  if (!period) return reply(problem(422, "invalid", "Wrong period", period.error().detail));
  auto read = read_object(request);
  if (auto* refusal = std::get_if<http::Response>(&read)) return reply(std::move(*refusal));
  std::string reason;
  std::vector<billing::FieldFault> faults;
  for (const auto& [name, value] : std::get<nlohmann::json>(read).items()) {
    if (name != "reason") {
      faults.push_back({"/" + name, "is no member of a close; it takes only reason"});
    } else if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      faults.push_back({"/reason", "must be a string that says why what is open is signed off"});
    } else {
      reason = value.get<std::string>();
    }
  }
  if (!faults.empty())
    return reply(problem(422, "invalid", "Wrong body", "the close's body is wrong", faults));
  engine.close_period(*period, actor_of(request), reason, [&engine, reply](const Engine::CloseReply& done) {
    if (done.refusal) return reply(problem(*done.refusal));
    reply(json_response(200, show_closed(done.closed.value(), engine.genesis().offset)));
  });
}

}  // namespace

void add_period_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/periods",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list(engine, request));
             });
  router.add("GET", "/v1/periods/{}",
             [&engine](http::Request&&, const PathValues& values, const http::Reply& reply) {
               reply(show(engine, values));
             });
  router.add("POST", "/v1/periods/{}/close",
             [&engine](http::Request&& request, const PathValues& values, const http::Reply& reply) {
               close(engine, request, values, reply);
             });
}

}  // namespace voucherd::api

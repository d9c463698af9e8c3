// GET /v1/periods; one period: is it ready to be closed, and what would that do; the close.
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

nlohmann::ordered_json show_unpriced(const std::vector<billing::Ledger::Unpriced>& unpriced) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& each : unpriced) {
    list.push_back({{"usage_month", to_string(each.key.usage_month)},
                    {"sku", each.key.sku.value},
                    {"unit", each.unit},
                    {"quantity", to_string(each.quantity)},
                    {"firms", each.firms}});
  }
  return list;
}

nlohmann::ordered_json show_late(const std::map<Month, billing::Ledger::LateUsage>& late) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [month, each] : late) {
    list.push_back({{"usage_month", to_string(month)},
                    {"lines", each.lines},
                    {"net", to_string(each.net)},
                    {"tax", to_string(each.tax)},
                    {"gross", to_string(each.gross)},
                    {"eligible", to_string(each.eligible)}});
  }
  return list;
}

/// What a close would find in its way.
void put_obstacles(nlohmann::ordered_json& body, const Engine& engine, Month period,
                   const billing::Ledger::Readiness& readiness) {
  const Instant end = start_of(first_day(period.next()), engine.genesis().offset);
  nlohmann::ordered_json reasons = nlohmann::ordered_json::array();
  if (engine.now() < end) {
    reasons.push_back(to_string(period) + " has not ended; it can be closed from " +
                      format_instant(end, engine.genesis().offset) + " on");
  }
  for (const auto& fault : readiness.obstacles) reasons.push_back(fault.detail);
  body["ended"] = engine.now() >= end;
  body["ready"] = reasons.empty();
  body["reasons"] = std::move(reasons);
  body["remarks"] = readiness.remarks;
  std::uint64_t entries = 0;
  for (const auto& [code, count] : readiness.quarantine) entries += count;
  body["quarantine"] = entries;
  body["quarantine_by_code"] = nlohmann::ordered_json::object();
  for (const auto& [code, count] : readiness.quarantine) body["quarantine_by_code"][code] = count;
  body["unpriced"] = show_unpriced(readiness.unpriced);
  body["late_usage"] = show_late(readiness.late);
}

nlohmann::ordered_json show_difference(const billing::PeriodTotals& now,
                                       const billing::PeriodTotals& before) {
  return {{"statements",
           static_cast<std::int64_t>(now.statements) - static_cast<std::int64_t>(before.statements)},
          {"net", to_string(now.net - before.net)},
          {"tax", to_string(now.tax - before.tax)},
          {"gross", to_string(now.gross - before.gross)},
          {"eligible", to_string(now.eligible - before.eligible)},
          {"subsidy", to_string(now.subsidy - before.subsidy)}};
}

http::Response show(const Engine& engine, const PathValues& values) {
  const auto period = parse_month(values[0]);
  if (!period) return problem(422, "invalid", "Wrong period", period.error().detail);
  nlohmann::ordered_json body = summary(engine, *period);
  const auto totals = totals_of(engine, *period);
  if (body["state"] == "open") {
    const auto readiness = engine.ledger().readiness(*period);
    put_obstacles(body, engine, *period, readiness);
    put_totals(body, totals);
    nlohmann::ordered_json closes = nlohmann::ordered_json::array();
    for (const auto& [month, each] : readiness.months) {
      nlohmann::ordered_json shown = {{"period", to_string(month)}};
      put_totals(shown, each);
      closes.push_back(std::move(shown));
    }
    body["would_close"] = std::move(closes);
  }
  const auto totals_before = totals_of(engine, period->previous());
  nlohmann::ordered_json before = {{"period", to_string(period->previous())}};
  put_totals(before, totals_before);
  body["month_before"] = std::move(before);
  body["difference"] = show_difference(totals, totals_before);
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
    put_totals(items.back(), totals_of(engine, period));
  }
  return list_response(std::move(items), next);
}

void close(Engine& engine, const http::Request& request, const PathValues& values, const http::Reply& reply) {
  // A close is for ever: a dry_run that is not understood must not close.
  if (auto refusal = refuse_unknown_query(request, {})) return reply(std::move(*refusal));
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

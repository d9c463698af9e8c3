// GET /v1/periods/{period}/summary: a month over all firms, by district and by SKU, added up from its
// statements.
#include "billing/core/month_summary.h"
#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/report_reply.h"
#include "daemon/api/request.h"
#include "daemon/api/statement_walk.h"
#include "daemon/api/summary_head.h"

namespace voucherd::api {

namespace {

/// One summary on its way. A month that is closed meanwhile is added up once more, so that a summary is never
/// of open and of frozen statements.
class SummaryReading final : public StatementWalk {
 public:
  SummaryReading(const Engine& engine, Documents& documents, Month period, ReportReply how, http::Reply reply)
      : StatementWalk(engine, period),
        documents_(documents),
        summary_(period),
        how_(std::move(how)),
        reply_(std::move(reply)) {}

 private:
  bool take(FoundStatement found) override {
    summary_.add(nlohmann::ordered_json::parse(found.canonical));
    return true;
  }
  void closed_meanwhile() override {
    summary_ = billing::MonthSummary(period());
    begin_again();
    go_on();
  }
  void finish() override {
    nlohmann::ordered_json body = summary_head(engine(), period());
    body.update(summary_.shown());
    reply_report(how_, body, documents_, reply_);
  }

  Documents& documents_;
  billing::MonthSummary summary_;
  ReportReply how_;
  http::Reply reply_;
};

void show(const Engine& engine, Documents& documents, const http::Request& request, const PathValues& values,
          std::string_view extension, http::Reply reply) {
  if (auto refusal = refuse_unknown_query(request, {"excel"})) return reply(std::move(*refusal));
  const auto period = parse_month(values[0]);
  if (!period) return reply(problem(422, "invalid", "Wrong period", period.error().detail));
  const auto format = choose_report_format(extension, request);
  if (const auto* refusal = std::get_if<http::Response>(&format)) return reply(*refusal);
  const ReportReply how{std::get<ReportFormat>(format), wants_excel(request), values[0] + "-summary",
                        &billing::summary_report};
  std::make_shared<SummaryReading>(engine, documents, *period, how, std::move(reply))->go_on();
}

}  // namespace

nlohmann::ordered_json summary_head(const Engine& engine, Month period) {
  const auto closed = engine.ledger().closed(period);
  nlohmann::ordered_json body = {{"period", to_string(period)}, {"state", closed ? "closed" : "open"}};
  if (closed) body["closed_at"] = format_instant(closed->at, engine.genesis().offset);
  body["position"] = closed ? closed->position : engine.position();
  body["provider"] = {{"name", engine.genesis().provider_name}, {"uscc", engine.genesis().provider_uscc}};
  body["currency"] = engine.genesis().currency;
  return body;
}

void add_summary_routes(Router& router, Engine& engine, Documents& documents) {
  for (const char* extension : {"", ".json", ".csv", ".xlsx"}) {
    router.add("GET", std::string("/v1/periods/{}/summary") + extension,
               [&engine, &documents, extension](http::Request&& request, const PathValues& values,
                                                http::Reply reply) {
                 show(engine, documents, request, values, extension, std::move(reply));
               });
  }
}

}  // namespace voucherd::api

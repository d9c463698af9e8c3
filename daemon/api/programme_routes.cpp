// GET /v1/programme/{year}: budget, subsidy, firms and card hours of a year, and where it leads (成效监测).
#include <algorithm>

#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/report_reply.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

/// How many of the year's months have ended.
int full_months_of(int year, LocalDay today) {
  const Month month = month_of(today);
  if (month.year() != year) return month.year() > year ? billing::months_of_year : 0;
  return month.month() - 1;
}

/// One view on its way: some firms at a time, so that ingest goes on meanwhile. Each firm's figures are
/// those of the moment at which it is reckoned.
class ProgrammeReading : public std::enable_shared_from_this<ProgrammeReading> {
 public:
  ProgrammeReading(const Engine& engine, Documents& documents, int year, ReportReply how, http::Reply reply)
      : engine_(engine),
        documents_(documents),
        year_(year),
        now_(engine.now()),
        full_months_(full_months_of(year, local_day(now_, engine.genesis().offset))),
        firms_(engine.ledger().firms()),
        sums_(year, full_months_, engine.ledger().facts()),
        how_(std::move(how)),
        reply_(std::move(reply)) {}

  void step() {
    const std::size_t until = std::min(next_ + firms_per_step, firms_.size());
    for (; next_ < until; ++next_)
      sums_.add(engine_.ledger().firm_of_programme(firms_[next_], year_, full_months_));
    if (next_ == firms_.size()) return finish();
    engine_.later([self = shared_from_this()] { self->step(); });
  }

 private:
  static constexpr std::size_t firms_per_step = 8;

  void finish() {
    nlohmann::ordered_json body = sums_.shown();
    body["as_of"] = format_instant(now_, engine_.genesis().offset);
    body["position"] = engine_.position();
    reply_report(how_, body, documents_, reply_);
  }

  const Engine& engine_;
  Documents& documents_;
  int year_;
  Instant now_;
  int full_months_;
  std::vector<FirmId> firms_;
  std::size_t next_ = 0;
  billing::ProgrammeYear sums_;
  ReportReply how_;
  http::Reply reply_;
};

void show(const Engine& engine, Documents& documents, const http::Request& request, const PathValues& values,
          http::Reply reply) {
  if (auto refusal = refuse_unknown_query(request, {"excel"})) return reply(std::move(*refusal));
  const std::string year = values[0].substr(0, values[0].find('.'));
  const auto format = choose_report_format(std::string_view(values[0]).substr(year.size()), request);
  if (const auto* refusal = std::get_if<http::Response>(&format)) return reply(*refusal);
  const auto january = parse_month(year + "-01");
  if (!january) return reply(problem(422, "invalid", "Wrong year", "a year has four digits, like 2026"));
  const ReportReply how{std::get<ReportFormat>(format), wants_excel(request), "programme-" + year,
                        &billing::programme_report};
  std::make_shared<ProgrammeReading>(engine, documents, january->year(), how, std::move(reply))->step();
}

}  // namespace

void add_programme_routes(Router& router, Engine& engine, Documents& documents) {
  router.add("GET", "/v1/programme/{}",
             [&engine, &documents](http::Request&& request, const PathValues& values, http::Reply reply) {
               show(engine, documents, request, values, std::move(reply));
             });
}

}  // namespace voucherd::api

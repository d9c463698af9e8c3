// POST /v1/firms/import: a CSV file of firms with their eligibility, as one record or not at all.
#include <algorithm>

#include "billing/ledger/firm_csv.h"
#include "daemon/api/api.h"
#include "daemon/api/preview.h"
#include "daemon/api/problem.h"

namespace voucherd::api {

namespace {

http::Response wrong_file(std::vector<billing::FieldFault> faults) {
  const std::string detail =
      faults.size() == 1 ? (faults[0].pointer.empty() ? "" : faults[0].pointer + ": ") + faults[0].detail
                         : std::to_string(faults.size()) + " things are wrong; nothing was taken in";
  return problem(422, "invalid", "The file is wrong", detail, faults);
}

http::Response refused(const billing::FirmCsv& file, billing::Refusal refusal) {
  refusal.faults = file.located(refusal.faults);
  return problem(refusal);
}

nlohmann::ordered_json summary(const billing::FirmCsv& file, const std::vector<bool>& created) {
  const auto new_firms = std::count(created.begin(), created.end(), true);
  return {{"rows", file.rows()}, {"firms", file.changes().size()}, {"created", new_firms}};
}

void import_firms(Engine& engine, const http::Request& request, const http::Reply& reply) {
  auto dry_run = read_dry_run(request, {"reason"});
  if (auto* refusal = std::get_if<http::Response>(&dry_run)) return reply(std::move(*refusal));
  const std::string_view type = request.header("content-type");
  if (type.substr(0, type.find(';')) != "text/csv") {
    return reply(problem(415, "media-type", "Unsupported media type", "send the firms as text/csv in UTF-8"));
  }
  const auto file = std::make_shared<billing::FirmCsv>(request.body, engine.ledger().facts());
  if (!file->faults().empty()) return reply(wrong_file(file->faults()));
  const std::string* reason = request.query_value("reason");
  const std::string why = reason == nullptr ? "" : *reason;
  if (std::get<bool>(dry_run)) {
    const auto preview = engine.ledger().preview_facts(file->changes(), actor_of(request), why, std::nullopt);
    if (preview.refusal) return reply(refused(*file, *preview.refusal));
    auto body = summary(*file, preview.created);
    body.update(show_preview(preview));
    return reply(json_response(200, body));
  }
  engine.change_facts(file->changes(), actor_of(request), why, std::nullopt,
                      [file, reply](const Engine::ChangeReply& done) {
                        if (done.refusal) return reply(refused(*file, *done.refusal));
                        auto body = summary(*file, done.created);
                        body["position"] = done.position;
                        reply(json_response(200, body));
                      });
}

}  // namespace

void add_firm_import_routes(Router& router, Engine& engine) {
  router.add("POST", "/v1/firms/import",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               import_firms(engine, request, reply);
             });
}

}  // namespace voucherd::api

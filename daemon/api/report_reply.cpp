#include "daemon/api/report_reply.h"

#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

std::variant<ReportFormat, http::Response> choose_report_format(std::string_view extension,
                                                                const http::Request& request) {
  if (extension == ".json") return ReportFormat::json;
  if (extension == ".csv") return ReportFormat::csv;
  if (!extension.empty()) return not_found("it comes as .json or .csv");
  const auto chosen = choose_type(request.header("accept"), {"application/json", "text/csv"});
  if (!chosen) return not_acceptable("it comes as application/json or text/csv");
  return *chosen == 0 ? ReportFormat::json : ReportFormat::csv;
}

void reply_report(const ReportReply& how, const nlohmann::ordered_json& body, const http::Reply& reply) {
  http::Response response;
  if (how.format == ReportFormat::json) {
    response = json_response(200, body);
  } else {
    response.content_type = "text/csv; charset=utf-8";
    response.body = billing::report_csv(how.tables(body), how.excel);
    response.headers.emplace_back("Content-Disposition",
                                  "attachment; filename=\"" + how.file_stem + ".csv\"");
  }
  response.headers.emplace_back("Vary", "Accept");
  reply(std::move(response));
}

}  // namespace voucherd::api

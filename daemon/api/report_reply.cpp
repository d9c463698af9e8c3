#include "daemon/api/report_reply.h"

#include <array>

#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

/// In the order of ReportFormat.
constexpr std::array extensions = {".json", ".csv", ".xlsx"};
constexpr std::array media_types = {"application/json", "text/csv",
                                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"};

http::Response file_response(const ReportReply& how, std::string body) {
  const auto format = static_cast<std::size_t>(how.format);
  http::Response response;
  response.content_type = media_types.at(format);
  if (how.format == ReportFormat::csv) response.content_type += "; charset=utf-8";
  response.body = std::move(body);
  response.headers.emplace_back("Content-Disposition",
                                "attachment; filename=\"" + how.file_stem + extensions.at(format) + "\"");
  response.headers.emplace_back("Vary", "Accept");
  return response;
}

void reply_workbook(const ReportReply& how, const nlohmann::ordered_json& body, Documents& documents,
                    const http::Reply& reply) {
  const auto bytes = std::make_shared<std::string>();
  const bool taken = documents.thread.submit(
      [bytes, how, body]() -> Result<void> {
        auto made = billing::report_xlsx(how.tables(body));
        if (!made) return made.error();
        *bytes = std::move(*made);
        return {};
      },
      [bytes, how, reply](const Result<void>& outcome) {
        reply(outcome ? file_response(how, std::move(*bytes)) : document_problem(outcome.error()));
      });
  if (!taken) reply(too_many_documents());
}

}  // namespace

std::variant<ReportFormat, http::Response> choose_report_format(std::string_view extension,
                                                                const http::Request& request) {
  for (std::size_t i = 0; i < extensions.size(); ++i) {
    if (extension == extensions.at(i)) return static_cast<ReportFormat>(i);
  }
  if (!extension.empty()) return not_found("it comes as .json, .csv or .xlsx");
  const auto chosen = choose_type(request.header("accept"), {media_types[0], media_types[1], media_types[2]});
  if (!chosen)
    return not_acceptable(std::string("it comes as application/json, text/csv or ") + media_types[2]);
  return static_cast<ReportFormat>(*chosen);
}

void reply_report(const ReportReply& how, const nlohmann::ordered_json& body, Documents& documents,
                  const http::Reply& reply) {
  if (how.format == ReportFormat::xlsx) return reply_workbook(how, body, documents, reply);
  if (how.format == ReportFormat::csv)
    return reply(file_response(how, billing::report_csv(how.tables(body), how.excel)));
  http::Response response = json_response(200, body);
  response.headers.emplace_back("Vary", "Accept");
  reply(std::move(response));
}

}  // namespace voucherd::api

// What figures over many firms are answered with: JSON, or the tables of
// billing/render/report.h as CSV or as a workbook, which is made on the render thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "billing/render/report.h"
#include "daemon/documents.h"
#include "daemon/http/server.h"

namespace voucherd::api {

enum class ReportFormat { json, csv, xlsx };

/// By the extension (".csv", "" for none), else by Accept; the Response is 404 or 406.
std::variant<ReportFormat, http::Response> choose_report_format(std::string_view extension,
                                                                const http::Request& request);

struct ReportReply {
  ReportFormat format = ReportFormat::json;
  bool excel = false;
  std::string file_stem;  // "2026-03-summary"
  billing::Report (*tables)(const nlohmann::ordered_json&) = nullptr;
};

/// Answers with `body`, now or later; 503 where the render thread has no place for a workbook.
void reply_report(const ReportReply& how, const nlohmann::ordered_json& body, Documents& documents,
                  const http::Reply& reply);

}  // namespace voucherd::api

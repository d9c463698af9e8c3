// GET /v1/statements/{period}.zip: which files shall be in a month's package.
#include <algorithm>
#include <memory>
#include <optional>

#include "daemon/api/api.h"
#include "daemon/api/month_package.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

constexpr std::string_view extension = ".zip";

/// "pdf,xlsx"; nullopt: another word.
std::optional<PackageFormats> parse_formats(std::string_view text) {
  PackageFormats formats;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (word == "json") {
      formats.json = true;
    } else if (word == "csv") {
      formats.csv = true;
    } else if (word == "xlsx") {
      formats.xlsx = true;
    } else if (word == "pdf") {
      formats.pdf = true;
    } else {
      return std::nullopt;
    }
  }
  return formats;
}

http::Response busy() {
  auto response = problem(503, "overloaded", "Too many packages",
                          std::to_string(packages_max) + " packages are being made; try again later");
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

void send(const Engine& engine, Documents& documents, const std::shared_ptr<PackagesUnderWay>& under_way,
          const http::Request& request, const PathValues& values, const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {"format", "excel"})) return reply(std::move(*refusal));
  if (!values[0].ends_with(extension)) return reply(not_found("there is nothing at " + request.path));
  const auto period = parse_month(values[0].substr(0, values[0].size() - extension.size()));
  if (!period) return reply(problem(422, "invalid", "Wrong period", period.error().detail));
  const std::string* given = request.query_value("format");
  auto formats = parse_formats(given != nullptr ? *given : documents.pdf ? "pdf,xlsx" : "xlsx");
  if (!formats)
    return reply(
        problem(422, "invalid", "Wrong query", "format is of pdf, xlsx, csv and json, with commas between"));
  if (formats->pdf && !documents.pdf)
    return reply(problem(422, "invalid", "Wrong query", "there are no PDFs: documents.font is empty"));
  formats->excel = wants_excel(request);
  if (under_way->count >= packages_max) return reply(busy());
  send_month_package(engine, documents, under_way, *period, *formats, reply);
}

}  // namespace

void add_package_routes(Router& router, Engine& engine, Documents& documents) {
  router.add("GET", "/v1/statements/{}",
             [&engine, &documents, under_way = std::make_shared<PackagesUnderWay>()](
                 http::Request&& request, const PathValues& values, const http::Reply& reply) {
               send(engine, documents, under_way, request, values, reply);
             });
}

}  // namespace voucherd::api

// GET /v1/statements: the list of a month, and one as JSON, CSV, XLSX or PDF. The last two are made on a
// thread of their own.
#include <array>

#include "billing/render/csv.h"
#include "billing/render/xlsx.h"
#include "daemon/api/api.h"
#include "daemon/api/daily_usage.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"
#include "daemon/api/statement_walk.h"
#include "daemon/documents.h"

namespace voucherd::api {

namespace {

enum class Format { json, csv, xlsx, pdf };
struct FormatNames {
  const char *extension, *media_type;
};
/// In the order of Format.
constexpr std::array<FormatNames, 4> format_names = {
    {{"json", "application/json"},
     {"csv", "text/csv"},
     {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
     {"pdf", "application/pdf"}}};
const FormatNames& names_of(Format format) { return format_names.at(static_cast<std::size_t>(format)); }

/// By extension, which is cut off `name`; else by Accept. None where neither names one of ours.
std::optional<Format> choose_format(std::string& name, std::string_view accept) {
  const std::size_t dot = name.find('.');
  if (dot != std::string::npos) {
    const std::string extension = name.substr(dot + 1);
    name.resize(dot);
    for (std::size_t i = 0; i < format_names.size(); ++i) {
      if (extension == format_names.at(i).extension) return static_cast<Format>(i);
    }
    return std::nullopt;
  }
  const auto chosen = choose_type(accept, {format_names[0].media_type, format_names[1].media_type,
                                           format_names[2].media_type, format_names[3].media_type});
  if (!chosen) return std::nullopt;
  return static_cast<Format>(*chosen);
}

http::Response file_response(Format format, std::string body, const std::string& name) {
  http::Response response;
  response.content_type = names_of(format).media_type;
  if (format == Format::csv) response.content_type += "; charset=utf-8";
  response.body = std::move(body);
  if (format != Format::json) {
    response.headers.emplace_back("Content-Disposition",
                                  "attachment; filename=\"" + name + "." + names_of(format).extension + "\"");
  }
  response.headers.emplace_back("Vary", "Accept");
  return response;
}

struct Rendering {
  Format format{};
  std::shared_ptr<const nlohmann::ordered_json> statement;
  billing::Letterhead letterhead;
  std::string name;
};

/// Makes the file on the render thread and answers with it.
void render(Documents& documents, const Rendering& what, std::vector<billing::DailyUsage> daily,
            const http::Reply& reply) {
  const auto bytes = std::make_shared<std::string>();
  const bool taken = documents.thread.submit(
      [&documents, what, daily = std::move(daily), bytes]() -> Result<void> {
        auto made = what.format == Format::pdf
                        ? documents.pdf->render(*what.statement, what.letterhead)
                        : billing::render_xlsx(*what.statement, daily, what.letterhead);
        if (!made) return made.error();
        *bytes = std::move(*made);
        return {};
      },
      [bytes, format = what.format, name = what.name, reply](const Result<void>& outcome) {
        reply(outcome ? file_response(format, std::move(*bytes), name) : document_problem(outcome.error()));
      });
  if (!taken) reply(too_many_documents());
}

void show(const Engine& engine, Documents& documents, const http::Request& request, const PathValues& values,
          const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {"excel"})) return reply(std::move(*refusal));
  const auto period = parse_month(values[0]);
  if (!period) return reply(problem(422, "invalid", "Wrong period", period.error().detail));
  std::string firm = values[1];
  const auto format = choose_format(firm, request.header("accept"));
  if (!format && firm.size() < values[1].size()) {
    return reply(not_found("a statement comes as .json, .csv, .xlsx or .pdf"));
  }
  if (!format) {
    return reply(not_acceptable("a statement comes as application/json, text/csv, application/pdf or " +
                                std::string(names_of(Format::xlsx).media_type)));
  }
  if (format == Format::pdf && !documents.pdf) {
    return reply(not_found("there are no PDFs: documents.font is empty in the configuration"));
  }
  const auto found = find_statement(engine, *period, FirmId(firm));
  if (!found) return reply(not_found("firm " + firm + " has no statement for " + values[0]));
  const std::string name = to_string(*period) + "-" + firm;
  if (*format == Format::json) return reply(file_response(*format, with_journal(*found), name));
  auto statement = std::make_shared<nlohmann::ordered_json>(nlohmann::ordered_json::parse(found->canonical));
  if (*format == Format::csv) {
    return reply(file_response(*format, billing::render_csv(*statement, wants_excel(request)), name));
  }
  (*statement)["journal"] = journal_of(*found);
  const Rendering what{*format, statement, letterhead_at(engine, found->position), name};
  if (*format == Format::pdf) return render(documents, what, {}, reply);
  gather_daily_usage(engine, *statement, [&documents, what, reply](std::vector<billing::DailyUsage> daily) {
    render(documents, what, std::move(daily), reply);
  });
}

/// One list on its way: begun again where the month is closed meanwhile.
class Listing final : public StatementWalk {
 public:
  Listing(const Engine& engine, Month period, const Page& page, http::Reply reply)
      : StatementWalk(engine, period, FirmId(page.after)), limit_(page.limit), reply_(std::move(reply)) {}

 private:
  bool take(FoundStatement found) override {
    if (items_.size() == limit_) {
      answer(items_.back().at("firm").at("uscc").get<std::string>());
      return false;
    }
    const auto statement = nlohmann::ordered_json::parse(found.canonical);
    nlohmann::ordered_json item;
    for (const char* member : {"statement", "period", "state", "closed_at", "firm", "totals"}) {
      if (statement.contains(member)) item[member] = statement[member];
    }
    items_.push_back(std::move(item));
    return true;
  }
  void closed_meanwhile() override {
    items_ = {};
    begin_again();
    go_on();
  }
  void finish() override { answer(std::nullopt); }
  void answer(const std::optional<std::string>& next) {
    std::exchange(reply_, nullptr)(list_response(std::move(items_), next));
  }

  std::size_t limit_;
  nlohmann::ordered_json items_;
  http::Reply reply_;
};

void list(const Engine& engine, const http::Request& request, http::Reply reply) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after", "period"}))
    return reply(std::move(*refusal));
  const std::string* given = request.query_value("period");
  if (given == nullptr)
    return reply(problem(422, "invalid", "Wrong query", "name the period: ?period=2026-03"));
  const auto period = parse_month(*given);
  if (!period) return reply(problem(422, "invalid", "Wrong period", period.error().detail));
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return reply(*refusal);
  std::make_shared<Listing>(engine, *period, std::get<Page>(page), std::move(reply))->go_on();
}

}  // namespace

void add_statement_routes(Router& router, Engine& engine, Documents& documents) {
  router.add("GET", "/v1/statements",
             [&engine](http::Request&& request, const PathValues&, http::Reply reply) {
               list(engine, request, std::move(reply));
             });
  router.add(
      "GET", "/v1/statements/{}/{}",
      [&engine, &documents](http::Request&& request, const PathValues& values, const http::Reply& reply) {
        show(engine, documents, request, values, reply);
      });
}

}  // namespace voucherd::api

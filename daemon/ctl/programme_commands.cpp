// programme show, period summary, explain: figures over many firms, and where one firm's come from.
#include <iostream>

#include "daemon/ctl/command.h"
#include "daemon/ctl/explain_text.h"
#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

namespace {

/// A list of objects of one shape as a table; its members are the columns.
std::string table_of(const Json& objects) {
  TextTable table;
  if (objects.empty()) return "";
  for (const auto& [name, value] : objects.front().items()) {
    table.add_column(name, value.is_string() && name != "month" && name != "district" && name != "category" &&
                                   name != "sku" && name != "unit" && name != "usage_month"
                               ? TextTable::Align::right
                               : TextTable::Align::left);
  }
  for (const Json& object : objects) {
    std::vector<std::string> row;
    for (const auto& [name, value] : object.items()) row.push_back(plain(value));
    table.add_row(std::move(row));
  }
  return table.text();
}

/// What has one value as an outline, then each of `lists` as a table.
std::string report_text(const Json& report,
                        std::initializer_list<std::pair<const char*, const char*>> lists) {
  Json rest = report;
  std::string tables;
  for (const auto& [member, title] : lists) {
    rest.erase(member);
    const auto found = report.find(member);
    if (found != report.end() && !found->empty())
      tables += std::string("\n\n") + title + "\n" + table_of(*found);
  }
  return outline(rest) + tables;
}

struct ReportArguments {
  std::string of, format = "text";
  bool excel = false;
};

/// `path` with the format as its extension, as it comes; text is made of the JSON by `text`.
int show_report(const Session& session, const std::string& path, const ReportArguments& arguments,
                std::string (*text)(const Json&)) {
  ApiClient api(session.server);
  const bool json = session.json || arguments.format == "json";
  if (json || arguments.format == "text") {
    const auto shown = api.get_json(path);
    if (!shown) return report(shown.error());
    print(json ? shown->dump() : text(*shown));
    return exit_done;
  }
  const auto body = api.get(with_query(path + "." + arguments.format, excel_query(arguments.excel)), "*/*");
  if (!body) return report(body.error());
  std::cout << *body << std::flush;
  return exit_done;
}

std::string programme_text(const Json& programme) {
  return report_text(
      programme,
      {{"months", "月份 Months"}, {"districts", "区县 Districts"}, {"categories", "类别 Categories"}});
}

std::string summary_text(const Json& summary) {
  Json shown = summary;
  shown.erase("firms");  // statement list has them
  return report_text(
      shown, {{"districts", "区县 Districts"}, {"skus", "产品 SKUs"}, {"unpriced", "未定价 Unpriced"}});
}

void add_format(CLI::App* command, ReportArguments& arguments) {
  command->add_option("--format", arguments.format, "text, json, csv or xlsx")
      ->check(CLI::IsMember({"text", "json", "csv", "xlsx"}))
      ->capture_default_str();
  add_excel(command, arguments.excel);
}

int explain(const Session& session, const std::string& period, const std::string& uscc, int line) {
  ApiClient api(session.server);
  const std::string path =
      "/v1/statements/" + percent_encoded(period) + "/" + percent_encoded(uscc) + "/explain";
  const auto shown =
      api.get_json(with_query(path, {{"line", line > 0 ? std::to_string(line) : std::string()}}));
  if (!shown) return report(shown.error());
  if (session.json) {
    print(shown->dump());
  } else {
    std::cout << explain_text(*shown) << std::flush;
  }
  return exit_done;
}

void add_explain(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("explain", "Where a statement's figures come from");
  const auto period = std::make_shared<std::string>();
  const auto uscc = std::make_shared<std::string>();
  const auto line = std::make_shared<int>(0);
  command->add_option("PERIOD", *period, "The month, e.g. 2026-03")->required();
  command->add_option("USCC", *uscc, "The firm")->required();
  command->add_option("--line", *line, "One line of it, with its first events")->check(CLI::PositiveNumber);
  command->footer(R"(
From each figure down to days, events, price book, contract, policy and cap.

Examples:
  voucherctl explain 2026-03 91500000MA5U00000W
  voucherctl explain 2026-03 91500000MA5U00000W --line 2)");
  on_command(command, session,
             [&session, period, uscc, line] { return explain(session, *period, *uscc, *line); });
}

}  // namespace

void add_period_summary(CLI::App& group, Session& session) {
  auto* command = group.add_subcommand("summary", "A month over all firms, by district and SKU");
  const auto arguments = std::make_shared<ReportArguments>();
  command->add_option("PERIOD", arguments->of, "The month, e.g. 2026-03")->required();
  add_format(command, *arguments);
  command->footer(R"(
Examples:
  voucherctl period summary 2026-03
  voucherctl period summary 2026-03 --format xlsx > summary.xlsx)");
  on_command(command, session, [&session, arguments] {
    return show_report(session, "/v1/periods/" + percent_encoded(arguments->of) + "/summary", *arguments,
                       summary_text);
  });
}

void add_programme_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("programme", "The programme's year: budget, subsidy, forecast (成效监测)");
  group->require_subcommand(1);
  auto* show = group->add_subcommand("show", "Show a year");
  const auto arguments = std::make_shared<ReportArguments>();
  show->add_option("YEAR", arguments->of, "The calendar year, e.g. 2026")->required();
  add_format(show, *arguments);
  show->footer(R"(
The forecast takes each firm's mean of its last three full months to go on, under its cap.

Examples:
  voucherctl programme show 2026
  voucherctl programme show 2026 --format csv > programme.csv)");
  on_command(show, session, [&session, arguments] {
    return show_report(session, "/v1/programme/" + percent_encoded(arguments->of), *arguments,
                       programme_text);
  });
  add_explain(app, session);
}

}  // namespace voucherd::ctl

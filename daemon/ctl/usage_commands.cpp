// usage, sources, subsidy: figures without a statement.
#include <iostream>

#include "daemon/ctl/command.h"
#include "daemon/ctl/text_output.h"
#include "daemon/ctl/usage_text.h"

namespace voucherd::ctl {

namespace {

struct UsageQuery {
  std::string firm, from, until, by = "day,sku,project";
};

int show_usage(const Session& session, const UsageQuery& usage) {
  ApiClient api(session.server);
  std::vector<ListColumn> columns;
  for (const auto& [member, title] :
       {std::pair{"day", "DAY"}, std::pair{"sku", "SKU"}, std::pair{"project", "PROJECT"}}) {
    if (usage.by.find(member) != std::string::npos) columns.push_back({member, title});
  }
  columns.push_back({"quantity", "QUANTITY"});
  columns.push_back({"unit", "UNIT"});
  const auto done =
      print_list(api, "/v1/usage",
                 {{"firm", usage.firm}, {"from", usage.from}, {"until", usage.until}, {"group_by", usage.by}},
                 columns, session.json);
  return done ? exit_done : report(done.error());
}

int list_sources(const Session& session) {
  ApiClient api(session.server);
  if (session.json) {
    const auto done = print_list(api, "/v1/sources", {}, {}, true);
    return done ? exit_done : report(done.error());
  }
  Json sources = Json::array();
  const auto done = api.for_each_item("/v1/sources", {}, [&](Json&& source) {
    sources.push_back(std::move(source));
    return true;
  });
  if (!done) return report(done.error());
  std::cout << sources_text(sources) << std::flush;
  return exit_done;
}

int show_subsidy(const Session& session, const std::string& firm, const std::string& year) {
  ApiClient api(session.server);
  const auto shown = api.get_json("/v1/firms/" + percent_encoded(firm) + "/subsidy/" + percent_encoded(year));
  if (!shown) return report(shown.error());
  print(session.json ? shown->dump() : subsidy_text(*shown));
  return exit_done;
}

void add_usage(CLI::App& app, Session& session) {
  auto* usage = app.add_subcommand("usage", "A firm's quantities by day, SKU and project");
  const auto query = std::make_shared<UsageQuery>();
  usage->add_option("--firm", query->firm, "The firm (统一社会信用代码)")->required();
  usage->add_option("--from", query->from, "The first day, e.g. 2026-03-01");
  usage->add_option("--until", query->until, "The day after the last");
  usage->add_option("--by", query->by, "Any of day, sku and project, with commas between them")
      ->capture_default_str();
  usage->footer(R"(
Quantities of different units are never added up.

Examples:
  voucherctl usage --firm 91500000MA5U00000W --from 2026-03-01 --until 2026-04-01
  voucherctl --json usage --firm 91500000MA5U00000W --by sku)");
  on_command(usage, session, [&session, query] { return show_usage(session, *query); });
}

}  // namespace

void add_usage_commands(CLI::App& app, Session& session) {
  add_usage(app, session);

  auto* sources = app.add_subcommand("sources", "Who sends usage, up to when, and which days are missing");
  sources->footer(R"(
A gap is a run of days without usage between a source's first day with usage and its last.

Examples:
  voucherctl sources
  voucherctl --json sources | jq '.[] | select(.gaps != [])')");
  on_command(sources, session, [&session] { return list_sources(session); });

  auto* subsidy = app.add_subcommand("subsidy", "A firm's subsidy of a year, month by month");
  const auto firm = std::make_shared<std::string>();
  const auto year = std::make_shared<std::string>();
  subsidy->add_option("FIRM", *firm, "The firm (统一社会信用代码)")->required();
  subsidy->add_option("YEAR", *year, "The calendar year, e.g. 2026")->required();
  subsidy->footer(R"(
Examples:
  voucherctl subsidy 91500000MA5U00000W 2026
  voucherctl --json subsidy 91500000MA5U00000W 2026 | jq -r .cap_projected)");
  on_command(subsidy, session, [&session, firm, year] { return show_subsidy(session, *firm, *year); });
}

}  // namespace voucherd::ctl

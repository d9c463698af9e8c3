// period list|show|summary|close: months, whether they are ready, and the close itself.
#include "daemon/ctl/command.h"
#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

namespace {

int list_periods(const Session& session) {
  ApiClient api(session.server);
  const auto done = print_list(api, "/v1/periods", {},
                               {{"period", "PERIOD"},
                                {"state", "STATE"},
                                {"statements", "STATEMENTS"},
                                {"net", "NET"},
                                {"tax", "TAX"},
                                {"gross", "GROSS"},
                                {"eligible", "ELIGIBLE"},
                                {"subsidy", "SUBSIDY"}},
                               session.json);
  return done ? exit_done : report(done.error());
}

int show_period(const Session& session, const std::string& period) {
  ApiClient api(session.server);
  const auto shown = api.get_json("/v1/periods/" + percent_encoded(period));
  if (!shown) return report(shown.error());
  print(session.json ? shown->dump() : outline(*shown));
  return exit_done;
}

int close_period(const Session& session, const std::string& period, const std::string& reason) {
  ApiClient api(session.server);
  Json body = Json::object();
  if (!reason.empty()) body["reason"] = reason;
  const auto closed = api.send_json("POST", "/v1/periods/" + percent_encoded(period) + "/close", body.dump());
  if (!closed) return report(closed.error());
  print(session.json ? closed->dump() : outline(*closed));
  return exit_done;
}

}  // namespace

void add_period_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("period", "Months: list, show, close");
  group->require_subcommand(1);
  auto* list = group->add_subcommand("list", "List the months");
  list->footer("\nExample:\n  voucherctl period list");
  on_command(list, session, [&session] { return list_periods(session); });

  auto* show = group->add_subcommand("show", "Is a month ready to be closed?");
  const auto shown = std::make_shared<std::string>();
  show->add_option("PERIOD", *shown, "The month, e.g. 2026-03")->required();
  show->footer("\nExample:\n  voucherctl period show 2026-03");
  on_command(show, session, [&session, shown] { return show_period(session, *shown); });

  add_period_summary(*group, session);

  auto* close = group->add_subcommand("close", "Close a month: its statements are frozen for ever");
  const auto period = std::make_shared<std::string>();
  const auto reason = std::make_shared<std::string>();
  close->add_option("PERIOD", *period, "The month, e.g. 2026-03")->required();
  close->add_option("--reason", *reason, "Signs off unpriced usage and the quarantine of the month");
  close->footer(R"(
Months close in order. What stands in the way is listed, and the exit status is 1.

Examples:
  voucherctl period close 2026-03
  voucherctl period close 2026-03 --reason '隔离区 2 条为测试数据，财务已确认')");
  on_command(close, session, [&session, period, reason] { return close_period(session, *period, *reason); });
}

}  // namespace voucherd::ctl

// voucherctl: the command line for everything that voucherd's API offers. This file only puts
// the groups of commands together; each group has a file of its own.
#include <iostream>

#include "daemon/ctl/command.h"

namespace {

using namespace voucherd::ctl;

constexpr const char* examples = R"(
Examples:
  voucherctl sku put gpu.a800 a800.json
  voucherctl events send usage.ndjson
  slurm-export | voucherctl events send -
  voucherctl period close 2026-03
  voucherctl statement show 2026-03 91500000MA5U00000W
  voucherctl --server http://10.0.0.7:8080 --json firm list

Exit status: 0 done; 1 done with problems, or failed; 2 wrong command line.)";

int run(int argc, char** argv) {
  CLI::App app{"Sends usage to voucherd, keeps its facts and fetches its statements.", "voucherctl"};
  Session session;
  app.add_option("--server", session.server_url, "Where voucherd's API listens")->capture_default_str();
  app.add_flag("--json", session.json, "Print JSON instead of text");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(examples);
  add_events_commands(app, session);
  add_quarantine_commands(app, session);
  add_fact_commands(app, session);
  add_statement_commands(app, session);
  add_period_commands(app, session);
  add_programme_commands(app, session);
  add_usage_commands(app, session);
  add_journal_commands(app, session);
  add_audit_commands(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& shown) {
    return app.exit(shown);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return exit_usage;
  }
  const auto server = parse_server(session.server_url);
  if (!server) {
    std::cerr << "voucherctl: " << server.error().detail << '\n';
    return exit_usage;
  }
  session.server = *server;
  return session.work();
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);  // else every byte of stdin is a call of its own
  try {
    return run(argc, argv);
  } catch (const std::exception& broken) {
    std::cerr << "voucherctl: " << broken.what() << '\n';
    return exit_failed;
  }
}

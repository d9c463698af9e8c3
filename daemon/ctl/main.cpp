// voucherctl: the command line for everything that voucherd's API offers. This file only puts
// the groups of commands together; each group has a file of its own.
#include <iostream>

#include "daemon/ctl/command.h"
#include "daemon/ctl/server_token.h"

namespace {

using namespace voucherd::ctl;

constexpr const char* examples = R"(
Examples:
  voucherctl sku put gpu.a800 a800.json
  voucherctl events send usage.ndjson
  slurm-export | voucherctl events send -
  voucherctl period close 2026-03
  voucherctl statement show 2026-03 91500000MA5U00000W
  voucherctl --server https://centre.example:8443 --ca-file ca.pem --token-file my.token --json firm list

Exit status: 0 done; 1 done with problems, or failed; 2 wrong command line.)";

int run(int argc, char** argv) {
  CLI::App app{"Sends usage to voucherd, keeps its facts and fetches its statements.", "voucherctl"};
  Session session;
  app.add_option("--server", session.server_url, "Where voucherd's API listens")->capture_default_str();
  app.add_option("--ca-file", session.tls.ca_file,
                 "Whom to trust as an https server, PEM; else whom the system trusts");
  auto* const certificate = app.add_option("--certificate-file", session.tls.certificate_file,
                                           "A certificate to show an https server, PEM");
  app.add_option("--key-file", session.tls.key_file, "Its key, readable by nobody else")->needs(certificate);
  app.add_option(
      "--token-file", session.token_file,
      "File with the token to show; or $VOUCHERD_TOKEN_FILE, or the systemd credential voucherd-token");
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
  add_token_commands(app, session);
  add_access_log_commands(app, session);
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
  const auto token = read_server_token(session.token_file);
  if (!token) {
    std::cerr << "voucherctl: " << token.error().detail << '\n';
    return exit_usage;
  }
  if (!token->empty() && !server->tls && !is_loopback(*server)) {
    std::cerr << "voucherctl: " << session.server_url
              << " is beyond this machine and not https: the token would be there for all to read\n";
    return exit_usage;
  }
  session.server = *server;
  session.server.files = session.tls;
  session.server.token = *token;
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

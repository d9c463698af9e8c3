// What every group of commands gets, and what it gives back: the exit status. 0: done;
// 1: done with problems, or it failed; 2: the command line is wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "daemon/ctl/api_client.h"

namespace voucherd::ctl {

inline constexpr int exit_done = 0, exit_failed = 1, exit_usage = 2;

/// The options that stand before the command, and the chosen command's work.
struct Session {
  std::string server_url = "http://127.0.0.1:8080";
  std::string token_file;
  bool json = false;
  ClientTls tls;              // of an https:// server
  ServerAddress server;       // server_url and the token, read after the command line is complete
  std::function<int()> work;  // set by the command that was named
};

/// Makes `work` what the program does when `command` is named.
inline void on_command(CLI::App* command, Session& session, std::function<int()> work) {
  command->callback([&session, work = std::move(work)] { session.work = work; });
}

/// --excel, for commands that write CSV.
inline void add_excel(CLI::App* command, bool& excel) {
  command->add_flag("--excel", excel, "CSV begins with a byte order mark, so that Excel reads its Chinese");
}
/// What to ask the API for then.
inline Query excel_query(bool excel) { return {{"excel", excel ? "1" : ""}}; }

/// Prints the Fault's sentence on stderr; exit_failed.
int report(const Fault& fault);
/// Writes text to stdout and a line end behind it.
void print(const std::string& text);
/// A whole file; "-" is stdin. Fault "file_unreadable".
Result<std::string> read_whole(const std::string& file);

void add_events_commands(CLI::App& app, Session& session);
void add_quarantine_commands(CLI::App& app, Session& session);
void add_fact_commands(CLI::App& app, Session& session);
void add_statement_commands(CLI::App& app, Session& session);
void add_period_commands(CLI::App& app, Session& session);
void add_programme_commands(CLI::App& app, Session& session);
void add_period_summary(CLI::App& group, Session& session);
void add_usage_commands(CLI::App& app, Session& session);
void add_token_commands(CLI::App& app, Session& session);
void add_access_log_commands(CLI::App& app, Session& session);
void add_journal_commands(CLI::App& app, Session& session);
void add_audit_commands(CLI::App& app, Session& session);
void add_audit_bundle(CLI::App& group, Session& session);

}  // namespace voucherd::ctl

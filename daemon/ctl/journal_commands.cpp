// journal check and recount: work on a data directory, without the daemon.
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

#include "daemon/ctl/command.h"
#include "daemon/ctl/progress.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/recount.h"

namespace voucherd::ctl {

namespace {

/// Shows how long the work has been going on; how much is left is not known before the end.
Result<CheckReport> check_with_progress(const std::string& directory) {
  std::mutex mutex;
  std::condition_variable_any ended;
  const std::jthread clock([&](const std::stop_token& stop) {
    Progress progress;
    std::unique_lock lock(mutex);
    for (std::uint64_t seconds = 0; !stop.stop_requested(); ++seconds) {
      progress.show(0, 0, "folding the journal again, " + std::to_string(seconds) + " s");
      ended.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }
  });
  return check_directory(directory);
}

int check_journal(const Session& session, const std::string& directory) {
  const auto report_of_check = check_with_progress(directory);
  if (!report_of_check) return report(report_of_check.error());
  const auto& found = *report_of_check;
  if (session.json) {
    print(Json{{"last_position", found.last_position},
               {"events", found.events},
               {"checkpoints", found.checkpoints},
               {"tree_root", found.tree_root},
               {"differences", found.differences}}
              .dump());
  } else {
    print(std::to_string(found.last_position) + " records with " + std::to_string(found.events) +
          " events, " + std::to_string(found.checkpoints) + " checkpoints compared, tree root " +
          found.tree_root);
    for (const auto& difference : found.differences) std::cout << "difference: " << difference << '\n';
    print(found.differences.empty() ? "all is well" : "the directory is not sound");
  }
  return found.differences.empty() ? exit_done : exit_failed;
}

int recount_journal(const Session& session, const std::string& directory) {
  const auto found = recount_directory(directory);
  if (!found) return report(found.error());
  if (session.json) {
    print(Json{{"last_position", found->last_position},
               {"events", found->events},
               {"corrections", found->corrections},
               {"firms", found->firms},
               {"charges", found->charges},
               {"net", to_string(found->net)},
               {"tax", to_string(found->tax)},
               {"gross", to_string(found->gross)},
               {"seconds", found->seconds},
               {"charge_seconds", found->charge_seconds},
               {"differences", found->differences}}
              .dump());
  } else {
    print(std::to_string(found->events) + " events, " + std::to_string(found->corrections) +
          " of them corrections; " + std::to_string(found->charges) + " charges of " +
          std::to_string(found->firms) + " firms: net " + to_string(found->net) + ", tax " +
          to_string(found->tax) + ", gross " + to_string(found->gross));
    for (const auto& difference : found->differences) std::cout << "difference: " << difference << '\n';
    print(found->differences.empty() ? "all is well" : "the directory is not sound");
  }
  return found->differences.empty() ? exit_done : exit_failed;
}

}  // namespace

void add_journal_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("journal", "A stopped daemon's data directory");
  group->require_subcommand(1);
  auto* check = group->add_subcommand("check", "Fold the journal from its first record and compare");
  const auto directory = std::make_shared<std::string>();
  check->add_option("DIR", *directory, "The data directory")->required()->check(CLI::ExistingDirectory);
  check->footer(R"(
Everything that is kept beside the journal is made again from its records and compared,
byte for byte. Writes nothing. Exit status 1 where anything differs.

Example:
  systemctl stop voucherd && voucherctl journal check /var/lib/voucherd)");
  on_command(check, session, [&session, directory] { return check_journal(session, *directory); });

  auto* recount = group->add_subcommand("recount", "Add up and rate all events again and compare");
  recount->add_option("DIR", *directory, "The data directory")->required()->check(CLI::ExistingDirectory);
  recount->footer(R"(
All charges of all firms and months, from the stored events and the facts alone. The totals are
compared with those that the daemon had. Writes nothing. Exit status 1 where anything differs.

Example:
  systemctl stop voucherd && voucherctl journal recount /var/lib/voucherd)");
  on_command(recount, session, [&session, directory] { return recount_journal(session, *directory); });
}

}  // namespace voucherd::ctl

// access-log verify: whether the lines of the access log are those that were written, all of them.
#include <iostream>

#include "daemon/access/access_log_files.h"
#include "daemon/ctl/command.h"

namespace voucherd::ctl {

namespace {

int verify(const Session& session, const std::vector<std::string>& files) {
  const auto found = access::check_access_log(files);
  if (!found) return report(found.error());
  if (session.json) {
    print(Json{{"first", found->first},
               {"last", found->last},
               {"first_at", found->first_at},
               {"last_at", found->last_at},
               {"sha256", found->sha256},
               {"notes", found->notes},
               {"fault", found->fault.empty() ? Json() : Json(found->fault)}}
              .dump());
    return found->fault.empty() ? exit_done : exit_failed;
  }
  for (const std::string& note : found->notes) print(note);
  if (!found->fault.empty()) return report({"access_log_broken", "the chain is broken: " + found->fault});
  print("lines " + std::to_string(found->first) + " (" + found->first_at + ") to " +
        std::to_string(found->last) + " (" + found->last_at +
        ") are one whole chain; the last one's SHA-256 is " + found->sha256);
  return exit_done;
}

}  // namespace

void add_access_log_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("access-log", "Who read what");
  group->require_subcommand(1);
  auto* command = group->add_subcommand("verify", "Follow the chain of hashes through the files");
  const auto files = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "The access log's files, oldest first")->required();
  command->footer(R"(
Exit status 1 where a line was changed, left out or put in. What the log itself says of lines that are missing
(a crash, a full disk, too many refusals a second) is printed, and does not break the chain. Note the last line's SHA-256 elsewhere: it
tells later whether lines behind it are gone.

Example:
  voucherctl access-log verify /var/lib/voucherd/access-log/access-*.jsonl)");
  on_command(command, session, [&session, files] { return verify(session, *files); });
}

}  // namespace voucherd::ctl

// events send|find|list: usage on its way in, and what is kept of it.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "daemon/ctl/command.h"
#include "daemon/ctl/event_sender.h"
#include "daemon/ctl/progress.h"
#include "daemon/ctl/text_output.h"
#include "daemon/ctl/usage_text.h"

namespace voucherd::ctl {

namespace {

struct SendArguments {
  std::string file;
  int connections = 4;
  std::uint64_t give_up_after_s = 300;
};

std::string summary_json(const SendTally& tally) {
  Json json{{"received", tally.received},       {"accepted", tally.accepted},
            {"duplicate", tally.duplicate},     {"conflict", tally.conflict},
            {"quarantined", tally.quarantined}, {"position", tally.position},
            {"retries", tally.retries},         {"problems_by_code", tally.problems_by_code},
            {"problems", Json::array()}};
  for (const auto& problem : tally.first_problems) {
    json["problems"].push_back(
        {{"line", problem.line}, {"id", problem.id}, {"code", problem.code}, {"detail", problem.detail}});
  }
  return json.dump();
}

std::string counts_text(const SendTally& tally) {
  return std::to_string(tally.accepted) + " accepted, " + std::to_string(tally.duplicate) + " duplicate, " +
         std::to_string(tally.conflict) + " conflict, " + std::to_string(tally.quarantined) + " quarantined";
}

void print_problems(const SendTally& tally) {
  for (const auto& problem : tally.first_problems) {
    std::cerr << "line " << problem.line << ": " << problem.code << ": " << problem.detail;
    if (!problem.id.empty()) std::cerr << " (id " << plain(problem.id) << ")";
    std::cerr << '\n';
  }
  std::uint64_t all = 0;
  for (const auto& [code, count] : tally.problems_by_code) all += count;
  if (all <= tally.first_problems.size()) return;
  std::cerr << "… and " << all - tally.first_problems.size() << " more; by reason:\n";
  for (const auto& [code, count] : tally.problems_by_code) std::cerr << "  " << code << ": " << count << '\n';
  std::cerr << "voucherctl quarantine list shows them\n";
}

int finish(const Session& session, const SendTally& tally, const Result<void>& result) {
  if (session.json) {
    print(summary_json(tally));
  } else {
    print(std::to_string(tally.received) + " events: " + counts_text(tally) + "; durable at position " +
          std::to_string(tally.position));
    print_problems(tally);
  }
  if (!result) return report(result.error());
  return tally.conflict + tally.quarantined == 0 ? exit_done : exit_failed;
}

/// Draws the progress line: the rate is that of the work since `started`.
class SendProgress {
 public:
  explicit SendProgress(std::uint64_t file_bytes) : file_bytes_(file_bytes) {}
  void operator()(const SendTally& tally, std::uint64_t acknowledged_bytes) {
    if (!progress_.is_shown()) return;
    const auto elapsed = std::chrono::steady_clock::now() - started_;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
    const auto rate = tally.received * 1000 / std::max<std::uint64_t>(1, static_cast<std::uint64_t>(ms));
    progress_.show(acknowledged_bytes, file_bytes_,
                   std::to_string(rate) + " events/s  " + counts_text(tally) + "  position " +
                       std::to_string(tally.position));
  }

 private:
  std::uint64_t file_bytes_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  Progress progress_;
};

/// One pass from `start` to the end of the stream.
Result<void> send_from(const ResumePoint& start, std::istream& in, const SendOptions& options,
                       const ResumeFile* resume, std::uint64_t file_bytes, SendTally& tally) {
  BatchReader reader(in, start.offset, start.lines);
  SendProgress progress(file_bytes);
  EventSender sender(options, reader, start, resume,
                     [&progress](const SendTally& now, std::uint64_t bytes) { progress(now, bytes); });
  const auto result = sender.run();
  tally = sender.tally();
  return result;
}

int send_file(const Session& session, const SendArguments& arguments, const SendOptions& options) {
  const std::string server = to_string(session.server);
  const ResumeFile resume(arguments.file);
  std::ifstream in(arguments.file, std::ios::binary);
  std::error_code fault;
  const auto bytes = std::filesystem::file_size(arguments.file, fault);
  if (!in || fault) return report({"file_unreadable", "can't open " + arguments.file});
  const ResumePoint beginning{server, 0, 0, 0};
  const ResumePoint start = resume.load(server).value_or(beginning);
  if (start.offset > 0) {
    std::cerr << "going on after line " << start.lines << " (" << resume.path() << ")\n";
    in.seekg(static_cast<std::streamoff>(start.offset));
  }
  SendTally tally;
  auto result = send_from(start, in, options, &resume, bytes, tally);
  if (!result && result.error().code == "resume_unknown") {
    std::cerr << "the server does not have the part that was sent before: sending the whole file\n";
    resume.remove();
    in.clear();
    in.seekg(0);
    result = send_from(beginning, in, options, &resume, bytes, tally);
  }
  return finish(session, tally, result);
}

int send_events(const Session& session, const SendArguments& arguments) {
  const SendOptions options{session.server, arguments.connections,
                            std::chrono::seconds(arguments.give_up_after_s)};
  if (arguments.file != "-") return send_file(session, arguments, options);
  SendTally tally;
  const auto result = send_from({to_string(session.server), 0, 0, 0}, std::cin, options, nullptr, 0, tally);
  return finish(session, tally, result);
}

int find_event(const Session& session, const std::string& source, const std::string& id) {
  ApiClient api(session.server);
  const auto event = api.get_json(with_query("/v1/events", {{"source", source}, {"id", id}}));
  if (!event && event.error().code == "http_404") {
    return report({"event_unknown", "no accepted event has source " + source + " and id " + id});
  }
  if (!event) return report(event.error());
  print(session.json ? event->dump() : outline(*event));
  return exit_done;
}

struct ListArguments {
  std::string firm, from, until, sku;
};

/// Line by line as the pages come: nothing but a page is kept.
int list_events(const Session& session, const ListArguments& arguments) {
  ApiClient api(session.server);
  const Query query{{"subject", arguments.firm},
                    {"from", arguments.from},
                    {"until", arguments.until},
                    {"sku", arguments.sku}};
  const auto done = session.json ? print_list(api, "/v1/events", query, {}, true)
                                 : api.for_each_item("/v1/events", query, [](Json&& item) {
                                     std::cout << event_line(item) << '\n';
                                     return true;
                                   });
  std::cout << std::flush;
  return done ? exit_done : report(done.error());
}

void add_list(CLI::App& group, Session& session) {
  auto* list = group.add_subcommand("list", "List the accepted events of a firm");
  const auto arguments = std::make_shared<ListArguments>();
  list->add_option("--firm", arguments->firm, "The firm (统一社会信用代码)")->required();
  list->add_option("--from", arguments->from, "The first day of usage, e.g. 2026-03-01");
  list->add_option("--until", arguments->until, "The day after the last");
  list->add_option("--sku", arguments->sku, "Only of this SKU");
  list->footer(R"(
In the order in which they were accepted. A correction stands on the days of what it corrects.

Examples:
  voucherctl events list --firm 91500000MA5U00000W --from 2026-03-01 --until 2026-04-01
  voucherctl --json events list --firm 91500000MA5U00000W --sku gpu.a800 | jq length)");
  on_command(list, session, [&session, arguments] { return list_events(session, *arguments); });
}

void add_send(CLI::App& group, Session& session) {
  auto* send = group.add_subcommand("send", "Send a file of events, one JSON object a line");
  const auto arguments = std::make_shared<SendArguments>();
  send->add_option("FILE", arguments->file, "NDJSON of CloudEvents; - is stdin")->required();
  send->add_option("--connections", arguments->connections, "Requests in flight at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  send->add_option("--retry-for", arguments->give_up_after_s,
                   "Seconds to go on trying while the server is overloaded, full or away")
      ->capture_default_str();
  send->footer(R"(
Sending is always safe to repeat. If it is interrupted, the same command goes on where
it stood: FILE.voucherctl-resume holds the place until everything is acknowledged.

Exit status: 0 if every event counts (duplicates too); 1 if some conflict or went to
quarantine, or the work failed.

Examples:
  voucherctl events send usage-2026-03.ndjson
  zstdcat usage.ndjson.zst | voucherctl events send -
  voucherctl --json events send usage.ndjson | jq .quarantined)");
  on_command(send, session, [&session, arguments] { return send_events(session, *arguments); });
}

}  // namespace

void add_events_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("events", "Usage events: send, find, list");
  group->require_subcommand(1);
  add_send(*group, session);
  add_list(*group, session);

  auto* find = group->add_subcommand("find", "Show one accepted event");
  const auto source = std::make_shared<std::string>();
  const auto id = std::make_shared<std::string>();
  find->add_option("--source", *source, "The event's source")->required();
  find->add_option("--id", *id, "The event's id")->required();
  find->footer(R"(
With its place in the journal, its corrections and the statements that it is on.

Examples:
  voucherctl events find --source /centre/rongzhi/slurm --id job-81723/step-0
  voucherctl --json events find --source /s --id 1 | jq .statements)");
  on_command(find, session, [&session, source, id] { return find_event(session, *source, *id); });
}

}  // namespace voucherd::ctl

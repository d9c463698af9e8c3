// statement list|show|export: what finance pulls.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "daemon/ctl/command.h"
#include "daemon/ctl/progress.h"
#include "daemon/ctl/statement_text.h"
#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

namespace {

struct ShowArguments {
  std::string period, uscc, format = "text";
  bool excel = false;
};

struct ExportArguments {
  std::string period, directory;
  std::vector<std::string> formats{"json"};
  bool excel = false;
};

std::string target_of(const std::string& period, const std::string& uscc, const std::string& extension) {
  return "/v1/statements/" + percent_encoded(period) + "/" + percent_encoded(uscc) + "." + extension;
}

/// A text of an object within a statement: its firm's name, a total.
std::string text_within(const Json& item, const char* object, const char* member) {
  const auto found = item.find(object);
  return found == item.end() ? std::string() : text_member(*found, member);
}

int list_statements(const Session& session, const std::string& period) {
  ApiClient api(session.server);
  TextTable table;
  table.add_column("企业代码", TextTable::Align::left, "Firm");
  table.add_column("企业", TextTable::Align::left, "Name");
  table.add_column("状态", TextTable::Align::left, "State");
  for (const auto& [name, english] : {std::pair{"不含税", "Net"},
                                      {"税额", "Tax"},
                                      {"价税合计", "Gross"},
                                      {"可补金额", "Eligible"},
                                      {"补贴", "Subsidy"},
                                      {"应付（负为应退）", "Payable (negative: refund)"}}) {
    table.add_column(name, TextTable::Align::right, english);
  }
  Json all = Json::array();
  const auto done = api.for_each_item("/v1/statements", {{"period", period}}, [&](Json&& item) {
    table.add_row({text_within(item, "firm", "uscc"), text_within(item, "firm", "name"),
                   text_member(item, "state"), text_within(item, "totals", "net"),
                   text_within(item, "totals", "tax"), text_within(item, "totals", "gross"),
                   text_within(item, "totals", "eligible"), text_within(item, "totals", "subsidy"),
                   text_within(item, "totals", "payable")});
    if (session.json) all.push_back(std::move(item));
    return true;
  });
  if (!done) return report(done.error());
  if (session.json) {
    print(all.dump());
  } else {
    std::cout << (table.empty() ? "no statement in " + period + "\n" : table.text());
  }
  return exit_done;
}

int show_statement(const Session& session, const ShowArguments& arguments) {
  ApiClient api(session.server);
  const bool json = session.json || arguments.format == "json";
  if (!json && arguments.format == "text") {
    const auto statement = api.get_json(target_of(arguments.period, arguments.uscc, "json"));
    if (!statement) return report(statement.error());
    std::cout << statement_text(*statement);
    return exit_done;
  }
  const std::string target = target_of(arguments.period, arguments.uscc, json ? "json" : "csv");
  const auto body = json ? api.get(target, "application/json")
                         : api.get(with_query(target, excel_query(arguments.excel)), "text/csv");
  if (!body) return report(body.error());
  std::cout << *body << (body->ends_with('\n') ? "" : "\n");
  return exit_done;
}

/// Written beside and renamed over: what has the name is whole.
Result<void> write_whole(const std::filesystem::path& file, const std::string& bytes) {
  std::filesystem::path fresh = file;
  fresh += ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  std::error_code fault;
  if (out) std::filesystem::rename(fresh, file, fault);
  if (!out || fault) return Fault{"write_failed", "can't write " + file.string()};
  return {};
}

/// A document's bytes. The daemon makes a few at a time and says 503 meanwhile: then again, for a while.
Result<std::string> fetch_document(ApiClient& api, const std::string& target) {
  constexpr int tries_max = 60;
  constexpr std::chrono::seconds pause{1};
  for (int tries = 1;; ++tries) {
    auto body = api.get(target, "*/*");
    if (body || body.error().code != "http_503" || tries == tries_max) return body;
    std::this_thread::sleep_for(pause);
  }
}

/// One export on its way. A file that the daemon can't make keeps none of the others back.
class Export {
 public:
  Export(ApiClient& api, const ExportArguments& arguments) : api_(api), arguments_(arguments) {}

  /// Fault: nothing more can be had, or written.
  Result<void> all() {
    std::vector<std::string> firms;
    const auto listed =
        api_.for_each_item("/v1/statements", {{"period", arguments_.period}}, [&](const Json& item) {
          firms.push_back(text_within(item, "firm", "uscc"));
          return true;
        });
    if (!listed || firms.empty()) return listed;
    Progress progress;
    for (statements_ = 0; statements_ < firms.size(); ++statements_) {
      progress.show(statements_, firms.size(),
                    std::to_string(statements_) + " of " + std::to_string(firms.size()) + " statements");
      if (auto done = statement(firms[statements_]); !done) return done;
    }
    return summary();
  }
  std::size_t statements() const { return statements_; }
  struct Failed {
    std::string file, detail;
  };
  const std::vector<Failed>& failed() const { return failed_; }

 private:
  Result<void> statement(const std::string& uscc) {
    for (const auto& format : arguments_.formats) {
      auto done = file(target_of(arguments_.period, uscc, format), uscc + "." + format);
      if (!done) return done;
    }
    return {};
  }

  Result<void> summary() {
    for (const std::string name : {"summary.csv", "summary.xlsx"}) {
      auto done = file("/v1/periods/" + percent_encoded(arguments_.period) + "/" + name, name);
      if (!done) return done;
    }
    return {};
  }

  Result<void> file(std::string target, const std::string& ending) {
    const std::string name = arguments_.period + "-" + ending;
    if (name.ends_with(".csv")) target = with_query(target, excel_query(arguments_.excel));
    const auto body = fetch_document(api_, target);
    if (body) return write_whole(std::filesystem::path(arguments_.directory) / name, *body);
    if (!concerns_one_document(body.error())) return body.error();
    failed_.push_back({name, body.error().detail});
    return {};
  }

  /// Too large, failed, or gone meanwhile: the next one may be had.
  static bool concerns_one_document(const Fault& fault) {
    return fault.code == "http_422" || fault.code == "http_500" || fault.code == "http_404";
  }

  ApiClient& api_;
  const ExportArguments& arguments_;
  std::size_t statements_ = 0;
  std::vector<Failed> failed_;
};

void print_failed(const Export& exported) {
  const std::size_t count = exported.failed().size();
  std::cerr << count << (count == 1 ? " file" : " files") << " could not be made:\n";
  for (const auto& [file, detail] : exported.failed()) std::cerr << "  " << file << ": " << detail << '\n';
}

int export_statements(const Session& session, const ExportArguments& arguments) {
  std::error_code fault;
  std::filesystem::create_directories(arguments.directory, fault);
  if (fault) return report({"write_failed", "can't create " + arguments.directory + ": " + fault.message()});
  ApiClient api(session.server);
  Export exported(api, arguments);
  const auto done = exported.all();
  if (!exported.failed().empty() && !session.json) print_failed(exported);
  if (!done) return report(done.error());
  if (session.json) {
    Json failed = Json::array();
    for (const auto& [file, detail] : exported.failed())
      failed.push_back({{"file", file}, {"detail", detail}});
    print(Json{{"period", arguments.period},
               {"statements", exported.statements()},
               {"directory", arguments.directory},
               {"failed", std::move(failed)}}
              .dump());
  } else {
    print(std::to_string(exported.statements()) + " statements of " + arguments.period + " are in " +
          arguments.directory + (exported.failed().empty() ? "" : ", but for those files"));
  }
  return exported.failed().empty() ? exit_done : exit_failed;
}

void add_show(CLI::App& group, Session& session) {
  auto* show = group.add_subcommand("show", "Show one statement");
  const auto arguments = std::make_shared<ShowArguments>();
  show->add_option("PERIOD", arguments->period, "The month, e.g. 2026-03")->required();
  show->add_option("USCC", arguments->uscc, "The firm")->required();
  show->add_option("--format", arguments->format, "text, json (the bytes that were frozen) or csv")
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->capture_default_str();
  add_excel(show, arguments->excel);
  show->footer(R"(
Examples:
  voucherctl statement show 2026-03 91500000MA5U00000W
  voucherctl statement show 2026-03 91500000MA5U00000W --format csv > statement.csv)");
  on_command(show, session, [&session, arguments] { return show_statement(session, *arguments); });
}

void add_export(CLI::App& group, Session& session) {
  auto* all = group.add_subcommand("export", "Write all statements of a month into a directory");
  const auto arguments = std::make_shared<ExportArguments>();
  all->add_option("--period", arguments->period, "The month, e.g. 2026-03")->required();
  all->add_option("--format", arguments->formats, "Of pdf, xlsx, csv and json, with commas between")
      ->delimiter(',')
      ->check(CLI::IsMember({"pdf", "xlsx", "csv", "json"}))
      ->capture_default_str();
  add_excel(all, arguments->excel);
  all->add_option("--out", arguments->directory, "The directory; created where absent")->required();
  all->footer(R"(
A file for each firm and format, and the month's summary as CSV and XLSX. A file that can't be made is named
at the end; the others are written all the same, and the exit status is 1.

Examples:
  voucherctl statement export --period 2026-03 --format pdf,xlsx --out statements/
  voucherctl statement export --period 2026-03 --format csv --excel --out statements/)");
  on_command(all, session, [&session, arguments] { return export_statements(session, *arguments); });
}

}  // namespace

void add_statement_commands(CLI::App& app, Session& session) {
  auto* group = app.add_subcommand("statement", "Statements: list, show, export");
  group->require_subcommand(1);
  auto* list = group->add_subcommand("list", "List the statements of a month");
  const auto period = std::make_shared<std::string>();
  list->add_option("--period", *period, "The month, e.g. 2026-03")->required();
  list->footer(
      "\nExamples:\n  voucherctl statement list --period 2026-03\n"
      "  voucherctl --json statement list --period 2026-03");
  on_command(list, session, [&session, period] { return list_statements(session, *period); });
  add_show(*group, session);
  add_export(*group, session);
}

}  // namespace voucherd::ctl

// firm|sku|price-book|contract|policy|award list|show|history|put: one table of kinds, the same
// commands for each; settings, of which there is one; and firm import.
#include <array>
#include <iostream>

#include "daemon/ctl/command.h"
#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

namespace {

struct FactCommands {
  const char* name;      // of the group of commands
  const char* path;      // of the API
  const char* what;      // for --help
  const char* key_name;  // for --help
  const char* key_example;
  std::vector<ListColumn> columns;
};

const std::array<FactCommands, 6>& fact_commands() {
  static const std::array<FactCommands, 6> commands{{
      {"firm",
       "/v1/firms",
       "Firms and their eligibility",
       "USCC",
       "91500000MA5U00000W",
       {{"uscc", "USCC"}, {"name", "NAME"}, {"district", "DISTRICT"}}},
      {"sku",
       "/v1/skus",
       "What is metered",
       "SKU",
       "gpu.a800",
       {{"sku", "SKU"}, {"name", "NAME"}, {"unit", "UNIT"}, {"kind", "KIND"}, {"tax_rate", "TAX"}}},
      {"price-book",
       "/v1/price-books",
       "List prices",
       "VERSION",
       "2026-q1",
       {{"version", "VERSION"}, {"effective_from", "EFFECTIVE FROM"}, {"tax_inclusive", "TAX INCLUSIVE"}}},
      {"contract",
       "/v1/contracts",
       "Prices agreed with a firm",
       "NUMBER",
       "HT-2026-017",
       {{"number", "NUMBER"},
        {"firm", "FIRM"},
        {"from", "FROM"},
        {"until", "UNTIL"},
        {"discount", "DISCOUNT"}}},
      {"policy",
       "/v1/policies",
       "Rules of the subsidy",
       "ID",
       "cq-2025-12",
       {{"id", "ID"},
        {"from", "FROM"},
        {"until", "UNTIL"},
        {"rate", "RATE"},
        {"annual_cap", "CAP"},
        {"tax_basis", "BASIS"}}},
      {"award",
       "/v1/external-awards",
       "Awards from elsewhere",
       "ID",
       "award-2026-3",
       {{"id", "ID"}, {"firm", "FIRM"}, {"year", "YEAR"}, {"kind", "KIND"}, {"amount", "AMOUNT"}}},
  }};
  return commands;
}

struct PutArguments {
  std::string key, file, reason;
  bool dry_run = false;
};

/// The body with a member `reason` put in front. The rest stays as it is written, byte for byte:
/// parsing and printing would change how numbers look.
Result<std::string> with_reason(const std::string& body, const std::string& reason) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return Fault{"body_malformed", "the file is not a JSON object"};
  if (json.contains("reason")) {
    return Fault{"reason_twice", "the file has a member \"reason\" already; leave --reason out"};
  }
  std::string whole = body;
  whole.insert(body.find('{') + 1, "\"reason\":" + Json(reason).dump() + (json.empty() ? "" : ","));
  return Result<std::string>(boost::system::in_place_value, std::move(whole));
}

std::string path_of(const char* path, const std::string& key) {
  return std::string(path) + "/" + percent_encoded(key);
}

int put_fact(const Session& session, const std::string& path, const PutArguments& arguments) {
  auto body = read_whole(arguments.file);
  if (body && !arguments.reason.empty()) body = with_reason(*body, arguments.reason);
  if (!body) return report(body.error());
  ApiClient api(session.server);
  const std::string target = with_query(path, {{"dry_run", arguments.dry_run ? "1" : ""}});
  const auto answer = api.send_json("PUT", target, *body);
  if (!answer) return report(answer.error());
  if (session.json) {
    print(answer->dump());
  } else if (arguments.dry_run) {
    print("nothing was changed; it would be:\n" + outline(*answer));
  } else {
    print(arguments.key + " is kept");
  }
  return exit_done;
}

int show_fact(const Session& session, const std::string& path) {
  ApiClient api(session.server);
  const auto fact = api.get_json(path);
  if (!fact) return report(fact.error());
  print(session.json ? fact->dump() : outline(*fact));
  return exit_done;
}

/// Each version with who and when.
int show_history(const Session& session, const std::string& path) {
  ApiClient api(session.server);
  const auto history = api.get_json(path + "/history");
  if (!history) return report(history.error());
  print(session.json ? history->at("items").dump() : outline(history->at("items")));
  return exit_done;
}

int import_firms(const Session& session, const PutArguments& arguments) {
  auto file = read_whole(arguments.file);
  if (!file) return report(file.error());
  ApiClient api(session.server);
  const std::string target = with_query(
      "/v1/firms/import", {{"dry_run", arguments.dry_run ? "1" : ""}, {"reason", arguments.reason}});
  const auto answer = api.send_file(target, "text/csv; charset=utf-8", std::move(*file));
  if (!answer) return report(answer.error());
  if (session.json || arguments.dry_run) {
    print(session.json ? answer->dump() : "nothing was changed; it would be:\n" + outline(*answer));
  } else {
    print(answer->at("firms").dump() + " firms are kept, " + answer->at("created").dump() + " of them new");
  }
  return exit_done;
}

int list_facts(const Session& session, const FactCommands& commands) {
  ApiClient api(session.server);
  const auto done = print_list(api, commands.path, {}, commands.columns, session.json);
  return done ? exit_done : report(done.error());
}

void add_put_options(CLI::App& put, PutArguments& arguments) {
  put.add_option("FILE", arguments.file, "Its JSON object; - is stdin")->required();
  put.add_option("--reason", arguments.reason, "Why: needed where a closed figure would differ");
  put.add_flag("--dry-run", arguments.dry_run, "Only show what it would change");
}

void add_put(CLI::App& group, Session& session, const FactCommands& commands) {
  auto* put = group.add_subcommand("put", "Create or replace one");
  const auto arguments = std::make_shared<PutArguments>();
  put->add_option(commands.key_name, arguments->key, "Its key")->required();
  add_put_options(*put, *arguments);
  const std::string example = std::string("voucherctl ") + commands.name + " put " + commands.key_example;
  put->footer("\nExamples:\n  " + example + " new.json\n  " + example + " new.json --dry-run\n  " + example +
              " - --reason '补录批复' < new.json");
  on_command(put, session, [&session, path = commands.path, arguments] {
    return put_fact(session, path_of(path, arguments->key), *arguments);
  });
}

/// The settings are one fact: no key.
void add_settings(CLI::App& app, Session& session) {
  constexpr const char* path = "/v1/settings";
  auto* group = app.add_subcommand("settings", "From when on usage is accepted");
  group->require_subcommand(1);
  auto* show = group->add_subcommand("show", "Show them");
  show->footer("\nExample:\n  voucherctl settings show");
  on_command(show, session, [&session] { return show_fact(session, path); });
  auto* history = group->add_subcommand("history", "Show every version of them, with who and when");
  history->footer("\nExample:\n  voucherctl settings history");
  on_command(history, session, [&session] { return show_history(session, path); });
  auto* put = group->add_subcommand("put", "Replace them");
  const auto arguments = std::make_shared<PutArguments>();
  arguments->key = "settings";
  add_put_options(*put, *arguments);
  put->footer("\nExample:\n  echo '{\"accept_from\":\"2024-07-01\"}' | voucherctl settings put -");
  on_command(put, session, [&session, arguments] { return put_fact(session, path, *arguments); });
}

void add_firm_import(CLI::App& group, Session& session) {
  auto* command = group.add_subcommand("import", "Take in firms with their eligibility from a CSV file");
  const auto arguments = std::make_shared<PutArguments>();
  command->add_option("FILE", arguments->file, "The CSV file in UTF-8; - is stdin")->required();
  command->add_option("--reason", arguments->reason, "Why: needed where a closed figure would differ");
  command->add_flag("--dry-run", arguments->dry_run, "Only show what it would change");
  command->footer(R"(
The first row names the columns: uscc and name; where wanted district, category, from, until, basis,
evidence_sha256 (or 统一社会信用代码, 企业名称, 区县, 类别, 起始日期, 截止日期, 认定依据, 证明材料SHA256).
A row for each interval of eligibility; rows with the same code are one firm. The file's intervals
replace the firm's; its related_party and predecessors stay. All firms are taken in, or none: every
fault is listed with its row and column.

Examples:
  voucherctl firm import firms.csv --dry-run
  voucherctl firm import firms.csv --reason '2026 年第一批认定')");
  on_command(command, session, [&session, arguments] { return import_firms(session, *arguments); });
}

void add_group(CLI::App& app, Session& session, const FactCommands& commands) {
  const std::string name = commands.name;
  auto* group = app.add_subcommand(name, commands.what);
  group->require_subcommand(1);
  auto* list = group->add_subcommand("list", "List all");
  list->footer("\nExamples:\n  voucherctl " + name + " list\n  voucherctl --json " + name + " list");
  on_command(list, session, [&session, &commands] { return list_facts(session, commands); });
  auto* show = group->add_subcommand("show", "Show one");
  const auto key = std::make_shared<std::string>();
  show->add_option(commands.key_name, *key, "Its key")->required();
  show->footer("\nExample:\n  voucherctl " + name + " show " + commands.key_example);
  on_command(show, session,
             [&session, path = commands.path, key] { return show_fact(session, path_of(path, *key)); });
  auto* history = group->add_subcommand("history", "Show every version of one, with who and when");
  const auto of = std::make_shared<std::string>();
  history->add_option(commands.key_name, *of, "Its key")->required();
  history->footer("\nExample:\n  voucherctl " + name + " history " + commands.key_example);
  on_command(history, session,
             [&session, path = commands.path, of] { return show_history(session, path_of(path, *of)); });
  add_put(*group, session, commands);
  if (name == "firm") add_firm_import(*group, session);
}

}  // namespace

void add_fact_commands(CLI::App& app, Session& session) {
  for (const auto& commands : fact_commands()) add_group(app, session, commands);
  add_settings(app, session);
}

}  // namespace voucherd::ctl

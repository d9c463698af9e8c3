// bench_driver: measures voucherd end to end, beside PostgreSQL with the same events, and prints what was
// promised of ingest with what was found. Client and servers share the machine's cores, so that only
// ratios within one run compare.
//
//   bench_driver --voucherd build/release/voucherd                     everything; takes hours
//   bench_driver --voucherd … --only ndjson,postgres_insert --runs 3   a part
//   bench_driver --voucherd … --scale 0.05                             fewer events of everything
//   bench_driver --from a.json --from b.json --markdown table.md       one table from several runs
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/bench/driver/plot.h"
#include "tests/bench/driver/postgres.h"
#include "tests/bench/driver/table.h"

namespace {

using namespace voucherd::bench;

struct Outputs {
  std::string json, markdown, svg;
};

std::string scenario_list() {
  std::string text = "Scenarios:\n";
  for (const Scenario& scenario : scenarios()) {
    text += "  " + std::string(scenario.name) + std::string(18 - std::string(scenario.name).size(), ' ') +
            scenario.what + (scenario.once ? " (one run)" : "") + "\n";
  }
  return text + "\nPostgreSQL's settings:\n" + PostgresCluster::settings();
}

void write(const std::string& file, const std::string& text) {
  if (!file.empty() && !(std::ofstream(file) << text)) fail("can't write " + file);
}

Results read_results(const std::vector<std::string>& files) {
  Json runs = Json::array();
  for (const std::string& file : files) {
    const Json all = Json::parse(read_file(file));
    for (const Json& run : all.at("runs")) runs.push_back(run);
  }
  return Results(runs);
}

void report(const Results& results, const Outputs& outputs) {
  std::cout << text_table(results);
  write(outputs.json, all_as_json(results).dump(2) + "\n");
  write(outputs.markdown, markdown_table(results));
  const bool has_history = !results.last("history").is_null();
  const Json plotted = results.last(has_history ? "history" : "ids");
  if (plotted.is_null()) return;
  write(outputs.svg,
        plot(has_history ? "1,000 events a request, NDJSON" : "ids beyond their memory", plotted["points"]));
}

void check_names(const Settings& settings) {
  for (const std::string& name : settings.only) {
    const auto has_it = [&name](const Scenario& scenario) { return scenario.name == name; };
    if (std::none_of(scenarios().begin(), scenarios().end(), has_it)) {
      fail("there is no scenario " + name + "; --help lists them");
    }
  }
}

void check_programs(Settings& settings) {
  if (settings.programs.voucherctl.empty()) {
    const auto beside = std::filesystem::path(settings.programs.voucherd).parent_path() / "voucherctl";
    settings.programs.voucherctl = beside.string();
  }
  for (std::string* program : {&settings.programs.voucherd, &settings.programs.voucherctl}) {
    if (!std::filesystem::exists(*program)) fail("there is no program " + *program);
    *program = std::filesystem::absolute(*program).string();
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Outputs outputs;
  double scale = 1;
  std::vector<std::string> from;
  CLI::App app("Measures voucherd end to end");
  app.footer(scenario_list());
  app.option_defaults()->always_capture_default();
  auto* const program = app.add_option("--voucherd", settings.programs.voucherd, "The daemon's program");
  app.add_option("--voucherctl", settings.programs.voucherctl,
                 "The client's program; default: beside the daemon's");
  app.add_option("--from", from, "Measure nothing: read these JSON files instead")->excludes(program);
  app.add_option("--only", settings.only, "Scenarios, with commas between")->delimiter(',');
  app.add_option("--runs", settings.runs, "Of each scenario that is not too long");
  app.add_option("--scale", scale, "Factor on all numbers of events");
  app.add_option("--directory", settings.directory, "Where the data directories are made");
  app.add_option("--trickle-directory", settings.trickle_directory, "The same for the trickle");
  app.add_option("--history-events", settings.history_events, "Stored by the scenario history");
  app.add_option("--ids", settings.ids, "Stored by the scenario ids");
  app.add_option("--ids-memory-bytes", settings.ids_memory_bytes, "Allowed for them");
  app.add_flag("!--no-journal-check", settings.journal_check,
               "Leave out voucherctl journal check and recount");
  app.add_option("--json", outputs.json, "Write everything there");
  app.add_option("--markdown", outputs.markdown, "Write the table there");
  app.add_option("--svg", outputs.svg, "Plot rate and latency against stored events (history, else ids)");
  CLI11_PARSE(app, argc, argv);
  if (!from.empty()) {
    report(read_results(from), outputs);
    return 0;
  }
  check_names(settings);
  check_programs(settings);
  settings.scale(scale);
  const auto keep = [&outputs](const Results& so_far) {
    write(outputs.json, all_as_json(so_far).dump(2) + "\n");
  };
  report(run_scenarios(settings, keep), outputs);
}

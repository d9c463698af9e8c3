#include "tests/bench/driver/table.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace voucherd::bench {

namespace {

constexpr bool at_most = false, at_least = true;

/// Three digits that matter; thousands with commas.
std::string shown(double value) {
  char text[64];
  if (std::abs(value) >= 1000 || value == std::round(value)) {
    std::snprintf(text, sizeof text, "%.0f", value);
    std::string digits = text;
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
      digits.insert(static_cast<std::size_t>(at), ",");
    }
    return digits;
  }
  const int decimals = std::abs(value) >= 100 ? 0 : std::abs(value) >= 10 ? 1 : 2;
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string with_unit(double value, const std::string& unit) {
  if (unit == "%") return shown(value * 100) + " %";
  if (unit == "×") return shown(value) + "×";
  return unit.empty() ? shown(value) : shown(value) + " " + unit;
}

std::string limit(const Row& row, double value) {
  if (value == 0) return "";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", row.unit == "%" ? value * 100 : value);
  const std::string number = value >= 1000 ? shown(value) : text;
  return (row.at_least ? "≥ " : "≤ ") + number + (row.unit == "×" ? "" : " ") + row.unit;
}

/// "100 M" for the events of a scenario; "many" where it was not run.
std::string events_of(const Results& results, const char* scenario) {
  const Json figures = results.last(scenario);
  return figures.is_null() ? "many" : shown(figures["events"].get<double>() / 1e6) + " M";
}

std::string range(const Row& row) {
  if (row.values.size() < 2) return "";
  return shown(row.lowest() * (row.unit == "%" ? 100 : 1)) + " – " +
         shown(row.highest() * (row.unit == "%" ? 100 : 1));
}

std::string word(const Row& row) {
  const std::string verdict = row.verdict();
  return verdict == "missed" ? "**missed**"
         : verdict == "aim"  ? "aim reached"
         : verdict == "bar"  ? "bar reached"
                             : verdict;
}

void add_ratio(std::vector<Row>& rows, const Results& results, const char* work, double bar, double aim,
               const char* ours, const char* theirs) {
  rows.push_back({work, "×", at_least, bar, aim,
                  results.ratios(ours, "events_per_second", theirs, "events_per_second")});
}

void add_cpu(std::vector<Row>& rows, const Results& results, const std::string& form, const char* scenario) {
  const char* const cpu = "server_cpu_s_per_million";
  rows.push_back(
      {form + ": server CPU per million events", "s", at_most, 1.2, 0.7, results.values(scenario, cpu)});
  rows.push_back({form + ": PostgreSQL's CPU ÷ the server's", "×", at_least, 15, 30,
                  results.ratios("postgres_insert", cpu, scenario, cpu)});
}

std::string first_line_with(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(name, 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "";
}

}  // namespace

double Row::median() const {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Row::lowest() const { return *std::min_element(values.begin(), values.end()); }
double Row::highest() const { return *std::max_element(values.begin(), values.end()); }

std::string Row::verdict() const {
  if (values.empty()) return "not measured";
  const auto reaches = [this](double limit) { return at_least ? median() >= limit : median() <= limit; };
  if (aim != 0 && reaches(aim)) return "aim";
  return reaches(bar) ? "bar" : "missed";
}

std::vector<Row> promised_rows(const Results& results) {
  std::vector<Row> rows;
  const auto add = [&](const std::string& work, const char* unit, bool least, double bar, double aim,
                       const char* scenario, const char* figure) {
    rows.push_back({work, unit, least, bar, aim, results.values(scenario, figure)});
  };
  add_cpu(rows, results, "1,000 events a request, NDJSON", "ndjson");
  add_cpu(rows, results, "1,000 events a request, CloudEvents batch", "batch");
  add_ratio(rows, results, "NDJSON: acknowledged events/s ÷ PostgreSQL multi-row INSERT", 15, 25, "ndjson",
            "postgres_insert");
  add_ratio(rows, results, "CloudEvents batch: the same", 15, 25, "batch", "postgres_insert");
  add_ratio(rows, results, "NDJSON: ÷ PostgreSQL COPY", 8, 14, "ndjson", "postgres_copy");
  add_ratio(rows, results, "CloudEvents batch: the same", 8, 14, "batch", "postgres_copy");
  add_ratio(rows, results, "one event a request, 64 connections ÷ PostgreSQL single-row, 64 clients", 3, 5,
            "single", "postgres_single");
  add("acknowledgement at half the peak rate, p50", "ms", at_most, 3, 1.5, "half_peak", "ack_ms_p50");
  add("acknowledgement at half the peak rate, p99", "ms", at_most, 15, 5, "half_peak", "ack_ms_p99");
  add("bytes on disk per event", "B", at_most, 45, 30, "ndjson", "disk_bytes_per_event");
  add("write amplification: bytes written ÷ on disk", "×", at_most, 3, 2, "ndjson", "write_amplification");
  const std::string stored = events_of(results, "history");
  add("CPU per event with " + stored + " stored ÷ with a hundredth of them", "×", at_most, 1.3, 1.05,
      "history", "cpu_ratio_full_to_first");
  add("memory per known id within the budget, " + stored + " stored", "B", at_most, 16, 11, "history",
      "bytes_per_known_id");
  add("new events/s with the ids beyond memory, the last tenth of " + events_of(results, "ids"), "/s",
      at_least, 100'000, 400'000, "ids", "events_per_second_last_tenth");
  add("trickle of " + events_of(results, "trickle") + " one-event requests: bytes per event", "B", at_most,
      150, 80, "trickle", "disk_bytes_per_event");
  add("trickle: start afterwards, after kill -9", "s", at_most, 20, 5, "trickle", "start_after_kill_s");
  add("start after kill -9 with " + stored + " stored", "s", at_most, 60, 15, "history",
      "start_after_kill_s");
  add("recount of all charges from the journal, one core", "/s", at_least, 8e6, 12e6, "history",
      "recount_events_per_second");
  add("one firm's statement with " + stored + " stored, server time", "µs", at_most, 200, 0, "history",
      "statement_server_us");
  add("the events behind one line out of " + stored, "s", at_most, 2, 0.3, "history", "line_events_s");
  add("checkpoints: share of the server's CPU", "%", at_most, 0.05, 0, "checkpoints", "cpu_share");
  add("checkpoints: p99 ÷ without", "×", at_most, 1.5, 0, "checkpoints", "p99_ratio");
  add("10 % duplicates, whole batches: loss of rate", "%", at_most, 0.1, 0.05, "duplicates",
      "loss_whole_batches");
  add("10 % duplicates, scattered over all history: loss of rate", "%", at_most, 0.5, 0.25, "duplicates",
      "loss_scattered");
  return rows;
}

std::vector<Row> other_rows(const Results& results) {
  std::vector<Row> rows;
  const auto add = [&](const std::string& scenario, const char* what, const char* unit, const char* figure) {
    rows.push_back({scenario + ": " + what, unit, at_most, 0, 0, results.values(scenario, figure)});
  };
  for (const Scenario& scenario : scenarios()) {
    const std::string name = scenario.name;
    add(name, "events/s", "/s", "events_per_second");
    add(name, "server CPU per million events", "s", "server_cpu_s_per_million");
    add(name, "the client's CPU per million events", "s", "client_cpu_s_per_million");
    add(name, "acknowledgement, p50", "ms", "ack_ms_p50");
    add(name, "acknowledgement, p99", "ms", "ack_ms_p99");
    add(name, "journal, bytes per event", "B", "journal_bytes_per_event");
    add(name, "checkpoints, bytes per event", "B", "checkpoint_bytes_per_event");
    add(name, "peak memory", "MiB", "peak_memory_mib");
  }
  add("history", "one firm's statement, seen by the client, p50", "µs", "statement_client_us_p50");
  rows.erase(std::remove_if(rows.begin(), rows.end(), [](const Row& row) { return row.values.empty(); }),
             rows.end());
  return rows;
}

std::string machine() {
  utsname name{};
  uname(&name);
  const std::string model = first_line_with("/proc/cpuinfo", "model name");
  const auto gib = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)) /
                   static_cast<double>(1u << 30);
  return std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " cores (" + (model.empty() ? name.machine : model) +
         "), " + shown(std::round(gib)) + " GiB, Linux " + name.release;
}

namespace {

/// That of the last run: results may be read elsewhere than they were found.
std::string machine_of(const Results& results) {
  return results.runs().empty() ? machine() : results.runs().back()["machine"].get<std::string>();
}

/// What PostgreSQL was told, as it was run last; "" where it was not.
std::string postgres_of(const Results& results) {
  for (const char* const scenario : {"postgres_insert", "postgres_copy", "postgres_single"}) {
    const Json figures = results.last(scenario);
    if (figures.is_null()) continue;
    std::string settings = figures["settings"].get<std::string>();
    settings.pop_back();  // the last line's end
    for (std::size_t at = 0; (at = settings.find('\n', at)) != std::string::npos; at += 2) {
      settings.replace(at, 1, ", ");
    }
    return " PostgreSQL " + figures["version"].get<std::string>() + " with " + settings + ".";
  }
  return "";
}

}  // namespace

std::string text_table(const Results& results) {
  std::ostringstream out;
  out << machine_of(results) << "." << postgres_of(results) << "\n\n";
  for (const Row& row : promised_rows(results)) {
    out << row.work << "\n    " << (row.values.empty() ? "" : with_unit(row.median(), row.unit) + "  ")
        << (range(row).empty() ? "" : "(" + range(row) + ")  ") << row.verdict() << "  [bar "
        << limit(row, row.bar) << (row.aim == 0 ? "" : ", aim " + limit(row, row.aim)) << "]\n";
  }
  out << "\n";
  for (const Row& row : other_rows(results)) {
    out << row.work << "  " << with_unit(row.median(), row.unit)
        << (range(row).empty() ? "" : "  (" + range(row) + ")") << "\n";
  }
  return out.str();
}

std::string markdown_table(const Results& results) {
  std::ostringstream out;
  out << machine_of(results) << "; medians, lowest and highest run beside them." << postgres_of(results)
      << "\n\n"
      << "| work | found | runs | bar | aim | |\n|---|---|---|---|---|---|\n";
  for (const Row& row : promised_rows(results)) {
    out << "| " << row.work << " | " << (row.values.empty() ? "" : with_unit(row.median(), row.unit)) << " | "
        << range(row) << " | " << limit(row, row.bar) << " | " << limit(row, row.aim) << " | " << word(row)
        << " |\n";
  }
  out << "\n| figure | median | runs |\n|---|---|---|\n";
  for (const Row& row : other_rows(results)) {
    out << "| " << row.work << " | " << with_unit(row.median(), row.unit) << " | " << range(row) << " |\n";
  }
  return out.str();
}

Json all_as_json(const Results& results) {
  Json rows = Json::array();
  for (const Row& row : promised_rows(results)) {
    rows.push_back({{"work", row.work},
                    {"unit", row.unit},
                    {"bar", row.bar},
                    {"aim", row.aim == 0 ? Json() : Json(row.aim)},
                    {"values", row.values},
                    {"median", row.values.empty() ? Json() : Json(row.median())},
                    {"verdict", row.verdict()}});
  }
  return {{"machine", machine_of(results)}, {"rows", rows}, {"runs", results.runs()}};
}

}  // namespace voucherd::bench

// What is measured: scenarios, each of which can be run alone, and the results that they leave.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/driver/ingest.h"

namespace voucherd::bench {

struct Settings {
  Programs programs;
  std::string directory = "/var/tmp";          // of the daemon's and PostgreSQL's data
  std::string trickle_directory = "/dev/shm";  // one fsync an event: on a disk it would take hours
  std::vector<std::string> only;               // scenarios; empty: all
  int runs = 5;
  bool journal_check = true;

  // Events, at --scale 1.
  std::uint64_t ingest_events = 4'000'000;
  std::uint64_t single_events = 400'000;
  std::uint64_t postgres_insert_events = 4'000'000;
  std::uint64_t postgres_copy_events = 4'000'000;
  std::uint64_t postgres_single_events = 200'000;
  std::uint64_t other_events = 2'000'000;  // of systems that are there for orientation
  std::uint64_t history_events = 100'000'000;
  std::uint64_t ids = 1'000'000'000;
  std::uint64_t ids_memory_bytes = std::uint64_t{2} << 30;
  std::uint64_t trickle_events = 10'000'000;

  void scale(double factor);
};

/// What one run of a scenario found: {"session", "machine", "scenario", "run", "figures": {…}}.
class Results {
 public:
  explicit Results(Json runs = Json::array()) : runs_(std::move(runs)) {}

  void add(const std::string& session, const std::string& scenario, int run, Json figures);
  const Json& runs() const { return runs_; }

  /// A figure of every run that has it.
  std::vector<double> values(const std::string& scenario, const std::string& figure) const;
  /// One figure ÷ another, run by run: only runs of one session that have both.
  std::vector<double> ratios(const std::string& scenario, const std::string& figure,
                             const std::string& to_scenario, const std::string& to_figure) const;
  /// The last run's figures; null where there is none.
  Json last(const std::string& scenario) const;

 private:
  Json runs_;
};

struct Scenario {
  const char* name;
  const char* what;
  bool once;            // too long to be run again and again
  bool (*installed)();  // nullptr: always
  Json (*run)(const Settings&, const Events&);
};

/// In the order in which a run takes them: those that are compared with each other stand together.
const std::vector<Scenario>& scenarios();

/// Runs what settings.only names, so often, and says on stderr how far it is. `keep` gets all results so far
/// after each scenario: hours of them are not lost with the last.
Results run_scenarios(const Settings& settings, const std::function<void(const Results&)>& keep);

// The scenarios, by file.
Json run_ndjson(const Settings& settings, const Events& events);
Json run_batch(const Settings& settings, const Events& events);
Json run_single(const Settings& settings, const Events& events);
Json run_tls(const Settings& settings, const Events& events);
Json run_half_peak(const Settings& settings, const Events& events);
Json run_duplicates(const Settings& settings, const Events& events);
Json run_checkpoints(const Settings& settings, const Events& events);
Json run_history(const Settings& settings, const Events& events);
Json run_ids(const Settings& settings, const Events& events);
Json run_trickle(const Settings& settings, const Events& events);
Json run_postgres_insert(const Settings& settings, const Events& events);
Json run_postgres_copy(const Settings& settings, const Events& events);
Json run_postgres_single(const Settings& settings, const Events& events);
Json run_nats(const Settings& settings, const Events& events);
Json run_victoria_metrics(const Settings& settings, const Events& events);

}  // namespace voucherd::bench

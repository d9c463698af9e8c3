#include "tests/bench/driver/bench.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iostream>
#include <set>

#include "tests/bench/driver/others.h"
#include "tests/bench/driver/postgres.h"
#include "tests/bench/driver/table.h"

namespace voucherd::bench {

namespace {

constexpr std::uint64_t ids_memory_bytes_min = 64u << 20;  // that the daemon's configuration allows
/// Some 2,800 cards metered by the minute.
constexpr std::uint64_t events_per_day = 4'000'000;

std::string session_name() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::tm broken{};
  gmtime_r(&now, &broken);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
  return text;
}

Json run_postgres_way(const Settings& settings, const Events& events, PostgresWay way, std::uint64_t count) {
  PostgresCluster cluster(settings.directory);
  Json figures = run_postgres(cluster, events, way, count);
  figures["version"] = cluster.version();
  figures["settings"] = PostgresCluster::settings();
  return figures;
}

}  // namespace

void Settings::scale(double factor) {
  // Whole requests for every connection, and some for every client.
  const auto scaled = [factor](std::uint64_t& count, std::uint64_t multiple) {
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(count) * factor);
    count = std::max(wanted / multiple, std::uint64_t{1}) * multiple;
  };
  for (std::uint64_t* count : {&ingest_events, &postgres_insert_events, &postgres_copy_events, &other_events,
                               &history_events, &ids}) {
    scaled(*count, 100'000);
  }
  for (std::uint64_t* count : {&single_events, &postgres_single_events, &trickle_events})
    scaled(*count, 1'000);
  ids_memory_bytes =
      static_cast<std::uint64_t>(static_cast<double>(ids_memory_bytes) * std::min(factor, 1.0));
}

void Results::add(const std::string& session, const std::string& scenario, int run, Json figures) {
  runs_.push_back({{"session", session},
                   {"machine", machine()},
                   {"scenario", scenario},
                   {"run", run},
                   {"figures", std::move(figures)}});
}

std::vector<double> Results::values(const std::string& scenario, const std::string& figure) const {
  std::vector<double> values;
  for (const Json& run : runs_) {
    if (run["scenario"] == scenario && run["figures"].contains(figure)) {
      values.push_back(run["figures"][figure].get<double>());
    }
  }
  return values;
}

std::vector<double> Results::ratios(const std::string& scenario, const std::string& figure,
                                    const std::string& to_scenario, const std::string& to_figure) const {
  std::vector<double> ratios;
  for (const Json& one : runs_) {
    if (one["scenario"] != scenario || !one["figures"].contains(figure)) continue;
    for (const Json& other : runs_) {
      if (other["scenario"] != to_scenario || other["session"] != one["session"] ||
          other["run"] != one["run"] || !other["figures"].contains(to_figure)) {
        continue;
      }
      ratios.push_back(one["figures"][figure].get<double>() / other["figures"][to_figure].get<double>());
    }
  }
  return ratios;
}

Json Results::last(const std::string& scenario) const {
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if ((*run)["scenario"] == scenario) return (*run)["figures"];
  }
  return nullptr;
}

Json run_postgres_insert(const Settings& settings, const Events& events) {
  return run_postgres_way(settings, events, PostgresWay::insert, settings.postgres_insert_events);
}
Json run_postgres_copy(const Settings& settings, const Events& events) {
  return run_postgres_way(settings, events, PostgresWay::copy, settings.postgres_copy_events);
}
Json run_postgres_single(const Settings& settings, const Events& events) {
  return run_postgres_way(settings, events, PostgresWay::single, settings.postgres_single_events);
}

Json run_nats(const Settings& settings, const Events& events) {
  const ScratchDirectory directory(settings.directory);
  return run_nats_stream(directory.path(), events, settings.other_events);
}
Json run_victoria_metrics(const Settings& settings, const Events& events) {
  const ScratchDirectory directory(settings.directory);
  return run_victoria_import(directory.path(), events, settings.other_events);
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"ndjson", "1,000 events a request as NDJSON, 4 connections × 4 in flight", false, nullptr, run_ndjson},
      {"batch", "the same as a CloudEvents batch", false, nullptr, run_batch},
      {"postgres_insert", "PostgreSQL, 2 clients, 1,000-row INSERT … ON CONFLICT", false,
       PostgresCluster::installed, run_postgres_insert},
      {"postgres_copy", "PostgreSQL, 2 clients, COPY + INSERT … ON CONFLICT", false,
       PostgresCluster::installed, run_postgres_copy},
      {"single", "one event a request, 64 connections", false, nullptr, run_single},
      {"postgres_single", "PostgreSQL, 64 clients, one prepared row a transaction", false,
       PostgresCluster::installed, run_postgres_single},
      {"nats", "NATS JetStream, one connection, 8,000 messages under way", false, nats_installed, run_nats},
      {"victoria_metrics", "VictoriaMetrics, 1,000 lines of CSV a request", false, victoria_metrics_installed,
       run_victoria_metrics},
      {"tls", "the NDJSON load plain and over TLS, in turn", false, nullptr, run_tls},
      {"half_peak", "open load at half the peak rate", false, nullptr, run_half_peak},
      {"checkpoints", "the same load with checkpoints and without", false, nullptr, run_checkpoints},
      {"duplicates", "10 % duplicates: whole batches, and scattered", false, nullptr, run_duplicates},
      {"history", "many stored events: CPU, look-ups, a start after kill -9", true, nullptr, run_history},
      {"trickle", "one event a request, one after another, then a start", true, nullptr, run_trickle},
      {"ids", "ids beyond the memory that is allowed for them", true, nullptr, run_ids},
  };
  return all;
}

Results run_scenarios(const Settings& settings, const std::function<void(const Results&)>& keep) {
  const std::set<std::string> only(settings.only.begin(), settings.only.end());
  const auto wanted = [&only](const Scenario& scenario) {
    if (scenario.installed != nullptr && !scenario.installed()) return false;
    return only.empty() || only.count(scenario.name) != 0;
  };
  const std::string session = session_name();
  const Events events(events_per_day);
  Results results;
  for (int run = 1; run <= settings.runs; ++run) {
    for (const Scenario& scenario : scenarios()) {
      if (!wanted(scenario) || (scenario.once && run > 1)) continue;
      std::cerr << "run " << run << " of " << settings.runs << ": " << scenario.name << ", " << scenario.what
                << std::endl;
      results.add(session, scenario.name, run, scenario.run(settings, events));
      keep(results);
    }
  }
  return results;
}

}  // namespace voucherd::bench

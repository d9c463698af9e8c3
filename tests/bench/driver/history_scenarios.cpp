// Scenarios on a long history: what an event costs when many are stored, what look-ups and a start take,
// ids beyond their memory, and a trickle of small records.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "tests/bench/driver/bench.h"

namespace voucherd::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t batch_events = 1000;
constexpr LoadShape batch_shape{4, 4, 0};
constexpr std::uint64_t windows = 100;  // points of the plot

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a load costs as events pile up: a point for each hundredth of it.
class Windows {
 public:
  Windows(Daemon& daemon, std::uint64_t events)
      : daemon_(daemon), window_(events / windows), cpu_(daemon.process().cpu_seconds()) {}

  void observe(std::uint64_t events, double ms) {
    latency_ms_.push_back(static_cast<float>(ms));
    if (events < next_ + window_) return;
    const double cpu = daemon_.process().cpu_seconds();
    const auto count = static_cast<double>(events - next_);
    points_.push_back({{"stored", events},
                       {"events_per_second", count / seconds_since(start_)},
                       {"server_cpu_s_per_million", (cpu - cpu_) / count * 1e6},
                       {"ack_ms_p50", quantile(latency_ms_, 0.5)},
                       {"ack_ms_p99", quantile(latency_ms_, 0.99)},
                       {"memory_mib", daemon_.resident_memory_mib()}});
    next_ = events;
    cpu_ = cpu;
    start_ = Clock::now();
    latency_ms_.clear();
  }
  const Json& points() const { return points_; }
  /// The mean of a figure over some points.
  double mean(std::size_t from, std::size_t until, const char* figure) const {
    double sum = 0;
    for (std::size_t i = from; i < until; ++i) sum += points_.at(i).at(figure).get<double>();
    return sum / static_cast<double>(until - from);
  }

 private:
  Daemon& daemon_;
  std::uint64_t window_, next_ = 0;
  double cpu_;
  Clock::time_point start_ = Clock::now();
  std::vector<float> latency_ms_;
  Json points_ = Json::array();
};

Json fill(Daemon& daemon, const Events& events, std::uint64_t count, Windows& points) {
  Stream stream;
  stream.requests = count / batch_events;
  return run_stream(daemon, events, stream, batch_shape,
                    [&points](std::uint64_t done, double ms) { points.observe(done, ms); });
}

void look_at_disk(const Daemon& daemon, std::uint64_t count, Json& figures) {
  const auto stored = static_cast<double>(count);
  figures["journal_bytes_per_event"] = static_cast<double>(daemon.journal_bytes()) / stored;
  figures["checkpoint_bytes_per_event"] = static_cast<double>(daemon.checkpoint_bytes()) / stored;
  figures["disk_bytes_per_event"] =
      figures["journal_bytes_per_event"].get<double>() + figures["checkpoint_bytes_per_event"].get<double>();
}

/// Every firm's statement once, on one connection: what the server spends on each, HTTP included, and what
/// the client waits.
void ask_for_statements(Daemon& daemon, Json& figures) {
  HttpClient client(daemon.api());
  std::vector<float> latency_us;
  const double cpu = daemon.process().cpu_seconds();
  for (int firm = 0; firm < firms; ++firm) {
    const auto start = Clock::now();
    client.get("/v1/statements/" + std::string(first_month) + "/" + firm_code(firm) + ".json");
    latency_us.push_back(static_cast<float>(seconds_since(start) * 1e6));
  }
  figures["statement_server_us"] = (daemon.process().cpu_seconds() - cpu) / firms * 1e6;
  figures["statement_client_us_p50"] = quantile(latency_us, 0.5);
  figures["statement_client_us_p99"] = quantile(latency_us, 0.99);
}

/// The events behind a line of some firms' statements, all of them, counted against what was sent.
void ask_for_lines(const Daemon& daemon, const Events& events, std::uint64_t count, Json& figures) {
  HttpClient client(daemon.api());
  std::vector<float> seconds;
  for (int i = 0; i < 5; ++i) {
    const int firm = i * 199, sku = i * 7;
    std::int64_t sent = 0;
    for (EventNumber number = 0; number < count; ++number) {
      const int day = events.day(number);
      sent += events.firm(number) == firm && events.sku(number) == sku && day >= first_month_from &&
              day < first_month_until;
    }
    const auto start = Clock::now();
    const std::string found = client.get(
        "/v1/events?from=2025-02-01&until=2025-03-01&subject=" + firm_code(firm) + "&sku=" + sku_name(sku),
        "application/x-ndjson");
    seconds.push_back(static_cast<float>(seconds_since(start)));
    if (const auto lines = std::count(found.begin(), found.end(), '\n'); lines != sent) {
      fail("a line has " + std::to_string(lines) + " events behind it; " + std::to_string(sent) +
           " were sent");
    }
  }
  figures["line_events_s"] = quantile(seconds, 0.5);
  figures["line_events_s_max"] = quantile(seconds, 1);
}

/// Ends the daemon as a crash would, and starts it again.
double start_after_kill(const Settings& settings, const std::string& directory, const std::string& toml,
                        std::unique_ptr<Daemon>& daemon) {
  daemon->kill();
  daemon = std::make_unique<Daemon>(settings.programs, directory, toml);
  return daemon->start_seconds();
}

void stop_and_check(const Settings& settings, const std::string& directory, Daemon& daemon, Json& figures) {
  daemon.stop();
  if (!settings.journal_check) return;
  const auto start = Clock::now();
  check_journal(settings.programs, directory);
  figures["journal_check_s"] = seconds_since(start);
  const Json recount = recount_journal(settings.programs, directory);  // on one core
  figures["recount_events_per_second"] =
      recount["events"].get<double>() /
      (recount["seconds"].get<double>() + recount["charge_seconds"].get<double>());
}

}  // namespace

Json run_history(const Settings& settings, const Events& events) {
  const ScratchDirectory directory(settings.directory);
  auto daemon = std::make_unique<Daemon>(settings.programs, directory.path());
  daemon->register_facts();
  Windows points(*daemon, settings.history_events);
  Json figures = fill(*daemon, events, settings.history_events, points);
  // With one hundredth stored: 1 M of 100 M.
  figures["cpu_ratio_full_to_first"] = points.mean(windows - 5, windows, "server_cpu_s_per_million") /
                                       points.mean(1, 6, "server_cpu_s_per_million");
  look_at_disk(*daemon, settings.history_events, figures);
  figures["peak_memory_mib"] = daemon->peak_memory_mib();
  const auto metrics = daemon->metrics();
  figures["bytes_per_known_id"] =
      metrics.at("voucherd_identity_memory_bytes") / static_cast<double>(settings.history_events);
  figures["start_after_kill_s"] = start_after_kill(settings, directory.path(), "", daemon);
  figures["memory_after_start_mib"] = daemon->peak_memory_mib();
  ask_for_statements(*daemon, figures);
  ask_for_lines(*daemon, events, settings.history_events, figures);
  check_events(*daemon, events, settings.history_events);
  stop_and_check(settings, directory.path(), *daemon, figures);
  figures["points"] = points.points();
  return figures;
}

Json run_ids(const Settings& settings, const Events& events) {
  const ScratchDirectory directory(settings.directory);
  const std::string toml =
      "[memory]\nidentity_bytes_max = " + std::to_string(settings.ids_memory_bytes) + "\n";
  auto daemon = std::make_unique<Daemon>(settings.programs, directory.path(), toml);
  daemon->register_facts();
  Windows points(*daemon, settings.ids);
  Json figures = fill(*daemon, events, settings.ids, points);
  figures["events_per_second_last_tenth"] = points.mean(windows - windows / 10, windows, "events_per_second");
  figures["identity_bytes_max"] = settings.ids_memory_bytes;
  figures["identity_memory_bytes"] = daemon->metrics().at("voucherd_identity_memory_bytes");
  look_at_disk(*daemon, settings.ids, figures);
  figures["peak_memory_mib"] = daemon->peak_memory_mib();
  for (const auto& [name, value] : daemon->metrics()) {
    if (name.rfind("voucherd_identities", 0) == 0) figures[name] = value;
  }
  figures["start_after_kill_s"] = start_after_kill(settings, directory.path(), toml, daemon);
  check_events(*daemon, events, settings.ids);
  stop_and_check(settings, directory.path(), *daemon, figures);
  figures["points"] = points.points();
  return figures;
}

Json run_trickle(const Settings& settings, const Events& events) {
  const ScratchDirectory directory(settings.trickle_directory);
  auto daemon = std::make_unique<Daemon>(settings.programs, directory.path());
  daemon->register_facts();
  Stream stream;
  stream.form = BodyForm::single;
  stream.requests = settings.trickle_events;
  stream.batch = 1;
  // One request at a time: a commit group each, as where they come 5 ms apart.
  Json figures = run_stream(*daemon, events, stream, {1, 1, 0});
  look_at_disk(*daemon, settings.trickle_events, figures);
  figures["directory"] = settings.trickle_directory;
  figures["peak_memory_mib"] = daemon->peak_memory_mib();
  figures["start_after_kill_s"] = start_after_kill(settings, directory.path(), "", daemon);
  check_events(*daemon, events, settings.trickle_events);
  stop_and_check(settings, directory.path(), *daemon, figures);
  return figures;
}

}  // namespace voucherd::bench

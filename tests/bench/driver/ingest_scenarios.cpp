// Scenarios on a fresh daemon: how fast it takes events in, and how long they wait.
#include <algorithm>

#include "tests/bench/driver/bench.h"

namespace voucherd::bench {

namespace {

constexpr std::uint32_t batch_events = 1000;
constexpr LoadShape batch_shape{4, 4, 0};
constexpr LoadShape single_shape{64, 1, 0};

Stream batches(BodyForm form, EventNumber first, std::uint64_t events) {
  Stream stream;
  stream.form = form;
  stream.first = first;
  stream.requests = events / batch_events;
  stream.batch = batch_events;
  return stream;
}

/// What is looked at when a load is over: the disk, the memory, and that all of it is true.
void finish(const Settings& settings, Daemon& daemon, const std::string& directory, const Events& events,
            std::uint64_t count, Json& figures) {
  const auto journal = static_cast<double>(daemon.journal_bytes());
  const auto checkpoints = static_cast<double>(daemon.checkpoint_bytes());
  const auto stored = static_cast<double>(count);
  figures["journal_bytes_per_event"] = journal / stored;
  figures["checkpoint_bytes_per_event"] = checkpoints / stored;
  figures["disk_bytes_per_event"] = (journal + checkpoints) / stored;
  figures["write_amplification"] =
      figures["written_bytes_per_event"].get<double>() / figures["disk_bytes_per_event"].get<double>();
  figures["peak_memory_mib"] = daemon.peak_memory_mib();
  check_events(daemon, events, count);
  // Every acknowledged identity is found: sent once more, each is told to be a duplicate.
  Stream again = batches(BodyForm::ndjson, 0, count);
  again.sent_before = true;
  run_stream(daemon, events, again, batch_shape);
  daemon.stop();
  if (!settings.journal_check) return;
  check_journal(settings.programs, directory);
  recount_journal(settings.programs, directory);
}

Json run_ingest(const Settings& settings, const Events& events, const Stream& stream,
                const LoadShape& shape) {
  const ScratchDirectory directory(settings.directory);
  Daemon daemon(settings.programs, directory.path());
  daemon.register_facts();
  Json figures = run_stream(daemon, events, stream, shape);
  figures["event_bytes"] = json_form().size();
  finish(settings, daemon, directory.path(), events, stream.requests * stream.batch, figures);
  return figures;
}

}  // namespace

Json run_ndjson(const Settings& settings, const Events& events) {
  return run_ingest(settings, events, batches(BodyForm::ndjson, 0, settings.ingest_events), batch_shape);
}

Json run_batch(const Settings& settings, const Events& events) {
  return run_ingest(settings, events, batches(BodyForm::batch, 0, settings.ingest_events), batch_shape);
}

Json run_single(const Settings& settings, const Events& events) {
  Stream stream;
  stream.form = BodyForm::single;
  stream.requests = settings.single_events;
  stream.batch = 1;
  return run_ingest(settings, events, stream, single_shape);
}

Json run_tls(const Settings& settings, const Events& events) {
  struct Sums {
    double cpu = 0, rate = 0, client_cpu = 0;
    std::vector<float> p99;
  };
  constexpr int rounds = 3;  // in turn, so that what the machine does meanwhile meets both alike
  const auto add_run = [&](bool over_tls, Sums& sums) {
    const ScratchDirectory directory(settings.directory);
    const auto daemon = over_tls ? Daemon::over_tls(settings.programs, directory.path())
                                 : std::make_unique<Daemon>(settings.programs, directory.path());
    daemon->register_facts();
    const Json figures =
        run_stream(*daemon, events, batches(BodyForm::ndjson, 0, settings.ingest_events), batch_shape);
    daemon->stop();
    sums.cpu += figures["server_cpu_s_per_million"].get<double>() / rounds;
    sums.rate += figures["events_per_second"].get<double>() / rounds;
    sums.client_cpu += figures["client_cpu_s_per_million"].get<double>() / rounds;
    sums.p99.push_back(figures["ack_ms_p99"].get<float>());
  };
  Sums plain, tls;
  for (int round = 0; round < rounds; ++round) {
    add_run(false, plain);
    add_run(true, tls);
  }
  return {{"events", settings.ingest_events * 2 * rounds},
          {"plain_server_cpu_s_per_million", plain.cpu},
          {"tls_server_cpu_s_per_million", tls.cpu},
          {"tls_cost_cpu_s_per_million", tls.cpu - plain.cpu},
          {"plain_events_per_second", plain.rate},
          {"tls_events_per_second", tls.rate},
          {"plain_client_cpu_s_per_million", plain.client_cpu},
          {"tls_client_cpu_s_per_million", tls.client_cpu},
          {"plain_ack_ms_p99", quantile(plain.p99, 0.5)},
          {"tls_ack_ms_p99", quantile(tls.p99, 0.5)}};
}

Json run_half_peak(const Settings& settings, const Events& events) {
  const ScratchDirectory directory(settings.directory);
  Daemon daemon(settings.programs, directory.path());
  daemon.register_facts();
  const std::uint64_t half = settings.ingest_events / 2;
  const Json peak = run_stream(daemon, events, batches(BodyForm::ndjson, 0, half), batch_shape);
  const double peak_rate = peak["events_per_second"].get<double>();
  // More connections than a server of two cores needs; what is due and finds none waits, and that counts.
  const LoadShape open{8, 4, peak_rate / 2 / batch_events};
  Json figures = run_stream(daemon, events, batches(BodyForm::ndjson, half, half), open);
  figures["peak_events_per_second"] = peak_rate;
  finish(settings, daemon, directory.path(), events, 2 * half, figures);
  return figures;
}

Json run_duplicates(const Settings& settings, const Events& events) {
  const ScratchDirectory directory(settings.directory);
  Daemon daemon(settings.programs, directory.path());
  daemon.register_facts();
  constexpr std::uint32_t one_in = 10;
  constexpr int rounds = 4;  // in turn, so that what the machine does meanwhile meets all alike
  std::uint64_t stored = 0;
  Json figures;
  /// Returns the seconds that it took.
  const auto load = [&](std::uint64_t count, std::uint32_t batches_one_in, std::uint32_t events_one_in) {
    Stream stream = batches(BodyForm::ndjson, stored, count);
    stream.repeated_batches_one_in = batches_one_in;
    stream.repeated_events_one_in = events_one_in;
    stored += StreamLoad(events, stream).new_events(stream.requests);
    figures = run_stream(daemon, events, stream, batch_shape);
    return static_cast<double>(count) / figures["events_per_second"].get<double>();
  };
  load(settings.ingest_events, 0, 0);
  const std::uint64_t part = settings.ingest_events / rounds;
  double without = 0, whole = 0, scattered = 0;
  for (int round = 0; round < rounds; ++round) {
    without += load(part, 0, 0);
    whole += load(part, one_in, 0);
    scattered += load(part, 0, one_in);
  }
  finish(settings, daemon, directory.path(), events, stored, figures);
  const auto count = static_cast<double>(part * rounds);
  return {{"events", stored},
          {"events_per_second_without", count / without},
          {"events_per_second_whole_batches", count / whole},
          {"events_per_second_scattered", count / scattered},
          {"loss_whole_batches", 1 - without / whole},
          {"loss_scattered", 1 - without / scattered},
          {"peak_memory_mib", figures["peak_memory_mib"]}};
}

Json run_checkpoints(const Settings& settings, const Events& events) {
  struct Sums {
    double cpu = 0;
    double process_seconds = 0, checkpoint_seconds = 0;
    std::vector<float> p99;
  };
  constexpr int rounds = 4;  // in turn: what the machine does meanwhile is more than what is looked for
  const auto add_run = [&](const std::string& toml, Sums& sums) {
    const ScratchDirectory directory(settings.directory);
    Daemon daemon(settings.programs, directory.path(), toml);
    daemon.register_facts();
    const Json figures =
        run_stream(daemon, events, batches(BodyForm::ndjson, 0, settings.ingest_events), batch_shape);
    sums.process_seconds += daemon.process().cpu_seconds();
    sums.checkpoint_seconds += daemon.metrics().at("voucherd_checkpoint_cpu_seconds_total");
    daemon.stop();
    sums.cpu += figures["server_cpu_s_per_million"].get<double>();
    sums.p99.push_back(figures["ack_ms_p99"].get<float>());
  };
  Sums on, off;
  for (int round = 0; round < rounds; ++round) {
    add_run("", on);
    add_run("[data]\ncheckpoint_every_events = 1000000000000\ncheckpoint_every_records = 1000000000\n", off);
  }
  return {{"events", rounds * settings.ingest_events},
          {"cpu_share", on.checkpoint_seconds / on.process_seconds},
          {"cpu_share_by_difference", 1 - off.cpu / on.cpu},
          {"p99_ratio", quantile(on.p99, 0.5) / quantile(off.p99, 0.5)}};
}

}  // namespace voucherd::bench

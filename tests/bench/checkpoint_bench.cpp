// What a checkpoint of a large state costs: 1,000 firms × 40 SKUs × 31 days × 4 projects, the records of
// 100 million events, 100,000 quarantine entries. `freeze` is what the owner thread stands still for; `save`
// is the other thread's, `load` a start's. And a statement's totals out of that state.
#include <benchmark/benchmark.h>

#include "metering/state/usage_state.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr int firms = 1'000, skus = 40, days = 31, projects = 4, quarantined = 100'000;

/// One event of each firm and SKU on a day, for a project.
UsageRecord record_of(int day, int project) {
  UsageRecord record;
  for (int firm = 0; firm < firms; ++firm) {
    for (int sku = 0; sku < skus; ++sku) {
      const std::string subject = "91500000MA5U" + std::to_string(100'000 + firm);
      const std::string name = "sku-" + std::to_string(sku);
      const std::string label = "project-" + std::to_string((firm * 7 + project) % 50);
      EventView event;
      event.source = "/centre/slurm";
      event.id = "job";
      event.subject = subject;
      event.sku = name;
      event.project = label;
      event.time = Instant{test::sample_start_ms + day * day_ms};
      event.quantity = Quantity{Int128{1'250'000'000} + firm * 1'000'000};
      record.events.append(event);
    }
  }
  return record;
}

void quarantine_some(UsageRecord& record) {
  for (int i = 0; i < quarantined; ++i) {
    const std::string number = std::to_string(i);
    record.quarantined.push_back({.code = ReasonCode::firm_unknown,
                                  .detail = "the firm 91500000MA5U is not registered; register it first",
                                  .source = "/centre/slurm",
                                  .id = "job-" + number,
                                  .subject = "91500000MA5U" + number,
                                  .sku = "gpu.a800",
                                  .months = {{675}, {675}},
                                  .corrects_source = {},
                                  .corrects_id = {},
                                  .raw = {},
                                  .fingerprint = static_cast<std::uint64_t>(i)});
  }
}

UsageState& large_state() {
  static UsageState state = [] {
    UsageState made(UtcOffset{480});
    RecordHeader header{.position = 1, .intake_time = {test::sample_start_ms}};
    const auto fold = [&](UsageRecord record) {
      ++header.position;
      record.first_ordinal = made.events();
      made.apply(header, record, {});
    };
    for (int day = 0; day < days; ++day) {
      for (int project = 0; project < projects; ++project) fold(record_of(day, project));
    }
    UsageRecord bad;
    quarantine_some(bad);
    fold(std::move(bad));
    // Records of many sizes: no two of them are a run.
    UsageRecord some;
    const UsageRecord one = record_of(0, 0);
    for (int i = 0; i < 20'000; ++i) {
      if (some.events.size() > 7) some = {};
      some.events.append(one.events.at(0));
      fold(some);
    }
    return made;
  }();
  return state;
}

void freeze(benchmark::State& state) {
  UsageState& usage = large_state();
  for (auto _ : state) {
    benchmark::DoNotOptimize(usage.freeze());
    usage.thaw();
  }
}
BENCHMARK(freeze)->Unit(benchmark::kMillisecond);

void save(benchmark::State& state) {
  const auto snapshot = large_state().freeze();
  std::size_t bytes = 0;
  for (auto _ : state) {
    std::string out;
    snapshot.save(out);
    bytes = out.size();
  }
  large_state().thaw();
  state.counters["MB"] = static_cast<double>(bytes) / 1e6;
}
BENCHMARK(save)->Unit(benchmark::kMillisecond);

void load(benchmark::State& state) {
  std::string bytes;
  large_state().save(bytes);
  for (auto _ : state) {
    std::string_view in = bytes;
    benchmark::DoNotOptimize(UsageState::load(in));
  }
}
BENCHMARK(load)->Unit(benchmark::kMillisecond);

/// One fold of 1,000 events while the state is frozen (1), and when it is not (0).
void fold_beside(benchmark::State& state) {
  UsageState& usage = large_state();
  UsageRecord record = record_of(30, 0);
  static RecordHeader header{.position = 1'000'000, .intake_time = {test::sample_start_ms}};
  if (state.range(0) == 1) benchmark::DoNotOptimize(usage.freeze());
  for (auto _ : state) {
    header.position += 2;
    record.first_ordinal = usage.events();
    usage.apply(header, record, {});
  }
  if (state.range(0) == 1) usage.thaw();
  state.SetItemsProcessed(state.iterations() * std::int64_t{record.events.size()});
}
BENCHMARK(fold_beside)->Arg(0)->Arg(1)->Iterations(20);

void totals_of_a_firm_and_month(benchmark::State& state) {
  const UsageState& usage = large_state();
  const FirmId firm("91500000MA5U100500");
  const LocalDay first{static_cast<std::int32_t>(test::sample_start_ms / day_ms)};
  for (auto _ : state) {
    benchmark::DoNotOptimize(usage.totals().of(firm, first, LocalDay{first.days + days + 1}));
  }
}
BENCHMARK(totals_of_a_firm_and_month)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace voucherd

// What the state costs per event: columns, their bytes, the index of identities, the totals.
// Groups are of the size that a busy writer makes: 4,000 to 8,000 events.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "metering/state/identity_index.h"
#include "metering/state/totals.h"
#include "metering/state/usage_record.h"
#include "metering/state/usage_state.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

std::vector<test::SampleEvent> ordinary_events(std::int64_t count) {
  test::Random random(1);
  std::vector<test::SampleEvent> events;
  for (std::int64_t i = 0; i < count; ++i) {
    events.push_back(test::ordinary_event(random, test::sample_start_ms + i));
  }
  return events;
}

UsageRecord record_of(const std::vector<test::SampleEvent>& events) {
  UsageRecord record;
  for (const test::SampleEvent& event : events) record.events.append(event.view());
  return record;
}

void count_events(benchmark::State& state, std::int64_t per_iteration) {
  state.SetItemsProcessed(state.iterations() * per_iteration);
}

void append(benchmark::State& state) {
  const auto events = ordinary_events(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(record_of(events));
  count_events(state, state.range(0));
}
BENCHMARK(append)->Arg(100)->Arg(6'000);

void encode(benchmark::State& state) {
  const UsageRecord record = record_of(ordinary_events(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) bytes = record.encode().size();
  count_events(state, state.range(0));
  state.counters["bytes_per_event"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}
BENCHMARK(encode)->Arg(10)->Arg(100)->Arg(4'000)->Arg(8'000);

void decode(benchmark::State& state) {
  const std::string bytes = record_of(ordinary_events(state.range(0))).encode();
  for (auto _ : state) benchmark::DoNotOptimize(UsageRecord::decode(bytes));
  count_events(state, state.range(0));
}
BENCHMARK(decode)->Arg(100)->Arg(4'000)->Arg(8'000);

void hash_identity(benchmark::State& state) {
  const auto events = ordinary_events(6'000);
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const auto& event : events) sum += identity_hash(event.source, event.id, 7);
    benchmark::DoNotOptimize(sum);
  }
  count_events(state, std::ssize(events));
}
BENCHMARK(hash_identity);

void identity_insert(benchmark::State& state) {
  for (auto _ : state) {
    test::Random random(1);
    IdentityIndex index;
    for (std::int64_t i = 0; i < state.range(0); ++i) index.insert(random(), static_cast<EventOrdinal>(i));
    state.counters["bytes_per_identity"] =
        static_cast<double>(index.memory_bytes()) / static_cast<double>(state.range(0));
  }
  count_events(state, state.range(0));
}
BENCHMARK(identity_insert)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

/// Looks up new identities as ingest does: the slots of a batch are asked for ahead.
void identity_find(benchmark::State& state) {
  test::Random random(1);
  IdentityIndex index;
  for (std::int64_t i = 0; i < state.range(0); ++i) index.insert(random(), static_cast<EventOrdinal>(i));
  constexpr std::size_t batch = 1'000, ahead = 16;
  std::vector<std::uint64_t> hashes(batch);
  std::uint64_t found = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::uint64_t& hash : hashes) hash = random();
    state.ResumeTiming();
    for (std::size_t i = 0; i < batch; ++i) {
      index.prefetch(hashes[std::min(i + ahead, batch - 1)]);
      found += index.find(hashes[i], [](EventOrdinal) { return true; }) ? 1u : 0u;
    }
  }
  benchmark::DoNotOptimize(found);
  count_events(state, batch);
}
BENCHMARK(identity_find)->Arg(10'000'000);

void totals_add(benchmark::State& state) {
  test::Random random(1);
  Totals totals;
  struct Addition {
    std::uint32_t firm, sku, project;
    LocalDay day;
  };
  std::vector<Addition> additions(1'000'000);
  for (Addition& a : additions) {
    a = {totals.firm_number(std::to_string(test::between(random, 1, 1'000))),
         totals.sku_number(std::to_string(test::between(random, 1, 40))),
         totals.project_number(std::to_string(test::between(random, 1, 8))),
         LocalDay{static_cast<std::int32_t>(test::between(random, 20'000, 20'000 + state.range(0) - 1))}};
  }
  for (auto _ : state) {
    for (const Addition& a : additions) totals.add(a.firm, a.day, a.sku, a.project, Quantity{1'000'000});
  }
  count_events(state, std::ssize(additions));
}
BENCHMARK(totals_add)->Arg(1)->Arg(30)->Unit(benchmark::kMillisecond);

void fold_record(benchmark::State& state) {
  UsageRecord record = record_of(ordinary_events(state.range(0)));
  UsageState usage(UtcOffset{});
  RecordHeader header{
      .position = 1, .intake_time = {test::sample_start_ms}, .type = RecordType::usage, .version = 1};
  for (auto _ : state) {
    ++header.position;
    record.first_ordinal = usage.events();
    usage.apply(header, record, {});
  }
  count_events(state, state.range(0));
}
BENCHMARK(fold_record)->Arg(100)->Arg(6'000);

}  // namespace
}  // namespace voucherd
